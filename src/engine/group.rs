//! Group commit: how many jobs go into the next commit, and when.

use tokio::sync::mpsc;

/// So often in a row the other tasks are let run without a new job coming, before a commit begins.
const QUIET_TURNS: usize = 2;

/// Collects jobs for commits. Nothing waits for a timer: what queued while the last commit was under way is the next
/// one, together with what tasks that are ready to run hand in now. So an idle system commits a job at once, and the
/// slower commits are, the more each of them carries.
pub(super) struct Group<T> {
    jobs: mpsc::Receiver<T>,
    max: usize,
}

impl<T> Group<T> {
    pub(super) const fn new(jobs: mpsc::Receiver<T>, max: usize) -> Self {
        Self { jobs, max }
    }

    /// The jobs of the next commit; `None` when no more can come.
    pub(super) async fn next(&mut self) -> Option<Vec<T>> {
        let mut batch = Vec::with_capacity(self.jobs.len().clamp(1, self.max));
        if self.jobs.recv_many(&mut batch, self.max).await == 0 {
            return None;
        }
        let mut quiet = 0;
        while batch.len() < self.max && quiet < QUIET_TURNS {
            tokio::task::yield_now().await;
            let before = batch.len();
            while batch.len() < self.max
                && let Ok(job) = self.jobs.try_recv()
            {
                batch.push(job);
            }
            quiet = if batch.len() == before { quiet + 1 } else { 0 };
        }
        Some(batch)
    }

    pub(super) fn waiting(&self) -> usize {
        self.jobs.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_commit_takes_what_has_queued_and_waits_for_nothing() {
        let (sender, jobs) = mpsc::channel(100);
        let mut group = Group::new(jobs, 50);
        let start = tokio::time::Instant::now();
        sender.send(1).await.unwrap();
        assert_eq!(group.next().await, Some(vec![1]));
        for job in 0..70 {
            sender.send(job).await.unwrap();
        }
        assert_eq!(group.next().await.map(|batch| batch.len()), Some(50));
        assert_eq!(group.next().await.map(|batch| batch.len()), Some(20));
        assert_eq!(start.elapsed(), std::time::Duration::ZERO);
        drop(sender);
        assert_eq!(group.next().await, None);
    }

    #[tokio::test]
    async fn a_commit_takes_what_ready_tasks_hand_in() {
        let (sender, jobs) = mpsc::channel(100);
        let mut group = Group::new(jobs, 50);
        for job in 0..10 {
            let sender = sender.clone();
            tokio::spawn(async move { sender.send(job).await.unwrap() });
        }
        assert_eq!(group.next().await.map(|batch| batch.len()), Some(10));
    }
}

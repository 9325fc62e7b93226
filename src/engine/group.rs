//! Group commit: how many jobs go into the next commit, and when.

use std::time::Duration;

use tokio::sync::mpsc;

/// A commit that carried at least this many jobs means load, and under load the next one may wait for company.
const BUSY_JOBS: usize = 6;

/// Collects jobs for commits. An idle system commits a job at once; under load a commit waits up to `wait` for more,
/// because a commit of fifty rows costs little more than one of five.
pub(super) struct Group<T> {
    jobs: mpsc::Receiver<T>,
    max: usize,
    wait: Duration,
    last: usize,
}

impl<T> Group<T> {
    pub(super) const fn new(jobs: mpsc::Receiver<T>, max: usize, wait: Duration) -> Self {
        Self { jobs, max, wait, last: 0 }
    }

    /// The jobs of the next commit; `None` when no more can come.
    pub(super) async fn next(&mut self) -> Option<Vec<T>> {
        let mut batch = Vec::with_capacity(self.last.max(8));
        if self.jobs.recv_many(&mut batch, self.max).await == 0 {
            return None;
        }
        if self.last >= BUSY_JOBS && batch.len() < self.max && !self.wait.is_zero() {
            let deadline = tokio::time::sleep(self.wait);
            tokio::pin!(deadline);
            while batch.len() < self.max {
                let room = self.max - batch.len();
                tokio::select! {
                    biased;
                    got = self.jobs.recv_many(&mut batch, room) => if got == 0 { break },
                    () = &mut deadline => break,
                }
            }
        }
        self.last = batch.len();
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
    async fn an_idle_system_commits_at_once_and_a_busy_one_waits() {
        let (sender, jobs) = mpsc::channel(100);
        let mut group = Group::new(jobs, 50, Duration::from_millis(2));
        let start = tokio::time::Instant::now();
        sender.send(1).await.expect("open");
        assert_eq!(group.next().await, Some(vec![1]));
        assert_eq!(start.elapsed(), Duration::ZERO);
        for job in 0..20 {
            sender.send(job).await.expect("open");
        }
        assert_eq!(group.next().await.map(|batch| batch.len()), Some(20));
        assert_eq!(start.elapsed(), Duration::ZERO);
        sender.send(1).await.expect("open");
        assert_eq!(group.next().await, Some(vec![1]));
        assert_eq!(start.elapsed(), Duration::from_millis(2));
        drop(sender);
        assert_eq!(group.next().await, None);
    }
}

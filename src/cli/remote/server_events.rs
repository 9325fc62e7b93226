//! Server-sent events, as they come out of an answer.

use std::time::Duration;

use anyhow::Context as _;
use futures_util::stream::{Stream, StreamExt as _};

use super::super::{Exit, Failure, Outcome};

/// A server says something at least this often, if only that it is there.
const SILENCE_MAX: Duration = Duration::from_mins(1);
/// A longer event is none of ours.
const EVENT_BYTES_MAX: usize = 1024 * 1024;

/// One event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ServerEvent {
    pub(super) id: Option<String>,
    pub(super) name: String,
    /// Empty where it only tells how far the stream is.
    pub(super) data: String,
}

/// The events of an answer.
pub(super) struct ServerEvents<S> {
    pieces: S,
    text: Vec<u8>,
}

impl<B: AsRef<[u8]>, S: Stream<Item = reqwest::Result<B>> + Unpin> ServerEvents<S> {
    pub(super) fn new(pieces: S) -> Self {
        Self { pieces, text: Vec::new() }
    }

    /// The next one; none when the answer has ended. What it had begun to say then is nothing.
    pub(super) async fn next(&mut self) -> Outcome<Option<ServerEvent>> {
        loop {
            if let Some(end) = self.text.windows(2).position(|two| two == b"\n\n") {
                let event: Vec<u8> = self.text.drain(..end + 2).collect();
                return Ok(Some(read(&String::from_utf8_lossy(&event))));
            }
            if self.text.len() > EVENT_BYTES_MAX {
                return Err(Failure::new(Exit::Failed, "the server sent an event without an end"));
            }
            let piece = tokio::time::timeout(SILENCE_MAX, self.pieces.next()).await;
            let piece = piece.map_err(|_| Failure::new(Exit::TimedOut, "the server fell silent"))?;
            let Some(piece) = piece else { return Ok(None) };
            self.text.extend_from_slice(piece.context("the stream broke off")?.as_ref());
        }
    }
}

fn read(text: &str) -> ServerEvent {
    let mut event = ServerEvent::default();
    for line in text.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => event.id = Some(value.to_owned()),
            "event" => value.clone_into(&mut event.name),
            "data" => {
                if !event.data.is_empty() {
                    event.data.push('\n');
                }
                event.data.push_str(value);
            }
            // `retry`, and comments.
            _ => {}
        }
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn events(pieces: &[&'static str]) -> Vec<ServerEvent> {
        let pieces: Vec<reqwest::Result<&str>> = pieces.iter().copied().map(Ok).collect();
        let mut events = ServerEvents::new(futures_util::stream::iter(pieces));
        let mut read = Vec::new();
        while let Some(event) = events.next().await.unwrap() {
            read.push(event);
        }
        read
    }

    #[tokio::test]
    async fn events_are_read_however_they_are_cut() {
        let text =
            "id: 1\nretry: 1000\n\n: hello\n\nid: 2\nevent: attempt\ndata: {\"a\":\ndata: 1}\n\nid: 3\ndata: cut";
        let (whole, cut) = (events(&[text]).await, text.split_inclusive(' ').collect::<Vec<_>>());
        assert_eq!(events(&cut).await, whole);
        let event = |id: Option<&str>, name: &str, data: &str| ServerEvent {
            id: id.map(str::to_owned),
            name: name.to_owned(),
            data: data.to_owned(),
        };
        let expected = [event(Some("1"), "", ""), event(None, "", ""), event(Some("2"), "attempt", "{\"a\":\n1}")];
        assert_eq!(whole, expected);
    }
}

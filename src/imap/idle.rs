//! Waits for the server to say that something has arrived.

use std::time::Duration;

use async_imap::imap_proto::{Response, Status};
use tokio::time::Instant;

use super::connection::{Command, Connection};
use super::error::{Error, words};
use crate::mailbox::Woken;

const NAME: &str = "IDLE";

/// How waiting ended.
pub(super) enum Idled {
    /// As it should.
    Woken(Woken),
    /// The server does not take IDLE, although it announced it; its words.
    Refused(String),
}

/// What comes before the waiting proper.
enum Start {
    Other,
    Idling,
    Refused(String),
}

/// Waits for an arrival, at most `at_most`; with IDLE if `may_idle`, otherwise by listening to
/// what the server says unasked. What arrived since the last list counts, and so does what the
/// server tells before it enters IDLE.
pub(super) async fn wait(connection: &mut Connection, at_most: Duration, may_idle: bool) -> Result<Idled, Error> {
    let end = Instant::now() + at_most;
    while !connection.has_arrival() && Instant::now() < end {
        if !may_idle {
            listen(connection, end).await?;
            continue;
        }
        let tag = connection.send(&Command::bare(NAME)).await?;
        if let Start::Refused(words) = begin(connection, &tag).await? {
            return Ok(Idled::Refused(words));
        }
        // By our own clock: a server's "still here" must not put the renewal off.
        listen(connection, end.min(Instant::now() + connection.limits().idle)).await?;
        connection.write(NAME, "DONE").await?;
        connection.finish(NAME, &tag).await?;
    }
    Ok(Idled::Woken(if connection.take_arrival() { Woken::Hint } else { Woken::TimedOut }))
}

/// Reads on until the server is idling (`+`).
async fn begin(connection: &mut Connection, tag: &str) -> Result<Start, Error> {
    let until = Instant::now() + connection.limits().command;
    loop {
        let start = connection
            .next(NAME, until, |response| match response {
                Response::Continue(_) => Start::Idling,
                Response::Done { tag: answered, status: Status::No | Status::Bad, outcome } if answered.0 == tag => {
                    Start::Refused(words(outcome))
                }
                Response::Done { .. } => Start::Refused("IDLE ended before it had begun".to_owned()),
                _ => Start::Other,
            })
            .await?;
        if !matches!(start, Start::Other) {
            return Ok(start);
        }
    }
}

/// Reads until something has arrived, or until `end`.
async fn listen(connection: &mut Connection, end: Instant) -> Result<(), Error> {
    while !connection.has_arrival() && Instant::now() < end {
        let ended = connection.next_before(NAME, end, |response| matches!(response, Response::Done { .. })).await?;
        if ended == Some(true) {
            return Err(Error::nonsense(NAME, "it ended unasked"));
        }
    }
    Ok(())
}

//! The ways that mail leaves by, and which of them a mail goes.

use std::path::PathBuf;
use std::sync::Arc;

use crate::log;
use crate::maildir;
use crate::outage::Part;
use crate::sent_folder::SentFolder;
use crate::smtp::{Outcome, Smtp};
use crate::store::Due;

/// How many mails are ready to follow those that have a connection.
const NEXT: usize = 5;

/// How mail leaves.
#[derive(Clone)]
pub enum Transport {
    /// Through a submission server.
    Smtp(Arc<Smtp>),
    /// As files in a Maildir.
    Maildir(PathBuf),
}

impl Transport {
    async fn send(&self, sender: &str, due: &Due) -> Outcome {
        match self {
            Transport::Smtp(smtp) => smtp.send(Some(sender), &due.recipient, &due.bytes).await,
            Transport::Maildir(path) => match maildir::deliver(path, &due.bytes) {
                Ok(()) => Outcome::Sent { reply: "delivered".to_string() },
                Err(error) => Outcome::Later { reason: format!("{error:#}") },
            },
        }
    }
}

/// The ways that mail leaves by.
#[derive(Clone)]
pub struct Routes {
    /// The one for every mail.
    pub first: Transport,
    /// The one for what the first does not take in time.
    pub second: Option<Transport>,
    /// Where copies of what was sent lie.
    pub sent: Option<SentFolder>,
}

impl Routes {
    /// The way of this mail. One that the second route does not take, either, goes the two in turn.
    fn of(&self, due: &Due) -> &Transport {
        self.second.as_ref().filter(|_| self.is_second(due)).unwrap_or(&self.first)
    }

    /// Sends a mail whose turn it is, unless it is known to have left.
    pub(super) async fn send(&self, sender: &str, due: &Due) -> Outcome {
        if due.sent_before {
            return Outcome::Sent { reply: "before the database was restored".to_string() };
        }
        if let Some(folder) = self.sent.as_ref().filter(|_| due.in_doubt) {
            match folder.holds(&due.message_id).await {
                Ok(true) => return Outcome::Sent { reply: "a copy lies in the folder of sent mails".to_string() },
                Ok(false) => {}
                Err(error) => {
                    let error = log::error(&error);
                    tracing::warn!(outbox = due.id, error, "a mail could not be looked for; it is sent again");
                }
            }
        }
        self.of(due).send(sender, due).await
    }

    /// The servers that are signed in to by token, each as an outage of it is called.
    pub fn with_tokens(&self) -> Vec<(Part, Arc<Smtp>)> {
        let routes = [(Part::Sending, Some(&self.first)), (Part::SecondRoute, self.second.as_ref())];
        let servers = routes.into_iter().filter_map(|(part, route)| match route {
            Some(Transport::Smtp(smtp)) if smtp.has_tokens() => Some((part, Arc::clone(smtp))),
            _ => None,
        });
        servers.collect()
    }

    /// How many mails are under way at once: one on each connection, and some that are ready to follow.
    pub(super) fn most_at_once(&self) -> usize {
        match &self.first {
            Transport::Smtp(smtp) => smtp.connections() + NEXT,
            Transport::Maildir(_) => NEXT,
        }
    }

    pub(super) fn is_second(&self, due: &Due) -> bool {
        let tries = due.second_route_from.map(|from| due.attempts.saturating_sub(from));
        self.second.is_some() && tries.is_some_and(|tries| tries.is_multiple_of(2))
    }
}

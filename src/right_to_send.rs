//! The loop that asks for the access tokens of sending ahead of their expiry, also while nothing is to be sent: a right
//! that was revoked at night is told at night, and not with the first mail of the morning.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::access_token;
use crate::log;
use crate::office::Office;
use crate::outage::Part;
use crate::smtp::Smtp;

/// How often to look at the least: a token is good for an hour with most providers, and one that is good for less is
/// looked at sooner.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Between two looks: each of two servers' endpoints may take half a minute.
const STEP: Duration = Duration::from_secs(5 * 60);

/// Keeps the tokens of these servers fresh until `stop` says so.
pub async fn run(office: Arc<Office>, servers: Vec<(Part, Arc<Smtp>)>, mut stop: watch::Receiver<bool>) {
    let heart = office.pulse.heart("right to send", STEP);
    let mut refused: BTreeSet<Part> = BTreeSet::new();
    while !*stop.borrow() {
        let mut wait = LOOK_EVERY;
        for (part, smtp) in &servers {
            match smtp.keep_token_fresh().await {
                Ok(fresh_for) => {
                    wait = wait.min(fresh_for);
                    if refused.remove(part) {
                        office.outages.works(part);
                    }
                }
                Err(error) if error.is::<access_token::Refused>() => {
                    refused.insert(part.clone());
                    office.outages.failed(part.clone(), log::error(&error), true, office.now());
                }
                Err(error) => tracing::debug!(error = log::error(&error), "no new token for sending yet"),
            }
        }
        heart.waits(wait + STEP);
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stop.changed() => {}
        }
    }
}

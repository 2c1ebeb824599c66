//! The loop that sends: what is due, send, mark. A mail is in the outbox before anybody is told
//! that it was written, and leaves it only when the SMTP server has answered. What was handed over
//! and not answered is looked for before it is sent again, under the same Message-ID.

mod routes;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::task::{self, JoinSet};

pub use self::routes::{Routes, Transport};

use crate::backoff;
use crate::desk::decide;
use crate::desk::reply::Purpose;
use crate::failpoint::{self, Point};
use crate::log;
use crate::office::Office;
use crate::outage::Part;
use crate::smtp::Outcome;
use crate::store::{self, Due, Work};

/// The first wait after a temporary refusal, and the longest: an acknowledgement has one hour.
const FIRST_WAIT: Duration = Duration::from_secs(15);
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 60);

/// A mail that is refused temporarily for this long is given up (RFC 5321 section 4.5.4.1: at
/// least four to five days).
const GIVE_UP_AFTER: SignedDuration = SignedDuration::from_hours(5 * 24);

/// A mail of which nobody knows whether the server took it is looked for so long, and then sent again.
const SEARCH: Duration = Duration::from_secs(2 * 60);

/// How long mails under way may take once the service stops.
const GRACE: Duration = Duration::from_secs(3);

/// Never sleep longer than this: the system's clock may be set meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// Between two looks at the outbox: a look, and what ended meanwhile marked.
const STEP: Duration = Duration::from_secs(5 * 60);

/// A mail that is not under way any more, and what became of it.
type Ended = Result<(task::Id, (Due, Outcome)), task::JoinError>;

/// The loop over the outbox.
pub struct Outbox {
    office: Arc<Office>,
    routes: Routes,
    /// The rows of the mails under way.
    under_way: HashMap<task::Id, i64>,
    sending: JoinSet<(Due, Outcome)>,
}

impl Outbox {
    /// A loop that has not begun.
    pub fn new(office: Arc<Office>, routes: Routes) -> Outbox {
        Outbox { office, routes, under_way: HashMap::new(), sending: JoinSet::new() }
    }

    /// Sends until `leave` says so, then waits for the answers that are still owed: after the settings
    /// were read again, the former loop does that while the new one sends already. At `stop` they get
    /// a moment; what does not end is looked for after the next start.
    pub async fn run(mut self, mut leave: watch::Receiver<bool>, mut stop: watch::Receiver<bool>) {
        let heart = self.office.pulse.heart("outbox", STEP);
        while !*leave.borrow() {
            let wait = match self.send_due().await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::error!(error = log::error(&error), "the outbox cannot be read; trying again");
                    FIRST_WAIT
                }
            };
            heart.waits(wait + STEP);
            tokio::select! {
                Some(done) = self.sending.join_next_with_id() => {
                    self.mark(done).await;
                }
                () = self.office.outbox_bell.notified() => {}
                () = tokio::time::sleep(wait) => {}
                _ = leave.changed() => {}
            }
        }
        drop(heart);
        let out_of_time = async {
            let _ = stop.wait_for(|stop| *stop).await;
            tokio::time::sleep(GRACE).await;
        };
        let all_answered = tokio::select! {
            () = self.finish() => true,
            () = out_of_time => false,
        };
        if !all_answered {
            tracing::warn!("mails under way were cut off; they are looked for after the next start");
        }
    }

    /// Tries every mail whose turn it is, once. Returns how many were accepted.
    ///
    /// # Errors
    /// The store failed.
    pub async fn send_all_due(&mut self) -> anyhow::Result<usize> {
        let mut accepted = 0;
        loop {
            self.send_due().await?;
            let Some(done) = self.sending.join_next_with_id().await else { return Ok(accepted) };
            accepted += self.mark(done).await;
        }
    }

    /// Counts an attempt, and remembers whether the server works.
    fn observe(&self, due: &Due, outcome: &Outcome) {
        if due.sent_before {
            return;
        }
        let now = self.office.now();
        let seconds = now.duration_since(due.created_at).as_secs_f64();
        let acknowledged = due.purpose == Purpose::Acknowledgement && matches!(outcome, Outcome::Sent { .. });
        self.office.metrics.send(due.purpose.name(), outcome.name(), acknowledged.then_some(seconds));
        let part = if self.routes.is_second(due) { Part::SecondRoute } else { Part::Sending };
        match outcome {
            // A mail that is refused for good was refused by a server that works.
            Outcome::Sent { .. } | Outcome::Never { .. } => {
                self.office.outages.works(&part);
            }
            Outcome::Later { reason } | Outcome::Unknown { reason } => {
                self.office.outages.failed(part, reason.clone(), false, now);
            }
            Outcome::NotSignedIn { reason } => {
                self.office.outages.failed(part, reason.clone(), true, now);
            }
        }
    }

    async fn finish(&mut self) {
        while let Some(done) = self.sending.join_next_with_id().await {
            self.mark(done).await;
        }
    }

    /// Starts what is due and fits; returns how long to sleep if nothing happens.
    async fn send_due(&mut self) -> anyhow::Result<Duration> {
        let room = self.routes.most_at_once().saturating_sub(self.under_way.len());
        let (due, next, now) = self
            .office
            .write(move |office, store| {
                let now = office.now();
                Ok((store.outbox_take(now, room)?, store.outbox_next()?, now))
            })
            .await?;
        if !due.is_empty() {
            failpoint::reach(Point::Picked);
        }
        for due in due {
            let id = due.id;
            let routes = self.routes.clone();
            let sender = self.office.site.identity.address.clone();
            let task = self.sending.spawn(async move {
                let outcome = routes.send(&sender, &due).await;
                if matches!(outcome, Outcome::Sent { .. }) {
                    failpoint::reach(Point::Accepted);
                }
                (due, outcome)
            });
            self.under_way.insert(task.id(), id);
        }
        let until_next =
            next.map_or(LONGEST_SLEEP, |next| Duration::try_from(next.duration_since(now)).unwrap_or_default());
        // What is due but waits for room is started when one of those under way ends.
        let idle = if until_next.is_zero() { LONGEST_SLEEP } else { until_next };
        Ok(idle.min(LONGEST_SLEEP))
    }

    /// Records what became of a mail, and of those that ended with it, in one commit. Returns how many were
    /// accepted.
    async fn mark(&mut self, first: Ended) -> usize {
        let others = std::iter::from_fn(|| self.sending.try_join_next_with_id());
        let ended: Vec<Ended> = std::iter::once(first).chain(others).collect();
        let mut known = Vec::new();
        for ended in ended {
            let task = ended.as_ref().map_or_else(task::JoinError::id, |(task, _)| *task);
            let Some(id) = self.under_way.remove(&task) else { continue };
            known.push(match ended {
                Ok((_, (due, outcome))) => {
                    self.observe(&due, &outcome);
                    Ok((due, outcome))
                }
                Err(error) => Err((id, format!("sending broke off: {error}"))),
            });
        }
        let accepted = known.iter().filter(|known| matches!(known, Ok((_, Outcome::Sent { .. })))).count();
        let known = Arc::new(known);
        let marking = Arc::clone(&known);
        let marked = self.office.write(move |office, store| mark_all(office, store, &marking)).await;
        let unmarked = marked.unwrap_or_else(|error| {
            tracing::error!(error = log::error(&error), "what became of mails cannot be recorded; trying again");
            (0..known.len()).collect()
        });
        (unmarked.len()..known.len()).for_each(|_| failpoint::reach(Point::Marked));
        for (at, known) in Arc::into_inner(known).into_iter().flatten().enumerate() {
            // What broke off is looked for after the next start.
            let Some((due, outcome)) = known.ok().filter(|_| unmarked.contains(&at)) else { continue };
            let id = due.id;
            let again = self.sending.spawn(async move {
                tokio::time::sleep(FIRST_WAIT).await;
                (due, outcome)
            });
            self.under_way.insert(again.id(), id);
        }
        accepted
    }
}

/// What is known of a mail that is not under way any more; of one whose sending broke off, its row and why.
type Known = Result<(Due, Outcome), (i64, String)>;

/// Marks what became of mails. Returns which of them could not be marked; the store's own faults are errors.
fn mark_all(office: &Office, store: &Work, known: &[Known]) -> anyhow::Result<Vec<usize>> {
    let mut unmarked = Vec::new();
    for (at, known) in known.iter().enumerate() {
        let marked = store.apart(|| match known {
            Ok((due, outcome)) => settle(office, store, due, outcome),
            Err((id, reason)) => doubt(office, store, *id, reason),
        });
        match marked {
            Ok(()) => {}
            Err(error) if store::is_at_fault(&error) => return Err(error),
            Err(error) => {
                tracing::error!(error = log::error(&error), "what became of a mail cannot be recorded; trying again");
                unmarked.push(at);
            }
        }
    }
    Ok(unmarked)
}

/// The service begins: what was under way when it last ended may have been taken, or not.
///
/// # Errors
/// The store failed.
pub async fn begin(office: &Arc<Office>) -> anyhow::Result<()> {
    let interrupted = office.write(|office, store| store.outbox_interrupted(after(office.now(), SEARCH))).await?;
    if interrupted > 0 {
        tracing::warn!(
            mails = interrupted,
            "the program ended while mails were under way; they are looked for, then sent again"
        );
    }
    Ok(())
}

/// Marks what became of a mail, with all that follows from it.
fn settle(office: &Office, store: &Work, due: &Due, outcome: &Outcome) -> anyhow::Result<()> {
    let now = office.now();
    let (id, purpose) = (due.id, due.purpose.name());
    match outcome {
        Outcome::Sent { .. } => {
            if due.sent_before {
                tracing::info!(outbox = id, purpose, "a mail had left before the restore; it is not sent again");
            } else {
                tracing::info!(outbox = id, purpose, attempt = due.attempts + 1, "mail sent");
            }
            store.outbox_sent(id, now)?;
            keep_promise(office, store, id, now)
        }
        Outcome::Unknown { reason } => doubt(office, store, id, reason),
        Outcome::Later { reason } | Outcome::NotSignedIn { reason }
            if now.duration_since(due.created_at) < GIVE_UP_AFTER =>
        {
            let wait = backoff::full_wait(FIRST_WAIT, LONGEST_WAIT, due.attempts);
            tracing::warn!(
                outbox = id,
                purpose,
                attempt = due.attempts + 1,
                seconds = wait.as_secs(),
                reason,
                "mail not accepted now; trying again"
            );
            store.outbox_later(id, after(now, wait), reason)
        }
        Outcome::Later { reason } | Outcome::NotSignedIn { reason } | Outcome::Never { reason } => {
            tracing::error!(outbox = id, purpose, reason, "mail refused for good; see `hezo-intake tickets show`");
            store.outbox_failed(id, reason)?;
            give_up(office, store, due, reason, now)
        }
    }
}

/// The server may have taken the mail, or not.
fn doubt(office: &Office, store: &Work, id: i64, reason: &str) -> anyhow::Result<()> {
    tracing::warn!(outbox = id, reason, "it is not known whether a mail was taken; it is looked for, then sent again");
    store.outbox_unknown(id, after(office.now(), SEARCH), reason)
}

/// What follows from the acceptance of a mail.
fn keep_promise(office: &Office, store: &Work, id: i64, now: Timestamp) -> anyhow::Result<()> {
    let Some(sent) = store.sent_mail(id)?.filter(|sent| sent.keeps.is_some()) else { return Ok(()) };
    let Some(ticket) = sent.ticket.map(|number| store.find_ticket(number)).transpose()?.flatten() else {
        return Ok(());
    };
    let ticket = store.ticket(store.whole_ticket(ticket)?)?;
    let effects = decide::accepted(&sent, &ticket, &office.site, now);
    store.apply(&effects, None, now)?;
    office.ring(&effects);
    Ok(())
}

/// A mail was refused for good: the promise that it kept is open again, and the engineers are
/// told. An alert that is refused is only logged, or alerts would never end.
fn give_up(office: &Office, store: &Work, due: &Due, reason: &str, now: Timestamp) -> anyhow::Result<()> {
    let Some(sent) = store.sent_mail(due.id)? else { return Ok(()) };
    let Some(id) = sent.ticket.map(|number| store.find_ticket(number)).transpose()?.flatten() else { return Ok(()) };
    if due.purpose == Purpose::Alert {
        return Ok(());
    }
    let cause = format!("outbox {}", due.id);
    let (ticket, originals) = (store.ticket(id)?, store.originals(id)?);
    let effects = decide::given_up(&sent, &ticket, &originals, reason, cause.as_bytes(), &office.site, now);
    store.apply(&effects, None, now)?;
    office.ring(&effects);
    Ok(())
}

fn after(now: Timestamp, wait: Duration) -> Timestamp {
    now.saturating_add(SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX)).unwrap_or(Timestamp::MAX)
}

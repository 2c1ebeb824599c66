//! The loop that tells of outages: once when one begins, once when it is over, by mail to the alarm
//! address (over the second route where there is one) and by the alert command. What was told stands
//! in the database, so that a restart tells nothing twice and forgets no end.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::alert;
use crate::config::AlertCommand;
use crate::desk::decision::Effect;
use crate::desk::message::Address;
use crate::desk::reply::{self, OutageNews, Promises};
use crate::log;
use crate::office::Office;
use crate::outage::{Failure, Part};
use crate::store::Work;

/// How often to look: a failure becomes an outage by time alone.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Between two looks: at most the alert command's time, and a write.
const STEP: Duration = Duration::from_secs(15 * 60);

/// While the database fails, the alert command is run again so often until it has told somebody.
const DIRECTLY_EVERY: SignedDuration = SignedDuration::from_mins(5);

/// Whom the alarms reach.
#[derive(Clone, Debug)]
pub struct Channels {
    /// By mail; the engineers where the site names nobody.
    pub address: Option<String>,
    /// By a program.
    pub command: Option<AlertCommand>,
    /// A failure that is over sooner is no outage.
    pub patience: SignedDuration,
    /// The parts that are watched under these settings.
    pub watched: Vec<Part>,
}

/// Tells of outages until `stop` says so.
pub async fn run(office: Arc<Office>, channels: Channels, mut stop: watch::Receiver<bool>) {
    let heart = office.pulse.heart("alarm", STEP);
    let mut directly = Directly::default();
    while !*stop.borrow() {
        match tell(&office, &channels).await {
            Ok(()) => {
                office.outages.works(&Part::Database);
                directly.reset();
            }
            Err(error) => {
                let reason = log::error(&error);
                if office.outages.failed(Part::Database, reason.clone(), false, office.now()) {
                    tracing::error!(error = reason, "the database does not work");
                }
                if let Some(command) = &channels.command {
                    directly.tell(&office, command, channels.patience).await;
                }
            }
        }
        heart.waits(LOOK_EVERY + STEP);
        tokio::select! {
            () = office.outages.bell.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Writes down what is to be told, and what was.
async fn tell(office: &Arc<Office>, channels: &Channels) -> anyhow::Result<()> {
    let (failures, channels) = (office.outages.all(), channels.clone());
    office
        .write(move |office, store| {
            let now = office.now();
            let told = store.told_outages()?;
            for (part, since) in &told {
                if !channels.watches(part) {
                    store.outage_over(part)?;
                } else if office.outages.has_worked(part) && failures.iter().all(|(failing, _)| failing != part) {
                    over(office, store, &channels, part, *since, now)?;
                }
            }
            let is_told = |part: &Part| told.iter().any(|(known, _)| known == part);
            for (part, failure) in &failures {
                if failure.is_outage(channels.patience, now) && !is_told(part) {
                    begins(office, store, &channels, part, failure, now)?;
                }
            }
            Ok(())
        })
        .await
}

fn begins(
    office: &Office,
    store: &Work,
    channels: &Channels,
    part: &Part,
    failure: &Failure,
    now: Timestamp,
) -> anyhow::Result<()> {
    let promises = store.promises_at_stake(failure.since, now)?;
    publish(office, store, channels, &news(part, failure, Some(promises)), now)?;
    tracing::error!(part = part.kind(), place = part.subject(), reason = failure.reason, "an outage is told");
    store.outage_told(part, failure.since, now)
}

fn over(
    office: &Office,
    store: &Work,
    channels: &Channels,
    part: &Part,
    since: Timestamp,
    now: Timestamp,
) -> anyhow::Result<()> {
    let promises = Some(store.promises_at_stake(since, now)?);
    let (kind, subject) = (part.kind(), part.subject());
    let ended = OutageNews { part: kind, subject, since, reason: None, wants_a_person: false, promises };
    publish(office, store, channels, &ended, now)?;
    let seconds = now.duration_since(since).as_secs();
    tracing::info!(part = kind, place = subject, seconds, "the end of an outage is told");
    store.outage_over(part)
}

fn news<'a>(part: &'a Part, failure: &'a Failure, promises: Option<Promises>) -> OutageNews<'a> {
    OutageNews {
        part: part.kind(),
        subject: part.subject(),
        since: failure.since,
        reason: Some(&failure.reason),
        wants_a_person: failure.wants_a_person,
        promises,
    }
}

fn publish(
    office: &Office,
    store: &Work,
    channels: &Channels,
    news: &OutageNews<'_>,
    now: Timestamp,
) -> anyhow::Result<()> {
    let site = &office.site;
    let recipients = match &channels.address {
        Some(address) => vec![Address { name: String::new(), address: address.clone() }],
        None => site.active_engineers().map(|engineer| engineer.mailbox()).collect(),
    };
    let mut effects: Vec<Effect> =
        recipients.iter().map(|to| Effect::from(reply::outage(site, news, to, now))).collect();
    if channels.command.is_some() {
        effects.push(Effect::Alert(reply::outage_alert(site, news, now)?));
    }
    store.apply(&effects, None, now)?;
    office.ring(&effects);
    Ok(())
}

impl Channels {
    fn watches(&self, part: &Part) -> bool {
        !matches!(part, Part::Mailbox(_)) || self.watched.contains(part)
    }
}

/// Telling of the one outage that cannot be written down.
#[derive(Default)]
struct Directly {
    tried: Option<Timestamp>,
    has_told: bool,
}

impl Directly {
    async fn tell(&mut self, office: &Arc<Office>, command: &AlertCommand, patience: SignedDuration) {
        let now = office.now();
        let failures = office.outages.all();
        let Some((part, failure)) = failures.iter().find(|(part, _)| *part == Part::Database) else { return };
        let is_time = self.tried.is_none_or(|tried| now.duration_since(tried) >= DIRECTLY_EVERY);
        if self.has_told || !failure.is_outage(patience, now) || !is_time {
            return;
        }
        self.tried = Some(now);
        let told = match reply::outage_alert(&office.site, &news(part, failure, None), now) {
            Ok(alert) => alert::run_once(command, &alert.json).await,
            Err(error) => Err(error.to_string()),
        };
        match told {
            Ok(()) => {
                self.has_told = true;
                tracing::error!("the alert command told of the database");
            }
            Err(reason) => tracing::error!(reason, "the alert command failed, and the database does"),
        }
    }

    fn reset(&mut self) {
        *self = Directly::default();
    }
}

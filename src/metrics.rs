//! Figures for Prometheus. What the database knows is read from it at each scrape; what happens in
//! between (mails, sends, how long they took) is counted since the start.

mod process;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use serde::Serialize;

pub use self::process::Process;
use crate::condition::Times;
use crate::outage::{Failure, Part};
use crate::store::Figures;

/// Pairs of a label's name and value.
type Labels = Vec<(&'static str, String)>;

/// A figure of which there is one for each set of labels.
type Gauges = Family<Labels, Gauge<f64, AtomicU64>>;

/// Upper ends of the histograms' ranges, from a tenth of a second to a day: the promised hour is one
/// of them. Seconds.
const RANGES: [f64; 14] = [0.1, 0.5, 1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 900.0, 1800.0, 3600.0, 14400.0, 86400.0];

/// What is counted since the start.
pub struct Metrics {
    mails: Family<Labels, Counter>,
    sends: Family<Labels, Counter>,
    seen: Histogram,
    committed: Histogram,
    accepted: Histogram,
    counted: Mutex<Counted>,
}

/// What `status` shows of it, too.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// Mails read, by what kind of mail they are.
    pub kinds: BTreeMap<String, u64>,
    /// Mails without a disposition, by mailbox and folder.
    pub gaps: BTreeMap<(String, String), u64>,
    /// How long steps took, by the figure's name.
    pub times: BTreeMap<String, Times>,
}

/// The names of the steps.
const SEEN: &str = "arrival_to_seen";
const COMMITTED: &str = "seen_to_committed";
const ACCEPTED: &str = "committed_to_acknowledged";

impl Default for Metrics {
    fn default() -> Metrics {
        let histogram = || Histogram::new(RANGES);
        Metrics {
            mails: Family::default(),
            sends: Family::default(),
            seen: histogram(),
            committed: histogram(),
            accepted: histogram(),
            counted: Mutex::default(),
        }
    }
}

/// Where the service stands at a moment.
pub struct Snapshot<'a> {
    /// When.
    pub now: Timestamp,
    /// What the database says.
    pub figures: &'a Figures,
    /// What fails.
    pub failures: &'a [(Part, Failure)],
    /// Loops that run, and those that are stuck.
    pub loops: (usize, usize),
    /// What the system says of this process.
    pub process: Process,
}

impl Metrics {
    /// A mail was decided. The times are in seconds: from its arrival at the server until it was seen,
    /// and from then until it was committed.
    pub fn mail(&self, disposition: &str, reason: &str, until_seen: f64, until_committed: f64) {
        let labels = vec![("disposition", disposition.to_string()), ("reason", reason.to_string())];
        self.mails.get_or_create(&labels).inc();
        self.took(SEEN, &self.seen, until_seen);
        self.took(COMMITTED, &self.committed, until_committed);
    }

    /// What kind of mail one was: a person's request, a robot's answer, a delivery report.
    pub fn kind(&self, kind: &impl Serialize) {
        let name = serde_json::to_value(kind).ok().and_then(|name| name.as_str().map(str::to_string));
        *self.lock().kinds.entry(name.unwrap_or_default()).or_default() += 1;
    }

    /// A mail was tried: `sent`, `later`, `never` or `unknown`. For an acknowledgement that was
    /// accepted, the seconds since it was written.
    pub fn send(&self, purpose: &str, outcome: &str, acknowledged_after: Option<f64>) {
        self.sends.get_or_create(&vec![("purpose", purpose.to_string()), ("outcome", outcome.to_string())]).inc();
        if let Some(seconds) = acknowledged_after {
            self.took(ACCEPTED, &self.accepted, seconds);
        }
    }

    /// How many mails of a folder had no disposition when all of it was last compared.
    pub fn gap(&self, mailbox: &str, folder: &str, gap: usize) {
        self.lock().gaps.insert((mailbox.to_string(), folder.to_string()), gap as u64);
    }

    /// What `status` shows.
    pub fn counted(&self) -> Counted {
        self.lock().clone()
    }

    fn took(&self, step: &str, histogram: &Histogram, seconds: f64) {
        let seconds = seconds.max(0.0);
        histogram.observe(seconds);
        let mut counted = self.lock();
        let times = counted.times.entry(step.to_string()).or_default();
        times.mails += 1;
        times.mean_seconds += (seconds - times.mean_seconds) / times.mails as f64;
        times.longest_seconds = times.longest_seconds.max(seconds);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything in the text format.
    ///
    /// # Errors
    /// None that is known; the encoder's type has one.
    pub fn text(&self, snapshot: &Snapshot<'_>) -> anyhow::Result<String> {
        let mut registry = Registry::with_prefix("hezo_intake");
        self.register_counted(&mut registry);
        register_figures(&mut registry, snapshot);
        let mut process = Registry::with_prefix("process");
        snapshot.process.register(&mut process);
        let (mut text, mut more) = (String::new(), String::new());
        encode(&mut text, &registry)?;
        encode(&mut more, &process)?;
        // One document has one end.
        Ok(text.trim_end_matches("# EOF\n").to_string() + &more)
    }

    fn register_counted(&self, registry: &mut Registry) {
        let seconds = || Unit::Seconds;
        let counted = self.counted();
        let kinds = Family::<Labels, Counter>::default();
        for (kind, count) in counted.kinds {
            kinds.get_or_create(&vec![("kind", kind)]).inc_by(count);
        }
        let gaps = Gauges::default();
        for ((mailbox, folder), gap) in &counted.gaps {
            gaps.get_or_create(&place(mailbox, folder)).set(*gap as f64);
        }
        registry.register("mails", "Mails decided since the start", self.mails.clone());
        registry.register("mails_by_kind", "Mails read since the start, by what kind of mail they are", kinds);
        registry.register("sends", "Mails tried since the start", self.sends.clone());
        registry.register_with_unit(
            SEEN,
            "From a mail's arrival at the server until it was seen",
            seconds(),
            self.seen.clone(),
        );
        registry.register_with_unit(
            COMMITTED,
            "From seeing a mail until its decision was on disk",
            seconds(),
            self.committed.clone(),
        );
        registry.register_with_unit(
            ACCEPTED,
            "From the decision until a server accepted the acknowledgement",
            seconds(),
            self.accepted.clone(),
        );
        registry.register("accounting_gap", "Mails on the server without a disposition", gaps);
    }
}

fn register_figures(registry: &mut Registry, snapshot: &Snapshot<'_>) {
    let Snapshot { now, figures, failures, loops, .. } = snapshot;
    let age = |at: Timestamp| now.duration_since(at).as_secs_f64().max(0.0);
    let mut gauges = |name: &str, help: &str, values: Vec<(Labels, f64)>| {
        let family = Gauges::default();
        values.iter().for_each(|(labels, value)| {
            family.get_or_create(labels).set(*value);
        });
        registry.register(name, help, family);
    };
    gauges("build_info", "The program", vec![(vec![("version", env!("CARGO_PKG_VERSION").to_string())], 1.0)]);
    let passes = figures
        .folders
        .iter()
        .filter_map(|folder| folder.last_full_pass.map(|at| (place(&folder.mailbox, &folder.folder), age(at))));
    gauges("full_pass_age_seconds", "Since a folder was last walked to its end", passes.collect());
    let acknowledged = figures.last_acknowledgement.map(|at| (Vec::new(), age(at)));
    gauges(
        "acknowledgement_age_seconds",
        "Since a server last accepted an acknowledgement",
        Vec::from_iter(acknowledged),
    );
    gauges("tickets_open", "Tickets that are not laid aside", vec![(Vec::new(), figures.open_tickets as f64)]);
    let clocks = figures.clocks.iter().flat_map(|clock| {
        let counts = [("open", clock.open), ("due_soon", clock.due_soon), ("breached", clock.breached)];
        let labelled =
            move |(state, count)| (vec![("kind", clock.kind.clone()), ("state", String::from(state))], count as f64);
        counts.map(labelled)
    });
    gauges("clocks", "Running clocks; due soon is within the hour", clocks.collect());
    let states = [
        ("pending", figures.outbox_pending),
        ("retrying", figures.outbox_retrying),
        ("unknown", figures.outbox_unknown),
        ("failed", figures.outbox_failed),
    ];
    let outbox = states.map(|(state, count)| (vec![("state", state.to_string())], count as f64));
    gauges(
        "outbox",
        "Mails that are not sent; retrying ones and those of unknown fate are pending, too",
        outbox.to_vec(),
    );
    let oldest = figures.oldest_pending.map(|at| (Vec::new(), age(at)));
    gauges("outbox_oldest_age_seconds", "Since the oldest waiting mail was written", Vec::from_iter(oldest));
    let parked = figures.parked.iter().map(|(cause, count)| (vec![("cause", cause.clone())], *count as f64));
    gauges("parked", "Mails that could not be decided", parked.collect());
    let chores = figures.chores.iter().map(|(name, at)| (vec![("name", name.clone())], age(*at)));
    gauges("chore_age_seconds", "Since a chore of the operator's was last done", chores.collect());
    let failing = failures.iter().map(|(part, failure)| {
        (vec![("part", part.kind().to_string()), ("subject", part.subject().to_string())], age(failure.since))
    });
    gauges("failing_seconds", "How long a part has not worked", failing.collect());
    let loops = [("running", loops.0), ("stuck", loops.1)];
    gauges(
        "loops",
        "Loops of the program",
        loops.map(|(state, n)| (vec![("state", state.to_string())], n as f64)).to_vec(),
    );
    let database = [("file", figures.database.file), ("log", figures.database.log), ("free", figures.database.free)];
    let database = database.map(|(part, bytes)| (vec![("part", part.to_string())], bytes as f64));
    gauges(
        "database_bytes",
        "Size of the database, of its write-ahead log, and of free pages inside",
        database.to_vec(),
    );
}

fn place(mailbox: &str, folder: &str) -> Labels {
    vec![("mailbox", mailbox.to_string()), ("folder", folder.to_string())]
}

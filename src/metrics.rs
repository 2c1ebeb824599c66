//! Figures for Prometheus. What the database knows is read from it at each scrape; what happens in
//! between (mails, sends, how long they took) is counted since the start.

mod process;

use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use serde::Serialize;

pub use self::process::Process;
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
    kinds: Family<Labels, Counter>,
    sends: Family<Labels, Counter>,
    seen: Histogram,
    committed: Histogram,
    accepted: Histogram,
    gaps: Gauges,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let histogram = || Histogram::new(RANGES);
        Metrics {
            mails: Family::default(),
            kinds: Family::default(),
            sends: Family::default(),
            seen: histogram(),
            committed: histogram(),
            accepted: histogram(),
            gaps: Family::default(),
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
        self.seen.observe(until_seen.max(0.0));
        self.committed.observe(until_committed.max(0.0));
    }

    /// What kind of mail one was: a person's request, a robot's answer, a delivery report.
    pub fn kind(&self, kind: &impl Serialize) {
        let name = serde_json::to_value(kind).ok().and_then(|name| name.as_str().map(str::to_string));
        self.kinds.get_or_create(&vec![("kind", name.unwrap_or_default())]).inc();
    }

    /// A mail was tried: `sent`, `later`, `never` or `unknown`. For an acknowledgement that was
    /// accepted, the seconds since it was written.
    pub fn send(&self, purpose: &str, outcome: &str, acknowledged_after: Option<f64>) {
        self.sends.get_or_create(&vec![("purpose", purpose.to_string()), ("outcome", outcome.to_string())]).inc();
        if let Some(seconds) = acknowledged_after {
            self.accepted.observe(seconds.max(0.0));
        }
    }

    /// How many mails of a folder had no disposition when all of it was last compared.
    pub fn gap(&self, mailbox: &str, folder: &str, gap: usize) {
        self.gaps.get_or_create(&place(mailbox, folder)).set(gap as f64);
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
        registry.register("mails", "Mails decided since the start", self.mails.clone());
        registry.register(
            "mails_by_kind",
            "Mails read since the start, by what kind of mail they are",
            self.kinds.clone(),
        );
        registry.register("sends", "Mails tried since the start", self.sends.clone());
        registry.register_with_unit(
            "arrival_to_seen",
            "From a mail's arrival at the server until it was seen",
            seconds(),
            self.seen.clone(),
        );
        registry.register_with_unit(
            "seen_to_committed",
            "From seeing a mail until its decision was on disk",
            seconds(),
            self.committed.clone(),
        );
        registry.register_with_unit(
            "committed_to_acknowledged",
            "From the decision until a server accepted the acknowledgement",
            seconds(),
            self.accepted.clone(),
        );
        registry.register("accounting_gap", "Mails on the server without a disposition", self.gaps.clone());
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

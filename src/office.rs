//! What the loops share: the site, the store, the clock, and the bells by which one loop tells
//! another that there is work. A bell is only a hint: what to do is read from the store.
//!
//! When the configuration is read again, a new office takes the old one's place. Both have the same
//! store, clock and bells.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use crate::attachments::Reader;
use crate::attempt::Attempts;
use crate::authentication::Verifier;
use crate::claim::Claims;
use crate::clock::Clock;
use crate::config::Config;
use crate::contracts::watch;
use crate::desk::calendar::Calendar;
use crate::desk::decision::Effect;
use crate::desk::plan::Plans;
use crate::desk::rulebook::Rulebook;
use crate::desk::rules::{RuleFault, Sources};
use crate::desk::site::Site;
use crate::desk::token::TokenKeys;
use crate::metrics::Metrics;
use crate::outage::Outages;
use crate::pulse::Pulse;
use crate::store::{Store, Work};

/// What the loops share.
pub struct Office {
    /// What the site has settled.
    pub site: Site,
    /// Verifies senders, where the site wants that.
    pub verifier: Option<Verifier>,
    /// Reads attachments.
    pub reader: Reader,
    /// The time of day.
    pub clock: Clock,
    /// Rings when a mail was put into the outbox.
    pub outbox_bell: Arc<Notify>,
    /// Rings when a clock was started or resumed.
    pub timer_bell: Arc<Notify>,
    /// Rings when the alert command is to be run.
    pub alert_bell: Arc<Notify>,
    /// Whether the loops are alive.
    pub pulse: Arc<Pulse>,
    /// What does not work at this moment.
    pub outages: Arc<Outages>,
    /// The mails that are being read.
    pub attempts: Arc<Attempts>,
    /// The mailboxes that are this process's.
    pub claims: Arc<Claims>,
    /// What is counted since the start.
    pub metrics: Arc<Metrics>,
    state_dir: PathBuf,
    store: Arc<Mutex<Store>>,
}

impl Office {
    /// Builds the office from the settings, opens the store, and imports the list of contracts that
    /// the settings name.
    ///
    /// # Errors
    /// A rule, the contracts or the database cannot be read.
    pub fn open(config: &Config, clock: Clock) -> anyhow::Result<Arc<Office>> {
        let site = site(config)?;
        let store = Store::open(&config.state_dir)?;
        if let Some(path) = &config.contracts {
            watch::import(&config.state_dir, path, &site.plans, clock.now())?;
        }
        Office::around(config, site, clock, store)
    }

    /// An office beside a running service, for a command of the operator's.
    ///
    /// # Errors
    /// As [`Office::open`]; there is no database yet.
    pub fn open_beside(config: &Config, clock: Clock) -> anyhow::Result<Arc<Office>> {
        let store = Store::open_beside(&config.state_dir)?;
        Office::around(config, site(config)?, clock, store)
    }

    fn around(config: &Config, site: Site, clock: Clock, store: Store) -> anyhow::Result<Arc<Office>> {
        Ok(Arc::new(Office {
            site,
            verifier: verifier(config)?,
            reader: Reader::default(),
            clock,
            outbox_bell: Arc::default(),
            timer_bell: Arc::default(),
            alert_bell: Arc::default(),
            pulse: Arc::default(),
            outages: Arc::default(),
            attempts: Arc::new(Attempts::new(&config.state_dir)),
            claims: Arc::default(),
            metrics: Arc::default(),
            state_dir: config.state_dir.clone(),
            store: Arc::new(Mutex::new(store)),
        }))
    }

    /// The office that takes this one's place under other settings.
    ///
    /// # Errors
    /// A rule cannot be read; the database is to be another one.
    pub fn renewed(&self, config: &Config) -> anyhow::Result<Arc<Office>> {
        anyhow::ensure!(
            config.state_dir == self.state_dir,
            "state_dir cannot change while the service runs; restart it instead"
        );
        Ok(Arc::new(Office {
            site: site(config)?,
            verifier: verifier(config)?,
            reader: Reader::default(),
            clock: self.clock.clone(),
            outbox_bell: Arc::clone(&self.outbox_bell),
            timer_bell: Arc::clone(&self.timer_bell),
            alert_bell: Arc::clone(&self.alert_bell),
            pulse: Arc::clone(&self.pulse),
            outages: Arc::clone(&self.outages),
            attempts: Arc::clone(&self.attempts),
            claims: Arc::clone(&self.claims),
            metrics: Arc::clone(&self.metrics),
            state_dir: self.state_dir.clone(),
            store: Arc::clone(&self.store),
        }))
    }

    /// Where the database lies, and what else the service keeps.
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Tells the loops that these effects gave them work.
    pub fn ring(&self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::Send(_) | Effect::UseSecondRoute(_) => self.outbox_bell.notify_one(),
                Effect::Alert(_) => self.alert_bell.notify_one(),
                Effect::SetClock(..) | Effect::ResumeClocks(..) | Effect::SetWait(..) | Effect::SetClosing(..) => {
                    self.timer_bell.notify_one();
                }
                _ => {}
            }
        }
    }

    /// Does `work` in one transaction on a thread that may block.
    ///
    /// # Errors
    /// Those of `work`, of the commit, and a panic inside.
    pub async fn write<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Office, &Work) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let office = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || office.write_now(|store| work(&office, store)));
        done.await.context("the work on the database broke off")?
    }

    /// The same, for a thread that may block already.
    ///
    /// # Errors
    /// Those of `work` and of the commit.
    pub fn write_now<T>(&self, work: impl FnOnce(&Work) -> anyhow::Result<T>) -> anyhow::Result<T> {
        // A panic while the lock was held rolled its transaction back: the store is sound.
        self.store.lock().unwrap_or_else(PoisonError::into_inner).write(work)
    }
}

/// Whoever verifies senders, where the site wants that.
///
/// # Errors
/// There is no name server to ask.
pub fn verifier(config: &Config) -> anyhow::Result<Option<Verifier>> {
    config.authentication.verify.then(|| Verifier::new(&config.resolvers)).transpose()
}

/// Compiles the rules and gathers what the site has settled.
///
/// # Errors
/// Every faulty rule, one a line.
pub fn site(config: &Config) -> anyhow::Result<Site> {
    let sources = rule_sources(config.rules_dir.as_deref())?;
    site_with(config, &sources)
}

/// What each plan promises, for commands that need no more of the rules.
///
/// # Errors
/// Every fault of the plans and the windows, one a line.
pub fn plans(config: &Config) -> anyhow::Result<Plans> {
    let sources = rule_sources(config.rules_dir.as_deref())?;
    let calendar = Calendar::compile(&sources, &config.closing_days);
    let plans = calendar.and_then(|calendar| Plans::compile(&sources, &calendar));
    plans.map_err(|faults| told(&faults, &sources))
}

fn told(faults: &[RuleFault], sources: &Sources) -> anyhow::Error {
    let lines: Vec<String> = faults.iter().map(|fault| sources.told(fault)).collect();
    anyhow::anyhow!("{}", lines.join("\n"))
}

fn site_with(config: &Config, sources: &Sources) -> anyhow::Result<Site> {
    let Rulebook { rules, calendar, plans, ladder, routing } =
        Rulebook::compile(sources, &config.closing_days).map_err(|faults| told(&faults, sources))?;
    let strangers: Vec<String> = routing.strangers(&config.engineers).iter().map(|fault| sources.told(fault)).collect();
    anyhow::ensure!(strangers.is_empty(), "{}", strangers.join("\n"));
    Ok(Site {
        identity: config.desk.clone(),
        engineers: config.engineers.clone(),
        rules,
        calendar,
        token_keys: TokenKeys::new(
            config.token_keys.iter().map(|key| key.reveal().as_bytes()),
            config.token_lifetime_days,
        )?,
        reply_tokens: config.reply_tokens,
        authentication: config.authentication.clone(),
        limits: config.limits.clone(),
        spam: config.spam.clone(),
        budget: config.budget.clone(),
        plans,
        ladder,
        routing,
        max_transit: signed(config.max_transit),
        escalation_ack: signed(config.escalation_ack),
        second_level_address: config.second_level_address.clone(),
        close_after_days: config.close_after_days,
        has_alert_command: config.alert.is_some(),
        has_second_route: config.fallback.is_some(),
    })
}

fn signed(duration: std::time::Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

/// The built-in rule files, with a site's own in their places.
///
/// # Errors
/// A file of the folder cannot be read or has a name that no built-in file has.
pub fn rule_sources(rules_dir: Option<&Path>) -> anyhow::Result<Sources> {
    let mut sources = Sources::built_in();
    if let Some(dir) = rules_dir {
        replace_below(&mut sources, dir, "")?;
    }
    Ok(sources)
}

fn replace_below(sources: &mut Sources, dir: &Path, prefix: &str) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(dir).with_context(|| format!("cannot read the rules folder {}", dir.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            replace_below(sources, &entry.path(), &format!("{name}/"))?;
        } else {
            let text = std::fs::read_to_string(entry.path())
                .with_context(|| format!("cannot read {}", entry.path().display()))?;
            sources.replace(&name, text)?;
        }
    }
    Ok(())
}

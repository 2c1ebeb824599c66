//! What the loops share: the site, the contracts on file, the store, the clock, and the bells by
//! which one loop tells another that there is work. A bell is only a hint: what to do is read
//! from the store.
//!
//! When the configuration is read again, a new office takes the old one's place. Both have the same
//! store, clock and bells.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::config::Config;
use crate::desk::calendar::Calendar;
use crate::desk::contract::{self, Contract};
use crate::desk::rules::{Rules, Sources};
use crate::desk::site::Site;
use crate::desk::token::TokenKey;
use crate::metrics::Metrics;
use crate::outage::Outages;
use crate::outbox::UnderWay;
use crate::pulse::Pulse;
use crate::store::{Store, Work};

/// What the loops share.
pub struct Office {
    /// What the site has settled.
    pub site: Site,
    /// The contracts on file.
    pub contracts: Vec<Contract>,
    /// The time of day.
    pub clock: Clock,
    /// Rings when a mail was put into the outbox.
    pub outbox_bell: Arc<Notify>,
    /// Rings when a clock was started or resumed.
    pub timer_bell: Arc<Notify>,
    /// The mails that are being sent at this moment.
    pub under_way: Arc<UnderWay>,
    /// Whether the loops are alive.
    pub pulse: Arc<Pulse>,
    /// What does not work at this moment.
    pub outages: Arc<Outages>,
    /// What is counted since the start.
    pub metrics: Arc<Metrics>,
    state_dir: PathBuf,
    store: Arc<Mutex<Store>>,
}

impl Office {
    /// Builds the office from the settings, and opens the store.
    ///
    /// # Errors
    /// A rule, the contracts or the database cannot be read.
    pub fn open(config: &Config, clock: Clock) -> anyhow::Result<Arc<Office>> {
        let office = Office {
            site: site(config)?,
            contracts: config.contracts.as_deref().map(contracts).transpose()?.unwrap_or_default(),
            clock,
            outbox_bell: Arc::default(),
            timer_bell: Arc::default(),
            under_way: Arc::default(),
            pulse: Arc::default(),
            outages: Arc::default(),
            metrics: Arc::default(),
            state_dir: config.state_dir.clone(),
            store: Arc::new(Mutex::new(Store::open(&config.state_dir)?)),
        };
        Ok(Arc::new(office))
    }

    /// The office that takes this one's place under other settings.
    ///
    /// # Errors
    /// A rule or the contracts cannot be read; the database is to be another one.
    pub fn renewed(&self, config: &Config) -> anyhow::Result<Arc<Office>> {
        anyhow::ensure!(
            config.state_dir == self.state_dir,
            "state_dir cannot change while the service runs; restart it instead"
        );
        let office = Office {
            site: site(config)?,
            contracts: config.contracts.as_deref().map(contracts).transpose()?.unwrap_or_default(),
            clock: self.clock.clone(),
            outbox_bell: Arc::clone(&self.outbox_bell),
            timer_bell: Arc::clone(&self.timer_bell),
            under_way: Arc::clone(&self.under_way),
            pulse: Arc::clone(&self.pulse),
            outages: Arc::clone(&self.outages),
            metrics: Arc::clone(&self.metrics),
            state_dir: self.state_dir.clone(),
            store: Arc::clone(&self.store),
        };
        Ok(Arc::new(office))
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
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

/// Compiles the rules and gathers what the site has settled.
///
/// # Errors
/// Every faulty rule, one a line.
pub fn site(config: &Config) -> anyhow::Result<Site> {
    let sources = rule_sources(config.rules_dir.as_deref())?;
    site_with(config, &sources)
}

fn site_with(config: &Config, sources: &Sources) -> anyhow::Result<Site> {
    let rules = Rules::compile(sources);
    let calendar = Calendar::compile(sources, &config.closing_days);
    let (rules, calendar) = match (rules, calendar) {
        (Ok(rules), Ok(calendar)) => (rules, calendar),
        (rules, calendar) => {
            let faults = rules.err().into_iter().chain(calendar.err()).flatten();
            let lines: Vec<String> = faults.map(|fault| fault.to_string()).collect();
            anyhow::bail!("{}", lines.join("\n"));
        }
    };
    Ok(Site {
        identity: config.desk.clone(),
        engineers: config.engineers.clone(),
        rules,
        calendar,
        token_key: TokenKey::new(config.token_key.reveal().as_bytes())?,
        max_transit: SignedDuration::try_from(config.max_transit).unwrap_or(SignedDuration::MAX),
    })
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

/// Reads the contracts on file.
///
/// # Errors
/// The file cannot be read, or every bad line of it.
pub fn contracts(path: &Path) -> anyhow::Result<Vec<Contract>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read the contracts {}", path.display()))?;
    contract::read_csv(&bytes).map_err(|faults| {
        let lines: Vec<String> = faults.iter().map(|fault| format!("{}: {fault}", path.display())).collect();
        anyhow::anyhow!("{}", lines.join("\n"))
    })
}

//! `demo`: the whole desk at work on example mails, with a Maildir as mailbox and another as
//! outgoing mail; no server and no configuration.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use tokio::sync::watch;

use super::{block_on, printable};
use crate::clock::Clock;
use crate::config::{Config, Secret};
use crate::desk::decision::Disposition;
use crate::desk::message::{self, Message};
use crate::desk::ticket::{ClockKind, EntryKind, NumberKind, Ticket};
use crate::desk::ticket_number::TicketNumber;
use crate::desk::trust::{Authentication, Border, Stamps};
use crate::office::Office;
use crate::store::{Decided, Wanted};
use crate::{maildir, service};

/// How the demo runs.
#[derive(clap::Args)]
pub struct Options {
    /// Keep the files in this folder (made if missing) instead of a new temporary one
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Go on watching: drop mails of your own into the mailbox, end with Ctrl-C
    #[arg(long)]
    watch: bool,
}

/// Stands in the example mails, too.
const BORDER_HOST: &str = "mx.myhezo.pl";

/// How long one mail may take before the demo says that something is wrong.
const PATIENCE: Duration = Duration::from_secs(20);

const DRIVE_FAILED: &str = include_str!("demo/1-drive-failed.eml");
const NO_NUMBERS: &str = include_str!("demo/2-no-numbers.eml");
const ENGLISH: &str = include_str!("demo/3-english.eml");
const ABSENCE: &str = include_str!("demo/4-absence.eml");
const CUSTOMER_ANSWERS: &str = include_str!("demo/5-customer-answers.eml");
const FORGED_ENGINEER: &str = include_str!("demo/6-forged-engineer.eml");
const NEWSLETTER: &str = include_str!("demo/7-newsletter.eml");
const ENGINEER_ANSWERS: &str = include_str!("demo/8-engineer-answers.eml");
const CONTRACTS: &str = include_str!("demo/contracts.csv");

/// Runs the demo.
///
/// # Errors
/// The folder cannot be written, or the desk does not do what the demo waits for.
pub fn demo(options: &Options) -> anyhow::Result<ExitCode> {
    let dir = match &options.dir {
        Some(dir) => dir.clone(),
        None => tempfile::Builder::new().prefix("hezo-intake-demo-").tempdir()?.keep(),
    };
    let config = settings(&dir)?;
    let clock = Clock::default();
    let office = Office::open(&config, clock.clone())?;
    println!("The desk watches {}", dir.join("mailbox").display());
    println!("and writes mail to {}\n", dir.join("outgoing").display());
    block_on(async {
        let (tell, stop) = watch::channel(false);
        let (ready, mut walked) = watch::channel(false);
        let told = move || {
            let _ = ready.send(true);
        };
        let service = {
            let (office, config, stop) = (Arc::clone(&office), config.clone(), stop);
            tokio::spawn(async move { service::run_in(&office, &config, stop, told).await })
        };
        walked.wait_for(|walked| *walked).await.context("the desk did not start")?;
        let show = Show { office: Arc::clone(&office), dir: dir.clone() };
        show.story(&clock).await?;
        println!("Files: {0}/mailbox (mail in), {0}/outgoing/new (mail out), {0}/state (database)", dir.display());
        if options.watch {
            println!("Drop a mail of your own into {}/mailbox/new; Ctrl-C ends.\n", dir.display());
            show.watch().await?;
        } else {
            println!("To drop in mails of your own: hezo-intake demo --watch");
            println!("To see what the program sees in one: hezo-intake explain FILE");
        }
        tell.send(true)?;
        service.await?
    })?;
    Ok(ExitCode::SUCCESS)
}

fn settings(dir: &Path) -> anyhow::Result<Config> {
    let mailbox = dir.join("mailbox");
    std::fs::create_dir_all(&mailbox).with_context(|| format!("cannot make {}", mailbox.display()))?;
    let contracts = dir.join("contracts.csv");
    std::fs::write(&contracts, CONTRACTS).with_context(|| format!("cannot write {}", contracts.display()))?;
    let mut key = [0; 32];
    std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut key)?;
    let config = Config::embedded(dir);
    // The mails of the demo are stamped as if this host had let them in.
    let border = Border {
        hosts: vec![BORDER_HOST.to_string()],
        inner_hosts: Vec::new(),
        authserv_id: Some(BORDER_HOST.to_string()),
        stamps: Stamps::Above,
    };
    Ok(Config {
        contracts: Some(contracts),
        authentication: Authentication { border: Some(border), ..Authentication::default() },
        token_keys: vec![Secret::new(data_encoding::HEXLOWER.encode(&key))],
        ..config
    })
}

/// Puts mails in and tells what becomes of them.
struct Show {
    office: Arc<Office>,
    dir: PathBuf,
}

/// What stands for the values that are known only while the demo runs.
#[derive(Default)]
struct Blanks {
    ticket: String,
    ack: String,
    reply_to: String,
}

impl Show {
    async fn story(&self, clock: &Clock) -> anyhow::Result<()> {
        let nothing = Blanks::default();
        let first = self.mail("A customer reports a fault, with both numbers", DRIVE_FAILED, &nothing).await?;
        let second = self.mail("Another forgets the numbers", NO_NUMBERS, &nothing).await?;
        self.mail("A third writes in English, the numbers in an HTML table; the contract is 24x7", ENGLISH, &nothing)
            .await?;
        let first = first.context("the first mail opened no ticket")?;
        let second = second.context("the second mail opened no ticket")?;
        let about_first = self.blanks(first)?;
        self.mail("The first customer's absence note comes back", ABSENCE, &about_first).await?;
        self.mail("The second customer answers with the numbers", CUSTOMER_ANSWERS, &self.blanks(second)?).await?;
        self.mail(
            "Somebody got hold of the engineer's reply address and writes under her name",
            FORGED_ENGINEER,
            &about_first,
        )
        .await?;
        self.mail("A newsletter", NEWSLETTER, &nothing).await?;
        self.mail("The engineer answers from her own mail client", ENGINEER_ANSWERS, &about_first).await?;
        self.hour_passes(clock).await
    }

    async fn mail(&self, title: &str, template: &str, blanks: &Blanks) -> anyhow::Result<Option<TicketNumber>> {
        println!("── {title}");
        let date = self.office.now().to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S +0000").to_string();
        let mail = template.replace("{date}", &date).replace("{ticket}", &blanks.ticket);
        let mail = mail.replace("{ack}", &blanks.ack).replace("{reply_to}", &blanks.reply_to);
        let raw = mail.replace('\n', "\r\n").into_bytes();
        let hash = message::content_hash(&raw);
        let before = self.office.now();
        maildir::deliver(&self.dir.join("mailbox"), &raw)?;
        let ours = |decided: &Decided| decided.content_hash == hash;
        let look = || Ok(self.office.write_now(|store| store.decided_since(before))?.into_iter().find(ours));
        let decided = self.wait("the mail was not decided", look).await?;
        self.told(&decided)
    }

    fn told(&self, decided: &Decided) -> anyhow::Result<Option<TicketNumber>> {
        let Decided { disposition, reason, sender, content_hash } = decided;
        let raw = self.office.write_now(|store| store.kept(content_hash))?.unwrap_or_default();
        let from = Message::parse(&raw).from.map_or(String::new(), |from| from.address);
        println!("   from       {} – {}", printable(&from), sender.as_deref().unwrap_or("nobody"));
        let number = match *disposition {
            Disposition::Opened(number) => {
                println!("   ticket     {number} opened [{reason}]");
                Some(number)
            }
            Disposition::Attached(number) => {
                println!("   ticket     {number}, added [{reason}]");
                Some(number)
            }
            Disposition::Noted => {
                println!("   noted      no ticket, no answer [{reason}]");
                None
            }
            Disposition::Parked => {
                println!("   held       waits for a person; the engineer is told [{reason}]");
                None
            }
            Disposition::Duplicate(number) => {
                println!("   known      decided before [{reason}]");
                number
            }
        };
        if let Some(number) = number {
            let (ticket, mails) = self.office.write_now(|store| {
                let id = store.find_ticket(number)?.context("the ticket is gone")?;
                Ok((store.ticket(id)?, store.outbox_of(id)?))
            })?;
            self.facts(&ticket);
            let purposes: Vec<&str> = mails.iter().map(|mail| mail.purpose.as_str()).collect();
            println!("   mail out   {}", purposes.join(", "));
        }
        println!();
        Ok(number)
    }

    fn facts(&self, ticket: &Ticket) {
        let numbers = |kind: NumberKind| -> String {
            let of_kind = ticket.numbers.iter().filter(|number| number.kind == kind);
            of_kind
                .map(|number| format!("{}{}", number.value, if number.on_file { " (on file)" } else { "" }))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let missing: Vec<&str> = ticket.missing().into_iter().map(NumberKind::name).collect();
        println!("   serial     {}", printable(&numbers(NumberKind::Serial)));
        println!("   contract   {}", printable(&numbers(NumberKind::Contract)));
        if !missing.is_empty() {
            println!("   missing    {}", missing.join(", "));
        }
        for clock in &ticket.clocks {
            let due = self.office.site.calendar.local(clock.due).english();
            match clock.satisfied_at() {
                Some(_) => println!("   {:<10} kept", clock.kind.name()),
                None => println!("   {:<10} due {due}", clock.kind.name()),
            }
        }
        if let Some(clock) = ticket.clock(ClockKind::Reaction) {
            clock.explanation.split("; ").for_each(|step| println!("              {}", printable(step)));
        }
    }

    /// Message-ID of the acknowledgement and reply address of the notice, out of the written mails.
    fn blanks(&self, number: TicketNumber) -> anyhow::Result<Blanks> {
        let ticket = self.ticket(number)?;
        let ack = ticket.entries.iter().find(|entry| entry.kind == EntryKind::Acknowledged);
        let engineer = self.office.site.active_engineers().next().context("no engineer")?;
        let reply_to = crate::desk::reply::engineer_address(&self.office.site, engineer, number, self.office.now());
        let ack = ack.and_then(|entry| entry.message_id.clone()).unwrap_or_default();
        Ok(Blanks { ticket: number.to_string(), ack, reply_to })
    }

    fn ticket(&self, number: TicketNumber) -> anyhow::Result<Ticket> {
        self.office.write_now(|store| {
            let id = store.find_ticket(number)?.context("the ticket is gone")?;
            store.ticket(id)
        })
    }

    /// Sets the clock forward past the reaction time of every ticket that nobody has answered, shows
    /// who was escalated, and sets it back.
    async fn hour_passes(&self, clock: &Clock) -> anyhow::Result<()> {
        // An answer keeps its promise only when it has left.
        self.all_sent().await?;
        let waits = |ticket: &Ticket| ticket.running(ClockKind::Reaction).map(|clock| clock.due).max();
        let every = Wanted { most: usize::MAX, ..Wanted::default() };
        let all = self.office.write_now(|store| store.tickets(&every, self.office.now()))?;
        let numbers = all.iter().map(|summary| Ok(summary.ticket.parse()?)).collect::<anyhow::Result<Vec<_>>>()?;
        let tickets = numbers.into_iter().map(|number| self.ticket(number)).collect::<anyhow::Result<Vec<_>>>()?;
        let waiting: Vec<&Ticket> = tickets.iter().filter(|ticket| waits(ticket).is_some()).collect();
        let Some(due) = waiting.iter().filter_map(|ticket| waits(ticket)).max() else { return Ok(()) };
        let ahead = due.duration_since(self.office.now()) + SignedDuration::from_secs(60);
        let shown = self.office.site.calendar.local(due).english();
        println!("── The clock is set forward past {shown}: nobody has answered the others");
        clock.advance(ahead);
        self.office.timer_bell.notify_one();
        let escalated =
            |number| anyhow::Ok(self.ticket(number)?.entries.iter().any(|entry| entry.kind == EntryKind::Escalated));
        for ticket in &waiting {
            self.wait("a clock did not fire", || Ok(escalated(ticket.number)?.then_some(()))).await?;
            println!("   {} forwarded to {}", ticket.number, self.office.site.identity.escalation_address);
        }
        self.all_sent().await?;
        clock.advance(-ahead);
        println!("   (and back)\n");
        Ok(())
    }

    async fn all_sent(&self) -> anyhow::Result<()> {
        let nothing_waits = || self.office.write_now(|store| Ok((store.outbox_pending()? == 0).then_some(())));
        self.wait("a mail was not sent", nothing_waits).await
    }

    /// Tells of every mail that comes, for ever.
    async fn watch(&self) -> anyhow::Result<()> {
        let mut since = self.office.now();
        let mut interrupt = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
        loop {
            tokio::select! {
                _ = interrupt.recv() => return Ok(()),
                () = tokio::time::sleep(Duration::from_millis(300)) => {}
            }
            let until = self.office.now();
            for decided in self.office.write_now(|store| store.decided_since(since))? {
                println!("── A mail came");
                self.told(&decided)?;
            }
            since = until;
        }
    }

    async fn wait<T>(&self, complaint: &str, mut look: impl FnMut() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
        let began = std::time::Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(found) = look()? {
                return Ok(found);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("{complaint} within {} s", PATIENCE.as_secs())
    }
}

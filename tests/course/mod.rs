//! The course of a ticket, told as a transcript: what people do, line by line, and below each line what
//! the desk makes of it. The desk runs in this process, with its store, mailbox and outgoing mail in a
//! folder of its own and the time of day handed in.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its share")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Parser;
use hezo_intake::clock::Clock;
use hezo_intake::commands::order::{self, Order};
use hezo_intake::config::Config;
use hezo_intake::desk::reply;
use hezo_intake::desk::ticket::{self, EntryKind, Ticket};
use hezo_intake::desk::ticket_number::TicketNumber;
use hezo_intake::desk::token::{Purpose, Token};
use hezo_intake::desk::trust::{Authentication, Border, Stamps};
use hezo_intake::maildir;
use hezo_intake::office::Office;
use hezo_intake::pulse::Beat;
use hezo_intake::service;
use hezo_intake::store::{Queued, Wanted};
use hezo_intake::timers;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// Contracts on file: 24x7 with 8h, 8x5 with NBD, 8x5 with 8h, and one of another product line.
const CONTRACTS: &str = "\
contract,nip,customer,plan,window,delivery,valid_from,valid_to,serials,senders
H-2026-00024,9946900604,Huta Wzorcowa,SOS,24x7,8h,2020-01-01,2039-12-31,B824100024,@huta.example
H-2026-00008,9946900604,Fabryka Wzorcowa,AHB,8x5,NBD,2020-01-01,2039-12-31,B824100008;B824100317,ewa@biuro.example
H-2026-00088,9946900604,Biuro Wzorcowe,SOS,8x5,8h,2020-01-01,2039-12-31,B824100088,
H-2026-00095,9946900604,Sklep Wzorcowy,COCARE,9x5,NBD,2020-01-01,2039-12-31,B824100095,
";

/// The border host, which finds of every mail that it is from its sender's domain.
const BORDER: &str = "mx.myhezo.example";

/// A desk whose time stands still between two steps. It is at work meanwhile, unless a step says that it
/// starts again.
pub struct Course {
    dir: TempDir,
    config: Config,
    office: RefCell<Option<Arc<Office>>>,
    clock: Clock,
    runtime: Runtime,
    mails: Cell<usize>,
    seen: RefCell<Seen>,
}

/// What the transcript has told already.
#[derive(Default)]
struct Seen {
    mails: BTreeMap<TicketNumber, usize>,
    lines: BTreeMap<(TicketNumber, String), String>,
}

/// An order as the operator types it.
#[derive(Parser)]
#[command(no_binary_name = true)]
struct Line {
    #[command(subcommand)]
    order: Order,
}

/// Runs the steps of every transcript of a file, and compares what comes of them with what it says. `# `
/// begins a transcript and names it.
#[track_caller]
pub fn check_file(transcripts: &str) {
    check_file_at(|_| {}, transcripts);
}

/// The same, on a desk with other settings.
#[track_caller]
pub fn check_file_at(settings: impl Fn(&mut Config), transcripts: &str) {
    for transcript in transcripts.split("# ").skip(1) {
        let (name, steps) = transcript.split_once('\n').unwrap_or((transcript, ""));
        println!("{name}");
        check_at(&settings, steps);
    }
}

#[track_caller]
fn check_at(settings: impl FnOnce(&mut Config), transcript: &str) {
    let course = Course::new(settings);
    let told = course.tell(transcript);
    let expected: String = transcript.trim().lines().map(|line| format!("{}\n", line.trim_end())).collect();
    assert!(told == expected, "expected\n{expected}\ntold\n{told}");
}

impl Course {
    /// A desk with two engineers and a few contracts on file.
    pub fn new(settings: impl FnOnce(&mut Config)) -> Course {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir(dir.path().join("mailbox")).expect("the mailbox");
        let contracts = dir.path().join("contracts.csv");
        fs::write(&contracts, CONTRACTS).expect("the contracts");
        let border = Border {
            hosts: vec![BORDER.to_string()],
            inner_hosts: Vec::new(),
            authserv_id: Some(BORDER.to_string()),
            stamps: Stamps::Above,
        };
        let authentication = Authentication { border: Some(border), ..Authentication::default() };
        let mut config = Config { contracts: Some(contracts), authentication, ..Config::embedded(dir.path()) };
        settings(&mut config);
        let clock = Clock::starting_at(moment("2026-11-20 08:00"));
        let office = Office::open(&config, clock.clone()).expect("the desk");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let office = RefCell::new(Some(office));
        Course { dir, config, office, clock, runtime, mails: Cell::new(0), seen: RefCell::default() }
    }

    /// Runs the steps of a transcript and tells what comes of them.
    pub fn tell(&self, transcript: &str) -> String {
        let steps = transcript.lines().map(str::trim_end).filter(|line| line.starts_with("20"));
        steps.map(|step| self.step(step)).collect()
    }

    /// The desk's folder: `state`, `mailbox`, `outgoing`.
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// The desk.
    pub fn office(&self) -> Arc<Office> {
        Arc::clone(self.office.borrow().as_ref().expect("a desk"))
    }

    /// Does one step, `TIME WHO: WHAT`, and tells what came of it and of the time since the last one, the
    /// step first.
    pub fn step(&self, step: &str) -> String {
        let (at, what) = step.split_at_checked(16).unwrap_or_else(|| panic!("no step: {step}"));
        let at = moment(at);
        let mut told = format!("{step}\n");
        if what.trim() == "starts again" {
            self.set_time(at);
            self.start_again();
            self.run();
            return told + &self.news();
        }
        self.work_until(at);
        match what.trim().split_once(": ") {
            None => self.run(),
            Some(("do", words)) => {
                if let Err(refused) = self.order(words) {
                    let _ = writeln!(told, "    refused: {refused}");
                }
                self.run();
            }
            Some((who, text)) => {
                self.deliver(at, who, &text.replace("\\n", "\n"));
                self.run();
            }
        }
        told + &self.news()
    }

    /// The desk is at work until then, and wakes whenever it has something to do by itself.
    pub fn work_until(&self, at: Timestamp) {
        loop {
            let next = self.office().write_now(|store| store.next_appointment()).expect("the next appointment");
            match next.filter(|next| *next > self.office().now() && *next < at) {
                Some(next) => self.set_time(next),
                None => break,
            }
            self.run();
        }
        self.set_time(at);
    }

    /// The desk sleeps until then.
    pub fn set_time(&self, at: Timestamp) {
        // The clock is set in whole milliseconds: never a little before.
        self.clock.advance(at.duration_since(self.office().now()) + SignedDuration::from_millis(1));
    }

    /// The program is ended at once, whatever it does, and started again.
    pub fn start_again(&self) {
        self.office.replace(None);
        let office = Office::open(&self.config, self.clock.clone()).expect("the desk");
        office.write_now(|store| store.begins(office.now())).expect("the start");
        self.office.replace(Some(office));
    }

    /// Reads the mailbox, acts on what is due, sends.
    pub fn run(&self) {
        self.runtime.block_on(service::once_in(&self.office(), &self.config)).expect("the desk works");
    }

    /// The timers run, and wait for what is due next; then the machine sleeps until `at`. They go on until
    /// this rung of the newest ticket is done.
    pub fn suspend_until(&self, at: Timestamp, rung: &str) {
        let office = self.office();
        let waits = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&waits);
        office.pulse.listen(move |beat| told.store(beat == Beat::Wait, Ordering::SeqCst));
        let fired = || {
            let ticket = self.ticket(self.newest());
            ticket.clocks.iter().flat_map(|clock| &clock.rungs).any(|known| known.id == rung && known.fired.is_some())
        };
        let (stop, stopped) = watch::channel(false);
        let (_walked, walked) = watch::channel(true);
        self.runtime.block_on(async {
            // What rang the bell was done by now; the timers are to wait, not to take one more turn.
            let _ = tokio::time::timeout(Duration::ZERO, office.timer_bell.notified()).await;
            let timers = tokio::spawn(timers::run(Arc::clone(&office), walked, stopped));
            until(|| waits.load(Ordering::SeqCst)).await;
            self.set_time(at);
            office.timer_bell.notify_one();
            until(fired).await;
            stop.send_replace(true);
            timers.await.expect("the timers end");
        });
    }

    /// Acts on what is due and sends nothing.
    pub fn act_on_due(&self) {
        self.runtime.block_on(timers::act_on_due(&self.office())).expect("the desk acts");
    }

    /// An order of Anna's about the newest ticket, or about the one whose sequence number comes first.
    fn order(&self, words: &str) -> Result<(), String> {
        let words: Vec<&str> = words.split_whitespace().collect();
        let about = words.first().and_then(|word| word.strip_prefix('#')?.parse::<u32>().ok());
        let number = about.map_or_else(|| self.newest(), |sequence| TicketNumber::new(26, sequence));
        let words = words.into_iter().skip(usize::from(about.is_some()));
        let words = words.map(|word| match word.strip_prefix('#').and_then(|sequence| sequence.parse().ok()) {
            Some(sequence) => TicketNumber::new(26, sequence).to_string(),
            None => word.to_string(),
        });
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        let event = line.order.event(&self.office().site.calendar).map_err(|error| format!("{error:#}"))?;
        let done = self.office().write_now(|store| order::carry_out(&self.office(), store, number, &event, "anna"));
        done.map(|_| ()).map_err(|error| error.root_cause().to_string())
    }

    fn deliver(&self, at: Timestamp, who: &str, text: &str) {
        let (from, to, extra) = self.envelope(who);
        self.mails.set(self.mails.get() + 1);
        let id = self.mails.get();
        let date = at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string();
        let date =
            text.strip_prefix("Date=").and_then(|text| text.split_once('|')).map_or(date.as_str(), |(date, _)| date);
        let text = text.rsplit_once('|').map_or(text, |(_, text)| text);
        let domain = from.rsplit_once('@').map_or("", |(_, domain)| domain);
        let mail = format!(
            "Authentication-Results: {BORDER}; dmarc=pass header.from={domain}\n\
             Received: from out.{domain} (out.{domain} [192.0.2.1]) by {BORDER} with ESMTPS id {id}; {date}\n\
             From: {from}\nTo: {to}\nSubject: Awaria\nDate: {date}\nMessage-ID: <{id}@mail.example>\n{extra}\n{text}\n"
        );
        let mailbox = self.dir.path().join("mailbox");
        maildir::deliver(&mailbox, mail.replace('\n', "\r\n").as_bytes()).expect("the mailbox");
        for entry in fs::read_dir(mailbox.join("new")).expect("the mailbox").flatten() {
            let file = fs::File::options().write(true).open(entry.path()).expect("the mail");
            file.set_modified(at.into()).expect("the mail's time");
        }
    }

    /// Sender, recipient and further headers of a mail.
    fn envelope(&self, who: &str) -> (String, String, String) {
        let desk = &self.office().site.identity.address;
        let answers = || {
            let ticket = self.ticket(self.newest());
            let seen = |kind| matches!(kind, EntryKind::Acknowledged | EntryKind::Answered | EntryKind::Customer);
            let last = ticket.entries.iter().rev().find(|entry| seen(entry.kind) && entry.message_id.is_some());
            last.and_then(|entry| entry.message_id.clone()).map(|id| format!("In-Reply-To: <{id}>\n"))
        };
        let escalation = |level: &str| {
            let (ticket, person) = (self.newest().to_string(), level.to_string());
            let token = Token { purpose: Purpose::Escalation, ticket, person };
            self.office().site.token_keys.reply_address(desk, &token, self.office().now())
        };
        let address = |who: &str| match who {
            "huta" => "jan@huta.example".to_string(),
            "biuro" => "ewa@biuro.example".to_string(),
            who => format!("{who}@kunde.example"),
        };
        match who {
            "anna" | "marek" => {
                let site = &self.office().site;
                let engineer = site.engineer(who).expect("an engineer");
                (
                    engineer.address.clone(),
                    reply::engineer_address(site, engineer, self.newest(), self.office().now()),
                    String::new(),
                )
            }
            "chief" => ("szef@myhezo.pl".to_string(), escalation("first"), String::new()),
            "director" => ("dyrektor@second.example".to_string(), escalation("second"), String::new()),
            "outsider" => ("obcy@kunde.example".to_string(), escalation("first"), String::new()),
            "chief's robot" => {
                let marks = "Auto-Submitted: auto-replied\n".to_string();
                ("escalation@myhezo.pl".to_string(), escalation("first"), marks)
            }
            who => match who.strip_suffix(" answers") {
                Some(who) => (address(who), desk.clone(), answers().unwrap_or_default()),
                None => (address(who.trim_end_matches(" writes")), desk.clone(), String::new()),
            },
        }
    }

    /// The newest ticket.
    pub fn newest(&self) -> TicketNumber {
        let wanted = Wanted { most: 1, ..Wanted::default() };
        let tickets =
            self.office().write_now(|store| store.tickets(&wanted, self.office().now())).expect("the tickets");
        tickets.first().expect("a ticket").ticket.parse().expect("a number")
    }

    /// A ticket as the store has it.
    pub fn ticket(&self, number: TicketNumber) -> Ticket {
        let find = |store: &hezo_intake::store::Work| {
            let id = store.find_ticket(number)?.expect("a ticket");
            store.ticket(id)
        };
        self.office().write_now(find).expect("the ticket")
    }

    /// What is new on each ticket since the last step.
    fn news(&self) -> String {
        let wanted = Wanted { most: 100, ..Wanted::default() };
        let tickets =
            self.office().write_now(|store| store.tickets(&wanted, self.office().now())).expect("the tickets");
        let mut told = String::new();
        for summary in tickets.iter().rev() {
            let number: TicketNumber = summary.ticket.parse().expect("a number");
            let ticket = self.ticket(number);
            let lines = [self.mails_of(number), self.changes(&ticket)].concat();
            let name = if tickets.len() > 1 { format!("#{} ", number.sequence()) } else { String::new() };
            lines.iter().for_each(|line| told.push_str(&format!("    {name}{line}\n")));
        }
        told
    }

    /// The mails of a ticket, the oldest first.
    pub fn outbox(&self, number: TicketNumber) -> Vec<Queued> {
        let all = self.office().write_now(|store| {
            let id = store.find_ticket(number)?.expect("a ticket");
            store.outbox_of(id)
        });
        all.expect("the mails")
    }

    fn mails_of(&self, number: TicketNumber) -> Vec<String> {
        let all = self.outbox(number);
        let mut seen = self.seen.borrow_mut();
        let known = seen.mails.insert(number, all.len()).unwrap_or_default();
        let mut counts: Vec<(String, usize)> = Vec::new();
        for mail in all.iter().skip(known) {
            let name =
                if mail.state == "sent" { mail.purpose.clone() } else { format!("{} ({})", mail.purpose, mail.state) };
            match counts.iter_mut().find(|(known, _)| *known == name) {
                Some((_, count)) => *count += 1,
                None => counts.push((name, 1)),
            }
        }
        let counts = counts.into_iter().map(|(name, count)| if count == 1 { name } else { format!("{count} {name}") });
        let line = counts.collect::<Vec<_>>().join(", ");
        if line.is_empty() { Vec::new() } else { vec![format!("mail: {line}")] }
    }

    /// What stands otherwise on a ticket than the last time.
    fn changes(&self, ticket: &Ticket) -> Vec<String> {
        let mut lines = vec![("state".to_string(), ticket.state.to_string())];
        let other = |number: Option<TicketNumber>| number.map(|number| format!("#{}", number.sequence()));
        let facts = [
            ("continues", other(ticket.continues)),
            ("names", other(ticket.linked_to)),
            ("part of", other(ticket.merged_into)),
            ("admitted", ticket.admitted_at.map(local)),
            ("assignee", ticket.assignee.clone()),
            ("waits", ticket.wait.as_ref().map(|wait| format!("{} since {}", wait.reason, local(wait.since)))),
            ("closes", ticket.closes_at.map(local)),
        ];
        lines.extend(facts.map(|(name, fact)| (name.to_string(), fact.unwrap_or_else(|| "-".to_string()))));
        for clock in &ticket.clocks {
            let round = if clock.round > 1 { format!(" {}", clock.round) } else { String::new() };
            lines.push((format!("{}{round}", clock.kind), self.clock_line(clock)));
            for rung in &clock.rungs {
                let fired = rung.fired.as_ref().map(|fired| {
                    let late =
                        fired.late.as_ref().map(|late| format!(", {} min late: {}", late.seconds / 60, late.cause));
                    format!("{}{}", local(fired.at), late.unwrap_or_default())
                });
                lines.push((format!("  {}{round}", rung.id), fired.unwrap_or_else(|| "-".to_string())));
            }
        }
        let mut seen = self.seen.borrow_mut();
        let changed = |(name, line): &(String, String)| {
            let before = seen.lines.insert((ticket.number, name.clone()), line.clone());
            before.map_or(line != "-", |before| before != *line)
        };
        lines.into_iter().filter(changed).map(|(name, line)| format!("{name}: {line}")).collect()
    }

    fn clock_line(&self, clock: &ticket::Clock) -> String {
        let mut line = format!("{} to {}", local(clock.start), local(clock.due));
        if let Some(since) = clock.paused_since() {
            let _ = write!(line, ", stands still since {}", local(since));
        }
        if let Some(ended) = &clock.ended {
            let by = if ended.by.contains('@') && ended.by.len() > 40 { "mail" } else { &ended.by };
            let _ = write!(line, ", {} {} by {by}", ended.how, local(ended.at));
        }
        if clock.breached(self.office().now()) {
            line.push_str(", BREACHED");
        }
        line
    }
}

/// Waits until this is true.
async fn until(holds: impl Fn() -> bool) {
    for _ in 0..3_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it does not come to that in half a minute");
}

/// Local time of the desk, without the year.
fn local(at: Timestamp) -> String {
    at.to_zoned(zone()).strftime("%m-%d %H:%M").to_string()
}

/// Local time of the desk (`2026-11-23 09:05`).
pub fn moment(at: &str) -> Timestamp {
    let local: DateTime = at.parse().unwrap_or_else(|_| panic!("{at} is no time"));
    zone().to_timestamp(local).expect("a time of this zone")
}

fn zone() -> TimeZone {
    TimeZone::get("Europe/Warsaw").expect("the zone")
}

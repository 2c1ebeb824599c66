//! The service dies between every two steps, and at moments that nobody chose: nothing is lost, and
//! nothing is done twice but the one thing that cannot be helped.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::servers::daemon::{DESK, Desk, ENGINEERS, ESCALATION};
use crate::servers::{Servers, wait_for};
use hezo_intake::desk::message::Message;
use hezo_intake::failpoint::Point;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

const CUSTOMERS: [&str; 3] = ["jan@fabryka.example", "ewa@szpital.example", "ola@biuro.example"];

/// How often each point is passed before the death there.
const PASSES: [u32; 2] = [1, 2];

/// How many deaths nobody chose.
const RANDOM: u32 = if crate::LONG { 1_500 } else { 12 };

/// A mail whose fate is unknown is sent again after two minutes; each life begins later than that.
const STEP: SignedDuration = SignedDuration::from_mins(3);

/// What became of the lives that were to end at one point.
#[derive(Default)]
struct Lives {
    begun: u32,
    killed: u32,
}

/// A desk that dies again and again.
struct Trial<'a> {
    servers: &'a Servers,
    desk: Desk<'a>,
    now: Timestamp,
    mails: usize,
    table: BTreeMap<String, Lives>,
    random: fastrand::Rng,
}

impl Trial<'_> {
    /// Two more requests arrive.
    fn requests_arrive(&mut self) {
        let now = self.now.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string();
        for _ in 0..2 {
            let n = self.mails;
            let from = CUSTOMERS[n % CUSTOMERS.len()];
            let mail = format!(
                "From: {from}\nTo: {DESK}\nSubject: Awaria {n}\nMessage-ID: <{n}@kills.example>\nDate: {now}\n\nNapęd stoi, nr seryjny: B8241{n:05}\n"
            );
            self.servers.put(DESK, [mail]);
            self.mails += 1;
        }
    }

    fn dies_at(&mut self, point: Point, passes: u32) {
        self.requests_arrive();
        // Rungs are due once the promised hour is over.
        self.now += if point == Point::Fired { SignedDuration::from_hours(7 * 24) } else { STEP };
        let at = format!("{}:{passes}", point.name());
        let output = self.desk.dying_command(&["run", "--once", "--now", &self.now.to_string()], &at);
        let lives = self.table.entry(point.name().to_string()).or_default();
        lives.begun += 1;
        lives.killed += u32::from(output.status.code().is_none());
    }

    fn dies_at_some_moment(&mut self) {
        self.requests_arrive();
        self.now += STEP;
        let daemon = self.desk.start(&["--now", &self.now.to_string()]);
        std::thread::sleep(Duration::from_millis(self.random.u64(100..1_500)));
        daemon.kill();
        let lives = self.table.entry("at some moment".to_string()).or_default();
        lives.begun += 1;
        lives.killed += 1;
    }

    /// Lives until nothing is left to do.
    fn survives(&mut self) {
        for _ in 0..2 {
            self.now += STEP;
            let output = self.desk.command(&["run", "--once", "--now", &self.now.to_string()]);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }

    /// Every mail is in one ticket, every ticket acknowledged once; returns how many mails arrived twice.
    fn account(&self) -> usize {
        assert_eq!(self.desk.gaps(), [0]);
        assert_eq!(self.servers.mails(DESK, "").len(), 0, "every mail is filed");
        assert_eq!(self.servers.mails(DESK, ".Done").len(), self.mails, "every mail is filed once");
        let tickets = self.desk.json(&["tickets", "list", "--most", "100000", "--json"]);
        assert_eq!(tickets.len(), self.mails, "every mail opened a ticket");
        for ticket in &tickets {
            let number = ticket["ticket"].as_str().expect("a number");
            let ticket = self.desk.json(&["tickets", "show", number, "--json"]).remove(0);
            let count = |list: &str, key: &str, value: &str| {
                let of: &Vec<Value> = ticket[list].as_array().expect("a list");
                of.iter().filter(|one| one[key] == value).count()
            };
            assert_eq!(count("entries", "kind", "customer"), 1, "{number}");
            assert_eq!(count("mails", "purpose", "acknowledgement"), 1, "{number}");
            let sent = count("mails", "state", "sent");
            assert_eq!(sent, ticket["mails"].as_array().map_or(0, Vec::len), "{number}: all is sent");
        }
        let people = CUSTOMERS.iter().chain(&ENGINEERS).chain([&ESCALATION]);
        let twice = people.map(|person| self.arrived_twice(person)).sum();
        let acknowledged: BTreeSet<String> = CUSTOMERS
            .iter()
            .flat_map(|customer| self.servers.mails(customer, ""))
            .filter_map(|mail| Message::parse(&mail).in_reply_to.first().cloned())
            .filter(|id| id.ends_with("@kills.example"))
            .collect();
        assert_eq!(acknowledged.len(), self.mails, "every customer is answered");
        twice
    }

    fn arrived_twice(&self, person: &str) -> usize {
        let mails = self.servers.mails(person, "");
        let ids: BTreeSet<_> = mails.iter().filter_map(|mail| Message::parse(mail).message_id).collect();
        mails.len() - ids.len()
    }
}

#[test]
fn a_death_at_any_point_loses_nothing_and_doubles_nothing() {
    let mailboxes: Vec<&str> = [DESK, ESCALATION].iter().chain(&ENGINEERS).chain(&CUSTOMERS).copied().collect();
    let servers = Servers::start(&mailboxes);
    let budget = "[budget]\nstorm = 100000\nper_address_and_hour = 100000\nper_address_and_day = 100000\n\
                  per_domain_and_hour = 100000\nin_all_and_hour = 100000\nalerts_and_hour = 100000\n";
    let mailbox = format!("port = {{imaps}}\nstart = \"all\"\nafter = {{ move = \"Done\" }}\n{budget}");
    let desk = Desk::new(&servers, &mailbox);
    let random = fastrand::Rng::with_seed(20_261_123);
    let mut trial = Trial { servers: &servers, desk, now: Timestamp::now(), mails: 0, table: BTreeMap::new(), random };

    for point in Point::ALL {
        for passes in PASSES {
            trial.dies_at(point, passes);
        }
    }
    for _ in 0..RANDOM {
        trial.dies_at_some_moment();
    }
    trial.survives();
    wait_for("Postfix has delivered all", || {
        let arrived: usize = CUSTOMERS.iter().map(|customer| servers.mails(customer, "").len()).sum();
        (arrived >= trial.mails).then_some(())
    });
    let twice = trial.account();

    println!("{:<16} {:>6} {:>6}", "POINT", "LIVES", "KILLED");
    for (point, lives) in &trial.table {
        println!("{point:<16} {:>6} {:>6}", lives.begun, lives.killed);
    }
    println!("{} requests, each in one ticket and acknowledged; {twice} mails arrived twice", trial.mails);
    for point in Point::ALL {
        assert!(trial.table[point.name()].killed > 0, "no life ended at {}", point.name());
    }
    // Up to eight mails are under way at a death, and each may have been taken and not recorded.
    let deaths: u32 = trial.table.values().map(|lives| lives.killed).sum();
    assert!(twice <= 8 * deaths as usize, "{twice} mails arrived twice in {deaths} deaths");
}

//! What the program reaches beside what this machine, its disk and its mail servers can do at most:
//! a table, in which no absolute figure stands alone. No figure is a test.
//!
//! ```text
//! cargo bench --bench desk                            all of it
//! cargo bench --bench desk -- drain                   one part: drain, single, send, memory, contracts, growth
//! cargo bench --bench desk -- --mails 1000 --rounds 1 a smaller run
//! ```
//!
//! It starts a Dovecot and a Postfix of its own on loopback, which only root can do, and makes its own
//! mails. mbsync (Debian: isync) is a floor where it is installed.

#[path = "../../tests/servers/mod.rs"]
mod servers;

mod contracts;
mod corpus;
mod drain;
mod growth;
mod memory;
mod sending;
mod single;
mod table;

use clap::Parser;

use self::corpus::Corpus;
use self::servers::Servers;
use self::servers::daemon::{DESK, ENGINEERS, ESCALATION};
use self::table::Table;

/// The parts and the size of a run.
#[derive(Parser)]
pub(crate) struct Size {
    /// The parts to run; all where none is named.
    parts: Vec<String>,
    /// Mails in the mailbox.
    #[arg(long, default_value_t = 10_000)]
    mails: usize,
    /// Rounds of the drain, each with its floors.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Mails that arrive one at a time.
    #[arg(long, default_value_t = 100)]
    singles: usize,
    /// Mails in the outbox.
    #[arg(long, default_value_t = 1_000)]
    queued: usize,
    /// Contracts in the list.
    #[arg(long, default_value_t = 100_000)]
    contracts: usize,
    /// Tickets that are there already.
    #[arg(long, default_value_t = 1_000_000)]
    tickets: usize,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Size {
    fn wants(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|wanted| wanted == part)
    }
}

fn main() {
    let size = Size::parse();
    let mut table = Table::default();
    if size.wants("single") {
        single::measure(&size, &mut table);
    }
    if size.wants("send") {
        sending::measure(&size, &mut table);
    }
    if size.wants("memory") {
        memory::measure(&size, &mut table);
    }
    if size.wants("contracts") {
        contracts::measure(&size, &mut table);
    }
    if size.wants("drain") || size.wants("growth") {
        let servers = full_mailbox(&size);
        if size.wants("drain") {
            drain::measure(&servers, &size, &mut table);
        }
        if size.wants("growth") {
            growth::measure(&servers, &size, &mut table);
        }
    }
    table.print();
}

fn mailboxes() -> [&'static str; 4] {
    [DESK, ESCALATION, ENGINEERS[0], ENGINEERS[1]]
}

/// Servers whose mailbox holds the seeded mails.
fn full_mailbox(size: &Size) -> Servers {
    let servers = Servers::start(&mailboxes());
    let mut corpus = Corpus::new(1);
    let mut lengths = Vec::with_capacity(size.mails);
    let mails = (0..size.mails).map(|_| {
        let mail = corpus.mail();
        lengths.push(mail.len());
        mail
    });
    servers.put_bytes(DESK, mails);
    lengths.sort_unstable();
    let (median, sum) = (lengths[lengths.len() / 2], lengths.iter().sum::<usize>());
    eprintln!("{} mails, {} MB: median {median}, mean {} bytes", size.mails, sum / 1_000_000, sum / lengths.len());
    servers
}

/// The settings of the mailbox, with this way to it, and of budgets that stop no answer.
pub(crate) fn settings(way: &str) -> String {
    format!(
        "{way}\nstart = \"all\"\n[budget]\nstorm = 1000000\nper_address_and_hour = 1000000\n\
         per_address_and_day = 1000000\nper_domain_and_hour = 1000000\nin_all_and_hour = 1000000\n\
         alerts_and_hour = 1000000\n"
    )
}

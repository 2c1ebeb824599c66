//! The command line: every command with its options and an example.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use hezo_intake::{attachments, commands};
use jiff::Timestamp;

/// The mail desk of a hardware service: watches a mailbox, opens tickets, acknowledges, relays and
/// escalates in time.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Watch the mailbox and answer, until SIGTERM
    #[command(after_help = "Example: hezo-intake run --config /etc/hezo-intake/hezo-intake.toml")]
    Run(Run),
    /// Show the whole desk at work on example mails, with no server and no configuration
    #[command(after_help = "Example: hezo-intake demo --watch")]
    Demo(commands::demo::Options),
    /// Check the configuration, the rules and their tests, and the sign-in at every server
    #[command(after_help = "Example: hezo-intake check --offline")]
    Check(Check),
    /// Say what the program sees in a mail and would do, and why
    #[command(
        after_help = "Example: hezo-intake explain mail.eml\n         cat mail.eml | hezo-intake explain --json -"
    )]
    Explain(commands::explain::Options),
    /// List tickets, or show one with everything that happened
    #[command(subcommand, after_help = "Example: hezo-intake tickets show Z26-000123-7")]
    Tickets(Tickets),
    /// List the contracts on file, show one, or put a new list on file
    #[command(subcommand, after_help = "Example: hezo-intake contracts import contracts.xlsx --dry-run")]
    Contracts(Contracts),
    /// List what falls due next, or the clocks of one ticket
    #[command(after_help = "Examples: hezo-intake clocks --most 20\n          hezo-intake clocks Z26-000123-7")]
    Clocks {
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        options: commands::clocks::Options,
        #[command(flatten)]
        moment: Moment,
    },
    /// Work a due time out and explain it step by step
    #[command(
        after_help = "Examples: hezo-intake due 2026-11-20T16:40 --window 8x5 --hours 1\n          hezo-intake due 2026-11-20T16:40 --next-business-day\n          hezo-intake due --csv <cases.csv"
    )]
    Due(commands::due::Options),
    /// Print the service windows, holidays and clock changes of a year
    #[command(after_help = "Example: hezo-intake calendar 2026")]
    Calendar(commands::due::CalendarOptions),
    /// Tell which promises were kept, how long people took, and how each breach came about
    #[command(after_help = "Example: hezo-intake report --from 2026-10-01 --to 2026-10-31 --csv >october.csv")]
    Report {
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        options: commands::report::Options,
        #[command(flatten)]
        moment: Moment,
    },
    /// Test the rules, try a new pattern, or run the present rules over the mails of the past
    #[command(subcommand, after_help = "Example: hezo-intake rules test --mails /srv/labelled-mails")]
    Rules(Rules),
    /// Say who would be told of a ticket at a given time, and by which route
    #[command(subcommand, after_help = "Example: hezo-intake routing test mail.eml --at 2026-11-28T23:00")]
    Routing(Routing),
    /// List the mails that wait for a person, show one, make a ticket of it, or lay it aside
    #[command(subcommand, after_help = "Example: hezo-intake parked release P12")]
    Parked(Parked),
    /// Say where the desk stands: what fails, folders, promises, mail that waits
    #[command(
        after_help = "Ends with 0 where all is well, with 1 where the service does not run or does not do all of \
                            its work, or something wants a person; it says what and what to do.\n\n\
                            Example: hezo-intake status --json"
    )]
    Status(Status),
    /// Explain a key of the configuration, or print the sample that explains every key
    #[command(after_help = "Example: hezo-intake config --explain poll_interval")]
    Config(commands::config::Options),
    /// Copy the database beside the running service, and prove the copy
    #[command(after_help = "Example: hezo-intake backup /var/backups/hezo-intake --zstd --keep 14")]
    Backup {
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        options: commands::backup::Options,
    },
    /// Put a copy in the database's place; the service must not run
    #[command(
        after_help = "Example: hezo-intake restore /var/backups/hezo-intake\n\nWhat came since the copy was made is taken in from the mail server at the next start; what was answered since is not answered again."
    )]
    Restore {
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        options: commands::restore::Options,
    },
    /// List the tickets that hold these words
    #[command(
        after_help = "Examples: hezo-intake search macierz lodz\n          hezo-intake search UM/118/2024 'nie działa'"
    )]
    Search {
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        options: commands::search::Options,
        #[command(flatten)]
        moment: Moment,
    },
    /// Write tickets and their mails into a folder, as JSON lines and mbox
    #[command(
        after_help = "Examples: hezo-intake export --ticket Z26-000123-7 /tmp/ticket\n          hezo-intake export --address jan@firma.example /tmp/person\n          hezo-intake export --all /srv/export"
    )]
    Export {
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        options: commands::export::Options,
    },
    /// Erase a person's data from closed tickets and all mails, with a protocol
    #[command(
        after_help = "Example: hezo-intake erase --address jan@firma.example --dry-run\n\nTicket numbers, numbers of devices and contracts, times and promises stay. Open tickets, and those that legal_hold names, are left as they are and named in the protocol."
    )]
    Erase {
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        options: commands::erase::Options,
    },
    /// Let go what has outlived its time, as [retention] in the configuration says
    #[command(after_help = "Example: hezo-intake retention --dry-run")]
    Retention {
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        options: commands::retention::Options,
    },
    /// Write the man pages and the completions of the shells, for a package
    #[command(hide = true)]
    Manual {
        /// The folder to write into
        dir: PathBuf,
    },
    /// Have the running service read its configuration again; `systemctl reload` calls this
    #[command(hide = true)]
    Reload {
        /// The service's process id
        pid: i32,
    },
    /// Prove that every mail on the server has a disposition, and name those that have none
    #[command(after_help = "Example: hezo-intake reconcile --json")]
    Reconcile(Reconcile),
    /// Read one attachment from standard input, within hard limits; the program starts itself for this
    #[command(name = attachments::SUBCOMMAND, hide = true)]
    ReadAttachment {
        /// `pdf`, `workbook` or `picture`
        format: String,
    },
}

/// Where the settings are.
#[derive(Args)]
pub(super) struct Settings {
    /// The configuration file
    #[arg(long, global = true, value_name = "FILE", default_value = "/etc/hezo-intake/hezo-intake.toml")]
    pub(super) config: PathBuf,
}

#[derive(Args)]
pub(super) struct Run {
    #[command(flatten)]
    pub(super) settings: Settings,
    /// Walk every folder once, send what is due, and stop
    #[arg(long)]
    pub(super) once: bool,
    /// For tests: begin at this moment instead of the present one
    #[arg(long, value_name = "TIME", hide = true)]
    pub(super) now: Option<Timestamp>,
}

#[derive(Args)]
pub(super) struct Check {
    #[command(flatten)]
    pub(super) settings: Settings,
    /// Leave out the servers
    #[arg(long)]
    pub(super) offline: bool,
}

#[derive(Subcommand)]
pub(super) enum Tickets {
    /// List tickets, the newest first
    #[command(
        after_help = "Examples: hezo-intake tickets list --due 4h\n          hezo-intake tickets list --breached --state resolved --json"
    )]
    List {
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        filter: commands::tickets::Filter,
        #[command(flatten)]
        moment: Moment,
    },
    /// Show one ticket: facts, clocks, entries, mails
    #[command(after_help = "Example: hezo-intake tickets show Z26-000123-7")]
    Show {
        #[command(flatten)]
        settings: Settings,
        /// The ticket number
        number: String,
        /// One JSON object
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        moment: Moment,
    },
    /// Do by hand what engineers order by mail, beside a running service (it acts on it within half a minute)
    #[command(
        after_help = "Examples: hezo-intake tickets do Z26-000123-7 accept nbd\n          hezo-intake tickets do Z26-000123-7 wait --until 2026-11-27 the log files"
    )]
    Do {
        #[command(flatten)]
        settings: Settings,
        /// The ticket number
        number: String,
        #[command(flatten)]
        actor: Actor,
        #[command(flatten)]
        moment: Moment,
        #[command(subcommand)]
        order: commands::order::Order,
    },
}

#[derive(Subcommand)]
pub(super) enum Parked {
    /// List the mails that wait, with the cause of each and its clock
    #[command(after_help = "Example: hezo-intake parked list --json")]
    List {
        #[command(flatten)]
        settings: Settings,
        /// Those too that wait no more
        #[arg(long)]
        all: bool,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        moment: Moment,
    },
    /// Show one of them: why it waits, until when, and what it says
    #[command(after_help = "Example: hezo-intake parked show P12")]
    Show {
        #[command(flatten)]
        settings: Settings,
        /// Its number
        number: String,
        /// The mail alone, as it came over the wire
        #[arg(long)]
        raw: bool,
        /// One JSON object
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        moment: Moment,
    },
    /// Make a ticket of it, whose clock counts from when it was sent
    #[command(after_help = "Example: hezo-intake parked release P12")]
    Release {
        #[command(flatten)]
        settings: Settings,
        /// Its number
        number: String,
        #[command(flatten)]
        actor: Actor,
        #[command(flatten)]
        moment: Moment,
    },
    /// Lay it aside: it stays kept, and nobody is told of it again
    #[command(after_help = "Example: hezo-intake parked discard P12 advertising")]
    Discard {
        #[command(flatten)]
        settings: Settings,
        /// Its number
        number: String,
        #[command(flatten)]
        actor: Actor,
        /// Why
        #[arg(value_name = "REASON")]
        why: Vec<String>,
        #[command(flatten)]
        moment: Moment,
    },
}

/// Whose order it is.
#[derive(Args)]
pub(super) struct Actor {
    /// Who says so; the user of this session without it
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

impl Actor {
    /// The name under which it is recorded.
    pub(super) fn name(self) -> String {
        self.by.unwrap_or_else(commands::operator)
    }
}

/// For tests: another present moment.
#[derive(Args)]
pub(super) struct Moment {
    /// For tests: begin at this moment instead of the present one
    #[arg(long, global = true, value_name = "TIME", hide = true)]
    pub(super) now: Option<Timestamp>,
}

#[derive(Subcommand)]
pub(super) enum Contracts {
    /// Put a list on file, as a new version, beside the running service
    #[command(
        after_help = "Example: hezo-intake contracts import contracts.xlsx --dry-run\n         hezo-intake contracts import contracts.csv --json"
    )]
    Import {
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        options: commands::contracts::ImportOptions,
    },
    /// List the contracts on file, by number
    #[command(after_help = "Example: hezo-intake contracts list --at 2026-04-30T12:00")]
    List {
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        options: commands::contracts::ListOptions,
    },
    /// Show one contract: terms, devices, who may report, and in which versions it changed
    #[command(after_help = "Example: hezo-intake contracts show UM/118/2024 --at 2026-04-30T12:00")]
    Show {
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        options: commands::contracts::ShowOptions,
    },
}

#[derive(Subcommand)]
pub(super) enum Routing {
    /// Show who would be told: of a mail, of a ticket, or of any with these traits
    #[command(
        after_help = "Examples: hezo-intake routing test mail.eml --at 2026-11-28T23:00\n          hezo-intake routing \
                      test --ticket Z26-000123-7\n          hezo-intake routing test --vendor qualstar --window 24x7"
    )]
    Test(commands::routing::Options),
}

#[derive(Subcommand)]
pub(super) enum Rules {
    /// Run the tests inside the rule files, and measure the rules on labelled mails
    #[command(
        after_help = "Example: hezo-intake rules test --mails /srv/labelled-mails\n\nThe folder holds expected.jsonl \
                      (one object a line: file, kind, language, serials, quoted_serials, contracts, quoted_contracts, \
                      nips, missing, escalation), mails/ and, if there is a list, contracts.csv."
    )]
    Test(commands::rules::TestOptions),
    /// Show what a new pattern would find in these mails, and what is known of it now
    #[command(after_help = "Example: hezo-intake rules try 'qx[0-9]{6}' mails/*.eml")]
    Try(commands::rules::TryOptions),
    /// Run the present rules over the stored mails and show what would be otherwise; changes nothing
    #[command(after_help = "Example: hezo-intake rules replay --since 2026-11-01 --diff")]
    Replay(commands::rules::ReplayOptions),
}

#[derive(Args)]
pub(super) struct Status {
    #[command(flatten)]
    pub(super) settings: Settings,
    /// One JSON object
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
pub(super) struct Reconcile {
    #[command(flatten)]
    pub(super) settings: Settings,
    /// One JSON object a folder
    #[arg(long)]
    pub(super) json: bool,
}

//! Arguments become a command; the command builds the parts, starts the loops and waits for the
//! signal to stop.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use hezo_intake::commands;
use hezo_intake::config::{Config, Faults};
use jiff::Timestamp;

/// The mail desk of a hardware service: watches a mailbox, opens tickets, acknowledges, relays and
/// escalates in time.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
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
    /// Say where the desk stands: folders, promises, mail that waits
    #[command(after_help = "Example: hezo-intake status --json")]
    Status(Status),
    /// Have the running service read its configuration again; `systemctl reload` calls this
    #[command(hide = true)]
    Reload {
        /// The service's process id
        pid: i32,
    },
    /// Prove that every mail on the server has a disposition, and name those that have none
    #[command(after_help = "Example: hezo-intake reconcile --json")]
    Reconcile(Reconcile),
}

/// Where the settings are.
#[derive(Args)]
struct Settings {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = "/etc/hezo-intake/hezo-intake.toml")]
    config: PathBuf,
}

#[derive(Args)]
struct Run {
    #[command(flatten)]
    settings: Settings,
    /// Walk every folder once, send what is due, and stop
    #[arg(long)]
    once: bool,
    /// For tests: begin at this moment instead of the present one
    #[arg(long, value_name = "TIME", hide = true)]
    now: Option<Timestamp>,
}

#[derive(Args)]
struct Check {
    #[command(flatten)]
    settings: Settings,
    /// Leave out the servers
    #[arg(long)]
    offline: bool,
}

#[derive(Subcommand)]
enum Tickets {
    /// List tickets, the newest first
    #[command(after_help = "Example: hezo-intake tickets list --json")]
    List {
        #[command(flatten)]
        settings: Settings,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
        /// The most tickets to list
        #[arg(long, default_value_t = 100)]
        most: usize,
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
    },
}

#[derive(Args)]
struct Status {
    #[command(flatten)]
    settings: Settings,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Reconcile {
    #[command(flatten)]
    settings: Settings,
    /// One JSON object a folder
    #[arg(long)]
    json: bool,
}

/// What a wrong configuration or a wrong rule ends with (sysexits would be 78; 2 is what
/// command-line tools use for bad input).
const BAD_INPUT: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match dispatch(cli.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("hezo-intake: {error:#}");
            let bad_input = error.is::<Faults>() || error.is::<commands::BadInput>();
            ExitCode::from(if bad_input { BAD_INPUT } else { 1 })
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Run(run) => commands::run::run(&run.settings.config, run.once, run.now),
        Command::Demo(options) => commands::demo::demo(&options),
        Command::Check(check) => commands::check::check(&check.settings.config, check.offline),
        Command::Explain(options) => commands::explain::explain(&options),
        Command::Tickets(Tickets::List { settings, json, most }) => {
            commands::tickets::list(&load(&settings)?, json, most)
        }
        Command::Tickets(Tickets::Show { settings, number, json }) => {
            commands::tickets::show(&load(&settings)?, &number, json)
        }
        Command::Status(status) => commands::status::status(&load(&status.settings)?, status.json),
        Command::Reload { pid } => commands::reload::reload(pid),
        Command::Reconcile(reconcile) => commands::reconcile::reconcile(&load(&reconcile.settings)?, reconcile.json),
    }
}

fn load(settings: &Settings) -> anyhow::Result<Config> {
    Ok(Config::load(&settings.config)?)
}

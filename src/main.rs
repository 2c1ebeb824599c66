//! Arguments become a command; the command builds the parts, starts the loops and waits for the
//! signal to stop.

mod command_line;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use hezo_intake::attachments;
use hezo_intake::commands;
use hezo_intake::config::{Config, Faults};
use hezo_intake::contracts::file::BadList;

use command_line::{Cli, Command, Contracts, Parked, Routing, Rules, Settings, Tickets};

/// What a wrong configuration or a wrong rule ends with (sysexits would be 78; 2 is what
/// command-line tools use for bad input).
const BAD_INPUT: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match dispatch(cli.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("hezo-intake: {}", commands::told(&error));
            let bad_input = error.is::<Faults>() || error.is::<BadList>() || error.is::<commands::BadInput>();
            ExitCode::from(if bad_input { BAD_INPUT } else { 1 })
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<ExitCode> {
    if matches!(
        command,
        Command::Tickets(_) | Command::Contracts(_) | Command::Parked(_) | Command::Status(_) | Command::Search { .. }
    ) {
        // `tickets list | head`: whoever has seen enough ends the command, as with other commands. Where
        // pipes and sockets are written to, the error tells.
        sigpipe::reset();
    }
    match command {
        Command::Run(run) => commands::run::run(&run.settings.config, run.once, run.now),
        Command::Demo(options) => commands::demo::demo(&options),
        Command::Check(check) => commands::check::check(&check.settings.config, check.offline),
        Command::Explain(options) => commands::explain::explain(&options),
        Command::Tickets(Tickets::List { settings, filter, moment }) => {
            commands::tickets::list(&load(&settings)?, &filter, moment.now)
        }
        Command::Tickets(Tickets::Show { settings, number, json, moment }) => {
            commands::tickets::show(&load(&settings)?, &number, json, moment.now)
        }
        Command::Tickets(Tickets::Do { settings, number, actor, moment, order }) => {
            commands::order::order(&load(&settings)?, &number, &order, &actor.name(), moment.now)
        }
        Command::Contracts(Contracts::Import { settings, options }) => {
            commands::contracts::import(&load(&settings)?, &options)
        }
        Command::Contracts(Contracts::List { settings, options }) => {
            commands::contracts::list(&load(&settings)?, &options)
        }
        Command::Contracts(Contracts::Show { settings, options }) => {
            commands::contracts::show(&load(&settings)?, &options)
        }
        Command::Routing(Routing::Test(options)) => commands::routing::test(&options),
        Command::Clocks { settings, options, moment } => {
            commands::clocks::clocks(&load(&settings)?, &options, moment.now)
        }
        Command::Due(options) => commands::due::due(&options),
        Command::Calendar(options) => commands::due::calendar(&options),
        Command::Report { settings, options, moment } => {
            commands::report::report(&load(&settings)?, &options, moment.now)
        }
        Command::Rules(Rules::Test(options)) => commands::rules::test(&options),
        Command::Rules(Rules::Try(options)) => commands::rules::attempt(&options),
        Command::Rules(Rules::Replay(options)) => commands::rules::replay(&options),
        Command::Parked(Parked::List { settings, all, json, moment }) => {
            commands::parked::list(&load(&settings)?, all, json, moment.now)
        }
        Command::Parked(Parked::Show { settings, number, raw, json, moment }) => {
            let form = match (raw, json) {
                (true, _) => commands::parked::Form::Raw,
                (_, true) => commands::parked::Form::Json,
                _ => commands::parked::Form::People,
            };
            commands::parked::show(&load(&settings)?, &number, form, moment.now)
        }
        Command::Parked(Parked::Release { settings, number, actor, moment }) => {
            commands::parked::release(&load(&settings)?, &number, &actor.name(), moment.now)
        }
        Command::Parked(Parked::Discard { settings, number, actor, why, moment }) => {
            commands::parked::discard(&load(&settings)?, &number, &actor.name(), &why.join(" "), moment.now)
        }
        Command::Status(status) => commands::status::status(&load(&status.settings)?, status.json),
        Command::Config(options) => commands::config::config(&options),
        Command::Backup { settings, options } => commands::backup::backup(&load(&settings)?, &options),
        Command::Restore { settings, options } => commands::restore::restore(&load(&settings)?, &options),
        Command::Search { settings, options, moment } => {
            commands::search::search(&load(&settings)?, &options, moment.now)
        }
        Command::Export { settings, options } => commands::export::export(&load(&settings)?, &options),
        Command::Erase { settings, options } => commands::erase::erase(&load(&settings)?, &options),
        Command::Retention { settings, options } => commands::retention::retention(&load(&settings)?, &options),
        Command::Manual { dir } => commands::manual::manual(Cli::command(), &dir),
        Command::Reload { pid } => commands::reload::reload(pid),
        Command::Reconcile(reconcile) => commands::reconcile::reconcile(&load(&reconcile.settings)?, reconcile.json),
        Command::ReadAttachment { format } => attachments::child::run(&format),
    }
}

fn load(settings: &Settings) -> anyhow::Result<Config> {
    Ok(Config::load(&settings.config)?)
}

//! `manual`: writes the man pages and the completions of the shells, for whoever packages the program.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::Command;
use clap_complete::{Shell, generate};
use clap_mangen::Man;

/// The program's name, as it is typed.
const NAME: &str = "hezo-intake";

/// The shells that people complete commands in, each with the file that it looks for.
const SHELLS: [(Shell, &str); 3] =
    [(Shell::Bash, "hezo-intake.bash"), (Shell::Zsh, "_hezo-intake"), (Shell::Fish, "hezo-intake.fish")];

/// Writes `hezo-intake.1`, one page for each command, and the completions into this folder.
///
/// # Errors
/// The folder cannot be written.
pub fn manual(mut program: Command, dir: &Path) -> anyhow::Result<ExitCode> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    for (shell, file) in SHELLS {
        let path = dir.join(file);
        fs::write(&path, completions(shell, &program)).with_context(|| format!("cannot write {}", path.display()))?;
    }
    // Subcommands get their full names and the options of all.
    program.build();
    page(&program, dir)?;
    Ok(ExitCode::SUCCESS)
}

/// What a shell reads in order to complete the commands.
fn completions(shell: Shell, program: &Command) -> String {
    let mut shown = without_hidden(program);
    let mut text = Vec::new();
    let write = |shown: &mut Command, name: &str, text: &mut Vec<u8>| generate(shell, shown, name, text);
    if shell != Shell::Bash {
        write(&mut shown, NAME, &mut text);
        return String::from_utf8_lossy(&text).into_owned();
    }
    // clap_complete 4.6 writes a name with a hyphen in two ways into the script for bash, and only the first level
    // works then; a name without one it writes in one way. The last word of the script says what is completed.
    let plain = NAME.replace('-', "_");
    write(&mut shown, &plain, &mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    text.replace(&format!(" {plain}\n"), &format!(" {NAME}\n"))
}

/// The program as its user sees it: clap's completions would offer hidden commands and options, too.
fn without_hidden(command: &Command) -> Command {
    let mut shown = Command::new(command.get_name().to_string());
    if let Some(about) = command.get_about() {
        shown = shown.about(about.clone());
    }
    if let Some(version) = command.get_version() {
        shown = shown.version(version.to_string());
    }
    shown
        .args(command.get_arguments().filter(|argument| !argument.is_hide_set()).cloned())
        .subcommands(command.get_subcommands().filter(|inner| !inner.is_hide_set()).map(without_hidden))
}

fn page(command: &Command, dir: &Path) -> anyhow::Result<()> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let mut text = Vec::new();
    Man::new(command.clone()).section("1").manual(NAME).render(&mut text)?;
    let path = dir.join(format!("{name}.1"));
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    let shown = |inner: &&Command| !inner.is_hide_set() && inner.get_name() != "help";
    command.get_subcommands().filter(shown).try_for_each(|inner| page(inner, dir))
}

//! `manual`: writes the man pages and the completions of the shells, for whoever packages the program.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::Command;
use clap_complete::{Shell, generate_to};
use clap_mangen::Man;

/// The shells that people complete commands in.
const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];

/// Writes `hezo-intake.1`, one page for each command, and the completions into this folder.
///
/// # Errors
/// The folder cannot be written.
pub fn manual(mut program: Command, dir: &Path) -> anyhow::Result<ExitCode> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    for shell in SHELLS {
        generate_to(shell, &mut program, "hezo-intake", dir)
            .with_context(|| format!("cannot write into {}", dir.display()))?;
    }
    // Subcommands get their full names and the options of all.
    program.build();
    page(&program, dir)?;
    Ok(ExitCode::SUCCESS)
}

fn page(command: &Command, dir: &Path) -> anyhow::Result<()> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let mut text = Vec::new();
    Man::new(command.clone()).section("1").manual("hezo-intake").render(&mut text)?;
    let path = dir.join(format!("{name}.1"));
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    let shown = |inner: &&Command| !inner.is_hide_set() && inner.get_name() != "help";
    command.get_subcommands().filter(shown).try_for_each(|inner| page(inner, dir))
}

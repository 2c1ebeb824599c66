//! The log: one line an event on standard error, fields by name, no personal data.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Sends events of `RUST_LOG`'s level (`info` by default) to standard error.
pub fn to_standard_error() {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let lines = lines.with_target(false).with_ansi(std::io::stderr().is_terminal());
    // A second call, in a test, changes nothing.
    let _ = lines.try_init();
}

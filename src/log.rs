//! The log: one line an event, fields by fixed names, no personal data.
//!
//! Under systemd events go to the journal with their fields (`HEZO_MAILBOX=support`), else to standard
//! error as lines or as JSON. Every event of the levels info, warn and error stands in the one table of
//! `systemd/OPERATIONS.md`, with its fields.
//!
//! Only this program's own events are shown, at any level: libraries would log mail. Words of others (a
//! server's refusal, an error's text) pass through [`words`].

use std::borrow::Cow;
use std::io::IsTerminal;
use std::os::unix::fs::MetadataExt;
use std::sync::LazyLock;

use regex::Regex;
use tracing::Metadata;
use tracing_subscriber::filter::{FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

/// How events are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// To the journal where standard error is one, else as lines.
    #[default]
    Fitting,
    /// One line of text an event, to standard error.
    Lines,
    /// One JSON object an event, to standard error.
    Json,
}

/// The longest text of others that is logged. Characters.
const LONGEST_WORDS: usize = 400;

/// Before the name of each field in the journal, where names are everybody's.
const JOURNAL_PREFIX: &str = "HEZO";

/// A mail address in running text, also as it stands in a URL or in quotes.
static ADDRESS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?:"[^"@]*"|[^\s<>()\[\],;:"'`]+)(?:@|%40)[^\s<>(),;"'`]+"#).ok());

/// Sends events of `RUST_LOG`'s level (`info` by default) where they belong.
pub fn start(form: Form) {
    let level = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    let filter = level.and(filter_fn(is_own));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match (form, journal()) {
        (Form::Fitting, Some(journal)) => journal.boxed(),
        (Form::Json, _) => lines.json().flatten_event(true).with_span_list(false).with_current_span(false).boxed(),
        _ => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
    };
    // A second call, in a test, changes nothing.
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init();
}

/// Words of others, fit for the log: in bounded length and one line, without mail addresses.
pub fn words(text: impl std::fmt::Display) -> String {
    let text = text.to_string();
    let text = ADDRESS.as_ref().map_or(Cow::Borrowed(""), |address| address.replace_all(&text, "(address)"));
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_WORDS).collect()
}

/// An error with its causes, fit for the log.
pub fn error(error: &anyhow::Error) -> String {
    words(format_args!("{error:#}"))
}

fn is_own(event: &Metadata<'_>) -> bool {
    event.target().split("::").next() == Some("hezo_intake")
}

/// The journal, where standard error leads to it: systemd says which socket it connected
/// (systemd.exec(5), `JOURNAL_STREAM`), and a shell below the service may have put another in its place.
fn journal() -> Option<tracing_journald::Layer> {
    let said = std::env::var("JOURNAL_STREAM").ok()?;
    let (device, inode) = said.split_once(':')?;
    let found = std::fs::metadata("/proc/self/fd/2").ok()?;
    let same = device.parse() == Ok(found.dev()) && inode.parse() == Ok(found.ino());
    let layer = same.then(tracing_journald::layer)?.ok()?;
    Some(layer.with_field_prefix(Some(JOURNAL_PREFIX.to_string())).with_syslog_identifier("hezo-intake".to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(words(text), expected);
    }

    #[test]
    fn addresses_are_blotted_out() {
        check(
            "NO [NONEXISTENT] no mailbox of jan.nowak@firma.example here",
            "NO [NONEXISTENT] no mailbox of (address) here",
        );
        check("user=jan%40firma.example&x=1", "(address)");
        check("\"Jan Nowak\"@firma.example, <ewa@firma.example>", "(address), <(address)>");
        check("no folder \"INBOX\"; at 12:00 @ noon", "no folder \"INBOX\"; at 12:00 @ noon");
        check("one\r\ntwo", "one  two");
        check(&"ą".repeat(500), &"ą".repeat(400));
    }
}

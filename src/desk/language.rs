//! In which language the sender wrote, and is answered.
//!
//! Support mails are short, mixed and full of logs, where statistics of letters guess. So words
//! decide that belong to one language alone, with the letters and endings of the others: those of
//! what was written now, else those of the subject, of what was passed on or answered, of the
//! signature; else what header and domain say. Where nothing speaks it is Polish.

mod words;

use crate::desk::fold::fold;
use crate::desk::message::Message;
use crate::desk::text::{Part, Written};

/// Characters of a text that are looked at.
const LONGEST: usize = 20_000;

/// Letters from which on the statistics of letters are asked, where no known word speaks.
const ENOUGH_FOR_STATISTICS: usize = 25;

/// Words of a setting's name.
const SETTING_WORDS: usize = 5;

/// Lines of settings in a row that a device has printed; people fill in fewer.
const SETTINGS_MIN: usize = 6;

/// A language that the desk answers in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Language {
    /// Polish.
    #[serde(rename = "pl")]
    Polish,
    /// English; also for writers of any other language.
    #[serde(rename = "en")]
    English,
}

impl Language {
    /// Its code (ISO 639-1).
    pub fn code(self) -> &'static str {
        match self {
            Language::Polish => "pl",
            Language::English => "en",
        }
    }
}

/// The language of what was written now. `answers` is true where the subject is that of a mail
/// answered or passed on, which the sender did not write.
pub fn language(message: &Message, written: &Written, answers: bool) -> Language {
    let part = |part| of_words(&written.text(part));
    let subject = || of_words(&message.subject);
    part(Part::Now)
        .or_else(|| if answers { None } else { subject() })
        .or_else(|| part(Part::Signature))
        .or_else(|| part(Part::Forward))
        .or_else(subject)
        .or_else(|| part(Part::Quote))
        .or_else(|| declared(message))
        .or_else(|| of_domain(message))
        .unwrap_or(Language::Polish)
}

/// What a text says for each language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Evidence {
    polish: u32,
    english: u32,
    /// For any other language.
    other: u32,
}

/// The language that the words of a text are of; `None` where none is known.
fn of_words(text: &str) -> Option<Language> {
    let text: String = text.chars().take(LONGEST).collect();
    let own = without_quoted_words(&text);
    // What stands in a device's output speaks only where nothing else does.
    let texts = [without_settings(&own), own.clone(), text];
    let evidence = texts.iter().map(|text| evidence(text)).find(|found| *found != Evidence::default());
    let evidence = evidence.unwrap_or_default();
    match evidence.polish.cmp(&evidence.english.max(evidence.other)) {
        std::cmp::Ordering::Greater => Some(Language::Polish),
        std::cmp::Ordering::Less => Some(Language::English),
        std::cmp::Ordering::Equal => by_statistics(&own),
    }
}

fn evidence(text: &str) -> Evidence {
    let mut sum = Evidence::default();
    for line in text.lines() {
        let found = line.split(|c: char| !(c.is_alphabetic() || "'’".contains(c))).map(words::evidence);
        let log = is_output(line);
        for one in found {
            sum.polish += one.polish;
            // Devices speak English.
            if !log {
                sum.english += one.english;
                sum.other += one.other;
            }
        }
    }
    sum
}

/// A text without what stands between quotation marks in a line: the words of a device or of
/// somebody else.
fn without_quoted_words(text: &str) -> String {
    let mut own = String::with_capacity(text.len());
    for line in text.lines() {
        let marks = line.matches(is_quotation_mark).count();
        let pieces = line.split(is_quotation_mark).enumerate();
        let kept = pieces.filter(|(at, _)| marks < 2 || at % 2 == 0 || *at == marks && marks % 2 == 1);
        own.extend(kept.flat_map(|(_, piece)| [piece, " "]));
        own.push('\n');
    }
    own
}

/// A text without its runs of `name: value` lines: devices print their state so.
fn without_settings(text: &str) -> String {
    let is_setting = |line: &&str| {
        let named =
            line.split_once([':', '=']).filter(|(name, value)| !name.trim().is_empty() && !value.trim().is_empty());
        named.is_some_and(|(name, _)| name.split_whitespace().count() <= SETTING_WORDS)
    };
    let lines: Vec<&str> = text.lines().collect();
    let mut own = String::with_capacity(text.len());
    for run in lines.chunk_by(|above, below| is_setting(above) == is_setting(below)) {
        if run.len() < SETTINGS_MIN || !run.first().is_some_and(is_setting) {
            run.iter().for_each(|line| own.extend([line, "\n"]));
        }
    }
    own
}

fn is_quotation_mark(c: char) -> bool {
    matches!(c, '"' | '„' | '”' | '“' | '«' | '»')
}

/// Whether a line is a program's output: a log, a value of a setting, a path, a table of figures.
fn is_output(line: &str) -> bool {
    let line = line.trim();
    let letters = line.chars().filter(|c| c.is_alphabetic()).count();
    let figures = line.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty()).count();
    let signs = figures + line.chars().filter(|c| "=|{}<>[]/\\_#%$;*".contains(*c)).count();
    let levels = ["ERROR", "WARN", "INFO", "DEBUG", "FATAL", "CRIT", "NOTICE", "TRACE"];
    let level =
        line.split(|c: char| !c.is_ascii_alphabetic()).take(8).any(|word| levels.iter().any(|l| word.starts_with(l)));
    let words: Vec<&str> = line.split_whitespace().take(5).collect();
    let stamped = words.iter().any(|word| is_time_of_day(word));
    // `Aug 10 03:12:44 host kernel: …`
    let behind_date = words
        .windows(2)
        .any(|two| matches!(two, [day, time] if day.ends_with(|c: char| c.is_ascii_digit()) && is_time_of_day(time)));
    let dated = behind_date || line.starts_with(|c: char| c.is_ascii_digit() || "[/<".contains(c));
    line.starts_with('/')
        || stamped && (dated || signs > 6)
        || level && (stamped || dated || signs > 2)
        || signs * 2 > letters
}

/// `03:12:44`, with or without parts of a second and brackets.
fn is_time_of_day(word: &str) -> bool {
    let at = word.rfind(['T', '/']).map_or(0, |at| at + 1);
    let time = word.get(at..).unwrap_or_default().trim_matches(['[', ']', ',', '(', ')', ';']);
    let mut parts = time.split(':');
    let two_digits =
        |part: Option<&str>| part.is_some_and(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit()));
    two_digits(parts.next())
        && two_digits(parts.next())
        && parts.next().is_some_and(|seconds| seconds.starts_with(|c: char| c.is_ascii_digit()))
}

/// The more likely of the two by the statistics of letters.
fn by_statistics(text: &str) -> Option<Language> {
    let prose: Vec<&str> = text.lines().filter(|line| !is_output(line)).collect();
    let prose = prose.join("\n");
    if prose.chars().filter(|c| c.is_alphabetic()).count() < ENOUGH_FOR_STATISTICS {
        return None;
    }
    let two = whatlang::Detector::with_allowlist(vec![whatlang::Lang::Pol, whatlang::Lang::Eng]);
    match two.detect_lang(&prose)? {
        whatlang::Lang::Pol => Some(Language::Polish),
        _ => Some(Language::English),
    }
}

/// What the sender's program says: `Content-Language` (RFC 3282), of the whole mail.
fn declared(message: &Message) -> Option<Language> {
    let declared = message.header("Content-Language")?.trim().to_ascii_lowercase();
    let first = declared.split([',', ';', '-', '_', ' ']).next().unwrap_or_default();
    match first {
        "pl" => Some(Language::Polish),
        // Programs in English say so of whatever is written with them.
        "en" | "" => None,
        _ => Some(Language::English),
    }
}

/// A country's domain speaks; the others are everybody's.
fn of_domain(message: &Message) -> Option<Language> {
    let (_, last) = message.from.as_ref()?.address.rsplit_once('.')?;
    match last {
        "pl" => Some(Language::Polish),
        "eu" | "io" | "ai" | "co" | "me" | "tv" => None,
        country if country.len() == 2 => Some(Language::English),
        _ => None,
    }
}

/// The words of `fold`ed spelling, for [`words`].
fn folded(word: &str) -> String {
    fold(word).replace('\'', "")
}

#[cfg(test)]
#[path = "language/tests.rs"]
mod tests;

//! What is told of an outage: once when it begins, once when it is over.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::letter::Letter;
use super::{Alert, Post, Purpose, ReplyError, facts};
use crate::desk::compose::AutoSubmitted;
use crate::desk::message::Address;
use crate::desk::site::Site;

/// An outage, or its end.
#[derive(Clone, Debug)]
pub struct OutageNews<'a> {
    /// What does not work: `mailbox`, `sending`, `second-route`, `database`.
    pub part: &'a str,
    /// Which one of its kind; empty where there is only one.
    pub subject: &'a str,
    /// Since when.
    pub since: Timestamp,
    /// Why; `None` once it is over.
    pub reason: Option<&'a str>,
    /// Whether it will not pass by itself.
    pub wants_a_person: bool,
    /// What it means for the promises; `None` where the database could not be asked.
    pub promises: Option<Promises>,
}

/// What stands with the promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Promises {
    /// Clocks that run.
    pub open: u64,
    /// When the next of them falls due.
    pub next: Option<Timestamp>,
    /// Clocks that fell due since the outage began, unkept.
    pub broken: u64,
    /// Mails that wait to be sent.
    pub waiting_mails: u64,
}

impl OutageNews<'_> {
    /// Identifies the news: the same when it is told again.
    fn cause(&self) -> String {
        let step = if self.reason.is_some() { "begins" } else { "ends" };
        format!("outage {} {} {} {step}", self.part, self.subject, self.since)
    }

    fn template(&self) -> &'static str {
        if self.reason.is_some() { "outage-begins" } else { "outage-ends" }
    }

    fn context(&self, site: &Site, now: Timestamp) -> serde_json::Value {
        json!({
            "part": self.part,
            "subject": self.subject,
            "since": site.calendar.local(self.since).polish(),
            "reason": self.reason,
            "wants_a_person": self.wants_a_person,
            "lasted": lasted(now.duration_since(self.since)),
            "promises": self.promises.map(|promises| json!({
                "open": promises.open,
                "next": promises.next.map(|next| site.calendar.local(next).polish()),
                "broken": promises.broken,
                "waiting_mails": promises.waiting_mails,
            })),
            "desk": facts::desk(site),
        })
    }
}

/// Tells somebody by mail.
///
/// # Errors
/// The template cannot be filled in.
pub fn outage(site: &Site, news: &OutageNews<'_>, to: &Address, now: Timestamp) -> Result<Post, ReplyError> {
    let post = Letter::new(site, Purpose::Alert, news.cause().as_bytes(), to, now)
        .automatic(AutoSubmitted::Generated)
        .write(news.template(), news.context(site, now))?;
    // What the first route cannot carry must not wait for it.
    Ok(Post { second_route: site.has_second_route, ..post })
}

/// What the alert command is told.
///
/// # Errors
/// The template cannot be filled in.
pub fn outage_alert(site: &Site, news: &OutageNews<'_>, now: Timestamp) -> Result<Alert, ReplyError> {
    let page = site.rules.templates.fill(news.template(), &news.context(site, now))?;
    let id = news.cause();
    let json = json!({
        "id": id,
        "outage": news.part,
        "subject_of_outage": news.subject,
        "since": news.since,
        "over": news.reason.is_none(),
        "reason": news.reason,
        "wants_a_person": news.wants_a_person,
        "open_promises": news.promises.map(|promises| promises.open),
        "broken_promises": news.promises.map(|promises| promises.broken),
        "subject": page.subject,
        "text": page.text,
    });
    Ok(Alert { ticket: None, id, json: json.to_string() })
}

/// A length of time as people say it in Polish.
fn lasted(time: SignedDuration) -> String {
    let minutes = (time.as_secs().max(0) + 59) / 60;
    match minutes {
        0..120 => format!("{minutes} min"),
        120..2880 => format!("{} h {} min", minutes / 60, minutes % 60),
        _ => format!("{} dni {} h", minutes / 1440, minutes % 1440 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_in_words() {
        for (seconds, words) in [(0, "0 min"), (61, "2 min"), (7200, "2 h 0 min"), (190_000, "2 dni 4 h")] {
            assert_eq!(lasted(SignedDuration::from_secs(seconds)), words);
        }
    }
}

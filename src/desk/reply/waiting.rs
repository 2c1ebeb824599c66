//! What people of the desk are told of mails that wait for them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::letter::Letter;
use super::{Post, Purpose, ReplyError, facts};
use crate::desk::compose::AutoSubmitted;
use crate::desk::engineer::Engineer;
use crate::desk::message::Address;
use crate::desk::parked::{self, Waiting};
use crate::desk::site::Site;

/// The most mails that a digest lists; of the rest it tells the number.
const MOST_LISTED: usize = 100;

/// Tells every mail that waits, and what to do with it. `older` is how many were told before and still wait.
///
/// # Errors
/// The template cannot be filled in.
pub fn digest(
    site: &Site,
    waiting: &[Waiting],
    older: usize,
    engineer: &Engineer,
    now: Timestamp,
) -> Result<Post, ReplyError> {
    let listed: Vec<Value> = waiting.iter().take(MOST_LISTED).map(|one| told(one, site, now)).collect();
    let context = json!({
        "waiting": listed,
        "count": waiting.len(),
        "unlisted": waiting.len().saturating_sub(MOST_LISTED),
        "older": older,
        "desk": facts::desk(site),
    });
    let cause = format!("digest {now}");
    Letter::new(site, Purpose::Alert, cause.as_bytes(), &engineer.mailbox(), now)
        .automatic(AutoSubmitted::Generated)
        .write("digest", context)
}

/// Tells of a mail at which nobody has looked in time.
///
/// # Errors
/// The template cannot be filled in.
pub fn parked_overdue(
    site: &Site,
    waiting: &Waiting,
    escalated: bool,
    to: &Address,
    now: Timestamp,
) -> Result<Post, ReplyError> {
    let context = json!({ "mail": told(waiting, site, now), "escalated": escalated, "desk": facts::desk(site) });
    let cause = format!("parked {} {}", parked::name(waiting.id), if escalated { "escalated" } else { "reminded" });
    Letter::new(site, Purpose::Alert, cause.as_bytes(), to, now)
        .automatic(AutoSubmitted::Generated)
        .write("parked-overdue", context)
}

fn told(waiting: &Waiting, site: &Site, now: Timestamp) -> Value {
    let one = &waiting.parked;
    let local = |at: Timestamp| site.calendar.local(at).polish();
    json!({
        "id": parked::name(waiting.id),
        "cause": one.cause.name(),
        "reason": one.reason,
        "sender": one.sender,
        "subject": one.subject,
        "place": one.place,
        "received": local(one.received),
        "ticket": one.about.map(|number| number.to_string()),
        "due": one.watch.map(|watch| local(watch.due)),
        "late": one.watch.is_some_and(|watch| watch.due < now),
        "is_ticket": one.cause.is_ticket() && one.about.is_some(),
    })
}

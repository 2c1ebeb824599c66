//! A clock fell due with no person's contact.

use jiff::Timestamp;

use super::Effect;
use crate::desk::reply;
use crate::desk::site::Site;
use crate::desk::ticket::{Clock, Entry, EntryKind, Ticket};

/// Forwards the ticket to escalation, once. `originals` are the mails that belong to it, oldest
/// first, as they came.
pub fn overdue(ticket: &Ticket, clock: &Clock, originals: Vec<Vec<u8>>, site: &Site, now: Timestamp) -> Vec<Effect> {
    let number = ticket.number;
    let escalation = reply::escalation(site, ticket, clock, originals, now);
    let message_id = escalation.as_ref().ok().map(|post| post.message_id.clone());
    let late = now.duration_since(clock.due).as_secs().max(0);
    let entry = Entry {
        kind: EntryKind::Escalated,
        author: "desk".to_string(),
        message_id: message_id.clone(),
        text: format!("{} clock fell due at {}, acted upon {late} s later", clock.kind, clock.due),
        sender: None,
        at: now,
    };
    let mut effects = vec![Effect::FireClock(number, clock.kind, now), Effect::AddEntry(number, entry)];
    effects.extend(message_id.map(|id| Effect::Thread(number, id)));
    effects.push(Effect::from(escalation));
    effects
}

//! What is due about mails that wait for a person: a reminder, escalation, the digest.

use jiff::Timestamp;

use crate::desk::decide;
use crate::desk::parked::{Cause, Waiting};
use crate::office::Office;
use crate::store::Work;

/// The chore that remembers when the digest was last looked after.
const DIGEST: &str = "digest";

/// Acts on what is due about mails that wait.
pub(super) fn act(office: &Office, store: &Work) -> anyhow::Result<()> {
    let now = office.now();
    for (due, to_escalation) in [(store.parked_to_remind(now)?, false), (store.parked_to_escalate(now)?, true)] {
        for waiting in due {
            let effects = decide::overdue(&waiting, to_escalation, &office.site, now);
            store.apply(&effects, None, now)?;
            store.told_of_parked(waiting.id, to_escalation, now)?;
            office.ring(&effects);
        }
    }
    digest(office, store, now)
}

/// Sends the digest once for each opening of the window and each midday.
fn digest(office: &Office, store: &Work, now: Timestamp) -> anyhow::Result<()> {
    let last = store.chores()?.into_iter().find(|(name, _)| name == DIGEST).map(|(_, at)| at);
    let Some(last) = last else {
        // The first one comes at the next opening.
        return store.chore_done(DIGEST, office.site.calendar.last_opening_or_midday(now).unwrap_or(now));
    };
    if office.site.calendar.last_opening_or_midday(now).is_none_or(|round| round <= last) {
        return Ok(());
    }
    store.chore_done(DIGEST, now)?;
    // Mailings and spam are told once, what runs against a clock until somebody has looked.
    let is_old = |one: &Waiting| matches!(one.parked.cause, Cause::Bulk | Cause::Spam) && one.parked_at <= last;
    let (old, told): (Vec<_>, Vec<_>) = store.parked(false)?.into_iter().partition(is_old);
    if told.is_empty() {
        return Ok(());
    }
    let effects = decide::digest(&told, old.len(), &office.site, now);
    store.apply(&effects, None, now)?;
    office.ring(&effects);
    Ok(())
}

//! What a ticket does by itself when its time has come: a wait ends, a resolved ticket closes.

use jiff::Timestamp;

use super::progress::Progress;
use crate::desk::decision::Effect;
use crate::desk::site::Site;
use crate::desk::ticket::{ClockKind, Ending, EntryKind, Step, Ticket};

/// What is due on this ticket besides its clocks.
pub fn by_itself(ticket: &Ticket, site: &Site, now: Timestamp) -> Vec<Effect> {
    let mut progress = Progress::new(ticket.clone(), site, now);
    if let Some(until) = ticket.wait.as_ref().and_then(|wait| wait.until).filter(|until| *until <= now) {
        let local = site.calendar.moment(until);
        if progress.step(Step::GoOn, until).is_ok() {
            progress.record(EntryKind::Order, "desk", format!("the wait ended at {local}; its clocks go on"));
        }
    }
    if ticket.closes_at.is_some_and(|at| at <= now) {
        close(&mut progress, now);
    }
    progress.effects
}

/// A ticket that was erased after a copy was made in which it is still open, and that copy was restored: at the erasure
/// it was closed, and closed it is again. What became of its promises is not known any more: none of them counts as
/// broken.
pub fn erased(ticket: &Ticket, site: &Site, now: Timestamp) -> Vec<Effect> {
    let mut progress = Progress::new(ticket.clone(), site, now);
    if progress.step(Step::Close, now).is_ok() {
        progress.end_where(now, Ending::Withheld, "restored, and erased again", |_| true);
        let text = "close: it was closed and erased after the copy was made that was restored";
        progress.record(EntryKind::Order, "desk", text.to_string());
    }
    progress.effects
}

/// Closes a resolved ticket, unless a device is still on its way back: then it is looked at again.
fn close(progress: &mut Progress, now: Timestamp) {
    if progress.ticket.running(ClockKind::Return).next().is_some() {
        let later = progress.site.calendar.days_after(now, progress.site.close_after_days);
        progress.close_at(Some(later));
        return;
    }
    if progress.step(Step::Close, now).is_ok() {
        progress.end_where(now, Ending::Withdrawn, "closed by itself", |_| true);
        let days = progress.site.close_after_days;
        progress.record(EntryKind::Order, "desk", format!("close: by itself, {days} days after it was resolved"));
    } else {
        progress.close_at(None);
    }
}

//! An engineer's answer: what was written now, cut out of all that stands around it, built again for
//! the customer, and compared with all that no customer may read.

mod cut;
mod executables;
mod files;
mod internal;
mod marker;
mod page;
mod words;

use jiff::civil::DateTime;

use super::command::{self, OrderRules};
use super::extract;
use super::message::{Attachment, Message};
use super::rulebook::Rules;
use super::site::Site;
use super::text::{self, Part, QuoteRules, ShownLine};
use super::ticket::{EntryKind, Ticket};
use cut::{Fate, Shown};
use internal::Internal;
use page::PageLine;
use words::Stream;

pub use executables::ExecutableRules;
pub use files::HeldBack;
pub use internal::{FILE, Found};
pub use marker::{Marker, Markers};

/// What an engineer knows of a ticket, and what of that its customer knows.
pub struct Ground {
    markers: Markers,
    shown: Shown,
    internal: Internal,
}

/// What an engineer wrote now.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The lines above the text that are meant as orders.
    pub orders: Vec<String>,
    /// A line within the text that looks like one.
    pub late_order: Option<String>,
    /// The rest, as plain text; empty where there is none.
    pub text: String,
    /// The same as the inner part of an HTML body.
    pub html: String,
    /// The files that go along.
    pub files: Vec<Attachment>,
    /// The files that do not.
    pub held_back: Vec<HeldBack>,
    /// The first line that was cut off although it may be the engineer's own.
    pub unsent: Option<String>,
    lines: Vec<PageLine>,
}

impl Ground {
    /// `shown` are the texts of our mails about this ticket to engineers, as the store keeps them.
    pub fn of(ticket: &Ticket, shown: &[String], site: &Site) -> Ground {
        let markers = Markers::of(ticket.number, &site.token_keys);
        let (mut internal, mut known) = (Vec::new(), Vec::new());
        for text in shown {
            internal.push(markers.internal(text));
            known.push(markers.known_to_customer(text));
        }
        let all = shown.iter().map(String::as_str);
        let shown = Shown { all: Stream::of(all), customers: Stream::of(known.iter().map(String::as_str)) };
        for entry in &ticket.entries {
            let texts = if is_known_to_customer(entry.kind) { &mut known } else { &mut internal };
            texts.push(entry.text.clone());
        }
        for marker in [Marker::Begin, Marker::Text, Marker::End] {
            internal.push(markers.line(marker));
        }
        let identity = &site.identity;
        known.extend([ticket.subject.clone(), ticket.customer.name.clone(), ticket.customer.address.clone()]);
        known.extend(
            [&identity.name, &identity.address, &identity.escalation_address, &identity.portal].map(String::clone),
        );
        known.extend(ticket.participants.iter().chain(&identity.aliases).cloned());
        internal.extend(site.engineers.iter().map(|engineer| engineer.address.clone()));
        let internal = Internal::new(&internal, &known, markers.clone());
        Ground { markers, shown, internal }
    }
}

fn is_known_to_customer(kind: EntryKind) -> bool {
    matches!(kind, EntryKind::Customer | EntryKind::Answered | EntryKind::Acknowledged)
}

impl Answer {
    /// Reads an answer, at this local time. `seed` tells the Content-IDs of one mail of ours from those
    /// of another.
    pub fn of(message: &Message, ground: &Ground, seed: &str, rules: &Rules, now: DateTime) -> Answer {
        let lines = text::lines(message, &rules.quotes);
        let cutting = cut::cut(&lines, message, &ground.markers, &ground.shown, &rules.quotes);
        let kept = lines.into_iter().zip(cutting.fates).filter(|(_, fate)| *fate != Fate::Cut);
        let mut kept: Vec<PageLine> =
            kept.map(|(line, fate)| PageLine { line, quoted: fate == Fate::Quoted }).collect();
        let orders = take_orders(&mut kept, &rules.orders);
        let own = kept.iter().filter(|kept| !kept.quoted && kept.line.part == Part::Now);
        let late = own.map(|kept| kept.line.text.trim()).find(|line| command::is_late_order(line, &rules.orders, now));
        let late_order = late.map(str::to_string);
        // A complimentary close alone is part of a signature.
        let says = |kept: &PageLine| !kept.line.text.trim().is_empty() && !kept.line.is_closing;
        if !kept.iter().any(says) {
            kept.clear();
        }
        let shown: Vec<ShownLine> = kept.iter().map(|kept| kept.line.clone()).collect();
        let files = files::files(message, &shown, seed, rules);
        Answer {
            orders,
            late_order,
            text: page::text(&kept, &files.pictures),
            html: page::html(&kept, &files.pictures),
            files: files.kept,
            held_back: files.held_back,
            unsent: cutting.unsent,
            lines: kept,
        }
    }

    /// Whether there is nothing for the customer.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.files.is_empty()
    }

    /// The first piece of what no customer may read. `texts` are those of its files, as far as a
    /// reader of their formats got them out.
    pub fn internal(&self, texts: &[extract::Reading], ground: &Ground, rules: &QuoteRules) -> Option<Found> {
        // The lines as they stood, and as they go: a link's address shows only there.
        let lines: Vec<&str> = self.lines.iter().map(|kept| kept.line.text.as_str()).collect();
        let own = [lines.join("\n"), self.text.clone()];
        let texts = own.iter().chain(texts.iter().map(|reading| &reading.text));
        let found = texts.into_iter().find_map(|text| ground.internal.in_text(text));
        found.or_else(|| self.files.iter().find_map(|file| ground.internal.in_file(file, rules)))
    }
}

/// The lines that are meant as orders, above everything else.
fn take_orders(kept: &mut Vec<PageLine>, rules: &OrderRules) -> Vec<String> {
    let is_blank = |kept: &PageLine| kept.line.text.trim().is_empty();
    let is_order =
        |kept: &PageLine| !kept.quoted && kept.line.part == Part::Now && command::is_order(&kept.line.text, rules);
    let count = kept.iter().take_while(|kept| is_blank(kept) || is_order(kept)).count();
    let taken = kept.drain(..count).filter(|kept| !is_blank(kept));
    taken.map(|kept| kept.line.text.trim().to_string()).collect()
}

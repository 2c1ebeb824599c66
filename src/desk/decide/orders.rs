//! What an engineer's mail says is done: its orders and its text together, or nothing of it.

use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp};

use super::event::{self, Event, EventFacts};
use super::progress::Progress;
use super::refusal::Refusal;
use super::watchers::watchers;
use super::{Case, sent};
use crate::desk::answer::Answer;
use crate::desk::command::{self, NotUnderstood, Order};
use crate::desk::contract::{Contract, Excerpt};
use crate::desk::decision::{Decision, Disposition, Effect};
use crate::desk::engineer::Engineer;
use crate::desk::fold::fold;
use crate::desk::message::Address;
use crate::desk::parked::Cause;
use crate::desk::reply::{self, Done, Fault, Relay};
use crate::desk::site::Site;
use crate::desk::ticket::{Entry, EntryKind, NumberKind, Step, Ticket};

/// The orders of a mail.
#[derive(Default)]
pub(super) struct Orders<'a> {
    /// As they were written, and as they are understood.
    pub(super) lines: Vec<(&'a str, Order)>,
}

impl<'a> Orders<'a> {
    /// Reads them.
    ///
    /// # Errors
    /// Every line that is not understood.
    pub(super) fn read(lines: &'a [String], case: &Case) -> Result<Orders<'a>, Vec<Fault>> {
        let orders = command::read(lines, &case.site.rules.orders, case.site.calendar.civil(case.now));
        let not_understood = |faults: Vec<NotUnderstood>| -> Vec<Fault> {
            faults.into_iter().map(|NotUnderstood { line, meant }| fault(&line, "not-understood", meant)).collect()
        };
        let orders = orders.map_err(not_understood)?;
        let lines: Vec<(&str, Order)> = lines.iter().map(String::as_str).zip(orders).collect();
        let mut ends = lines.iter().filter(|(_, order)| lays_aside(order)).map(|(line, _)| *line);
        match ends.nth(1) {
            Some(second) => Err(vec![fault(second, "contradicts", Vec::new())]),
            None => Ok(Orders { lines }),
        }
    }

    /// Each with what it does.
    pub(super) fn with_meaning<'s>(&'s self, site: &'s Site) -> Vec<(&'s str, &'s str)> {
        let usages = site.rules.orders.usages();
        let does = |order: &Order| usages.iter().find(|usage| usage.id == order.id()).map_or("", |usage| &usage.does);
        self.lines.iter().map(|(line, order)| (*line, does(order))).collect()
    }

    fn has(&self, is: impl Fn(&Order) -> bool) -> bool {
        self.lines.iter().any(|(_, order)| is(order))
    }
}

/// An engineer's mail on its way.
struct Work<'a> {
    case: &'a Case<'a>,
    engineer: &'a Engineer,
    ticket: &'a Ticket,
    answer: &'a Answer,
    orders: Orders<'a>,
}

/// Carries the orders out and passes the text on; all of it, or nothing, and the engineer is told.
pub(super) fn carry_out(case: &Case, engineer: &Engineer, ticket: &Ticket, answer: &Answer) -> Decision {
    let orders = match Orders::read(&answer.orders, case) {
        Ok(orders) => orders,
        Err(faults) => return refused(case, engineer, Some(ticket), "order-not-understood", &faults),
    };
    if let Some(line) = &answer.late_order {
        let late = fault(line, "late", Vec::new());
        return refused(case, engineer, Some(ticket), "order-within-the-text", &[late]);
    }
    match (Work { case, engineer, ticket, answer, orders }).carried_out() {
        Ok(decision) => decision,
        Err(fault) => refused(case, engineer, Some(ticket), "order-refused", &[fault]),
    }
}

/// What kept a line from being carried out.
pub(super) fn fault(line: &str, why: &'static str, meant: Vec<String>) -> Fault {
    Fault { line: line.to_string(), why, detail: String::new(), meant }
}

/// Orders of which a ticket can follow one at a time.
fn lays_aside(order: &Order) -> bool {
    matches!(order, Order::Wait { .. } | Order::Resolve | Order::Close(_) | Order::Spam | Order::Merge(_))
}

/// What is done first, whatever the order of the lines: what the text or a later order may need. The
/// text itself has its place among them.
pub(super) fn rank(order: &Order) -> u8 {
    match order {
        Order::Reopen => 0,
        Order::Serial(_) | Order::Contract(_) | Order::Language(_) | Order::Add(_) => 1,
        Order::Take | Order::Assign(_) => 2,
        Order::Phone(_) => 3,
        Order::Accept(_) => TEXT + 1,
        Order::Delivered(_) | Order::OnSite(_) => TEXT + 2,
        Order::Waybill(_) => TEXT + 3,
        Order::Returned => TEXT + 4,
        Order::Escalate(_) => TEXT + 5,
        Order::Wait { .. } => TEXT + 6,
        Order::Resolve => TEXT + 7,
        Order::Close(_) | Order::Spam => TEXT + 8,
        Order::Merge(_) => TEXT + 9,
        Order::Note | Order::Show | Order::Original | Order::Help | Order::New(..) | Order::Relay => TEXT,
    }
}

const TEXT: u8 = 4;

/// Two answers of which the later was sent less than this after the earlier came are written at once:
/// nobody has read the copy of the other by then.
const AT_ONCE: SignedDuration = SignedDuration::from_mins(10);

impl Work<'_> {
    fn carried_out(&self) -> Result<Decision, Fault> {
        let Work { case, engineer, ticket, answer, .. } = *self;
        let mut progress = Progress::new(ticket.clone(), case.site, case.now);
        let mut orders: Vec<&(&str, Order)> = self.orders.lines.iter().collect();
        orders.sort_by_key(|(_, order)| rank(order));
        let (before, after) = orders.split_at(orders.partition_point(|(_, order)| rank(order) < TEXT));
        for (line, order) in before {
            one(case, engineer, &mut progress, line, order)?;
        }
        let recipients = self.recipients(&progress.ticket);
        let says = !answer.is_empty() && !self.is_internal();
        if says || self.waybill().is_some() {
            progress.step(Step::Contact, case.now).map_err(|refused| refusal("", &Refusal::State(refused)))?;
            self.answered(&mut progress, &recipients)?;
        } else if !answer.is_empty() {
            progress.entry(self.entry(EntryKind::Note, None, &progress.ticket));
        }
        for (line, order) in after {
            one(case, engineer, &mut progress, line, order)?;
        }
        self.send(&mut progress, &recipients, says);
        if let Some(message_id) = &case.mail.message.message_id {
            progress.push(Effect::Thread(ticket.number, message_id.clone()));
        }
        if says && ticket.assignee.is_none() && progress.ticket.assignee.is_none() {
            progress.assign(Some(&engineer.id));
        }
        let reason = if self.orders.lines.is_empty() { "engineer-answers" } else { "engineer-orders" };
        Ok(case.decision(Disposition::Attached(ticket.number), reason, progress.effects))
    }

    /// Whether the text stays inside.
    fn is_internal(&self) -> bool {
        self.orders.has(|order| matches!(order, Order::Note | Order::Spam))
    }

    fn waybill(&self) -> Option<&str> {
        self.orders.lines.iter().find_map(|(_, order)| match order {
            Order::Waybill(number) => Some(number.as_str()),
            _ => None,
        })
    }

    /// Whoever takes part, the customer first, but those whom the engineer's own mail reaches.
    fn recipients(&self, ticket: &Ticket) -> Vec<Address> {
        let is_customer = |address: &&String| address.eq_ignore_ascii_case(&ticket.customer.address);
        let others = ticket.participants.iter().filter(|address| !is_customer(address));
        let others = others.map(|address| Address { name: String::new(), address: address.clone() });
        let all = [ticket.customer.clone()].into_iter().chain(others);
        all.filter(|recipient| !self.reaches(&recipient.address)).collect()
    }

    /// Whether the engineer's own mail goes to this address.
    fn reaches(&self, address: &str) -> bool {
        let message = &self.case.mail.message;
        message.to.iter().chain(&message.cc).any(|to| to.address.eq_ignore_ascii_case(address))
    }

    /// Notes the answer under the Message-ID by which the customer's programs will know it, not under
    /// the engineer's.
    fn answered(&self, progress: &mut Progress, recipients: &[Address]) -> Result<(), Fault> {
        let mut ids = Vec::new();
        for recipient in recipients {
            let post = reply::relay(self.case.site, &self.relay(&progress.ticket, recipient), self.case.now);
            ids.push(post.map_err(|_| fault("", "cannot-be-written", Vec::new()))?.message_id);
        }
        let reaches_customer = self.reaches(&progress.ticket.customer.address);
        let own = self.case.mail.message.message_id.clone().filter(|_| reaches_customer);
        let known_as = own.or_else(|| ids.first().cloned());
        progress.entry(self.entry(EntryKind::Answered, known_as, &progress.ticket));
        if reaches_customer {
            sent::contact(progress, self.case.now, self.case.now, &self.engineer.id);
        }
        let number = progress.ticket.number;
        ids.into_iter().for_each(|id| progress.push(Effect::Thread(number, id)));
        Ok(())
    }

    fn relay<'r>(&'r self, ticket: &'r Ticket, to: &'r Address) -> Relay<'r> {
        let Work { case, engineer, answer, .. } = *self;
        Relay { ticket, author: &engineer.name, answer, mail: case.mail, to, waybill: self.waybill() }
    }

    fn entry(&self, kind: EntryKind, message_id: Option<String>, ticket: &Ticket) -> Entry {
        let text = match self.waybill() {
            Some(number) if self.answer.text.is_empty() => format!("waybill {number}"),
            _ => self.answer.text.clone(),
        };
        Entry { message_id, text, ..self.case.entry(kind, &self.engineer.id, Some(ticket)) }
    }

    /// Writes the mails: to the customer and whoever takes part, to the other engineers, and to this
    /// one where there were orders.
    fn send(&self, progress: &mut Progress, recipients: &[Address], says: bool) {
        let Work { case, engineer, answer, .. } = *self;
        let Case { site, mail, now, .. } = *case;
        let ticket = progress.ticket.clone();
        let relayed = says || self.waybill().is_some();
        for recipient in recipients.iter().filter(|_| relayed) {
            progress.push(reply::relay(site, &self.relay(&ticket, recipient), now));
        }
        if !answer.is_empty() {
            let others = watchers(&ticket, site, now).into_iter().filter(|other| other.id != engineer.id);
            for other in others {
                progress.push(reply::copy(site, &ticket, engineer, answer, !relayed, mail, other, now));
            }
        }
        let sent_at = mail.message.date.unwrap_or(mail.internal_date);
        for crossed in crossing(&ticket, engineer, sent_at).into_iter().filter(|_| relayed) {
            progress.push(reply::crossed(site, &ticket, crossed, mail, engineer, now));
        }
        if self.orders.lines.is_empty() && answer.held_back.is_empty() && answer.unsent.is_none() {
            return;
        }
        let usages = site.rules.orders.usages();
        let done = Done {
            orders: self.orders.with_meaning(site),
            relayed_to: recipients.iter().filter(|_| relayed).map(|to| to.address.as_str()).collect(),
            noted: !relayed && !answer.is_empty(),
            lacks_label: self.waybill().is_some() && answer.files.is_empty(),
            held_back: &answer.held_back,
            unsent: answer.unsent.as_deref(),
            help: if self.orders.has(|order| *order == Order::Help) { usages } else { &[] },
            history: self.orders.has(|order| *order == Order::Show),
            originals: match self.orders.has(|order| matches!(order, Order::Show | Order::Original)) {
                true => case.originals_of(ticket.number),
                false => Vec::new(),
            },
        };
        progress.push(reply::done(site, &ticket, &done, mail, engineer, now));
        let to = ticket.assignee.as_deref().filter(|_| self.orders.has(|order| matches!(order, Order::Assign(_))));
        if let Some(to) = to.and_then(|id| site.engineer(id)).filter(|to| to.id != engineer.id) {
            let handed = Done { history: true, originals: case.originals_of(ticket.number), ..Done::default() };
            progress.push(reply::done(site, &ticket, &handed, mail, to, now));
        }
    }
}

/// Nothing of the mail is carried out; it is kept, and the engineer is told.
pub(super) fn refused(
    case: &Case,
    engineer: &Engineer,
    ticket: Option<&Ticket>,
    reason: &str,
    faults: &[Fault],
) -> Decision {
    let told = Effect::from(reply::not_done(case.site, ticket, faults, case.mail, engineer, case.now));
    let waits = case.park(Cause::HeldAnswer, reason, ticket.map(|ticket| ticket.number));
    case.decision(Disposition::Parked, reason, vec![told, waits])
}

/// One order.
pub(super) fn one(
    case: &Case,
    engineer: &Engineer,
    progress: &mut Progress,
    line: &str,
    order: &Order,
) -> Result<(), Fault> {
    let actor = engineer.id.as_str();
    let number = progress.ticket.number;
    let event = match order {
        Order::Note | Order::Show | Order::Original | Order::Help | Order::Relay => return Ok(()),
        Order::Language(language) => {
            progress.language(*language);
            progress.record(EntryKind::Order, actor, format!("language {}", language.code()));
            return Ok(());
        }
        Order::Add(address) => {
            if case.site.is_internal(address) {
                return Err(fault(line, "address-of-the-desk", Vec::new()));
            }
            progress.add_participant(address);
            progress.record(EntryKind::Order, actor, format!("add {address}"));
            return Ok(());
        }
        Order::New(..) => return Err(fault(line, "new-within-a-ticket", Vec::new())),
        Order::Assign(name) => match engineers_called(name, case.site)[..] {
            [only] => Event::Assign { engineer: Some(only.id.clone()) },
            _ => return Err(refusal(line, &Refusal::NoSuchEngineer(name.clone()))),
        },
        order => event(order, actor, case.site).ok_or_else(|| fault(line, "no-such-time", Vec::new()))?,
    };
    let facts = EventFacts {
        on_file: on_file(&event, &case.facts.contracts),
        originals: case.originals_of(number),
        other: match &event {
            Event::Merge { into } => case.facts.ticket(*into).cloned(),
            _ => None,
        },
    };
    progress.ticket.on_file.extend(&facts.on_file);
    let text = event::apply(progress, &event, actor, &facts).map_err(|why| refusal(line, &why))?;
    progress.record(EntryKind::Order, actor, text);
    Ok(())
}

/// The answers of other engineers that this one cannot have read before writing.
fn crossing<'t>(ticket: &'t Ticket, engineer: &Engineer, sent_at: Timestamp) -> Vec<&'t Entry> {
    let by_other = |entry: &&Entry| entry.kind == EntryKind::Answered && entry.author != engineer.id;
    let unread = |entry: &&Entry| sent_at.duration_since(entry.at) < AT_ONCE;
    ticket.entries.iter().filter(by_other).filter(unread).collect()
}

fn refusal(line: &str, why: &Refusal) -> Fault {
    Fault { detail: why.detail(), ..fault(line, why.name(), Vec::new()) }
}

/// What an order means to the ticket; `None` where its time is none.
fn event(order: &Order, actor: &str, site: &Site) -> Option<Event> {
    let instant = |at: &Option<jiff::civil::DateTime>| match at {
        Some(at) => site.calendar.instant(*at).map(Some),
        None => Some(None),
    };
    let correct = |kind, value: &String| Event::Correct { kind, value: value.clone(), instead_of: None };
    Some(match order {
        Order::Take => Event::Assign { engineer: Some(actor.to_string()) },
        Order::Serial(number) => correct(NumberKind::Serial, number),
        Order::Contract(number) => correct(NumberKind::Contract, number),
        Order::Accept(delivery) => Event::Accept { delivery: *delivery },
        Order::Wait { until, reason } => {
            let until = match until {
                Some((day, time)) => Some(until_then(*day, *time, site)?),
                None => None,
            };
            Event::Wait { until, reason: reason.clone() }
        }
        Order::Delivered(at) => Event::Delivered { at: instant(at)? },
        Order::OnSite(at) => Event::OnSite { at: instant(at)? },
        Order::Waybill(number) => Event::Waybill { number: number.clone() },
        Order::Returned => Event::Returned,
        Order::Resolve => Event::Resolve,
        Order::Close(why) => Event::Close { why: why.clone() },
        Order::Spam => Event::Close { why: "spam".to_string() },
        Order::Reopen => Event::Reopen,
        Order::Escalate(why) => Event::Escalate { why: why.clone() },
        Order::Phone(at) => Event::Phone { at: instant(at)? },
        Order::Merge(into) => Event::Merge { into: *into },
        _ => return None,
    })
}

/// The moment; of a day alone the one at which work begins on it.
fn until_then(day: Date, time: Option<Time>, site: &Site) -> Option<Timestamp> {
    let calendar = &site.calendar;
    if let Some(time) = time {
        return calendar.instant(day.to_datetime(time));
    }
    let second = SignedDuration::from_secs(1);
    let begins = calendar.due(calendar.instant(day.to_datetime(Time::midnight()))?, second, calendar.business_window());
    begins.at.checked_sub(second).ok()
}

/// The contracts on file that an order's own number leads to.
fn on_file(event: &Event, all: &Excerpt) -> Excerpt {
    let Event::Correct { value, .. } = event else { return Excerpt::default() };
    let about = |contract: &&Contract| contract.number == *value || contract.names_serial(value);
    Excerpt { version: all.version, contracts: all.into_iter().filter(about).cloned().collect() }
}

/// The engineers who are called so: by id or address, or by words of their name.
fn engineers_called<'a>(name: &str, site: &'a Site) -> Vec<&'a Engineer> {
    let wanted = fold(name.trim());
    let exactly = |engineer: &&Engineer| engineer.id == wanted || engineer.address == wanted;
    if let Some(engineer) = site.active_engineers().find(exactly) {
        return vec![engineer];
    }
    let words: Vec<&str> = wanted.split_whitespace().collect();
    let says = |engineer: &Engineer| {
        let own = fold(&engineer.name);
        let own: Vec<&str> = own.split_whitespace().collect();
        !words.is_empty() && words.iter().all(|word| own.contains(word))
    };
    site.active_engineers().filter(|engineer| says(engineer)).collect()
}

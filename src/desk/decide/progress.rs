//! A ticket on its way through one decision: every change is made on the ticket at hand and noted
//! as an effect, so that what is decided next sees it.

use jiff::Timestamp;

use crate::desk::decision::Effect;
use crate::desk::entitlement;
use crate::desk::language::Language;
use crate::desk::plan::{Concern, DeliveryTime, Promise, Terms};
use crate::desk::site::Site;
use crate::desk::ticket::{
    self, Clock, ClockKind, Ended, Ending, Entry, EntryKind, KnownNumber, Next, NumberKind, Refused, State, Step,
    Ticket, Wait,
};

/// The ticket as it stands after what was decided so far, and what is to be done.
pub(super) struct Progress<'a> {
    pub(super) site: &'a Site,
    pub(super) now: Timestamp,
    pub(super) ticket: Ticket,
    pub(super) effects: Vec<Effect>,
}

impl<'a> Progress<'a> {
    /// Nothing is decided yet.
    pub(super) fn new(ticket: Ticket, site: &'a Site, now: Timestamp) -> Progress<'a> {
        Progress { site, now, ticket, effects: Vec::new() }
    }

    /// What the contracts promise in this case.
    pub(super) fn terms(&self) -> Vec<Terms> {
        self.terms_at(self.ticket.clock(ClockKind::Reaction).map_or(self.ticket.opened_at, |clock| clock.start))
    }

    /// What the contracts promise of a request that was sent then.
    fn terms_at(&self, sent: Timestamp) -> Vec<Terms> {
        let Ticket { on_file, numbers, customer, .. } = &self.ticket;
        let day = self.site.calendar.date(sent);
        self.site.plans.terms(entitlement::deciding(on_file, numbers, Some(&customer.address), day))
    }

    /// When a clock of this kind is due that starts then.
    fn promise(&self, kind: ClockKind, start: Timestamp) -> Option<Promise> {
        let (plans, calendar) = (&self.site.plans, &self.site.calendar);
        let terms = &if kind == ClockKind::Reaction { self.terms_at(start) } else { self.terms() };
        Some(match kind {
            ClockKind::Acknowledge => plans.acknowledgement(terms, start, calendar),
            ClockKind::Reaction => plans.reaction(terms, start, self.ticket.concern, calendar),
            ClockKind::FollowUp => plans.follow_up(terms, start, calendar),
            ClockKind::Delivery => plans.delivery(terms, start, self.ticket.delivery, calendar)?,
            ClockKind::Return => plans.return_of_device(terms, start, calendar),
            ClockKind::Resolution => plans.resolution(terms, start, calendar),
            ClockKind::HandOver => plans.take_over(terms, start, self.site.escalation_ack, calendar),
        })
    }

    /// A clock begins to run. Without an effect where nothing of the kind is promised.
    pub(super) fn start(&mut self, kind: ClockKind, start: Timestamp, reason: &str) {
        let round = self.ticket.clock(kind).map_or(1, |clock| clock.round + 1);
        let Some(promise) = self.promise(kind, start) else { return };
        let clock = Clock::new(kind, round, start, reason, promise, self.now);
        self.set(clock);
    }

    /// Ends the running clocks of this kind.
    pub(super) fn end(&mut self, kind: ClockKind, at: Timestamp, how: Ending, by: &str) {
        self.end_where(at, how, by, |clock| clock.kind == kind);
    }

    /// Ends the running clocks that this is true of. For one that stands still the wait is over with
    /// that: it has not fallen due meanwhile.
    pub(super) fn end_where(&mut self, at: Timestamp, how: Ending, by: &str, which: impl Fn(&Clock) -> bool) {
        let calendar = &self.site.calendar;
        for clock in self.ticket.clocks.iter_mut().filter(|clock| clock.runs() && which(clock)) {
            if clock.paused_since().is_some() {
                clock.go_on(at, calendar);
                clock.explanation =
                    format!("{}; ended while it stood still: due {}", clock.explanation, calendar.moment(clock.due));
            }
            clock.ended = Some(Ended { at: at.max(clock.start), how, by: by.to_string() });
            self.effects.push(Effect::SetClock(self.ticket.number, clock.clone()));
        }
    }

    /// Takes a clock into the ticket, in the place of the same one or as another, its rungs laid.
    fn set(&mut self, mut clock: Clock) {
        clock.rungs = self.site.ladder.rungs(&clock, &self.site.calendar, self.now);
        self.effects.push(Effect::SetClock(self.ticket.number, clock.clone()));
        let same = |old: &&mut Clock| old.kind == clock.kind && old.round == clock.round;
        match self.ticket.clocks.iter_mut().find(same) {
            Some(old) => *old = clock,
            None => self.ticket.clocks.push(clock),
        }
    }

    /// Works the running clocks out again from the same start, since the ticket's contract is
    /// another than before or known only now. `why` says what happened.
    pub(super) fn recompute(&mut self, why: &str) {
        let calendar = &self.site.calendar;
        let running: Vec<Clock> = self.ticket.clocks.iter().filter(|clock| clock.runs()).cloned().collect();
        let mut changes = Vec::new();
        for old in running {
            let Some(promise) = self.promise(old.kind, old.start) else { continue };
            let explanation = format!("{why}: worked out again; {}", promise.steps.join("; "));
            let Promise { due, window, amount, basis, .. } = promise;
            let mut new = Clock { window, amount, basis, explanation, ..old.clone() };
            new.due = if new.pauses.is_empty() { due } else { new.moment_of(new.amount, calendar) };
            if new.due != old.due {
                changes.push(format!(
                    "{}: due {} instead of {}",
                    old.kind,
                    calendar.moment(new.due),
                    calendar.moment(old.due)
                ));
            }
            if new.due != old.due || new.basis != old.basis {
                self.set(new);
            }
        }
        if !changes.is_empty() {
            self.record(EntryKind::Recomputed, "desk", format!("{why}; {}", changes.join("; ")));
        }
    }

    /// Moves the ticket one step on, where its state allows it.
    ///
    /// # Errors
    /// Why it does not. Nothing has changed then.
    pub(super) fn step(&mut self, step: Step, at: Timestamp) -> Result<(), Refused> {
        let from = self.ticket.wait.as_ref().map(|wait| wait.from);
        let work = if self.ticket.missing().is_empty() { State::InVerification } else { State::AwaitingData };
        match ticket::next(self.ticket.state, from, step) {
            Next::No(reason) => return Err(reason),
            Next::To(state) => self.enter(state, at),
            Next::Work => self.enter(work, at),
            Next::Back => match from {
                Some(state) if !matches!(state, State::AwaitingData | State::InVerification) => self.enter(state, at),
                _ => self.enter(work, at),
            },
            Next::Stay if step == Step::Returned && from == Some(State::AwaitingReturn) => {
                let wait = self.ticket.wait.clone().map(|wait| Wait { from: State::Accepted, ..wait });
                self.set_wait(wait);
            }
            Next::Stay => {}
        }
        Ok(())
    }

    /// Stands the ticket there. A wait that it leaves is over, and its clocks go on.
    fn enter(&mut self, state: State, at: Timestamp) {
        if self.ticket.wait.is_some() && state != State::WaitingForCustomer {
            self.go_on(at);
        }
        if state != State::Resolved && self.ticket.closes_at.is_some() {
            self.close_at(None);
        }
        if self.ticket.state != state {
            self.ticket.state = state;
            self.effects.push(Effect::SetState(self.ticket.number, state));
        }
    }

    /// Resolution and follow-up stand still from now on. One that is due already does not: what is
    /// late stays late.
    pub(super) fn stand_still(&mut self, wait: Wait) {
        let stops = |clock: &Clock| matches!(clock.kind, ClockKind::Resolution | ClockKind::FollowUp);
        let stopping = self.ticket.clocks.iter().filter(|clock| clock.runs() && stops(clock));
        let stopping = stopping.filter(|clock| clock.paused_since().is_none() && clock.due > wait.since);
        for mut clock in stopping.cloned().collect::<Vec<_>>() {
            clock.pauses.push(ticket::Pause { from: wait.since.max(clock.start), to: None });
            self.set(clock);
        }
        self.set_wait(Some(wait));
    }

    /// The wait is over: what stood still goes on.
    fn go_on(&mut self, at: Timestamp) {
        let Some(wait) = self.ticket.wait.clone() else { return };
        let calendar = &self.site.calendar;
        let still = self.ticket.clocks.iter().filter(|clock| clock.runs() && clock.paused_since().is_some());
        for mut clock in still.cloned().collect::<Vec<_>>() {
            let Some(from) = clock.paused_since() else { continue };
            let to = clock.go_on(at, calendar);
            let from = calendar.moment(from);
            clock.explanation = format!(
                "{}; stood still from {from} to {} by {}: {}; due {}",
                clock.explanation,
                calendar.moment(to),
                wait.actor,
                wait.reason,
                calendar.moment(clock.due)
            );
            self.set(clock);
        }
        self.set_wait(None);
    }

    fn set_wait(&mut self, wait: Option<Wait>) {
        self.ticket.wait = wait.clone();
        self.effects.push(Effect::SetWait(self.ticket.number, wait));
    }

    /// The ticket closes by itself then, or does not.
    pub(super) fn close_at(&mut self, at: Option<Timestamp>) {
        self.ticket.closes_at = at;
        self.effects.push(Effect::SetClosing(self.ticket.number, at));
    }

    /// Takes a number into the ticket.
    pub(super) fn add_number(&mut self, known: KnownNumber) {
        self.effects.push(Effect::AddNumber(self.ticket.number, known.clone()));
        let same = |old: &&mut KnownNumber| old.kind == known.kind && old.value == known.value;
        match self.ticket.numbers.iter_mut().find(same) {
            Some(old) if old.quoted && !known.quoted => *old = known,
            Some(_) => {}
            None => self.ticket.numbers.push(known),
        }
    }

    /// Takes a number out of the ticket.
    pub(super) fn drop_number(&mut self, known: &KnownNumber) {
        self.ticket.numbers.retain(|old| old != known);
        self.effects.push(Effect::DropNumber(self.ticket.number, known.kind, known.value.clone()));
    }

    /// Admits the request once both numbers are there: an event with a time, and never two.
    pub(super) fn admit(&mut self) {
        if !self.ticket.missing().is_empty() || self.step(Step::Admit, self.now).is_err() {
            return;
        }
        if self.ticket.admitted_at.is_none() {
            self.ticket.admitted_at = Some(self.now);
            self.effects.push(Effect::Admit(self.ticket.number, self.now));
            self.record(EntryKind::Admitted, "desk", "serial number and contract number are there".to_string());
        }
    }

    /// The engineer who works on the ticket from now on.
    pub(super) fn assign(&mut self, engineer: Option<&str>) {
        self.ticket.assignee = engineer.map(str::to_string);
        self.effects.push(Effect::Assign(self.ticket.number, self.ticket.assignee.clone()));
    }

    /// Notes what happened.
    pub(super) fn record(&mut self, kind: EntryKind, author: &str, text: String) {
        self.entry(Entry { kind, author: author.to_string(), message_id: None, text, sender: None, at: self.now });
    }

    /// Notes what happened, a mail among it.
    pub(super) fn entry(&mut self, entry: Entry) {
        self.effects.push(Effect::AddEntry(self.ticket.number, entry.clone()));
        self.ticket.entries.push(entry);
    }

    /// Why a step would not be allowed; `None` where it would.
    pub(super) fn step_would(&self, step: Step) -> Option<Refused> {
        match ticket::next(self.ticket.state, self.ticket.wait.as_ref().map(|wait| wait.from), step) {
            Next::No(reason) => Some(reason),
            _ => None,
        }
    }

    /// The delivery time that an engineer orders in place of what the contract says.
    pub(super) fn order_delivery(&mut self, delivery: Option<DeliveryTime>) {
        if self.ticket.delivery != delivery {
            self.ticket.delivery = delivery;
            self.effects.push(Effect::OrderDelivery(self.ticket.number, delivery));
        }
    }

    /// In which language the customer is written to from now on.
    pub(super) fn language(&mut self, language: Language) {
        self.ticket.language = language;
        self.effects.push(Effect::SetLanguage(self.ticket.number, language));
    }

    /// An address takes part from now on.
    pub(super) fn add_participant(&mut self, address: &str) {
        if !self.ticket.takes_part(address) {
            self.ticket.participants.push(address.to_string());
            self.effects.push(Effect::AddParticipant(self.ticket.number, address.to_string()));
        }
    }

    /// What the request is about.
    pub(super) fn concern(&mut self, concern: Concern) {
        self.ticket.concern = concern;
        self.effects.push(Effect::SetConcern(self.ticket.number, concern));
    }

    /// Whether a contract on file has this number.
    pub(super) fn is_on_file(&self, kind: NumberKind, value: &str) -> bool {
        self.ticket.on_file.into_iter().any(|contract| match kind {
            NumberKind::Contract => contract.number == value,
            NumberKind::Serial => contract.names_serial(value),
            NumberKind::Nip => contract.nip == value,
        })
    }

    /// Takes in the running clocks of another ticket, as new rounds, with their start and due time.
    pub(super) fn take_in(&mut self, clocks: Vec<Clock>, why: &str) {
        for clock in clocks {
            let round = self.ticket.clock(clock.kind).map_or(1, |own| own.round + 1);
            let explanation = format!("{}; {why}", clock.explanation);
            self.set(Clock { round, explanation, created_at: self.now, ..clock });
        }
    }

    /// One more thing to be done.
    pub(super) fn push(&mut self, effect: impl Into<Effect>) {
        self.effects.push(effect.into());
    }
}

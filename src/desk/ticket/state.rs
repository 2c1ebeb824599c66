//! Where a ticket stands, and what may happen to it there.

use super::State;

/// Something that happens to a ticket as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A person has answered the customer, by mail or by telephone.
    Contact,
    /// The customer writes.
    CustomerWrites,
    /// Serial and contract number are there: the request is admitted.
    Admit,
    /// An engineer finds the request justified.
    Accept,
    /// An engineer waits for the customer.
    Wait,
    /// The wait is over.
    GoOn,
    /// Parts have arrived, or on-site work has begun.
    Deliver,
    /// The customer was sent the label for the faulty device.
    Waybill,
    /// The faulty device has come back.
    Returned,
    /// A person forwards the ticket to escalation.
    Escalate,
    /// An engineer declares the matter done.
    Resolve,
    /// The ticket is laid aside for good.
    Close,
    /// An engineer takes the matter up again.
    Reopen,
    /// It turns out to be part of another ticket.
    Merge,
}

/// What a step leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The ticket stands there from now on.
    To(State),
    /// It stays where it is.
    Stay,
    /// It is in work: `in-verification` where both numbers are there, else `awaiting-data`.
    Work,
    /// It goes back to where the wait began.
    Back,
    /// It does not happen, and this is why.
    No(Refused),
}

/// Why something does not happen to a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refused {
    /// `new`: nobody has spoken with the customer.
    #[error("no person has made contact with the customer yet: answer first")]
    NoContactYet,
    /// A number is missing.
    #[error("the request is not admitted: serial number or contract number is missing")]
    NotAdmitted,
    /// Not accepted.
    #[error("the request has not been accepted yet: accept it first")]
    NotAccepted,
    /// Accepted before.
    #[error("the request has been accepted already")]
    AlreadyAccepted,
    /// Nothing runs that this could end.
    #[error("no device is on its way back: there is no waybill")]
    NoReturn,
    /// Not waiting.
    #[error("the ticket is not waiting for the customer")]
    NotWaiting,
    /// Not resolved.
    #[error("the ticket is not resolved, so it cannot be reopened")]
    NotResolved,
    /// Resolved.
    #[error("the ticket is resolved: reopen it first")]
    Resolved,
    /// Closed.
    #[error("the ticket is closed: reopen it first")]
    Closed,
    /// Merged.
    #[error("the ticket was merged into another: go on there")]
    Merged,
}

impl Refused {
    /// The stable name of the reason.
    pub fn name(self) -> &'static str {
        match self {
            NoContactYet => "no-contact-yet",
            NotAdmitted => "not-admitted",
            NotAccepted => "not-accepted",
            AlreadyAccepted => "already-accepted",
            NoReturn => "no-return",
            NotWaiting => "not-waiting",
            NotResolved => "not-resolved",
            Resolved => "resolved",
            Closed => "closed",
            Merged => "merged",
        }
    }
}

use Next::{Back, No, Stay, To, Work};
use Refused::{
    AlreadyAccepted, Closed, Merged, NoContactYet, NoReturn, NotAccepted, NotAdmitted, NotResolved, NotWaiting,
    Resolved,
};
use State::{
    Accepted, AwaitingData, AwaitingReturn, Closed as IsClosed, InVerification, Merged as IsMerged, New,
    Resolved as IsResolved, WaitingForCustomer,
};

/// The columns of [`TABLE`].
const STEPS: [Step; 14] = [
    Step::Contact,
    Step::CustomerWrites,
    Step::Admit,
    Step::Accept,
    Step::Wait,
    Step::GoOn,
    Step::Deliver,
    Step::Waybill,
    Step::Returned,
    Step::Escalate,
    Step::Resolve,
    Step::Close,
    Step::Reopen,
    Step::Merge,
];

/// Every state with what each step of [`STEPS`] leads to. A wait forgets nothing: what an engineer
/// does out of it is allowed where it was allowed before the wait (see [`next`]).
#[rustfmt::skip]
const TABLE: [(State, [Next; 14]); 9] = [
    //                    contact customer  admit                    accept                wait                    go on           deliver          waybill             returned      escalate      resolve           close         reopen           merge
    (New,                [Work,   Stay,     Stay,                    To(Accepted),         No(NoContactYet),       No(NotWaiting), No(NotAccepted), No(NotAccepted),    No(NoReturn), Stay,         No(NoContactYet), To(IsClosed), No(NotResolved), To(IsMerged)]),
    (AwaitingData,       [Work,   Stay,     To(InVerification),      No(NotAdmitted),      To(WaitingForCustomer), No(NotWaiting), No(NotAccepted), No(NotAccepted),    No(NoReturn), Stay,         To(IsResolved),   To(IsClosed), No(NotResolved), To(IsMerged)]),
    (InVerification,     [Stay,   Stay,     Stay,                    To(Accepted),         To(WaitingForCustomer), No(NotWaiting), No(NotAccepted), No(NotAccepted),    No(NoReturn), Stay,         To(IsResolved),   To(IsClosed), No(NotResolved), To(IsMerged)]),
    (Accepted,           [Stay,   Stay,     Stay,                    No(AlreadyAccepted),  To(WaitingForCustomer), No(NotWaiting), Stay,            To(AwaitingReturn), Stay,         Stay,         To(IsResolved),   To(IsClosed), No(NotResolved), To(IsMerged)]),
    (AwaitingReturn,     [Stay,   Stay,     Stay,                    No(AlreadyAccepted),  To(WaitingForCustomer), No(NotWaiting), Stay,            Stay,               To(Accepted), Stay,         To(IsResolved),   To(IsClosed), No(NotResolved), To(IsMerged)]),
    (WaitingForCustomer, [Stay,   Back,     Stay,                    To(Accepted),         Stay,                   Back,           Stay,            To(AwaitingReturn), Stay,         Stay,         To(IsResolved),   To(IsClosed), No(NotResolved), To(IsMerged)]),
    (IsResolved,         [Stay,   Work,     Stay,                    No(Resolved),         No(Resolved),           No(Resolved),   No(Resolved),    No(Resolved),       Stay,         No(Resolved), No(Resolved),     To(IsClosed), Work,            To(IsMerged)]),
    (IsClosed,           [Stay,   No(Closed), Stay,                  No(Closed),           No(Closed),             No(Closed),     No(Closed),      No(Closed),         No(Closed),   No(Closed),   No(Closed),       No(Closed),   Work,            No(Closed)]),
    (IsMerged,           [No(Merged), No(Merged), No(Merged),        No(Merged),           No(Merged),             No(Merged),     No(Merged),      No(Merged),         No(Merged),   No(Merged),   No(Merged),       No(Merged),   No(Merged),      No(Merged)]),
];

/// What a step leads to. `waits_from` is where the wait began, where the ticket waits: a step that
/// would not have been allowed there is not allowed out of the wait either.
pub fn next(state: State, waits_from: Option<State>, step: Step) -> Next {
    let row = |state: State| TABLE.iter().find(|(of, _)| *of == state).map(|(_, row)| row);
    let column = STEPS.iter().position(|known| *known == step);
    let at = |state: State| row(state).and_then(|row| column.and_then(|column| row.get(column))).copied();
    let found = at(state).unwrap_or(No(Merged));
    let before = waits_from.filter(|_| state == WaitingForCustomer).and_then(at);
    match (found, before) {
        // To wait on, and to end the wait, mean nothing where the wait began.
        (Stay | To(_), Some(No(reason))) if !matches!(step, Step::Wait | Step::GoOn) => No(reason),
        _ => found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(state: State, from: Option<State>, step: Step, expected: Next) {
        assert_eq!(next(state, from, step), expected, "{state} {from:?} {step:?}");
    }

    #[test]
    fn every_state_and_step_stands_in_the_table_once() {
        let states: std::collections::HashSet<State> = TABLE.iter().map(|(state, _)| *state).collect();
        assert_eq!(states.len(), TABLE.len());
        assert_eq!(states.len(), State::ALL.len());
        assert_eq!(STEPS.iter().collect::<std::collections::HashSet<_>>().len(), STEPS.len());
    }

    #[test]
    fn steps() {
        for (state, from, step, expected) in [
            (New, None, Step::Contact, Work),
            (New, None, Step::Wait, No(NoContactYet)),
            (New, None, Step::Resolve, No(NoContactYet)),
            (New, None, Step::Close, To(IsClosed)),
            (AwaitingData, None, Step::Admit, To(InVerification)),
            (AwaitingData, None, Step::Accept, No(NotAdmitted)),
            (InVerification, None, Step::Accept, To(Accepted)),
            (InVerification, None, Step::Waybill, No(NotAccepted)),
            (Accepted, None, Step::Accept, No(AlreadyAccepted)),
            (Accepted, None, Step::Waybill, To(AwaitingReturn)),
            (AwaitingReturn, None, Step::Returned, To(Accepted)),
            (AwaitingReturn, None, Step::Deliver, Stay),
            (IsResolved, None, Step::CustomerWrites, Work),
            (IsResolved, None, Step::Accept, No(Resolved)),
            (IsResolved, None, Step::Returned, Stay),
            (IsClosed, None, Step::CustomerWrites, No(Closed)),
            (IsClosed, None, Step::Reopen, Work),
            (IsMerged, None, Step::Reopen, No(Merged)),
            (Accepted, None, Step::Reopen, No(NotResolved)),
            (Accepted, None, Step::GoOn, No(NotWaiting)),
        ] {
            check(state, from, step, expected);
        }
    }

    #[test]
    fn a_wait_forgets_nothing() {
        for (from, step, expected) in [
            (InVerification, Step::CustomerWrites, Back),
            (InVerification, Step::GoOn, Back),
            (InVerification, Step::Wait, Stay),
            (InVerification, Step::Accept, To(Accepted)),
            (AwaitingData, Step::Accept, No(NotAdmitted)),
            (Accepted, Step::Accept, No(AlreadyAccepted)),
            (InVerification, Step::Waybill, No(NotAccepted)),
            (Accepted, Step::Waybill, To(AwaitingReturn)),
            (InVerification, Step::Deliver, No(NotAccepted)),
            (AwaitingReturn, Step::Deliver, Stay),
            (InVerification, Step::Resolve, To(IsResolved)),
            (InVerification, Step::Reopen, No(NotResolved)),
        ] {
            check(WaitingForCustomer, Some(from), step, expected);
        }
    }
}

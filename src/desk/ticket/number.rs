//! Serial, contract and tax numbers on a ticket, and where each comes from.

/// A serial, contract or tax number that stands on a ticket.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct KnownNumber {
    /// What it is.
    pub kind: NumberKind,
    /// Normalised.
    pub value: String,
    /// As the sender wrote it.
    pub written: String,
    /// Where it stood, by which rule, and the evidence, for people.
    pub evidence: String,
    /// Whether it stood only in a quoted earlier mail, or too little speaks for it: it does not count until
    /// the customer says so.
    pub quoted: bool,
    /// Whether a contract on file has it.
    pub on_file: bool,
}

/// In [`KnownNumber::evidence`], in place of a rule: the customer is asked about it, or gave it when asked.
pub const ASKED: &str = "asked";

/// In [`KnownNumber::evidence`]: an "or" stands between it and another.
pub const ALTERNATIVE: &str = ", or another";

/// In [`KnownNumber::evidence`], in place of a rule: an engineer's order.
pub const CORRECTED: &str = "corrected";

/// In [`KnownNumber::evidence`], in place of a rule: the closed ticket that this one goes on with.
pub const CLOSED_TICKET: &str = "closed-ticket";

impl KnownNumber {
    /// Whether a rule for numbers found it, and not a question, an order or an earlier ticket.
    pub fn is_by_rule(&self) -> bool {
        ![ASKED, CORRECTED, CLOSED_TICKET].iter().any(|other| self.evidence.contains(&format!("[{other}")))
    }
}

/// What a number identifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NumberKind {
    /// A device.
    Serial,
    /// A service contract.
    Contract,
    /// A company, by its tax number (NIP).
    Nip,
}

/// Which of serial and contract number these numbers lack.
pub fn missing(numbers: &[KnownNumber]) -> Vec<NumberKind> {
    let lacks = |kind: &NumberKind| !numbers.iter().any(|number| number.kind == *kind && !number.quoted);
    [NumberKind::Serial, NumberKind::Contract].into_iter().filter(lacks).collect()
}

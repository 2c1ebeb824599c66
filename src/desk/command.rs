//! What an engineer orders in the first lines of an answer: `#accept 8h`, `#przyjmij 8h`.

mod day;
mod rules;
mod spelling;

use jiff::civil::{Date, DateTime, Time};

use super::contract;
use super::fold::fold;
use super::language::Language;
use super::plan::DeliveryTime;
use super::ticket_number::{self, TicketNumber};
use day::Direction;

pub use rules::{Link, OrderRules, Usage};

/// One order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// All below stays inside.
    Note,
    /// The engineer works on the ticket.
    Take,
    /// Somebody else does: a name, as it was written.
    Assign(String),
    /// The device's number, normalised.
    Serial(String),
    /// The contract's number, normalised.
    Contract(String),
    /// The request is justified.
    Accept(Option<DeliveryTime>),
    /// The customer has to do something first.
    Wait {
        /// Until when, in local time; a day without a time lasts until work begins on it.
        until: Option<(Date, Option<Time>)>,
        /// What is waited for.
        reason: String,
    },
    /// The parts have arrived; in local time.
    Delivered(Option<DateTime>),
    /// The work on site has begun; in local time.
    OnSite(Option<DateTime>),
    /// The customer gets the prepaid label with this number.
    Waybill(String),
    /// The faulty device has come back.
    Returned,
    /// The matter is done.
    Resolve,
    /// The ticket is laid aside, and why.
    Close(String),
    /// The matter is taken up again.
    Reopen,
    /// To escalation, and why.
    Escalate(String),
    /// The ticket becomes part of another.
    Merge(TicketNumber),
    /// An address takes part from now on.
    Add(String),
    /// The customer is written to in this language.
    Language(Language),
    /// It is no request.
    Spam,
    /// The whole ticket by mail.
    Show,
    /// The customer's mails as they came.
    Original,
    /// What orders there are.
    Help,
    /// The engineer spoke with the customer; in local time.
    Phone(Option<DateTime>),
    /// A ticket for this customer: name and address.
    New(String, String),
    /// The text goes to the customer, from whoever handles the escalation.
    Relay,
}

impl Order {
    /// Its id in `orders.toml`.
    pub fn id(&self) -> &'static str {
        match self {
            Order::Note => "note",
            Order::Take => "take",
            Order::Assign(_) => "assign",
            Order::Serial(_) => "serial",
            Order::Contract(_) => "contract",
            Order::Accept(_) => "accept",
            Order::Wait { .. } => "wait",
            Order::Delivered(_) => "delivered",
            Order::OnSite(_) => "onsite",
            Order::Waybill(_) => "waybill",
            Order::Returned => "returned",
            Order::Resolve => "resolve",
            Order::Close(_) => "close",
            Order::Reopen => "reopen",
            Order::Escalate(_) => "escalate",
            Order::Merge(_) => "merge",
            Order::Add(_) => "add",
            Order::Language(_) => "language",
            Order::Spam => "spam",
            Order::Show => "show",
            Order::Original => "original",
            Order::Help => "help",
            Order::Phone(_) => "phone",
            Order::New(..) => "new",
            Order::Relay => "relay",
        }
    }
}

/// A line that is meant as an order and is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotUnderstood {
    /// As it was written.
    pub line: String,
    /// How what it may have meant is written.
    pub meant: Vec<String>,
}

/// Reads the orders in these lines, at this local time.
///
/// # Errors
/// Every line that is not understood. Then none of the others counts either.
pub fn read(lines: &[String], rules: &OrderRules, now: DateTime) -> Result<Vec<Order>, Vec<NotUnderstood>> {
    let mut orders = Vec::new();
    let mut faults = Vec::new();
    for line in lines {
        match order(line, rules, now) {
            Some(order) => orders.push(order),
            None => faults.push(NotUnderstood { line: line.clone(), meant: meant(line, rules) }),
        }
    }
    if faults.is_empty() { Ok(orders) } else { Err(faults) }
}

/// Whether a line above the text is meant as an order: `#word`, and `# word` where the word is one of
/// an order or nearly so. A number or a heading behind the `#` is text.
pub fn is_order(line: &str, rules: &OrderRules) -> bool {
    let Some((word, _, glued)) = split(line) else { return false };
    let letter = word.starts_with(|c: char| c.is_alphabetic() || c == '?');
    letter && (glued || !rules.near(&word).is_empty())
}

/// Whether a line in the middle of a text looks like an order that came too late: passing it on
/// would show the customer what was meant for the desk. Behind a `#` and a blank only what is an
/// order indeed: so begins the prompt of many a device, too.
pub fn is_late_order(line: &str, rules: &OrderRules, now: DateTime) -> bool {
    let near = |(word, _, glued): (String, &str, bool)| glued && !rules.near(&word).is_empty();
    // A list, a quote or bold type puts marks in front.
    let bare = line.trim_start_matches(|c: char| c.is_whitespace() || "*_-–—•·(\"„”'>".contains(c));
    split(bare).is_some_and(near) || order(bare, rules, now).is_some() || names_a_note(line, rules)
}

/// Whether the word for a note stands behind a `#` anywhere in a line: nothing is meant less for a
/// customer.
fn names_a_note(line: &str, rules: &OrderRules) -> bool {
    let behind = line.split(['#', '＃', '﹟', '♯']).skip(1);
    let mut words = behind.map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default());
    words.any(|word| rules.id(&fold(word)) == Some("note"))
}

/// The folded word behind the `#`, the rest of the line, and whether the word is glued to the `#`.
fn split(line: &str) -> Option<(String, &str, bool)> {
    let line = line.trim();
    let rest = line.strip_prefix('#').or_else(|| line.strip_prefix('＃'))?;
    let glued = !rest.starts_with(char::is_whitespace);
    let rest = rest.trim_start();
    let end = rest.find(|c: char| c.is_whitespace() || c == ':').unwrap_or(rest.len());
    let (word, rest) = rest.split_at(end);
    let word = fold(word.trim_end_matches(['.', ',', '!', ';']));
    let rest = rest.trim_start_matches(':').trim().trim_end_matches(['.', ',', ';']).trim_end();
    (!word.is_empty()).then_some((word, rest, glued))
}

fn order(line: &str, rules: &OrderRules, now: DateTime) -> Option<Order> {
    let (word, rest, _) = split(line)?;
    let nothing = |order: Order| rest.is_empty().then_some(order);
    let past = || day::moment(rest, now, Direction::Back, &rules.words);
    let when = |order: fn(Option<DateTime>) -> Order| match rest {
        "" => Some(order(None)),
        _ => past().map(|at| order(Some(at))),
    };
    match rules.id(&word)? {
        "note" => nothing(Order::Note),
        "take" => nothing(Order::Take),
        "assign" => (!rest.is_empty()).then(|| Order::Assign(rest.to_string())),
        "serial" => number(rest, rules).map(Order::Serial),
        "contract" => number(rest, rules).map(Order::Contract),
        "accept" => match fold(rest).as_str() {
            "" => Some(Order::Accept(None)),
            "8h" | "8 h" => Some(Order::Accept(Some(DeliveryTime::Hours(8)))),
            "nbd" => Some(Order::Accept(Some(DeliveryTime::NextBusinessDay))),
            _ => None,
        },
        "wait" => {
            let (until, reason) = day::until(rest, now, &rules.words)?;
            Some(Order::Wait { until, reason: reason.to_string() })
        }
        "delivered" => when(Order::Delivered),
        "onsite" => when(Order::OnSite),
        "waybill" => waybill(rest, rules).map(Order::Waybill),
        "returned" => nothing(Order::Returned),
        "resolve" => nothing(Order::Resolve),
        "close" => Some(Order::Close(rest.to_string())),
        "reopen" => nothing(Order::Reopen),
        "escalate" => Some(Order::Escalate(rest.to_string())),
        "merge" => match ticket_number::find_in(rest)[..] {
            [number] => Some(Order::Merge(number)),
            _ => None,
        },
        "add" => address(rest).map(|(_, address)| Order::Add(address)),
        "language" => rules.language(&fold(rest)).map(Order::Language),
        "spam" => nothing(Order::Spam),
        "show" => nothing(Order::Show),
        "original" => nothing(Order::Original),
        "help" => nothing(Order::Help),
        "phone" => when(Order::Phone),
        "new" => address(rest).map(|(name, address)| Order::New(name, address)),
        "relay" => nothing(Order::Relay),
        _ => None,
    }
}

/// How what a line may have meant is written: the order of its word with what it lacks, else those
/// with nearly the same word.
fn meant(line: &str, rules: &OrderRules) -> Vec<String> {
    let Some((word, ..)) = split(line) else { return Vec::new() };
    let ids = match rules.id(&word) {
        Some(id) => vec![id],
        None => rules.near(&word),
    };
    ids.into_iter().filter_map(|id| rules.usage(id)).map(|usage| usage.usage.clone()).collect()
}

/// One word with a digit, as serial and contract numbers are, whatever stands in front of it.
fn number(text: &str, rules: &OrderRules) -> Option<String> {
    let words = text.split_whitespace().filter(|word| !rules.words.fillers.contains(&fold(word)));
    let words: Vec<&str> = words.collect();
    let [number] = words[..] else { return None };
    let number = contract::normalise(number);
    (number.len() >= 4 && number.bytes().any(|byte| byte.is_ascii_digit())).then_some(number)
}

/// A waybill's number, whose groups may stand apart.
fn waybill(text: &str, rules: &OrderRules) -> Option<String> {
    let words = text.split_whitespace().filter(|word| !rules.words.fillers.contains(&fold(word)));
    let number: String = words.collect::<Vec<_>>().concat();
    let is_number = number.chars().all(|c| c.is_ascii_alphanumeric() || "-/.".contains(c))
        && number.bytes().filter(u8::is_ascii_digit).count() >= 6
        && number.len() <= 40;
    is_number.then(|| number.to_ascii_uppercase())
}

/// A name and an address: `Ewa Nowa <ewa@x.example>`, `ewa@x.example`, `mailto:ewa@x.example`.
fn address(text: &str) -> Option<(String, String)> {
    let (name, address) = match text.split_once('<') {
        Some((name, rest)) => (name.trim().trim_matches('"'), rest.split('>').next()?),
        None => ("", text),
    };
    let address = address.trim();
    let address = address.strip_prefix("mailto:").unwrap_or(address).to_lowercase();
    let (local, domain) = address.split_once('@')?;
    let plain = |c: char| c.is_alphanumeric() || ".-_+'=&/".contains(c);
    let good = !local.is_empty() && local.chars().all(plain) && domain.contains('.') && domain.chars().all(plain);
    good.then(|| (name.to_string(), address.clone()))
}

#[cfg(test)]
mod tests;

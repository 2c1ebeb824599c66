//! What was found so far, and what it comes to when all of the mail was looked at.

use std::collections::{HashMap, HashSet};

use super::{Judge, Verdict};
use crate::desk::extract::scan::{Item, Value};
use crate::desk::extract::{Candidate, FOUND_MAX, Found, Numbers, Place, Refused, Strength};
use crate::desk::ticket::NumberKind;

/// Rule id of a number that stands bare here and is told for what it is elsewhere in the mail.
const NAMED_ELSEWHERE: &str = "named-elsewhere";

/// Finds of one kind that are looked through: a value may stand in a thousand places.
const FINDS_MAX: usize = FOUND_MAX * 4;

/// Bare numbers that are remembered of a mail.
const BARE_MAX: usize = 20_000;

/// Candidates that are told of one mail.
const CANDIDATES_MAX: usize = 50;

/// Refused numbers that are told of one mail.
const REFUSED_MAX: usize = 200;

/// What was found so far.
#[derive(Default)]
pub(super) struct Finds {
    by_kind: [Vec<Find>; 3],
    bare: Vec<Bare>,
    refused: Vec<Refused>,
    too_many: bool,
}

/// A number that nothing tells for what it is.
struct Bare {
    kinds: Vec<NumberKind>,
    /// "nr" stands before it.
    is_numbered: bool,
    find: Find,
}

/// A number and where in the order of the mail it stands.
struct Find {
    number: Found,
    order: usize,
    /// The rule by which it is of a part of a device.
    part: Option<String>,
}

impl Finds {
    pub(super) fn add(
        &mut self,
        verdict: Verdict,
        (at, order): (usize, usize),
        value: &Value,
        judge: &Judge,
        item: &Item,
    ) {
        match verdict {
            Verdict::Is(kind, reason) => {
                let Some(list) = self.by_kind.get_mut(kind as usize) else { return };
                if list.len() >= FINDS_MAX {
                    self.too_many = true;
                    return;
                }
                let part = judge.part(item).filter(|_| kind == NumberKind::Serial).map(str::to_string);
                let number = judge.found(at, value, Some(kind), reason);
                list.extend(number.map(|number| Find { number, order, part }));
            }
            Verdict::MayBe(kinds, reason) if self.bare.len() < BARE_MAX => {
                let Some(number) = judge.found(at, value, None, reason) else { return };
                let find = Find { number, order, part: None };
                self.bare.push(Bare { kinds, is_numbered: judge.is_numbered(at), find });
            }
            Verdict::Refused(rule) if self.refused.len() < REFUSED_MAX => {
                let place = judge.section.place;
                let spot = judge.scan.page.spot(item.start, item.end);
                self.refused.push(Refused { value: value.normal.clone(), place, spot, rule });
            }
            Verdict::MayBe(..) | Verdict::Refused(_) | Verdict::Nothing => {}
        }
    }

    pub(super) fn numbers(mut self) -> Numbers {
        self.leave_parts_out();
        self.name_elsewhere();
        self.name_alike();
        let [serials, contracts, nips] = self.by_kind;
        let problem = "the mail has more numbers than are told of one; the rest is left out".to_string();
        let mut numbers = Numbers { refused: self.refused, ..Numbers::default() };
        let mut too_many = self.too_many;
        for (list, into) in
            [(serials, &mut numbers.serials), (contracts, &mut numbers.contracts), (nips, &mut numbers.nips)]
        {
            *into = each_once(list);
            too_many |= into.len() > FOUND_MAX;
            into.truncate(FOUND_MAX);
        }
        numbers.candidates = candidates(self.bare);
        numbers.problems.extend(too_many.then_some(problem));
        numbers
    }

    /// A switch lists its power supplies and transceivers below itself: where the device's own number is there,
    /// those of its parts are not what is reported.
    fn leave_parts_out(&mut self) {
        let Some(serials) = self.by_kind.get_mut(NumberKind::Serial as usize) else { return };
        let is_device = |find: &Find| find.part.is_none() && find.number.place != Place::Quote;
        if !serials.iter().any(is_device) {
            return;
        }
        let refused = serials.extract_if(.., |find| find.part.is_some() && !find.number.on_file);
        self.refused.extend(refused.map(|Find { number, part, .. }| Refused {
            value: number.value,
            place: number.place,
            spot: number.spot,
            rule: part.unwrap_or_default(),
        }));
        self.refused.truncate(REFUSED_MAX);
    }

    /// "Właściwy numer: 8606084" where the quote has a serial number of the same make: that is one too.
    fn name_alike(&mut self) {
        let mut makes: HashMap<String, Option<NumberKind>> = HashMap::new();
        for (kind, list) in [NumberKind::Serial, NumberKind::Contract].into_iter().zip(&self.by_kind) {
            for find in list {
                let known = makes.entry(make(&find.number.value)).or_insert(Some(kind));
                *known = known.filter(|known| *known == kind);
            }
        }
        let mut still_bare = Vec::new();
        for mut bare in std::mem::take(&mut self.bare) {
            let kind = makes.get(&make(&bare.find.number.value)).copied().flatten().filter(|_| bare.is_numbered);
            match kind.and_then(|kind| self.by_kind.get_mut(kind as usize)) {
                Some(list) if list.len() < FINDS_MAX => {
                    bare.find.number.rule = NAMED_ELSEWHERE.to_string();
                    bare.find.number.evidence = "called a number, and made like one elsewhere in this mail".to_string();
                    bare.find.number.strength = Strength::Told;
                    list.push(bare.find);
                }
                _ => still_bare.push(bare),
            }
        }
        self.bare = still_bare;
    }

    /// A bare number that is told for what it is elsewhere in the mail is that here too: the quote says
    /// "serial number X", the sender "X is down again".
    fn name_elsewhere(&mut self) {
        let mut named: HashMap<String, NumberKind> = HashMap::new();
        for (kind, list) in [NumberKind::Serial, NumberKind::Contract].into_iter().zip(&self.by_kind) {
            let strong = list.iter().filter(|find| find.number.strength >= Strength::Told);
            for find in strong {
                named.entry(find.number.value.clone()).or_insert(kind);
            }
        }
        let mut still_bare = Vec::new();
        for mut bare in std::mem::take(&mut self.bare) {
            let kind = named.get(&bare.find.number.value).copied();
            match kind.and_then(|kind| self.by_kind.get_mut(kind as usize)) {
                Some(list) if list.len() < FINDS_MAX => {
                    bare.find.number.rule = NAMED_ELSEWHERE.to_string();
                    bare.find.number.evidence = "told for what it is elsewhere in this mail".to_string();
                    list.push(bare.find);
                }
                _ => still_bare.push(bare),
            }
        }
        self.bare = still_bare;
    }
}

/// Each value once: from the first place, with the strongest evidence there, in the order of the mail.
fn each_once(mut list: Vec<Find>) -> Vec<Found> {
    list.sort_by_key(|find| (find.number.place, std::cmp::Reverse(find.number.strength), find.order));
    let mut seen = HashSet::new();
    list.retain(|find| seen.insert(find.number.value.clone()));
    list.sort_by_key(|find| (find.number.place, find.order));
    list.into_iter().map(|find| find.number).collect()
}

fn candidates(mut bare: Vec<Bare>) -> Vec<Candidate> {
    bare.sort_by_key(|Bare { find, .. }| (std::cmp::Reverse(find.number.strength), find.number.place, find.order));
    let mut seen = HashSet::new();
    bare.retain(|bare| seen.insert(bare.find.number.value.clone()));
    let each = bare.iter().flat_map(|Bare { kinds, find, .. }| {
        kinds.iter().map(|kind| Candidate { kind: *kind, number: find.number.clone() })
    });
    each.take(CANDIDATES_MAX).collect()
}

/// What a number is made of: a sign for each digit and letter.
fn make(value: &str) -> String {
    let sign = |c: char| match c {
        c if c.is_ascii_digit() => '9',
        c if c.is_alphabetic() => 'A',
        c => c,
    };
    value.chars().map(sign).collect()
}

//! Who is told of a ticket: its group, and who is on duty at that time.

mod file;
mod phrase;

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;

use super::calendar::{Calendar, WindowName};
use super::engineer::Engineer;
use super::language::Language;
use super::rules::{RuleFault, Sources};
use file::{Known, Test, Written};

/// Stands for every engineer who is active.
const EVERYBODY: &str = "*";

/// The compiled `rules/routing.toml`.
#[derive(Clone, Debug)]
pub struct Routing {
    default: String,
    groups: Vec<Group>,
    routes: Vec<Route>,
    vendors: Vec<Known>,
    products: Vec<Known>,
}

#[derive(Clone, Debug)]
struct Group {
    id: String,
    engineers: Vec<String>,
    turns: Option<Turns>,
}

/// One at a time.
#[derive(Clone, Copy, Debug)]
struct Turns {
    begins: Date,
    days: u16,
}

#[derive(Clone, Debug)]
struct Route {
    id: String,
    group: String,
    vendors: Vec<String>,
    products: Vec<String>,
    plans: Vec<String>,
    windows: Vec<WindowName>,
    languages: Vec<Language>,
    hours: Option<(WindowName, bool)>,
    tests: Vec<Test>,
}

/// What a ticket is routed by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traits {
    /// Whose devices it is about.
    pub vendors: BTreeSet<String>,
    /// What kind of devices.
    pub products: BTreeSet<String>,
    /// The plan that its contract buys.
    pub plan: Option<String>,
    /// The window of its contract.
    pub window: Option<WindowName>,
    /// In which language its customer is written to.
    pub language: Option<Language>,
}

/// Where a ticket goes, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination<'a> {
    /// The route that fits; `None` where none does.
    pub route: Option<&'a str>,
    /// The group.
    pub group: &'a str,
    /// Who is told, in the order of the configuration.
    pub engineers: Vec<&'a Engineer>,
}

impl Routing {
    /// Compiles `routing.toml`.
    ///
    /// # Errors
    /// Every fault of the file: among them a route to a group that is not there.
    pub fn compile(sources: &Sources, calendar: &Calendar) -> Result<Routing, Vec<RuleFault>> {
        Written::read(sources, calendar).map(|written| written.routing)
    }

    /// Runs the tests that stand in `routing.toml`: those that fail.
    pub fn test(&self, calendar: &Calendar) -> Vec<RuleFault> {
        let known = self.vendors.iter().chain(&self.products).flat_map(Known::failures);
        let routes = self.routes.iter();
        let failed = routes.flat_map(|route| route.tests.iter().filter_map(|test| test.failure(route, calendar)));
        known.chain(failed).collect()
    }

    /// Every engineer whom a group names and who is not among these.
    pub fn strangers(&self, engineers: &[Engineer]) -> Vec<RuleFault> {
        let is_known = |id: &String| id == EVERYBODY || engineers.iter().any(|engineer| engineer.id == *id);
        let named = self.groups.iter().flat_map(|group| group.engineers.iter().map(move |id| (group, id)));
        let strangers = named.filter(|(_, id)| !is_known(id));
        strangers
            .map(|(group, id)| {
                file::fault(&group.id, format!("names the engineer `{id}`, whom the configuration does not have"))
            })
            .collect()
    }

    /// The vendors and products that these texts and serial numbers speak of.
    pub fn traits<'t>(&self, texts: impl IntoIterator<Item = &'t str>, serials: &[String]) -> Traits {
        let spoken = phrase::words(texts);
        let of = |known: &[Known]| -> BTreeSet<String> {
            let found =
                known.iter().filter(|known| known.is_in(&spoken) || serials.iter().any(|serial| known.makes(serial)));
            found.map(|known| known.id.clone()).collect()
        };
        Traits { vendors: of(&self.vendors), products: of(&self.products), ..Traits::default() }
    }

    /// Where a ticket with these traits goes at this moment. A group in which nobody is active
    /// counts for none, and where the default has nobody either, everybody is told: a ticket never
    /// goes to nobody.
    pub fn destination<'a>(
        &'a self,
        traits: &Traits,
        at: Timestamp,
        calendar: &Calendar,
        engineers: &'a [Engineer],
    ) -> Destination<'a> {
        let active = || engineers.iter().filter(|engineer| engineer.active);
        let members = |id: &str| -> Vec<&'a Engineer> {
            let Some(group) = self.groups.iter().find(|group| group.id == id) else { return Vec::new() };
            let named: Vec<&Engineer> = match group.engineers.iter().any(|id| id == EVERYBODY) {
                true => active().collect(),
                false => group.engineers.iter().filter_map(|id| active().find(|engineer| engineer.id == *id)).collect(),
            };
            match group.turns {
                Some(turns) => turns.of(&named, calendar.date(at)).into_iter().collect(),
                None => named,
            }
        };
        let routes = self.routes.iter().filter(|route| route.fits(traits, at, calendar));
        let routes = routes.map(|route| (Some(route.id.as_str()), route.group.as_str()));
        let choices = routes.chain([(None, self.default.as_str())]);
        let manned =
            choices.map(|(route, group)| (route, group, members(group))).find(|(.., members)| !members.is_empty());
        let (route, group, engineers) = manned.unwrap_or_else(|| (None, EVERYBODY, active().collect()));
        Destination { route, group, engineers }
    }
}

impl Turns {
    /// Whose turn it is on this day; before the first day it is the first one's.
    fn of<'a>(&self, engineers: &[&'a Engineer], day: Date) -> Option<&'a Engineer> {
        let passed = i64::from((day - self.begins).get_days()).max(0);
        let turn = passed / i64::from(self.days.max(1));
        let count = i64::try_from(engineers.len()).ok().filter(|count| *count > 0)?;
        engineers.get(usize::try_from(turn % count).ok()?).copied()
    }
}

impl Route {
    fn fits(&self, traits: &Traits, at: Timestamp, calendar: &Calendar) -> bool {
        fn one_of<T: PartialEq>(wanted: &[T], is: Option<&T>) -> bool {
            wanted.is_empty() || is.is_some_and(|is| wanted.contains(is))
        }
        let any_of =
            |wanted: &[String], are: &BTreeSet<String>| wanted.is_empty() || wanted.iter().any(|id| are.contains(id));
        let second = jiff::SignedDuration::from_secs(1);
        let is_open = |window: &WindowName| {
            let next = at.checked_add(second).unwrap_or(at);
            calendar.elapsed(at, next, window) > jiff::SignedDuration::ZERO
        };
        any_of(&self.vendors, &traits.vendors)
            && any_of(&self.products, &traits.products)
            && one_of(&self.plans, traits.plan.as_ref())
            && one_of(&self.windows, traits.window.as_ref())
            && one_of(&self.languages, traits.language.as_ref())
            && self.hours.as_ref().is_none_or(|(window, within)| is_open(window) == *within)
    }
}

#[cfg(test)]
mod tests;

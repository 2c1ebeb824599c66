//! `routing.toml` as it is written.

use jiff::civil::{Date, DateTime};
use regex::bytes::Regex;
use serde::Deserialize;

use super::phrase::{self, Phrase};
use super::{EVERYBODY, Group, Route, Routing, Traits, Turns};
use crate::desk::calendar::{Calendar, WindowName};
use crate::desk::language::Language;
use crate::desk::rules::pattern::{self, Tests};
use crate::desk::rules::{RuleFault, Sources};

const FILE: &str = "routing.toml";

/// The file, read.
pub(super) struct Written {
    pub(super) routing: Routing,
}

/// A vendor or a kind of product.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) id: String,
    phrases: Vec<Phrase>,
    serials: Option<Regex>,
    tests: Tests,
}

/// A ticket, and whether its route fits.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Test {
    at: String,
    vendor: Option<String>,
    product: Option<String>,
    plan: Option<String>,
    window: Option<String>,
    language: Option<String>,
    fits: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    default: String,
    #[serde(default)]
    group: Vec<GroupFile>,
    #[serde(default)]
    route: Vec<RouteFile>,
    #[serde(default)]
    vendor: Vec<KnownFile>,
    #[serde(default)]
    product: Vec<KnownFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupFile {
    id: String,
    engineers: Vec<String>,
    turns: Option<TurnsFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TurnsFile {
    begins: toml::value::Datetime,
    days: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteFile {
    id: String,
    #[allow(dead_code, reason = "for the people who edit the file")]
    why: String,
    group: String,
    #[serde(default)]
    vendor: Vec<String>,
    #[serde(default)]
    product: Vec<String>,
    #[serde(default)]
    plan: Vec<String>,
    #[serde(default)]
    window: Vec<String>,
    #[serde(default)]
    language: Vec<String>,
    within: Option<String>,
    outside: Option<String>,
    #[serde(default)]
    test: Vec<Test>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownFile {
    id: String,
    #[serde(default)]
    words: Vec<String>,
    serials: Option<String>,
    #[serde(default)]
    test: Tests,
}

/// A fault of this file.
pub(super) fn fault(id: &str, message: impl Into<String>) -> RuleFault {
    RuleFault { file: FILE.to_string(), rule: Some(id.to_string()), message: message.into() }
}

impl Written {
    /// Reads the file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(super) fn read(sources: &Sources, calendar: &Calendar) -> Result<Written, Vec<RuleFault>> {
        let file: File = sources.parse(FILE).map_err(|fault| vec![fault])?;
        let mut faults = Vec::new();
        let vendors = gather(&mut faults, file.vendor, Known::read);
        let products = gather(&mut faults, file.product, Known::read);
        let groups = gather(&mut faults, file.group, Group::read);
        let is_group = |id: &str| groups.iter().any(|group: &Group| group.id == id);
        let mut routes = Vec::new();
        for written in file.route {
            let named = |known: &[Known], ids: &[String]| {
                ids.iter().find(|id| !known.iter().any(|known| known.id == **id)).cloned()
            };
            if !is_group(&written.group) {
                faults.push(fault(&written.id, format!("goes to `{}`, which is no group of this file", written.group)));
            }
            let strangers =
                [("vendor", named(&vendors, &written.vendor)), ("product", named(&products, &written.product))];
            for (kind, id) in strangers.into_iter().filter_map(|(kind, id)| Some((kind, id?))) {
                faults.push(fault(&written.id, format!("names the {kind} `{id}`, which this file does not have")));
            }
            match Route::read(written, calendar) {
                Ok(route) => routes.push(route),
                Err(more) => faults.extend(more),
            }
        }
        if !is_group(&file.default) {
            faults.push(fault("default", format!("`{}` is no group of this file", file.default)));
        }
        let routing = Routing { default: file.default, groups, routes, vendors, products };
        if faults.is_empty() { Ok(Written { routing }) } else { Err(faults) }
    }
}

fn gather<F, T>(faults: &mut Vec<RuleFault>, written: Vec<F>, read: fn(F) -> Result<T, RuleFault>) -> Vec<T> {
    let mut all = Vec::new();
    for one in written {
        match read(one) {
            Ok(one) => all.push(one),
            Err(fault) => faults.push(fault),
        }
    }
    all
}

impl Group {
    fn read(written: GroupFile) -> Result<Group, RuleFault> {
        let GroupFile { id, engineers, turns } = written;
        if engineers.is_empty() {
            return Err(fault(&id, format!("has nobody; name engineers, or \"{EVERYBODY}\" for every one")));
        }
        let turns = match turns {
            Some(TurnsFile { days: 0, .. }) => return Err(fault(&id, "has turns of no days; write 1 or more")),
            Some(TurnsFile { begins, days }) => {
                let begins = begins.to_string().parse::<Date>();
                Some(Turns {
                    begins: begins.map_err(|_| fault(&id, "needs a day, such as 2026-11-23, as `begins`"))?,
                    days,
                })
            }
            None => None,
        };
        Ok(Group { id, engineers, turns })
    }
}

impl Route {
    fn read(written: RouteFile, calendar: &Calendar) -> Result<Route, Vec<RuleFault>> {
        let mut faults = Vec::new();
        let mut window = |name: &String| {
            let window = WindowName::new(name.clone());
            if !calendar.serves(&window) {
                faults.push(fault(&written.id, format!("names the window `{name}`, which windows.toml does not have")));
            }
            window
        };
        let windows = written.window.iter().map(&mut window).collect();
        let hours = match (&written.within, &written.outside) {
            (Some(_), Some(_)) => {
                faults.push(fault(&written.id, "takes either `within` or `outside`"));
                None
            }
            (Some(name), None) => Some((window(name), true)),
            (None, Some(name)) => Some((window(name), false)),
            (None, None) => None,
        };
        let languages = written.language.iter().filter_map(|name| {
            let language = language(name);
            if language.is_none() {
                faults.push(fault(&written.id, format!("`{name}` is no language; write \"pl\" or \"en\"")));
            }
            language
        });
        let languages = languages.collect();
        if !faults.is_empty() {
            return Err(faults);
        }
        let RouteFile { id, group, vendor, product, plan, test, .. } = written;
        Ok(Route { id, group, vendors: vendor, products: product, plans: plan, windows, languages, hours, tests: test })
    }
}

impl Known {
    fn read(written: KnownFile) -> Result<Known, RuleFault> {
        let KnownFile { id, words, serials, test } = written;
        let phrases = words.iter().map(|words| Phrase::read(words, |message| fault(&id, message)));
        let phrases = phrases.collect::<Result<Vec<_>, _>>()?;
        let serials = serials.map(|pattern| pattern::compile(FILE, &id, &pattern)).transpose()?;
        if phrases.is_empty() && serials.is_none() {
            return Err(fault(&id, "is known by nothing; write `words` or `serials`"));
        }
        Ok(Known { id, phrases, serials, tests: test })
    }

    /// Whether these words speak of it.
    pub(super) fn is_in(&self, words: &[String]) -> bool {
        self.phrases.iter().any(|phrase| phrase.is_in(words))
    }

    /// Whether this is a serial number of its.
    pub(super) fn makes(&self, serial: &str) -> bool {
        self.serials.as_ref().is_some_and(|pattern| pattern.is_match(serial.to_ascii_lowercase().as_bytes()))
    }

    pub(super) fn failures(&self) -> Vec<RuleFault> {
        pattern::test(FILE, &self.id, &self.tests, |text| self.makes(text) || self.is_in(&phrase::words([text])))
    }
}

impl Test {
    pub(super) fn failure(&self, route: &Route, calendar: &Calendar) -> Option<RuleFault> {
        let local: Result<DateTime, _> = self.at.replace(' ', "T").parse();
        let at = local.ok().and_then(|local| calendar.instant(local));
        let Some(at) = at else { return Some(fault(&route.id, format!("`{}` is no local time", self.at))) };
        let traits = Traits {
            vendors: self.vendor.iter().cloned().collect(),
            products: self.product.iter().cloned().collect(),
            plan: self.plan.clone(),
            window: self.window.clone().map(WindowName::new),
            language: self.language.as_deref().and_then(language),
        };
        let wrong = route.fits(&traits, at, calendar) != self.fits;
        let said = if self.fits { "does not fit" } else { "fits" };
        wrong.then(|| fault(&route.id, format!("{said} its own test at {}", self.at)))
    }
}

fn language(name: &str) -> Option<Language> {
    match name {
        "pl" => Some(Language::Polish),
        "en" => Some(Language::English),
        _ => None,
    }
}

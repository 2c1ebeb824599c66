//! Reads who the desk is and who answers.

use std::collections::BTreeSet;

use super::section::Section;
use super::value;
use crate::desk::engineer::Engineer;
use crate::desk::site::Identity;
use crate::desk::token::{LONGEST_LOCAL_PART, TOKEN_WITHOUT_PERSON};

/// The longest id of an engineer: it stands in every reply address. Characters.
const LONGEST_ENGINEER_ID: usize = 12;

/// Reads `[desk]`: who the desk is, and the address of the second level.
pub(super) fn desk(section: Section<'_>) -> (Option<Identity>, Option<String>) {
    let second_level = section.optional("second_level_address", value::address);
    let identity = identity(section, second_level.as_deref());
    (identity, second_level)
}

fn identity(section: Section<'_>, second_level: Option<&str>) -> Option<Identity> {
    let name = section.required("name", "\"Service Desk\"", value::text);
    let address = section.required("address", "\"desk@desk.example\"", value::address);
    let aliases = section.list("aliases", value::address).unwrap_or_default();
    let escalation = section.required("escalation_address", "\"escalation@desk.example\"", value::address);
    let phone = section.required("phone", "\"12 345 67 89\"", value::text);
    let escalation_phone = section.required("escalation_phone", "\"12 345 67 80\"", value::text);
    let portal = section.required("portal", "\"portal.desk.example\"", value::text);
    check_addresses(&section, address.as_deref(), &aliases, escalation.as_deref());
    check_second_level(&section, address.as_deref(), &aliases, escalation.as_deref(), second_level);
    section.finish();
    let (name, address, escalation_address) = (name?, address?, escalation?);
    Some(Identity {
        name,
        address,
        aliases,
        escalation_address,
        phone: phone?,
        escalation_phone: escalation_phone?,
        portal: portal?,
    })
}

fn check_addresses(section: &Section<'_>, address: Option<&str>, aliases: &[String], escalation: Option<&str>) {
    if address.is_some_and(|address| address.contains('+')) {
        section.fault("address", "holds a +, which is kept for reply addresses; write the address without it");
    }
    let mut known = BTreeSet::from_iter(address);
    for alias in aliases {
        if !known.insert(alias) {
            section.fault("aliases", format!("names {alias} twice, or again besides address; take one out"));
        }
    }
    if escalation.is_some_and(|escalation| known.contains(without_detail(escalation).as_str())) {
        let message = "is an address of the desk itself, so that escalated tickets would come back as new ones; write \
                       another";
        section.fault("escalation_address", message);
    }
}

fn check_second_level(
    section: &Section<'_>,
    address: Option<&str>,
    aliases: &[String],
    escalation: Option<&str>,
    second_level: Option<&str>,
) {
    let Some(second_level) = second_level else { return };
    let bare = without_detail(second_level);
    if address == Some(bare.as_str()) || aliases.contains(&bare) {
        let message = "is an address of the desk itself, so that escalated tickets would come back as new ones; write \
                       another";
        section.fault("second_level_address", message);
    }
    if escalation == Some(second_level) {
        section
            .fault("second_level_address", "is where nobody has taken the ticket over; write another, or leave it out");
    }
}

/// Reads every `[[engineer]]`. `desk` is `None` where it has faults of its own.
pub(super) fn engineers(sections: Vec<Section<'_>>, desk: Option<&Identity>) -> Option<Vec<Engineer>> {
    let (mut ids, mut addresses) = (BTreeSet::new(), BTreeSet::new());
    let mut somebody = false;
    let mut read_one = |section: Section<'_>, is_last: bool| {
        let id = section.required("id", "\"ak\"", |value| engineer_id(value::string(value, "an id in quotes")?));
        let name = section.required("name", "\"Anna Kowalska\"", value::text);
        let address = section.required("address", "\"anna@desk.example\"", value::address);
        let active = section.optional("active", value::yes_or_no).unwrap_or(true);
        somebody |= active;
        if is_last && !somebody {
            section.fault("active", "leaves nobody who answers; write true for at least one engineer");
        }
        if id.as_ref().is_some_and(|id| !ids.insert(id.clone())) {
            section.fault("id", "is the id of an earlier engineer; write another");
        }
        if address.as_ref().is_some_and(|address| !addresses.insert(address.clone())) {
            section.fault("address", "is the address of an earlier engineer; write another");
        }
        if let Some(desk) = desk {
            check_against_desk(&section, desk, id.as_deref(), address.as_deref());
        }
        section.finish();
        Some(Engineer { id: id?, name: name?, address: address?, active })
    };
    let last = sections.len().saturating_sub(1);
    let read = sections.into_iter().enumerate().map(|(index, section)| read_one(section, index == last));
    let engineers: Vec<Option<Engineer>> = read.collect();
    engineers.into_iter().collect()
}

fn check_against_desk(section: &Section<'_>, desk: &Identity, id: Option<&str>, address: Option<&str>) {
    if address.is_some_and(|address| is_own(address, desk)) {
        section.fault("address", "is an address of the desk itself; write the engineer's own");
    }
    let local = desk.address.rsplit_once('@').map_or(0, |(local, _)| local.len());
    let room = LONGEST_LOCAL_PART.saturating_sub(TOKEN_WITHOUT_PERSON + local);
    if id.is_some_and(|id| id.len() > room) {
        section.fault(
            "id",
            format!("leaves no room for a reply address at desk.address; write at most {room} characters"),
        );
    }
}

fn engineer_id(id: &str) -> Result<String, String> {
    let fits = (1..=LONGEST_ENGINEER_ID).contains(&id.len());
    if fits && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
        return Ok(id.to_string());
    }
    Err(format!("is no id; write 1 to {LONGEST_ENGINEER_ID} small letters a-z and digits"))
}

/// The address under which a server delivers `name+detail@domain` (RFC 5233).
/// Whether an address is one of the desk's own, with or without a detail behind `+`.
pub(super) fn is_own(address: &str, desk: &Identity) -> bool {
    let plain = without_detail(address);
    plain == desk.address || desk.aliases.contains(&plain)
}

fn without_detail(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{}@{domain}", local.split_once('+').map_or(local, |(name, _)| name)),
        None => address.to_string(),
    }
}

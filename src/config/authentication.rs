//! Reads what counts as proof of a sender.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use toml::de::DeValue;

use super::section::Section;
use super::value;
use crate::desk::trust::{Authentication, Border, Internal, Stamps};

/// Where the proof comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Header,
    Verify,
    Both,
    None,
}

/// The keys that only make sense where the border host's results are read.
const BORDER_KEYS: &[&str] = &["authserv_id", "border_hosts", "inner_hosts", "stamps", "internal"];

/// The port of name servers (RFC 1035 section 4.2).
const DNS_PORT: u16 = 53;

/// Reads `[authentication]`, and which name servers are asked; where there is none, nothing counts as
/// proven. `desk_domain` is the domain of the site's own senders where nothing else is written.
pub(super) fn authentication(
    section: Option<Section<'_>>,
    desk_domain: &str,
) -> Option<(Authentication, Vec<SocketAddr>)> {
    let Some(section) = section else { return Some(Default::default()) };
    let methods =
        [("header", Method::Header), ("verify", Method::Verify), ("both", Method::Both), ("none", Method::None)];
    let method = section.required("method", "\"header\"", value::choice(&methods));
    let reads = matches!(method, Some(Method::Header | Method::Both));
    let border = reads.then(|| border(&section));
    let internal = section.section("internal").map(|internal_section| internal(internal_section, desk_domain));
    let dkim_suffices = section.optional("dkim_suffices", value::yes_or_no).unwrap_or(false);
    let accept = section.optional("accept_unauthenticated_engineers", value::yes_or_no).unwrap_or(false);
    if matches!(method, Some(Method::Verify | Method::None)) {
        section.refuse(
            BORDER_KEYS,
            "needs the border host's results; write method = \"header\" or \"both\", or take it out",
        );
    }
    if accept && method.is_some_and(|method| method != Method::None) {
        let message = "contradicts method, by which engineers can be proven; take it out";
        section.fault("accept_unauthenticated_engineers", message);
    }
    let verifies = matches!(method, Some(Method::Verify | Method::Both));
    let trusted_sealers = verifies.then(|| section.list("trusted_sealers", domain)).flatten().unwrap_or_default();
    let resolvers = verifies.then(|| section.list("resolvers", resolver)).flatten().unwrap_or_default();
    if !verifies {
        let keys = ["trusted_sealers", "resolvers"];
        section.refuse(&keys, "needs own verification; write method = \"verify\" or \"both\", or take it out");
    }
    section.finish();
    let authentication = Authentication {
        border: border.map_or(Some(None), |border| border.map(Some))?,
        verify: method.map(|_| verifies)?,
        dkim_suffices,
        trusted_sealers,
        internal: internal.map_or(Some(Internal::default()), |internal| internal)?,
        accept_unauthenticated_engineers: accept,
    };
    Some((authentication, resolvers))
}

fn border(section: &Section<'_>) -> Option<Border> {
    let authserv_id = section.required("authserv_id", "\"mx.desk.example\"", value::text);
    let hosts = section.list("border_hosts", host_or_suffix);
    if hosts.as_ref().is_none_or(Vec::is_empty) {
        let message = "is missing or empty; write border_hosts = [\"mx.desk.example\"], as it stands in Received";
        section.fault("border_hosts", message);
    }
    let inner_hosts = section.list("inner_hosts", host_or_suffix).unwrap_or_default();
    let places = [("above", Stamps::Above), ("below", Stamps::Below)];
    let stamps = section.optional("stamps", value::choice(&places)).unwrap_or(Stamps::Above);
    let authserv_id = authserv_id?.to_lowercase();
    let authserv_id = Some(authserv_id).filter(|id| id != "none");
    if authserv_id.is_none() && stamps == Stamps::Below {
        let message = "cannot be \"below\" without an authserv_id: nobody could tell the border host's results from a \
                       sender's";
        section.fault("stamps", message);
    }
    Some(Border { hosts: hosts?, inner_hosts, authserv_id, stamps })
}

/// Reads `[authentication.internal]`.
fn internal(section: Section<'_>, desk_domain: &str) -> Option<Internal> {
    let domains = section.list("domains", domain).unwrap_or_else(|| vec![desk_domain.to_string()]);
    let submission = section.optional("submission", value::yes_or_no).unwrap_or(false);
    let networks = section.list("networks", network).unwrap_or_default();
    let header = section.optional("header", header);
    if section.has("header") && header.is_none() {
        return None;
    }
    section.finish();
    Some(Internal { domains, submission, networks, header })
}

/// A host name, or `.desk.example` for every host below it.
fn host_or_suffix(value: &DeValue<'_>) -> Result<String, String> {
    let text = value::string(value, "a host name in quotes")?;
    let bare = text.strip_prefix('.').unwrap_or(text);
    let fits = !bare.is_empty()
        && bare.split('.').all(|label| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        });
    if !fits || (text.starts_with('.') && !bare.contains('.')) {
        return Err("is not a host name; write one such as \"mx.desk.example\", or \".desk.example\" for every host \
                    below it"
            .to_string());
    }
    Ok(text.to_ascii_lowercase())
}

fn domain(value: &DeValue<'_>) -> Result<String, String> {
    match host_or_suffix(value) {
        Ok(domain) if !domain.starts_with('.') && domain.contains('.') => Ok(domain),
        _ => Err("is not a domain; write one such as \"desk.example\"".to_string()),
    }
}

fn network(value: &DeValue<'_>) -> Result<IpNet, String> {
    let text = value::string(value, "a network in quotes")?;
    let network: Option<IpNet> = text.parse().ok();
    let network = network.ok_or("is not a network; write one such as \"10.0.0.0/8\" or \"2001:db8::/32\"")?;
    if network.prefix_len() == 0 {
        return Err("is the whole Internet; write the site's own network".to_string());
    }
    Ok(network)
}

/// A name server, `192.0.2.53` or `127.0.0.1:5353`.
fn resolver(value: &DeValue<'_>) -> Result<SocketAddr, String> {
    let text = value::string(value, "an address in quotes")?;
    let with_port = text.parse::<SocketAddr>().ok();
    let address = with_port.or_else(|| text.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, DNS_PORT)));
    address.ok_or_else(|| "is not the address of a name server; write one such as \"192.0.2.53\"".to_string())
}

/// `{ name = "X-Internal", value = "yes" }`.
fn header(value: &DeValue<'_>) -> Result<(String, String), String> {
    let wrong = || "is no such thing; write { name = \"X-Internal\", value = \"yes\" }".to_string();
    let table = value.as_table().ok_or_else(wrong)?;
    let keys: BTreeSet<&str> = table.keys().map(|key| key.get_ref().as_ref()).collect();
    if keys != BTreeSet::from(["name", "value"]) {
        return Err(wrong());
    }
    let entry = |key: &str| table.get(key).ok_or_else(wrong).and_then(|value| value::text(value.get_ref()));
    let (name, value) = (entry("name")?, entry("value")?);
    // RFC 5322 section 2.2: printable ASCII without the colon.
    if !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':') {
        return Err("has a name that no header field can have".to_string());
    }
    Ok((name, value))
}

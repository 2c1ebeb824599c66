//! What is proven of a sender: from the results that the border host wrote, and from what the
//! program verified itself.

use std::fmt;

use super::received::{self, Hop, Received};
use super::results::{self, MethodResult};
use super::settings::{Authentication, Border, Internal, Stamps};
use crate::desk::message::{Header, Message};

/// What was proven of the address in `From`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Proof {
    /// The mail is from there.
    Proven {
        /// By what.
        by: Means,
    },
    /// Nobody knows.
    Unproven {
        /// The reason's id.
        why: &'static str,
    },
    /// The domain of the address says that the mail is not from there.
    Refuted {
        /// Whether the domain also asks that such mail be refused (DMARC `p=reject`).
        reject: bool,
    },
}

/// What a proof rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Means {
    /// The border host's `dmarc=pass`.
    Dmarc,
    /// The border host's `dkim=pass` for the sender's domain.
    Dkim,
    /// The border host's `auth=pass`: the sender signed in as this very address.
    SignIn,
    /// The sender signed in at the border host, which lets each write only under own addresses.
    Submission,
    /// The mail came from a network of the site's own.
    Network,
    /// The border host's mark of internal mail.
    InternalMark,
    /// DMARC, verified by the program.
    VerifiedDmarc,
    /// A signature of the sender's domain, verified by the program.
    VerifiedDkim,
    /// A trusted host in between found DMARC to pass, and sealed that.
    Sealed,
}

/// What the program itself found out, over the network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// The addresses of `From` as the verifier reads them, in small letters.
    pub authors: Vec<String>,
    /// Whether DMARC passes by a signature.
    pub dmarc: Dmarc,
    /// The domains of the signatures that hold.
    pub signers: Vec<String>,
    /// The newest of the seals of a chain that holds.
    pub sealed: Option<Sealed>,
}

/// The verdict of a DMARC evaluation by signatures alone. Where none is aligned the mail may still
/// have passed by its path (SPF), which only the border host saw: so this never refutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dmarc {
    /// The domain has no policy.
    #[default]
    None,
    /// An aligned signature holds.
    Pass,
    /// None does.
    NotAligned,
    /// A name server did not answer.
    Temporary,
}

/// A seal (RFC 8617).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The domain that sealed.
    pub sealer: String,
    /// Its `ARC-Authentication-Results`, without the instance.
    pub results: String,
}

/// Names of the ways of proof, as they are stored and shown.
const MEANS: [(Means, &str); 9] = [
    (Means::Dmarc, "dmarc"),
    (Means::Dkim, "dkim"),
    (Means::SignIn, "sign-in"),
    (Means::Submission, "submission"),
    (Means::Network, "network"),
    (Means::InternalMark, "internal-mark"),
    (Means::VerifiedDmarc, "verified-dmarc"),
    (Means::VerifiedDkim, "verified-dkim"),
    (Means::Sealed, "sealed"),
];

impl Proof {
    /// True where the mail is proven to be from the address.
    pub fn is_proven(&self) -> bool {
        matches!(self, Proof::Proven { .. })
    }
}

impl fmt::Display for Proof {
    /// The verdict and its reason, for the journal and for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Proof::Proven { by } => {
                let name = MEANS.iter().find(|(means, _)| means == by).map_or("", |(_, name)| name);
                write!(f, "proven: {name}")
            }
            Proof::Unproven { why } => write!(f, "unproven: {why}"),
            Proof::Refuted { reject: true } => f.write_str("refuted: dmarc, policy reject"),
            Proof::Refuted { reject: false } => f.write_str("refuted: dmarc"),
        }
    }
}

const fn proven(by: Means) -> Proof {
    Proof::Proven { by }
}

const fn unproven(why: &'static str) -> Proof {
    Proof::Unproven { why }
}

/// What is proven of the mail's sender. Where the border host and the program both looked, the proof
/// of either will do, and only the border host can refute.
pub(super) fn prove(message: &Message, verification: Option<&Verification>, settings: &Authentication) -> Proof {
    if !settings.is_configured() {
        return unproven("nothing-configured");
    }
    let Some(author) = Author::of(message) else { return unproven("not-one-sender") };
    let stamped = settings.border.as_ref().map(|border| by_border(message, &author, border, settings));
    let verified = settings.verify.then(|| by_program(verification, &author, settings));
    match (stamped, verified) {
        (Some(stamped), Some(verified)) if !stamped.is_proven() => match (&stamped, &verified) {
            (_, Proof::Proven { .. }) => verified,
            (Proof::Refuted { .. }, _) => stamped,
            _ => verified,
        },
        (Some(proof), _) | (None, Some(proof)) => proof,
        (None, None) => unproven("nothing-configured"),
    }
}

/// Whom `From` names, where it names one.
struct Author<'a> {
    address: &'a str,
    domain: String,
}

impl<'a> Author<'a> {
    /// `None` where there are several fields or addresses, or one in which different programs see
    /// different domains.
    fn of(message: &'a Message) -> Option<Author<'a>> {
        let fields = message.headers.iter().filter(|header| header.is("From")).count();
        let [author] = message.authors.as_slice() else { return None };
        let (local, domain) = author.address.split_once('@')?;
        let plain = |part: &str| {
            !part.is_empty() && !part.contains(['@', '"', '(', ')', '<', '>', '[', ']', '\\', ',', ';', ':'])
        };
        let plain = fields == 1 && plain(local) && plain(domain) && !author.address.contains(char::is_whitespace);
        plain.then(|| Author { address: &author.address, domain: ascii(domain) })
    }

    fn has_domain(&self, domain: &str) -> bool {
        ascii(domain) == self.domain
    }

    /// A signature counts for its own domain and for the hosts below it. The other way round, which
    /// DMARC allows, needs a list of the domains under which anybody may register.
    fn is_signed_by(&self, signer: &str) -> bool {
        let signer = ascii(signer);
        let above = self.domain.strip_suffix(&signer).is_some_and(|host| host.ends_with('.'));
        signer == self.domain || (above && signer.contains('.'))
    }
}

/// A domain in the form in which domains are compared.
fn ascii(domain: &str) -> String {
    let domain = domain.trim_end_matches('.');
    idna::domain_to_ascii(domain).unwrap_or_else(|_| domain.to_lowercase())
}

/// What the border host found, as far as it is certain that the border host wrote it.
fn by_border(message: &Message, author: &Author, border: &Border, settings: &Authentication) -> Proof {
    let (place, hop) = match border_hop(message, border) {
        Ok(found) => found,
        Err(why) => return unproven(why),
    };
    let results = stamped(message, place, border);
    let found = judge(&results, author, settings.dkim_suffices);
    match (internal(message, &hop, &results, author, &settings.internal), found) {
        (_, Proof::Proven { by }) | (Some(by), _) => proven(by),
        (None, Proof::Unproven { .. }) if results.is_empty() => unproven("no-results-of-the-border-host"),
        (None, found) => found,
    }
}

/// The field by which the mail came in from outside: the topmost of the border host that is no
/// change of programs within it. Everything below is the sender's. Above it only hosts that are
/// known to stand behind the border host may have written; a line of any other ends the search,
/// since a sender can write as many lines as it likes.
fn border_hop(message: &Message, border: &Border) -> Result<(usize, Hop), &'static str> {
    let fields = message.headers.iter().enumerate().filter(|(_, header)| header.is("Received"));
    for (place, header) in fields {
        match received::read(header.undecoded()) {
            Received::Remark => {}
            Received::Unclear => return Err("received-line-unclear"),
            Received::Hop(hop) if hop.is_local() => {}
            Received::Hop(hop) if border.is_host(&hop.by) => return Ok((place, hop)),
            Received::Hop(hop) if border.is_inner(&hop.by) => {}
            Received::Hop(_) => return Err("received-by-an-unknown-host"),
        }
    }
    Err("no-line-of-the-border-host")
}

/// The results that the border host wrote. `place` is that of its `Received`.
fn stamped(message: &Message, place: usize, border: &Border) -> Vec<MethodResult> {
    let above = message.headers.iter().take(place);
    let below = message.headers.iter().skip(place + 1).take_while(|header| is_stamp(header));
    let below = below.take(if border.stamps == Stamps::Below { usize::MAX } else { 0 });
    let fields = above.chain(below).filter(|header| header.is("Authentication-Results"));
    let read = fields.filter_map(|header| results::read(header.undecoded()));
    read.filter(|read| read.authserv_id == border.authserv_id).flat_map(|read| read.results).collect()
}

/// Fields that filters write together with their results.
fn is_stamp(header: &Header) -> bool {
    let names = ["Authentication-Results", "Received-SPF", "DKIM-Filter", "ARC-Authentication-Results"];
    names.iter().any(|name| header.is(name))
}

/// What these results prove.
fn judge(results: &[MethodResult], author: &Author, dkim_suffices: bool) -> Proof {
    let (mut passes, mut fails, mut reject, mut temporary) = (false, false, false, false);
    for one in results.iter().filter(|one| one.method == "dmarc") {
        let from = one.property("header.from").map(|from| from.rsplit_once('@').map_or(from, |(_, domain)| domain));
        let about_author = from.is_some_and(|from| author.has_domain(from));
        match one.result.as_str() {
            "pass" => passes |= about_author,
            "fail" if about_author || from.is_none() => {
                fails = true;
                reject |= asks_to_reject(one);
            }
            "temperror" => temporary = true,
            _ => {}
        }
    }
    let signed = |one: &MethodResult| {
        let signer = one.property("header.d");
        one.method == "dkim" && one.result == "pass" && signer.is_some_and(|signer| author.is_signed_by(signer))
    };
    match (passes, fails) {
        (true, true) => unproven("results-contradict-each-other"),
        (true, false) => proven(Means::Dmarc),
        (false, true) => Proof::Refuted { reject },
        (false, false) if dkim_suffices && results.iter().any(signed) => proven(Means::Dkim),
        (false, false) if temporary => unproven("temporary-error"),
        (false, false) => unproven("no-pass-for-the-sender"),
    }
}

/// The domain's policy, which hosts write in a comment (`p=REJECT`), as a property
/// (`policy.dmarc=reject`), or as what they did (`action=oreject`).
fn asks_to_reject(dmarc: &MethodResult) -> bool {
    let in_comment = dmarc.comment.split(|c: char| !c.is_alphanumeric() && c != '=').any(|word| word == "p=reject");
    let says = |name: &str, value: &str| dmarc.property(name).is_some_and(|found| found.eq_ignore_ascii_case(value));
    in_comment || says("policy.dmarc", "reject") || says("action", "oreject") || says("action", "reject")
}

/// What else is proof of the site's own senders.
fn internal(
    message: &Message,
    hop: &Hop,
    results: &[MethodResult],
    author: &Author,
    internal: &Internal,
) -> Option<Means> {
    if !internal.domains.iter().any(|domain| author.has_domain(domain)) {
        return None;
    }
    let signed_in = |one: &MethodResult| {
        let user = one.property("smtp.auth");
        one.method == "auth"
            && one.result == "pass"
            && user.is_some_and(|user| user.eq_ignore_ascii_case(author.address))
    };
    let in_networks = |ip| internal.networks.iter().any(|network| network.contains(&ip));
    let marked = |(name, value): &(String, String)| {
        let mut fields = message.headers.iter().filter(|header| header.is(name));
        let only = fields.next().filter(|_| fields.next().is_none());
        only.is_some_and(|header| header.undecoded().trim().eq_ignore_ascii_case(value))
    };
    if results.iter().any(signed_in) {
        Some(Means::SignIn)
    } else if internal.submission && hop.is_submission() {
        Some(Means::Submission)
    } else if hop.all_peers(in_networks) {
        Some(Means::Network)
    } else {
        internal.header.as_ref().is_some_and(marked).then_some(Means::InternalMark)
    }
}

/// What the program itself verified.
fn by_program(verification: Option<&Verification>, author: &Author, settings: &Authentication) -> Proof {
    let Some(verification) = verification else { return unproven("not-verified") };
    if verification.authors != [author.address] {
        return unproven("sender-is-read-differently");
    }
    if verification.dmarc == Dmarc::Pass {
        return proven(Means::VerifiedDmarc);
    }
    if settings.dkim_suffices && verification.signers.iter().any(|signer| author.is_signed_by(signer)) {
        return proven(Means::VerifiedDkim);
    }
    let sealed = verification.sealed.as_ref();
    let trusted =
        sealed.filter(|sealed| settings.trusted_sealers.iter().any(|domain| *domain == ascii(&sealed.sealer)));
    let attested = trusted.and_then(|sealed| results::read(&sealed.results));
    if attested.is_some_and(|read| judge(&read.results, author, settings.dkim_suffices).is_proven()) {
        return proven(Means::Sealed);
    }
    unproven(match verification.dmarc {
        Dmarc::Temporary => "name-server-did-not-answer",
        Dmarc::NotAligned => "no-aligned-signature",
        Dmarc::None | Dmarc::Pass => "no-policy-and-no-signature-that-suffices",
    })
}

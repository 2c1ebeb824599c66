//! What a site has settled about the proof of senders.

use ipnet::IpNet;

/// What counts as proof. With neither a border host nor own verification nothing does.
#[derive(Clone, Debug, Default)]
pub struct Authentication {
    /// The site's border host, whose results are read.
    pub border: Option<Border>,
    /// Whether the program verifies signatures and policies itself.
    pub verify: bool,
    /// Whether a signature of the sender's own domain is proof, without a DMARC policy.
    pub dkim_suffices: bool,
    /// Hosts in between (a forwarder, a mailing list) whose word about what they received counts
    /// (ARC, RFC 8617): the domains that seal, in small letters.
    pub trusted_sealers: Vec<String>,
    /// What else is proof of senders of the site itself.
    pub internal: Internal,
    /// Whether an engineer's token and address alone are enough, on a site that has no proof at all.
    pub accept_unauthenticated_engineers: bool,
}

/// The host through which mail comes in from outside.
#[derive(Clone, Debug)]
pub struct Border {
    /// Its names in `Received: … by`, in small letters; one that begins with a dot stands for every
    /// host below it.
    pub hosts: Vec<String>,
    /// The names of the hosts behind it, through which a mail goes on to its mailbox, likewise.
    pub inner_hosts: Vec<String>,
    /// The authserv-id (RFC 8601 section 2.5) under which it writes what it found; `None` where it
    /// writes none, as Exchange Online.
    pub authserv_id: Option<String>,
    /// Where it writes.
    pub stamps: Stamps,
}

/// Where the border host writes its `Authentication-Results`, from its own `Received`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamps {
    /// Above: whatever stands there was added by our own hosts.
    Above,
    /// Directly below, as filters under Postfix and Gmail do. A sender could write there too, were
    /// it not for a border host that removes results under its own name from what comes in (RFC
    /// 8601 section 5).
    Below,
}

/// What is proof of the site's own senders, who never come in from outside.
#[derive(Clone, Debug, Default)]
pub struct Internal {
    /// The domains of those senders, in small letters.
    pub domains: Vec<String>,
    /// Whether a sign-in with a password at the border host (ESMTPSA) is proof. It is where the
    /// host lets each user write only under the user's own addresses.
    pub submission: bool,
    /// Networks from which only the site's own senders reach the border host.
    pub networks: Vec<IpNet>,
    /// A header field and its value that the border host writes on internal mail, and removes from
    /// what comes in from outside.
    pub header: Option<(String, String)>,
}

impl Authentication {
    /// Whether anything could ever be proven.
    pub fn is_configured(&self) -> bool {
        self.border.is_some() || self.verify
    }
}

impl Border {
    /// Whether this is one of the border host's names.
    pub(super) fn is_host(&self, name: &str) -> bool {
        is_among(&self.hosts, name)
    }

    /// Whether this is a host behind it.
    pub(super) fn is_inner(&self, name: &str) -> bool {
        is_among(&self.inner_hosts, name)
    }
}

fn is_among(hosts: &[String], name: &str) -> bool {
    hosts.iter().any(|host| match host.strip_prefix('.') {
        Some(_) => name.len() > host.len() && name.ends_with(host.as_str()),
        None => host == name,
    })
}

//! The `Received` fields (RFC 5321 section 4.4), read only as far as to find the one by which a mail
//! came in from outside. A sender chooses what it calls itself in HELO, and thereby writes into the
//! very field that is read here: whatever could be read in two ways is read in none.

use core::net::IpAddr;

/// One hop of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hop {
    /// The host that wrote the field, in small letters.
    pub(super) by: String,
    /// The protocol, in small letters (RFC 3848); empty where it is not said.
    pub(super) with: String,
    /// Every IP address that is said of the peer; `None` where something stands in its place that
    /// is no address.
    pub(super) peers: Vec<Option<IpAddr>>,
}

/// What a field says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// A hop.
    Hop(Hop),
    /// A remark of a program on one and the same host (`(qmail 1234 invoked by uid 0)`).
    Remark,
    /// It can be read in no way, or in more than one.
    Unclear,
}

impl Hop {
    /// True where the mail only changed programs on one host: handed over for local delivery
    /// (RFC 2033 forbids LMTP across the Internet), or come back from a filter over loopback. A
    /// sign-in over loopback is a webmail's user at work.
    pub(super) fn is_local(&self) -> bool {
        let local_delivery = self.with.trim_start_matches("utf8").starts_with("lmtp");
        local_delivery || (!self.is_submission() && self.all_peers(|ip| ip.is_loopback()))
    }

    /// True where the sender signed in with a password (RFC 3848: the final A).
    pub(super) fn is_submission(&self) -> bool {
        matches!(self.with.trim_start_matches("utf8"), "esmtpa" | "esmtpsa" | "smtpa" | "smtpsa")
    }

    /// True where addresses are said of the peer, and every one of them is such.
    pub(super) fn all_peers(&self, is_such: impl Fn(IpAddr) -> bool) -> bool {
        !self.peers.is_empty() && self.peers.iter().all(|peer| peer.is_some_and(&is_such))
    }
}

/// Reads the value of a field, unfolded and with its encoded words left alone.
pub(super) fn read(value: &str) -> Received {
    let Some(words) = words(value) else { return Received::Unclear };
    let places = |keyword: &str| {
        let is_keyword = |word: &Word| !word.is_comment && word.text.eq_ignore_ascii_case(keyword);
        words.iter().enumerate().filter(move |(_, word)| is_keyword(word)).map(|(place, _)| place).collect::<Vec<_>>()
    };
    let after = |place: usize| words.get(place + 1).filter(|word| !word.is_comment).map(|word| word.text.clone());
    let begins = words.iter().find(|word| !word.is_comment);
    match begins {
        None => return Received::Remark,
        Some(word) if word.text.eq_ignore_ascii_case("from") || word.text.eq_ignore_ascii_case("by") => {}
        Some(_) => return Received::Unclear,
    }
    let (from, by, with) = (places("from"), places("by"), places("with"));
    let ([by], [] | [_], [] | [_]) = (by.as_slice(), from.as_slice(), with.as_slice()) else {
        return Received::Unclear;
    };
    let Some(host) = after(*by) else { return Received::Unclear };
    let host = host.trim_end_matches('.').to_lowercase();
    let peers = words.iter().take(*by).flat_map(addresses).collect();
    // M365 writes `with Microsoft SMTP Server`, which is no protocol of RFC 3848.
    let with = with.first().and_then(|place| after(*place)).unwrap_or_default().to_lowercase();
    Received::Hop(Hop { by: host, with, peers })
}

/// A word, or a whole comment.
#[derive(Debug)]
struct Word {
    text: String,
    is_comment: bool,
}

/// The words and comments up to the semicolon before the date. `None` where a comment or a quoted
/// string is never closed, one is closed that was never opened, or there is a second semicolon: then
/// nobody knows where the host's words end.
fn words(value: &str) -> Option<Vec<Word>> {
    let mut words: Vec<Word> = Vec::new();
    let mut text = String::new();
    let (mut depth, mut quoted, mut in_date) = (0_u32, false, false);
    let mut end_word = |text: &mut String, is_comment: bool, in_date: bool| {
        let text = std::mem::take(text);
        if !in_date && (is_comment || !text.is_empty()) {
            words.push(Word { text, is_comment });
        }
    };
    let mut characters = value.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' if quoted || depth > 0 => text.push(characters.next()?),
            '"' if depth == 0 => quoted = !quoted,
            c if quoted => text.push(c),
            '(' => {
                match depth {
                    0 => end_word(&mut text, false, in_date),
                    _ => text.push(c),
                }
                depth += 1;
            }
            ')' => {
                depth = depth.checked_sub(1)?;
                match depth {
                    0 => end_word(&mut text, true, in_date),
                    _ => text.push(c),
                }
            }
            c if depth > 0 => text.push(c),
            ';' if in_date => return None,
            ';' => {
                end_word(&mut text, false, in_date);
                in_date = true;
            }
            c if c.is_whitespace() => end_word(&mut text, false, in_date),
            c => text.push(c),
        }
    }
    end_word(&mut text, false, in_date);
    (depth == 0 && !quoted).then_some(words)
}

/// The addresses that a word or comment says of the peer: whatever stands in brackets, and a comment
/// that is nothing but an address, as Exchange and qmail write it.
fn addresses(word: &Word) -> Vec<Option<IpAddr>> {
    let literal = |text: &str| {
        let bare = text.get(..5).filter(|tag| tag.eq_ignore_ascii_case("ipv6:")).map_or(text, |tag| &text[tag.len()..]);
        bare.parse().ok()
    };
    if word.is_comment
        && let Ok(bare) = word.text.trim().parse()
    {
        return vec![Some(bare)];
    }
    let mut found = Vec::new();
    let mut rest = word.text.as_str();
    while let Some((_, opened)) = rest.split_once('[') {
        let Some((inside, after)) = opened.split_once(']') else {
            found.push(None);
            break;
        };
        found.push(literal(inside.trim()));
        rest = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `by with peers`, `remark` or `unclear`.
    #[track_caller]
    fn check(value: &str, expected: &str) {
        let shown = match read(value) {
            Received::Remark => "remark".to_string(),
            Received::Unclear => "unclear".to_string(),
            Received::Hop(hop) => {
                let peers = hop.peers.iter().map(|peer| peer.map_or("?".to_string(), |ip| ip.to_string()));
                let marks = [(hop.is_local(), "local"), (hop.is_submission(), "submission")];
                let marks = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| mark.to_string());
                let mut words = vec![hop.by.clone(), hop.with.clone()];
                words.extend(peers.chain(marks));
                words.join(" ")
            }
        };
        assert_eq!(shown, expected, "{value}");
    }

    #[test]
    fn what_hosts_write() {
        check(
            "from mail.a.example (mail.a.example [192.0.2.1]) (using TLSv1.3 with cipher X (256/256 bits)) by \
             MX.desk.example (Postfix) with ESMTPS id 4ABC for <pomoc@desk.example>; Mon, 23 Nov 2026 09:05:00 +0100",
            "mx.desk.example esmtps 192.0.2.1",
        );
        check(
            "from [10.0.0.7] (unknown [10.0.0.7]) (Authenticated sender: anna) by mx.desk.example with ESMTPSA id 4",
            "mx.desk.example esmtpsa 10.0.0.7 10.0.0.7 submission",
        );
        check("from mx (mx [10.0.0.1]) by mx.desk.example. with LMTP id x", "mx.desk.example lmtp 10.0.0.1 local");
        check("from localhost (localhost [IPv6:::1]) by mx with ESMTP id 5", "mx esmtp ::1 local");
        check("from localhost (localhost [127.0.0.1]:40000) by mx with ESMTP id 5", "mx esmtp 127.0.0.1 local");
        check(
            "from [192.0.2.9] (helo=x.example) by mx with esmtpsa (Exim 4.96) id 1",
            "mx esmtpsa 192.0.2.9 submission",
        );
        check(
            "from A.outlook.example (2001:db8::15) by B.outlook.example (2001:db8::21) with Microsoft SMTP Server \
             (version=TLS1_2, cipher=X) id 15.20 via Frontend Transport; Mon, 23 Nov",
            "b.outlook.example microsoft 2001:db8::15",
        );
        check("from webmail (localhost [127.0.0.1]) by mx with ESMTPSA id 5", "mx esmtpsa 127.0.0.1 submission");
        check("by 2001:db8:a05:7300 with SMTP id x; Mon", "2001:db8:a05:7300 smtp");
        check("by mx (Postfix, from userid 0) id 4", "mx ");
        check("from unknown (HELO x) (192.0.2.3) by mx with SMTP; 1 Jan", "mx smtp 192.0.2.3");
        check("(qmail 1234 invoked by uid 0); 1 Jan", "remark");
    }

    #[test]
    fn what_a_sender_smuggles_in_by_its_name() {
        let rest = "(unknown [192.0.2.66]) by mx with ESMTP id 4; Mon, 23 Nov";
        check(&format!("from x by other with LMTP {rest}"), "unclear");
        for ending in ["", " (", " \"", " \\", " )"] {
            check(&format!("from x by mx with ESMTPSA id 1;{ending} {rest}"), "unclear");
        }
        check(&format!("from x( {rest}"), "unclear");
        check(&format!("from x) {rest}"), "unclear");
        check(&format!("from \"x {rest}"), "unclear");
        check(&format!("from x with LMTP {rest}"), "unclear");
        check(&format!("from [127.0.0.1] {rest}"), "mx esmtp 127.0.0.1 192.0.2.66");
        check(&format!("from [10.0.0.1 {rest}"), "mx esmtp ? 192.0.2.66");
        check(&format!("from localhost {rest}"), "mx esmtp 192.0.2.66");
        check("from [192.0.2.66] (helo=[127.0.0.1]) by mx with esmtp id 4", "mx esmtp 192.0.2.66 127.0.0.1");
        check("from localhost (x) by mx with SMTP", "mx smtp");
        check("hello from x by mx", "unclear");
        check("from x by (mx)", "unclear");
        check("", "remark");
    }
}

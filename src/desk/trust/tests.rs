use super::*;
use crate::desk::message::Message;

proptest::proptest! {
    /// Whatever stands in the fields, nothing breaks, and nothing is proven that no pass says.
    #[test]
    fn foreign_fields_break_nothing(received in "\\PC{0,200}", results in "[ -~ąż]{0,200}") {
        let _ = received::read(&received);
        let _ = results::read(&received);
        if let Some(read) = results::read(&results) {
            proptest::prop_assert!(read.results.iter().all(|one| !one.method.is_empty() && !one.result.is_empty()));
        }
        let raw = format!("Authentication-Results: {results}\nReceived: {received}\n{BY_BORDER}{FROM}\n");
        let proof = proof::prove(&Message::parse(raw.as_bytes()), None, &settings());
        proptest::prop_assert!(!proof.is_proven() || results.to_lowercase().contains("dmarc"));
    }
}

/// The settings of most of these tests: one border host that writes above its own line.
fn settings() -> Authentication {
    Authentication { border: Some(border("mx.desk.example")), ..Authentication::default() }
}

fn border(authserv_id: &str) -> Border {
    Border {
        hosts: vec!["mx.desk.example".to_string()],
        inner_hosts: Vec::new(),
        authserv_id: Some(authserv_id.to_string()).filter(|id| id != "none"),
        stamps: Stamps::Above,
    }
}

const BY_BORDER: &str = "Received: from x.example (x.example [192.0.2.1]) by mx.desk.example with ESMTPS id 1; 1 Jan\n";
const FROM: &str = "From: Jan <jan@firma.example>\n";
const PASS: &str = "Authentication-Results: mx.desk.example; dmarc=pass header.from=firma.example\n";

/// What is proven of a mail with these header fields, from the top.
#[track_caller]
fn check_with(settings: &Authentication, fields: &[&str], expected: &str) {
    let raw = format!("{}\ntext\n", fields.concat());
    let proof = proof::prove(&Message::parse(raw.as_bytes()), None, settings);
    assert_eq!(proof.to_string(), expected, "{raw}");
}

#[track_caller]
fn check(fields: &[&str], expected: &str) {
    check_with(&settings(), fields, expected);
}

const PROVEN: &str = "proven: dmarc";

#[test]
fn results_count_where_only_our_hosts_write() {
    check(&[PASS, BY_BORDER, FROM], PROVEN);
    check(&[BY_BORDER, PASS, FROM], "unproven: no-results-of-the-border-host");
    check(&[BY_BORDER, FROM, PASS], "unproven: no-results-of-the-border-host");
    check(&[PASS, FROM], "unproven: no-line-of-the-border-host");
    check(&[BY_BORDER, FROM], "unproven: no-results-of-the-border-host");
    let second = BY_BORDER.replace("192.0.2.1", "192.0.2.2");
    check(&[BY_BORDER, PASS, &second, FROM], "unproven: no-results-of-the-border-host");
    let elsewhere = BY_BORDER.replace("mx.desk", "mx.evil");
    check(&[&elsewhere, PASS, BY_BORDER, FROM], "unproven: received-by-an-unknown-host");
    check(&[PASS, &elsewhere, BY_BORDER, FROM], "unproven: received-by-an-unknown-host");
    let smuggled = BY_BORDER.replace("from x.example", "from x.example by y with LMTP");
    check(&[&smuggled, PASS, BY_BORDER, FROM], "unproven: received-line-unclear");
    let folded = PASS.replace("; dmarc", ";\n\tdmarc").replace("=pass", " =\n pass");
    check(&[&folded, BY_BORDER, FROM], PROVEN);
}

#[test]
fn changes_of_programs_are_stepped_over() {
    let delivery = "Received: from mx.desk.example (mx [10.0.0.1]) by imap.desk.example with LMTP id 2; 1 Jan\n";
    let filter = "Received: from localhost (localhost [127.0.0.1]) by mx.desk.example with ESMTP id 3; 1 Jan\n";
    check(&[delivery, filter, PASS, BY_BORDER, FROM], PROVEN);
    check(&[delivery, filter, BY_BORDER, PASS, FROM], "unproven: no-results-of-the-border-host");
    let named_so = BY_BORDER.replace("x.example (", "localhost (");
    check(&[&named_so, PASS, BY_BORDER, FROM], "unproven: no-results-of-the-border-host");
    let behind = Border {
        inner_hosts: vec![".inside.example".to_string()],
        hosts: vec![".protection.desk.example".to_string()],
        ..border("none")
    };
    let cloud = Authentication { border: Some(behind), ..Authentication::default() };
    let inner = "Received: from a (2001:db8::1) by b.inside.example (2001:db8::2) with Microsoft SMTP Server; 1 Jan\n";
    let outer = "Received: from mail.firma.example (192.0.2.1) by mx7.protection.desk.example (10.1.1.1) with \
                 Microsoft SMTP Server; 1 Jan\n";
    let stamp = "Authentication-Results: spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=firma.example; dkim=none \
                 (message not signed) header.d=none;dmarc=pass action=none header.from=firma.example;compauth=pass\n";
    check_with(&cloud, &[inner, stamp, inner, outer, FROM], PROVEN);
    check_with(&cloud, &[inner, outer, stamp, FROM], "unproven: no-results-of-the-border-host");
    check_with(&cloud, &[inner, PASS, outer, FROM], "unproven: no-results-of-the-border-host");
    check_with(
        &cloud,
        &[&inner.replace("b.inside", "b.outside"), stamp, outer, FROM],
        "unproven: received-by-an-unknown-host",
    );
}

#[test]
fn results_directly_below_where_the_site_says_so() {
    let below = Border { stamps: Stamps::Below, ..border("mx.desk.example") };
    let below = Authentication { border: Some(below), ..Authentication::default() };
    let spf = "Received-SPF: pass\n";
    check_with(&below, &[BY_BORDER, spf, PASS, FROM], PROVEN);
    check_with(&below, &[PASS, BY_BORDER, FROM], PROVEN);
    check_with(&below, &[BY_BORDER, "X-Mailer: y\n", PASS, FROM], "unproven: no-results-of-the-border-host");
    check_with(&below, &[BY_BORDER, FROM, PASS], "unproven: no-results-of-the-border-host");
    let second = BY_BORDER.replace("192.0.2.1", "192.0.2.2");
    check_with(&below, &[BY_BORDER, &second, PASS, FROM], "unproven: no-results-of-the-border-host");
}

#[test]
fn what_the_results_have_to_say() {
    for (results, expected) in [
        ("mx.desk.example; dmarc=pass header.from=firma.example", PROVEN),
        ("MX.Desk.Example; DMARC=Pass (p=none) header.from=Firma.example", PROVEN),
        ("mx.desk.example; dmarc=pass header.from=jan@firma.example", PROVEN),
        ("other.example; dmarc=pass header.from=firma.example", "unproven: no-results-of-the-border-host"),
        ("mx.desk.example.evil; dmarc=pass header.from=firma.example", "unproven: no-results-of-the-border-host"),
        ("dmarc=pass header.from=firma.example", "unproven: no-results-of-the-border-host"),
        ("mx.desk.example; none", "unproven: no-results-of-the-border-host"),
        ("mx.desk.example; dmarc=pass", "unproven: no-pass-for-the-sender"),
        ("mx.desk.example; dmarc=pass header.from=evil.example", "unproven: no-pass-for-the-sender"),
        ("mx.desk.example; dmarc=pass header.from=mail.firma.example", "unproven: no-pass-for-the-sender"),
        ("mx.desk.example; dmarc=pass header.from=evilfirma.example", "unproven: no-pass-for-the-sender"),
        ("mx.desk.example; dmarc=bestguesspass header.from=firma.example", "unproven: no-pass-for-the-sender"),
        ("mx.desk.example; spf=pass smtp.mailfrom=firma.example", "unproven: no-pass-for-the-sender"),
        ("mx.desk.example; dkim=pass header.d=firma.example", "unproven: no-pass-for-the-sender"),
        ("mx.desk.example; dmarc=temperror header.from=firma.example", "unproven: temporary-error"),
        ("mx.desk.example; dmarc=none header.from=firma.example", "unproven: no-pass-for-the-sender"),
        ("mx.desk.example; dmarc=fail (p=none) header.from=firma.example", "refuted: dmarc"),
        ("mx.desk.example; dmarc=fail (p=REJECT sp=REJECT) header.from=firma.example", "refuted: dmarc, policy reject"),
        ("mx.desk.example; dmarc=fail action=oreject header.from=firma.example", "refuted: dmarc, policy reject"),
        ("mx.desk.example; dmarc=fail header.from=firma.example policy.dmarc=reject", "refuted: dmarc, policy reject"),
        ("mx.desk.example; dmarc=fail (sp=reject)", "refuted: dmarc"),
        (
            "mx.desk.example; dmarc=fail header.from=firma.example; dmarc=pass header.from=firma.example",
            "unproven: results-contradict-each-other",
        ),
        (
            "mx.desk.example; spf=fail smtp.mailfrom=\"a; dmarc=pass header.from=firma.example\"@evil.example",
            "unproven: no-pass-for-the-sender",
        ),
        (
            "mx.desk.example; spf=fail smtp.mailfrom==?utf-8?Q?a=3B_dmarc=3Dpass_header.from=3Dfirma.example?=",
            "unproven: no-results-of-the-border-host",
        ),
        (
            "mx.desk.example; spf=fail (a; dmarc=pass header.from=firma.example) smtp.helo=x",
            "unproven: no-pass-for-the-sender",
        ),
    ] {
        check(&[&format!("Authentication-Results: {results}\n"), BY_BORDER, FROM], expected);
    }
    let own_name = "Authentication-Results: mx.desk.example; dkim=pass header.d=firma.example\n";
    check(&[own_name, PASS, BY_BORDER, FROM], PROVEN);
}

#[test]
fn a_signature_suffices_where_the_site_says_so() {
    let suffices = Authentication { dkim_suffices: true, ..settings() };
    for (signer, expected) in [
        ("firma.example", "proven: dkim"),
        ("example", "unproven: no-pass-for-the-sender"),
        ("mail.firma.example", "unproven: no-pass-for-the-sender"),
        ("evil.example", "unproven: no-pass-for-the-sender"),
        ("rma.example", "unproven: no-pass-for-the-sender"),
    ] {
        let stamp = format!("Authentication-Results: mx.desk.example; dkim=pass header.d={signer}\n");
        check_with(&suffices, &[&stamp, BY_BORDER, FROM], expected);
    }
    let stamp = "Authentication-Results: mx.desk.example; dkim=pass header.d=firma.example\n";
    check_with(&suffices, &[stamp, BY_BORDER, "From: jan@it.firma.example\n"], "proven: dkim");
    let fails = "Authentication-Results: mx.desk.example; dmarc=fail; dkim=pass header.d=firma.example\n";
    check_with(&suffices, &[fails, BY_BORDER, FROM], "refuted: dmarc");
}

#[test]
fn the_sender_is_one_address_or_nobody() {
    for (from, expected) in [
        ("From: jan@firma.example\n", PROVEN),
        ("FROM: Jan <JAN@Firma.Example>\n", PROVEN),
        ("From: \"anna@hezo.example\" <jan@firma.example>\n", PROVEN),
        ("From: anna@hezo.example (x) <jan@firma.example>\n", PROVEN),
        ("From: =?utf-8?Q?anna=40hezo.example=3E?= <jan@firma.example>\n", PROVEN),
        ("From: \"jan@firma.example\" <anna@hezo.example>\n", "unproven: no-pass-for-the-sender"),
        ("From: jan@firma.example, anna@hezo.example\n", "unproven: not-one-sender"),
        ("From: jan@firma.example\nFrom: anna@hezo.example\n", "unproven: not-one-sender"),
        ("From: jan@firma.example\nFrom: jan@firma.example\n", "unproven: not-one-sender"),
        ("From: jan@firma.example\nfrom:\n", "unproven: not-one-sender"),
        ("From: staff: jan@firma.example, anna@hezo.example;\n", "unproven: not-one-sender"),
        ("From: anna@hezo.example@firma.example\n", "unproven: not-one-sender"),
        ("From: \"anna@hezo.example\"@firma.example\n", "unproven: not-one-sender"),
        ("From: <jan@firma.example> <anna@hezo.example>\n", "unproven: not-one-sender"),
        ("From: jan\n", "unproven: not-one-sender"),
        ("From:\n", "unproven: not-one-sender"),
        ("Sender: jan@firma.example\n", "unproven: not-one-sender"),
    ] {
        check(&[PASS, BY_BORDER, from], expected);
    }
    let polish = "Authentication-Results: mx.desk.example; dmarc=pass header.from=xn--abka-99a.example\n";
    check(&[polish, BY_BORDER, "From: jan@\u{17c}abka.example\n"], PROVEN);
}

#[test]
fn the_sites_own_senders() {
    let internal = |change: fn(&mut Internal)| {
        let mut internal = Internal { domains: vec!["firma.example".to_string()], ..Internal::default() };
        change(&mut internal);
        Authentication { internal, ..settings() }
    };
    let submitted = "Received: from [10.0.0.7] (unknown [10.0.0.7]) by mx.desk.example with ESMTPSA id 1; 1 Jan\n";
    let none = "unproven: no-results-of-the-border-host";
    let submission = internal(|internal| internal.submission = true);
    check_with(&submission, &[submitted, FROM], "proven: submission");
    check_with(&submission, &[BY_BORDER, submitted, FROM], none);
    check_with(&submission, &[submitted, "From: jan@other.example\n"], none);
    check_with(&submission, &[&submitted.replace("ESMTPSA", "ESMTPS"), FROM], none);
    check_with(&internal(|_| {}), &[submitted, FROM], none);

    let networks = internal(|internal| internal.networks = vec!["10.0.0.0/8".parse().expect("a network")]);
    check_with(&networks, &[submitted, FROM], "proven: network");
    check_with(&networks, &[&BY_BORDER.replace("from x.example", "from [10.0.0.7]"), FROM], none);

    let marked = internal(|internal| internal.header = Some(("X-Internal".to_string(), "yes".to_string())));
    check_with(&marked, &[BY_BORDER, FROM, "X-INTERNAL: Yes\n"], "proven: internal-mark");
    check_with(&marked, &[BY_BORDER, FROM, "X-Internal: yes\nX-Internal: yes\n"], none);
    check_with(&marked, &[BY_BORDER, FROM, "X-Internal: yes no\n"], none);

    let signed_in = |user: &str| format!("Authentication-Results: mx.desk.example; auth=pass smtp.auth={user}\n");
    check_with(&internal(|_| {}), &[&signed_in("jan@firma.example"), BY_BORDER, FROM], "proven: sign-in");
    let other = &signed_in("ewa@firma.example");
    check_with(&internal(|_| {}), &[other, BY_BORDER, FROM], "unproven: no-pass-for-the-sender");
    check(&[&signed_in("jan@firma.example"), BY_BORDER, FROM], "unproven: no-pass-for-the-sender");
}

#[test]
fn with_nothing_configured_nothing_is_proven() {
    check_with(&Authentication::default(), &[PASS, BY_BORDER, FROM], "unproven: nothing-configured");
}

/// What is proven by the border host and by the program together.
#[track_caller]
fn check_verified(border: Option<Border>, stamp: &str, verification: Verification, expected: &str) {
    let settings = Authentication {
        border,
        verify: true,
        trusted_sealers: vec!["forwarder.example".to_string()],
        ..Authentication::default()
    };
    let message = Message::parse([stamp, BY_BORDER, FROM, "\ntext\n"].concat().as_bytes());
    let proof = proof::prove(&message, Some(&verification), &settings);
    assert_eq!(proof.to_string(), expected, "{verification:?}");
}

fn verification(dmarc: Dmarc) -> Verification {
    Verification { authors: vec!["jan@firma.example".to_string()], dmarc, ..Verification::default() }
}

#[test]
fn what_the_program_verified() {
    let verified = |verification, expected| check_verified(None, "", verification, expected);
    verified(verification(Dmarc::Pass), "proven: verified-dmarc");
    verified(verification(Dmarc::NotAligned), "unproven: no-aligned-signature");
    verified(verification(Dmarc::Temporary), "unproven: name-server-did-not-answer");
    verified(verification(Dmarc::None), "unproven: no-policy-and-no-signature-that-suffices");
    let others = Verification { authors: vec!["anna@hezo.example".to_string()], ..verification(Dmarc::Pass) };
    verified(others, "unproven: sender-is-read-differently");

    let sealed = |sealer: &str, results: &str| Verification {
        sealed: Some(Sealed { sealer: sealer.to_string(), results: results.to_string() }),
        ..verification(Dmarc::NotAligned)
    };
    let attested = "forwarder.example; dmarc=pass header.from=firma.example";
    verified(sealed("forwarder.example", attested), "proven: sealed");
    verified(sealed("evil.example", attested), "unproven: no-aligned-signature");
    let other = "forwarder.example; dmarc=pass header.from=evil.example";
    verified(sealed("forwarder.example", other), "unproven: no-aligned-signature");
}

#[test]
fn either_of_two_proofs_will_do() {
    let border = || Some(border("mx.desk.example"));
    let fail = "Authentication-Results: mx.desk.example; dmarc=fail header.from=firma.example\n";
    check_verified(border(), PASS, verification(Dmarc::NotAligned), PROVEN);
    check_verified(border(), "", verification(Dmarc::Pass), "proven: verified-dmarc");
    check_verified(border(), fail, verification(Dmarc::Pass), "proven: verified-dmarc");
    check_verified(border(), fail, verification(Dmarc::NotAligned), "refuted: dmarc");
    check_verified(border(), "", verification(Dmarc::Temporary), "unproven: name-server-did-not-answer");
}

#[test]
fn each_rung_may_do_what_the_one_below_may() {
    let table = LADDER.map(|(rung, may)| {
        let flags = [may.open, may.append, may.see, may.acknowledged_in_full];
        format!("{rung} {} {:?}", flags.map(|flag| if flag { "y" } else { "-" }).concat(), may.change)
    });
    let expected = [
        "unknown y--- Nothing",
        "known-address yy-- Nothing",
        "authenticated yy-y Nothing",
        "named-in-contract yyyy Participants",
        "engineer yyyy Everything",
    ];
    assert_eq!(table, expected);
    for pair in LADDER.windows(2) {
        let [(lower, less), (higher, more)] = pair else { continue };
        assert!(lower < higher && less.open <= more.open && less.append <= more.append && less.see <= more.see);
        assert!(less.acknowledged_in_full <= more.acknowledged_in_full && less.change <= more.change);
    }
}

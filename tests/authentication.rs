//! What the program verifies itself, with a name server of the test's own.

use crate::name_server::{Answer, Key, NameServer};
use crate::story::{Desk, Sent, to};
use hezo_intake::authentication::Verifier;
use hezo_intake::desk::trust::{Dmarc, Verification};
use mail_auth::arc::ArcSealer;
use mail_auth::common::headers::HeaderWriter;
use mail_auth::{ArcOutput, AuthenticatedMessage, AuthenticationResults};

const MAIL: &str = "From: Jan <jan@firma.example>\nTo: pomoc@myhezo.example\nSubject: Awaria\n\nNie oddaje taśmy.\n";
const FIELDS: [&str; 3] = ["From", "To", "Subject"];

fn policy(text: &str) -> Answer {
    Answer::Txt(format!("v=DMARC1; {text}"))
}

fn verify(known: &[(&str, Answer)], mail: &str) -> Verification {
    let server = NameServer::start(known);
    let verifier = Verifier::new(&[server.address]).expect("a verifier");
    tokio::runtime::Runtime::new().expect("a runtime").block_on(verifier.verify(mail.as_bytes()))
}

/// What is found of `mail`, where firma.example publishes the key and rejects.
#[track_caller]
fn check(key: &Key, mail: &str, dmarc: Dmarc, signers: &[&str]) {
    let known = [
        ("test._domainkey.firma.example", key.record()),
        ("test._domainkey.evil.example", key.record()),
        ("_dmarc.firma.example", policy("p=reject")),
    ];
    let found = verify(&known, mail);
    assert_eq!(
        (found.dmarc, found.signers.iter().map(String::as_str).collect::<Vec<_>>()),
        (dmarc, signers.to_vec()),
        "{mail}"
    );
}

#[test]
fn an_aligned_signature_passes_and_nothing_else_does() {
    let key = Key::new();
    let good = key.sign("firma.example", &FIELDS, MAIL);
    check(&key, &good, Dmarc::Pass, &["firma.example"]);
    check(&key, &good.replace("taśmy", "taśm"), Dmarc::NotAligned, &[]);
    check(&key, &good.replace("From: Jan", "From: Ewa"), Dmarc::NotAligned, &[]);
    check(&key, &good.replace("Awaria", "awaria"), Dmarc::NotAligned, &[]);
    check(&key, &MAIL.replace('\n', "\r\n"), Dmarc::NotAligned, &[]);
    check(&key, &key.sign("evil.example", &FIELDS, MAIL), Dmarc::NotAligned, &["evil.example"]);
    check(&Key::new(), &good, Dmarc::NotAligned, &[]);
}

#[test]
fn a_signature_that_does_not_cover_the_sender_is_none() {
    let key = Key::new();
    check(&key, &key.sign("firma.example", &["To", "Subject"], MAIL), Dmarc::NotAligned, &[]);
}

#[test]
fn the_senders_own_signature_is_found_among_many() {
    let key = Key::new();
    let mut mail = key.sign("firma.example", &FIELDS, MAIL);
    for _ in 0..30 {
        mail = key.sign("evil.example", &FIELDS, &mail.replace("\r\n", "\n"));
    }
    let known = [
        ("test._domainkey.firma.example", key.record()),
        ("test._domainkey.evil.example", key.record()),
        ("_dmarc.firma.example", policy("p=none")),
    ];
    let found = verify(&known, &mail);
    assert_eq!((found.dmarc, found.signers.len()), (Dmarc::Pass, 8));
}

#[test]
fn two_senders_are_read_as_two() {
    let key = Key::new();
    let signed = key.sign("firma.example", &FIELDS, MAIL);
    let two = format!("From: anna@hezo.example\r\n{signed}");
    let known = [("test._domainkey.firma.example", key.record()), ("_dmarc.firma.example", policy("p=none"))];
    let found = verify(&known, &two);
    assert_eq!(found.authors, ["anna@hezo.example", "jan@firma.example"]);
    assert_ne!(found.dmarc, Dmarc::Pass);
}

#[test]
fn a_name_server_that_does_not_say_makes_a_mail_unproven() {
    let key = Key::new();
    let mail = key.sign("firma.example", &FIELDS, MAIL);
    let with = |domain_key: Answer, dmarc: Answer| {
        verify(&[("test._domainkey.firma.example", domain_key), ("_dmarc.firma.example", dmarc)], &mail).dmarc
    };
    assert_eq!(with(key.record(), policy("p=none")), Dmarc::Pass);
    assert_eq!(with(Answer::Failure, policy("p=none")), Dmarc::Temporary);
    assert_eq!(with(key.record(), Answer::Failure), Dmarc::Temporary);
    let no_policy = verify(&[("test._domainkey.firma.example", key.record())], &mail);
    assert_eq!((no_policy.dmarc, no_policy.signers), (Dmarc::None, vec!["firma.example".to_string()]));
    let no_key = verify(&[("test._domainkey.firma.example", Answer::Failure)], &mail);
    assert_eq!(no_key.dmarc, Dmarc::Temporary);
    assert_eq!(verify(&[], &mail).dmarc, Dmarc::None);
}

#[test]
fn a_seal_says_what_the_sealer_found() {
    let (key, forwarder) = (Key::new(), Key::new());
    // A mailing list adds its footer, and thereby breaks the signature.
    let forwarded = format!("{}-- \r\nlista\r\n", key.sign("firma.example", &FIELDS, MAIL));
    let message = AuthenticatedMessage::parse(forwarded.as_bytes()).expect("a mail");
    let results = AuthenticationResults::new("mx.forwarder.example");
    let seal = |fields: &[&'static str]| {
        let sealer = ArcSealer::from_key(forwarder.key()).domain("forwarder.example").selector("seal");
        let set = sealer.headers(fields.iter().copied()).seal(&message, &results, &ArcOutput::default());
        format!("{}{forwarded}", set.expect("a seal").to_header())
    };
    let known = [
        ("test._domainkey.firma.example", key.record()),
        ("seal._domainkey.forwarder.example", forwarder.record()),
        ("_dmarc.firma.example", policy("p=reject")),
    ];
    let sealed = seal(&FIELDS);
    let found = verify(&known, &sealed);
    assert_eq!(found.dmarc, Dmarc::NotAligned);
    let seal_found = found.sealed.expect("the seal holds");
    assert_eq!(seal_found.sealer, "forwarder.example");
    assert!(seal_found.results.starts_with("mx.forwarder.example"), "{}", seal_found.results);
    assert_eq!(verify(&known, &sealed.replace("lista", "listy")).sealed, None);
    assert_eq!(verify(&known[..1], &sealed).sealed, None);
    assert_eq!(verify(&known, &seal(&["To", "Subject"])).sealed, None);
}

#[test]
fn nothing_breaks_on_nonsense() {
    for mail in [
        "",
        "\r\n",
        "From: x",
        "DKIM-Signature: v=1\r\n\r\n",
        "DKIM-Signature: v=1; a=; h=from; d=x; s=y; b=!\r\n\r\nx",
    ] {
        assert_ne!(verify(&[], mail).dmarc, Dmarc::Pass, "{mail:?}");
    }
}

/// The whole program, with no word of a border host: an engineer's answer goes out because its
/// signature holds.
#[test]
fn an_engineers_signed_answer_is_relayed_and_no_other() {
    let (key, other) = (Key::new(), Key::new());
    let server = NameServer::start(&[
        ("test._domainkey.hezo.example", key.record()),
        ("_dmarc.hezo.example", policy("p=reject")),
        ("_dmarc.fabryka.example", Answer::Failure),
    ]);
    let desk = Desk::new();
    let path = desk.dir().join("settings.toml");
    let settings = std::fs::read_to_string(&path).expect("the settings");
    let (before, rest) = settings.split_once("[authentication]").expect("the section");
    let (_, after) = rest.split_once("[[mailbox]]").expect("the next one");
    let own = format!("[authentication]\nmethod = \"verify\"\nresolvers = [\"{}\"]\n\n[[mailbox]]", server.address);
    std::fs::write(path, format!("{before}{own}{after}")).expect("the settings");

    let request = "From: jan@fabryka.example\nTo: pomoc@myhezo.example\nSubject: Awaria\nMessage-ID: <1@fabryka.example>\n\n\
                   Nr seryjny: B824100317\n";
    let sent = desk.mail("2026-11-23 09:05", request);
    let notice = to(&sent, "anna@hezo.example");
    assert!(notice.text().contains("[unproven: name-server-did-not-answer]"), "it is said: {}", notice.text());
    let answer = |id: &str, text: &str| {
        let head =
            format!("From: anna@hezo.example\nTo: {}\nSubject: Re\nMessage-ID: <{id}@hezo.example>", notice.reply_to());
        format!("{head}\nDate: Mon, 23 Nov 2026 08:20:00 +0000\n\n{text}\n")
    };
    let signed =
        |key: &Key, id: &str, text: &str| key.sign("hezo.example", &FIELDS, &answer(id, text)).replace("\r\n", "\n");
    let relayed = |mail: &str| {
        desk.deliver("2026-11-23 09:20", mail);
        desk.run("2026-11-23 09:20");
        desk.sent().iter().any(|mail: &Sent| mail.to() == "jan@fabryka.example")
    };
    assert!(!relayed(&answer("2", "Nie podpisano.")));
    assert!(!relayed(&signed(&other, "3", "Podpisano innym kluczem.")));
    assert!(!relayed(&signed(&key, "4", "Zmieniono.").replace("Zmieniono", "Zmieniono potem")));
    assert!(!relayed(&signed(&key, "5", "Dopisano.").replace("Subject: Re", "Subject: Re: inne")));
    assert!(relayed(&signed(&key, "6", "Proszę o log.")));
}

use super::*;
use crate::desk::rules::Sources;

#[test]
fn the_rules_say_what_their_tests_say() {
    assert_eq!(QuoteRules::test(&Sources::built_in()), []);
}

fn check(mail: &str, now: &[&str], not_now: &[&str]) {
    let rules = QuoteRules::compile(&Sources::built_in()).expect("rules");
    let text = read(&Message::parse(mail.as_bytes()), &rules).text(Part::Now);
    for words in now {
        assert!(text.contains(words), "{words} is not in {text:?} of {mail}");
    }
    for words in not_now {
        assert!(!text.contains(words), "{words} is in {text:?} of {mail}");
    }
}

fn plain(subject: &str, text: &str) -> String {
    format!("From: Jan Lis <jan@x.example>\nSubject: {subject}\nContent-Type: text/plain; charset=utf-8\n\n{text}\n")
}

fn html(subject: &str, html: &str) -> String {
    format!("From: Jan Lis <jan@x.example>\nSubject: {subject}\nContent-Type: text/html; charset=utf-8\n\n{html}\n")
}

#[test]
fn marked_sentences_are_quoted_though_nothing_else_says_so() {
    let quoted = "Dalej stoi.\n\n> numer seryjny to jednak X12345\n> i bardzo proszę o szybki kontakt";
    check(&plain("awaria", quoted), &["Dalej stoi"], &["X12345", "kontakt"]);
    check(
        &plain("awaria", "Wynik:\n> show version\n> show inventory all chassis\nSN: X12345"),
        &["chassis", "X12345"],
        &[],
    );
}

#[test]
fn a_ruler_begins_a_signature_only_over_what_signs() {
    let lines = "Sprzęt:\n---\nMacierz X SN: ABC12345678\n---\nDysk padł w slocie 3";
    check(&plain("awaria", lines), &["ABC12345678", "w slocie 3"], &[]);
    check(&plain("awaria", "Dysk padł.\n_____\nKontroler A\nKontroler B"), &["Kontroler A", "Kontroler B"], &[]);
    check(&plain("awaria", "Dysk padł.\n---\nJan Lis\nFabryka\ntel. 600 100 200"), &["padł"], &["Jan Lis", "600"]);
    check(&plain("awaria", "Dysk padł.\n------\nJan Lis"), &["padł"], &["Jan Lis"]);
    check(&plain("awaria", "Dysk padł.\n-- \nJan Lis\nFabryka"), &["padł"], &["Fabryka"]);
}

#[test]
fn what_programs_put_above_a_quote_without_marks_cuts_it_off_an_answer() {
    let under = |line: &str| format!("Nowa odpowiedź.\n\n{line}\n\nStara treść SN: OLD99999999");
    for line in [
        "Jan Kowalski napisał(a):",
        "Użytkownik Jan napisał w wiadomości z dnia 23.11.2026:",
        "Pomoc HEZO napisał w dniu 23 listopada 2026 o 10:15:",
        "Jan Novák napsal(a):",
    ] {
        check(&plain("Re: awaria", &under(line)), &["Nowa"], &["Stara", "OLD99999999"]);
        check(&plain("awaria", &under(line)), &["Nowa", "Stara"], &[]);
    }
    let said = "Kolega napisał:\nmacierz stoi, SN: ABC12345678";
    check(&plain("Re: awaria", said), &["ABC12345678"], &[]);
}

#[test]
fn whoever_indents_in_a_new_mail_quotes_nobody() {
    let indented = "<p>Log:</p><blockquote>SN: ABC12345678 FAULT</blockquote><p>Proszę o pomoc</p>";
    check(&html("awaria", indented), &["ABC12345678", "pomoc"], &[]);
    check(&html("Re: awaria", indented), &["pomoc"], &["ABC12345678"]);
    let cited = "<p>Nowa</p><blockquote type=\"cite\">Stara OLD99999999</blockquote>";
    check(&html("awaria", cited), &["Nowa"], &["Stara"]);
    let named =
        "<p>Nowa</p><p>Dnia 1 listopada 2026 10:00 A &lt;a@b.example&gt; napisał(a):</p><blockquote>Stara</blockquote>";
    check(&html("awaria", named), &["Nowa"], &["Stara"]);
}

//! The commands about rules: their tests, a new pattern tried, the mails of the past read anew.

use crate::story;

use std::fs;

use crate::story::Desk;
use hezo_intake::config::Config;
use hezo_intake::desk::rehearsal;
use hezo_intake::office;
use serde_json::json;

const SERIAL: &str = include_str!("../rules/serial.toml");

/// A rule that the built-in files do not have.
const ACME: &str = r#"

[[shape]]
id = "acme"
why = "Acme's rating plates."
of = "an Acme serial number"
pattern = 'QX-[0-9]{7}'
alone = true

[[test]]
rule = "acme"
text = "Sterownik QX-1234567 stoi"
serials = ["QX-1234567"]
"#;

const MAIL: &str = "\
From: Jan Wzorcowy <jan@fabryka.example>
To: pomoc@myhezo.example
Subject: Awaria sterownika
Message-ID: <1@fabryka.example>

Sterownik QX-1234567 nie startuje, umowa UM/118/2026.
";

fn desk() -> Desk {
    let desk = Desk::with("rules_dir = \"{dir}/rules\"", "");
    fs::create_dir(desk.dir().join("rules")).expect("the folder");
    desk
}

fn put(desk: &Desk, name: &str, text: &str) {
    fs::write(desk.dir().join(name), text).expect("the file");
}

#[test]
fn replay_tells_what_a_new_rule_would_change_and_changes_nothing() {
    let desk = desk();
    desk.mail("2026-11-23 09:05", MAIL);
    let ticket = desk.tickets().remove(0)["ticket"].as_str().expect("a number").to_string();
    let before = desk.ticket(&ticket);
    let replay = || desk.json(&["rules", "replay", "--since", "2026-11-01", "--diff", "--json"]);
    assert_eq!(replay(), [json!({"mails": 1, "tickets": 1, "unread": 0, "differences": 0})]);

    put(&desk, "rules/serial.toml", &format!("{SERIAL}{ACME}"));
    let told = replay();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0]["ticket"], ticket.as_str());
    assert_eq!((&told[0]["what"], &told[0]["was"]), (&json!("serial"), &json!(null)));
    let would_be = told[0]["would_be"].as_str().expect("a number");
    assert!(would_be.starts_with("QX-1234567 (text: looks like an Acme serial number [acme]"), "{would_be}");
    assert_eq!(told[1]["differences"], 1);
    assert_eq!(desk.ticket(&ticket), before);
    assert_eq!(desk.json(&["rules", "replay", "--since", "2026-12-01", "--json"])[0]["mails"], 0);

    let output = desk.command(&["rules", "replay", "--since", "2026-11-01", "--diff"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("1 mails and 1 tickets replayed, 1 differences; nothing was changed"), "{text}");
}

#[test]
fn replay_tells_of_a_request_that_a_new_rule_takes_for_a_mailing() {
    let desk = desk();
    desk.mail("2026-11-23 09:05", &MAIL.replace("Message-ID", "X-Mailing-Machine: yes\nMessage-ID"));
    let rule = r#"
[[rule]]
id = "mailing-machine"
why = "A machine that sends mailings."
as = "mass"
pattern = '^x-mailing-machine: yes'
test = { hits = ["X-Mailing-Machine: yes"] }
"#;
    put(&desk, "rules/robots.toml", &format!("{}{rule}", include_str!("../rules/robots.toml")));
    let told = desk.json(&["rules", "replay", "--since", "2026-11-01", "--diff", "--json"]);
    assert_eq!((&told[0]["what"], &told[0]["was"]), (&json!("kind"), &json!("request")), "{told:?}");
    assert_eq!(told[0]["would_be"], "bulk by rule mailing-machine");
}

#[test]
fn rules_are_tested_and_faults_have_file_and_line() {
    let desk = desk();
    let output = desk.command(&["rules", "test"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    put(&desk, "rules/serial.toml", &format!("{SERIAL}{}", ACME.replace("stoi\"", "stoi, SN 8472619\"")));
    let output = desk.command(&["rules", "test"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    let lines = SERIAL.lines().count();
    let (rule, test) = (lines + 4, lines + 11);
    let wanted = format!("rules/serial.toml:{rule} [acme]: the test in line {test}, \"Sterownik QX-1234567 stoi");
    assert!(said.contains(&wanted), "{said}");

    for (pattern, why) in [("QX-[0-9", "unclosed"), ("[a-z]{1000}{1000}", "exceeded"), (r"(a)\\1", "backreference")] {
        let wrong = ACME.replace("QX-[0-9]{7}", &pattern.replace(r"\\", r"\"));
        put(&desk, "rules/serial.toml", &format!("{SERIAL}{wrong}"));
        let output = desk.command(&["rules", "test"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(&format!("serial.toml:{rule} [acme]: the pattern cannot be used")), "{said}");
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn labelled_mails_are_measured_and_a_bad_label_is_named() {
    let desk = desk();
    fs::create_dir_all(desk.dir().join("labelled/mails")).expect("the folder");
    put(&desk, "labelled/mails/1.eml", MAIL);
    let label = json!({"file": "1.eml", "kind": "request", "language": "pl", "serials": ["QX-1234567"],
                       "contracts": ["UM/118/2026"], "missing": []});
    put(&desk, "labelled/expected.jsonl", &format!("{label}\n"));
    let folder = desk.dir().join("labelled").display().to_string();
    let output = desk.command(&["rules", "test", "--mails", &folder]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "the serial number is not found: {said}");
    assert!(said.contains("all: serial recall 0.000 (0/1), under 0.98"), "{said}");

    put(&desk, "rules/serial.toml", &format!("{SERIAL}{ACME}"));
    let sets = desk.json(&["rules", "test", "--mails", &folder, "--json"]);
    let all = sets.iter().find(|set| set["set"] == "all").expect("a set");
    assert_eq!(all["score"]["shares"]["serial recall"], json!({"right": 1, "all": 1}));
    assert_eq!(all["score"]["places"]["serial"]["text"], json!({"right": 1, "all": 1}));

    put(&desk, "labelled/expected.jsonl", &format!("{label}\n{{\"file\": 3}}\n"));
    let output = desk.command(&["rules", "test", "--mails", &folder]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("expected.jsonl, line 2: invalid type"), "{said}");
}

#[test]
fn a_pattern_is_tried_on_mails() {
    let desk = desk();
    put(&desk, "1.eml", MAIL);
    let file = desk.dir().join("1.eml").display().to_string();
    let hits = desk.json(&["rules", "try", "qx-[0-9]{7}|um/[0-9/]+", &file, "--json"]);
    let told: Vec<_> = hits.iter().map(|hit| (&hit["written"], &hit["now"], &hit["spot"]["line"])).collect();
    let (serial, contract) = (json!("QX-1234567"), json!("UM/118/2026"));
    assert_eq!(told, [(&serial, &json!(null), &json!(1)), (&contract, &json!("contract by contract"), &json!(1))]);

    let output = desk.command(&["rules", "try", "qx-[0-9", &file]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("the pattern `qx-[0-9` cannot be used"), "{said}");
    let output = desk.command(&["rules", "try", "qx", &format!("{file}.gone")]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot read"), "{output:?}");
}

#[test]
fn everything_that_may_have_to_be_written_can_be() {
    let mut config = Config::embedded(std::path::Path::new(""));
    for second_level in [None, Some("druga.linia@hezo.example".to_string())] {
        config.second_level_address = second_level;
        let site = office::site(&config).expect("the rules compile");
        assert_eq!(rehearsal::rehearse(&site, story::moment("2026-11-23 09:05")), [""; 0]);
    }
}

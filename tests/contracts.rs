//! Contracts on file: versions of the list in the store, and the built program's commands beside its
//! service.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::story::{Desk, Sent, moment, to};
use hezo_intake::config::Config;
use hezo_intake::contracts::file::BadList;
use hezo_intake::contracts::import::{self, Difference, Outcome};
use hezo_intake::desk::contract::{Contract, Excerpt, look_up_key};
use hezo_intake::desk::plan::Plans;
use hezo_intake::office;
use hezo_intake::store::{ContractKeys, Counts, ListVersion, Question, Store};
use serde_json::{Value, json};
use tempfile::TempDir;

const HEAD: &str = "contract,nip,customer,plan,window,delivery,valid_from,valid_to,serials,senders\n";

const FIRST: &str = "\
UM/118/2024,7012345671,Nordic Sample AB,AHB,24x7,8h,2024-01-01,2029-12-31,1821P-00467;1821P-00471,@nordic.example
HEZO/QSP/2025/00417,9946900604,Fabryka Wzorcowa,SOS,8x5,NBD,2025-03-01,2028-02-29,B824100317,@fabryka.example
HEZO/QSP/2020/00001,9946900604,Fabryka Wzorcowa,SOS,24x7,8h,2020-03-01,2022-02-28,B800000001,@fabryka.example;it@fabryka.example
";

/// The first line is renewed and has another device; the second stays; the third is gone; one is new.
const SECOND: &str = "\
UM/118/2024,7012345671,Nordic Sample AB,AHB,24x7,8h,2024-01-01,2032-12-31,1821P-00471;1821P-00500,@nordic.example
HEZO/QSP/2025/00417,9946900604,Fabryka Wzorcowa,SOS,8x5,NBD,2025-03-01,2028-02-29,B824100317,@fabryka.example
HEZO-AHB-8X5-10377,5250001233,Szpital Przykładowy,AHB,8x5,NBD,2025-03-01,2028-02-29,FGT60FTK21037752,@szpital.example
";

fn plans() -> Plans {
    office::plans(&Config::embedded(Path::new(""))).expect("the built-in plans")
}

/// A state directory and lists beside it.
struct Office(TempDir);

impl Office {
    fn new() -> Office {
        Office(tempfile::tempdir().expect("a folder"))
    }

    fn state(&self) -> PathBuf {
        self.0.path().join("state")
    }

    fn list(&self, lines: &str) -> PathBuf {
        let path = self.0.path().join("list.csv");
        fs::write(&path, [HEAD, lines].concat()).expect("a list");
        path
    }

    fn import(&self, lines: &str, at: &str) -> anyhow::Result<Outcome> {
        import::import(&self.state(), &self.list(lines), &plans(), moment(at))
    }

    fn imported(&self, lines: &str, at: &str) -> ListVersion {
        match self.import(lines, at).expect("a good list") {
            Outcome::Imported(list) => list,
            Outcome::Known(list) => panic!("known as {list:?}"),
        }
    }

    fn store(&self) -> Store {
        Store::open_to_read(&self.state()).expect("the database")
    }

    /// What the newest version says about these numbers and this sender.
    fn ask(&self, numbers: &[&str], sender: &str) -> Excerpt {
        let keys = numbers.iter().map(|number| look_up_key(number)).collect();
        let question = Question::new(keys, &[sender], moment("2026-04-15 12:00"));
        self.store().read(|store| store.on_file(&question)).expect("an answer")
    }

    fn numbers(&self, at: &str) -> BTreeSet<String> {
        let mut numbers = BTreeSet::new();
        let read = self.store().read(|store| {
            let Some(list) = store.contract_list_at(moment(at))? else { return Ok(()) };
            store.contracts(list.version, 100, |contract| {
                numbers.insert(contract.number);
                Ok(())
            })
        });
        read.expect("the contracts");
        numbers
    }
}

fn names(excerpt: &Excerpt) -> BTreeSet<&str> {
    excerpt.into_iter().map(|contract| contract.number.as_str()).collect()
}

fn set<'a, T: Ord + From<&'a str>>(names: &[&'a str]) -> BTreeSet<T> {
    names.iter().map(|name| T::from(name)).collect()
}

#[test]
fn every_import_is_a_version_and_the_old_ones_can_still_be_told() {
    let office = Office::new();
    let first = office.imported(FIRST, "2026-04-01 08:00");
    assert_eq!((first.version, first.counts), (1, Counts { added: 3, ..Counts::default() }));
    assert_eq!(office.import(FIRST, "2026-04-02 08:00").expect("known"), Outcome::Known(first));
    let second = office.imported(SECOND, "2026-05-01 08:00");
    assert_eq!(second.version, 2);
    assert_eq!(second.counts, Counts { added: 1, changed: 1, gone: 1, unchanged: 1 });
    let third = office.imported(FIRST, "2026-06-01 08:00");
    assert_eq!(third.counts, Counts { added: 1, changed: 1, gone: 1, unchanged: 1 });

    let (old, new) = (
        ["HEZO/QSP/2020/00001", "HEZO/QSP/2025/00417", "UM/118/2024"],
        ["HEZO-AHB-8X5-10377", "HEZO/QSP/2025/00417", "UM/118/2024"],
    );
    assert_eq!(office.numbers("2026-03-31 23:59"), set(&[]));
    assert_eq!(office.numbers("2026-04-15 12:00"), set(&old));
    assert_eq!(office.numbers("2026-05-01 08:00"), set(&new));
    assert_eq!(office.numbers("2026-05-31 12:00"), set(&new));
    assert_eq!(office.numbers("2026-06-01 12:00"), set(&old));

    let valid_to = |version| {
        let found = office.store().read(|store| store.contract("UM/118/2024", version)).expect("an answer");
        found.map(|(_, contract)| contract.valid_to.to_string())
    };
    assert_eq!([valid_to(1), valid_to(2), valid_to(3)].map(Option::unwrap), ["2029-12-31", "2032-12-31", "2029-12-31"]);
    let turns = |number: &str| -> Vec<(u32, bool)> {
        let history = office.store().read(|store| store.contract_history(number)).expect("a history");
        history.iter().map(|(list, on_file)| (list.version, *on_file)).collect()
    };
    assert_eq!(turns("UM/118/2024"), [(1, true), (2, true), (3, true)]);
    assert_eq!(turns("HEZO/QSP/2025/00417"), [(1, true)]);
    assert_eq!(turns("HEZO-AHB-8X5-10377"), [(2, true), (3, false)]);
    assert_eq!(turns("HEZO/QSP/2020/00001"), [(1, true), (2, false), (3, true)]);
}

#[test]
fn a_bad_list_changes_nothing() {
    let office = Office::new();
    office.imported(FIRST, "2026-04-01 08:00");
    let bad = SECOND.replace("5250001233", "525");
    let refused = office.import(&bad, "2026-05-01 08:00").expect_err("a bad line");
    let faults = refused.downcast::<BadList>().expect("faults of the list").faults;
    assert_eq!(faults.iter().map(ToString::to_string).collect::<Vec<_>>(), ["line 4, column nip: is not ten digits"]);
    let refused = office.import("", "2026-05-01 08:00").expect_err("an empty list").to_string();
    assert!(refused.contains("holds no contract, and 3 are on file"), "{refused}");
    assert_eq!(office.ask(&["UM/118/2024"], "").version, Some(1));
    assert_eq!(office.imported(SECOND, "2026-05-01 08:00").version, 2);
}

#[test]
fn what_an_unfinished_import_wrote_never_counts() {
    let office = Office::new();
    office.imported(FIRST, "2026-04-01 08:00");
    let cut_short = || {
        let mut store = Store::open_to_import(&office.state()).expect("the database").expect("no other import");
        let written = store.write(|store| {
            let (id, before) = store.contract("UM/118/2024", 1)?.expect("is on file");
            store.end_contract(2, id)?;
            let serials = vec!["LEFT-0001".to_string()];
            let changed = Contract { customer: "Half".to_string(), serials, ..before.clone() };
            let added = Contract { number: "LEFT/1".to_string(), ..before };
            let mut keys = ContractKeys::default();
            for contract in [changed, added] {
                keys.add(&contract, store.add_contract(2, &contract)?);
            }
            store.add_contract_keys(&keys.numbers)?;
            store.add_contract_senders(&keys.senders)
        });
        written.expect("rows");
    };
    cut_short();
    let check = |version| {
        let asked = office.ask(&["UM/118/2024", "LEFT/1", "LEFT-0001", "1821P-00471"], "");
        assert_eq!((asked.version, names(&asked)), (Some(version), set(&["UM/118/2024"])));
        let [contract] = asked.contracts.as_slice() else { panic!("{asked:?}") };
        assert_eq!((contract.customer.as_str(), contract.serials.len()), ("Nordic Sample AB", 1));
    };
    check(1);
    // Twice, so that what was set aside once is met again.
    cut_short();
    let second = office.imported(SECOND, "2026-05-01 08:00");
    assert_eq!(second.counts, Counts { added: 1, changed: 1, gone: 1, unchanged: 1 });
    check(2);
    assert_eq!(office.numbers("2026-04-15 12:00").len(), 3);
}

#[test]
fn one_import_and_one_service_at_a_time_but_both_together() {
    let office = Office::new();
    let importing = Store::open_to_import(&office.state()).expect("the database");
    assert!(importing.is_some(), "before the first start of the service the import makes the database");
    assert!(Store::open_to_import(&office.state()).expect("the database").is_none(), "a second import waits");
    let mut service = Store::open(&office.state()).expect("a service beside the import");
    let second = Store::open(&office.state()).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(second.contains("another hezo-intake holds"), "{second}");
    drop(importing);
    office.imported(FIRST, "2026-04-01 08:00");
    let list = service.read(|store| store.contract_list()).expect("an answer");
    assert_eq!(list.map(|list| list.version), Some(1), "the service sees it without a restart");
    let again = Store::open(&office.state()).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(again.contains("another hezo-intake holds"), "an import takes no service's lock away: {again}");
}

#[test]
fn contracts_are_found_by_number_look_alike_sender_and_tax_number() {
    let office = Office::new();
    assert_eq!(office.import(FIRST, "2026-04-01 08:00").map(|_| ()).ok(), Some(()));
    let found = |numbers: &[&str], sender: &str| -> Vec<(String, Vec<String>)> {
        let asked = office.ask(numbers, sender);
        asked.contracts.into_iter().map(|contract| (contract.number, contract.serials)).collect()
    };
    let (nordic, fabryka, old) = ("UM/118/2024", "HEZO/QSP/2025/00417", "HEZO/QSP/2020/00001");
    let none: [&str; 0] = [];
    let check = |numbers: &[&str], sender: &str, expected: &[(&str, &[&str])]| {
        let expected: BTreeSet<(String, Vec<String>)> = expected
            .iter()
            .map(|(number, serials)| (number.to_string(), serials.iter().map(ToString::to_string).collect()))
            .collect();
        assert_eq!(found(numbers, sender).into_iter().collect::<BTreeSet<_>>(), expected, "{numbers:?} {sender}");
    };
    check(&["UM/118/2024"], "", &[(nordic, &none)]);
    check(&["um-118-2o24"], "", &[(nordic, &none)]);
    check(&["I82IP-OO467", "1821P00471"], "", &[(nordic, &["1821P-00467", "1821P-00471"])]);
    check(&["1821P-00467", "1821P-00467"], "", &[(nordic, &["1821P-00467"])]);
    check(&["1821P-00468"], "", &[]);
    check(&[], "Anna@Nordic.Example", &[(nordic, &none)]);
    check(&[], "it@fabryka.example", &[(fabryka, &none), (old, &none)]);
    check(&[], "it@sub.fabryka.example", &[]);
    check(&["994-690-06-04"], "", &[(fabryka, &none), (old, &none)]);
    check(&["PL 994-690-06-04", "B824100317"], "", &[(fabryka, &["B824100317"]), (old, &none)]);
    check(&[], "", &[]);
}

#[test]
fn of_a_resellers_thousand_contracts_the_strictest_active_ones_are_found() {
    let office = Office::new();
    let line = |at: usize| {
        let window = if at == 700 { "24x7" } else { "8x5" };
        let years = if at < 500 { "2019-01-01,2020-01-01" } else { "2025-01-01,2028-01-01" };
        format!("R/{at},1111111111,K,AHB,{window},NBD,{years},S{at:05},@reseller.example;a{at}@k.example\n")
    };
    office.imported(&(0..1_000).map(line).collect::<String>(), "2026-04-01 08:00");
    let asked = office.ask(&[], "boss@reseller.example");
    assert!(names(&asked).contains("R/700"));
    let active = |contract: &&Contract| contract.valid_to.year() == 2028;
    assert_eq!(asked.into_iter().filter(active).count(), 20);
    assert!(asked.contracts.len() <= 40, "{}", asked.contracts.len());
    let asked = office.ask(&["S00007"], "boss@reseller.example");
    assert_eq!(asked.contract("R/7").map(|contract| contract.serials.as_slice()), Some(&["S00007".to_string()][..]));
}

#[test]
fn a_comparison_tells_the_difference_field_by_field() {
    let office = Office::new();
    let compare = |lines: &str| {
        let mut told = Vec::new();
        let counts = import::compare(&office.state(), &office.list(lines), &plans(), &mut |difference| {
            told.push(match difference {
                Difference::Added(contract) => format!("added {}", contract.number),
                Difference::Gone(contract) => format!("gone {}", contract.number),
                Difference::Changed(contract, changes) => format!("{} {}", contract.number, json!(changes)),
            });
            Ok(())
        });
        (told, counts.expect("a good list"))
    };
    assert_eq!(compare(FIRST).1, Counts { added: 3, ..Counts::default() });
    assert!(!office.state().exists(), "nothing is made");
    office.imported(FIRST, "2026-04-01 08:00");
    let (told, counts) = compare(SECOND);
    assert_eq!(counts, Counts { added: 1, changed: 1, gone: 1, unchanged: 1 });
    let changes = json!([
        { "column": "valid_to", "before": ["2029-12-31"], "after": ["2032-12-31"] },
        { "column": "serials", "before": ["1821P-00467"], "after": ["1821P-00500"] },
    ]);
    let expected =
        [format!("UM/118/2024 {changes}"), "added HEZO-AHB-8X5-10377".into(), "gone HEZO/QSP/2020/00001".into()];
    assert_eq!(told, expected);
    assert_eq!(office.ask(&["UM/118/2024"], "").version, Some(1), "nothing changed");
}

const REQUEST: &str = "\
From: Ingrid Sample <ingrid@nordic.example>
To: pomoc@myhezo.example
Subject: Switch down
Message-ID: <1@nordic.example>

Hello, the switch 1821P-00467 does not start. Contract no. UM/118/2024.
";

/// The same request again, as another mail.
fn again(number: usize) -> String {
    REQUEST.replace("<1@", &format!("<{number}@")).replace("Switch down", &format!("Switch down {number}"))
}

fn write_list(desk: &Desk, lines: &str) -> PathBuf {
    let path = desk.dir().join("contracts.csv");
    fs::write(&path, [HEAD, lines].concat()).expect("a list");
    path
}

fn import_by_command(desk: &Desk, list: &Path, at: &str) -> Value {
    let now = moment(at).to_string();
    desk.json(&["contracts", "import", &list.display().to_string(), "--json", "--now", &now]).remove(0)
}

fn findings(ticket: &Value) -> Vec<&str> {
    let findings = ticket["entitlement"]["named"][0]["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    findings.iter().filter_map(|finding| finding["finding"].as_str()).collect()
}

#[test]
fn the_contract_chooses_the_window_and_is_shown_to_engineers_alone() {
    let desk = Desk::new();
    // Without a list nothing is said about entitlement, and the window is 8x5: Saturday waits for Monday.
    let sent = desk.mail("2026-11-21 12:00", REQUEST);
    let without = to(&sent, "anna@hezo.example");
    assert!(!without.text().contains("Umowa UM/118/2024"), "{}", without.text());
    let ticket = desk.ticket(without.ticket());
    assert_eq!(ticket["clocks"][0]["due"], "2026-11-23T09:00:00Z");
    assert_eq!(ticket["entitlement"], Value::Null);

    import_by_command(&desk, &write_list(&desk, FIRST), "2026-11-21 13:00");
    let sent = desk.mail("2026-11-21 14:00", &again(2));
    let notice = to(&sent, "anna@hezo.example");
    for words in [
        "Umowa UM/118/2024: czynna do 2029-12-31 – AHB, okno 24x7, dostawa 8h (Nordic Sample AB)",
        "Okno umowne: 24x7, dostawa 8h, według umowy UM/118/2024",
    ] {
        assert!(notice.text().contains(words), "{words} in {}", notice.text());
    }
    assert_eq!(desk.ticket(notice.ticket())["clocks"][0]["due"], "2026-11-21T14:00:00Z");
    let ack = to(&sent, "ingrid@nordic.example");
    for registry in ["Nordic Sample AB", "2029-12-31", "2024-01-01", "7012345671", "24x7", "8h", "AHB", "00471"] {
        assert!(!ack.raw.contains(registry) && !ack.text().contains(registry), "{registry} in {}", ack.text());
    }

    // Another who names the same contract: taken on all the same. (Nobody is reminded of the first yet.)
    let stranger = again(3).replace("ingrid@nordic.example", "eve@stranger.example").replace("00467", "00999");
    let sent = desk.mail("2026-11-21 14:10", &stranger);
    let notice = to(&sent, "anna@hezo.example");
    let words =
        "Umowa UM/118/2024: czynna do 2029-12-31; nie obejmuje numeru seryjnego 1821P-00999; nie wskazuje nadawcy";
    assert!(notice.text().contains(words), "{}", notice.text());
    let ticket = desk.ticket(notice.ticket());
    assert_eq!(findings(&ticket), ["active", "serial-not-under-contract", "sender-not-named"]);
    assert_eq!(ticket["clocks"][0]["due"], "2026-11-21T14:10:00Z");
    let ack = to(&sent, "eve@stranger.example");
    assert!(!ack.text().contains("Nordic") && !ack.text().contains("2029"), "{}", ack.text());

    // A tax number proposes the company's contracts.
    let nip = again(4).replace("ingrid@nordic.example", "a@stranger.example").replace("UM/118/2024", "unknown");
    let nip = nip.replace("1821P-00467", "is broken").replace("Contract no.", "NIP 701-234-56-71, contract");
    let sent = desk.mail("2026-11-21 14:20", &nip);
    let words = "Może umowa UM/118/2024 (NIP 7012345671): czynna do 2029-12-31";
    assert!(to(&sent, "anna@hezo.example").text().contains(words), "{}", to(&sent, "anna@hezo.example").text());
    assert!(!to(&sent, "a@stranger.example").text().contains("UM/118/2024"));
}

#[test]
fn the_day_on_which_the_customer_wrote_decides() {
    let desk = Desk::new();
    let last_day = FIRST.replace("2029-12-31", "2026-11-20");
    import_by_command(&desk, &write_list(&desk, &last_day), "2026-11-01 08:00");
    for (number, arrives, expected) in [
        (1, "2026-11-20 23:59", "active"),
        (2, "2026-11-21 00:00", "expired"),
        (3, "2023-12-31 23:59", "not-yet-valid"),
        (4, "2024-01-01 00:00", "active"),
    ] {
        let sent = desk.mail(arrives, &again(number));
        let ticket = desk.ticket(to(&sent, "anna@hezo.example").ticket());
        assert_eq!(findings(&ticket), [expected], "{arrives}");
    }
    // Sent on the last day, and the desk was down until the next.
    desk.receive("2026-11-20 23:58", &again(5));
    desk.run("2026-11-21 07:00");
    let sent = desk.sent();
    let notice: Vec<&Sent> =
        sent.iter().filter(|mail| mail.to() == "anna@hezo.example" && mail.text().contains("Switch down 5")).collect();
    assert!(notice.iter().any(|mail| mail.text().contains("czynna do 2026-11-20")), "{notice:?}");
}

#[test]
fn what_was_on_file_when_a_mail_came_can_still_be_told() {
    let desk = Desk::new();
    import_by_command(&desk, &write_list(&desk, FIRST), "2026-04-01 08:00");
    let sent = desk.mail("2026-04-15 12:00", REQUEST);
    let number = to(&sent, "anna@hezo.example").ticket().to_string();
    let ticket = desk.ticket(&number);
    assert_eq!((findings(&ticket), &ticket["entitlement_at_opening"]), (vec!["active"], &Value::Null));
    import_by_command(&desk, &write_list(&desk, SECOND), "2026-05-01 08:00");
    let ticket = desk.ticket(&number);
    assert_eq!(findings(&ticket), ["active", "serial-not-under-contract"]);
    assert_eq!(
        ticket["entitlement_at_opening"]["named"][0]["findings"],
        json!([{ "finding": "active", "until": "2029-12-31" }])
    );

    let show =
        |number: &str, at: &[&str]| desk.json(&[&["contracts", "show", number, "--json"], at].concat()).remove(0);
    assert_eq!(show("UM/118/2024", &[])["valid_to"], "2032-12-31");
    assert_eq!(show("um-118-2024", &["--at", "2026-04-15T12:00"])["valid_to"], "2029-12-31");
    let history = show("UM/118/2024", &[])["history"].clone();
    assert_eq!(history.as_array().map(Vec::len), Some(2), "{history}");
    let numbers = |at: &[&str]| -> BTreeSet<String> {
        let lines = desk.json(&[&["contracts", "list", "--json"], at].concat());
        lines.iter().filter_map(|line| Some(line["contract"].as_str()?.to_string())).collect()
    };
    assert!(numbers(&["--at", "2026-04-30T23:59:59+02:00"]).contains("HEZO/QSP/2020/00001"));
    assert!(!numbers(&[]).contains("HEZO/QSP/2020/00001"));
    for (arguments, complaint) in [
        (vec!["contracts", "show", "HEZO/QSP/2020/00001"], "no contract HEZO/QSP/2020/00001 is on file in version 2"),
        (vec!["contracts", "list", "--at", "2026-03-01"], "no list of contracts was on file at 2026-03-01 00:00"),
        (vec!["contracts", "list", "--at", "yesterday"], "yesterday is no time such as"),
    ] {
        let output = desk.command(&arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(complaint), "{said}");
        assert_eq!(output.status.code(), Some(2), "{said}");
    }
    for arguments in [vec!["contracts", "list"], vec!["contracts", "show", "UM/118/2024"]] {
        let output = desk.command(&arguments);
        assert!(String::from_utf8_lossy(&output.stdout).contains("2032-12-31"));
    }
}

#[test]
fn the_command_names_every_bad_line_and_tells_a_difference_without_making_it() {
    let desk = Desk::new();
    let bad = write_list(&desk, &FIRST.replace("SOS,8x5", "GOLD,9x6").replace("2029-12-31", "soon"));
    let output = desk.command(&["contracts", "import", &bad.display().to_string()]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines: Vec<&str> =
        said.lines().filter_map(|line| line.split_once("contracts.csv: ").map(|(_, fault)| fault)).collect();
    let expected = [
        "line 2, column valid_to: is not a date such as 2026-04-30",
        "line 3, column plan: is none of the plans AHB, ALLCARE, COCARE, NONE, SOS",
        "line 3, column window: is none of the windows: 24x7, 8x5, 9x5",
    ];
    assert_eq!(lines, expected);

    import_by_command(&desk, &write_list(&desk, FIRST), "2026-04-01 08:00");
    let list = write_list(&desk, SECOND).display().to_string();
    let told = desk.json(&["contracts", "import", &list, "--dry-run", "--json"]);
    let kinds: Vec<&str> = told.iter().filter_map(|line| line["difference"].as_str()).collect();
    assert_eq!(kinds, ["changed", "added", "gone"]);
    assert_eq!(told.last(), Some(&json!({ "added": 1, "changed": 1, "gone": 1, "unchanged": 1 })));
    let output = desk.command(&["contracts", "import", &list, "--dry-run"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    for words in [
        "changed  UM/118/2024",
        "valid_to: 2029-12-31 → 2032-12-31",
        "serials: without 1821P-00467, with 1821P-00500",
        "gone     HEZO/QSP/2020/00001: SOS 24x7 8h, 2020-03-01 to 2022-02-28, 1 serials, 2 senders",
        "an import would change: 1 added, 1 changed, 1 gone, 1 as they were",
    ] {
        assert!(said.contains(words), "{words} in {said}");
    }
    assert_eq!(desk.json(&["contracts", "show", "UM/118/2024", "--json"])[0]["version"], 1);
}

/// The program as a service; it ends with the value.
struct Service(Child);

impl Service {
    fn start(desk: &Desk) -> Service {
        let settings = desk.dir().join("settings.toml");
        let mut command = Command::new(env!("CARGO_BIN_EXE_hezo-intake"));
        command.arg("run").arg("--config").arg(settings).env_remove("RUST_LOG").stderr(Stdio::null());
        Service(command.spawn().expect("the program"))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until `look` finds something.
#[track_caller]
fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(60) {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{what} did not happen");
}

/// The ticket with this subject, once there is one.
fn ticket(desk: &Desk, subject: &str) -> Value {
    let number = wait("the ticket", || {
        let output = desk.command(&["tickets", "list", "--json"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let tickets = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        tickets.into_iter().find(|ticket| ticket["subject"] == subject)
    });
    desk.ticket(number["ticket"].as_str().expect("a number"))
}

#[test]
fn an_import_beside_the_running_service_counts_from_the_next_mail_on() {
    let desk = Desk::new();
    let _service = Service::start(&desk);
    let now = || jiff::Timestamp::now().to_string();
    wait("the database", || Store::exists(&desk.dir().join("state")).then_some(()));
    desk.receive(&now(), &again(1));
    assert_eq!(ticket(&desk, "Switch down 1")["entitlement"], Value::Null);

    let list = write_list(&desk, FIRST);
    let output = desk.command(&["contracts", "import", &list.display().to_string()]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(said, "version 1: 3 added, 0 changed, 0 gone, 0 as they were\n");
    desk.receive(&now(), &again(2));
    let second = ticket(&desk, "Switch down 2");
    assert_eq!(findings(&second), ["active"]);
    assert!(second["clocks"][0]["explanation"].as_str().is_some_and(|steps| steps.contains("24x7")), "{second}");
    assert_eq!(second["numbers"][0]["on_file"], true);

    let second_service = desk.command(&["run", "--once"]);
    let said = String::from_utf8_lossy(&second_service.stderr).into_owned();
    assert!(!second_service.status.success() && said.contains("another hezo-intake holds"), "{said}");
}

#[test]
fn the_list_that_the_configuration_names_is_imported_at_the_start_and_when_it_changes() {
    let desk = Desk::with("contracts = '{dir}/contracts.csv'", "");
    let list = write_list(&desk, FIRST);
    let version = || desk.json(&["contracts", "show", "HEZO/QSP/2025/00417", "--json"])[0]["version"].clone();
    desk.run("2026-04-01 08:00");
    assert_eq!(version(), 1);
    desk.run("2026-04-02 08:00");
    assert_eq!(version(), 1, "the same list is no new version");
    {
        let _service = Service::start(&desk);
        let of_newest = || desk.json(&["contracts", "list", "--json"]).len();
        // A bad list changes nothing, and the service goes on.
        fs::write(&list, [HEAD, "UM/1,x\n"].concat()).expect("a list");
        let one_more = format!("{SECOND}UM/9,1111111111,K,SOS,8x5,NBD,2026-01-01,2026-12-31,,\n");
        fs::write(desk.dir().join("new.csv"), [HEAD, &one_more].concat()).expect("a list");
        fs::rename(desk.dir().join("new.csv"), &list).expect("the list in its place");
        wait("the import", || (of_newest() == 4).then_some(()));
        assert_eq!(version(), 2);
    }
    // A desk that goes on with yesterday's contracts serves customers better than none.
    fs::write(&list, [HEAD, "UM/1,secret\n"].concat()).expect("a list");
    let output = desk.run("2026-05-01 08:00");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("the old one stays in force") && !said.contains("secret"), "{said}");
    assert_eq!(version(), 2);
    let check = desk.command(&["check", "--offline"]);
    let said = String::from_utf8_lossy(&check.stderr).into_owned();
    assert!(said.contains("contracts.csv: line 2: 2 values where the head names 10 columns"), "{said}");
    assert_eq!(check.status.code(), Some(2));
}

#[test]
fn without_any_list_on_file_a_bad_one_stops_the_start() {
    let desk = Desk::with("contracts = '{dir}/contracts.csv'", "");
    fs::write(desk.dir().join("contracts.csv"), [HEAD, "UM/1,x\n"].concat()).expect("a list");
    let output = desk.command(&["run", "--once"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("contracts.csv: line 2: 2 values where the head names 10 columns"), "{said}");
}

#[test]
fn a_database_of_another_version_is_left_alone() {
    let office = Office::new();
    office.imported(FIRST, "2026-04-01 08:00");
    let file = rusqlite::Connection::open(office.state().join("desk.sqlite")).expect("the database");
    file.pragma_update(None, "user_version", 99).expect("a version");
    drop(file);
    for refused in [
        office.import(SECOND, "2026-05-01 08:00").map(|_| ()),
        Store::open(&office.state()).map(|_| ()),
        Store::open_to_read(&office.state()).map(|_| ()),
    ] {
        let said = refused.expect_err("another version").to_string();
        assert!(said.contains("has schema 99, this program has"), "{said}");
    }
}

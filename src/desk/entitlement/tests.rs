use super::*;
use crate::desk::contract::Contract;

/// A list with contracts of two companies and a reseller.
const LIST: &str = "\
HEZO/1|1111111111|SOS|8x5|NBD|2025-01-01|2026-12-31|A1 A2|@k.example
HEZO/2|1111111111|AHB|24x7|8h|2026-01-01|2026-06-30|B1|@k.example
HEZO/3|1111111111|AHB|24x7|NBD|2027-01-01|2027-12-31|C1|it@k.example
HEZO/4|2222222222|AHB|24x7|8h|2025-01-01|2027-12-31|D1|@other.example @reseller.example
HEZO/5|2222222222|SOS|8x5|8h|2025-01-01|2027-12-31|D2 A2|@other.example
HEZO/6|2222222222|AHB|8x5|NBD|2020-01-01|2022-12-31|D3|@old.example";

fn excerpt() -> Excerpt {
    let contract = |line: &str| {
        let cells: Vec<&str> = line.split('|').collect();
        let words = |at: usize| cells[at].split_whitespace().map(str::to_string).collect();
        Contract {
            number: cells[0].to_string(),
            nip: cells[1].to_string(),
            customer: "K".to_string(),
            plan: cells[2].to_string(),
            window: WindowName::new(cells[3]),
            delivery: cells[4].parse().expect("a delivery time"),
            valid_from: cells[5].parse().expect("a date"),
            valid_to: cells[6].parse().expect("a date"),
            serials: words(7),
            senders: words(8),
        }
    };
    Excerpt { version: Some(1), contracts: LIST.lines().map(contract).collect() }
}

/// Numbers as `serial A1`, `contract HEZO/1`, `nip 1111111111`; those of a quote begin with `>`.
fn numbers(written: &[&str]) -> Vec<KnownNumber> {
    let number = |text: &&str| {
        let (quoted, text) = text.strip_prefix('>').map_or((false, *text), |text| (true, text));
        let (kind, value) = text.split_once(' ').expect("a kind and a value");
        KnownNumber {
            kind: kind.parse().expect("a kind"),
            value: value.to_string(),
            written: value.to_string(),
            evidence: String::new(),
            quoted,
            on_file: true,
        }
    };
    written.iter().map(number).collect()
}

/// What is said about these numbers, of this sender, on this day; without the promises.
#[track_caller]
fn check(written: &[&str], sender: &str, day: &str, expected: &[&str]) {
    let day = day.parse().expect("a date");
    let entitlement = of(&excerpt(), &numbers(written), Some(sender), day).expect("a list is on file");
    let lines = entitlement.lines().into_iter().map(|line| line.split(" – ").next().unwrap_or_default().to_string());
    assert_eq!(lines.collect::<Vec<_>>(), expected, "{written:?} of {sender} on {day}");
}

const ANNA: &str = "anna@k.example";
const STRANGER: &str = "anna@stranger.example";
const SPRING: &str = "2026-04-15";

#[test]
fn a_named_contract_is_judged() {
    let by_1 = "8x5 NBD: the contract named, HEZO/1";
    let by_2 = "24x7 8h: the contract named, HEZO/2";
    check(&["serial A1", "contract HEZO/1"], ANNA, SPRING, &["HEZO/1: active until 2026-12-31", by_1]);
    check(
        &["serial A1", "contract HEZO/1"],
        STRANGER,
        SPRING,
        &["HEZO/1: active until 2026-12-31; sender not named for this contract", by_1],
    );
    // The first and the last day belong to the contract.
    let late = "perhaps HEZO/1 (it names the sender): active until 2026-12-31";
    check(&["contract HEZO/2"], ANNA, "2026-06-30", &["HEZO/2: active until 2026-06-30", by_2]);
    check(&["contract HEZO/2"], ANNA, "2026-07-01", &["HEZO/2: expired on 2026-06-30", late, by_2]);
    check(&["contract HEZO/2"], ANNA, "2026-01-01", &["HEZO/2: active until 2026-06-30", by_2]);
    check(&["contract HEZO/2"], ANNA, "2025-12-31", &["HEZO/2: not yet valid, from 2026-01-01", late, by_2]);
    check(
        &["serial X9", "contract HEZO/9"],
        STRANGER,
        SPRING,
        &["HEZO/9: contract not on file", "8x5 NBD: no contract speaks"],
    );
}

#[test]
fn several_findings_hold_at_once() {
    check(
        &["serial D1", "serial X9", "contract HEZO/6"],
        STRANGER,
        SPRING,
        &[
            "HEZO/6: expired on 2022-12-31; serial D1 not under this contract; serial X9 not under this contract; \
             sender not named for this contract",
            "perhaps HEZO/4 (serial D1 is under it): active until 2027-12-31",
            "8x5 NBD: the contract named, HEZO/6",
        ],
    );
}

#[test]
fn a_device_under_any_of_the_named_contracts_is_covered() {
    check(
        &["serial A1", "serial B1", "contract HEZO/1", "contract HEZO/2"],
        ANNA,
        SPRING,
        &["HEZO/1: active until 2026-12-31", "HEZO/2: active until 2026-06-30", "24x7 8h: the contract named, HEZO/2"],
    );
    check(
        &["serial D2", "contract HEZO/1", "contract HEZO/9"],
        ANNA,
        SPRING,
        &[
            "HEZO/1: active until 2026-12-31; serial D2 not under this contract",
            "HEZO/9: contract not on file",
            "perhaps HEZO/5 (serial D2 is under it): active until 2027-12-31",
            "perhaps HEZO/2 (it names the sender): active until 2026-06-30",
            "8x5 NBD: the contract named, HEZO/1",
        ],
    );
}

#[test]
fn without_a_contract_on_file_the_strictest_active_one_of_device_or_sender_speaks() {
    check(
        &["serial A2"],
        STRANGER,
        SPRING,
        &[
            "perhaps HEZO/5 (serial A2 is under it): active until 2027-12-31",
            "perhaps HEZO/1 (serial A2 is under it): active until 2026-12-31",
            "8x5 8h: the strictest active contract of the device, HEZO/5",
        ],
    );
    check(
        &["serial A1", "contract HEZO/9"],
        ANNA,
        SPRING,
        &[
            "HEZO/9: contract not on file",
            "perhaps HEZO/1 (serial A1 is under it, it names the sender): active until 2026-12-31",
            "perhaps HEZO/2 (it names the sender): active until 2026-06-30",
            "24x7 8h: the strictest active contract of the sender, HEZO/2",
        ],
    );
    // One that has run out is proposed, and does not speak.
    check(
        &[],
        ANNA,
        "2026-07-01",
        &[
            "perhaps HEZO/1 (it names the sender): active until 2026-12-31",
            "perhaps HEZO/2 (it names the sender): expired on 2026-06-30",
            "8x5 NBD: the strictest active contract of the sender, HEZO/1",
        ],
    );
    check(
        &["serial D3"],
        "boss@old.example",
        SPRING,
        &[
            "perhaps HEZO/6 (serial D3 is under it, it names the sender): expired on 2022-12-31",
            "8x5 NBD: no contract speaks",
        ],
    );
    check(&[], STRANGER, SPRING, &["8x5 NBD: no contract speaks"]);
}

#[test]
fn a_tax_number_proposes_the_contracts_of_its_company() {
    check(
        &["nip 1111111111"],
        STRANGER,
        SPRING,
        &[
            "perhaps HEZO/2 (NIP 1111111111): active until 2026-06-30",
            "perhaps HEZO/1 (NIP 1111111111): active until 2026-12-31",
            "perhaps HEZO/3 (NIP 1111111111): not yet valid, from 2027-01-01",
            "8x5 NBD: no contract speaks",
        ],
    );
    // Nothing to propose where the request is settled, unless the number is another company's.
    let settled = ["serial D1", "contract HEZO/4", "nip 2222222222"];
    let by_4 = "24x7 8h: the contract named, HEZO/4";
    check(&settled, "it@reseller.example", SPRING, &["HEZO/4: active until 2027-12-31", by_4]);
    let other = ["serial D1", "contract HEZO/4", "nip 1111111111"];
    check(
        &other,
        "it@reseller.example",
        SPRING,
        &[
            "HEZO/4: active until 2027-12-31",
            "perhaps HEZO/2 (NIP 1111111111): active until 2026-06-30",
            "perhaps HEZO/1 (NIP 1111111111): active until 2026-12-31",
            "perhaps HEZO/3 (NIP 1111111111): not yet valid, from 2027-01-01",
            by_4,
        ],
    );
}

#[test]
fn what_stands_in_a_quote_counts_where_nothing_is_written_now() {
    check(
        &[">contract HEZO/4", ">serial D1"],
        "it@reseller.example",
        SPRING,
        &["HEZO/4 (quoted): active until 2027-12-31", "24x7 8h: the contract named, HEZO/4"],
    );
    check(
        &["contract HEZO/1", ">contract HEZO/4", ">serial D1", "serial A1"],
        ANNA,
        SPRING,
        &[
            "HEZO/1: active until 2026-12-31",
            "HEZO/4 (quoted): active until 2027-12-31; sender not named for this contract",
            "8x5 NBD: the contract named, HEZO/1",
        ],
    );
}

#[test]
fn the_window_is_that_of_the_terms() {
    let day = SPRING.parse().expect("a date");
    let of = |written: &[&str], sender| window(&excerpt(), &numbers(written), sender, day);
    assert_eq!(of(&["contract HEZO/2"], None), Some(WindowName::new("24x7")));
    assert_eq!(of(&["contract HEZO/1"], Some(ANNA)), Some(WindowName::new("8x5")));
    assert_eq!(of(&["serial X9"], None), None);
    assert_eq!(window(&Excerpt::default(), &numbers(&["contract HEZO/2"]), Some(ANNA), day), None);
}

#[test]
fn without_a_list_nothing_is_said() {
    let day = SPRING.parse().expect("a date");
    assert_eq!(super::of(&Excerpt::default(), &numbers(&["contract HEZO/1"]), Some(ANNA), day), None);
    let empty = Excerpt { version: Some(1), contracts: Vec::new() };
    let said = super::of(&empty, &numbers(&["contract HEZO/1"]), Some(ANNA), day).expect("a list is on file");
    assert_eq!(said.lines(), ["HEZO/1: contract not on file", "8x5 NBD: no contract speaks"]);
}

#[test]
fn a_thousand_contracts_of_one_company_are_counted() {
    let one = excerpt().contracts.remove(3);
    let contracts = (0..1_000).map(|at| Contract { number: format!("R/{at:04}"), ..one.clone() }).collect();
    let on_file = Excerpt { version: Some(1), contracts };
    let day = SPRING.parse().expect("a date");
    let said = super::of(&on_file, &[], Some("it@reseller.example"), day).expect("a list is on file");
    assert_eq!((said.proposed.len(), said.further), (PROPOSALS_MAX, 1_000 - PROPOSALS_MAX));
    let list: Vec<String> = (0..1_000).map(|at| format!("serial X{at}")).collect();
    let list: Vec<&str> = list.iter().map(String::as_str).chain(["contract R/0007"]).collect();
    let said = super::of(&on_file, &numbers(&list), Some("it@reseller.example"), day).expect("a list is on file");
    assert_eq!(said.named.first().map(|named| named.findings.len()), Some(1 + 20));
}

#[test]
fn findings_as_json_keep_their_names() {
    let day = "2026-07-01".parse().expect("a date");
    let said =
        super::of(&excerpt(), &numbers(&["serial X9", "contract HEZO/2", "nip 1111111111"]), Some(STRANGER), day);
    let value = serde_json::to_value(said).expect("JSON");
    let findings = serde_json::json!([
        { "finding": "expired", "on": "2026-06-30" },
        { "finding": "serial-not-under-contract", "serial": "X9" },
        { "finding": "sender-not-named" },
    ]);
    assert_eq!(value["named"][0]["findings"], findings);
    assert_eq!(value["proposed"][0]["because"], serde_json::json!([{ "by": "nip", "value": "1111111111" }]));
    let terms = serde_json::json!({ "window": "24x7", "delivery": "8h", "plan": "AHB", "contract": "HEZO/2", "basis": "named" });
    assert_eq!(value["terms"], terms);
}

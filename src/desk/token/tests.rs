use proptest::prelude::*;

use super::*;

const DESK: &str = "pomoc@desk.example";

/// The lifetime of the tokens here. Days.
const LIFETIME: u16 = 30;

fn keys(seeds: &[u8]) -> TokenKeys {
    let secrets: Vec<[u8; SHORTEST_SECRET]> = seeds.iter().map(|seed| [*seed; SHORTEST_SECRET]).collect();
    TokenKeys::new(secrets.iter().map(<[u8; SHORTEST_SECRET]>::as_slice), LIFETIME).expect("long enough")
}

fn at(moment: &str) -> Timestamp {
    moment.parse().expect("a moment")
}

fn made() -> Timestamp {
    at("2026-11-23T08:40:00Z")
}

fn token(purpose: Purpose, person: &str) -> Token {
    Token { purpose, ticket: "Z26-000123-7".to_string(), person: person.to_string() }
}

fn address() -> String {
    keys(&[1]).reply_address(DESK, &token(Purpose::Engineer, "ak"), made())
}

fn shown(read: Option<Result<Token, Refused>>) -> String {
    match read {
        None => "none".to_string(),
        Some(Err(Refused { purpose, why })) => format!("{why:?} {purpose:?}"),
        Some(Ok(token)) => format!("{:?} {} {}", token.purpose, token.ticket, token.person),
    }
}

/// What `address` is read as with the first key, on the day after it was made.
#[track_caller]
fn check(address: &str, expected: &str) {
    check_with(&[1], "2026-11-24T08:40:00Z", address, expected);
}

#[track_caller]
fn check_with(seeds: &[u8], moment: &str, address: &str, expected: &str) {
    assert_eq!(shown(keys(seeds).read_address(address, at(moment))), expected, "{address} at {moment}");
}

#[test]
fn reply_addresses() {
    let good = address();
    check(&good, "Engineer Z26-000123-7 ak");
    check(&good.to_ascii_uppercase(), "Engineer Z26-000123-7 ak");
    check(&good.replace("pomoc+e", "Pomoc+E"), "Engineer Z26-000123-7 ak");
    check(&good.replace("z26-000123-7", "z26-000124-5"), "Forged Engineer");
    check(&good.replace(".ak.", ".jn."), "Forged Engineer");
    check(&good.replace("@", "0@"), "Forged Engineer");
    check("pomoc+e00000.z26-000123-7.ak.@desk.example", "Forged Engineer");
    check(DESK, "none");
    for no_token in
        ["...", "łódź.z.ą.ę", "newsletter", "e.z26-000123-7", "é00000.a.b.c", "eł0000.a.b.c", "e00!00.a.b.c"]
    {
        check(&format!("pomoc+{no_token}@desk.example"), "none");
    }
    for no_address in ["", "@", "+@"] {
        check(no_address, "none");
    }
}

#[test]
fn no_purpose_passes_for_another() {
    for (purpose, letter) in LETTERS {
        let good = keys(&[1]).reply_address(DESK, &token(purpose, "ak"), made());
        check(&good, &format!("{purpose:?} Z26-000123-7 ak"));
        for (other, other_letter) in LETTERS.into_iter().filter(|(_, other)| *other != letter) {
            check(&good.replace(&format!("+{letter}"), &format!("+{other_letter}")), &format!("Forged {other:?}"));
        }
    }
}

#[test]
fn the_last_day_counts_whole() {
    let good = address();
    for (moment, expected) in [
        ("2026-11-23T08:40:00Z", "Engineer Z26-000123-7 ak"),
        ("2026-12-23T23:59:59Z", "Engineer Z26-000123-7 ak"),
        ("2026-12-24T00:00:00Z", "Expired Engineer"),
        ("2099-01-01T00:00:00Z", "Expired Engineer"),
    ] {
        check_with(&[1], moment, &good, expected);
    }
    let (head, rest) = good.split_once('.').expect("a token");
    let later = format!("{}zzz.{rest}", &head[..head.len() - EXPIRY_LENGTH]);
    check(&later, "none");
    check(&later.replace("zzz", "vvv"), "Forged Engineer");
}

#[test]
fn keys_are_changed_in_turn() {
    let by_old = address();
    let by_new = keys(&[2, 1]).reply_address(DESK, &token(Purpose::Engineer, "ak"), made());
    assert_ne!(by_old, by_new);
    let moment = "2026-11-24T08:40:00Z";
    check_with(&[2, 1], moment, &by_old, "Engineer Z26-000123-7 ak");
    check_with(&[2, 1], moment, &by_new, "Engineer Z26-000123-7 ak");
    check_with(&[1], moment, &by_new, "Forged Engineer");
    check_with(&[2], moment, &by_old, "Forged Engineer");
    let id = |seeds: &[u8]| keys(seeds).message_id("ack", b"cause", "jan@firma.example", "desk.example");
    assert!(keys(&[2, 1]).is_ours(&id(&[1])) && !keys(&[2]).is_ours(&id(&[1])));
    let of_jan = token(Purpose::Customer, &keys(&[1]).person_tag("jan@firma.example"));
    assert!(keys(&[2, 1]).is_for(&of_jan, "Jan@Firma.example"));
    assert!(!keys(&[2, 1]).is_for(&of_jan, "ewa@firma.example"));
    assert!(!keys(&[2]).is_for(&of_jan, "jan@firma.example"));
}

#[test]
fn a_shortened_mac_is_refused() {
    let good = address();
    let (local, domain) = good.split_once('@').expect("an address");
    for kept in 1..MAC_TEXT_LENGTH {
        check(&format!("{}@{domain}", &local[..local.len() - kept]), "Forged Engineer");
    }
}

#[test]
fn every_single_change_is_refused() {
    let good = address();
    let token = good.find('+').expect("a token") + 1..good.find('@').expect("an address");
    for place in token {
        for other in (0x21..0x7f).map(char::from).filter(|&c| c != '@') {
            let changed = format!("{}{other}{}", &good[..place], &good[place + 1..]);
            if !changed.eq_ignore_ascii_case(&good) {
                assert!(!matches!(keys(&[1]).read_address(&changed, made()), Some(Ok(_))), "{changed}");
            }
        }
    }
}

#[test]
fn the_longest_reply_address_fits() {
    let room = LONGEST_LOCAL_PART - TOKEN_WITHOUT_PERSON - 12;
    let desk = format!("{}@desk.example", "d".repeat(room));
    let token =
        Token { purpose: Purpose::Engineer, ticket: "Z26-00000123-7".to_string(), person: "engineer1234".to_string() };
    let address = keys(&[1]).reply_address(&desk, &token, made());
    let (local, _) = address.split_once('@').expect("an address");
    assert_eq!(local.len(), LONGEST_LOCAL_PART, "{address}");
    assert!(local.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'+')), "{address}");
    check(&address, "Engineer Z26-00000123-7 engineer1234");
}

#[test]
fn message_ids() {
    let id_for = |seed: u8, purpose: &str, cause: &[u8], recipient: &str| {
        keys(&[seed]).message_id(purpose, cause, recipient, "Desk.example")
    };
    let id = id_for(1, "ack", b"cause", "jan@firma.example");
    assert!(id.ends_with("@desk.example"), "{id}");
    assert_eq!(id, id_for(1, "ack", b"cause", "jan@firma.example"), "the same on a retry");
    let others = [
        id_for(1, "relay", b"cause", "jan@firma.example"),
        id_for(1, "ack", b"Cause", "jan@firma.example"),
        id_for(1, "ack", b"cause", "ewa@firma.example"),
        id_for(1, "ac", b"kcause", "jan@firma.example"),
    ];
    for other in &others {
        assert_ne!(&id, other);
        assert!(keys(&[1]).is_ours(other), "{other}");
    }
    let ours = [id.clone(), format!("<{id}>"), id.to_ascii_uppercase()];
    ours.iter().for_each(|ours| assert!(keys(&[1]).is_ours(ours), "{ours}"));
    let foreign = [
        id_for(2, "ack", b"cause", "jan@firma.example"),
        id.replace("desk.example", "other.example"),
        format!("a{id}"),
        id.replacen('.', "", 1),
        "20261122.1@firma.example".to_string(),
        "@".to_string(),
        String::new(),
    ];
    foreign.iter().for_each(|foreign| assert!(!keys(&[1]).is_ours(foreign), "{foreign}"));
}

#[test]
fn message_ids_with_a_token() {
    let made_for = |purpose: Purpose| {
        keys(&[1]).message_id_with(&token(purpose, "ak"), made(), "notice", b"cause", "anna@x.example", "desk.example")
    };
    let id = made_for(Purpose::Engineer);
    let read = |id: &str, moment: &str| shown(keys(&[1]).read_message_id(id, at(moment)));
    let next_day = "2026-11-24T08:40:00Z";
    assert_eq!(read(&id, next_day), "Engineer Z26-000123-7 ak");
    assert_eq!(read(&format!("<{}>", id.to_uppercase()), next_day), "Engineer Z26-000123-7 ak");
    assert_eq!(read(&id, "2027-11-24T08:40:00Z"), "Expired Engineer");
    assert_eq!(read(&made_for(Purpose::Customer), next_day), "Customer Z26-000123-7 ak");
    for changed in [
        id.replacen('e', "c", 1),
        id.replace("000123-7", "000124-5"),
        id.replace(".ak.", ".jn."),
        id.replace("desk.example", "other.example"),
        id.replacen("@", "0@", 1),
    ] {
        assert_ne!(changed, id);
        assert!(read(&changed, next_day).starts_with("Forged"), "{changed}");
    }
    assert!(keys(&[1]).is_ours(&id) && !keys(&[2]).is_ours(&id));
    let plain = keys(&[1]).message_id("notice", b"cause", "anna@x.example", "desk.example");
    assert_eq!(read(&plain, next_day), "none");

    // A MAC of one use is no MAC of another.
    let (local, _) = address().split_once('@').map(|(local, domain)| (local.to_string(), domain.len())).expect("two");
    let (_, detail) = local.split_once('+').expect("a token");
    let (said, mac) = detail.rsplit_once('.').expect("a MAC");
    assert!(read(&format!("{said}.beginning.{mac}@desk.example"), next_day).starts_with("Forged"));
}

#[test]
fn a_short_secret_is_refused_and_none_is_printed() {
    let short = [7; SHORTEST_SECRET - 1];
    let good = [7; SHORTEST_SECRET];
    for secrets in [vec![], vec![short.as_slice()], vec![good.as_slice(), short.as_slice()]] {
        assert_eq!(TokenKeys::new(secrets, LIFETIME).err(), Some(SecretTooShort));
    }
    assert!(!format!("{:?}", keys(&[7])).contains("keyed"));
}

proptest! {
    #[test]
    fn round_trip(sequence in 0_u32..10_000_000, person in "[a-z0-9]{1,12}", days in 0_i64..30_000) {
        let ticket = format!("Z26-{sequence:06}-1");
        let token = Token { purpose: Purpose::Customer, ticket, person };
        let at = Timestamp::from_second((FIRST_DAY + days) * 86_400).expect("a moment");
        let address = keys(&[3]).reply_address(DESK, &token, at);
        prop_assert_eq!(keys(&[3]).read_address(&address, at), Some(Ok(token.clone())));
        let id = keys(&[3]).message_id_with(&token, at, "ack", b"cause", "jan@firma.example", "desk.example");
        prop_assert_eq!(keys(&[3]).read_message_id(&id, at), Some(Ok(token)));
    }

    #[test]
    fn foreign_addresses_are_never_ours(address in any::<String>()) {
        prop_assert!(!matches!(keys(&[3]).read_address(&address, made()), Some(Ok(_))));
        prop_assert!(!matches!(keys(&[3]).read_message_id(&address, made()), Some(Ok(_))));
        prop_assert!(!keys(&[3]).is_ours(&address));
    }
}

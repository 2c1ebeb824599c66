//! Header fields: what comes from outside is cleaned or refused before it stands in one.

use std::collections::HashSet;

use super::{ComposeError, refusal};

/// Octets of a Message-ID. Ours have some 80, those of Exchange and Salesforce up to 250.
const MAX_MESSAGE_ID: usize = 500;

/// Octets of the unfolded `References` field. Relays are known to refuse fields above 4,096, so help
/// desks stay below 1,500.
const MAX_REFERENCES: usize = 1500;

/// Characters of a file name; of its extension.
const MAX_FILE_NAME_CHARACTERS: usize = 100;
const MAX_EXTENSION_CHARACTERS: usize = 16;

/// What a file without a usable name is called.
const NAMELESS_FILE: &str = "file";

/// File names that Windows takes for devices, with any extension ("Naming Files, Paths, and
/// Namespaces", Microsoft).
const DEVICES: &[&str] = &[
    "aux", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "con", "lpt1", "lpt2", "lpt3",
    "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9", "nul", "prn",
];

/// A phrase or subject in one line: no control, bidirectional or invisible characters, white space
/// joined, at most so many characters. `=?` is broken up, since many a mail program would decode an
/// encoded word even inside a quoted string.
pub(super) fn clean(text: &str, max_characters: usize) -> String {
    let visible: String =
        text.chars().filter(|c| !is_invisible(*c)).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = visible.split_whitespace().collect::<Vec<_>>().join(" ").replace("=?", "= ?");
    if line.chars().count() <= max_characters {
        return line;
    }
    let kept: String = line.chars().take(max_characters.saturating_sub(1)).collect();
    kept.trim_end().to_string() + "…"
}

/// A file name that no system takes for a path, a device or a hidden file, its extension kept.
pub(super) fn file_name(name: &str) -> String {
    let line = clean(name, usize::MAX);
    let last = line.rsplit(['/', '\\']).find(|part| !part.trim_matches(is_margin).is_empty()).unwrap_or_default();
    let safe: String =
        last.trim_matches(is_margin).chars().map(|c| if "<>:\"|?*".contains(c) { '_' } else { c }).collect();
    let (stem, extension) = match safe.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && extension.chars().count() <= MAX_EXTENSION_CHARACTERS => {
            (stem, format!(".{extension}"))
        }
        _ => (safe.as_str(), String::new()),
    };
    let room = MAX_FILE_NAME_CHARACTERS - extension.chars().count();
    let stem: String = stem.chars().take(room).collect();
    let device = stem.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let mark = if DEVICES.contains(&device.as_str()) { "_" } else { "" };
    match format!("{mark}{}{extension}", stem.trim_end_matches(is_margin)) {
        name if name.is_empty() => NAMELESS_FILE.to_string(),
        name => name,
    }
}

/// An address as it stands between angle brackets: `local@domain`, the local part of dot-separated
/// atoms, characters outside ASCII as RFC 6532 allows. Quoted local parts and domain literals, which
/// no customer has, are refused with all else. Lengths: RFC 5321 section 4.5.3.1.
pub(super) fn address<'a>(field: &str, address: &'a str) -> Result<&'a str, ComposeError> {
    let is_atom = |c: char| {
        c.is_ascii_alphanumeric()
            || "!#$%&'*+-/=?^_`{|}~.".contains(c)
            || (!c.is_ascii() && !c.is_control() && !c.is_whitespace() && !is_invisible(c))
    };
    let is_label = |label: &str| {
        (1..=63).contains(&label.len()) && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
    };
    let (local, domain) = address.rsplit_once('@').ok_or_else(|| refusal(field, "has no address with an @"))?;
    if local.is_empty() || local.len() > 64 || domain.len() > 255 || address.len() > 254 {
        return Err(refusal(field, "has an address that is empty or too long"));
    }
    if !local.chars().all(is_atom) || local.contains("=?") || !domain.split('.').all(is_label) {
        return Err(refusal(field, "has an address with characters that none can have"));
    }
    Ok(address)
}

/// Our own Message-ID: atoms and one `@`, as RFC 5322 section 3.6.4 would have every one.
pub(super) fn own_message_id(id: &str) -> Result<&str, ComposeError> {
    let sides = id.split_once('@');
    let is_whole = sides.is_some_and(|(left, right)| !left.is_empty() && !right.is_empty() && !right.contains('@'));
    if !is_whole || !is_message_id(id) || id.contains(['(', ')', '[', ']', '\\', ',', ';', ':', '"']) {
        return Err(refusal("Message-ID", "is not of the form local@domain"));
    }
    Ok(id)
}

/// Whether somebody's Message-ID can stand between angle brackets: visible ASCII, no angle brackets.
/// More is not asked, since mail programs invent ids of many forms.
pub(super) fn is_message_id(id: &str) -> bool {
    (1..=MAX_MESSAGE_ID).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>'))
}

/// What to write into `References`: the ids, each once, then the parent's. Of a long chain the first
/// and the most recent ones, so that the field stays below [`MAX_REFERENCES`].
pub(super) fn references<'a>(ids: &'a [String], parent: Option<&'a str>) -> Vec<&'a str> {
    let mut seen: HashSet<&str> = parent.into_iter().collect();
    let mut chain: Vec<&str> =
        ids.iter().map(String::as_str).filter(|id| is_message_id(id) && seen.insert(id)).collect();
    chain.extend(parent);

    let octets = |id: &str| id.len() + "<> ".len();
    let Some((first, later)) = chain.split_first() else { return chain };
    let mut room = MAX_REFERENCES.saturating_sub("References: ".len() + octets(first));
    let mut recent = 0;
    for id in later.iter().rev() {
        match room.checked_sub(octets(id)) {
            Some(left) => room = left,
            None => break,
        }
        recent += 1;
    }
    chain.drain(1..chain.len() - recent);
    chain
}

/// Characters that show nothing and only serve to deceive: bidirectional controls (Unicode standard
/// annex 9), zero-width characters, the soft hyphen. The joiners U+200C and U+200D stay, since
/// scripts and emoji need them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// What a file name neither begins nor ends with.
fn is_margin(c: char) -> bool {
    c == '.' || c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cleaned() {
        let check = |text: &str, expected: &str| {
            assert_eq!(clean(text, 20), expected, "{text:?}");
            assert_eq!(clean(expected, 20), expected, "cleaning twice changes nothing");
        };
        check("Awaria Q24", "Awaria Q24");
        check("  a \t b\r\n\r\nc\u{a0}d ", "a b c d");
        check("a\r\nBcc: x@y.example", "a Bcc: x@y.example");
        check("a\0b\u{7f}c\u{85}d\u{2028}e", "a b c d e");
        check("evil\u{202e}fdp\u{2066}.exe\u{200b}\u{feff}", "evilfdp.exe");
        check("=?utf-8?B?QQ==?=", "= ?utf-8?B?QQ== ?=");
        check("=\u{200b}?x", "= ?x");
        check("ąęłżźćńóś ąęłżźćńóś i dalej", "ąęłżźćńóś ąęłżźćńóś…");
        check("\u{1f468}\u{200d}\u{1f469}", "\u{1f468}\u{200d}\u{1f469}");
        check("\r\n", "");
    }

    #[test]
    fn file_names_are_cleaned() {
        let check = |name: &str, expected: &str| {
            assert_eq!(file_name(name), expected, "{name:?}");
            assert_eq!(file_name(expected), expected, "cleaning twice changes nothing");
        };
        check("zdjęcie tabliczki.jpg", "zdjęcie tabliczki.jpg");
        check("../../etc/passwd", "passwd");
        check("C:\\Windows\\logi.txt", "logi.txt");
        check("katalog/", "katalog");
        check("...", "file");
        check("", "file");
        check("/", "file");
        check(".bashrc", "bashrc");
        check("a.txt. . .", "a.txt");
        check("faktura\u{202e}fdp.exe", "fakturafdp.exe");
        check("a\r\nContent-Type: text/html\r\n\r\nb.txt", "html b.txt");
        check("a\0.pht", "a.pht");
        check("a<b>:\"c|d?e*.log", "a_b___c_d_e_.log");
        check("CON.txt", "_CON.txt");
        check("nul", "_nul");
        check("lpt1.tar.gz", "_lpt1.tar.gz");
        check("console.txt", "console.txt");
        check(&("ż".repeat(300) + ".pdf"), &("ż".repeat(96) + ".pdf"));
        check(&("a.".to_string() + &"b".repeat(300)), &("a.".to_string() + &"b".repeat(98)));
    }

    #[test]
    fn addresses_are_right_or_refused() {
        let check = |text: &str, is_right: bool| assert_eq!(address("To", text).is_ok(), is_right, "{text:?}");
        for right in [
            "jan.kowalski@firma.example",
            "o'brien+tag=1@sub.firma.example",
            "a..b.@mobile.example",
            "żółw@żaba.example",
            "root@localhost",
            "x_y@my_host.example",
        ] {
            check(right, true);
        }
        for wrong in [
            "",
            "jan",
            "@firma.example",
            "jan@",
            "jan@.example",
            "jan@firma..example",
            "jan@firma.example.",
            "jan kowalski@firma.example",
            "jan@firma.example>, <evil@x.example",
            "jan@firma.example\r\nBcc: evil@x.example",
            "jan\n@firma.example",
            "jan\0@firma.example",
            "jan\u{85}@firma.example",
            "jan\u{200b}@firma.example",
            "jan,evil@x.example",
            "jan;evil@x.example",
            "a@b@firma.example",
            "\"jan kowalski\"@firma.example",
            "jan(comment)@firma.example",
            "jan@[127.0.0.1]",
            "jan@firma.example RCPT",
            "=?utf-8?Q?x?=@firma.example",
        ] {
            check(wrong, false);
        }
        check(&format!("{}@firma.example", "a".repeat(65)), false);
        check(&format!("a@{}.example", "b".repeat(64)), false);
        check(&format!("a@{}example", "b.".repeat(130)), false);
    }

    #[test]
    fn references_keep_the_first_and_the_most_recent() {
        let ids = |numbers: std::ops::Range<u32>| numbers.map(|n| format!("{n:0>60}@x.example")).collect::<Vec<_>>();
        let check = |given: &[String], parent: Option<&str>, first: &str, last: &str, count: usize| {
            let kept = references(given, parent);
            let octets: usize = kept.iter().map(|id| id.len() + 3).sum();
            assert!(octets + 12 <= MAX_REFERENCES, "{octets}");
            assert_eq!((kept.first().copied(), kept.last().copied()), (Some(first), Some(last)));
            assert_eq!(kept.len(), count);
        };
        let short = ids(0..5);
        check(&short, None, &short[0], &short[4], 5);
        check(&short, Some("p@x.example"), &short[0], "p@x.example", 6);
        check(&short, Some(&short[2]), &short[0], &short[2], 5);
        let long = ids(0..10_000);
        check(&long, Some("p@x.example"), &long[0], "p@x.example", 21);
        let doubled: Vec<String> = short.iter().chain(&short).cloned().collect();
        check(&doubled, None, &short[0], &short[4], 5);
        let wide = ["a".repeat(500), "b".repeat(500)];
        check(&wide, Some(&"c".repeat(400)), &wide[0], &"c".repeat(400), 3);
        check(&wide, Some(&"c".repeat(500)), &wide[0], &"c".repeat(500), 2);
        check(&[], Some("p@x.example"), "p@x.example", "p@x.example", 1);
        let hostile = ["", "a b", "a>\r\nBcc: x", "a<b", "ą@x", "ok", &"x".repeat(501)].map(str::to_string);
        check(&hostile, None, "ok", "ok", 1);
        assert!(references(&[], None).is_empty());
    }

    #[test]
    fn our_message_id_is_atoms_around_an_at_sign() {
        for (id, is_right) in [
            ("Z26-000123-3.ack.5f0c@myhezo.example", true),
            ("", false),
            ("no-at", false),
            ("@x", false),
            ("x@", false),
            ("a@b@c", false),
            ("a b@c", false),
            ("<a@b>", false),
            ("a@[b]", false),
            ("a@b\r\nX: y", false),
            ("ą@b", false),
        ] {
            assert_eq!(own_message_id(id).is_ok(), is_right, "{id:?}");
        }
    }
}

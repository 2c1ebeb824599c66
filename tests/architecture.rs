//! The shape that `src/lib.rs` draws, kept by reading the sources.

use std::fs;
use std::path::{Path, PathBuf};

/// A Rust file below `src`, named from there, without its tests.
struct Source {
    name: String,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    assert!(files.len() > 50, "the sources are found");
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a source");
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_string();
        let name = path.strip_prefix(&root).expect("below src").display().to_string();
        Source { name, text }
    };
    files.into_iter().map(read).filter(|source| !source.name.ends_with("tests.rs")).collect()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            walk(&entry, files);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            files.push(entry);
        }
    }
}

/// Asserts that no file of `part` holds one of the words outside of comments.
fn never(part: &str, words: &[&str], why: &str) {
    let inside = |name: &str| name == format!("{part}.rs") || name.starts_with(&format!("{part}/"));
    let sources: Vec<Source> = sources().into_iter().filter(|source| inside(&source.name)).collect();
    assert!(!sources.is_empty(), "there is no part {part}");
    let mut found = Vec::new();
    for source in &sources {
        for (number, line) in source.text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            found.extend(
                words
                    .iter()
                    .filter(|word| code.contains(*word))
                    .map(|word| format!("src/{}:{}: {word}", source.name, number + 1)),
            );
        }
    }
    assert!(found.is_empty(), "{why}\n{}", found.join("\n"));
}

#[test]
fn the_desk_reaches_for_nothing_outside() {
    let words = [
        "tokio",
        "rusqlite",
        "lettre",
        "async_imap",
        "std::fs",
        "std::net",
        "std::process",
        "std::env",
        "std::time",
        "Timestamp::now",
        "Zoned::now",
        "Instant",
        "fastrand",
        "async fn",
        "println!",
        "tracing",
    ];
    never("desk", &words, "the desk is values in, values out");
}

#[test]
fn the_desk_knows_nothing_of_the_shell() {
    let shell = [
        "crate::store",
        "crate::imap",
        "crate::maildir",
        "crate::mailbox",
        "crate::smtp",
        "crate::intake",
        "crate::outbox",
        "crate::timers",
        "crate::office",
        "crate::service",
        "crate::commands",
        "crate::config",
        "crate::clock",
        "crate::tls",
        "crate::attachments",
        "crate::alarm",
        "crate::alert",
        "crate::outage",
        "crate::metrics",
        "crate::health",
        "crate::pulse",
        "crate::failpoint",
    ];
    never("desk", &shell, "the shell knows the desk, not the other way round");
}

#[test]
fn what_the_decision_uses_does_not_know_it() {
    for part in ["answer", "decision", "facts", "mail", "reading", "reply", "thread", "ticket", "trust"] {
        never(&format!("desk/{part}"), &["decide::"], "the decision stands above its parts");
    }
    never("desk/rules", &["super::answer", "super::reply", "super::text"], "the rule files know nobody who reads them");
}

#[test]
fn mailboxes_sending_and_store_do_not_know_each_other() {
    let loops =
        ["crate::intake", "crate::outbox", "crate::timers", "crate::office", "crate::service", "crate::commands"];
    let others = [
        ("store", ["crate::imap", "crate::maildir", "crate::smtp"]),
        ("imap", ["crate::store", "crate::maildir", "crate::smtp"]),
        ("maildir", ["crate::store", "crate::imap::session", "crate::smtp"]),
        ("smtp", ["crate::store", "crate::imap", "crate::maildir"]),
    ];
    for (part, others) in others {
        never(part, &others, "each of these knows only the values that pass between them");
        never(part, &loops, "the loops know their parts, not the other way round");
    }
}

#[test]
fn one_file_alone_knows_each_library() {
    let homes: [(&str, &[&str]); 5] = [
        ("mail_auth", &["authentication.rs"]),
        ("mail_parser", &["desk/message.rs", "desk/message/"]),
        ("rusqlite", &["store.rs", "store/"]),
        ("async_imap", &["imap.rs", "imap/"]),
        ("minijinja", &["desk/reply/templates.rs"]),
    ];
    let sources = sources();
    for (library, homes) in homes {
        let strangers: Vec<&str> = sources
            .iter()
            .filter(|source| source.text.contains(&format!("{library}::")))
            .map(|source| source.name.as_str())
            .filter(|name| !homes.iter().any(|home| name.starts_with(home)))
            .collect();
        assert!(strangers.is_empty(), "{library} is known outside of {homes:?}: {strangers:?}");
        assert!(sources.iter().any(|source| source.text.contains(&format!("{library}::"))), "{library} is used");
    }
}

#[test]
fn the_map_names_every_module_of_the_desk_and_the_shell() {
    let sources = sources();
    for map in ["lib.rs", "desk.rs"] {
        let text = &sources.iter().find(|source| source.name == map).expect("the map").text;
        let modules = text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
        for module in modules {
            assert!(text.contains(&format!("| [`{module}`] |")), "src/{map} has no line on {module}");
        }
    }
}

#[test]
fn every_test_file_is_part_of_the_binary() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let all = fs::read_to_string(folder.join("all.rs")).expect("the list");
    let names = fs::read_dir(folder).expect("the tests").map(|entry| entry.expect("an entry").file_name());
    let names: Vec<String> = names.filter_map(|name| Some(name.to_str()?.strip_suffix(".rs")?.to_string())).collect();
    let missing = names.iter().filter(|name| *name != "all" && !all.contains(&format!("mod {name};\n")));
    assert_eq!(missing.collect::<Vec<_>>(), [""; 0]);
}

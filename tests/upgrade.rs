//! A database of an earlier schema, with data, is brought up to date; a newer one is refused with words.

use std::fs;

use rusqlite::Connection;

use crate::story::Desk;

const MAIL: &str = "From: Jan <jan@fabryka.example>\nTo: pomoc@myhezo.example\nSubject: Macierz\n\nNie działa.\n";

/// What each step of the schema brought after the first, taken away again, the newest step first.
const STEPS_BACK: [&str; 4] = [
    include_str!("upgrade/back-from-5.sql"),
    include_str!("upgrade/back-from-4.sql"),
    include_str!("upgrade/back-from-3.sql"),
    include_str!("upgrade/back-from-2.sql"),
];

/// The names of all tables, views, indexes and triggers.
fn objects(connection: &Connection) -> Vec<String> {
    let mut select = connection.prepare("SELECT name FROM sqlite_schema ORDER BY name").expect("a statement");
    let names = select.query_map([], |row| row.get(0)).expect("the names");
    names.collect::<Result<_, _>>().expect("the names")
}

fn version(connection: &Connection) -> usize {
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).expect("a version");
    version as usize
}

#[test]
fn a_database_of_each_earlier_schema_keeps_its_data() {
    for steps in 1..=STEPS_BACK.len() {
        let desk = Desk::new();
        desk.mail("2026-11-23 09:00", MAIL);
        let before = desk.tickets();
        let database = desk.dir().join("state/desk.sqlite");
        let connection = Connection::open(&database).expect("the database");
        let (all, present) = (objects(&connection), version(&connection));
        assert_eq!(present, STEPS_BACK.len() + 1, "each step of the schema is tried");
        STEPS_BACK[..steps].iter().for_each(|step| connection.execute_batch(step).expect("a step back"));
        connection.pragma_update(None, "user_version", (present - steps) as u32).expect("the earlier schema");
        drop(connection);
        let refused = desk.command(&["tickets", "list"]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        let expected = format!("has schema {}, this program has {present}", present - steps);
        assert!(!refused.status.success() && said.contains(&expected), "{said}");
        desk.run("2026-11-23 09:05");
        assert_eq!(desk.tickets(), before);
        // What came before the step that brought the search is found, too.
        assert_eq!(desk.json(&["search", "dziala", "--json"]), before);
        let connection = Connection::open(&database).expect("the database");
        assert_eq!((objects(&connection), version(&connection)), (all, present));
    }
}

#[test]
fn a_database_of_a_newer_program_is_refused() {
    let desk = Desk::new();
    desk.mail("2026-11-23 09:00", MAIL);
    let database = desk.dir().join("state/desk.sqlite");
    Connection::open(&database).expect("the database").pragma_update(None, "user_version", 99).expect("a newer schema");
    let before = fs::read(&database).expect("the database");
    let refused = desk.command(&["run", "--once"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("has schema 99") && said.contains("one version"), "{said}");
    assert_eq!(fs::read(&database).expect("the database"), before, "nothing is changed");
}

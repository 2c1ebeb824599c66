//! A database of an earlier schema, with data, is brought up to date; a newer one is refused with words.

use std::fs;

use rusqlite::Connection;

use crate::story::Desk;

const MAIL: &str = "From: Jan <jan@fabryka.example>\nTo: pomoc@myhezo.example\nSubject: Macierz\n\nNie działa.\n";

/// The tables that the second step of the schema brought.
const SECOND: [&str; 5] = ["outage", "chore", "copied", "sent_before", "lost_time"];

#[test]
fn a_database_of_the_first_schema_keeps_its_data() {
    let desk = Desk::new();
    desk.mail("2026-11-23 09:00", MAIL);
    let before = desk.tickets();
    let database = desk.dir().join("state/desk.sqlite");
    {
        let connection = Connection::open(&database).expect("the database");
        for table in SECOND {
            connection.execute_batch(&format!("DROP TABLE {table}")).expect("a table less");
        }
        connection.pragma_update(None, "user_version", 1).expect("the first schema");
    }
    let refused = desk.command(&["tickets", "list"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("has schema 1, this program has 2"), "{said}");
    desk.run("2026-11-23 09:05");
    assert_eq!(desk.tickets(), before);
    let connection = Connection::open(&database).expect("the database");
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).expect("a version");
    assert_eq!(version, 2);
    for table in SECOND {
        connection.execute_batch(&format!("SELECT 1 FROM {table}")).expect("the table");
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

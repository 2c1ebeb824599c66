//! All tests of the program as a whole, in one binary: linking it is what takes long.

mod alarm;
mod answer_cases;
mod answers;
mod architecture;
mod attached_numbers;
mod attachments;
mod attacks;
mod authentication;
mod calendar;
mod compose;
mod contracts;
mod corpus;
mod course;
mod desk_at_work;
mod end_to_end;
mod engineer_attacks;
mod engineers;
mod engineers_at_servers;
mod full_disk;
mod fuzz;
mod health;
mod imap_cuts;
mod imap_dialogues;
mod imap_tls;
mod kills;
mod kinds;
mod ladder;
mod log_privacy;
mod maildir;
mod mutated_answers;
mod name_server;
mod notify;
mod numbers;
mod operator;
mod orders;
mod photographs;
mod promises;
mod restore;
mod rules;
mod servers;
mod stories;
mod story;
mod token;
mod unit;

/// Whether what takes minutes is run to its full length: `tests/run --long`.
const LONG: bool = cfg!(feature = "long");

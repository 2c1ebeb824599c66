//! `hezo-intake`, the mail desk of a hardware service.
//!
//! ```text
//!  mailbox ──▶ intake ──▶ desk::decide ──▶ store ──▶ outbox ──▶ SMTP
//!  (IMAP,      fetch,     pure: values     one       due, send,
//!   Maildir)   keep raw   in, effects out  commit    mark
//!                 ▲            ▲             ▲
//!               timers ────────┴─────────────┘      a clock falls due: decide, commit
//! ```
//!
//! **Ask, think, do.** [`desk::thread::keys`] says what the core wants to know of a mail, the
//! store answers with [`desk::facts::Facts`], [`desk::decide::decide`] thinks, and the store
//! carries the [`desk::decision::Decision`] out in one transaction. Then, and only then, the mail
//! is filed on the server. The core never reads a clock, a socket, a file or a random number.
//!
//! # The map
//!
//! Read [`desk::decide`] next: it tells the whole way of a mail.
//!
//! | Module | What it does |
//! |---|---|
//! | [`desk`] | thinks: pure, values in and values out |
//! | [`intake`] | the loop over a folder: fetch, keep, decide, commit, file |
//! | [`outbox`] | the loop over what leaves: due, send, mark |
//! | [`timers`] | the loop over the rungs of the clocks: due, decide, commit |
//! | [`alert`] | the loop over the alert command: due, run, mark |
//! | [`alarm`] | the loop that tells of outages: once when one begins, once when it is over |
//! | [`service`] | builds the loops, starts and stops them |
//! | [`office`] | what the loops share: rules, contracts, store, clock, bells |
//! | [`mailbox`] | what a folder of mails is to the intake |
//! | [`imap`] | a folder on an IMAP server |
//! | [`maildir`] | a folder of files |
//! | [`attachments`] | text out of attachments and codes out of pictures, in a child process with hard limits |
//! | [`access_token`] | tokens for signing in without a password, asked for ahead of their expiry |
//! | [`authentication`] | verifies the signatures of a mail, asking name servers |
//! | [`right_to_send`] | the loop that keeps the access tokens of sending fresh |
//! | [`smtp`] | sends one mail; answers sent, later, never or unknown |
//! | [`sent_folder`] | looks for a mail of which nobody knows whether it was taken |
//! | [`store`] | the only SQL: facts out, decisions in |
//! | [`contracts`] | the list of contracts: read, compared, imported, watched |
//! | [`config`] | the configuration file, checked, or all its faults at once |
//! | [`commands`] | one file for each command of the operator |
//! | [`tls`] | the protected channel that IMAP and SMTP share |
//! | [`claim`] | keeps two services of one machine from the same mailbox |
//! | [`attempt`] | which mails are being read, and at which the program has ended |
//! | [`backoff`] | how long to wait before the next try |
//! | [`clock`] | the time of day, as something that is handed in |
//! | [`progress`] | how far long work has come, on a terminal or in the log |
//! | [`pulse`] | whether the loops are alive |
//! | [`status`] | where the service stands, in one line |
//! | [`condition`] | how the service is at this moment, written down for `status` |
//! | [`systemd`] | what the service manager is told |
//! | [`outage`] | what does not work at this moment |
//! | [`metrics`] | figures for Prometheus |
//! | [`health`] | the health pages |
//! | [`failpoint`] | where a test lets the program die |
//! | [`log`] | one line an event, without personal data |
//!
//! Direction: `main → commands → service → loops → {imap, maildir, smtp, store} → desk`. Mailboxes, sending
//! and the store never know each other; the desk knows none of them. `tests/architecture.rs` guards this.
//!
//! # Invariants
//!
//! 1. No mail is lost: each UID of a watched folder has exactly one disposition in the journal (opened,
//!    attached, noted, parked, duplicate), and `reconcile` proves it against the server.
//! 2. Nothing is done twice: the same mail seen again, after any crash, changes nothing.
//! 3. The server's copy is filed only after the commit. Mail is fetched with `BODY.PEEK[]`, by UID, under a
//!    recorded UIDVALIDITY.
//! 4. Raw bytes are kept before anything is parsed; parsing never fails.
//! 5. One bad mail parks itself, with its reason; it never stops the rest.
//! 6. Detection of robots stops *answers*, never *intake*.
//! 7. An effect and its outbox row are committed together; a Message-ID is derived, never drawn anew.
//! 8. A promise is never silently missed: every rung of every clock that falls due leaves a trace and tells
//!    whom the ladder names, once, also after an outage.
//! 9. What a sender may do follows from what was proven about the sender, not from what a header claims.
//! 10. Wake-ups (IDLE, bells) are hints; what to do is read from the state.
//! 11. Wrong configuration or a wrong rule stops the start; nothing stops the run.
//! 12. Logs carry no personal data: ids, rule ids, reasons, durations; no address, subject, text or number.

pub mod access_token;
pub mod alarm;
pub mod alert;
pub mod attachments;
pub mod attempt;
pub mod authentication;
pub mod backoff;
pub mod claim;
pub mod clock;
pub mod commands;
pub mod condition;
pub mod config;
pub mod contracts;
pub mod desk;
pub mod failpoint;
pub mod health;
pub mod imap;
pub mod intake;
pub mod log;
pub mod mailbox;
pub mod maildir;
pub mod metrics;
pub mod office;
pub mod outage;
pub mod outbox;
pub mod progress;
pub mod pulse;
pub mod right_to_send;
pub mod sent_folder;
pub mod service;
pub mod smtp;
pub mod status;
pub mod store;
pub mod systemd;
pub mod timers;
pub mod tls;

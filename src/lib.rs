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
//! store answers with [`desk::decide::Facts`], [`desk::decide::decide`] thinks, and the store
//! carries the [`desk::decide::Decision`] out in one transaction. Then, and only then, the mail
//! is filed on the server. The core never reads a clock, a socket, a file or a random number.

pub mod clock;
pub mod config;
pub mod desk;
pub mod mailbox;
pub mod smtp;

//! The desk: pure logic, values in and values out.
//!
//! Nothing below this module reads a clock, a socket, a file or a random number.
//!
//! | Module | What it does |
//! |---|---|
//! | [`decide`] | the whole way of a mail, what people cause, and what to do when a rung is due |
//! | [`mail`] | a mail as the intake hands it over |
//! | [`facts`] | what the store knows about a mail |
//! | [`decision`] | what is to be done, as effects |
//! | [`message`] | raw bytes to our own `Message`; never fails |
//! | `fold` | one spelling for matching |
//! | [`text`] | what this person wrote now; quotes, signature, boilerplate set apart |
//! | [`reading`] | all that a mail says by itself, gathered |
//! | [`classify`] | what kind of mail this is, with the rule that says so |
//! | [`answer`] | what an engineer wrote, cut out and built again for the customer |
//! | [`attachment`] | what an attachment is, and what was read of it |
//! | [`bounce`] | what a delivery report says |
//! | [`forwarded`] | who wrote a mail that somebody passes on |
//! | [`handed_in`] | what an engineer hands in for a customer: a mail passed on, a call by telephone |
//! | [`language`] | in which language the sender wrote |
//! | [`wishes`] | whether the sender asks for escalation in words |
//! | [`command`] | what an engineer orders in the first lines of an answer |
//! | [`extract`] | serial, contract and tax numbers, each with its place |
//! | [`contacts`] | the other ways to a customer |
//! | [`contract`] | contracts on file |
//! | [`entitlement`] | which contract a request is about, and what it promises |
//! | [`budget`] | how many automatic mails may leave |
//! | [`storm`] | many similar requests of one sender become one ticket |
//! | [`calendar`] | service windows, public holidays, due times |
//! | [`parked`] | mails that wait for a person, and why |
//! | [`plan`] | what each plan promises, and the times that follow from it |
//! | [`escalation`] | the ladder: what is done about each clock, and when |
//! | [`figures`] | promises kept and broken over a time, and how each breach came about |
//! | [`thread`] | what to look up for a mail; then which ticket, by the strongest evidence |
//! | [`trust`] | who the sender is, how sure that is, and what the sender may do |
//! | [`token`] | reply tokens and Message-IDs that only the desk can have written |
//! | [`ticket`] | a ticket: states with their table, numbers, clocks with their rungs, entries |
//! | [`ticket_number`] | `Z26-000123-7` and its check digit |
//! | [`reply`] | every mail that we write; the sentences stand in `rules/templates/` |
//! | [`compose`] | typed fields to the bytes of a mail |
//! | [`routing`] | who is told of a ticket: its group, and who is on duty |
//! | [`rules`] | the files of `rules/`, compiled, or refused with file and rule |
//! | [`rehearsal`] | all that may have to be written, written once on examples, for `check` |
//! | [`rulebook`] | all rule files together, as the start and `check` refuse them |
//! | [`telephone`] | telephone numbers in mails, for whoever has to call |
//! | [`engineer`] | somebody who answers customers |
//! | [`site`] | what a site has settled |

pub mod answer;
pub mod attachment;
pub mod bounce;
pub mod budget;
pub mod calendar;
pub mod classify;
pub mod command;
pub mod compose;
pub mod contacts;
pub mod contract;
pub mod decide;
pub mod decision;
pub mod engineer;
pub mod entitlement;
pub mod escalation;
pub mod extract;
pub mod facts;
pub mod figures;
pub(crate) mod fold;
pub mod forwarded;
pub mod handed_in;
pub mod language;
pub mod mail;
pub mod message;
pub mod parked;
pub mod plan;
pub mod reading;
pub mod rehearsal;
pub mod reply;
pub mod routing;
pub mod rulebook;
pub mod rules;
pub mod site;
pub mod storm;
pub mod telephone;
pub mod text;
pub mod thread;
pub mod ticket;
pub mod ticket_number;
pub mod token;
pub mod trust;
pub mod wishes;

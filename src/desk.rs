//! The desk: pure logic, values in and values out.
//!
//! Nothing below this module reads a clock, a socket, a file or a random number.

pub mod bounce;
pub mod calendar;
pub mod classify;
pub mod compose;
pub mod contract;
pub mod decide;
pub mod entitlement;
pub mod extract;
pub mod language;
pub mod message;
pub mod reading;
pub mod reply;
pub mod rules;
pub mod site;
pub mod text;
pub mod thread;
pub mod ticket;
pub mod ticket_number;
pub mod token;
pub mod wishes;

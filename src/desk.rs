//! The desk: pure logic, values in and values out.
//!
//! Nothing below this module reads a clock, a socket, a file or a random number.

pub mod bounce;
pub mod classify;
pub mod language;
pub mod message;
pub mod rules;
pub mod text;
pub mod wishes;

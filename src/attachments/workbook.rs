//! The cells of a workbook, sheet by sheet: a line a row, a tab between cells.

use std::fmt::Write as _;
use std::io::{Cursor, Read};

use calamine::{Data, Reader as _, open_workbook_auto_from_rs};

use crate::desk::attachment::{Contents, Problem};

/// What a workbook may unpack to, in bytes. One with 20,000 devices has some 20 MB.
const MOST_UNPACKED: u64 = 64 << 20;

/// The largest sheet, in cells between its corners: two cells far apart span all between them.
const MOST_CELLS: usize = 2_000_000;

/// Text taken, in bytes, before the rest is left out.
const MOST_TEXT: usize = 2 << 20;

/// Reads every sheet, hidden ones too.
pub(super) fn read(bytes: Vec<u8>) -> Contents {
    if let Err(problem) = check_unpacked(&bytes) {
        return Contents::unread(problem);
    }
    let mut workbook = match open_workbook_auto_from_rs(Cursor::new(bytes)) {
        Ok(workbook) => workbook,
        Err(error) => return Contents::unread(why(&error.to_string())),
    };
    let mut contents = Contents::default();
    for name in workbook.sheet_names() {
        match workbook.worksheet_range(&name) {
            Ok(range) if range.width().saturating_mul(range.height()) > MOST_CELLS => {
                contents.problem = Some(Problem::Cut);
            }
            Ok(range) => {
                for row in range.rows() {
                    if contents.text.len() > MOST_TEXT {
                        return contents;
                    }
                    add_row(&mut contents.text, row);
                }
                contents.text.push('\n');
            }
            Err(error) => contents.problem = Some(why(&error.to_string())),
        }
    }
    contents
}

fn why(error: &str) -> Problem {
    if error.to_ascii_lowercase().contains("password") { Problem::Password } else { Problem::Broken }
}

fn add_row(text: &mut String, row: &[Data]) {
    let last = row.iter().rposition(|cell| !matches!(cell, Data::Empty)).map_or(0, |last| last + 1);
    for (at, cell) in row.iter().take(last).enumerate() {
        if at > 0 {
            text.push('\t');
        }
        let start = text.len();
        let written = match cell {
            // A number of a device that Excel took for one: no exponent, no decimals.
            Data::Float(value) if value.fract() == 0.0 && value.abs() < 1e15 => write!(text, "{value:.0}"),
            Data::DateTime(date) => {
                let (year, month, day, ..) = date.to_ymd_hms_milli();
                write!(text, "{year:04}-{month:02}-{day:02}")
            }
            cell => write!(text, "{cell}"),
        };
        debug_assert!(written.is_ok(), "a string takes all");
        // A break inside a cell is no new row.
        let cell: String = text.drain(start..).collect();
        text.extend(cell.chars().map(|c| if c.is_control() { ' ' } else { c }));
    }
    if last > 0 {
        text.push('\n');
    }
}

/// Unpacks every part of an archive once into nothing: what it says of its own size may be a lie.
fn check_unpacked(bytes: &[u8]) -> Result<(), Problem> {
    if !bytes.starts_with(b"PK") {
        return Ok(());
    }
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|_| Problem::Broken)?;
    let mut left = MOST_UNPACKED + 1;
    for at in 0..archive.len() {
        let part = archive.by_index(at).map_err(|_| Problem::Broken)?;
        let unpacked = std::io::copy(&mut part.take(left), &mut std::io::sink());
        left = left.saturating_sub(unpacked.map_err(|_| Problem::Broken)?);
        if left == 0 {
            return Err(Problem::UnpacksTooFar);
        }
    }
    Ok(())
}

//! The list as the first visible sheet of an XLSX workbook (ECMA-376): the same columns, dates as
//! dates or as ISO text.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx, XlsxError};
use jiff::civil::Date;

use super::LineFault;
use super::line::Lines;
use crate::desk::contract::Cell;

/// What a workbook may unpack to.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Bytes of all parts: a list of 100,000 contracts with 500,000 serials has some 60 MB.
    pub(super) bytes: u64,
    /// Tags in all parts: each may become a string in memory. The same list has some 6 million.
    pub(super) tags: u64,
    /// Parts; those of a list are about ten.
    pub(super) parts: usize,
}

/// The limits of every list.
pub(super) const LIMITS: Limits = Limits { bytes: 256_000_000, tags: 24_000_000, parts: 2_000 };

/// Cells right of this one are not read.
const MOST_COLUMNS: usize = 100;

/// From here on Excel's numbers no longer hold every digit (it keeps fifteen).
const FIRST_INEXACT: f64 = 1e15;

/// Reads the whole sheet.
pub(super) fn read(mut file: File, limits: Limits, lines: &mut Lines) -> anyhow::Result<()> {
    if let Err(message) = check_unpacked(&mut file, limits) {
        lines.fault(LineFault::whole(message));
        return Ok(());
    }
    file.rewind()?;
    // The reader of workbooks is not ours; should a hostile one break it, the list is refused.
    let read = catch_unwind(AssertUnwindSafe(|| read_sheet(file, lines)));
    let message = match read {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(Stop::Given(error))) => return Err(error),
        Ok(Err(Stop::Workbook(XlsxError::Password))) => "has a password; save it without one".to_string(),
        Ok(Err(Stop::Workbook(error))) => format!("cannot be read as a workbook: {error}"),
        Err(_) => "cannot be read as a workbook".to_string(),
    };
    lines.fault(LineFault::whole(message));
    Ok(())
}

/// Why the reading of a sheet ends early.
enum Stop {
    Workbook(XlsxError),
    /// Whoever takes the lines wants no more.
    Given(anyhow::Error),
}

impl From<XlsxError> for Stop {
    fn from(error: XlsxError) -> Stop {
        Stop::Workbook(error)
    }
}

/// Unpacks every part once into nothing: what a workbook says of its own size may be a lie.
fn check_unpacked(file: &mut File, limits: Limits) -> Result<(), String> {
    let mut archive =
        zip::ZipArchive::new(BufReader::new(file)).map_err(|error| format!("cannot be read as a workbook: {error}"))?;
    if archive.len() > limits.parts {
        return Err(format!("has {} parts, more than any list of contracts", archive.len()));
    }
    let (mut bytes, mut tags) = (0, 0);
    let mut buffer = vec![0; 1 << 16];
    for at in 0..archive.len() {
        let mut part = archive.by_index(at).map_err(|error| format!("cannot be unpacked: {error}"))?;
        loop {
            let read = part.read(&mut buffer).map_err(|error| format!("cannot be unpacked: {error}"))?;
            let piece = buffer.get(..read).unwrap_or_default();
            if piece.is_empty() {
                break;
            }
            bytes += piece.len() as u64;
            tags += piece.iter().filter(|byte| **byte == b'<').count() as u64;
            if bytes > limits.bytes || tags > limits.tags {
                return Err("unpacks to more than any list of contracts has; it is not read further".to_string());
            }
        }
    }
    Ok(())
}

fn read_sheet(file: File, lines: &mut Lines) -> Result<(), Stop> {
    let mut workbook = Xlsx::new(BufReader::new(file))?;
    let shown = |sheet: &&calamine::Sheet| sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible;
    let Some(name) = workbook.sheets_metadata().iter().find(shown).map(|sheet| sheet.name.clone()) else {
        lines.fault(LineFault::whole("the workbook has no visible sheet"));
        return Ok(());
    };
    let mut cells = workbook.worksheet_cells_reader(&name)?;
    let mut row = Row { line: 0, cells: Vec::new() };
    while let Some(cell) = cells.next_cell()? {
        let (line, column) = cell.get_position();
        let (line, column) = (u64::from(line) + 1, usize::try_from(column).unwrap_or(usize::MAX));
        if line != row.line {
            let full = std::mem::replace(&mut row, Row { line, cells: Vec::new() });
            if !full.hand_over(lines).map_err(Stop::Given)? {
                return Ok(());
            }
        }
        if column < MOST_COLUMNS {
            row.put(column, read_cell(cell.get_value(), lines.column(column)));
        }
    }
    row.hand_over(lines).map_err(Stop::Given)?;
    Ok(())
}

/// The cells of one row so far.
struct Row {
    line: u64,
    cells: Vec<Cell<'static>>,
}

impl Row {
    fn put(&mut self, column: usize, cell: Cell<'static>) {
        if self.cells.len() <= column {
            self.cells.resize(column + 1, Ok(Cow::Borrowed("")));
        }
        if let Some(place) = self.cells.get_mut(column) {
            *place = cell;
        }
    }

    /// A row of a sheet ends with its last cell that is not empty; the rest is filled up.
    fn hand_over(mut self, lines: &mut Lines) -> anyhow::Result<bool> {
        if self.cells.len() < lines.width() {
            self.cells.resize(lines.width(), Ok(Cow::Borrowed("")));
        }
        lines.take(self.line, self.cells)
    }
}

fn read_cell(value: &DataRef, column: Option<&str>) -> Cell<'static> {
    let is_date = matches!(column, Some("valid_from" | "valid_to"));
    match value {
        DataRef::Empty => Ok(Cow::Borrowed("")),
        DataRef::String(text) => Ok(Cow::Owned(text.clone())),
        DataRef::SharedString(text) => Ok(Cow::Owned((*text).to_string())),
        DataRef::DateTime(date) if is_date => day(date).map(|day| Cow::Owned(day.to_string())),
        DataRef::DateTimeIso(text) if is_date => {
            let day = text.strip_suffix("T00:00:00").or(text.strip_suffix("T00:00:00.000")).unwrap_or(text);
            Ok(Cow::Owned(day.to_string()))
        }
        DataRef::DateTime(_) | DataRef::DateTimeIso(_) | DataRef::DurationIso(_) => {
            Err("is a date or time; Excel makes one of what looks like it: give the cell the format Text and type \
                 it again"
                .to_string())
        }
        DataRef::Int(_) | DataRef::Float(_) if is_date => {
            Err("is a number; give the cell the format Date, or write text such as 2026-04-30".to_string())
        }
        DataRef::Int(number) => number_text(*number as f64),
        DataRef::Float(number) => number_text(*number),
        DataRef::Bool(_) => Err("is true or false; give the cell the format Text and type it again".to_string()),
        DataRef::Error(error) => Err(format!("holds the error {error}")),
    }
}

fn number_text(number: f64) -> Cell<'static> {
    if number.abs() >= FIRST_INEXACT {
        return Err("is a number of more than 15 digits, of which Excel has lost the last: give the cell the format \
                    Text and type it again"
            .to_string());
    }
    Ok(Cow::Owned(format!("{number}")))
}

fn day(date: &ExcelDateTime) -> Result<Date, String> {
    let (year, month, day, hour, minute, second, millisecond) = date.to_ymd_hms_milli();
    if date.is_duration() || (hour, minute, second, millisecond) != (0, 0, 0, 0) {
        return Err("has a time of day; a date alone belongs here".to_string());
    }
    let parts = (i16::try_from(year), i8::try_from(month), i8::try_from(day));
    let (Ok(year), Ok(month), Ok(day)) = parts else { return Err("is no date".to_string()) };
    Date::new(year, month, day).map_err(|_| "is no date".to_string())
}

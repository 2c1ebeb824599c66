//! The list as CSV (RFC 4180): UTF-8 with or without a byte order mark, or windows-1250, what Excel
//! saves on Polish Windows; parted by commas or semicolons.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read};

use csv::ByteRecord;

use super::LineFault;
use super::line::Lines;
use crate::desk::contract::Cell;

/// The longest line: a contract with a million serials has some 14 MB. Bytes.
const LONGEST_LINE: usize = 16_000_000;

/// Reads the whole file. `utf8` says that all of it is.
pub(super) fn read(file: impl Read, utf8: bool, lines: &mut Lines) -> anyhow::Result<()> {
    let mut file = BufReader::with_capacity(1 << 16, ShortLines { file, since_break: 0 });
    if file.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
        file.consume(3);
    }
    let delimiter = delimiter(file.fill_buf()?);
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).has_headers(false).from_reader(file);
    let mut record = ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => {
                let line = error.position().or(Some(reader.position())).map_or(1, csv::Position::line);
                lines.fault(LineFault::line(line, unreadable(error)?));
                return Ok(());
            }
        }
        let line = record.position().map_or(0, csv::Position::line);
        let cells: Vec<Cell> = record.iter().map(|cell| Ok(text(cell, utf8))).collect();
        let width = lines.width();
        if width > 0 && cells.len() != width {
            if let Some(message) = why_not(&record, width, line, reader.position().line(), delimiter) {
                lines.fault(LineFault::line(line, message));
                continue;
            }
        }
        if !lines.take(line, cells)? {
            return Ok(());
        }
    }
}

/// The likely reason for a line of another length than the head, where there is one to be told.
fn why_not(record: &ByteRecord, width: usize, line: u64, next_line: u64, delimiter: u8) -> Option<String> {
    let values = record.len();
    let beyond = record.iter().skip(width).all(|cell| cell.trim_ascii().is_empty());
    if values > width && beyond {
        return None;
    }
    let counted = format!("{values} values where the head names {width} columns");
    if next_line > line + 1 && values < width {
        return Some(format!("{counted}, up to line {}: is a quotation mark left open?", next_line - 1));
    }
    (values > width && delimiter == b';')
        .then(|| format!("{counted}; put lists of serials and senders in quotation marks"))
}

fn delimiter(beginning: &[u8]) -> u8 {
    let head = beginning.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: u8| head.iter().filter(|byte| **byte == delimiter).count();
    if count(b';') > count(b',') { b';' } else { b',' }
}

fn text(cell: &[u8], utf8: bool) -> Cow<'_, str> {
    if utf8 {
        return String::from_utf8_lossy(cell);
    }
    encoding_rs::WINDOWS_1250.decode_without_bom_handling(cell).0
}

/// What a person can do about it; an error of the disk is passed on.
fn unreadable(error: csv::Error) -> anyhow::Result<String> {
    match error.kind() {
        csv::ErrorKind::Io(io) if io.kind() == std::io::ErrorKind::InvalidData => Ok(io.to_string()),
        csv::ErrorKind::Io(_) => Err(error.into()),
        _ => Ok(format!("cannot be read as CSV: {error}")),
    }
}

/// Refuses to go on with a line that does not end: the reader would hold all of it.
struct ShortLines<R> {
    file: R,
    since_break: usize,
}

impl<R: Read> Read for ShortLines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer)?;
        let piece = buffer.get(..read).unwrap_or_default();
        self.since_break = match piece.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => read - at,
            None => self.since_break + read,
        };
        if self.since_break > LONGEST_LINE {
            let message =
                format!("a line is longer than {} MB; see whether it is the right file", LONGEST_LINE / 1_000_000);
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, message));
        }
        Ok(read)
    }
}

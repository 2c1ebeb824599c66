//! The list as CSV (RFC 4180): UTF-8 with or without a byte order mark, or windows-1250, what Excel
//! saves on Polish Windows; parted by commas or semicolons.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::ops::RangeInclusive;
use std::rc::Rc;

use csv::ByteRecord;

use super::LineFault;
use super::line::Lines;
use crate::desk::contract::Cell;

/// The longest line: a contract with a million serials has some 14 MB. Bytes.
const LONGEST_LINE: usize = 16_000_000;

/// What some programs put before UTF-8 text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads the whole file. `utf8` says that all of it is.
pub(super) fn read(file: impl Read, utf8: bool, lines: &mut Lines) -> anyhow::Result<()> {
    let starts = Starts::default();
    let mut file = BufReader::with_capacity(1 << 16, Numbered::new(file, &starts));
    let mut mark = 0;
    if file.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
        mark = BYTE_ORDER_MARK.len();
        file.consume(mark);
    }
    let delimiter = delimiter(file.fill_buf()?);
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).has_headers(false).from_reader(file);
    let offset = |position: &csv::Position| position.byte() + mark as u64;
    let mut record = ByteRecord::new();
    loop {
        let begin = offset(reader.position());
        let read = reader.read_byte_record(&mut record);
        let (line, last_line) = lines_of(&starts, begin, offset(reader.position()));
        match read {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => {
                lines.fault(LineFault::line(line, unreadable(error)?));
                return Ok(());
            }
        }
        if let Some(message) = why_not(&record, lines.width(), line..=last_line, delimiter) {
            lines.fault(LineFault::line(line, message));
            continue;
        }
        let cells: Vec<Cell> = record.iter().map(|cell| Ok(text(cell, utf8))).collect();
        if !lines.take(line, cells)? {
            return Ok(());
        }
    }
}

/// The likely reason for a line of another length than the head, where there is one to be told.
fn why_not(record: &ByteRecord, width: usize, lines: RangeInclusive<u64>, delimiter: u8) -> Option<String> {
    let values = record.len();
    if width == 0
        || values == width
        || record.iter().skip(width).all(|cell| cell.trim_ascii().is_empty()) && values > width
    {
        return None;
    }
    let counted = format!("{values} values where the head names {width} columns");
    if values < width && lines.end() > lines.start() {
        return Some(format!("{counted}, up to line {}: is a quotation mark left open?", lines.end()));
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

/// Where lines begin that are not empty: offset and number, the first ones still to come.
type Starts = Rc<RefCell<VecDeque<(u64, u64)>>>;

/// The first and the last line that begin within these bytes; empty ones, over which the reader of
/// CSV goes without a word, do not count.
fn lines_of(starts: &Starts, begin: u64, end: u64) -> (u64, u64) {
    let mut starts = starts.borrow_mut();
    while starts.front().is_some_and(|(offset, _)| *offset < begin) {
        starts.pop_front();
    }
    let within = || starts.iter().take_while(|(offset, _)| *offset < end).map(|(_, line)| *line);
    let first = within().next().or(starts.front().map(|(_, line)| *line)).unwrap_or(1);
    (first, within().last().unwrap_or(first))
}

/// Counts the lines, and refuses to go on with one that does not end: the reader would hold all of it.
struct Numbered<R> {
    file: R,
    starts: Starts,
    offset: u64,
    line: u64,
    at_start: bool,
    last: u8,
    since_break: usize,
}

impl<R> Numbered<R> {
    fn new(file: R, starts: &Starts) -> Numbered<R> {
        Numbered { file, starts: Rc::clone(starts), offset: 0, line: 1, at_start: true, last: 0, since_break: 0 }
    }

    fn count(&mut self, byte: u8) {
        if matches!(byte, b'\r' | b'\n') {
            if !(byte == b'\n' && self.last == b'\r') {
                self.line += 1;
            }
            (self.at_start, self.since_break) = (true, 0);
        } else {
            if self.at_start {
                self.starts.borrow_mut().push_back((self.offset, self.line));
            }
            self.at_start = false;
            self.since_break += 1;
        }
        (self.last, self.offset) = (byte, self.offset + 1);
    }
}

impl<R: Read> Read for Numbered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer)?;
        buffer.iter().take(read).for_each(|byte| self.count(*byte));
        if self.since_break > LONGEST_LINE {
            let message = format!("is longer than {} MB; see whether it is the right file", LONGEST_LINE / 1_000_000);
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, message));
        }
        Ok(read)
    }
}

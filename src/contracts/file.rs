//! The list of contracts as sales sends it, CSV or XLSX, read line by line: either every line is
//! good, or every bad one is named. What is read grows neither with the file nor with a line beyond
//! the limits here.

mod csv_file;
mod line;
mod xlsx_file;

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use sha2::{Digest, Sha256};

use crate::desk::contract::Contract;
use crate::desk::plan::Plans;
use line::Lines;

/// The largest CSV file. A list of 100,000 contracts with 500,000 serials has some 20 MB. Bytes.
const MOST_CSV_BYTES: u64 = 256_000_000;

/// The largest XLSX file; the same list packed has some 8 MB. Bytes.
const MOST_XLSX_BYTES: u64 = 64_000_000;

/// Faults listed of one file; the others are counted.
const MOST_FAULTS: usize = 1_000;

/// A list of contracts that can be read as often as needed.
#[derive(Debug)]
pub struct ContractFile {
    path: PathBuf,
    format: Format,
    plans: Plans,
    /// Recognises the same list seen again (SHA-256 of the file).
    pub content_hash: [u8; 32],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Csv { utf8: bool },
    Xlsx,
}

/// Something wrong with one line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineFault {
    /// The line, counted from 1, the head being 1; `None` where the whole file is at fault.
    pub line: Option<u64>,
    /// The column's name, where the fault is in one.
    pub column: Option<String>,
    /// What is wrong and what to do.
    pub message: String,
}

/// A list that cannot be used: nothing of it is.
#[derive(Debug, thiserror::Error)]
pub struct BadList {
    path: PathBuf,
    /// The faults in the order of the lines.
    pub faults: Vec<LineFault>,
    /// How many there are besides.
    pub unlisted: usize,
}

impl ContractFile {
    /// Looks at the file as a whole: its size, its format, its hash. `plans` says what there is to be
    /// bought.
    ///
    /// # Errors
    /// It cannot be read, or it is a [`BadList`]: too large, or neither CSV nor XLSX.
    pub fn open(path: &Path, plans: &Plans) -> anyhow::Result<ContractFile> {
        let refuse = |message: String| BadList::whole(path, message);
        let metadata = std::fs::metadata(path).with_context(|| cannot_read(path))?;
        if !metadata.is_file() {
            return Err(refuse("is no file that can be read twice".to_string()).into());
        }
        if metadata.len() > MOST_CSV_BYTES {
            return Err(refuse(too_large("the file", MOST_CSV_BYTES)).into());
        }
        let mut file = File::open(path).with_context(|| cannot_read(path))?;
        let mut scan = Scan::default();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = file.read(&mut buffer).with_context(|| cannot_read(path))?;
            let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else { break };
            scan.take(piece);
            // The file may grow while it is read.
            if scan.size > MOST_CSV_BYTES {
                return Err(refuse(too_large("the file", MOST_CSV_BYTES)).into());
            }
        }
        let format = scan.format().map_err(refuse)?;
        if format == Format::Xlsx && scan.size > MOST_XLSX_BYTES {
            return Err(refuse(too_large("the workbook", MOST_XLSX_BYTES)).into());
        }
        Ok(ContractFile {
            path: path.to_path_buf(),
            format,
            plans: plans.clone(),
            content_hash: scan.hash.finalize().into(),
        })
    }

    /// Gives every contract to `each`, in the order of the file.
    ///
    /// # Errors
    /// The file is a [`BadList`]; then `each` may have seen the contracts before the first fault.
    /// The errors of `each`.
    pub fn read(&self, each: &mut dyn FnMut(Contract) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let file = File::open(&self.path).with_context(|| cannot_read(&self.path))?;
        let mut lines = Lines::new(each, &self.plans);
        match self.format {
            Format::Csv { utf8 } => csv_file::read(file.take(MOST_CSV_BYTES), utf8, &mut lines)?,
            Format::Xlsx => xlsx_file::read(file, xlsx_file::LIMITS, &mut lines)?,
        }
        let (faults, unlisted) = lines.into_faults();
        if faults.is_empty() { Ok(()) } else { Err(BadList { path: self.path.clone(), faults, unlisted }.into()) }
    }

    /// Reads all of it and keeps nothing. Returns how many contracts there are.
    ///
    /// # Errors
    /// As [`ContractFile::read`].
    pub fn check(&self) -> anyhow::Result<usize> {
        let mut contracts = 0;
        self.read(&mut |_| {
            contracts += 1;
            Ok(())
        })?;
        Ok(contracts)
    }

    /// The list is not good as a whole, for this reason.
    pub fn refused(&self, message: String) -> BadList {
        BadList::whole(&self.path, message)
    }

    /// The file's name without its folder.
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// What one walk over the bytes tells.
#[derive(Default)]
struct Scan {
    hash: Sha256,
    size: u64,
    head: Vec<u8>,
    has_nul: bool,
    not_utf8: bool,
    /// The bytes of a character that the last piece cut.
    cut: Vec<u8>,
}

impl Scan {
    fn take(&mut self, piece: &[u8]) {
        self.hash.update(piece);
        self.size = self.size.saturating_add(piece.len() as u64);
        let missing = 8usize.saturating_sub(self.head.len());
        self.head.extend(piece.iter().take(missing));
        self.has_nul |= piece.contains(&0);
        if self.not_utf8 {
            return;
        }
        self.cut.extend_from_slice(piece);
        match std::str::from_utf8(&self.cut) {
            Ok(_) => self.cut.clear(),
            // Without a length the character only lacks its end, at most three bytes.
            Err(error) if error.error_len().is_none() => drop(self.cut.drain(..error.valid_up_to())),
            Err(_) => self.not_utf8 = true,
        }
    }

    fn format(&self) -> Result<Format, String> {
        match self.head.as_slice() {
            [b'P', b'K', 3, 4, ..] => Ok(Format::Xlsx),
            [0xd0, 0xcf, 0x11, 0xe0, ..] => Err("is a workbook of an old form (.xls), or one with a password; save \
                                                 it as .xlsx without a password, or as CSV"
                .to_string()),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Err("is text in UTF-16; save it as CSV UTF-8".to_string()),
            _ if self.has_nul => Err("is neither CSV nor XLSX: it holds zero bytes".to_string()),
            _ => Ok(Format::Csv { utf8: !self.not_utf8 && self.cut.is_empty() }),
        }
    }
}

impl LineFault {
    fn whole(message: impl Into<String>) -> LineFault {
        LineFault { line: None, column: None, message: message.into() }
    }

    fn line(line: u64, message: impl Into<String>) -> LineFault {
        LineFault { line: Some(line), column: None, message: message.into() }
    }

    fn cell(line: u64, column: &str, message: impl Into<String>) -> LineFault {
        LineFault { line: Some(line), column: Some(column.to_string()), message: message.into() }
    }
}

impl fmt::Display for LineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, &self.column) {
            (Some(line), Some(column)) => write!(f, "line {line}, column {column}: {}", self.message),
            (Some(line), None) => write!(f, "line {line}: {}", self.message),
            _ => f.write_str(&self.message),
        }
    }
}

impl BadList {
    fn whole(path: &Path, message: String) -> BadList {
        BadList { path: path.to_path_buf(), faults: vec![LineFault::whole(message)], unlisted: 0 }
    }
}

impl fmt::Display for BadList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        for (at, fault) in self.faults.iter().enumerate() {
            write!(f, "{}{path}: {fault}", if at > 0 { "\n" } else { "" })?;
        }
        if self.unlisted > 0 {
            write!(f, "\n{path}: and {} faults more", self.unlisted)?;
        }
        Ok(())
    }
}

fn cannot_read(path: &Path) -> String {
    format!("cannot read the contracts {} (see that the file is there and may be read)", path.display())
}

fn too_large(what: &str, most: u64) -> String {
    format!(
        "{what} is larger than {} MB; a list of contracts is not: see whether it is the right one",
        most / 1_000_000
    )
}

#[cfg(test)]
mod tests;

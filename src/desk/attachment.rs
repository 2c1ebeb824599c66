//! What an attachment is, told from its bytes before its name, and what was read of it. Text files
//! are read here; of every other kind the shell hands the contents in.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::extract::{Place, Reading};
use super::message::{Attachment, Message};

/// A format in which numbers may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Plain text of any kind.
    Text,
    /// A PDF document (ISO 32000).
    Pdf,
    /// A workbook: XLSX, XLS, XLSB or ODS.
    Workbook,
    /// A picture.
    Picture,
}

/// A bar code, QR code or DataMatrix code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// `code-128`, `code-39`, `code-93`, `qr-code` or `data-matrix`.
    pub symbology: String,
    /// What it says.
    pub text: String,
}

/// What was read of an attachment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    /// Its text; the cells of a table are parted by tabs.
    pub text: String,
    /// The codes on it.
    pub codes: Vec<Code>,
    /// Why nothing or not all was read.
    pub problem: Option<Problem>,
}

/// Why nothing of a file was read, or not all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Problem {
    /// It does not hold what its format asks for, or is of a kind that is not read.
    Broken,
    /// It opens only with a password.
    Password,
    /// It is larger than any file that is read.
    TooLarge,
    /// The picture has more pixels than any that is read.
    TooManyPixels,
    /// It unpacks to more than any file that is read.
    UnpacksTooFar,
    /// It needs more memory than a reader gets.
    TooMuchMemory,
    /// It takes longer than a reader gets.
    TooLong,
    /// The files before it have taken up the time of the mail.
    NoTimeLeft,
    /// The mail has more files than are read of one.
    TooManyFiles,
    /// The reader broke off on it.
    BrokeOff,
    /// The reader said what makes no sense, or too much.
    Senseless,
    /// The reader could not be started.
    NoReader,
    /// Only its beginning was read: it has more than is read of one file.
    Cut,
    /// The document has no text.
    NoText,
}

impl Problem {
    /// Every one.
    pub const ALL: [Problem; 14] = [
        Problem::Broken,
        Problem::Password,
        Problem::TooLarge,
        Problem::TooManyPixels,
        Problem::UnpacksTooFar,
        Problem::TooMuchMemory,
        Problem::TooLong,
        Problem::NoTimeLeft,
        Problem::TooManyFiles,
        Problem::BrokeOff,
        Problem::Senseless,
        Problem::NoReader,
        Problem::Cut,
        Problem::NoText,
    ];

    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Problem::Broken => "broken",
            Problem::Password => "password",
            Problem::TooLarge => "too-large",
            Problem::TooManyPixels => "too-many-pixels",
            Problem::UnpacksTooFar => "unpacks-too-far",
            Problem::TooMuchMemory => "too-much-memory",
            Problem::TooLong => "too-long",
            Problem::NoTimeLeft => "no-time-left",
            Problem::TooManyFiles => "too-many-files",
            Problem::BrokeOff => "broke-off",
            Problem::Senseless => "senseless",
            Problem::NoReader => "no-reader",
            Problem::Cut => "cut",
            Problem::NoText => "no-text",
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Problem::Broken => "not read: it is broken, or of a kind that is not read",
            Problem::Password => "not read: it has a password",
            Problem::TooLarge => "not read: it is larger than any file that is read",
            Problem::TooManyPixels => "not read: it has more pixels than any picture that is read",
            Problem::UnpacksTooFar => "not read: it unpacks to more than any file that is read",
            Problem::TooMuchMemory => "not read: it needs more memory than a reader gets",
            Problem::TooLong => "not read: it takes longer than a reader gets",
            Problem::NoTimeLeft => "not read: the files before it have taken up the time of the mail",
            Problem::TooManyFiles => "not read: the mail has more files than are read of one",
            Problem::BrokeOff => "not read: the reader broke off on it",
            Problem::Senseless => "not read: the reader said what makes no sense, or too much",
            Problem::NoReader => "not read: the reader could not be started",
            Problem::Cut => "read in part: it has more than is read of one file",
            Problem::NoText => "it has no text, only pictures",
        })
    }
}

impl Contents {
    /// Nothing could be read.
    pub fn unread(problem: Problem) -> Contents {
        Contents { problem: Some(problem), ..Contents::default() }
    }
}

/// An attachment that was not read, or not all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Its name.
    pub name: String,
    /// Why.
    pub problem: Problem,
}

/// The most attached mails whose files are looked at, nested ones included.
const MOST_MAILS: usize = 10;

/// The files of a mail, and behind them those of the mails attached to it: whoever passes an original on
/// means what hangs on that.
pub fn files(message: &Message) -> Vec<Cow<'_, Attachment>> {
    let mut files: Vec<Cow<Attachment>> = message.attachments.iter().map(Cow::Borrowed).collect();
    let (mut at, mut mails) = (0, 0);
    while let Some(file) = files.get(at) {
        at += 1;
        if file.media_type == "message/rfc822" && mails < MOST_MAILS {
            mails += 1;
            let inner = Message::parse(&file.content);
            files.extend(inner.attachments.into_iter().map(Cow::Owned));
        }
    }
    files
}

/// What was read of the files of a mail that is attached to another, out of what was read of that one's.
pub fn contents_of(inner: &Message, outer: &Message, contents: &[Contents]) -> Vec<Contents> {
    let outer = files(outer);
    let read = |file: &Cow<Attachment>| outer.iter().position(|other| other.content == file.content);
    let inner = files(inner).iter().map(read).collect::<Vec<_>>().into_iter();
    inner.map(|at| at.and_then(|at| contents.get(at)).cloned().unwrap_or_default()).collect()
}

/// The files that were not read as a whole.
pub fn unread(files: &[Cow<Attachment>], contents: &[Contents]) -> Vec<Unread> {
    let pairs = files.iter().zip(contents);
    let unread = pairs.filter_map(|(attachment, contents)| {
        contents.problem.map(|problem| Unread { name: attachment.name.clone(), problem })
    });
    unread.collect()
}

/// Files of these endings are text, whatever the sender's program calls them.
const TEXT_ENDINGS: [&str; 16] = [
    "cfg",
    "conf",
    "config",
    "csv",
    "err",
    "ini",
    "json",
    "log",
    "md",
    "out",
    "properties",
    "tsv",
    "txt",
    "xml",
    "yaml",
    "yml",
];

/// Workbooks; other files may begin with the same bytes.
const WORKBOOK_ENDINGS: [&str; 6] = ["ods", "xls", "xlsb", "xlsm", "xlsx", "xltx"];

/// Pictures that begin otherwise than the ones known by their first bytes.
const PICTURE_ENDINGS: [&str; 3] = ["heic", "heif", "avif"];

/// What the common formats of pictures begin with.
const PICTURES: [&[u8]; 6] = [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM", b"II*\0", b"MM\0*"];

/// A ZIP archive's first bytes (PKWARE APPNOTE 4.3.7).
const ZIP: &[u8] = b"PK\x03\x04";

/// A compound file's first bytes ([MS-CFB] 2.2).
const COMPOUND_FILE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// Readers take a PDF whose header stands within the first bytes (ISO 32000-1, annex H, note 13).
const PDF_HEADER_WITHIN: usize = 1_024;

impl Format {
    /// The format of an attachment; `None` where it is none of these.
    pub fn of(attachment: &Attachment) -> Option<Format> {
        let content = attachment.content.as_slice();
        let ending =
            attachment.name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
        let ends = |endings: &[&str]| endings.contains(&ending.as_str());
        let media = attachment.media_type.as_str();
        let start = content.get(..content.len().min(PDF_HEADER_WITHIN)).unwrap_or_default();
        if start.windows(5).any(|window| window == b"%PDF-") {
            return Some(Format::Pdf);
        }
        let webp = content.starts_with(b"RIFF") && content.get(8..12) == Some(b"WEBP");
        // "BM" alone may begin a text as well.
        let short = |magic: &&&[u8]| magic.len() > 2 || media == "image/bmp" || ending == "bmp";
        if webp || PICTURES.iter().filter(short).any(|magic| content.starts_with(magic)) {
            return Some(Format::Picture);
        }
        let sheet = ends(&WORKBOOK_ENDINGS) || media.contains("spreadsheet") || media.contains("ms-excel");
        if content.starts_with(ZIP) || content.starts_with(COMPOUND_FILE) {
            return sheet.then_some(Format::Workbook);
        }
        if ends(&PICTURE_ENDINGS) {
            return Some(Format::Picture);
        }
        (attachment.is_text() || ends(&TEXT_ENDINGS)).then_some(Format::Text)
    }
}

/// The texts and codes of the files: text files are read here, `contents` has what was read of the others,
/// in the order of the files.
pub fn readings(files: &[Cow<Attachment>], contents: &[Contents]) -> Vec<Reading> {
    let mut readings = Vec::new();
    for (at, attachment) in files.iter().enumerate() {
        let mut add = |place: Place, text: &str| {
            if !text.trim().is_empty() {
                readings.push(Reading { place, name: attachment.name.clone(), text: text.to_string() });
            }
        };
        if Format::of(attachment) == Some(Format::Text) {
            add(Place::AttachmentText, &attachment.text());
        }
        if let Some(contents) = contents.get(at) {
            add(Place::AttachmentText, &contents.text);
            contents.codes.iter().for_each(|code| add(Place::Barcode, &code.text));
        }
    }
    readings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_say_what_a_file_is_before_its_name_does() {
        let check = |name: &str, media: &str, content: &[u8], want: Option<Format>| {
            let attachment = Attachment {
                name: name.to_string(),
                media_type: media.to_string(),
                content_id: None,
                content: content.to_vec(),
            };
            assert_eq!(Format::of(&attachment), want, "{name} {media}");
        };
        check("skan.pdf", "application/pdf", b"%PDF-1.7\n", Some(Format::Pdf));
        check("skan.txt", "text/plain", b"\r\n%PDF-1.4\n", Some(Format::Pdf));
        check("photo", "application/octet-stream", b"\xff\xd8\xff\xe0", Some(Format::Picture));
        check("photo.jpg", "image/jpeg", b"not a picture", None);
        check("IMG_1.HEIC", "application/octet-stream", b"\0\0\0\x24ftypheic", Some(Format::Picture));
        check("bmc.log", "application/octet-stream", b"BMC: fan 3 failed", Some(Format::Text));
        check("a.bmp", "application/octet-stream", b"BM", Some(Format::Picture));
        check("lista.XLSX", "application/octet-stream", b"PK\x03\x04", Some(Format::Workbook));
        check("lista.xls", "application/vnd.ms-excel", COMPOUND_FILE, Some(Format::Workbook));
        check("logs.zip", "application/zip", b"PK\x03\x04", None);
        check("lista.xls", "application/vnd.ms-excel", b"a\tb\n", None);
        check("running.conf", "application/octet-stream", b"hostname sw1", Some(Format::Text));
        check("", "text/csv", b"a;b", Some(Format::Text));
        check("key.asc", "application/pgp-keys", b"-----BEGIN", None);
    }
}

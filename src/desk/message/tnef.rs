//! `winmail.dat`: text and attachments out of Outlook's own envelope (TNEF, \[MS-OXTNEF\]).
//!
//! Outlook wraps a whole mail so where it takes the recipient for another Outlook. Everything is read
//! as far as the bytes go; what is cut off is left out.

mod rich_text;

use encoding_rs::{Encoding, UTF_16LE};

use super::bytes::Bytes;
use super::charset;

/// \[MS-OXTNEF\] 2.1.3.1: the first four bytes.
const SIGNATURE: u32 = 0x223E_9F78;
/// The most attachments taken out of one envelope.
const MOST_FILES: usize = 200;
/// The most properties of one list.
const MOST_PROPERTIES: u32 = 2_000;
/// The most values of one property.
const MOST_VALUES: u32 = 1_000;

/// Attributes of \[MS-OXTNEF\] 2.1.3.3.
mod attribute {
    pub(super) const BODY: u32 = 0x0002_800C;
    pub(super) const OEM_CODEPAGE: u32 = 0x0006_9007;
    pub(super) const PROPERTIES: u32 = 0x0006_9003;
    pub(super) const FILE_BEGINS: u32 = 0x0006_9002;
    pub(super) const FILE_TITLE: u32 = 0x0001_8010;
    pub(super) const FILE_DATA: u32 = 0x0006_800F;
    pub(super) const FILE_PROPERTIES: u32 = 0x0006_9005;
}

/// Properties of \[MS-OXPROPS\].
mod property {
    pub(super) const BODY: u16 = 0x1000;
    pub(super) const RICH_TEXT: u16 = 0x1009;
    pub(super) const HTML: u16 = 0x1013;
    pub(super) const FILE_NAME: u16 = 0x3704;
    pub(super) const LONG_FILE_NAME: u16 = 0x3707;
    pub(super) const MEDIA_TYPE: u16 = 0x370E;
    pub(super) const CONTENT_ID: u16 = 0x3712;
    pub(super) const INTERNET_CODEPAGE: u16 = 0x3FDE;
}

/// What stood in an envelope.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Envelope {
    /// The plain text; of a rich text what can be read of it.
    pub(super) plain: Option<String>,
    /// The HTML text.
    pub(super) html: Option<String>,
    /// The files.
    pub(super) files: Vec<File>,
}

/// A file in an envelope.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) media_type: Option<String>,
    pub(super) content_id: Option<String>,
    pub(super) content: Vec<u8>,
}

/// Takes an envelope apart; `None` where the bytes are none.
pub(super) fn open(raw: &[u8]) -> Option<Envelope> {
    let mut bytes = Bytes::new(raw);
    if bytes.u32()? != SIGNATURE {
        return None;
    }
    // The key, by which Outlook told copies apart.
    bytes.u16()?;
    let mut envelope = Envelope::default();
    let mut encoding = encoding_rs::WINDOWS_1250;
    let mut texts = Texts::default();
    while let Some((id, data)) = next_attribute(&mut bytes) {
        match id {
            attribute::OEM_CODEPAGE => {
                encoding = Bytes::new(data).u32().and_then(code_page).unwrap_or(encoding);
            }
            attribute::BODY => texts.body = Some(decoded(data, encoding)),
            attribute::PROPERTIES => properties(data, |id, value| match id {
                property::INTERNET_CODEPAGE => {
                    texts.html_encoding = value.number().and_then(code_page).or(texts.html_encoding);
                }
                property::BODY => texts.body = Some(value.text(encoding)),
                property::HTML => texts.html = Some(value),
                property::RICH_TEXT => texts.rich_text = Some(value.bytes.to_vec()),
                _ => {}
            }),
            attribute::FILE_BEGINS if envelope.files.len() < MOST_FILES => envelope.files.push(File::default()),
            _ => {
                if let Some(file) = envelope.files.last_mut() {
                    take_file(file, id, data, encoding);
                }
            }
        }
    }
    envelope.html = texts.html.as_ref().map(|html| html.text(texts.html_encoding.unwrap_or(encoding)));
    let rich = || texts.rich_text.as_deref().and_then(rich_text::plain);
    envelope.plain = texts.body.filter(|body| !body.trim().is_empty()).or_else(rich);
    Some(envelope)
}

#[derive(Default)]
struct Texts<'a> {
    body: Option<String>,
    html: Option<Value<'a>>,
    html_encoding: Option<&'static Encoding>,
    rich_text: Option<Vec<u8>>,
}

/// The next attribute: its id and its bytes. Its checksum is not asked: a wrong one makes it no less readable.
fn next_attribute<'a>(bytes: &mut Bytes<'a>) -> Option<(u32, &'a [u8])> {
    // The level: of the mail or of a file.
    bytes.u8()?;
    let id = bytes.u32()?;
    let length = usize::try_from(bytes.u32()?).ok()?;
    let data = bytes.take(length)?;
    bytes.u16();
    Some((id, data))
}

fn take_file(file: &mut File, id: u32, data: &[u8], encoding: &'static Encoding) {
    match id {
        attribute::FILE_TITLE if file.name.is_empty() => file.name = decoded(data, encoding),
        attribute::FILE_DATA => file.content = data.to_vec(),
        attribute::FILE_PROPERTIES => properties(data, |id, value| match id {
            property::LONG_FILE_NAME => file.name = value.text(encoding),
            property::FILE_NAME if file.name.is_empty() => file.name = value.text(encoding),
            property::MEDIA_TYPE => file.media_type = Some(value.text(encoding).to_ascii_lowercase()),
            property::CONTENT_ID => file.content_id = Some(value.text(encoding)),
            _ => {}
        }),
        _ => {}
    }
}

/// A value of a property.
#[derive(Clone, Copy)]
struct Value<'a> {
    kind: u16,
    bytes: &'a [u8],
}

impl Value<'_> {
    fn text(&self, encoding: &'static Encoding) -> String {
        // \[MS-OXCDATA\] 2.11.1: PtypString is UTF-16, all others are bytes.
        decoded(self.bytes, if self.kind == 0x1F { UTF_16LE } else { encoding })
    }

    fn number(&self) -> Option<u32> {
        Bytes::new(self.bytes).u32()
    }
}

/// Calls for the first value of each property of a list (\[MS-OXTNEF\] 2.1.3.4).
fn properties<'a>(data: &'a [u8], mut each: impl FnMut(u16, Value<'a>)) {
    let mut bytes = Bytes::new(data);
    let Some(count) = bytes.u32() else { return };
    for _ in 0..count.min(MOST_PROPERTIES) {
        let Some((id, value)) = next_property(&mut bytes) else { return };
        if let Some(value) = value {
            each(id, value);
        }
    }
}

fn next_property<'a>(bytes: &mut Bytes<'a>) -> Option<(u16, Option<Value<'a>>)> {
    let (kind, id) = (bytes.u16()?, bytes.u16()?);
    if id >= 0x8000 {
        // A named property: a GUID, then a number or a name.
        bytes.take(16)?;
        if bytes.u32()? == 0 {
            bytes.u32()?;
        } else {
            let length = usize::try_from(bytes.u32()?).ok()?;
            bytes.padded(length)?;
        }
    }
    let (many, kind) = (kind & 0x1000 != 0, kind & !0x1000);
    let fixed = match kind {
        0x02 | 0x03 | 0x04 | 0x0A | 0x0B => Some(4),
        0x05 | 0x06 | 0x07 | 0x14 | 0x40 => Some(8),
        0x48 => Some(16),
        0x0D | 0x1E | 0x1F | 0x102 => None,
        // Of an unknown kind nobody knows the length.
        _ => return None,
    };
    let count = if many || fixed.is_none() { bytes.u32()? } else { 1 };
    let mut first = None;
    for _ in 0..count.min(MOST_VALUES) {
        let value = match fixed {
            Some(length) => bytes.take(length)?,
            None => {
                let length = usize::try_from(bytes.u32()?).ok()?;
                bytes.padded(length)?
            }
        };
        first = first.or(Some(Value { kind, bytes: value }));
    }
    Some((id, first))
}

fn decoded(bytes: &[u8], encoding: &'static Encoding) -> String {
    if encoding == UTF_16LE {
        let (text, _) = UTF_16LE.decode_without_bom_handling(bytes);
        return text.trim_end_matches('\0').to_string();
    }
    let text = charset::decode(bytes, Some(encoding.name())).map_or_else(String::new, |decoded| decoded.text);
    text.trim_end_matches('\0').to_string()
}

/// Windows' number of a charset.
fn code_page(number: u32) -> Option<&'static Encoding> {
    let label = match number {
        65001 => "utf-8".to_string(),
        28591..=28605 => format!("iso-8859-{}", number - 28590),
        1250..=1258 => format!("windows-{number}"),
        20866 => "koi8-r".to_string(),
        _ => return None,
    };
    Encoding::for_label(label.as_bytes())
}

#[cfg(test)]
mod tests;

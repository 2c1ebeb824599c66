//! The parts of a mail: body texts, attachments, delivery report.

use std::collections::HashSet;

use mail_parser::{Encoding, MessagePart, MimeHeaders, PartType};

use super::{Attachment, Message, charset, clean, flowed, header};

/// The longest file name kept, in characters.
const MAX_NAME: usize = 200;

/// Takes the body and the attachments of a parsed mail.
pub(super) fn read(message: &mut Message, raw: &[u8], parsed: &mail_parser::Message) {
    let mut texts: Vec<(bool, String)> = Vec::new();
    let mut taken: Vec<u32> = Vec::new();
    for (list, want_html) in [(&parsed.text_body, false), (&parsed.html_body, true)] {
        for &id in list {
            let Some(part) = parsed.part(id) else { continue };
            let is_html = matches!(part.body, PartType::Html(_));
            let is_text = is_html || matches!(part.body, PartType::Text(_));
            if !is_text || taken.contains(&id) {
                continue;
            }
            // A named text after the first is a file that its sender's program shows inline.
            if !texts.is_empty() && !want_html && part.attachment_name().is_some() {
                continue;
            }
            taken.push(id);
            texts.push((is_html, body_text(message, raw, part)));
        }
    }
    let alternatives = parsed.text_body != parsed.html_body;
    join(message, texts, alternatives);
    for (id, part) in parsed.parts.iter().enumerate() {
        let id = u32::try_from(id).unwrap_or(u32::MAX);
        if taken.contains(&id) || matches!(part.body, PartType::Multipart(_)) {
            continue;
        }
        attach(message, raw, part, id);
    }
    recover(message);
}

/// Where the header section ends: at the first empty line.
pub(super) fn header_end(raw: &[u8]) -> usize {
    let mut at = 0;
    while let Some(line) = raw.get(at..).filter(|rest| !rest.is_empty()) {
        let length = line.iter().position(|&b| b == b'\n').map_or(line.len(), |end| end + 1);
        if matches!(line.get(..length), Some(b"\n" | b"\r\n")) {
            return at;
        }
        at += length;
    }
    raw.len()
}

/// The mail with an empty line in front of what stands at the end of its header section and is no header field:
/// the first lines of a text, from a program that forgot the empty line.
pub(super) fn end_header(raw: &[u8]) -> Option<Vec<u8>> {
    let header = raw.get(..header_end(raw))?;
    let (mut at, mut text, mut fields) = (0, None, 0);
    while let Some(line) = header.get(at..).filter(|rest| !rest.is_empty()) {
        let length = line.iter().position(|&b| b == b'\n').map_or(line.len(), |end| end + 1);
        if is_field(line) {
            (text, fields) = (None, fields + 1);
        } else if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            text = text.or(Some(at));
        }
        at += length;
    }
    let (before, rest) = raw.split_at_checked(text.filter(|_| fields > 0)?)?;
    Some([before, b"\r\n", rest].concat())
}

/// Whether a line begins with the name of a header field and a colon (RFC 5322 section 2.2).
fn is_field(line: &[u8]) -> bool {
    let name = line.iter().take_while(|byte| byte.is_ascii_graphic() && **byte != b':').count();
    let behind = line.get(name..).unwrap_or_default().trim_ascii_start();
    name > 0 && behind.starts_with(b":")
}

/// The mail without the `From ` line of an mbox file (RFC 4155) in front.
pub(super) fn without_mbox_line(raw: &[u8]) -> &[u8] {
    if !raw.starts_with(b"From ") {
        return raw;
    }
    let end = raw.iter().position(|&b| b == b'\n').map_or(raw.len(), |at| at + 1);
    raw.get(end..).unwrap_or_default()
}

/// The mail with line ends as others read them, where it ends its lines as old Macintoshes did.
pub(super) fn end_lines(raw: &[u8]) -> Option<Vec<u8>> {
    if raw.contains(&b'\n') || !raw.contains(&b'\r') {
        return None;
    }
    Some(raw.iter().map(|&byte| if byte == b'\r' { b'\n' } else { byte }).collect())
}

/// The mail with a boundary in its header, where it says multipart and the boundary is missing there
/// or stands nowhere in the body. `None` where nothing is to be mended.
pub(super) fn mend_boundary(raw: &[u8]) -> Option<Vec<u8>> {
    let parsed = mail_parser::MessageParser::new().parse_headers(raw)?;
    let field = parsed.headers().iter().find(|field| field.name() == "Content-Type")?;
    let declared = field.value().as_content_type()?;
    if !declared.ctype().eq_ignore_ascii_case("multipart") {
        return None;
    }
    let body = raw.get(header_end(raw)..)?;
    let lines = || body.split(|&b| b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    if let Some(boundary) = declared.attribute("boundary") {
        let opens = |line: &[u8]| line.strip_prefix(b"--").is_some_and(|rest| rest.starts_with(boundary.as_bytes()));
        if lines().any(opens) {
            return None;
        }
    }
    let mut previous: &[u8] = b"";
    let guessed = lines().find_map(|line| {
        let starts_part = line.len() > 8 && line.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"content-"));
        let boundary = previous.strip_prefix(b"--").filter(|rest| !rest.is_empty() && rest.len() <= 200);
        previous = line;
        boundary.filter(|_| starts_part)
    })?;
    if guessed.iter().any(|b| !b.is_ascii_graphic() || matches!(b, b'"' | b'\\')) {
        return None;
    }
    let subtype = declared.subtype().filter(|name| name.bytes().all(|b| b.is_ascii_alphanumeric())).unwrap_or("mixed");
    let mut mended = Vec::with_capacity(raw.len() + 64);
    mended.extend_from_slice(raw.get(..field.offset_field as usize)?);
    mended.extend_from_slice(format!("Content-Type: multipart/{subtype}; boundary=\"").as_bytes());
    mended.extend_from_slice(guessed);
    mended.extend_from_slice(b"\"\r\n");
    mended.extend_from_slice(raw.get(field.offset_end as usize..)?);
    Some(mended)
}

/// The mail with the ends of parts that lack one (RFC 2046 section 5.1.1), the innermost first: a parser takes a
/// text without an end for a file. `None` where none is lacking.
pub(super) fn close_parts(raw: &[u8]) -> Option<Vec<u8>> {
    let declared: Vec<&[u8]> = memchr::memchr_iter(b'=', raw).filter_map(|at| declared_boundary(raw, at)).collect();
    if declared.is_empty() {
        return None;
    }
    let line = |from: usize| raw.get(from..).and_then(|rest| rest.split(|&b| b == b'\n').next()).unwrap_or_default();
    let found = memchr::memmem::find_iter(raw, b"\n--");
    let marks: HashSet<&[u8]> = found.map(|at| line(at + b"\n--".len()).trim_ascii_end()).collect();
    let ends = |boundary: &[u8]| marks.contains([boundary, b"--"].concat().as_slice());
    let open: Vec<&[u8]> =
        declared.into_iter().rev().filter(|boundary| marks.contains(boundary) && !ends(boundary)).collect();
    if open.is_empty() {
        return None;
    }
    let mut closed = raw.to_vec();
    for boundary in open {
        closed.extend_from_slice(&[b"\r\n--", boundary, b"--\r\n"].concat());
    }
    Some(closed)
}

/// The boundary that is named at this equals sign: `boundary="b"` or `boundary=b`.
fn declared_boundary(raw: &[u8], sign: usize) -> Option<&[u8]> {
    const NAME: &[u8] = b"boundary";
    let name = raw.get(sign.checked_sub(NAME.len())?..sign)?;
    if !name.eq_ignore_ascii_case(NAME) {
        return None;
    }
    let line = raw.get(sign + 1..)?.split(|&b| b == b'\n').next()?;
    let value = line.trim_ascii();
    let boundary = match value.strip_prefix(b"\"") {
        Some(quoted) => quoted.split(|&b| b == b'"').next()?,
        None => value.split(|&b| b == b';' || b.is_ascii_whitespace()).next()?,
    };
    Some(boundary).filter(|boundary| !boundary.is_empty())
}

/// The decoded text of a body part.
fn body_text(message: &mut Message, raw: &[u8], part: &MessagePart) -> String {
    let is_html = matches!(part.body, PartType::Html(_));
    let text = decoded_text(raw, part, &mut message.problems);
    let attribute = |name| part.content_type().and_then(|declared| declared.attribute(name));
    let says = |name, value: &str| attribute(name).is_some_and(|said| said.eq_ignore_ascii_case(value));
    if !is_html && says("format", "flowed") {
        message.flowed = true;
        return flowed::unflow(&text, says("delsp", "yes"));
    }
    text
}

/// The text of a part, decoded from its bytes wherever more than ASCII is in it.
fn decoded_text(raw: &[u8], part: &MessagePart, problems: &mut Vec<String>) -> String {
    let (PartType::Text(text) | PartType::Html(text)) = &part.body else { return String::new() };
    let garbled = part.is_encoding_problem;
    if text.is_ascii() && !garbled {
        return clean(text.to_string());
    }
    let mut say = |problem: &str| {
        if !problem.is_empty() && !problems.iter().any(|said| said == problem) {
            problems.push(problem.to_string());
        }
    };
    if garbled {
        say("a part is not encoded as it says; it was read as far as possible");
    }
    let bytes = transfer_decoded(raw, part);
    let declared = part.content_type().and_then(|declared| declared.attribute("charset"));
    let meta = match (&part.body, declared) {
        (PartType::Html(_), None) => meta_charset(&bytes),
        _ => None,
    };
    let text = match charset::decode(&bytes, declared.or(meta.as_deref())) {
        Some(decoded) => {
            say(decoded.problem.unwrap_or_default());
            decoded.text
        }
        None => text.to_string(),
    };
    let text = match charset::undo_double_encoding(&text) {
        Some(mended) => {
            say("the text was encoded twice");
            mended
        }
        None => text,
    };
    clean(text)
}

/// The charset that an HTML document gives itself.
fn meta_charset(html: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(html.get(..html.len().min(2_048))?).to_ascii_lowercase();
    let (_, after) = head.split_once("charset=")?;
    let name: String = after
        .trim_start_matches(['"', '\''])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
        .collect();
    Some(name).filter(|name| !name.is_empty())
}

/// The bytes of a part after its transfer encoding, lenient where the encoding is broken.
fn transfer_decoded(raw: &[u8], part: &MessagePart) -> Vec<u8> {
    let bytes = raw.get(part.offset_body as usize..part.offset_end as usize).unwrap_or_default();
    let says = part.content_transfer_encoding().unwrap_or_default().trim().to_ascii_lowercase();
    let encoding = match (part.encoding, says.as_str()) {
        (Encoding::None, "base64") => Encoding::Base64,
        (Encoding::None, "quoted-printable") => Encoding::QuotedPrintable,
        (encoding, _) => encoding,
    };
    match encoding {
        Encoding::None => bytes.to_vec(),
        Encoding::Base64 if is_plain(bytes) => bytes.to_vec(),
        Encoding::Base64 => header::base64(bytes),
        Encoding::QuotedPrintable => header::quoted_printable(bytes, false),
    }
}

/// Whether bytes that are said to be base64 (RFC 2045 section 6.8) are text as it stands: many blanks
/// within lines, and other signs that base64 has not.
fn is_plain(bytes: &[u8]) -> bool {
    let bytes = bytes.get(..bytes.len().min(4_096)).unwrap_or(bytes);
    let foreign = bytes.iter().filter(|byte| !byte.is_ascii_alphanumeric() && !b"+/=-_\r\n".contains(byte)).count();
    foreign * 20 > bytes.len()
}

/// Plain and HTML texts find their place. Where one follows the other instead of standing for it
/// (an HTML mail to which a list adds a plain footer), all becomes one HTML text, so that none is lost.
fn join(message: &mut Message, texts: Vec<(bool, String)>, alternatives: bool) {
    let any = |html: bool| texts.iter().any(|(is_html, _)| *is_html == html);
    if any(true) && any(false) && !alternatives {
        let all = texts.iter().map(|(is_html, text)| if *is_html { text.clone() } else { preformatted(text) });
        message.html = Some(all.collect::<Vec<_>>().join("\n"));
        return;
    }
    let of = |html: bool| {
        let found: Vec<&str> = texts.iter().filter(|(is, _)| *is == html).map(|(_, text)| text.as_str()).collect();
        (!found.is_empty()).then(|| found.join("\n"))
    };
    message.plain = of(false);
    message.html = of(true);
}

fn preformatted(text: &str) -> String {
    format!("<pre>{}</pre>", text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
}

fn attach(message: &mut Message, raw: &[u8], part: &MessagePart, id: u32) {
    let media_type = part.content_type().map_or_else(
        || "text/plain".to_string(),
        |declared| {
            format!("{}/{}", declared.ctype(), declared.subtype().unwrap_or("octet-stream")).to_ascii_lowercase()
        },
    );
    let content = match &part.body {
        PartType::Text(_) | PartType::Html(_) => transfer_decoded(raw, part),
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => bytes.to_vec(),
        PartType::Message(nested) if part.encoding != Encoding::None => nested.raw_message.to_vec(),
        PartType::Message(_) => {
            raw.get(part.offset_body as usize..part.offset_end as usize).unwrap_or_default().to_vec()
        }
        PartType::Multipart(_) => return,
    };
    let media_type = if matches!(part.body, PartType::Message(_)) { "message/rfc822".to_string() } else { media_type };
    if media_type.starts_with("message/")
        && media_type.ends_with("delivery-status")
        && message.delivery_status.is_none()
    {
        message.delivery_status = Some(super::text_of(&content));
    }
    if id == 0 && content.is_empty() {
        return;
    }
    let name = file_name(raw, part);
    let content_id = part.content_id().map(|id| id.trim_matches(['<', '>']).to_string()).filter(|id| !id.is_empty());
    message.attachments.push(Attachment { name, media_type, content_id, content });
}

/// The file name without a path, control or invisible characters, or a leading dot.
fn file_name(raw: &[u8], part: &MessagePart) -> String {
    let declared = part.attachment_name().unwrap_or_default();
    let name = if declared.contains('\u{FFFD}') { raw_file_name(raw, part) } else { None };
    cleaned_name(name.as_deref().unwrap_or(declared))
}

/// A name from outside without what makes it dangerous.
pub(super) fn cleaned_name(name: &str) -> String {
    let name = header::decode_words(name);
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = header::one_line(name);
    let name: String =
        name.trim_start_matches('.').chars().filter(|c| !"<>:\"|?*".contains(*c)).take(MAX_NAME).collect();
    let stem = name.split('.').next().unwrap_or_default().to_ascii_uppercase();
    // Names that Windows gives to devices.
    let numbered = |device: &str| stem.strip_prefix(device).is_some_and(|rest| rest.len() == 1 && rest != "0");
    if ["CON", "PRN", "AUX", "NUL"].contains(&stem.as_str()) || numbered("COM") || numbered("LPT") {
        return format!("_{name}");
    }
    name
}

/// A name in raw 8-bit of an unsaid charset.
fn raw_file_name(raw: &[u8], part: &MessagePart) -> Option<String> {
    let fields = part.headers.iter().filter(|field| ["Content-Disposition", "Content-Type"].contains(&field.name()));
    fields.rev().find_map(|field| {
        let value = header::unfold(raw.get(field.offset_start as usize..field.offset_end as usize)?);
        let (_, after) = value.split_once("name=")?;
        let name = match after.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next(),
            None => after.split([';', ' ']).next(),
        };
        name.filter(|name| !name.is_empty()).map(str::to_string)
    })
}

/// A mail whose only text the parser put among the attachments, since the structure is broken.
fn recover(message: &mut Message) {
    if message.plain.is_some() || message.html.is_some() || message.attachments.len() != 1 {
        return;
    }
    let broken =
        message.attachments.iter().position(|file| file.name.is_empty() && file.media_type.starts_with("multipart/"));
    if let Some(at) = broken {
        let file = message.attachments.remove(at);
        message.plain = Some(super::text_of(&file.content));
        message.problems.push("the mail says that it has several parts, but has none".into());
    }
}

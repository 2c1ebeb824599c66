//! Mails that come inside another envelope: Outlook's `winmail.dat`, S/MIME signed in one piece, an
//! invitation with no other text. What is inside takes its place beside what stands outside; what
//! only the recipients' keys open is kept and said.

use super::limits::UNREAD;
use super::{Attachment, Limits, Message, body, clean, invitation, signed, tnef};

/// The most envelopes within each other.
pub(super) const DEEPEST: usize = 3;
/// The most attachments that envelopes add to a mail.
const MOST_FILES: usize = 500;

/// Opens what can be opened of the attachments of a mail.
pub(super) fn open(message: &mut Message, limits: &Limits, depth: usize) {
    let outside = message.attachments.len();
    for at in 0..outside {
        let Some(file) = message.attachments.get(at) else { return };
        match kind(file) {
            Some(Envelope::Outlook) => {
                let opened = tnef::open(&file.content);
                outlook(message, opened);
            }
            Some(Envelope::Smime) => {
                let opened = signed::open(&file.content);
                smime(message, opened, limits, depth);
            }
            Some(Envelope::Pgp) => message.say("the mail is encrypted (PGP); it is kept and not read"),
            None => {}
        }
    }
    if message.plain.as_deref().is_some_and(|plain| plain.trim_start().starts_with("-----BEGIN PGP MESSAGE-----")) {
        message.say("the mail is encrypted (PGP); it is kept and not read");
    }
    if !says_something(message) {
        let calendars = message.attachments.iter().filter(|file| file.media_type == "text/calendar");
        let text = calendars.map(Attachment::text).find_map(|calendar| invitation::text(&calendar));
        message.plain = text.or(message.plain.take());
    }
}

enum Envelope {
    Outlook,
    Smime,
    Pgp,
}

fn kind(file: &Attachment) -> Option<Envelope> {
    let name = file.name.to_ascii_lowercase();
    match file.media_type.as_str() {
        "application/ms-tnef" | "application/vnd.ms-tnef" => Some(Envelope::Outlook),
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => Some(Envelope::Smime),
        "application/pgp-encrypted" => Some(Envelope::Pgp),
        _ if name == "winmail.dat" || name == "win.dat" => Some(Envelope::Outlook),
        "application/octet-stream" if name.ends_with(".p7m") => Some(Envelope::Smime),
        _ => None,
    }
}

fn says_something(message: &Message) -> bool {
    message.html.is_some() || message.plain.as_deref().is_some_and(|plain| !plain.trim().is_empty())
}

fn outlook(message: &mut Message, opened: Option<tnef::Envelope>) {
    let Some(opened) = opened else {
        return message.say("an envelope of Outlook (winmail.dat) cannot be opened; it is kept");
    };
    if !says_something(message) {
        message.plain = opened.plain.map(clean).or(message.plain.take());
        message.html = opened.html.map(clean);
    }
    let files = opened.files.into_iter().filter(|file| !file.content.is_empty()).map(|file| Attachment {
        media_type: file.media_type.filter(|kind| kind.contains('/')).unwrap_or_else(|| by_name(&file.name)),
        name: body::cleaned_name(&file.name),
        content_id: file.content_id,
        content: file.content,
    });
    add(message, files.collect());
}

fn smime(message: &mut Message, opened: Option<signed::Cms>, limits: &Limits, depth: usize) {
    match opened {
        Some(signed::Cms::Signed(inside)) if depth < DEEPEST => {
            let inside = Message::read_within(&inside, limits, depth + 1);
            if !says_something(message) {
                (message.plain, message.html, message.flowed) = (inside.plain, inside.html, inside.flowed);
            }
            inside
                .problems
                .iter()
                .filter(|problem| !problem.contains("names no sender"))
                .for_each(|problem| message.say(problem));
            add(message, inside.attachments);
        }
        Some(signed::Cms::Signed(_)) => {
            message.say(format!("there are too many envelopes within each other; {UNREAD}"))
        }
        Some(signed::Cms::Encrypted) => message.say("the mail is encrypted (S/MIME); it is kept and not read"),
        None => message.say("an S/MIME envelope cannot be opened; it is kept"),
    }
}

fn add(message: &mut Message, files: Vec<Attachment>) {
    let room = MOST_FILES.saturating_sub(message.attachments.len());
    if files.len() > room {
        message.say(format!("the mail has too many attachments; {UNREAD}"));
    }
    message.attachments.extend(files.into_iter().take(room));
}

/// Outlook often gives no type but by the end of the name; only those count in which numbers stand.
fn by_name(name: &str) -> String {
    let ending = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let media_type = match ending.as_str() {
        "txt" | "log" => "text/plain",
        "csv" => "text/csv",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _ => "application/octet-stream",
    };
    media_type.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "From: a@x.example\nSubject: x\nMIME-Version: 1.0\n";

    #[test]
    fn what_is_in_an_envelope_takes_its_place() {
        let check = |raw: &str, plain: Option<&str>, files: &[&str], problem: Option<&str>| {
            let message = Message::parse(format!("{HEAD}{raw}").as_bytes());
            assert_eq!(message.plain.as_deref().map(str::trim), plain, "{raw}");
            let names: Vec<&str> = message.attachments.iter().map(|file| file.name.as_str()).collect();
            assert_eq!(names, files, "{raw}");
            assert_eq!(message.problems.first().map(String::as_str), problem, "{raw}");
        };
        // A winmail.dat whose body is "nie dziala".
        check(
            "Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\n\
             eJ8+IgEAAQyAAgALAAAAbmllIGR6aWFsYQDRAw==\n",
            Some("nie dziala"),
            &["winmail.dat"],
            None,
        );
        check(
            "Content-Type: application/ms-tnef; name=winmail.dat\n\nnonsense\n",
            None,
            &["winmail.dat"],
            Some("an envelope of Outlook (winmail.dat) cannot be opened; it is kept"),
        );
        // A SignedData around "Subject: y", blank line, "one".
        check(
            "Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\nContent-Transfer-Encoding: base64\n\n\
             MIAGCSqGSIb3DQEHAqCAMIACAQExADCABgkqhkiG9w0BBwGggCSABAhTdWJqZWN0OgQIIHkKCm9uZQoAAAAAAAAxAAAAAAAAAA==\n",
            Some("one"),
            &["smime.p7m"],
            None,
        );
        check(
            "Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\nContent-Transfer-Encoding: base64\n\n\
             MBIGCSqGSIb3DQEHA6AFMAMCAQA=\n",
            None,
            &["smime.p7m"],
            Some("the mail is encrypted (S/MIME); it is kept and not read"),
        );
        check(
            "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\n\n\
             --b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\
             --b\nContent-Type: application/octet-stream; name=encrypted.asc\n\n-----BEGIN PGP MESSAGE-----\n--b--\n",
            None,
            &["", "encrypted.asc"],
            Some("the mail is encrypted (PGP); it is kept and not read"),
        );
        check(
            "Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VEVENT\nSUMMARY:Wizyta\nEND:VEVENT\n",
            Some("Wizyta"),
            &[""],
            None,
        );
    }
}

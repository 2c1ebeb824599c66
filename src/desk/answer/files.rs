//! Which files of an answer go along.

use super::page::Picture;
use crate::desk::message::{Attachment, Message};
use crate::desk::rulebook::Rules;
use crate::desk::text::ShownLine;

/// A file that stays here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldBack {
    /// Its name.
    pub name: String,
    /// Why: the id of a rule or a reason.
    pub why: String,
}

/// The files of an answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Files {
    /// Those that go along; pictures under the Content-IDs of [`Files::pictures`].
    pub(super) kept: Vec<Attachment>,
    /// Pictures that the new text shows.
    pub(super) pictures: Vec<Picture>,
    /// Those that stay, and that the engineer is told of.
    pub(super) held_back: Vec<HeldBack>,
}

/// What mail programs add to a mail by themselves: signatures that do not hold for ours, and
/// visiting cards with the engineer's own address.
const OF_PROGRAMS: [&str; 8] = [
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
    "application/pgp-signature",
    "application/pgp-keys",
    "text/vcard",
    "text/x-vcard",
    "text/directory",
    "text/rfc822-headers",
];

/// What Outlook wraps a whole mail into, its quoted text included (MS-OXTNEF).
const WRAPPED_MAIL: [&str; 2] = ["application/ms-tnef", "application/vnd.ms-tnef"];

/// Sorts the files: pictures stay where the new text shows them, and go where only what was cut
/// did; all else goes along but what programs add and what can run.
pub(super) fn files(message: &Message, new_lines: &[ShownLine], seed: &str, rules: &Rules) -> Files {
    let shown = shown_ids(new_lines);
    let html = message.html.as_deref().unwrap_or_default();
    let mut files = Files::default();
    for file in &message.attachments {
        if OF_PROGRAMS.contains(&file.media_type.as_str()) {
            continue;
        }
        let id = file.content_id.as_deref();
        if WRAPPED_MAIL.contains(&file.media_type.as_str()) || file.name.eq_ignore_ascii_case("winmail.dat") {
            files.hold_back(file, "wrapped-mail");
        } else if file.name.is_empty() && file.media_type.starts_with("text/") {
            // Nobody attaches a text without a name: it is one that a program took apart, and was not looked through.
            files.hold_back(file, "text-without-name");
        } else if let Some(rule) = rules.executables.rule(file) {
            files.hold_back(file, rule);
        } else if let Some(id) = id.filter(|id| shown.contains(id) && file.media_type.starts_with("image/")) {
            files.show(file, id, seed);
        } else if id.is_none_or(|id| !html.contains(&format!("cid:{id}"))) {
            files.kept.push(Attachment { content_id: None, ..file.clone() });
        }
    }
    files
}

impl Files {
    fn hold_back(&mut self, file: &Attachment, why: &str) {
        self.held_back.push(HeldBack { name: file.name.clone(), why: why.to_string() });
    }

    /// The engineer's program and domain stand in its Content-IDs, so ours gives others.
    fn show(&mut self, file: &Attachment, id: &str, seed: &str) {
        let number = self.pictures.len() + 1;
        let extension = file.name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let subtype = file.media_type.split_once('/').map_or("", |(_, subtype)| subtype);
        let extension = if extension.is_empty() { subtype } else { extension };
        let name = format!("obraz-{number}.{extension}");
        let content_id = format!("{number}.{seed}");
        self.pictures.push(Picture { shown_as: id.to_string(), content_id: content_id.clone(), name: name.clone() });
        self.kept.push(Attachment { name, content_id: Some(content_id), ..file.clone() });
    }
}

fn shown_ids(lines: &[ShownLine]) -> Vec<&str> {
    lines.iter().flat_map(|line| line.look.all_pieces()).filter_map(|piece| piece.style.picture.as_deref()).collect()
}

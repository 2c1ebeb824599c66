//! The fields of a delivery report in the standard's form (RFC 3464 section 2).

use super::{Bounce, address, one_line, status_in};
use crate::desk::message::Message;

/// The actions of RFC 3464 section 2.3.3, the one that matters most first.
const ACTIONS: [&str; 5] = ["failed", "delayed", "relayed", "expanded", "delivered"];

/// The most groups of fields read: a hostile report may hold thousands.
const MOST_GROUPS: usize = 200;

/// What the fields say of the recipient who fared worst; `None` where there are none.
pub(super) fn read(message: &Message) -> Option<Bounce> {
    let groups = groups(message.delivery_status.as_deref()?);
    let original_message_id = groups.iter().find_map(|group| {
        let id = group.field("x-original-message-id")?;
        Some(id.trim().trim_matches(['<', '>']).to_string()).filter(|id| !id.is_empty())
    });
    let recipients = groups.iter().filter(|group| group.is_recipient());
    let worst = recipients.min_by_key(|group| {
        let action = group.action();
        ACTIONS.iter().position(|known| action.as_deref() == Some(known)).unwrap_or(ACTIONS.len())
    });
    let Some(group) = worst else { return Some(Bounce { original_message_id, ..Bounce::default() }) };
    let diagnostic = group.field("diagnostic-code").map(one_line).map(|code| without_type(&code).to_string());
    let diagnostic = diagnostic.filter(|diagnostic| !diagnostic.is_empty());
    Some(Bounce {
        recipient: group.recipient(),
        action: group.action(),
        status: group.field("status").and_then(status_in).or_else(|| diagnostic.as_deref().and_then(status_in)),
        diagnostic,
        original_message_id,
        rule: String::new(),
    })
}

/// Fields between two empty lines, names in lower case, values unfolded.
#[derive(Default)]
struct Group(Vec<(String, String)>);

impl Group {
    fn field(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn is_recipient(&self) -> bool {
        ["final-recipient", "original-recipient", "action", "status"].iter().any(|name| self.field(name).is_some())
    }

    /// The recipient as we wrote it, else as the reporting host knew it.
    fn recipient(&self) -> Option<String> {
        let original = self.field("original-recipient").map(|value| decode_xtext(without_type(value)));
        let original = original.as_deref().and_then(address);
        original.or_else(|| self.field("final-recipient").map(without_type).and_then(address))
    }

    fn action(&self) -> Option<String> {
        let value = self.field("action")?.trim().to_ascii_lowercase();
        let word = value.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        ACTIONS.contains(&word).then(|| word.to_string())
    }
}

fn groups(text: &str) -> Vec<Group> {
    let mut groups = vec![Group::default()];
    for line in text.lines() {
        if groups.len() > MOST_GROUPS {
            break;
        }
        if line.trim().is_empty() {
            groups.push(Group::default());
            continue;
        }
        let Some(group) = groups.last_mut() else { break };
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = group.0.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            let field = (name.trim().to_ascii_lowercase(), value.trim().to_string());
            // Some hosts leave out the empty line between two recipients.
            if field.0 == "final-recipient" && group.field("final-recipient").is_some() {
                groups.push(Group(vec![field]));
            } else {
                group.0.push(field);
            }
        }
    }
    groups
}

/// `smtp; 550 …`, `rfc822;jan@…`: what stands behind the type.
fn without_type(value: &str) -> &str {
    match value.split_once(';') {
        Some((kind, rest)) if !kind.trim().contains([' ', '@', '<']) => rest.trim(),
        _ => value.trim(),
    }
}

/// Decodes the xtext of RFC 3461 section 4, in which an address travels to the host that reports:
/// only `+2B` and `+3D` are needed in an address, and nothing else is taken for it, since `+` also
/// begins a detail.
fn decode_xtext(value: &str) -> String {
    value.replace("+2B", "+").replace("+3D", "=")
}

//! A calendar invitation (RFC 5545) as the text that it is to a person.

/// The most characters of an invitation.
const LONGEST: usize = 100_000;

/// What an invitation says: subject, time, place, description. `None` for answers to one (RFC 5546 section
/// 3.2.3) and where nothing is said.
pub(super) fn text(calendar: &str) -> Option<String> {
    let calendar: String = calendar.chars().take(LONGEST).collect();
    // Section 3.1: a line that begins with a blank goes on with the one before.
    let unfolded = calendar.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
    let mut lines: Vec<(String, String)> = unfolded.lines().filter_map(property).collect();
    let method = lines.iter().find(|(name, _)| name == "METHOD");
    if method.is_some_and(|(_, method)| ["REPLY", "COUNTER", "REFRESH"].contains(&method.as_str())) {
        return None;
    }
    // An alarm or a time zone has lines of the same name.
    let begins = lines.iter().position(|(name, value)| name == "BEGIN" && value == "VEVENT")?;
    lines.drain(..=begins);
    let ends = lines.iter().position(|(name, value)| name == "END" && value == "VEVENT" || name == "BEGIN");
    lines.truncate(ends.unwrap_or(lines.len()));
    let of = |wanted: &str| lines.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.trim());
    let said = ["SUMMARY", "DTSTART", "LOCATION", "DESCRIPTION"].into_iter().filter_map(of);
    let said: Vec<&str> = said.filter(|value| !value.is_empty()).collect();
    (!said.is_empty()).then(|| said.join("\n"))
}

/// Name and value of a line, without its parameters; a time with its zone.
fn property(line: &str) -> Option<(String, String)> {
    let mut quoted = false;
    let colon = line.find(|c| {
        quoted ^= c == '"';
        c == ':' && !quoted
    })?;
    let (head, value) = line.split_at_checked(colon)?;
    let value = value.strip_prefix(':')?;
    let mut parameters = head.split(';');
    let name = parameters.next()?.trim().to_ascii_uppercase();
    let value = match name.as_str() {
        "DTSTART" => {
            let zone = parameters.find_map(|parameter| parameter.strip_prefix("TZID="));
            [time(value), zone.map_or_else(String::new, |zone| format!(" {}", zone.trim_matches('"')))].concat()
        }
        "METHOD" | "BEGIN" | "END" => value.trim().to_ascii_uppercase(),
        _ => plain(value),
    };
    Some((name, value))
}

/// `20261119T100000` for people.
fn time(value: &str) -> String {
    let digit = |from: usize, to: usize| value.get(from..to).filter(|part| part.bytes().all(|b| b.is_ascii_digit()));
    let date = (|| Some(format!("{}-{}-{}", digit(0, 4)?, digit(4, 6)?, digit(6, 8)?)))();
    let Some(date) = date else { return value.to_string() };
    let clock = (|| Some(format!(" {}:{}", digit(9, 11)?, digit(11, 13)?)))().unwrap_or_default();
    format!("{date}{clock}{}", if value.ends_with('Z') { " UTC" } else { "" })
}

/// Section 3.3.11: text with its signs unescaped.
fn plain(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some('n' | 'N') => out.push('\n'),
                Some(other) => out.push(other),
                None => {}
            },
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_is_read() {
        let check = |calendar: &str, expected: Option<&str>| assert_eq!(text(calendar).as_deref(), expected);
        check(
            "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VTIMEZONE\r\nDTSTART:16010101T020000\r\nEND:VTIMEZONE\r\n\
             BEGIN:VEVENT\r\nSUMMARY;LANGUAGE=pl:Wizyta ser\r\n wisu\r\nDTSTART;TZID=\"Europe/Warsaw\":20261119T100000\r\n\
             LOCATION:Kraków\\, serwerownia\r\nDESCRIPTION:Napęd nie działa\\nSN 10WT087648\r\n\
             BEGIN:VALARM\r\nDESCRIPTION:REMINDER\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
            Some(
                "Wizyta serwisu\n2026-11-19 10:00 Europe/Warsaw\nKraków, serwerownia\nNapęd nie działa\nSN 10WT087648",
            ),
        );
        check("BEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT", None);
        check("BEGIN:VEVENT\nDTSTART:20261119T100000Z\nEND:VEVENT", Some("2026-11-19 10:00 UTC"));
        check("BEGIN:VEVENT\nDTSTART:ąę\nSUMMARY:x\\", Some("x\nąę"));
        check("", None);
    }
}

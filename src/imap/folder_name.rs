//! Folder names on the wire: modified UTF-7 (RFC 3501 section 5.1.3) in a quoted string.

use data_encoding::BASE64_NOPAD;

/// A folder name as a quoted string, ready for a command.
pub(crate) fn quoted(name: &str) -> String {
    quote(&encode(name))
}

/// Any printable ASCII text as a quoted string (RFC 3501 section 4.3).
pub(super) fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A folder name in modified UTF-7: printable ASCII, whatever the name holds.
pub(crate) fn encode(name: &str) -> String {
    let mut wire = String::with_capacity(name.len());
    let mut shifted = Vec::new();
    for character in name.chars() {
        if is_direct(character) {
            close_shift(&mut wire, &mut shifted);
            wire.push(character);
            if character == '&' {
                wire.push('-');
            }
        } else {
            let mut units = [0; 2];
            shifted.extend(character.encode_utf16(&mut units).iter().flat_map(|unit| unit.to_be_bytes()));
        }
    }
    close_shift(&mut wire, &mut shifted);
    wire
}

/// The folder name behind modified UTF-7; `None` where it is not well-formed.
pub(crate) fn decode(wire: &str) -> Option<String> {
    let mut name = String::with_capacity(wire.len());
    let mut rest = wire;
    while let Some((before, shifted)) = rest.split_once('&') {
        let (base64, after) = shifted.split_once('-')?;
        name.push_str(before);
        if base64.is_empty() {
            name.push('&');
        } else {
            let bytes = BASE64_NOPAD.decode(base64.replace(',', "/").as_bytes()).ok()?;
            let units: Vec<u16> =
                bytes.chunks(2).map(|pair| pair.iter().fold(0, |unit, byte| unit << 8 | u16::from(*byte))).collect();
            if bytes.len() % 2 != 0 {
                return None;
            }
            name.push_str(&String::from_utf16(&units).ok()?);
        }
        rest = after;
    }
    name.push_str(rest);
    Some(name)
}

fn is_direct(character: char) -> bool {
    matches!(character, ' '..='~')
}

/// Writes what stands shifted, `/` as `,` and without padding.
fn close_shift(wire: &mut String, shifted: &mut Vec<u8>) {
    if !shifted.is_empty() {
        wire.push('&');
        wire.push_str(&BASE64_NOPAD.encode(shifted).replace('/', ","));
        wire.push('-');
        shifted.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_travel_both_ways() {
        let table = [
            ("INBOX", "INBOX"),
            ("Wysłane", "Wys&AUI-ane"),
            ("Elementy wysłane", "Elementy wys&AUI-ane"),
            ("Elementy usunięte", "Elementy usuni&ARk-te"),
            ("Wiadomości-śmieci", "Wiadomo&AVs-ci-&AVs-mieci"),
            ("Śmieci", "&AVo-mieci"),
            ("Zgłoszenia", "Zg&AUI-oszenia"),
            ("Zgłoszenia/Błędy", "Zg&AUI-oszenia/B&AUIBGQ-dy"),
            ("[Gmail]/Wysłane", "[Gmail]/Wys&AUI-ane"),
            ("[Gmail]/Ważne", "[Gmail]/Wa&AXw-ne"),
            ("Żółw & ćma (test)", "&AXsA8wFC-w &- &AQc-ma (test)"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("📬", "&2D3c7A-"),
            ("a\r\nb", "a&AA0ACg-b"),
            ("", ""),
        ];
        for (name, wire) in table {
            assert_eq!(encode(name), wire);
            assert_eq!(decode(wire).as_deref(), Some(name));
        }
    }

    #[test]
    fn malformed_names_are_noticed() {
        for wire in ["Wys&AUI", "&!-", "&AU-", "&2D0-", "&AUIB-"] {
            assert_eq!(decode(wire), None, "{wire}");
        }
    }

    #[test]
    fn quotes_are_escaped() {
        assert_eq!(quoted(r#"a "b" \c"#), r#""a \"b\" \\c""#);
    }
}

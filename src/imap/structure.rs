//! Finds the BODYSTRUCTURE in a FETCH response, as text, however deep it is nested.

/// The value of BODYSTRUCTURE in this response, with what is not UTF-8 replaced.
pub(super) fn body_structure(response: &[u8]) -> Option<String> {
    const NAME: &[u8] = b"BODYSTRUCTURE ";
    if !response.starts_with(b"* ") {
        return None;
    }
    let start = response.windows(NAME.len()).position(|window| window.eq_ignore_ascii_case(NAME))?;
    let value = response.get(start + NAME.len()..)?;
    let end = end_of_list(value)?;
    Some(String::from_utf8_lossy(value.get(..end)?).into_owned())
}

/// Where the parenthesised list ends with which `value` begins; parentheses in quoted strings and
/// literals do not count (RFC 3501 section 4.3).
fn end_of_list(value: &[u8]) -> Option<usize> {
    let (mut depth, mut quoted, mut at) = (0usize, false, 0);
    while let Some(byte) = value.get(at) {
        at += 1;
        match byte {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' => at += literal_behind_brace(value.get(at..)?).unwrap_or(0),
            b'(' => depth += 1,
            b')' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return (*byte == b')').then_some(at);
        }
    }
    None
}

/// The length of `n}` CRLF and the n bytes behind it.
fn literal_behind_brace(rest: &[u8]) -> Option<usize> {
    let digits = rest.iter().take(10).take_while(|byte| byte.is_ascii_digit()).count();
    let length: usize = std::str::from_utf8(rest.get(..digits)?).ok()?.parse().ok()?;
    rest.get(digits..)?.starts_with(b"}\r\n").then(|| digits + 3 + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_cut_out() {
        let deep = format!("{}{}", "(".repeat(100_000), ")".repeat(100_000));
        let table: &[(&str, Option<&str>)] = &[
            ("* 1 FETCH (UID 2 BODYSTRUCTURE (\"text\" \"plain\" NIL))\r\n", Some("(\"text\" \"plain\" NIL)")),
            ("* 1 FETCH (bodystructure (a (b) c) UID 2)\r\n", Some("(a (b) c)")),
            ("* 1 FETCH (BODYSTRUCTURE (\"a)\\\")\" b) UID 2)\r\n", Some("(\"a)\\\")\" b)")),
            ("* 1 FETCH (BODYSTRUCTURE ({3}\r\n))) b) UID 2)\r\n", Some("({3}\r\n))) b)")),
            (&format!("* 1 FETCH (BODYSTRUCTURE {deep})\r\n"), Some(&deep)),
            ("* 1 FETCH (UID 2 FLAGS ())\r\n", None),
            ("* 1 FETCH (BODYSTRUCTURE NIL)\r\n", None),
            ("* 1 FETCH (BODYSTRUCTURE ({9}\r\nab", None),
            ("* 1 FETCH (BODYSTRUCTURE (\"", None),
            ("H1 OK BODYSTRUCTURE (x)\r\n", None),
        ];
        for (response, expected) in table {
            assert_eq!(body_structure(response.as_bytes()).as_deref(), *expected, "{response:.80}");
        }
    }
}

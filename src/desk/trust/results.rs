//! The `Authentication-Results` field (RFC 8601 section 2.2), read with care: what stands in it came
//! in part from the sender, and a careless reader takes the sender's words for the host's.

/// The most results of one field that are read; hosts write under ten.
const MOST_RESULTS: usize = 50;

/// A field, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Results {
    /// The host that vouches, in small letters; `None` where the field begins with a result, as
    /// Exchange Online writes it.
    pub(super) authserv_id: Option<String>,
    /// What it found, in order.
    pub(super) results: Vec<MethodResult>,
}

/// What one method found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct MethodResult {
    /// `dmarc`, `dkim`, `spf`, `auth`, …, in small letters.
    pub(super) method: String,
    /// `pass`, `fail`, `none`, `temperror`, …, in small letters.
    pub(super) result: String,
    /// The properties, `header.from` and the like, in small letters; values as written.
    pub(super) properties: Vec<(String, String)>,
    /// The comments behind the result, joined, in small letters.
    pub(super) comment: String,
}

impl MethodResult {
    /// The value of a property.
    pub(super) fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Reads the value of a field, unfolded and with its encoded words left alone. `None` where it is
/// none, or of a version that is not known.
pub(super) fn read(value: &str) -> Option<Results> {
    let mut parts = parts(value)?.into_iter();
    let first = parts.next()?;
    let (authserv_id, first) =
        if first.has_equals() { (None, Some(first.result()?)) } else { (Some(first.id()?), None) };
    let results = first.into_iter().chain(parts.filter_map(Part::result)).take(MOST_RESULTS).collect();
    Some(Results { authserv_id, results })
}

/// What stands between two semicolons.
#[derive(Default)]
struct Part {
    tokens: Vec<Token>,
    comment: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Equals,
}

impl Part {
    fn has_equals(&self) -> bool {
        self.tokens.contains(&Token::Equals)
    }

    /// The authserv-id, which a version may follow (RFC 8601 section 2.5).
    fn id(&self) -> Option<String> {
        match self.tokens.as_slice() {
            [Token::Word(id)] => Some(id.to_lowercase()),
            [Token::Word(id), Token::Word(version)] if version == "1" => Some(id.to_lowercase()),
            _ => None,
        }
    }

    /// `method=result`, then properties. A part that is written otherwise says nothing.
    fn result(self) -> Option<MethodResult> {
        let mut pairs = self.pairs()?.into_iter();
        let (method, result) = pairs.next()?;
        let method = match method.split_once('/') {
            Some((method, "1")) => method.to_string(),
            Some(_) => return None,
            None => method,
        };
        let properties = pairs.collect();
        Some(MethodResult { method, result: result.to_lowercase(), properties, comment: self.comment })
    }

    /// The names, which blanks may stand within (`header . from`), and their values, each one word.
    fn pairs(&self) -> Option<Vec<(String, String)>> {
        let mut pairs = Vec::new();
        let mut tokens = self.tokens.iter();
        loop {
            let mut name = String::new();
            loop {
                match tokens.next() {
                    Some(Token::Word(word)) => name.push_str(&word.to_lowercase()),
                    Some(Token::Equals) if !name.is_empty() => break,
                    Some(Token::Equals) => return None,
                    None => return name.is_empty().then_some(pairs),
                }
            }
            let Some(Token::Word(value)) = tokens.next() else { return None };
            pairs.push((name, value.clone()));
        }
    }
}

/// Parts the value at its semicolons. `None` where a comment or a quoted string is never closed:
/// then nobody knows where the host's words end.
fn parts(value: &str) -> Option<Vec<Part>> {
    let mut parts = vec![Part::default()];
    let mut word: Option<String> = None;
    let mut characters = value.chars();
    while let Some(c) = characters.next() {
        let part = parts.last_mut()?;
        match c {
            '"' => quoted(&mut characters, word.get_or_insert_default())?,
            '(' => {
                part.tokens.extend(word.take().map(Token::Word));
                comment(&mut characters, &mut part.comment)?;
            }
            ';' | '=' => {
                part.tokens.extend(word.take().map(Token::Word));
                match c {
                    '=' => part.tokens.push(Token::Equals),
                    _ => parts.push(Part::default()),
                }
            }
            c if c.is_whitespace() => part.tokens.extend(word.take().map(Token::Word)),
            c => word.get_or_insert_default().push(c),
        }
    }
    parts.last_mut()?.tokens.extend(word.map(Token::Word));
    // A semicolon at the very end begins no part.
    if parts.len() > 1 && parts.last().is_some_and(|part| part.tokens.is_empty()) {
        parts.pop();
    }
    Some(parts)
}

/// Reads on to the end of a quoted string (RFC 5322 section 3.2.4).
fn quoted(characters: &mut std::str::Chars, into: &mut String) -> Option<()> {
    loop {
        match characters.next()? {
            '\\' => into.push(characters.next()?),
            '"' => return Some(()),
            c => into.push(c),
        }
    }
}

/// Reads on to the end of a comment, comments inside it included (RFC 5322 section 3.2.2).
fn comment(characters: &mut std::str::Chars, into: &mut String) -> Option<()> {
    let mut depth = 1_u32;
    into.push(' ');
    loop {
        match characters.next()? {
            '\\' => into.push(characters.next()?),
            '(' => depth += 1,
            ')' if depth == 1 => return Some(()),
            ')' => depth -= 1,
            c => into.extend(c.to_lowercase()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The field in short: `id: method=result name=value; …`.
    #[track_caller]
    fn check(value: &str, expected: &str) {
        let shown = read(value).map_or("none".to_string(), |results| {
            let result = |one: &MethodResult| {
                let properties = one.properties.iter().map(|(name, value)| format!(" {name}={value}"));
                format!("{}={}{}", one.method, one.result, properties.collect::<String>())
            };
            let found = results.results.iter().map(result).collect::<Vec<_>>().join("; ");
            format!("{}: {found}", results.authserv_id.unwrap_or_default())
        });
        assert_eq!(shown, expected, "{value}");
    }

    #[test]
    fn what_hosts_write() {
        check("mx.desk.example; none", "mx.desk.example: ");
        check(
            "MX.desk.example 1; spf=Pass smtp.mailfrom=a@B.example",
            "mx.desk.example: spf=pass smtp.mailfrom=a@B.example",
        );
        check("mx.desk.example 2; dmarc=pass header.from=a.example", "none");
        check(
            "mx.google.com; dkim=pass header.i=@a.example header.s=s1 header.b=Ab12+/; spf=pass (google.com: domain of x \
             designates 192.0.2.1 as permitted) smtp.mailfrom=x@a.example; dmarc=pass (p=REJECT sp=NONE dis=NONE) \
             header.from=a.example",
            "mx.google.com: dkim=pass header.i=@a.example header.s=s1 header.b=Ab12+/; spf=pass \
             smtp.mailfrom=x@a.example; dmarc=pass header.from=a.example",
        );
        check(
            "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=a.example; dkim=pass (signature was verified) \
             header.d=a.example;dmarc=pass action=none header.from=a.example;compauth=pass reason=100",
            ": spf=pass smtp.mailfrom=a.example; dkim=pass header.d=a.example; dmarc=pass action=none \
             header.from=a.example; compauth=pass reason=100",
        );
        check(
            "a.example(x) ( (y) z) ; dmarc/1 = pass (c\\)) header . from = a.example (d);",
            "a.example: dmarc=pass header.from=a.example",
        );
        check("a.example; dmarc/2=pass header.from=a.example", "a.example: ");
        check("\"a.example\"; auth=pass smtp.auth=\"anna\"@a.example", "a.example: auth=pass smtp.auth=anna@a.example");
    }

    #[test]
    fn what_senders_smuggle_in() {
        let victim = "dmarc=pass header.from=victim.example";
        check(
            &format!("mx; spf=fail smtp.mailfrom=\"x; {victim}\"@evil.example; dmarc=fail header.from=evil.example"),
            &format!("mx: spf=fail smtp.mailfrom=x; {victim}@evil.example; dmarc=fail header.from=evil.example"),
        );
        check(&format!("mx; spf=fail (x; {victim}) smtp.helo=y"), "mx: spf=fail smtp.helo=y");
        check(&format!("mx; spf=fail (x (; {victim}); y) smtp.helo=y"), "mx: spf=fail smtp.helo=y");
        check(&format!("mx; spf=fail (x\\) ; {victim})"), "mx: spf=fail");
        check(&format!("mx; spf=fail (never closed; {victim}"), "none");
        check(&format!("mx; spf=fail smtp.helo=\"never closed; {victim}"), "none");
        check("mx; dkim=pass header.b=ab=; dmarc=none", "mx: dmarc=none");
        check("mx; dmarc = = pass", "mx: ");
        check("dmarc = = pass; dmarc=pass", "none");
        check("mx; dmarc=pass header.from=", "mx: ");
        check("mx; =pass; dmarc", "mx: ");
        check("mx evil; dmarc=pass header.from=a.example", "none");
        check("", "none");
        check(";;;", "none");
        check("=?utf-8?Q?mx=3B_dmarc=3Dpass?=; dmarc=fail", "none");
    }
}

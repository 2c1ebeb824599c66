//! One spelling for matching: lower case, without diacritics, typographic signs as plain ones.

/// Folds a text: lower case, Latin diacritics off, quotes, dashes and blanks made plain. Rules are
/// written in this spelling, so that `Nieobecność`, `NIEOBECNOSC` and `nieobecnosc` are one.
pub(crate) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c.to_ascii_lowercase());
        } else {
            fold_one(c, &mut out);
        }
    }
    out
}

fn fold_one(c: char, out: &mut String) {
    // ł has no canonical decomposition; the others are listed too, to need no table.
    let plain = match c {
        'ą' | 'Ą' | 'á' | 'Á' | 'à' | 'À' | 'â' | 'Â' | 'ä' | 'Ä' | 'ã' | 'Ã' | 'å' | 'Å' => 'a',
        'ć' | 'Ć' | 'č' | 'Č' | 'ç' | 'Ç' => 'c',
        'ď' | 'Ď' => 'd',
        'ę' | 'Ę' | 'é' | 'É' | 'è' | 'È' | 'ê' | 'Ê' | 'ë' | 'Ë' | 'ě' | 'Ě' | 'ė' | 'Ė' => 'e',
        'í' | 'Í' | 'ì' | 'Ì' | 'î' | 'Î' | 'ï' | 'Ï' | 'į' | 'Į' => 'i',
        'ł' | 'Ł' | 'ľ' | 'Ľ' | 'ĺ' | 'Ĺ' => 'l',
        'ń' | 'Ń' | 'ň' | 'Ň' | 'ñ' | 'Ñ' => 'n',
        'ó' | 'Ó' | 'ò' | 'Ò' | 'ô' | 'Ô' | 'ö' | 'Ö' | 'õ' | 'Õ' | 'ø' | 'Ø' => 'o',
        'ř' | 'Ř' | 'ŕ' | 'Ŕ' => 'r',
        'ś' | 'Ś' | 'š' | 'Š' => 's',
        'ť' | 'Ť' => 't',
        'ú' | 'Ú' | 'ù' | 'Ù' | 'û' | 'Û' | 'ü' | 'Ü' | 'ů' | 'Ů' | 'ų' | 'Ų' | 'ū' | 'Ū' => 'u',
        'ý' | 'Ý' => 'y',
        'ź' | 'Ź' | 'ż' | 'Ż' | 'ž' | 'Ž' => 'z',
        '‘' | '’' | '‚' | '′' | '`' | '´' => '\'',
        '„' | '”' | '“' | '«' | '»' | '″' => '"',
        '‐'..='―' | '−' => '-',
        '：' => ':',
        '\u{A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{3000}' => ' ',
        'ß' => return out.push_str("ss"),
        '…' => return out.push_str("..."),
        // Combining marks, as in decomposed text from macOS.
        '\u{300}'..='\u{36F}' => return,
        _ => return out.extend(c.to_lowercase()),
    };
    out.push(plain);
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn spellings_fold_to_one() {
        assert_eq!(fold("ZAŻÓŁĆ Gęślą„Jaźń” – m²"), "zazolc gesla\"jazn\" - m²");
        assert_eq!(fold("nieobecnos\u{301}c\u{301}"), "nieobecnosc");
        assert_eq!(fold("Größe Відсутність"), "grosse відсутність");
    }
}

//! What kind of element a name stands for.

use html5gum::StartTag;

/// A paragraph that stands close to its neighbours, as Outlook writes each line.
pub(super) fn is_tight(tag: &StartTag<()>) -> bool {
    let attribute =
        |name: &[u8]| tag.attributes.get(name).map(|value| String::from_utf8_lossy(value).to_ascii_lowercase());
    let class = attribute(b"class").unwrap_or_default();
    let style: String = attribute(b"style").unwrap_or_default().chars().filter(|c| !c.is_whitespace()).collect();
    class.contains("msonormal")
        || class.contains("msoplaintext")
        || style.contains("margin:0")
        || style.contains("margin-top:0")
}

pub(super) fn is_block(name: &[u8]) -> bool {
    matches!(
        name,
        b"div"
            | b"tr"
            | b"tbody"
            | b"thead"
            | b"pre"
            | b"address"
            | b"section"
            | b"article"
            | b"header"
            | b"footer"
            | b"center"
            | b"form"
            | b"dt"
            | b"dd"
            | b"body"
            | b"html"
            | b"h4"
            | b"h5"
            | b"h6"
            | b"main"
            | b"fieldset"
            | b"caption"
    )
}

pub(super) fn is_inline(name: &[u8]) -> bool {
    matches!(
        name,
        b"b" | b"i"
            | b"u"
            | b"s"
            | b"a"
            | b"em"
            | b"strong"
            | b"span"
            | b"font"
            | b"small"
            | b"big"
            | b"code"
            | b"tt"
            | b"sub"
            | b"sup"
            | b"strike"
            | b"del"
            | b"ins"
            | b"mark"
            | b"o:p"
            | b"label"
            | b"abbr"
            | b"cite"
            | b"q"
    )
}

//! The answers below `tests/answers`, and the notification that they answer.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its share")]

use hezo_intake::desk::message::Message;
use hezo_intake::desk::reply::Purpose;

use crate::desk_at_work::{At, World, customers_mail};

/// What Anna writes between the customer's questions.
const BETWEEN: [(&str, &str); 2] = [
    ("Czy możemy wyłączyć bibliotekę przełącznikiem z tyłu obudowy?", "Tak."),
    ("Kiedy przyjedzie do nas serwisant z nowym napędem?", "Jutro rano, kurier już jedzie."),
];

/// The notification that Anna answers, and the desk as it then is.
pub fn notified() -> (World, Vec<u8>) {
    let mut world = World::new();
    let sent = world.receive(At::OPENING, &customers_mail());
    let notice = sent.iter().find(|post| post.purpose == Purpose::Notice && post.recipient == "anna@hezo.example");
    (world, notice.expect("a notification").bytes.clone())
}

/// With an answer below each question, as it is written there.
fn answered(text: &str, answer: impl Fn(&str) -> String) -> String {
    let add = |text: String, (question, words): &(&str, &str)| {
        let lines = text.split('\n').map(|line| match line.contains(question) {
            true => format!("{line}\n{}", answer(words)),
            false => line.to_string(),
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    BETWEEN.iter().fold(text.to_string(), add)
}

/// A template of a case with the blanks filled in.
pub fn fill(template: &str, raw: &[u8]) -> String {
    let notice = &Message::parse(raw);
    let text = notice.plain.clone().unwrap_or_default();
    let html = notice.html.clone().unwrap_or_else(|| format!("<body>{}</body>", lines_of_html(&text)));
    let inner =
        html.split_once("<body>").and_then(|(_, rest)| rest.split_once("</body>")).map_or("", |(inner, _)| inner);
    let quoted: Vec<String> = text.lines().map(|line| format!("> {line}").trim_end().to_string()).collect();
    let quoted = quoted.join("\n");
    let from = notice.from.as_ref().expect("a sender");
    let facts = text.lines().find_map(|line| line.split_once("B824100317")).map_or("", |(_, rest)| rest);
    let break_out =
        |words: &str| format!("</div></blockquote><div>{words}</div><div><br></div><blockquote type=\"cite\"><div>");
    let blocks =
        format!("<blockquote type=\"cite\"><div>{}</div></blockquote>", answered(&lines_of_html(&text), break_out));
    let blue = |words: &str| format!("<p class=MsoNormal><span style='color:blue'>{words}<o:p></o:p></span></p>");
    template
        .replace("{facts}", facts)
        .replace("{begin}", text.lines().next().unwrap_or_default())
        .replace("{raw}", &String::from_utf8_lossy(raw).replace("\r\n", "\n"))
        .replace("{inline}", &answered(&as_word_writes(inner), blue))
        .replace("{>inline}", &answered(&quoted, str::to_string))
        .replace("{blocks}", &blocks)
        .replace("{reply_to}", &notice.reply_to.as_ref().expect("a reply address").address)
        .replace("{id}", notice.message_id.as_deref().expect("an id"))
        .replace("{subject}", &notice.subject)
        .replace("{from}", &format!("{} <{}>", from.name, from.address))
        .replace("{name}", &from.name)
        .replace("{>text}", &quoted)
        .replace("{text}", &text)
        .replace("{word}", &as_word_writes(inner))
        .replace("{br}", &lines_of_html(&text))
        .replace("{html}", inner)
        .replace(
            "{png}",
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
        )
}

fn lines_of_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', "<br>\n")
}

/// Word keeps the words and makes a paragraph of every line.
fn as_word_writes(html: &str) -> String {
    let (mut out, mut in_tag) = (String::new(), false);
    for c in html.replace("</p>", "\n").replace("</tr>", "\n").replace("</td>", " ").replace("<br>", "\n").chars() {
        match c {
            '<' => in_tag = true,
            '>' => in_tag = false,
            _ if !in_tag => out.push(c),
            _ => {}
        }
    }
    let lines = out.lines().map(|line| {
        let line = if line.trim().is_empty() { "&nbsp;" } else { line.trim() };
        format!("<p class=\"MsoNormal\"><span style=\"font-size:11.0pt\">{line}<o:p></o:p></span></p>")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The part of a case file below this heading.
pub fn part<'a>(case: &'a str, heading: &str) -> Option<&'a str> {
    let (_, rest) = case.split_once(&format!("\n=== {heading}"))?;
    let (_, rest) = rest.split_once('\n')?;
    Some(rest.split_once("\n=== ").map_or(rest, |(part, _)| part).trim_end())
}

/// The cases, by name.
pub fn cases() -> Vec<(String, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/answers");
    let files = std::fs::read_dir(folder).expect("the cases").map(|entry| entry.expect("a case").path());
    let mut cases: Vec<(String, String)> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).expect("a case"))
        })
        .collect();
    cases.sort();
    cases
}

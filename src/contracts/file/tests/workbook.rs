//! The list as a workbook.

use std::io::Write;

use zip::write::SimpleFileOptions;

use super::*;

/// A workbook with one sheet. Of a cell like `d:46142` the rest is a number shown as a date, of
/// `n:5` a number, of `e:#N/A` an error, of `b:1` true; every other cell is text.
pub(super) fn workbook(rows: &[Vec<String>]) -> Vec<u8> {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
    let mut sheet = String::new();
    for (row, cells) in rows.iter().enumerate() {
        sheet.push_str(&format!("<row r=\"{}\">", row + 1));
        for (column, cell) in cells.iter().enumerate() {
            let at = format!("{}{}", char::from(b'A' + u8::try_from(column).expect("few columns")), row + 1);
            sheet.push_str(&match cell.split_once(':') {
                Some(("d", number)) => format!("<c r=\"{at}\" s=\"1\"><v>{number}</v></c>"),
                Some(("n", number)) => format!("<c r=\"{at}\"><v>{number}</v></c>"),
                Some(("e", error)) => format!("<c r=\"{at}\" t=\"e\"><v>{error}</v></c>"),
                Some(("b", truth)) => format!("<c r=\"{at}\" t=\"b\"><v>{truth}</v></c>"),
                _ if cell.is_empty() => String::new(),
                _ => format!("<c r=\"{at}\" t=\"inlineStr\"><is><t>{}</t></is></c>", escaped(cell)),
            });
        }
        sheet.push_str("</row>");
    }
    zipped(&sheet, &[])
}

/// A workbook with this text between `<sheetData>` and its end, and further parts.
pub(super) fn zipped(sheet: &str, more: &[(&str, &[u8])]) -> Vec<u8> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const RELATIONS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let relation = |id: &str, kind: &str, target: &str| {
        format!("<Relationship Id=\"{id}\" Type=\"{OFFICE}/{kind}\" Target=\"{target}\"/>")
    };
    let relations = |all: String| format!("<Relationships xmlns=\"{RELATIONS}\">{all}</Relationships>");
    let parts = [
        ("_rels/.rels", relations(relation("r1", "officeDocument", "xl/workbook.xml"))),
        (
            "xl/_rels/workbook.xml.rels",
            relations(relation("r1", "worksheet", "worksheets/sheet1.xml") + &relation("r2", "styles", "styles.xml")),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets><sheet name=\"Umowy\" sheetId=\"1\" \
                 r:id=\"r1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/styles.xml",
            format!(
                "<styleSheet xmlns=\"{MAIN}\"><cellXfs count=\"2\"><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs>\
                 </styleSheet>"
            ),
        ),
        ("xl/worksheets/sheet1.xml", format!("<worksheet xmlns=\"{MAIN}\"><sheetData>{sheet}</sheetData></worksheet>")),
    ];
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let parts = parts.iter().map(|(name, text)| (*name, text.as_bytes())).chain(more.iter().copied());
    for (name, bytes) in parts {
        archive.start_file(name, SimpleFileOptions::default()).expect("a part");
        archive.write_all(bytes).expect("its bytes");
    }
    archive.finish().expect("an archive").into_inner()
}

pub(super) fn row(text: &str) -> Vec<String> {
    text.split('|').map(str::to_string).collect()
}

/// The faults of a workbook with the usual head and these rows.
#[track_caller]
fn check_rows(rows: &[&str], expected: &[&str]) {
    let head = vec![row(&HEAD.replace(',', "|"))];
    check_bytes(&workbook(&[head, rows.iter().map(|text| row(text)).collect()].concat()), expected);
}

#[test]
fn a_workbook_holds_the_same_list() {
    let rows = [
        row(&HEAD.replace(',', "|")),
        row("40222051|n:7743818919|Dębomax & Syn|SOS|24x7|8h|d:45797|2027-05-19|A1;A2\nA3|@d.example"),
        Vec::new(),
        row("n:40223418|PL7743818919|K|ahb|8x5|nbd|2024-05-20|d:46142||"),
    ];
    let contracts = read(&workbook(&rows)).expect("a good list");
    let [first, second] = contracts.as_slice() else { panic!("{contracts:?}") };
    assert_eq!((first.number.as_str(), first.nip.as_str()), ("40222051", "7743818919"));
    assert_eq!(first.customer, "Dębomax & Syn");
    assert_eq!(first.valid_from, jiff::civil::date(2025, 5, 20));
    assert_eq!(first.serials, ["A1", "A2", "A3"]);
    assert_eq!((second.number.as_str(), second.valid_to), ("40223418", jiff::civil::date(2026, 4, 30)));
    assert!(second.serials.is_empty() && second.senders.is_empty());
}

#[test]
fn what_excel_makes_of_a_number_is_told() {
    let text = "give the cell the format Text and type it again";
    check_rows(
        &[
            "UM/1|7743818919|K|SOS|8x5|NBD|d:45797.5|n:46142|n:2102359579000000311|@k.example",
            "d:46142|e:#N/A|b:1|SOS|8x5|NBD|d:45797|d:46142|n:1013007741|",
        ],
        &[
            "line 2, column valid_from: has a time of day; a date alone belongs here",
            "line 2, column valid_to: is a number; give the cell the format Date, or write text such as 2026-04-30",
            &format!(
                "line 2, column serials: is a number of more than 15 digits, of which Excel has lost the last: {text}"
            ),
            &format!("line 3, column contract: is a date or time; Excel makes one of what looks like it: {text}"),
            "line 3, column nip: holds the error #N/A",
            &format!("line 3, column customer: is true or false; {text}"),
        ],
    );
    check_rows(
        &["UM/1|7743818919|K|SOS|8x5|NBD|2024-05-20|2027-05-19|A1|@k.example|x", "UM/2|1"],
        &[
            "line 2: 11 values where the head names 10 columns",
            "line 3, column nip: is not ten digits",
            "line 3, column plan: is none of the plans AHB, ALLCARE, COCARE, NONE, SOS",
            "line 3, column window: is none of the windows: 24x7, 8x5, 9x5",
            "line 3, column delivery: is none of the delivery times: 8h, NBD",
            "line 3, column valid_from: is not a date such as 2026-04-30",
            "line 3, column valid_to: is not a date such as 2026-04-30",
        ],
    );
    check_bytes(&workbook(&[]), &[&format!("the file is empty; it must begin with {HEAD}")]);
}

/// The faults of a workbook that may unpack to a hundredth of what is usual.
#[track_caller]
fn check_small_limits(bytes: &[u8], expected: &[&str]) {
    let (_dir, path) = file(bytes);
    let mut each = |_| Ok(());
    let plans = Plans::built_in();
    let mut lines = Lines::new(&mut each, &plans);
    let usual = xlsx_file::LIMITS;
    let limits = xlsx_file::Limits { bytes: usual.bytes / 100, tags: usual.tags / 100, parts: usual.parts / 100 };
    xlsx_file::read(std::fs::File::open(path).expect("the file"), limits, &mut lines).expect("no fault of the disk");
    let said: Vec<String> = lines.into_faults().0.iter().map(LineFault::to_string).collect();
    assert_eq!(said, expected);
}

#[test]
fn a_workbook_that_unpacks_to_too_much_is_refused() {
    let refusal = "unpacks to more than any list of contracts has; it is not read further";
    let head = [row(&HEAD.replace(',', "|")), row(&GOOD.replace(',', "|"))];
    check_small_limits(&workbook(&head), &[]);
    let bomb = zipped("", &[("xl/sharedStrings.xml", &vec![0; 3_000_000])]);
    assert!(bomb.len() < 20_000);
    check_small_limits(&bomb, &[refusal]);
    // Few bytes, many strings.
    check_small_limits(&zipped("", &[("xl/sharedStrings.xml", "<si/>".repeat(250_000).as_bytes())]), &[refusal]);
    // Many parts that nobody asks for.
    let names: Vec<String> = (0..30).map(|at| format!("part{at}")).collect();
    let parts: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    check_small_limits(&zipped("", &parts), &["has 35 parts, more than any list of contracts"]);
}

#[test]
fn a_cell_far_away_costs_no_memory() {
    let far = "<row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row>";
    check_bytes(&zipped(far, &[]), &[&format!("the file is empty; it must begin with {HEAD}")]);
}

#[test]
fn a_broken_workbook_is_refused() {
    let whole = workbook(&[row(&HEAD.replace(',', "|")), row(&GOOD.replace(',', "|"))]);
    assert_eq!(read(&whole).expect("a good list").len(), 1);
    let cut = read(whole.get(..whole.len() / 2).expect("a half")).expect_err("half a workbook").to_string();
    assert!(cut.contains("cannot be read as a workbook"), "{cut}");
    let empty = read(&zipped("<row><c", &[])).expect_err("broken").to_string();
    assert!(empty.contains("cannot be read as a workbook"), "{empty}");
}

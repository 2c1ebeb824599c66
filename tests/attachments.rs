//! What the built binary reads in attachments, and that no file costs more than its own result.

use crate::LONG;
use std::io::{Cursor, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::photographs::Photograph;
use hezo_intake::attachments::{Limits, Reader, SUBCOMMAND};
use hezo_intake::desk::attachment::{Contents, Problem};
use hezo_intake::desk::message::{Attachment, Message};
use rxing::BarcodeFormat;

const BINARY: &str = env!("CARGO_BIN_EXE_hezo-intake");

fn read_all(files: Vec<(&str, Vec<u8>)>, limits: Limits) -> Vec<Contents> {
    let attachment = |(name, content): (&str, Vec<u8>)| Attachment {
        name: name.to_string(),
        media_type: "application/octet-stream".to_string(),
        content_id: None,
        content,
    };
    let attachments = files.into_iter().map(attachment).collect();
    let message = Message { attachments, ..Message::default() };
    Reader::new(Path::new(BINARY)).with_limits(limits).read(&message)
}

fn read(name: &str, content: Vec<u8>) -> Contents {
    read_all(vec![(name, content)], Limits::default()).pop().expect("one file")
}

fn texts(contents: &Contents) -> Vec<&str> {
    contents.codes.iter().map(|code| code.text.as_str()).collect()
}

/// Asserts that every code of the photograph is read, and nothing else.
#[track_caller]
fn check_photograph(photograph: &Photograph) {
    let contents = read("IMG_2210.png", photograph.file());
    let mut got = texts(&contents);
    let mut want: Vec<&str> = photograph.codes.iter().map(|(_, text)| text.as_str()).collect();
    got.sort_unstable();
    want.sort_unstable();
    assert_eq!(got, want, "{photograph:?}");
}

const CODES: [(BarcodeFormat, &str); 5] = [
    (BarcodeFormat::CODE_128, "FCW2401L2SS"),
    (BarcodeFormat::CODE_39, "1013006377"),
    (BarcodeFormat::CODE_93, "B825110102"),
    (BarcodeFormat::QR_CODE, "1931C-W0288"),
    (BarcodeFormat::DATA_MATRIX, "15JP418F30BT"),
];

#[test]
fn a_turned_label_is_read() {
    for ((format, text), turn) in CODES.into_iter().zip([12.0, 45.0, 90.0, 200.0, 290.0]) {
        check_photograph(&Photograph { turn, ..Photograph::of(format, text) });
    }
}

/// A label that fills the picture: its stripes are wide.
#[test]
fn a_large_label_is_read() {
    for (format, text) in [(BarcodeFormat::CODE_128, "1821P-00467"), (BarcodeFormat::CODE_39, "QX7734210")] {
        for turn in [0.0, 180.0] {
            let photograph = Photograph { module: 5.0, size: (1_200, 400), ..Photograph::of(format, text) };
            check_photograph(&Photograph { turn, ..photograph });
        }
    }
}

#[test]
fn a_label_seen_from_the_side_out_of_focus_and_in_the_shade_is_read() {
    for (format, text) in CODES {
        let photograph = Photograph::of(format, text);
        let (turn, skew, blur, contrast, shade) = (20.0, 0.2, 0.8, 0.5, 0.4);
        check_photograph(&Photograph { turn, skew, blur, contrast, shade, ..photograph });
    }
}

#[test]
fn a_label_is_read_at_every_angle() {
    let turned = |turn: f64| (turn, 0.0, 0.5, 0.85, 0.0);
    let turns = [0.0, 4.0, 12.0, 25.0, 45.0, 60.0, 90.0, 115.0, 180.0, 200.0, 290.0].map(turned);
    let skews = [(0.0, 0.1), (20.0, 0.2), (80.0, 0.2), (20.0, 0.3), (80.0, 0.3), (20.0, 0.4)];
    let skews = skews.map(|(turn, skew)| (turn, skew, 0.5, 0.85, 0.0));
    let blurs = [0.0, 7.0].map(|turn| (turn, 0.0, 1.0, 0.85, 0.0));
    let shades = [0.0, 10.0, 40.0].map(|turn| (turn, 0.0, 0.5, 0.4, 0.5));
    let views = [turns.as_slice(), &skews, &blurs, &shades].concat();
    // All codes from all sides, or every seventh view of one.
    let (codes, step) = if LONG { (&CODES[..], 1) } else { (&CODES[..1], 7) };
    for (format, text) in codes.iter().copied() {
        for (turn, skew, blur, contrast, shade) in views.iter().copied().step_by(step) {
            let photograph = Photograph { module: 3.0, size: (900, 800), ..Photograph::of(format, text) };
            check_photograph(&Photograph { turn, skew, blur, contrast, shade, ..photograph });
        }
    }
}

#[test]
fn all_codes_of_a_label_are_read() {
    let mut photograph = Photograph::of(BarcodeFormat::CODE_128, "AQ288-20800");
    photograph.codes.push((BarcodeFormat::CODE_39, "HU18264KXT".to_string()));
    photograph.codes.push((BarcodeFormat::DATA_MATRIX, "PMH00918204417".to_string()));
    check_photograph(&Photograph { turn: 10.0, ..photograph });
}

#[test]
fn a_picture_without_a_code_has_none() {
    let mut photograph = Photograph::of(BarcodeFormat::CODE_128, "unseen");
    photograph.codes.clear();
    check_photograph(&photograph);
}

/// A PDF document of one page, as small programs write them.
fn pdf(content: &[u8], filter: &str) -> Vec<u8> {
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    let head = format!("<< /Length {} {filter} >>\nstream\n", content.len());
    let stream = [head.as_bytes(), content, b"\nendstream"];
    let objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_vec(),
        stream.concat(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_vec(),
    ];
    for (at, object) in objects.iter().enumerate() {
        offsets.push(file.len());
        file.extend(format!("{} 0 obj\n", at + 1).as_bytes());
        file.extend(object);
        file.extend(b"\nendobj\n");
    }
    let table = file.len();
    file.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).as_bytes());
    offsets.iter().for_each(|offset| file.extend(format!("{offset:010} 00000 n \n").as_bytes()));
    file.extend(format!("trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n").as_bytes());
    file
}

#[test]
fn the_text_of_a_document_stands_in_lines_as_on_the_page() {
    // The second line is written first, and a table's cells one by one.
    let page = b"BT /F1 11 Tf 60 700 Td (Numer seryjny: FCW2401L2SS) Tj ET \
                 BT /F1 11 Tf 60 760 Td (Protokol) Tj ET \
                 BT /F1 11 Tf 60 640 Td (Model) Tj ET BT /F1 11 Tf 200 640 Td (Numer seryjny) Tj ET \
                 BT /F1 11 Tf 60 620 Td (MX204) Tj ET BT /F1 11 Tf 200 620 Td [(JN1) -20 (234567) 15 (AFA)] TJ ET \
                 BT 0 11 -11 0 560 100 Tm /F1 1 Tf (turned S/N 8606084) Tj ET";
    let contents = read("protokol.pdf", pdf(page, ""));
    let want = "Protokol\nNumer seryjny: FCW2401L2SS\nModel\tNumer seryjny\nMX204\tJN1234567AFA\nturned S/N 8606084\n";
    assert_eq!(contents.text.trim_end(), want.trim_end());
    assert_eq!(contents.problem, None);
}

#[test]
fn a_broken_document_costs_its_own_result_alone() {
    let whole = pdf(b"BT /F1 11 Tf 60 700 Td (SN FCW2401L2SS) Tj ET", "");
    let half = whole.get(..whole.len() / 3).expect("a part").to_vec();
    let read = read_all(vec![("half.pdf", half), ("whole.pdf", whole)], Limits::default());
    assert_eq!(read[0].problem, Some(Problem::Broken));
    assert_eq!(read[1].text.trim(), "SN FCW2401L2SS");
}

/// A stream of so many megabytes of blanks, packed (RFC 1950 and 1951).
fn packed_blanks(megabytes: usize) -> Vec<u8> {
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    let blanks = vec![b' '; 1 << 20];
    (0..megabytes).for_each(|_| packer.write_all(&blanks).expect("memory takes it"));
    packer.finish().expect("memory takes it")
}

#[test]
fn a_document_that_unpacks_to_more_than_memory_costs_its_own_result_alone() {
    let bomb = pdf(&packed_blanks(1_200), "/Filter /FlateDecode");
    assert!(bomb.len() < 4 << 20, "it is small");
    let read = read_all(
        vec![("bomb.pdf", bomb), ("good.pdf", pdf(b"BT /F1 11 Tf 9 9 Td (SN 8606084) Tj ET", ""))],
        Limits::default(),
    );
    assert!(matches!(read[0].problem, Some(Problem::TooMuchMemory | Problem::TooLong)), "{:?}", read[0]);
    assert_eq!(read[1].text.trim(), "SN 8606084");
}

#[test]
fn a_picture_of_900_million_pixels_is_refused_unread() {
    // A PNG's header and the beginning of nothing.
    let mut header = b"IHDR".to_vec();
    header.extend(30_000_u32.to_be_bytes());
    header.extend(30_000_u32.to_be_bytes());
    header.extend([8, 0, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let chunk = |file: &mut Vec<u8>, chunk: &[u8]| {
        file.extend((chunk.len() as u32 - 4).to_be_bytes());
        file.extend(chunk);
        let mut sum = flate2::Crc::new();
        sum.update(chunk);
        file.extend(sum.sum().to_be_bytes());
    };
    chunk(&mut file, &header);
    chunk(&mut file, &[b"IDAT".to_vec(), b"\x78\x9c".to_vec()].concat());
    chunk(&mut file, b"IEND");
    assert_eq!(read("huge.png", file).problem, Some(Problem::TooManyPixels));
}

fn zip(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).expect("memory takes it");
        archive.write_all(content).expect("memory takes it");
    }
    archive.finish().expect("memory takes it").into_inner()
}

/// A workbook of one sheet with these rows.
fn workbook(rows: &str) -> Vec<u8> {
    let sheet = format!(
        "<?xml version=\"1.0\"?><worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\">\
         <sheetData>{rows}</sheetData></worksheet>"
    );
    zip(&[
        (
            "[Content_Types].xml",
            b"<?xml version=\"1.0\"?><Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>",
        ),
        (
            "_rels/.rels",
            b"<?xml version=\"1.0\"?><Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
              <Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" \
              Target=\"xl/workbook.xml\"/></Relationships>",
        ),
        (
            "xl/workbook.xml",
            b"<?xml version=\"1.0\"?><workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" \
              xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><sheets>\
              <sheet name=\"Lista\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>",
        ),
        (
            "xl/_rels/workbook.xml.rels",
            b"<?xml version=\"1.0\"?><Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
              <Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" \
              Target=\"worksheets/sheet1.xml\"/></Relationships>",
        ),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ])
}

#[test]
fn the_cells_of_a_workbook_are_parted_by_tabs() {
    let rows = "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>Model</t></is></c>\
                <c r=\"B1\" t=\"inlineStr\"><is><t>Numer\nseryjny</t></is></c></row>\
                <row r=\"2\"><c r=\"A2\" t=\"inlineStr\"><is><t>MX204</t></is></c><c r=\"B2\"><v>1013006377</v></c></row>";
    let contents = read("lista.xlsx", workbook(rows));
    assert_eq!(contents.text.trim_end(), "Model\tNumer seryjny\nMX204\t1013006377");
    assert_eq!(contents.problem, None);
}

#[test]
fn a_workbook_that_unpacks_too_far_is_refused() {
    let filler = vec![b' '; 80 << 20];
    let bomb = zip(&[("xl/workbook.xml", b"<workbook/>"), ("xl/worksheets/sheet1.xml", &filler)]);
    assert!(bomb.len() < 1 << 20, "it is small");
    assert_eq!(read("lista.xlsx", bomb).problem, Some(Problem::UnpacksTooFar));
}

#[test]
fn two_cells_far_apart_do_not_fill_the_memory() {
    let rows = "<row r=\"1\"><c r=\"A1\"><v>1</v></c></row><row r=\"1048576\"><c r=\"XFD1048576\"><v>2</v></c></row>";
    let contents = read("lista.xlsx", workbook(rows));
    assert!(
        matches!(contents.problem, Some(Problem::TooMuchMemory | Problem::Cut | Problem::BrokeOff)),
        "{contents:?}"
    );
}

#[test]
fn a_workbook_that_is_none_says_so() {
    assert_eq!(read("lista.xlsx", b"PK\x03\x04 and nothing more".to_vec()).problem, Some(Problem::Broken));
}

#[test]
fn a_file_that_takes_too_long_is_given_up_and_the_next_one_read() {
    let photograph = Photograph::of(BarcodeFormat::QR_CODE, "1931C-W0288").file();
    let hurried = Limits { file: Duration::ZERO, ..Limits::default() };
    let contents = read_all(vec![("a.png", photograph.clone())], hurried).pop().expect("one file");
    assert_eq!(contents.problem, Some(Problem::TooLong));
    let without_time = Limits { mail: Duration::ZERO, ..Limits::default() };
    let contents = read_all(vec![("a.png", photograph)], without_time).pop().expect("one file");
    assert_eq!(contents.problem, Some(Problem::NoTimeLeft));
}

#[test]
fn of_many_files_the_first_are_read() {
    let file = |text: &str| pdf(format!("BT /F1 11 Tf 60 700 Td ({text}) Tj ET").as_bytes(), "");
    let files =
        vec![("1.pdf", file("one")), ("2.pdf", file("two")), ("1 again.pdf", file("one")), ("3.pdf", file("three"))];
    let read = read_all(files, Limits { files: 2, ..Limits::default() });
    let said: Vec<(&str, Option<Problem>)> = read.iter().map(|one| (one.text.trim(), one.problem)).collect();
    assert_eq!(said, [("one", None), ("two", None), ("one", None), ("", Some(Problem::TooManyFiles))]);
}

/// What a program that stands in for the reader makes of a document.
fn read_by(program: &str) -> Vec<Contents> {
    let document = Attachment {
        name: "a.pdf".to_string(),
        media_type: "application/pdf".to_string(),
        content_id: None,
        content: pdf(b"", ""),
    };
    let message = Message { attachments: vec![document], ..Message::default() };
    Reader::new(Path::new(program)).read(&message)
}

#[test]
fn a_reader_that_cannot_be_started_costs_the_result_alone() {
    assert_eq!(read_by("/nonexistent/reader"), [Contents::unread(Problem::NoReader)]);
}

#[test]
fn a_reader_that_says_nonsense_or_fails_is_not_believed() {
    let by = |program: &str| read_by(program).pop().and_then(|read| read.problem);
    assert_eq!(by("/bin/echo"), Some(Problem::Senseless));
    assert_eq!(by("/bin/false"), Some(Problem::BrokeOff));
    // It repeats its argument without end.
    assert_eq!(by("/usr/bin/yes"), Some(Problem::Senseless));
}

#[test]
fn a_child_gives_up_what_it_does_not_need() {
    let mut child = Command::new(BINARY)
        .args([SUBCOMMAND, "pdf"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let status = |field: &str| {
        let path = format!("/proc/{}/{field}", child.id());
        std::fs::read_to_string(path).expect("a running process")
    };
    // It has given them up before it reads its first byte.
    while !status("status").contains("NoNewPrivs:\t1") || !status("limits").contains("Max file size             0 ") {
        std::thread::yield_now();
    }
    for limit in
        ["Max core file size        0 ", "Max file size             0 ", "Max address space         1073741824 "]
    {
        let limits = loop {
            let limits = status("limits");
            if limits.contains("Max processes             0 ") {
                break limits;
            }
            std::thread::yield_now();
        };
        assert!(limits.contains(limit), "{limit}: {limits}");
    }
    drop(child.stdin.take());
    let output = child.wait_with_output().expect("it ends");
    assert!(String::from_utf8_lossy(&output.stdout).contains("broken"), "{output:?}");
}

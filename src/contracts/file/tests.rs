mod workbook;

use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;

use self::workbook::{row, workbook, zipped};
use super::*;
use crate::desk::contract::COLUMNS;

const HEAD: &str = "contract,nip,customer,plan,window,delivery,valid_from,valid_to,serials,senders";
const GOOD: &str = "UM/1,7743818919,K,SOS,8x5,NBD,2024-05-20,2027-05-19,A1,@k.example";

/// A file of these bytes, in a directory that lives as long as the value.
fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("list");
    std::fs::write(&path, bytes).expect("a file");
    (dir, path)
}

fn read(bytes: &[u8]) -> Result<Vec<Contract>, BadList> {
    let (_dir, path) = file(bytes);
    let mut contracts = Vec::new();
    let read = ContractFile::open(&path, &Plans::built_in()).and_then(|file| {
        file.read(&mut |contract| {
            contracts.push(contract);
            Ok(())
        })
    });
    match read {
        Ok(()) => Ok(contracts),
        Err(error) => Err(error.downcast().expect("a fault of the list")),
    }
}

/// The faults of a file; none where it is good.
#[track_caller]
fn check_bytes(bytes: &[u8], expected: &[&str]) {
    let said = read(bytes).err().map(|list| list.faults).unwrap_or_default();
    let said: Vec<String> = said.iter().map(LineFault::to_string).collect();
    assert_eq!(said, expected);
}

#[track_caller]
fn check(lines: &[&str], expected: &[&str]) {
    check_bytes(lines.join("\n").as_bytes(), expected);
}

#[test]
fn every_bad_line_is_named_with_its_number_and_column() {
    check(&[], &[&format!("the file is empty; it must begin with {HEAD}")]);
    check(&["", "  ", ""], &[&format!("the file is empty; it must begin with {HEAD}")]);
    check(&[HEAD], &[]);
    check(&[HEAD, GOOD, "", ",,,,,,,,,", "   "], &[]);
    check(
        &[
            HEAD,
            "UM/1,123,K,SOS,8x5,NBD,2024-05-20,2027-05-19,,@k.example",
            "UM/2,7743818919,K,GOLD,9x6,NBD,20.05.2024,2027-05-19,,k.example",
            "",
            "UM/3,7743818919,K,SOS,8x5,NBD,2028-05-20,2027-05-19,,",
            "UM/4,7743818919,K",
            ",7743818919,K,SOS,8x5,4h,2024-05-20,2027-05-19,,",
        ],
        &[
            "line 2, column nip: is not ten digits",
            "line 3, column plan: is none of the plans AHB, ALLCARE, COCARE, NONE, SOS",
            "line 3, column window: is none of the windows: 24x7, 8x5, 9x5",
            "line 3, column valid_from: is not a date such as 2026-04-30",
            "line 3, column senders: holds an entry that is neither an address nor @domain; part the entries by ;",
            "line 5, column valid_to: lies before valid_from",
            "line 6: 3 values where the head names 10 columns",
            "line 7, column contract: is empty; every line needs the contract's number",
            "line 7, column delivery: is none of the delivery times that SOS is sold with: 8h, NBD",
        ],
    );
    // Line breaks of every kind, also within a cell.
    for end in ["\n", "\r\n", "\r"] {
        let cell = format!("UM/2,7743818919,\"K{end}L\",SOS,8x5,NBD,2024-05-20,2027-05-19,,");
        let lines = [HEAD, "", GOOD, &cell, "", "", "UM/3,1"].join(end);
        check_bytes(lines.as_bytes(), &["line 8: 2 values where the head names 10 columns"]);
    }
    check(&[HEAD, GOOD, GOOD], &["line 3, column contract: stands on line 2 already; keep one"]);
    check(
        &[HEAD, GOOD, &GOOD.replace("UM/1", "um / 1")],
        &["line 3, column contract: stands on line 2 already; keep one"],
    );
}

#[test]
fn the_head_names_the_columns() {
    let columns = COLUMNS.join(",");
    check(
        &["contract,nip,customer,plan,window,delivery,valid_from,valid_to,serials,mail"],
        &[
            &format!("line 1, column mail: there is no such column; the columns are {columns}"),
            "line 1, column senders: is missing from the head",
        ],
    );
    check(&[&format!("{HEAD},plan")], &["line 1, column plan: stands twice in the head; keep one"]);
    // What stands in the place of a head is not repeated: it may be a customer's.
    check(&[GOOD], &[&format!("line 1: does not name the columns; the file must begin with {columns}")]);
    check(&["x"], &[&format!("line 1: does not name the columns; the file must begin with {columns}")]);
    let turned = "Senders,SERIALS,valid_to,valid_from,delivery,window,plan,customer,nip, contract ";
    check(&[turned, "@k.example,A1,2027-05-19,2024-05-20,NBD,8x5,SOS,K,7743818919,UM/1"], &[]);
}

#[test]
fn marks_out_of_place_are_told() {
    let line = "UM/1;7743818919;K;SOS;8x5;NBD;2024-05-20;2027-05-19;A1;A2;@k.example";
    check(
        &[&HEAD.replace(',', ";"), line],
        &["line 2: 11 values where the head names 10 columns; put lists of serials and senders in quotation marks"],
    );
    check(
        &[HEAD, "UM/1,7743818919,\"K,SOS,8x5,NBD,2024-05-20,2027-05-19,,", "UM/2,7743818919,K,SOS", "x"],
        &["line 2: 3 values where the head names 10 columns, up to line 4: is a quotation mark left open?"],
    );
    // A trailing separator, as spreadsheets write for a column that was emptied.
    check(&[&format!("{HEAD},"), &format!("{GOOD},")], &[]);
    check(&[HEAD, &format!("{GOOD},,,")], &[]);
    check(&[HEAD, &format!("{GOOD},x")], &["line 2: 11 values where the head names 10 columns"]);
}

#[test]
fn faults_beyond_the_limit_are_counted() {
    let lines: Vec<String> = (0..MOST_FAULTS + 7).map(|at| format!("UM/{at},1,K,SOS,8x5,NBD,x,2027-05-19,,")).collect();
    let list = read(format!("{HEAD}\n{}", lines.join("\n")).as_bytes()).expect_err("faults");
    assert_eq!((list.faults.len(), list.unlisted), (MOST_FAULTS, MOST_FAULTS + 14));
    assert!(list.to_string().ends_with(&format!("and {} faults more", MOST_FAULTS + 14)));
}

#[test]
fn a_list_is_read_in_either_encoding() {
    let line = "UM/1;6127380589;Dębomax Łódź;SOS;24x7;8h;2025-01-01;2026-01-01;\"A1;A2\";@d.example";
    let text = format!("{}\r\n{line}\r\n", HEAD.replace(',', ";"));
    let with_mark = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    let (windows_1250, _, lost) = encoding_rs::WINDOWS_1250.encode(&text);
    assert!(!lost);
    for bytes in [text.as_bytes(), &with_mark, &windows_1250] {
        let contracts = read(bytes).expect("a good list");
        let [contract] = contracts.as_slice() else { panic!("{contracts:?}") };
        assert_eq!(contract.customer, "Dębomax Łódź");
        assert_eq!(contract.serials, ["A1", "A2"]);
        assert_eq!((contract.plan.as_str(), contract.window.as_str()), ("SOS", "24x7"));
    }
}

#[test]
fn a_character_across_two_pieces_is_utf8_all_the_same() {
    for padding in 0..4 {
        let name = format!("{}{}", "x".repeat(padding), "ż".repeat(190));
        let lines: Vec<String> = (0..400)
            .map(|at| GOOD.replace("UM/1,", &format!("UM/{at},")).replace(",K,", &format!(",{name},")))
            .collect();
        let contracts = read(format!("{HEAD}\n{}", lines.join("\n")).as_bytes()).expect("a good list");
        assert!(contracts.len() == 400 && contracts.iter().all(|contract| contract.customer == name));
    }
}

#[test]
fn what_is_no_list_is_refused_as_a_whole() {
    check_bytes(b"\xff\xfec\0o\0", &["is text in UTF-16; save it as CSV UTF-8"]);
    check_bytes(b"contract\0", &["is neither CSV nor XLSX: it holds zero bytes"]);
    check_bytes(
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        &[
            "is a workbook of an old form (.xls), or one with a password; save it as .xlsx without a password, or as CSV",
        ],
    );
    let dir = tempfile::tempdir().expect("a directory");
    let refused = ContractFile::open(dir.path(), &Plans::built_in()).expect_err("no file");
    assert!(refused.to_string().ends_with("is no file that can be read twice"), "{refused}");
    let refused = ContractFile::open(&dir.path().join("none"), &Plans::built_in()).expect_err("no file");
    assert!(refused.to_string().contains("cannot read the contracts"), "{refused}");
}

#[test]
fn a_file_larger_than_any_list_is_refused_unread() {
    let (_dir, path) = file(b"");
    let sparse = std::fs::File::options().write(true).open(&path).expect("the file");
    sparse.set_len(2_000_000_000).expect("a length");
    let refused = ContractFile::open(&path, &Plans::built_in()).expect_err("too large").to_string();
    assert!(
        refused.ends_with("larger than 256 MB; a list of contracts is not: see whether it is the right one"),
        "{refused}"
    );
}

#[test]
fn a_line_without_an_end_is_refused() {
    let long = |bytes: usize| format!("{HEAD}\n\n{GOOD}{}\n{}", " ".repeat(bytes), GOOD.replace("UM/1", "UM/2"));
    check_bytes(long(10_000_000).as_bytes(), &[]);
    check_bytes(long(17_000_000).as_bytes(), &["line 3: is longer than 16 MB; see whether it is the right file"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// Whatever the bytes, there is a list or a reason.
    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let _ = read(&bytes);
        let _ = read(&[HEAD.as_bytes(), b"\n", &bytes].concat());
        let _ = read(&[b"PK\x03\x04", bytes.as_slice()].concat());
    }

    /// Cells of arbitrary text, quotes and separators among them.
    #[test]
    fn arbitrary_cells_do_no_harm(cells in prop::collection::vec("[\"',;\\n\\r@A1żŁ\u{feff}-]{0,12}", 0..40)) {
        let _ = read(format!("{HEAD}\n{}", cells.join(",")).as_bytes());
        let _ = read(&workbook(&[row(&HEAD.replace(',', "|")), cells.into_iter().take(20).collect()]));
    }

    /// A workbook with a few bytes changed, in its parts and in the archive around them.
    #[test]
    fn a_damaged_workbook_does_no_harm(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut packed = workbook(&[row(&HEAD.replace(',', "|")), row(&GOOD.replace(',', "|"))]);
        let mut sheet = "<row r=\"1\"><c r=\"A1\" s=\"1\" t=\"s\"><v>45797</v></c></row>".repeat(3).into_bytes();
        for (at, byte) in changes {
            let (in_packed, in_sheet) = (at.index(packed.len()), at.index(sheet.len()));
            packed[in_packed] = byte;
            sheet[in_sheet] = byte;
        }
        let _ = read(&packed);
        let _ = read(&zipped(&String::from_utf8_lossy(&sheet), &[]));
    }
}

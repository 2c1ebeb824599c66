use super::*;

/// An attribute as Outlook writes it.
fn attribute(level: u8, id: u32, data: &[u8]) -> Vec<u8> {
    let sum = data.iter().fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
    let length = u32::try_from(data.len()).expect("short");
    [&[level][..], &id.to_le_bytes(), &length.to_le_bytes(), data, &sum.to_le_bytes()].concat()
}

fn padded(data: &[u8]) -> Vec<u8> {
    let mut out = data.to_vec();
    out.resize(data.len().next_multiple_of(4), 0);
    out
}

fn variable(kind: u16, id: u16, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).expect("short");
    [&kind.to_le_bytes()[..], &id.to_le_bytes(), &1_u32.to_le_bytes(), &length.to_le_bytes(), &padded(data)].concat()
}

fn list(properties: &[Vec<u8>]) -> Vec<u8> {
    let count = u32::try_from(properties.len()).expect("few");
    [&count.to_le_bytes()[..], &properties.concat()].concat()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

fn envelope() -> Vec<u8> {
    let named = [
        &0x0003_u16.to_le_bytes()[..],
        &0x8001_u16.to_le_bytes(),
        &[7; 16],
        &1_u32.to_le_bytes(),
        &6_u32.to_le_bytes(),
        &[b'x', 0, b'y', 0, 0, 0, 0, 0],
        &5_u32.to_le_bytes(),
    ]
    .concat();
    let date = [&0x0040_u16.to_le_bytes()[..], &0x0E06_u16.to_le_bytes(), &[1; 8]].concat();
    let mail = list(&[named, date, variable(0x1F, property::BODY, &utf16("Napęd nie działa"))]);
    let file = list(&[variable(0x1F, property::LONG_FILE_NAME, &utf16("zdjęcie napędu.txt"))]);
    [
        &SIGNATURE.to_le_bytes()[..],
        &[1, 0],
        &attribute(1, attribute::OEM_CODEPAGE, &[0xE2, 4, 0, 0, 0, 0, 0, 0]),
        &attribute(1, attribute::PROPERTIES, &mail),
        &attribute(2, attribute::FILE_BEGINS, &[0; 14]),
        &attribute(2, attribute::FILE_TITLE, b"ZDJCIE~1.TXT\0"),
        &attribute(2, attribute::FILE_DATA, b"SN: 10WT087648"),
        &attribute(2, attribute::FILE_PROPERTIES, &file),
    ]
    .concat()
}

#[test]
fn text_and_files_come_out() {
    let opened = open(&envelope()).expect("an envelope");
    assert_eq!(opened.plain.as_deref(), Some("Napęd nie działa"));
    assert_eq!(opened.files.len(), 1);
    assert_eq!(opened.files[0].name, "zdjęcie napędu.txt");
    assert_eq!(opened.files[0].content, b"SN: 10WT087648");
}

#[test]
fn a_cut_or_broken_envelope_gives_what_is_there() {
    let whole = envelope();
    for end in 0..whole.len() {
        let opened = open(&whole[..end]);
        assert_eq!(opened.is_some(), end >= 6, "{end}");
    }
    for at in 4..whole.len() {
        let mut broken = whole.clone();
        broken[at] ^= 0xFF;
        open(&broken);
    }
    assert_eq!(open(b"no envelope"), None);
}

#[test]
fn a_body_in_the_old_attribute_is_read_under_its_code_page() {
    let raw = [
        &SIGNATURE.to_le_bytes()[..],
        &[1, 0],
        &attribute(1, attribute::OEM_CODEPAGE, &[0xE2, 4, 0, 0, 0, 0, 0, 0]),
        &attribute(1, attribute::BODY, b"nie dzia\xB3a\0"),
    ]
    .concat();
    assert_eq!(open(&raw).and_then(|opened| opened.plain).as_deref(), Some("nie działa"));
}

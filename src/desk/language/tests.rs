use super::*;

#[test]
fn output_of_programs_is_told_from_sentences() {
    let output = [
        "2026-08-10 03:12:44 ERROR drive 2: media load failed",
        "Aug 10 03:12:44 stor01 kernel: sd 0:0:1:0: [sda] the device is not ready",
        "[2026-08-10T03:12:44.120] robot: retry of the move",
        "status = 0x51, sense = 04/40/00",
        "/dev/sda1 on /boot type ext4 (rw)",
    ];
    let sentences = [
        "Dzień dobry, w nocy o 03:12:44 padł dysk w macierzy.",
        "The drive shows error 6 since 10:15.",
        "1. Czy macie dysk na magazynie?",
        "",
    ];
    output.iter().for_each(|line| assert!(is_output(line), "{line}"));
    sentences.iter().for_each(|line| assert!(!is_output(line), "{line}"));
}

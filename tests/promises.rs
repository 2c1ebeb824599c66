//! Clocks, states and the ladder, each as a transcript of a ticket.

mod course;

use course::check;

#[test]
fn tmp() {
    check(
        "
2026-11-23 09:00 jan writes: Biblioteka stoi. Nr seryjny: B824100317. Umowa serwisowa nr H-2026-00008.
2026-11-23 09:20 anna: Proszę o log.
2026-11-23 09:30 do: accept
2026-11-23 10:00 do: wait --until 2026-11-27 log
2026-11-23 10:00 do: wait plik
2026-11-24 11:00 jan answers: Oto log.
2026-11-24 15:01
2026-11-24 15:32
2026-11-24 15:40 anna: Dziekuje.
2026-11-24 17:01
2026-11-25 09:00 do: delivered
2026-11-25 09:10 do: waybill 123
2026-11-28 08:59
2026-11-28 09:00
2026-11-29 09:00 do: returned
2026-11-29 09:10 do: resolve
2026-11-29 10:10 jan answers: Nadal stoi.
2026-11-30 10:10 anna: Patrze.
2026-11-30 10:11 do: resolve
2026-12-15 10:11
2026-12-16 10:11 jan answers: Znowu stoi.
",
    );
}

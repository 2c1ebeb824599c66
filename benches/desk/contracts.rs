//! A large list of contracts.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Instant;

use hezo_intake::config::Config;
use hezo_intake::contracts::import;
use hezo_intake::desk::contract::look_up_key;
use hezo_intake::office;
use hezo_intake::store::{Question, Store};
use jiff::Timestamp;

use crate::Size;
use crate::table::Table;

/// Serial numbers of one contract.
const SERIALS: usize = 5;

/// The small list that the large one is compared with.
const FEW: usize = 100;

/// Look-ups that are timed together.
const LOOK_UPS: usize = 5_000;

/// Measures an import, and look-ups as a mail makes them.
pub(crate) fn measure(size: &Size, table: &mut Table) {
    let (_, few) = imported(FEW);
    let (seconds, many) = imported(size.contracts);
    let work = format!("contracts: import of {} with {} serial numbers", size.contracts, size.contracts * SERIALS);
    table.row(&work, &format!("{seconds:.1} s"), "-", "-", "10 s");
    let shown = format!("{many:.0} µs");
    let ratio = format!("{:.2} of its time", many / few);
    table.row(
        "contracts: a look-up of ten numbers",
        &shown,
        &format!("with {FEW} contracts {few:.0} µs"),
        &ratio,
        "1.0",
    );
}

/// Seconds of the import, and microseconds of a look-up.
fn imported(contracts: usize) -> (f64, f64) {
    let folder = tempfile::tempdir().expect("a folder");
    let plans = office::plans(&Config::embedded(Path::new(""))).expect("the built-in plans");
    let list = folder.path().join("list.csv");
    fs::write(&list, lines(contracts)).expect("a list");
    let state = folder.path().join("state");
    let began = Instant::now();
    import::import(&state, &list, &plans, Timestamp::now()).expect("an import");
    let seconds = began.elapsed().as_secs_f64();
    let mut store = Store::open_to_read(&state).expect("the database");
    let mut random = fastrand::Rng::with_seed(4);
    let look_up = |at: usize, random: &mut fastrand::Rng| {
        let known = look_up_key(&serial(random.usize(..contracts * SERIALS)));
        let others = (1..10).map(|other| look_up_key(&format!("X{}{at:07}", other)));
        Question::new(std::iter::once(known).chain(others).collect(), &["jan@firma.example"], Timestamp::now())
    };
    let questions: Vec<Question> = (0..LOOK_UPS).map(|at| look_up(at, &mut random)).collect();
    let began = Instant::now();
    for question in &questions {
        store.read(|store| store.on_file(question)).expect("an answer");
    }
    (seconds, began.elapsed().as_secs_f64() * 1e6 / LOOK_UPS as f64)
}

fn lines(contracts: usize) -> String {
    let mut text = "contract,nip,customer,plan,window,delivery,valid_from,valid_to,serials,senders\n".to_string();
    for at in 0..contracts {
        let serials: Vec<String> = (0..SERIALS).map(|part| serial(at * SERIALS + part)).collect();
        let serials = serials.join(";");
        let _ = writeln!(
            text,
            "HEZO/QSP/2025/{at:06},9946900604,Fabryka {at},SOS,8x5,NBD,2025-03-01,2028-02-29,{serials},@fabryka{at}.example"
        );
    }
    text
}

fn serial(at: usize) -> String {
    format!("B8{at:08}")
}

//! The desk with a real store and no program around it: mails in, decisions out, the time handed in.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its share")]

use hezo_intake::config::Config;
use hezo_intake::desk::decide::{self};
use hezo_intake::desk::decision::{Decision, Effect};
use hezo_intake::desk::facts::Facts;
use hezo_intake::desk::mail::Mail;
use hezo_intake::desk::message::{self, Message};
use hezo_intake::desk::reading::Reading;
use hezo_intake::desk::reply::Post;
use hezo_intake::desk::site::Site;
use hezo_intake::desk::thread::{self, Keys};
use hezo_intake::office;
use hezo_intake::store::{Packed, Store};
use jiff::Timestamp;
use tempfile::TempDir;

/// Moments, in seconds since 1970.
pub struct At;

impl At {
    /// Monday 2026-11-23 09:05 in Poland.
    pub const OPENING: i64 = 1_795_421_100;
}

/// The desk.
pub struct World {
    /// What the site has settled.
    pub site: Site,
    store: Store,
    _dir: TempDir,
}

/// A mail with all that is known when it is decided.
pub struct Prepared {
    pub mail: Mail,
    pub reading: Reading,
    pub keys: Keys,
    pub facts: Facts,
    pub now: Timestamp,
}

impl World {
    /// A desk with two engineers, Anna and Marek.
    pub fn new() -> World {
        let dir = tempfile::tempdir().expect("a folder");
        let mut site = office::site(&Config::embedded(dir.path())).expect("the built-in settings");
        // What proves a sender has tests of its own.
        site.authentication.accept_unauthenticated_engineers = true;
        let store = Store::open(&dir.path().join("state")).expect("a store");
        World { site, store, _dir: dir }
    }

    /// Decides a mail and carries the decision out; what is sent.
    pub fn receive(&mut self, at: i64, mail: &str) -> Vec<Post> {
        let decision = self.decide(at, mail);
        let now = Timestamp::from_second(at).expect("a moment");
        let hash = message::content_hash(mail.replace('\n', "\r\n").as_bytes());
        let raw = mail.replace('\n', "\r\n");
        let applied = self.store.write(|work| {
            work.keep(&hash, &Packed::new(raw.as_bytes())?, now)?;
            work.apply(&decision.effects, Some(&hash), now)
        });
        applied.expect("the decision is carried out");
        sent(&decision)
    }

    /// Decides a mail; nothing is carried out.
    pub fn decide(&mut self, at: i64, mail: &str) -> Decision {
        let prepared = self.prepare(at, mail);
        self.decide_again(&prepared)
    }

    /// Everything that a decision needs.
    pub fn prepare(&mut self, at: i64, mail: &str) -> Prepared {
        let now = Timestamp::from_second(at).expect("a moment");
        let mail = parsed(mail.replace('\n', "\r\n").into_bytes(), now);
        let reading = Reading::of(&mail.message, &[], &self.site);
        let keys = thread::keys(&mail, &reading, &self.site);
        let facts = self.store.read(|work| work.facts(&keys, now, 2026)).expect("facts");
        Prepared { mail, reading, keys, facts, now }
    }

    /// Decides a prepared mail.
    pub fn decide_again(&self, prepared: &Prepared) -> Decision {
        let Prepared { mail, reading, keys, facts, now } = prepared;
        decide::decide(mail, reading, keys, facts, &self.site, *now)
    }
}

/// A mail as the intake hands it over.
pub fn parsed(raw: Vec<u8>, now: Timestamp) -> Mail {
    let content_hash = message::content_hash(&raw);
    let message = Message::parse(&raw);
    Mail {
        message,
        raw,
        content_hash,
        internal_date: now,
        place: "test INBOX".to_string(),
        junk: false,
        too_large: None,
        verification: None,
    }
}

/// The mails that a decision sends.
pub fn sent(decision: &Decision) -> Vec<Post> {
    let posts = decision.effects.iter().map(|effect| match effect {
        Effect::Send(post) => Some(post.clone()),
        Effect::Report(reason) => panic!("a mail could not be written: {reason}"),
        _ => None,
    });
    posts.flatten().collect()
}

/// A customer's mail, with a question or two.
pub fn customers_mail() -> String {
    "From: Jan Wzorcowy <jan@fabryka.example>\n\
     To: pomoc@myhezo.pl\n\
     Subject: Biblioteka nie oddaje taśmy\n\
     Message-ID: <1@fabryka.example>\n\
     Date: Mon, 23 Nov 2026 09:04:00 +0100\n\
     Content-Type: text/plain; charset=utf-8\n\n\
     Dzień dobry,\n\n\
     biblioteka od rana nie oddaje taśmy z napędu numer dwa.\n\
     Nr seryjny: B824100317\n\
     Umowa serwisowa nr HEZO/QSP/2025/00417\n\n\
     Czy możemy wyłączyć bibliotekę przełącznikiem z tyłu obudowy?\n\
     Kiedy przyjedzie do nas serwisant z nowym napędem?\n\n\
     Pozdrawiam\nJan Wzorcowy\nFabryka Wzorów S.A.\n"
        .to_string()
}

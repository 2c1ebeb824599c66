//! A name server on loopback that knows a few TXT records, and keys that sign mails.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its share")]

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};

use data_encoding::BASE64;
use mail_auth::common::crypto::Ed25519Key;
use mail_auth::common::headers::HeaderWriter;
use mail_auth::dkim::DkimSigner;

/// Codes of RFC 1035 section 4.1.1 and of RFC 2136.
const NO_ERROR: u8 = 0;
const SERVER_FAILURE: u8 = 2;
const NO_SUCH_NAME: u8 = 3;

/// The record type TXT (RFC 1035 section 3.2.2).
const TXT: [u8; 2] = [0, 16];

/// What a name server says of a name.
#[derive(Clone)]
pub enum Answer {
    /// One TXT record.
    Txt(String),
    /// It cannot say (SERVFAIL).
    Failure,
    /// It says nothing at all.
    Silence,
}

/// The name server. It answers as long as the test runs.
pub struct NameServer {
    /// Where it listens.
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl NameServer {
    /// One that knows these names, without their final dots.
    pub fn start(known: &[(&str, Answer)]) -> NameServer {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let address = socket.local_addr().expect("its address");
        let known: HashMap<String, Answer> =
            known.iter().map(|(name, answer)| (name.to_lowercase(), answer.clone())).collect();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            let mut buffer = [0; 1500];
            while let Ok((length, peer)) = socket.recv_from(&mut buffer) {
                let (name, question_end) = question(&buffer[..length]);
                log.lock().expect("the log").push(name.clone());
                if let Some(reply) = reply(&buffer[..question_end], known.get(&name)) {
                    let _ = socket.send_to(&reply, peer);
                }
            }
        });
        NameServer { address, asked }
    }

    /// How often it was asked for a name.
    pub fn asked(&self, name: &str) -> usize {
        self.asked.lock().expect("the log").iter().filter(|asked| *asked == name).count()
    }
}

/// The name that is asked for, and where the question ends.
fn question(packet: &[u8]) -> (String, usize) {
    let (mut labels, mut at) = (Vec::new(), 12);
    while packet[at] != 0 {
        let end = at + 1 + usize::from(packet[at]);
        labels.push(String::from_utf8_lossy(&packet[at + 1..end]).to_lowercase());
        at = end;
    }
    (labels.join("."), at + 5)
}

/// The packet that answers this question (RFC 1035 section 4.1).
fn reply(question: &[u8], answer: Option<&Answer>) -> Option<Vec<u8>> {
    let is_txt = question[question.len() - 4..question.len() - 2] == TXT;
    let (code, text) = match answer {
        Some(Answer::Txt(text)) if is_txt => (NO_ERROR, Some(text)),
        Some(Answer::Txt(_)) => (NO_ERROR, None),
        Some(Answer::Failure) => (SERVER_FAILURE, None),
        Some(Answer::Silence) => return None,
        None => (NO_SUCH_NAME, None),
    };
    let mut packet = question.to_vec();
    packet[2..12].copy_from_slice(&[0x81, 0x80 | code, 0, 1, 0, u8::from(text.is_some()), 0, 0, 0, 0]);
    if let Some(text) = text {
        let pieces: Vec<u8> =
            text.as_bytes().chunks(255).flat_map(|piece| [&[piece.len() as u8], piece].concat()).collect();
        packet.extend([0xc0, 12, TXT[0], TXT[1], 0, 1, 0, 0, 0, 60]);
        packet.extend((pieces.len() as u16).to_be_bytes());
        packet.extend(pieces);
    }
    Some(packet)
}

/// A key with which a domain signs.
pub struct Key {
    secret: Vec<u8>,
}

impl Key {
    /// A new one.
    pub fn new() -> Key {
        Key { secret: Ed25519Key::generate_pkcs8().expect("a key") }
    }

    /// What the domain publishes (RFC 8463 section 4).
    pub fn record(&self) -> Answer {
        Answer::Txt(format!("v=DKIM1; k=ed25519; p={}", BASE64.encode(&self.key().public_key())))
    }

    /// The mail with a signature of `domain` over these fields in front. Line ends are LF in `mail`.
    pub fn sign(&self, domain: &str, fields: &[&str], mail: &str) -> String {
        let mail = mail.replace('\n', "\r\n");
        let signer = DkimSigner::from_key(self.key()).domain(domain).selector("test").headers(fields.iter().copied());
        let signature = signer.sign(mail.as_bytes()).expect("a signature");
        format!("{}{mail}", signature.to_header())
    }

    /// The key itself.
    pub fn key(&self) -> Ed25519Key {
        Ed25519Key::from_pkcs8_der(&self.secret).expect("a key")
    }
}

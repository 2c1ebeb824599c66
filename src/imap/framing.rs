//! Cuts what the server sends into responses before the decoder sees it.
//!
//! The decoder of `async-imap` buffers up to 512 MiB, panics on a few well-formed responses and
//! recurses without limit into parentheses. Here a response has a greatest length, what the
//! decoder cannot take is put right or refused, and a read never goes beyond the end of a
//! response, so that the decoder's buffer is empty whenever it has given one out.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, BufReader, ReadBuf};

/// The longest line. The decoder reads a line anew with every 4 KiB that come, so this also bounds
/// its work.
const LONGEST_LINE: usize = 64 * 1024;

/// The deepest nesting of parentheses. Nothing that is asked for through the decoder needs ten.
const DEEPEST_NESTING: usize = 32;

/// A channel that hands out one response at a time.
#[derive(Debug)]
pub(super) struct Framed<T> {
    inner: BufReader<T>,
    /// The greatest length of a response, literals included.
    longest: usize,
    /// Whether lines are only measured, for a response that the decoder will not see.
    unchecked: bool,
    /// The line that is coming in.
    line: Vec<u8>,
    /// A complete line on its way out, and how much of it is out.
    ready: Vec<u8>,
    handed_out: usize,
    /// How much of the present literal is still to come.
    literal: usize,
    /// The length of the present response so far; zero between responses.
    length: usize,
    received: u64,
}

impl<T: AsyncRead> Framed<T> {
    /// Frames what comes from `inner`; no response may be longer than `longest` bytes.
    pub(super) fn new(inner: T, longest: usize) -> Framed<T> {
        Framed {
            inner: BufReader::with_capacity(16 * 1024, inner),
            longest,
            unchecked: false,
            line: Vec::new(),
            ready: Vec::new(),
            handed_out: 0,
            literal: 0,
            length: 0,
            received: 0,
        }
    }

    /// How many bytes have come in, as a sign of life.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// Whether the response is complete and wholly handed out.
    pub(super) fn is_between_responses(&self) -> bool {
        self.length == 0 && self.line.is_empty() && self.handed_out == self.ready.len()
    }

    /// Lets lines pass unchecked and as long as a response may be: for a reader other than the
    /// decoder.
    pub(super) fn set_unchecked(&mut self, unchecked: bool) {
        self.unchecked = unchecked;
    }

    /// The bare channel, if the server has sent nothing beyond what was read.
    pub(super) fn into_inner(self) -> Option<T> {
        let nothing_left = self.is_between_responses() && self.inner.buffer().is_empty();
        nothing_left.then(|| self.inner.into_inner())
    }

    /// Takes a complete line: checks it, and finds out whether a literal follows.
    fn finish_line(&mut self) -> io::Result<()> {
        let starts_response = self.length == 0;
        self.length += self.line.len();
        let is_status = starts_response && is_status(&self.line);
        match announced_literal(&self.line).filter(|_| !is_status) {
            Some(literal) if literal > self.longest.saturating_sub(self.length) => {
                return Err(refused("a literal longer than was asked for"));
            }
            Some(literal) => {
                self.length += literal;
                self.literal = literal;
            }
            None => self.length = 0,
        }
        if !self.unchecked {
            make_decodable(&mut self.line, starts_response, is_status)?;
        }
        std::mem::swap(&mut self.ready, &mut self.line);
        Ok(())
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Framed<T> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.handed_out < this.ready.len() {
                let rest = &this.ready[this.handed_out..];
                let count = rest.len().min(out.remaining());
                out.put_slice(&rest[..count]);
                this.handed_out += count;
                return Poll::Ready(Ok(()));
            }
            this.ready.clear();
            this.handed_out = 0;
            let available = ready!(Pin::new(&mut this.inner).poll_fill_buf(context))?;
            if available.is_empty() {
                if this.line.is_empty() {
                    return Poll::Ready(Ok(()));
                }
                // The decoder is to see that the line was cut.
                std::mem::swap(&mut this.ready, &mut this.line);
                continue;
            }
            if this.literal > 0 {
                let count = available.len().min(this.literal).min(out.remaining());
                out.put_slice(&available[..count]);
                Pin::new(&mut this.inner).consume(count);
                this.literal -= count;
                this.received += count as u64;
                return Poll::Ready(Ok(()));
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let count = end.map_or(available.len(), |end| end + 1);
            this.line.extend_from_slice(&available[..count]);
            Pin::new(&mut this.inner).consume(count);
            this.received += count as u64;
            let longest = if this.unchecked { this.longest } else { this.longest.min(LONGEST_LINE) };
            if this.line.len() > longest || this.length.saturating_add(this.line.len()) > this.longest {
                return Poll::Ready(Err(refused("a line without end")));
            }
            if end.is_some() {
                this.finish_line()?;
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Framed<T> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(context)
    }
}

/// A status response or continuation request: its text is for people, and braces at its end
/// announce nothing.
fn is_status(line: &[u8]) -> bool {
    let second = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default().trim_ascii_end();
    let statuses: [&[u8]; 5] = [b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"];
    line.starts_with(b"+") || statuses.iter().any(|status| second.eq_ignore_ascii_case(status))
}

/// The length of the literal that this line announces with `{n}` at its end.
fn announced_literal(line: &[u8]) -> Option<usize> {
    let line = line.trim_ascii_end().strip_suffix(b"}")?;
    let start = line.iter().rposition(|byte| *byte == b'{')?;
    let digits = line.get(start + 1..)?;
    let digits = digits.strip_suffix(b"+").unwrap_or(digits);
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Puts right what the decoder would panic on, and refuses what cannot be put right.
fn make_decodable(line: &mut Vec<u8>, starts_response: bool, is_status: bool) -> io::Result<()> {
    if is_status {
        // It takes the byte after a response code for a space.
        if let Some(end) = line.windows(2).position(|pair| pair[0] == b']' && !pair[1].is_ascii()) {
            line.insert(end + 1, b' ');
        }
        return Ok(());
    }
    if starts_response && (starts_with_word(line, b"* METADATA ") || starts_with_word(line, b"* ID ")) {
        return Err(refused("a response that was not asked for"));
    }
    if nesting(line) > DEEPEST_NESTING {
        return Err(refused("parentheses nested too deep"));
    }
    const NO_DATE: &[u8] = b"INTERNALDATE NIL";
    if let Some(start) = line.windows(NO_DATE.len()).position(|window| window.eq_ignore_ascii_case(NO_DATE)) {
        line.splice(start..start + NO_DATE.len(), *b"INTERNALDATE \"\"");
    }
    Ok(())
}

fn starts_with_word(line: &[u8], word: &[u8]) -> bool {
    line.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

fn nesting(line: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    for byte in line {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn refused(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    /// What the reads give, one response after another; `!` and a reason where a read fails.
    async fn responses(sent: &[u8], longest: usize) -> Vec<String> {
        let mut framed = Framed::new(sent, longest);
        let mut all = vec![Vec::new()];
        let mut piece = [0; 7];
        loop {
            match framed.read(&mut piece).await {
                Ok(0) => break,
                Ok(count) => all.last_mut().unwrap().extend_from_slice(&piece[..count]),
                Err(error) => {
                    all.push(format!("!{error}").into_bytes());
                    break;
                }
            }
            if framed.is_between_responses() {
                all.push(Vec::new());
            }
        }
        all.retain(|response| !response.is_empty());
        all.into_iter().map(|response| String::from_utf8(response).unwrap()).collect()
    }

    #[tokio::test]
    async fn responses_end_where_they_end() {
        let deep = format!("* 1 FETCH {}\r\n", "(".repeat(33));
        let long = format!("* OK {}\r\n", "x".repeat(70_000));
        let table: &[(&str, usize, &[&str])] = &[
            ("* OK hi\r\n* 1 EXISTS\r\n", 100, &["* OK hi\r\n", "* 1 EXISTS\r\n"]),
            ("* 1 FETCH (X {6}\r\n\r\nab)c)\r\nA OK\r\n", 100, &["* 1 FETCH (X {6}\r\n\r\nab)c)\r\n", "A OK\r\n"]),
            ("* X {0}\r\n {1+}\r\nab\r\n", 100, &["* X {0}\r\n {1+}\r\nab\r\n"]),
            ("* OK of {5}\r\nA1 NO {9}\r\n+ {2}\r\n", 100, &["* OK of {5}\r\n", "A1 NO {9}\r\n", "+ {2}\r\n"]),
            ("* X {200}\r\n", 100, &["!a literal longer than was asked for"]),
            ("* X {99999999999999999999}\r\n", 100, &["* X {99999999999999999999}\r\n"]),
            ("* X 12345678901\r\n", 10, &["!a line without end"]),
            (&long, 100_000, &["!a line without end"]),
            (&deep, 100, &["!parentheses nested too deep"]),
            ("* OK [ALERT]łąka\r\n", 100, &["* OK [ALERT] łąka\r\n"]),
            ("* 1 FETCH (InternalDate nil UID 2)\r\n", 100, &["* 1 FETCH (INTERNALDATE \"\" UID 2)\r\n"]),
            ("* id (\"name\" NIL)\r\n", 100, &["!a response that was not asked for"]),
            ("* OK cut", 100, &["* OK cut"]),
            ("* X {5}\r\nab", 100, &["* X {5}\r\nab"]),
            ("", 100, &[]),
        ];
        for (sent, longest, expected) in table {
            assert_eq!(responses(sent.as_bytes(), *longest).await, *expected, "{:.80}", sent);
        }
    }
}

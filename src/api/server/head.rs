//! Watches the bytes of requests' heads go by and finds what the HTTP parser lets pass but a proxy in front may read
//! otherwise: `Content-Length` together with `Transfer-Encoding`, lines that end in a bare LF. Knows just enough framing to
//! tell where the next head begins. Never here: parsing for use, or changing a byte.

/// What is wrong with a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadFault {
    /// Two lengths: which one counts is a matter of taste, and of request smuggling.
    TwoLengths,
    /// A line ended without CR.
    BareLineFeed,
}

impl HeadFault {
    /// For the answer.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TwoLengths => "content-length together with transfer-encoding",
            Self::BareLineFeed => "a line of the head ends in a bare LF",
        }
    }
}

/// As much of a line as is looked at: `content-length: ` and twenty digits fit.
const LINE_KEPT: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Head,
    /// So many bytes of a body are still to come.
    Body(u64),
    /// A chunked body or something unknown: the connection ends after this request, so nothing more is looked at.
    Blind,
}

/// The watcher of one connection.
#[derive(Debug)]
pub struct HeadWatch {
    stage: Stage,
    line: [u8; LINE_KEPT],
    line_bytes: usize,
    after_cr: bool,
    first_line_seen: bool,
    length: Option<u64>,
    transfer_encoding: bool,
    bare_line_feed: bool,
    heads: u64,
}

impl Default for HeadWatch {
    fn default() -> Self {
        Self {
            stage: Stage::Head,
            line: [0; LINE_KEPT],
            line_bytes: 0,
            after_cr: false,
            first_line_seen: false,
            length: None,
            transfer_encoding: false,
            bare_line_feed: false,
            heads: 0,
        }
    }
}

impl HeadWatch {
    /// Whether a head has begun and not ended.
    pub fn in_head(&self) -> bool {
        self.stage == Stage::Head && (self.first_line_seen || self.line_bytes > 0)
    }

    /// Whether the client has begun something that it has not finished, as far as can be told.
    pub fn is_mid_request(&self) -> bool {
        self.stage != Stage::Head || self.in_head()
    }

    /// Whether nothing of the very first head was seen yet.
    pub fn is_fresh(&self) -> bool {
        self.heads == 0 && !self.in_head()
    }

    /// Takes the next bytes of the connection in. Calls `faulty` with the number of the head (from 0) and what is wrong.
    pub fn feed(&mut self, mut bytes: &[u8], mut faulty: impl FnMut(u64, HeadFault)) {
        while !bytes.is_empty() {
            match self.stage {
                Stage::Blind => return,
                Stage::Body(left) => {
                    let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    bytes = bytes.get(here..).unwrap_or_default();
                    let left = left - u64::try_from(here).unwrap_or(left);
                    self.stage = if left == 0 { Stage::Head } else { Stage::Body(left) };
                }
                Stage::Head => match bytes.iter().position(|byte| *byte == b'\n') {
                    None => {
                        self.keep(bytes);
                        return;
                    }
                    Some(at) => {
                        self.keep(bytes.get(..at).unwrap_or_default());
                        bytes = bytes.get(at + 1..).unwrap_or_default();
                        self.end_line(&mut faulty);
                    }
                },
            }
        }
    }

    fn keep(&mut self, part: &[u8]) {
        if let Some(last) = part.last() {
            self.after_cr = *last == b'\r';
        }
        let room = self.line.get_mut(self.line_bytes.min(LINE_KEPT)..).unwrap_or_default();
        for (slot, byte) in room.iter_mut().zip(part) {
            *slot = *byte;
        }
        self.line_bytes += part.len();
    }

    fn end_line(&mut self, faulty: &mut impl FnMut(u64, HeadFault)) {
        let content_bytes = if self.after_cr { self.line_bytes - 1 } else { self.line_bytes };
        let bare = !self.after_cr;
        let kept = self.line.get(..content_bytes.min(LINE_KEPT)).unwrap_or_default();
        let header = if self.first_line_seen { Header::of(kept, content_bytes) } else { Header::Other };
        self.line_bytes = 0;
        self.after_cr = false;
        if content_bytes == 0 && !self.first_line_seen {
            return; // empty lines before a request are tolerated
        }
        self.bare_line_feed |= bare;
        if content_bytes == 0 {
            return self.end_head(faulty);
        }
        self.first_line_seen = true;
        match header {
            Header::Length(length) => self.length = Some(length),
            Header::TransferEncoding => self.transfer_encoding = true,
            Header::Other => {}
        }
    }

    fn end_head(&mut self, faulty: &mut impl FnMut(u64, HeadFault)) {
        if self.length.is_some() && self.transfer_encoding {
            faulty(self.heads, HeadFault::TwoLengths);
        } else if self.bare_line_feed {
            faulty(self.heads, HeadFault::BareLineFeed);
        }
        self.stage = match self.length {
            _ if self.transfer_encoding => Stage::Blind,
            // A length that is no number: the parser refuses it.
            Some(u64::MAX) => Stage::Blind,
            Some(length) if length > 0 => Stage::Body(length),
            _ => Stage::Head,
        };
        self.heads += 1;
        self.first_line_seen = false;
        self.length = None;
        self.transfer_encoding = false;
        self.bare_line_feed = false;
    }
}

enum Header {
    Length(u64),
    TransferEncoding,
    Other,
}

impl Header {
    fn of(kept: &[u8], content_bytes: usize) -> Self {
        let Some(colon) = kept.iter().position(|byte| *byte == b':') else { return Self::Other };
        let (name, value) = kept.split_at(colon);
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            return Self::TransferEncoding;
        }
        if !name.eq_ignore_ascii_case(b"content-length") {
            return Self::Other;
        }
        let whole = content_bytes == kept.len();
        let text = value.get(1..).and_then(|value| std::str::from_utf8(value).ok()).filter(|_| whole);
        Self::Length(text.and_then(|text| text.trim().parse().ok()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found, whatever the size of the pieces the bytes come in.
    fn check(bytes: &str, expected: &[(u64, HeadFault)]) {
        for piece in [1, 2, 3, 7, 64, bytes.len()] {
            let mut watch = HeadWatch::default();
            let mut found = Vec::new();
            for part in bytes.as_bytes().chunks(piece) {
                watch.feed(part, |head, fault| found.push((head, fault)));
            }
            assert_eq!(found, expected, "in pieces of {piece}: {bytes:?}");
        }
    }

    #[test]
    fn honest_requests_pass_one_after_the_other() {
        check(
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\na\nb\n\nGET / HTTP/1.1\r\n\r\n",
            &[],
        );
        check("\r\n\r\nGET / HTTP/1.1\r\nX: a:b\r\n\r\n", &[]);
        check("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab\ncd\r\n0\r\n\r\n", &[]);
        let long =
            format!("GET / HTTP/1.1\r\nX: {}\r\ncontent-length: 2\r\n\r\n\n\nGET / HTTP/1.1\r\n\r\n", "y".repeat(300));
        check(&long, &[]);
    }

    #[test]
    fn two_lengths_are_found_in_either_order_and_any_case() {
        check(
            "POST / HTTP/1.1\r\nCONTENT-LENGTH: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            &[(0, HeadFault::TwoLengths)],
        );
        check("POST / HTTP/1.1\r\ntransfer-encoding: gzip\r\ncontent-length: 0\r\n\r\n", &[(0, HeadFault::TwoLengths)]);
    }

    #[test]
    fn a_bare_line_feed_is_found_in_the_head_it_stands_in() {
        check("GET / HTTP/1.1\nHost: a\r\n\r\n", &[(0, HeadFault::BareLineFeed)]);
        check("GET / HTTP/1.1\r\nHost: a\r\n\n", &[(0, HeadFault::BareLineFeed)]);
        check("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nA: b\n\r\n", &[(1, HeadFault::BareLineFeed)]);
    }
}

//! Compressed forms of what is sent, made once, and which of them a client gets.
//!
//! What is sent is never compressed while somebody waits, and nothing that a client says is ever fed to a compressor.

use std::io::Write as _;

use axum::body::Bytes;
use axum::http::header::ACCEPT_ENCODING;
use axum::http::{HeaderMap, HeaderValue};

/// Measured over all pages: 11 is a tenth shorter and takes eight times as long, at every start of a node.
const BROTLI_QUALITY: u32 = 9;
/// For what changes every second: a menu becomes an eighth of itself either way.
const BROTLI_QUICK_QUALITY: u32 = 4;
const GZIP_QUICK_LEVEL: u32 = 4;
/// Base-2 logarithm of brotli's window: larger than any of our files.
const BROTLI_WINDOW_BITS: u32 = 19;
const BUFFER_BYTES: usize = 4096;

/// A form in which an asset is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Brotli, which takes the fewest bytes.
    Brotli,
    /// Gzip, which every client takes.
    Gzip,
    /// As it is.
    Identity,
}

impl Encoding {
    /// The forms, best first.
    pub const ALL: [Self; 3] = [Self::Brotli, Self::Gzip, Self::Identity];

    /// Its name in `Content-Encoding`; the plain form has no such header.
    pub fn header(self) -> Option<HeaderValue> {
        match self {
            Self::Brotli => Some(HeaderValue::from_static("br")),
            Self::Gzip => Some(HeaderValue::from_static("gzip")),
            Self::Identity => None,
        }
    }

    /// What its entity tags end with: different bytes have different tags.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => "-br",
            Self::Gzip => "-gz",
            Self::Identity => "",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Identity => "identity",
        }
    }

    /// The bytes in this form, as short as is sensible for what is encoded once; nothing where that fails or is no shorter.
    pub fn encode(self, plain: &Bytes) -> Option<Bytes> {
        self.encode_with(plain, BROTLI_QUALITY, flate2::Compression::best())
    }

    /// The same for what is encoded again and again: nearly as short in a fraction of the time.
    pub fn encode_quickly(self, plain: &Bytes) -> Option<Bytes> {
        self.encode_with(plain, BROTLI_QUICK_QUALITY, flate2::Compression::new(GZIP_QUICK_LEVEL))
    }

    fn encode_with(self, plain: &Bytes, quality: u32, level: flate2::Compression) -> Option<Bytes> {
        let encoded = match self {
            Self::Identity => return Some(plain.clone()),
            Self::Brotli => {
                let mut writer = brotli::CompressorWriter::new(Vec::new(), BUFFER_BYTES, quality, BROTLI_WINDOW_BITS);
                writer.write_all(plain).ok()?;
                writer.into_inner()
            }
            Self::Gzip => {
                let mut writer = flate2::write::GzEncoder::new(Vec::new(), level);
                writer.write_all(plain).ok()?;
                writer.finish().ok()?
            }
        };
        (encoded.len() < plain.len()).then(|| Bytes::from(encoded))
    }
}

/// Whether a client takes this form. Without the header only the plain one is certain to be understood.
pub fn accepts(request: &HeaderMap, encoding: Encoding) -> bool {
    let mut any = false;
    for value in request.get_all(ACCEPT_ENCODING) {
        let Ok(list) = value.to_str() else { continue };
        for part in list.split(',') {
            let mut parts = part.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let refused = parts
                .filter_map(|parameter| parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q=")))
                .any(|weight| weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0));
            if name.eq_ignore_ascii_case(encoding.name()) {
                return !refused;
            }
            any |= name == "*" && !refused;
        }
    }
    any || encoding == Encoding::Identity
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use axum::body::Bytes;
    use axum::http::{HeaderMap, HeaderValue};

    use super::{Encoding, accepts};

    fn check(header: Option<&'static str>, expected: &[Encoding]) {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert("accept-encoding", HeaderValue::from_static(header));
        }
        let taken: Vec<_> = Encoding::ALL.into_iter().filter(|one| accepts(&headers, *one)).collect();
        assert_eq!(taken, expected, "{header:?}");
    }

    #[test]
    fn a_client_gets_what_it_takes() {
        use Encoding::{Brotli, Gzip, Identity};
        check(None, &[Identity]);
        check(Some(""), &[Identity]);
        check(Some("gzip, deflate, br, zstd"), &[Brotli, Gzip, Identity]);
        check(Some("br;q=0, gzip;q=0.5"), &[Gzip, Identity]);
        check(Some("*"), &[Brotli, Gzip, Identity]);
        check(Some("*;q=0.1, br; q=0"), &[Gzip, Identity]);
        check(Some("GZIP"), &[Gzip, Identity]);
        check(Some("gzip;q=nonsense"), &[Gzip, Identity]);
    }

    #[test]
    fn both_forms_give_the_bytes_back() {
        let plain = Bytes::from("to be read by a browser, ".repeat(500));
        let mut back = Vec::new();
        let encoded = Encoding::Brotli.encode(&plain).unwrap();
        brotli::Decompressor::new(&*encoded, 4096).read_to_end(&mut back).unwrap();
        assert_eq!(back, plain);
        back.clear();
        let encoded = Encoding::Gzip.encode(&plain).unwrap();
        flate2::read::GzDecoder::new(&*encoded).read_to_end(&mut back).unwrap();
        assert_eq!(back, plain);
        assert_eq!(Encoding::Gzip.encode(&Bytes::from_static(b"x")), None, "no longer than it was");
    }
}

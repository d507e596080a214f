//! What a picture is, by its bytes: its name proves nothing.

/// A kind of picture that every browser of today shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Svg,
    Png,
    Jpeg,
    Webp,
    Avif,
}

/// What may stand before the first element of an SVG: a mark of byte order, a declaration, remarks. Longer is no picture of a dish.
const SVG_HEAD_BYTES_MAX: usize = 4096;

impl Kind {
    /// The kind of these bytes, if it is one that is served.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let brand = |at: usize| bytes.get(at..at + 4);
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if bytes.starts_with(b"\xff\xd8\xff") {
            Some(Self::Jpeg)
        } else if brand(0) == Some(b"RIFF") && brand(8) == Some(b"WEBP") {
            Some(Self::Webp)
        } else if brand(4) == Some(b"ftyp") && matches!(brand(8), Some(b"avif" | b"avis")) {
            Some(Self::Avif)
        } else {
            is_svg(bytes).then_some(Self::Svg)
        }
    }

    /// Its `Content-Type`.
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Svg => "image/svg+xml; charset=utf-8",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
            Self::Avif => "image/avif",
        }
    }

    /// How its path ends.
    pub(super) const fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Webp => "webp",
            Self::Avif => "avif",
        }
    }
}

/// Whether the first element of a text is `svg`.
fn is_svg(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let text = text.trim_start_matches('\u{feff}');
    let mut rest = text.trim_start();
    while text.len() - rest.len() <= SVG_HEAD_BYTES_MAX {
        let end = if rest.starts_with("<!--") {
            "-->"
        } else if rest.starts_with("<?") {
            "?>"
        } else if rest.starts_with("<!") {
            ">"
        } else {
            let name = rest.strip_prefix("<svg").unwrap_or("-");
            return name.starts_with(|next: char| next.is_ascii_whitespace() || next == '>');
        };
        let Some((_, after)) = rest.split_once(end) else { return false };
        rest = after.trim_start();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn a_picture_is_what_its_bytes_say() {
        let cases: [(&[u8], Option<Kind>); 14] = [
            (b"\x89PNG\r\n\x1a\n....", Some(Kind::Png)),
            (b"\xff\xd8\xff\xe0....", Some(Kind::Jpeg)),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Some(Kind::Webp)),
            (b"\0\0\0\x20ftypavif....", Some(Kind::Avif)),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Some(Kind::Svg)),
            (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- made by hand -->\n<!DOCTYPE svg>\n<svg>", Some(Kind::Svg)),
            (b"<svgx>", None),
            (b"<html><svg></svg></html>", None),
            (b"<!-- without an end <svg>", None),
            (b"RIFF\x10\0\0\0WAVE", None),
            (b"\0\0\0\x20ftypmp42", None),
            (b"GIF89a", None),
            (b"\xff\xfe<svg>", None),
            (b"", None),
        ];
        for (bytes, kind) in cases {
            assert_eq!(Kind::of(bytes), kind, "{}", bytes.escape_ascii());
        }
        let long = format!("<!--{}--><svg>", " ".repeat(8192));
        assert_eq!(Kind::of(long.as_bytes()), None, "a head without end");
    }
}

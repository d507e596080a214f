//! What a region announces about itself, kept beside its copy so that the directory knows it after a restart. It comes from
//! outside: only what is understood and harmless is kept.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::value::is_url;
use crate::limits::ANNOUNCED_URL_BYTES_MAX;

/// What a region's node says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Announcement {
    /// Where customers reach it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// The version of its program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// Longest version text that is kept.
const VERSION_CHARS_MAX: usize = 40;

impl Announcement {
    /// Reads an announcement; what is not understood says nothing.
    pub fn parse(bytes: &[u8]) -> Self {
        let said: Self = serde_json::from_slice(bytes).unwrap_or_default();
        // Phones open it: nothing but the web's own schemes.
        let is_fine = |url: &String| url.len() <= ANNOUNCED_URL_BYTES_MAX && is_url(url, &["https", "http"]);
        let is_short = |text: &String| text.chars().count() <= VERSION_CHARS_MAX;
        Self { public_url: said.public_url.filter(is_fine), version: said.version.filter(is_short) }
    }

    /// What was kept; nothing where there is no file or it can't be read.
    pub fn load(path: &Path) -> Self {
        std::fs::read(path).map(|bytes| Self::parse(&bytes)).unwrap_or_default()
    }

    /// Keeps it, whole or not at all.
    pub fn save(&self, path: &Path) -> std::io::Result<()> {
        let draft: PathBuf = path.with_extension("tmp");
        let mut file = std::fs::File::create(&draft)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_all()?;
        std::fs::rename(&draft, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_understood_and_harmless_is_kept() {
        let url = |bytes: &[u8]| Announcement::parse(bytes).public_url;
        assert_eq!(url(br#"{"public_url":"https://east.example","more":1}"#).as_deref(), Some("https://east.example"));
        assert_eq!(url(br#"{"public_url":"javascript:alert(1)"}"#), None);
        assert_eq!(url(format!("{{\"public_url\":\"https://{}\"}}", "a".repeat(600)).as_bytes()), None);
        assert_eq!(url(b"\xff"), None);
        assert_eq!(url(b""), None);
    }

    #[test]
    fn it_survives_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("east.json");
        assert_eq!(Announcement::load(&path), Announcement::default());
        let said = Announcement { public_url: Some("https://east.example".to_owned()), version: Some("1".to_owned()) };
        said.save(&path).unwrap();
        assert_eq!(Announcement::load(&path), said);
    }
}

//! Turns what the layers say into typed values, one shape after the other. All findings are collected, none ends it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::error::{Finding, Place};
use super::keys::{KEYS, Key, Shape};
use super::source::{Found, Layers, Raw};
use super::value;
use super::{Secret, limits};

/// Reads values by key. A value that is wrong becomes a finding, and the default takes its place so that the rest is
/// checked too.
pub(super) struct Reader {
    pub layers: Layers,
    pub sandbox: bool,
    pub warnings: Vec<Finding>,
    pub findings: Vec<Finding>,
}

impl Reader {
    pub(super) fn complain(&mut self, place: Place, key: &str, message: impl Into<String>) {
        self.findings.push(Finding { place, key: key.to_owned(), message: message.into() });
    }

    pub(super) fn warn(&mut self, place: Place, key: &str, message: impl Into<String>) {
        self.warnings.push(Finding { place, key: key.to_owned(), message: message.into() });
    }

    /// Where a key was set; `Nowhere` if it was not.
    pub(super) fn place(&self, name: &str) -> Place {
        self.layers.values.get(name).map_or(Place::Nowhere, |found| found.place.clone())
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        self.layers.values.contains_key(name)
    }

    fn default(&self, name: &str) -> &'static str {
        let key = KEYS.iter().find(|key| key.dotted() == name);
        debug_assert!(key.is_some(), "{name} is not in the table");
        key.map_or("", |key| key.default_in(self.sandbox))
    }

    /// The text of a key, from its file where it stands in one.
    fn resolved(&mut self, name: &str) -> Option<(String, Place)> {
        let Some(Found { raw, place, in_file }) = self.layers.values.get(name).cloned() else {
            let default = self.default(name);
            return (!default.is_empty()).then(|| (default.to_owned(), Place::Nowhere));
        };
        let text = match raw {
            Raw::Text(text) => text,
            Raw::Bare(_) => {
                self.complain(place, name, "should be a text in quotes");
                return None;
            }
            Raw::List(_) => {
                self.complain(place, name, "should be one text, not a list");
                return None;
            }
        };
        let text = if in_file { self.read_value_file(name, &place, &text)? } else { text };
        if text.trim().is_empty() {
            self.complain(place, name, "is empty");
            return None;
        }
        Some((text, place))
    }

    fn read_value_file(&mut self, name: &str, place: &Place, path: &str) -> Option<String> {
        let key = format!("{name}_file");
        let secret = KEYS.iter().any(|known| known.shape == Shape::Secret && matches_name(known, name));
        match read_small(path.as_ref()) {
            Ok(text) => {
                if secret && readable_by_others(path.as_ref()) {
                    self.warn(place.clone(), &key, format!("{path} can be read by others; chmod 600 it"));
                }
                Some(text.trim().to_owned())
            }
            Err(error) => {
                self.complain(place.clone(), &key, format!("{path} can't be read: {error}"));
                None
            }
        }
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.resolved(name).map(|(text, _)| text)
    }

    pub(super) fn secret(&mut self, name: &str, bytes_min: usize) -> Option<Secret> {
        let (text, place) = self.resolved(name)?;
        if text.len() < bytes_min {
            self.complain(place, name, format!("has {} bytes; at least {bytes_min} are needed", text.len()));
            return None;
        }
        Some(Secret::new(text))
    }

    pub(super) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(&mut self, name: &str) -> Option<T> {
        let (text, place) = self.resolved(name)?;
        text.parse().map_err(|error: T::Err| self.complain(place, name, format!("is {error}"))).ok()
    }

    pub(super) fn choice(&mut self, name: &str, words: &[&str]) -> String {
        let fallback = self.default(name).to_owned();
        let Some((text, place)) = self.resolved(name) else { return fallback };
        if words.contains(&text.as_str()) {
            return text;
        }
        let choices: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
        self.complain(place, name, format!("is \"{text}\"; it can be {}", choices.join(" or ")));
        fallback
    }

    pub(super) fn path(&mut self, name: &str) -> Option<PathBuf> {
        self.text(name).map(PathBuf::from)
    }

    pub(super) fn url(&mut self, name: &str, schemes: &[&str]) -> Option<String> {
        let (text, place) = self.resolved(name)?;
        if value::is_url(&text, schemes) {
            return Some(text);
        }
        let shown: Vec<String> = schemes.iter().map(|scheme| format!("{scheme}://…")).collect();
        self.complain(place, name, format!("is \"{text}\", not a URL such as {}", shown.join(" or ")));
        None
    }

    pub(super) fn duration(&mut self, name: &str) -> Duration {
        let shape = KEYS.iter().find(|key| key.dotted() == name).map(|key| key.shape);
        let fallback = value::duration(self.default(name)).unwrap_or_default();
        if let Some(Found { raw: Raw::Bare(number), place, .. }) = self.layers.values.get(name).cloned() {
            self.complain(place, name, format!("is {number} without a unit; write \"{number}s\" or \"{number}m\""));
            return fallback;
        }
        let Some((text, place)) = self.resolved(name) else { return fallback };
        let Some(duration) = value::duration(&text) else {
            self.complain(place, name, format!("is \"{text}\", not a time such as \"15m\", \"90s\" or \"1h30m\""));
            return fallback;
        };
        if let Some(Shape::Duration(min, max)) = shape {
            let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
            if millis < min || millis > max {
                let (min, max) = (value::duration_text(min), value::duration_text(max));
                self.complain(place, name, format!("is \"{text}\"; it can be {min} to {max}"));
                return fallback;
            }
        }
        duration
    }

    pub(super) fn bytes(&mut self, name: &str) -> u64 {
        let shape = KEYS.iter().find(|key| key.dotted() == name).map(|key| key.shape);
        let fallback = value::bytes(self.default(name)).unwrap_or_default();
        let Some(Found { raw, place, .. }) = self.layers.values.get(name).cloned() else { return fallback };
        let bytes = match &raw {
            Raw::Bare(text) | Raw::Text(text) => value::bytes(text),
            Raw::List(_) => None,
        };
        let Some(Shape::Bytes(min, max)) = shape else { return fallback };
        match bytes.filter(|bytes| (min..=max).contains(bytes)) {
            Some(bytes) => bytes,
            None => {
                let (min, max) = (value::bytes_text(min), value::bytes_text(max));
                self.complain(place, name, format!("should be a size such as \"32GiB\", from {min} to {max}"));
                fallback
            }
        }
    }

    pub(super) fn count(&mut self, name: &str) -> usize {
        let shape = KEYS.iter().find(|key| key.dotted() == name).map(|key| key.shape);
        let fallback = self.default(name).parse().unwrap_or_default();
        let Some(Found { raw, place, .. }) = self.layers.values.get(name).cloned() else { return fallback };
        let number = match (&raw, &place) {
            (Raw::Bare(text), _) | (Raw::Text(text), Place::Variable(_)) => text.trim().parse::<u64>().ok(),
            _ => None,
        };
        let Some(Shape::Count(min, max)) = shape else { return fallback };
        match number.filter(|number| (min..=max).contains(number)) {
            Some(number) => usize::try_from(number).unwrap_or(usize::MAX),
            None => {
                self.complain(place, name, format!("should be a number from {min} to {max}"));
                fallback
            }
        }
    }

    /// A list in the file, separated by commas in the environment.
    fn list(&mut self, name: &str) -> Option<(Vec<String>, Place)> {
        let place = self.place(name);
        let texts = match self.layers.values.get(name).map(|found| &found.raw) {
            Some(Raw::List(texts)) => texts.clone(),
            Some(Raw::Text(text)) => text.split(',').map(|part| part.trim().to_owned()).collect(),
            Some(Raw::Bare(_)) => {
                self.complain(place, name, "should be a list of texts");
                return None;
            }
            None => {
                let default = self.default(name);
                if default.is_empty() { Vec::new() } else { vec![default.to_owned()] }
            }
        };
        Some((texts, place))
    }

    pub(super) fn addresses(&mut self, name: &str) -> Vec<SocketAddr> {
        let Some((texts, place)) = self.list(name) else { return Vec::new() };
        let mut addresses = Vec::new();
        for text in &texts {
            match value::address(text) {
                Some(address) if addresses.contains(&address) && address.port() != 0 => {
                    self.complain(place.clone(), name, format!("names {address} twice"));
                }
                Some(address) => addresses.push(address),
                None => self.complain(
                    place.clone(),
                    name,
                    format!("is \"{text}\", not an address such as \"0.0.0.0:7100\" or \"[::]:7100\""),
                ),
            }
        }
        if texts.is_empty() || addresses.len() > limits::LISTEN_ADDRESSES_MAX {
            self.complain(place, name, format!("should be 1 to {} addresses", limits::LISTEN_ADDRESSES_MAX));
        }
        addresses
    }

    pub(super) fn networks(&mut self, name: &str) -> Vec<value::Network> {
        let Some((texts, place)) = self.list(name) else { return Vec::new() };
        let mut networks = Vec::new();
        for text in texts {
            match value::network(&text) {
                Some(network) => networks.push(network),
                None => self.complain(
                    place.clone(),
                    name,
                    format!("is \"{text}\", not a network such as \"127.0.0.1\" or \"10.0.0.0/8\""),
                ),
            }
        }
        networks
    }

    /// The texts of files that are named in a list.
    pub(super) fn file_texts(&mut self, name: &str) -> Vec<(String, String)> {
        let Some((paths, place)) = self.list(name) else { return Vec::new() };
        let mut texts = Vec::new();
        for path in paths {
            match read_small(path.as_ref()) {
                Ok(text) => texts.push((path, text)),
                Err(error) => self.complain(place.clone(), name, format!("{path} can't be read: {error}")),
            }
        }
        texts
    }

    /// Complains about a key that has to be there.
    pub(super) fn require(&mut self, present: bool, name: &str, why: &str) {
        let already = self.findings.iter().any(|finding| finding.key.trim_end_matches("_file") == name);
        if present || already {
            return;
        }
        let variable = format!("QUCAN_{}", name.to_ascii_uppercase().replace('.', "__"));
        let message = format!("is missing: {why}; set it in the file or as {variable}");
        self.complain(Place::Nowhere, name, message);
    }
}

fn matches_name(key: &Key, name: &str) -> bool {
    match key.dotted().split_once('*') {
        None => key.dotted() == name,
        Some((head, tail)) => name.starts_with(head) && name.ends_with(tail),
    }
}

/// Reads a file of a size that keys and certificates have.
fn read_small(path: &std::path::Path) -> Result<String, String> {
    use std::io::Read as _;
    let file = std::fs::File::open(path).map_err(|error| super::plain(&error))?;
    let mut text = String::new();
    let limit = limits::CONFIG_BYTES_MAX;
    file.take(limit + 1).read_to_string(&mut text).map_err(|error| super::plain(&error))?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > limit {
        return Err(format!("more than {limit} bytes"));
    }
    Ok(text)
}

fn readable_by_others(path: &std::path::Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o004 != 0)
}

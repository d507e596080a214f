//! Reads the layers of a configuration: the file and the environment over it. Finds unknown keys and values of a wrong
//! type. What the values mean is for `build`.

use std::collections::BTreeMap;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::Role;
use super::error::{ConfigError, Finding, Place};
use super::keys::{KEYS, Key, Shape};

/// A value as it was found, before it means anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Raw {
    Text(String),
    /// A number or a flag, as it stands in the file; the environment knows only texts.
    Bare(String),
    List(Vec<String>),
}

/// A value with its origin.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub raw: Raw,
    pub place: Place,
    /// Whether it names a file that holds the value (`*_file`).
    pub in_file: bool,
}

/// What the layers say, by dotted key without `_file`.
#[derive(Debug, Default)]
pub(super) struct Layers {
    pub values: BTreeMap<String, Found>,
    pub findings: Vec<Finding>,
    /// Names behind `[regions.NAME]`.
    pub regions: Vec<String>,
    pub role: Option<Role>,
}

struct Known {
    key: &'static Key,
    in_file: bool,
}

/// The key of a dotted name; `regions.NAME.…` matches `regions.*.…`.
fn known(dotted: &str) -> Option<Known> {
    let matches = |key: &Key, name: &str| {
        let pattern = key.dotted();
        match pattern.split_once('*') {
            None => pattern == name,
            Some((head, tail)) => name
                .strip_prefix(head)
                .and_then(|rest| rest.strip_suffix(tail))
                .is_some_and(|middle| !middle.is_empty() && !middle.contains('.')),
        }
    };
    let find = |name: &str| KEYS.iter().find(|key| matches(key, name));
    if let Some(key) = find(dotted) {
        return Some(Known { key, in_file: false });
    }
    let key = find(dotted.strip_suffix("_file")?)?;
    matches!(key.shape, Shape::Secret | Shape::Document).then_some(Known { key, in_file: true })
}

fn sections() -> Vec<&'static str> {
    let mut sections: Vec<&str> = KEYS.iter().map(|key| key.section).filter(|name| !name.is_empty()).collect();
    sections.dedup();
    sections
}

/// The known key nearest to an unknown one. The last part counts more: a key in the wrong section is a common mistake.
fn nearest(unknown: &str) -> String {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let score = |name: &str| {
        strsim::normalized_damerau_levenshtein(unknown, name)
            + 2.0 * strsim::normalized_damerau_levenshtein(&last(unknown), &last(name))
    };
    let mut best = (f64::MIN, String::new());
    for key in KEYS {
        let file = matches!(key.shape, Shape::Secret | Shape::Document).then(|| format!("{}_file", key.dotted()));
        for name in std::iter::once(key.dotted()).chain(file) {
            let score = score(&name);
            if score > best.0 {
                best = (score, name);
            }
        }
    }
    best.1
}

impl Layers {
    fn complain(&mut self, place: Place, key: &str, message: impl Into<String>) {
        self.findings.push(Finding { place, key: key.to_owned(), message: message.into() });
    }

    /// Takes the file in. Only what is not TOML at all, or for nobody in particular, ends it at once.
    pub(super) fn read_file(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let document = match DeTable::parse(text) {
            Ok(document) => document.into_inner(),
            Err(error) => {
                let place = error.span().map_or(Place::File(path.to_owned()), |span| Place::in_text(path, text, span));
                let message = format!("not valid TOML: {}", error.message());
                return Err(ConfigError { findings: vec![Finding { place, key: String::new(), message }] });
            }
        };
        self.read_table(path, text, "", &document);
        // Which of the two it is for; the environment never decides that.
        let has = |name: &str| document.contains_key(name);
        self.role = match (has("node"), has("aggregator") || has("regions")) {
            (true, true) => {
                let message = "has [node] and [aggregator]: one file is for one of them".to_owned();
                let finding = Finding { place: Place::File(path.to_owned()), key: String::new(), message };
                return Err(ConfigError { findings: vec![finding] });
            }
            (true, false) => Some(Role::Node),
            (false, true) => Some(Role::Aggregator),
            (false, false) => None,
        };
        Ok(())
    }

    fn read_table(&mut self, path: &Path, text: &str, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let dotted =
                if prefix.is_empty() { name.get_ref().to_string() } else { format!("{prefix}.{}", name.get_ref()) };
            let place = Place::in_text(path, text, name.span());
            if let DeValue::Table(inner) = value.get_ref() {
                let opens = |section: &&str| {
                    *section == dotted
                        || section.starts_with(&format!("{dotted}."))
                        || (section.ends_with(".*") && prefix == section.trim_end_matches(".*"))
                };
                if sections().iter().any(opens) {
                    if prefix == "regions" {
                        self.regions.push(name.get_ref().to_string());
                    }
                    self.read_table(path, text, &dotted, inner);
                } else {
                    let best = sections()
                        .into_iter()
                        .max_by(|a, b| strsim::jaro_winkler(a, &dotted).total_cmp(&strsim::jaro_winkler(b, &dotted)));
                    let message = format!("is an unknown section; did you mean `[{}]`?", best.unwrap_or_default());
                    self.complain(place, &dotted, message);
                }
                continue;
            }
            let value_place = Place::in_text(path, text, value.span());
            match scalar(value.get_ref()) {
                Ok(raw) => self.set(&dotted, raw, place, value_place),
                Err(message) => self.complain(value_place, &dotted, message),
            }
        }
    }

    fn set(&mut self, dotted: &str, raw: Raw, key_place: Place, value_place: Place) {
        let Some(Known { in_file, .. }) = known(dotted) else {
            return self.complain(key_place, dotted, format!("is unknown; did you mean `{}`?", nearest(dotted)));
        };
        let name = if in_file { dotted.trim_end_matches("_file") } else { dotted }.to_owned();
        let same_layer = |place: &Place| std::mem::discriminant(place) == std::mem::discriminant(&value_place);
        if self.values.get(&name).is_some_and(|before| same_layer(&before.place)) {
            return self.complain(key_place, dotted, format!("and `{name}` can't both be set"));
        }
        self.values.insert(name, Found { raw, place: value_place, in_file });
    }

    /// Takes the environment in: `QUCAN_SECTION__KEY`, and `QUCAN_MODE`.
    pub(super) fn read_environment(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        let mut variables: Vec<_> = variables.into_iter().collect();
        variables.sort();
        for (variable, value) in variables {
            let Some(name) = variable.strip_prefix("QUCAN_") else { continue };
            if name != "MODE" && !name.contains("__") {
                continue;
            }
            let dotted = name.to_ascii_lowercase().replace("__", ".");
            let place = Place::Variable(variable.clone());
            if let Some(region) = dotted.strip_prefix("regions.").and_then(|rest| rest.split('.').next())
                && !self.regions.iter().any(|known| known == region)
            {
                self.regions.push(region.to_owned());
            }
            self.set(&dotted, Raw::Text(value), place.clone(), place);
        }
    }

    /// Keys that belong to the other role are as wrong as unknown ones.
    pub(super) fn check_role(&mut self, role: Role) {
        let strangers: Vec<(String, Place)> = self
            .values
            .iter()
            .filter(|(name, _)| known(name).is_some_and(|known| known.key.role.is_some_and(|owner| owner != role)))
            .map(|(name, found)| (name.clone(), found.place.clone()))
            .collect();
        for (name, place) in strangers {
            self.complain(place, &name, format!("is not a key of {}", role.with_article()));
        }
    }
}

fn scalar(value: &DeValue<'_>) -> Result<Raw, String> {
    match value {
        DeValue::String(text) => Ok(Raw::Text(text.to_string())),
        DeValue::Integer(number) => Ok(Raw::Bare(number.to_string().replace('_', ""))),
        DeValue::Boolean(flag) => Ok(Raw::Bare(flag.to_string())),
        DeValue::Array(items) => {
            let texts = items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
            texts.map(Raw::List).ok_or_else(|| "is a list of something other than texts".to_owned())
        }
        other => Err(format!("can't be a {}", other.type_str())),
    }
}

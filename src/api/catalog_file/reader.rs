//! Walks a JSON value, notes every error with its pointer, and goes on.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde_json::{Map, Value};
use smol_str::SmolStr;

use crate::domain::catalog::Name;
use crate::domain::id::IdError;
use crate::domain::money::Fen;
use crate::limits::{CATALOG_NAME_CHARS_MAX, CATALOG_VALUE_SHOWN_CHARS_MAX};

use super::CatalogErrors;

/// Where in the file we are; turned into a pointer only when there is something to say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

impl<'a> Path<'a> {
    /// The whole file.
    pub(super) const ROOT: &'static Path<'static> = &Path { parent: None, step: Step::Root };

    /// A field of the object here.
    pub(super) fn key(&'a self, key: &'a str) -> Path<'a> {
        Path { parent: Some(self), step: Step::Key(key) }
    }

    /// An element of the array here.
    pub(super) fn index(&'a self, index: usize) -> Path<'a> {
        Path { parent: Some(self), step: Step::Index(index) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Key(key) => write!(f, "/{}", key.replace('~', "~0").replace('/', "~1")),
            Step::Index(index) => write!(f, "/{index}"),
        }
    }
}

/// Collects errors while the parts of the file are read. Each getter answers nothing after it noted what is wrong.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub(super) errors: CatalogErrors,
}

/// An object of the file.
pub(super) type Object = Map<String, Value>;

impl Reader {
    /// Notes an error.
    pub(super) fn error(&mut self, path: Path<'_>, detail: impl Into<String>) {
        self.errors.add(path.to_string(), detail.into());
    }

    /// An object with these fields and no others.
    pub(super) fn object<'v>(
        &mut self,
        value: &'v Value,
        path: &Path<'_>,
        required: &[&str],
        optional: &[&str],
    ) -> Option<&'v Object> {
        let Some(object) = value.as_object() else {
            self.error(*path, format!("expected an object, found {}", shown(value)));
            return None;
        };
        for key in required {
            if !object.contains_key(*key) {
                self.error(*path, format!("field `{key}` is missing"));
            }
        }
        for key in object.keys() {
            let known = || required.iter().chain(optional);
            if !known().any(|known| known == key) {
                let nearest = known().min_by_key(|known| strsim::levenshtein(known, key)).copied().unwrap_or_default();
                self.error(path.key(key), format!("unknown field; the nearest known one is `{nearest}`"));
            }
        }
        Some(object)
    }

    /// The elements of an array field; an absent field is an empty list. Wrong elements are `None`.
    pub(super) fn list<T>(
        &mut self,
        object: &Object,
        path: &Path<'_>,
        key: &str,
        max: usize,
        mut read: impl FnMut(&mut Self, &Value, &Path<'_>) -> Option<T>,
    ) -> Vec<Option<T>> {
        let Some(value) = object.get(key) else { return Vec::new() };
        let path = path.key(key);
        let Some(array) = value.as_array() else {
            self.error(path, format!("expected an array, found {}", shown(value)));
            return Vec::new();
        };
        if array.len() > max {
            self.error(path, format!("{} elements, at most {max} are allowed", array.len()));
            return Vec::new();
        }
        array.iter().enumerate().map(|(index, value)| read(self, value, &path.index(index))).collect()
    }

    /// Notes every element whose key an earlier one has.
    pub(super) fn unique<T, K: Ord + fmt::Debug>(
        &mut self,
        elements: &[Option<T>],
        path: Path<'_>,
        field: &str,
        key: impl Fn(&T) -> &K,
    ) {
        let mut seen = BTreeSet::new();
        for (index, element) in elements.iter().enumerate() {
            if let Some(element) = element
                && !seen.insert(key(element))
            {
                let at = path.index(index);
                self.error(at.key(field), "an earlier entry says this already");
            }
        }
    }

    /// A text of 1 to `max` characters without control characters.
    pub(super) fn text<'v>(&mut self, object: &'v Object, path: &Path<'_>, key: &str, max: usize) -> Option<&'v str> {
        let value = object.get(key)?;
        let path = path.key(key);
        let Some(text) = value.as_str() else {
            self.error(path, format!("expected a text, found {}", shown(value)));
            return None;
        };
        let chars = text.chars().count();
        if chars == 0 || chars > max {
            self.error(path, format!("{chars} characters, 1 to {max} are allowed"));
            return None;
        }
        if text.chars().any(char::is_control) {
            self.error(path, "control characters are not allowed");
            return None;
        }
        Some(text)
    }

    /// An id of some kind.
    pub(super) fn id<T: FromStr<Err = IdError>>(&mut self, object: &Object, path: &Path<'_>, key: &str) -> Option<T> {
        let value = object.get(key)?;
        let path = path.key(key);
        let Some(text) = value.as_str() else {
            self.error(path, format!("expected a text, found {}", shown(value)));
            return None;
        };
        text.parse().map_err(|error: IdError| self.error(path, format!("{error}, found {}", shown(value)))).ok()
    }

    /// A whole number within a range.
    pub(super) fn integer(
        &mut self,
        object: &Object,
        path: &Path<'_>,
        key: &str,
        range: RangeInclusive<i64>,
    ) -> Option<i64> {
        let value = object.get(key)?;
        let number = value.as_i64().filter(|number| range.contains(number));
        if number.is_none() {
            self.error(
                path.key(key),
                format!("expected a whole number from {} to {}, found {}", range.start(), range.end(), shown(value)),
            );
        }
        number
    }

    /// A whole number that fits its type; `max` must fit it too.
    pub(super) fn number<T: TryFrom<i64>>(
        &mut self,
        object: &Object,
        path: &Path<'_>,
        key: &str,
        range: RangeInclusive<i64>,
    ) -> Option<T> {
        self.integer(object, path, key, range).and_then(|number| T::try_from(number).ok())
    }

    /// An amount of money from zero to the highest price.
    pub(super) fn price(&mut self, object: &Object, path: &Path<'_>, key: &str) -> Option<Fen> {
        self.integer(object, path, key, 0..=crate::domain::catalog::PRICE_MAX.0).map(Fen)
    }

    /// A name in both languages.
    pub(super) fn name(&mut self, object: &Object, path: &Path<'_>, key: &str) -> Option<Name> {
        let path = path.key(key);
        let name = self.object(object.get(key)?, &path, &["zh", "en"], &[])?;
        let zh = self.text(name, &path, "zh", CATALOG_NAME_CHARS_MAX);
        let en = self.text(name, &path, "en", CATALOG_NAME_CHARS_MAX);
        Some(Name { zh: SmolStr::new(zh?), en: SmolStr::new(en?) })
    }
}

/// The ids that stand in a list, whatever else is wrong there.
pub(super) fn ids<T: FromStr + Ord>(file: &Object, list: &str, key: &str) -> BTreeSet<T> {
    let entries = file.get(list).and_then(Value::as_array).into_iter().flatten();
    entries.filter_map(|entry| entry.get(key)?.as_str()?.parse().ok()).collect()
}

/// A value as it is quoted in an error: short.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        other => {
            let text = other.to_string();
            if text.chars().count() <= CATALOG_VALUE_SHOWN_CHARS_MAX {
                text
            } else {
                text.chars().take(CATALOG_VALUE_SHOWN_CHARS_MAX).chain(['…']).collect()
            }
        }
    }
}

//! Names in both languages, and ids as JSON strings without a copy.

use std::fmt::Display;

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::domain::catalog::Name;

/// A name in the languages of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct NameView<'a> {
    /// Chinese.
    pub zh: &'a str,
    /// English.
    pub en: &'a str,
}

impl<'a> From<&'a Name> for NameView<'a> {
    fn from(name: &'a Name) -> Self {
        Self { zh: name.zh.as_str(), en: name.en.as_str() }
    }
}

/// Writes an id by its `Display`.
pub(super) fn display<T: Display, S: Serializer>(id: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

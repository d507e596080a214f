//! Texts of requests that have a longest length, and fields that must be there although they may be `null`.

use serde::{Deserialize, Deserializer};
use smol_str::SmolStr;

use super::problem::Problem;
use crate::domain::order::NOTE_CHARS_MAX;

/// A note or reason of at most 200 characters (contract); an empty one is none.
pub fn short(field: &str, text: Option<&str>) -> Result<Option<SmolStr>, Problem> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let chars = text.chars().count();
    if chars > NOTE_CHARS_MAX {
        return Err(Problem::malformed(field, format!("{chars} characters, at most {NOTE_CHARS_MAX} are taken")));
    }
    Ok(Some(SmolStr::new(text)))
}

/// The same where there must be one.
pub fn short_required(field: &str, text: &str) -> Result<SmolStr, Problem> {
    short(field, Some(text))?.ok_or_else(|| Problem::malformed(field, "must not be empty"))
}

/// For a field that may be `null` but not missing.
pub fn nullable<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

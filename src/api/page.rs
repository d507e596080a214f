//! Lists in pieces: `limit`, opaque cursors, and answers made of views. A cursor names the last thing seen, so things
//! that come and go between two pages neither repeat nor hide others.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use utoipa::IntoParams;

use super::problem::Problem;
use crate::limits::{CURSOR_CHARS_MAX, PAGE_DEFAULT, PAGE_ORDERS_MAX};

/// What every list takes.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// `next_cursor` of the page before; none or empty begins.
    pub cursor: Option<String>,
    /// Things on a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u32>,
}

/// The page size asked for.
pub fn limit(asked: Option<u32>) -> Result<usize, Problem> {
    let Some(asked) = asked else { return Ok(PAGE_DEFAULT) };
    let limit = usize::try_from(asked).unwrap_or(usize::MAX);
    if (1..=PAGE_ORDERS_MAX).contains(&limit) {
        return Ok(limit);
    }
    Err(Problem::malformed("limit", format!("{asked} is not between 1 and {PAGE_ORDERS_MAX}")))
}

/// Makes a cursor of what a later request needs to go on. `kind` keeps the cursors of different lists apart.
pub fn encode_cursor(kind: &str, place: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{kind}:{place}"))
}

/// The place behind a cursor of the same kind; nothing where there is none.
pub fn decode_cursor<T>(
    field: &str,
    kind: &str,
    cursor: Option<&str>,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, Problem> {
    let Some(cursor) = cursor.filter(|cursor| !cursor.is_empty()) else { return Ok(None) };
    let read = || {
        let bytes = (cursor.len() <= CURSOR_CHARS_MAX).then(|| URL_SAFE_NO_PAD.decode(cursor).ok()).flatten()?;
        let text = String::from_utf8(bytes).ok()?;
        let (found, place) = text.split_once(':')?;
        (found == kind).then(|| parse(place)).flatten()
    };
    read().map(Some).ok_or_else(|| Problem::malformed(field, "not a cursor of this list"))
}

/// Cuts a list that is whole in memory and sorted by `key`: what comes after `after`, and where to go on.
pub fn cut<T, K: Ord>(mut all: Vec<T>, key: impl Fn(&T) -> K, after: Option<K>, limit: usize) -> (Vec<T>, Option<K>) {
    if let Some(after) = after {
        let seen = all.partition_point(|thing| key(thing) <= after);
        all.drain(..seen);
    }
    let more = all.len() > limit;
    all.truncate(limit);
    let next = all.last().filter(|_| more).map(key);
    (all, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_1_to_500_and_50_where_not_said() {
        assert_eq!(limit(None).unwrap(), 50);
        assert_eq!(limit(Some(500)).unwrap(), 500);
        for wrong in [0, 501, u32::MAX] {
            assert!(limit(Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_cursor_comes_back_as_its_place_and_nothing_else_does() {
        let parse = |place: &str| place.parse::<u64>().ok();
        let cursor = encode_cursor("o", "17");
        assert_eq!(decode_cursor("cursor", "o", Some(&cursor), parse).unwrap(), Some(17));
        assert_eq!(decode_cursor("cursor", "o", None, parse).unwrap(), None);
        assert_eq!(decode_cursor("cursor", "o", Some(""), parse).unwrap(), None);
        let long = "A".repeat(100_000);
        for wrong in ["x", "=", "\u{e9}", &encode_cursor("s", "17"), &encode_cursor("o", "x"), &long] {
            assert!(decode_cursor("cursor", "o", Some(wrong), parse).is_err(), "{wrong}");
        }
    }

    #[test]
    fn pages_put_together_are_the_list() {
        let all: Vec<u32> = (0..10).collect();
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let (page, next) = cut(all.clone(), |n| *n, after, 3);
            seen.extend(page);
            after = next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
        assert_eq!(cut(all, |n| *n, Some(6), 3).1, None, "exactly full and nothing more");
    }
}

//! Shapes of answers as the contract writes them. A field whose name ends in `?` may be absent, never `null`; one that
//! begins with `+` is ours beside the contract. Anything else in an answer is an error: it would be undocumented.

use serde_json::Value;

/// What a value must be.
#[derive(Clone, Copy)]
pub enum Shape {
    Text,
    /// A whole number of at least this.
    Int(i64),
    Float,
    Bool,
    /// RFC 3339 in UTC with milliseconds.
    Time,
    /// `2026-11-23`.
    Date,
    /// `null` or this.
    OrNull(&'static Shape),
    List(&'static Shape),
    Object(&'static [(&'static str, Shape)]),
    /// An object of any content.
    Any,
}

use Shape::{Any, Bool, Date, Float, Int, List, Object, OrNull, Text, Time};

const NAME: Shape = Object(&[("zh", Text), ("en", Text)]);

pub const STORES: Shape = Object(&[
    (
        "stores",
        List(&Object(&[
            ("id", Text),
            ("name", Text),
            ("city", Text),
            ("address", Text),
            ("lat", Float),
            ("lon", Float),
            ("timezone", Text),
            ("open", Bool),
            ("accepting", Bool),
            ("wait_minutes", Int(0)),
            ("distance_m?", Int(0)),
        ])),
    ),
    ("next_cursor?", Text),
]);

pub const MENU: Shape = Object(&[
    ("store", Text),
    ("version", Text),
    ("currency", Text),
    (
        "items",
        List(&Object(&[
            ("sku", Text),
            ("name", NAME),
            ("category", Text),
            ("price", Int(0)),
            (
                "options?",
                List(&Object(&[
                    ("id", Text),
                    ("name", NAME),
                    ("min", Int(0)),
                    ("max", Int(1)),
                    ("choices", List(&Object(&[("id", Text), ("name", NAME), ("price", Int(0))]))),
                ])),
            ),
            ("available", OrNull(&Int(0))),
            ("image?", Text),
        ])),
    ),
]);

pub const CAMPAIGNS: Shape = Object(&[
    (
        "campaigns",
        List(&Object(&[
            ("id", Text),
            ("name", NAME),
            ("starts_at", Time),
            ("ends_at", Time),
            ("quota", Int(0)),
            ("remaining", Int(0)),
            ("per_member", Int(1)),
            ("sku", Text),
            ("pay_price", Int(0)),
        ])),
    ),
    ("next_cursor?", Text),
]);

pub const COUPON: Shape = Object(&[("id", Text), ("campaign", Text), ("status", Text), ("expires_at", Time)]);
pub const COUPONS: Shape = Object(&[("coupons", List(&COUPON)), ("next_cursor?", Text)]);

pub const ORDER: Shape = Object(&[
    ("id", Text),
    ("region", Text),
    ("store", Text),
    ("member", Text),
    ("business_day", Date),
    ("status", Text),
    (
        "lines",
        List(&Object(&[
            ("sku", Text),
            ("name", NAME),
            ("quantity", Int(1)),
            ("options?", List(&Object(&[("option", Text), ("choice", Text), ("+name", NAME), ("+price", Int(0))]))),
            ("unit_price", Int(0)),
            ("amount", Int(0)),
            ("discount", Int(0)),
            ("tax?", Int(0)),
        ])),
    ),
    ("fees", List(&Any)),
    ("currency", Text),
    ("total", Int(0)),
    ("discount", Int(0)),
    ("payable", Int(0)),
    ("coupon?", Text),
    ("note?", Text),
    ("fulfilment", Object(&[("kind", Text)])),
    ("pickup_code?", Text),
    ("created_at", Time),
    ("pay_by?", Time),
    ("paid_at?", Time),
    ("+accept_by?", Time),
    ("accepted_at?", Time),
    ("ready_at?", Time),
    ("dispatched_at?", Time),
    ("collected_at?", Time),
    ("delivered_at?", Time),
    ("closed_at?", Time),
    ("reason?", Text),
    ("refund?", Object(&[("status", Text), ("amount", Int(1))])),
    ("position?", Int(1)),
    ("wait_minutes?", Int(0)),
    ("offset", Int(1)),
]);
pub const ORDERS: Shape = Object(&[("orders", List(&ORDER)), ("next_cursor?", Text)]);
pub const QUEUE: Shape = Object(&[("orders", List(&ORDER)), ("cursor", Text)]);
pub const PREPAY: Shape = Object(&[("provider", Text), ("prepay", Any)]);

pub const STOCK_LINE: Shape =
    Object(&[("sku", Text), ("available", OrNull(&Int(0))), ("reserved", Int(0)), ("sold", Int(0))]);
pub const STOCK: Shape = Object(&[("stock", List(&STOCK_LINE)), ("next_cursor?", Text)]);
pub const ACCEPTING: Shape = Object(&[("store", Text), ("accepting", Bool), ("reason?", Text), ("until?", Time)]);
pub const BOARD: Shape =
    Object(&[("store", Text), ("preparing", List(&Text)), ("ready", List(&Text)), ("offset", Int(0))]);

pub const TOKEN: Shape = Object(&[("token", Text), ("expires_at", Time)]);
pub const READY: Shape =
    Object(&[("ready", Bool), ("checks", List(&Object(&[("name", Text), ("ok", Bool), ("detail?", Text)])))]);

/// Fails with the path to what is wrong.
pub fn check(value: &Value, shape: Shape) {
    if let Err(what) = compare(value, shape, "") {
        panic!("{what}\nin {value:#}");
    }
}

fn compare(value: &Value, shape: Shape, path: &str) -> Result<(), String> {
    let fits = match shape {
        Text => value.is_string(),
        Int(least) => value.as_i64().is_some_and(|number| number >= least),
        Float => value.is_number(),
        Bool => value.is_boolean(),
        Time => value.as_str().is_some_and(is_time),
        Date => value.as_str().is_some_and(|text| is_pattern(text, "0000-00-00")),
        Any => value.is_object(),
        OrNull(inner) => return if value.is_null() { Ok(()) } else { compare(value, *inner, path) },
        List(inner) => {
            let array = value.as_array().ok_or(format!("{path} is no list"))?;
            return array.iter().enumerate().try_for_each(|(at, item)| compare(item, *inner, &format!("{path}/{at}")));
        }
        Object(fields) => return compare_fields(value, fields, path),
    };
    if fits { Ok(()) } else { Err(format!("{path} is {value}")) }
}

fn compare_fields(value: &Value, fields: &[(&str, Shape)], path: &str) -> Result<(), String> {
    let object = value.as_object().ok_or(format!("{path} is no object"))?;
    let plain = |name: &str| name.trim_start_matches('+').trim_end_matches('?').to_owned();
    for (name, shape) in fields {
        match object.get(&plain(name)) {
            Some(value) => compare(value, *shape, &format!("{path}/{}", plain(name)))?,
            None if name.ends_with('?') => {}
            None => return Err(format!("{path}/{name} is missing")),
        }
    }
    match object.keys().find(|key| !fields.iter().any(|(name, _)| plain(name) == **key)) {
        Some(key) => Err(format!("{path}/{key} is not in the contract")),
        None => Ok(()),
    }
}

fn is_time(text: &str) -> bool {
    is_pattern(text, "0000-00-00T00:00:00.000Z")
}

/// `0` stands for any digit.
fn is_pattern(text: &str, pattern: &str) -> bool {
    let fits = |(byte, expected): (u8, u8)| if expected == b'0' { byte.is_ascii_digit() } else { byte == expected };
    text.len() == pattern.len() && text.bytes().zip(pattern.bytes()).all(fits)
}

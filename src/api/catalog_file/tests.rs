//! Good and broken catalogue files.

use serde_json::{Value, json};

use super::*;
use crate::domain::catalog::StoreScope;
use crate::domain::time::{MinuteOfDay, Opening};

fn file() -> Value {
    json!({
        "currency": "CNY",
        "stores": [
            {"id": "a", "name": "A", "city": "上海", "address": "1", "lat": 31.2304, "lon": 121.4737,
             "timezone": "Asia/Shanghai", "hours": "00:00-24:00", "business_day_starts": "05:30"},
            {"id": "b", "name": "B", "city": "上海", "address": "2", "lat": -1, "lon": 0,
             "timezone": "UTC", "hours": {"mon": ["17:00-22:00", "07:00-14:00"], "sun": ["18:00-02:00"]}},
            {"id": "c", "name": "C", "city": "上海", "address": "3", "lat": 0, "lon": -180,
             "timezone": "Asia/Urumqi", "hours": "18:00-02:00"}],
        "items": [
            {"sku": "set-1", "name": {"zh": "双", "en": "Two"}, "price": 6800, "tax_rate_bp": 600, "category": "套餐",
             "stores": "*", "image": "set-1.webp",
             "options": [{"id": "drink", "name": {"zh": "饮", "en": "Drink"}, "min": 1, "max": 2,
                          "choices": [{"id": "cola", "name": {"zh": "可", "en": "Cola"}, "price": 0},
                                      {"id": "tea", "name": {"zh": "茶", "en": "Tea"}, "price": 200}]}]},
            {"sku": "tea", "name": {"zh": "茶", "en": "Tea"}, "price": 0, "category": "饮料", "stores": ["a", "c"]}],
        "stock": [{"store": "*", "sku": "set-1", "available": 500}, {"store": "b", "sku": "set-1", "available": 7},
                  {"store": "*", "sku": "tea", "available": null}],
        "campaigns": [{"id": "one-yuan", "name": {"zh": "一元", "en": "1 yuan"}, "sku": "set-1", "pay_price": 100,
                       "quota": 10000, "per_member": 1, "starts_at": "2026-01-01T00:00:00.000Z",
                       "ends_at": "2030-01-01T00:00:00.000Z"}]
    })
}

/// Pointers of the errors that the file has after `change`.
fn pointers(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut file = file();
    change(&mut file);
    match parse(file.to_string().as_bytes(), false) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.listed.into_iter().map(|error| error.pointer).collect(),
    }
}

fn set(pointer: &str, value: Value) -> Vec<String> {
    pointers(|file| {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        match file.pointer_mut(parent).unwrap() {
            Value::Array(array) => array[key.parse::<usize>().unwrap()] = value,
            object => object[key] = value,
        }
    })
}

#[test]
fn a_good_file_becomes_what_it_says() {
    let import = parse(file().to_string().as_bytes(), true).unwrap();
    assert!(import.set_stock);
    assert_eq!(import.stores[0].lat_micro, 31_230_400);
    assert_eq!(import.stores[0].business_day_starts, MinuteOfDay(5 * 60 + 30));
    assert_eq!(import.stores[1].business_day_starts, MinuteOfDay(4 * 60), "the default");
    let opening = |from, to| Opening { from: MinuteOfDay(from), to: MinuteOfDay(to) };
    assert!(import.stores[0].hours.0.iter().all(|day| *day == [opening(0, 1440)]));
    assert_eq!(import.stores[1].hours.0[0], [opening(420, 840), opening(1020, 1320)], "in order");
    assert!(import.stores[1].hours.0[1].is_empty(), "a weekday left out is closed");
    assert_eq!(import.stores[2].hours.0[3], [opening(18 * 60, 120)]);
    assert_eq!(import.items[0].options[0].choices.len(), 2);
    assert_eq!(import.items[1].stores, StoreScope::Listed(["a", "c"].map(|id| id.parse().unwrap()).into()));
    assert_eq!(import.campaigns[0].pay_price.0, 100);
}

#[test]
fn both_example_catalogues_are_good() {
    for file in [
        include_bytes!("../../../examples/catalog-east.json").as_slice(),
        include_bytes!("../../../examples/catalog-south.json").as_slice(),
    ] {
        if let Err(errors) = parse(file, false) {
            panic!("{errors}");
        }
    }
}

#[test]
fn a_stock_line_for_one_store_wins_over_all_wherever_it_stands() {
    let import = parse(file().to_string().as_bytes(), false).unwrap();
    assert_eq!(import.stock[0].stores, StoreScope::Listed(["a", "c"].map(|id| id.parse().unwrap()).into()));
    assert_eq!(import.stock[1].stores, StoreScope::Listed(["b"].map(|id| id.parse().unwrap()).into()));
    assert_eq!(import.stock[1].available, Some(7));
    assert_eq!(import.stock[2].stores, StoreScope::All);
    assert_eq!(import.stock[2].available, None, "null is not counted");
}

#[test]
fn every_wrong_value_is_named_by_its_pointer_and_nothing_else_is() {
    let name = json!({"zh": "茶", "en": "Tea"});
    let table = [
        ("/currency", json!("cny")),
        ("/currency", json!(1)),
        ("/stores", json!({})),
        ("/stores/0/id", json!("a b")),
        ("/stores/0/name", json!("")),
        ("/stores/0/name", json!("x".repeat(101))),
        ("/stores/0/name", json!("a\u{7}")),
        ("/stores/0/lat", json!(90.1)),
        ("/stores/0/lat", json!("31")),
        ("/stores/0/lon", json!(-180.5)),
        ("/stores/0/timezone", json!("Asia/Nowhere")),
        ("/stores/0/timezone", json!("")),
        ("/stores/0/hours", json!("00:00-25:00")),
        ("/stores/0/hours", json!("08:00-08:00")),
        ("/stores/0/hours", json!("8:00-09:00")),
        ("/stores/0/hours", json!("24:00-08:00")),
        ("/stores/0/hours", json!("08:60-09:00")),
        ("/stores/0/hours", json!(7)),
        ("/stores/1/hours/mon/0", json!("noon")),
        ("/stores/1/hours/mon", json!("07:00-14:00")),
        ("/stores/1/hours/mon", json!(["07:00-14:00", "13:00-22:00"])),
        ("/stores/1/hours/mon", json!(["22:00-02:00", "23:00-23:30"])),
        ("/stores/1/hours/monday", json!([])),
        ("/stores/0/business_day_starts", json!("24:00")),
        ("/stores/1/id", json!("a")),
        ("/stores/0/extra", json!(1)),
        ("/items/0/sku", json!("")),
        ("/items/1/sku", json!("set-1")),
        ("/items/1/name", json!("Tea")),
        ("/items/1/name/en", json!(null)),
        ("/items/1/name/fr", json!("Thé")),
        ("/items/0/price", json!(100_000_001)),
        ("/items/1/price", json!(1.5)),
        ("/items/1/price", json!("1")),
        ("/items/0/tax_rate_bp", json!(10_001)),
        ("/items/0/category", json!("")),
        ("/items/1/stores", json!("a")),
        ("/items/1/stores/1", json!("nowhere")),
        ("/items/1/image", json!(1)),
        ("/items/0/options/0/min", json!(3)),
        ("/items/0/options/0/max", json!(3)),
        ("/items/0/options/0/choices", json!([])),
        ("/items/0/options/0/choices/1/id", json!("cola")),
        ("/items/0/options/0/choices/0/price", json!(-1)),
        ("/stock/0/store", json!("nowhere")),
        ("/stock/0/sku", json!("nothing")),
        ("/stock/0/available", json!(-1)),
        ("/stock/0/available", json!("many")),
        ("/campaigns/0/id", json!(1)),
        ("/campaigns/0/sku", json!("nothing")),
        ("/campaigns/0/pay_price", json!(6801)),
        ("/campaigns/0/quota", json!(-1)),
        ("/campaigns/0/per_member", json!(0)),
        ("/campaigns/0/per_member", json!(17)),
        ("/campaigns/0/starts_at", json!("2026-01-01")),
        ("/campaigns/0/ends_at", json!("2026-01-01T00:00:00.000Z")),
        ("/campaigns/0/name", json!({"zh": "一", "en": "1", "": name})),
    ];
    for (pointer, value) in table {
        let shown = value.to_string();
        let expected = if pointer == "/campaigns/0/name" { "/campaigns/0/name/" } else { pointer };
        // A list of another kind leaves what refers to it without its target: only that it is named first counts.
        let found = set(pointer, value);
        if pointer == "/stores" || pointer.ends_with("/sku") || pointer == "/stores/0/id" || pointer == "/stores/1/id" {
            assert!(found.contains(&if pointer == "/items/1/sku" {
                "/items/1/sku".into()
            } else {
                expected.to_owned()
            }));
        } else {
            assert_eq!(found, [expected], "{pointer} = {shown}");
        }
    }
}

#[test]
fn a_stock_line_said_twice_is_an_error() {
    assert_eq!(set("/stock/1", json!({"store": "*", "sku": "set-1", "available": 1})), ["/stock/1/sku"]);
}

#[test]
fn missing_fields_are_named_at_the_object_that_misses_them() {
    assert_eq!(set("/stores/2", json!({"id": "c"})), ["/stores/2"; 7]);
    assert_eq!(pointers(|file| *file = json!([])), [""]);
    assert_eq!(pointers(|file| *file = json!({})), ["", "", ""]);
}

#[test]
fn what_is_not_json_says_where() {
    let errors = parse(b"{\"currency\": \"CNY\",\n oops", false).unwrap_err();
    assert!(errors.to_string().contains("line 2 column 2"), "{errors}");
    let deep = "[".repeat(100_000);
    assert_eq!(parse(deep.as_bytes(), false).unwrap_err().total, 1, "deep nesting is refused, not followed");
    assert!(parse(&vec![b' '; CATALOG_FILE_BYTES_MAX + 1], false).unwrap_err().to_string().contains("at most"));
}

#[test]
fn of_a_thousand_errors_all_are_counted_and_the_first_hundred_listed() {
    let mut wrong = file();
    wrong["items"] = (0..1_000).map(|_| json!({"sku": "x"})).collect();
    let errors = parse(wrong.to_string().as_bytes(), false).unwrap_err();
    assert_eq!(errors.listed.len(), CATALOG_ERRORS_LISTED_MAX);
    assert!(errors.total >= 4_000, "{}", errors.total);
    assert!(errors.to_string().ends_with(" more"));
}

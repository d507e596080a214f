//! An item of the catalogue file, with its option groups.

use std::collections::BTreeSet;

use serde_json::Value;
use smol_str::SmolStr;

use crate::domain::catalog::{Choice, Item, OptionGroup, StoreScope};
use crate::domain::id::StoreId;
use crate::domain::order::LINE_OPTIONS_MAX;
use crate::limits::{
    CATALOG_CHOICES_MAX, CATALOG_IMAGE_CHARS_MAX, CATALOG_NAME_CHARS_MAX, CATALOG_OPTION_GROUPS_MAX, CATALOG_STORES_MAX,
};

use super::reader::{Object, Path, Reader, shown};

pub(super) fn item(
    reader: &mut Reader,
    value: &Value,
    path: &Path<'_>,
    known_stores: &BTreeSet<StoreId>,
) -> Option<Item> {
    let required = ["sku", "name", "price", "category", "stores"];
    let item = reader.object(value, path, &required, &["tax_rate_bp", "options", "image"])?;
    let sku = reader.id(item, path, "sku");
    let name = reader.name(item, path, "name");
    let price = reader.price(item, path, "price");
    let tax_rate_bp = reader.number(item, path, "tax_rate_bp", 0..=10_000);
    let category = reader.text(item, path, "category", CATALOG_NAME_CHARS_MAX);
    let stores = scope(reader, item, path, known_stores);
    let image = reader.text(item, path, "image", CATALOG_IMAGE_CHARS_MAX);
    let options = reader.list(item, path, "options", CATALOG_OPTION_GROUPS_MAX, group);
    reader.unique(&options, path.key("options"), "id", |group| &group.id);
    let fewest: usize = options.iter().flatten().map(|group| usize::from(group.min)).sum();
    if fewest > LINE_OPTIONS_MAX {
        let detail = format!("{fewest} choices must be made, an order line takes at most {LINE_OPTIONS_MAX}");
        reader.error(path.key("options"), detail);
    }
    Some(Item {
        sku: sku?,
        name: name?,
        price: price?,
        tax_rate_bp,
        category: SmolStr::new(category?),
        stores: stores?,
        options: options.into_iter().flatten().collect(),
        image: image.map(SmolStr::new),
    })
}

/// `"*"` or a list of stores of this file.
fn scope(reader: &mut Reader, item: &Object, path: &Path<'_>, known: &BTreeSet<StoreId>) -> Option<StoreScope> {
    let value = item.get("stores")?;
    if value.as_str() == Some("*") {
        return Some(StoreScope::All);
    }
    if !value.is_array() {
        let detail = format!("expected \"*\" or an array of store ids, found {}", shown(value));
        reader.error(path.key("stores"), detail);
        return None;
    }
    let listed = reader.list(item, path, "stores", CATALOG_STORES_MAX, |reader, value, path| {
        let store = value.as_str().and_then(|text| text.parse::<StoreId>().ok()).filter(|id| known.contains(id));
        if store.is_none() {
            reader.error(*path, format!("no store of this file has the id {}", shown(value)));
        }
        store
    });
    listed.into_iter().collect::<Option<BTreeSet<_>>>().map(StoreScope::Listed)
}

fn group(reader: &mut Reader, value: &Value, path: &Path<'_>) -> Option<OptionGroup> {
    let group = reader.object(value, path, &["id", "name", "min", "max", "choices"], &[])?;
    let id = reader.id(group, path, "id");
    let name = reader.name(group, path, "name");
    let choices = reader.list(group, path, "choices", CATALOG_CHOICES_MAX, choice);
    reader.unique(&choices, path.key("choices"), "id", |choice| &choice.id);
    let most = i64::try_from(choices.len().min(LINE_OPTIONS_MAX)).unwrap_or(0);
    // The list's own error, where it has one, says enough.
    let has_choices = group.get("choices").and_then(Value::as_array).is_some_and(|choices| !choices.is_empty());
    let max: Option<u8> = has_choices.then(|| reader.number(group, path, "max", 1..=most.max(1))).flatten();
    let min: Option<u8> =
        has_choices.then(|| reader.number(group, path, "min", 0..=max.map_or(most, i64::from))).flatten();
    if !has_choices && group.contains_key("choices") {
        reader.error(path.key("choices"), "there is nothing to choose");
    }
    Some(OptionGroup {
        id: id?,
        name: name?,
        min: min?,
        max: max?,
        choices: choices.into_iter().collect::<Option<Vec<_>>>()?,
    })
}

fn choice(reader: &mut Reader, value: &Value, path: &Path<'_>) -> Option<Choice> {
    let choice = reader.object(value, path, &["id", "name", "price"], &[])?;
    let id = reader.id(choice, path, "id");
    let name = reader.name(choice, path, "name");
    let price = reader.price(choice, path, "price");
    Some(Choice { id: id?, name: name?, price: price? })
}

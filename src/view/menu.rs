//! A store's menu: the items sold there, with how many are left as far as a customer needs to know.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::catalog::{Catalog, Choice, Item, OptionGroup};
use crate::domain::id::{Sku, StoreId};
use crate::domain::stock::StockLine;

use super::text::NameView;

/// A store's menu.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Menu)]
pub struct MenuView<'a> {
    /// Whose menu.
    pub store: &'a str,
    /// Changes with the menu; for comparison only.
    pub version: &'a str,
    /// ISO 4217.
    #[schema(example = "CNY")]
    pub currency: &'a str,
    /// What is sold here, by category and SKU.
    pub items: &'a [MenuItemView<'a>],
}

/// Something on the menu.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = MenuItem)]
pub struct MenuItemView<'a> {
    /// What an order line names.
    pub sku: &'a str,
    /// Its name.
    pub name: NameView<'a>,
    /// The heading it stands under.
    pub category: &'a str,
    /// Its price without options, in minor units.
    pub price: i64,
    /// What can be chosen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub options: Vec<OptionGroupView<'a>>,
    /// How many are left, 20 at most; `null` is not counted.
    pub available: Option<u32>,
    /// A picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub image: Option<&'a str>,
}

/// A group of choices of which between `min` and `max` are taken.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = OptionGroup)]
pub struct OptionGroupView<'a> {
    /// Its id within the item.
    pub id: &'a str,
    /// Its name.
    pub name: NameView<'a>,
    /// Fewest choices.
    pub min: u8,
    /// Most choices.
    pub max: u8,
    /// What there is to choose, each at most once.
    pub choices: Vec<MenuChoiceView<'a>>,
}

/// One choice of a group.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Choice)]
pub struct MenuChoiceView<'a> {
    /// Its id within the group.
    pub id: &'a str,
    /// Its name.
    pub name: NameView<'a>,
    /// What it adds to the unit price.
    pub price: i64,
}

impl<'a> MenuItemView<'a> {
    /// The item with the stock line it has at the store. Where none was ever declared nothing can be ordered.
    pub fn of(item: &'a Item, line: Option<&StockLine>) -> Self {
        Self {
            sku: item.sku.as_str(),
            name: (&item.name).into(),
            category: item.category.as_str(),
            price: item.price.0,
            options: item.options.iter().map(OptionGroupView::from).collect(),
            available: line.map_or(Some(0), StockLine::left).map(|left| left.min(StockLine::SHOWN_MAX)),
            image: item.image.as_deref(),
        }
    }
}

impl<'a> From<&'a OptionGroup> for OptionGroupView<'a> {
    fn from(group: &'a OptionGroup) -> Self {
        let choice = |choice: &'a Choice| MenuChoiceView {
            id: choice.id.as_str(),
            name: (&choice.name).into(),
            price: choice.price.0,
        };
        Self {
            id: group.id.as_str(),
            name: (&group.name).into(),
            min: group.min,
            max: group.max,
            choices: group.choices.iter().map(choice).collect(),
        }
    }
}

/// What `store` sells, by category (in the order of their first SKU) and SKU, with `line` giving its stock.
pub fn items_of<'a>(
    catalog: &'a Catalog,
    store: &StoreId,
    line: impl Fn(&Sku) -> Option<StockLine>,
) -> Vec<MenuItemView<'a>> {
    let sold_here = || catalog.items.values().filter(|item| item.stores.contains(store));
    let mut categories: Vec<&str> = Vec::new();
    for item in sold_here() {
        if !categories.contains(&item.category.as_str()) {
            categories.push(item.category.as_str());
        }
    }
    let place = |item: &MenuItemView<'_>| categories.iter().position(|category| *category == item.category);
    let mut items: Vec<_> = sold_here().map(|item| MenuItemView::of(item, line(&item.sku).as_ref())).collect();
    // Stable: within a category the catalogue's order of SKUs stays.
    items.sort_by_key(place);
    items
}

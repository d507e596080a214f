//! What the region sells: items with options, and what an import file declares. Names and prices are frozen into an
//! order when it is placed, so a later catalogue never changes an order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use smol_str::SmolStr;

use super::coupon::Campaign;
use super::id::{CampaignId, OptionId, Sku, StoreId};
use super::money::{Currency, Fen};
use super::store::Store;

/// Highest price of an item, choice or campaign: one million yuan; keeps sums far from overflow.
pub const PRICE_MAX: Fen = Fen(100_000_000);

/// A name in the languages of the pages.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Name {
    /// Chinese.
    pub zh: SmolStr,
    /// English.
    pub en: SmolStr,
}

/// Which stores something applies to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreScope {
    /// Every store of the region, `"*"` in the file.
    All,
    /// Only these.
    Listed(BTreeSet<StoreId>),
}

impl StoreScope {
    /// Whether `store` is meant.
    pub fn contains(&self, store: &StoreId) -> bool {
        match self {
            Self::All => true,
            Self::Listed(stores) => stores.contains(store),
        }
    }
}

/// One choice of an option group, such as "cola".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Its id within the group.
    pub id: OptionId,
    /// Its name.
    pub name: Name,
    /// What it adds to the unit price.
    pub price: Fen,
}

/// A group of choices of which between `min` and `max` are taken, each at most once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionGroup {
    /// Its id within the item.
    pub id: OptionId,
    /// Its name.
    pub name: Name,
    /// Fewest choices.
    pub min: u8,
    /// Most choices.
    pub max: u8,
    /// What there is to choose.
    pub choices: Vec<Choice>,
}

/// Something on the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its stock-keeping unit.
    pub sku: Sku,
    /// Its name.
    pub name: Name,
    /// Its price without options.
    pub price: Fen,
    /// Tax contained in the price, in basis points.
    pub tax_rate_bp: Option<u16>,
    /// The heading it stands under.
    pub category: SmolStr,
    /// Where it is sold.
    pub stores: StoreScope,
    /// What can be chosen.
    pub options: Vec<OptionGroup>,
    /// A picture's URL or file name.
    pub image: Option<SmolStr>,
}

/// Initial stock of one SKU at one or all stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockDeclaration {
    /// Where.
    pub stores: StoreScope,
    /// Of what.
    pub sku: Sku,
    /// How many; `None` is not counted.
    pub available: Option<u32>,
}

/// A whole, already checked catalogue file: every reference in it resolves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogImport {
    /// Currency of all amounts.
    pub currency: Currency,
    /// The stores.
    pub stores: Vec<Store>,
    /// The items.
    pub items: Vec<Item>,
    /// Initial stock.
    pub stock: Vec<StockDeclaration>,
    /// The campaigns.
    pub campaigns: Vec<Campaign>,
    /// Overwrite stock that is already there (`--set-stock`).
    pub set_stock: bool,
}

/// What is on sale now. Withdrawn things are absent; their stock and open orders live on elsewhere in the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalog {
    /// Raised by one with every event that changes the catalogue; menus are encoded again when it moved.
    pub revision: u64,
    /// Currency of all amounts.
    pub currency: Currency,
    /// Stores by id.
    pub stores: BTreeMap<StoreId, Arc<Store>>,
    /// Items by SKU.
    pub items: BTreeMap<Sku, Arc<Item>>,
    /// Campaigns by id.
    pub campaigns: BTreeMap<CampaignId, Arc<Campaign>>,
}

impl Default for Catalog {
    fn default() -> Self {
        Self {
            revision: 0,
            currency: Currency::CNY,
            stores: BTreeMap::new(),
            items: BTreeMap::new(),
            campaigns: BTreeMap::new(),
        }
    }
}

/// What an import changed, for the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ImportSummary {
    /// Stores defined or changed.
    pub stores: u32,
    /// Items defined or changed.
    pub items: u32,
    /// Campaigns defined or changed.
    pub campaigns: u32,
    /// Stock declarations applied.
    pub stock: u32,
    /// Stores, items and campaigns withdrawn from sale.
    pub withdrawn: u32,
}

impl Catalog {
    /// The stores on sale that a declaration means and that sell its item; none if the item is not on sale.
    pub fn stock_places<'a>(&'a self, declaration: &'a StockDeclaration) -> impl Iterator<Item = &'a StoreId> {
        let item = self.items.get(&declaration.sku);
        let meant = self.stores.keys().filter(|store| declaration.stores.contains(store));
        meant.filter(move |store| item.is_some_and(|item| item.stores.contains(store)))
    }
}

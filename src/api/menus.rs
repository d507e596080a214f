//! Menus, encoded once for everybody. A store's menu is encoded again when the catalogue or its pictures changed, or when its
//! stock did and a second has passed. Its version is a hash of what it shows, so that a sale beyond the shown figure changes
//! nothing; each version is compressed once, by the first who takes that form.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use arc_swap::ArcSwapOption;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue};
use parking_lot::{Mutex, RwLock};

use crate::domain::catalog::Catalog;
use crate::domain::id::{Sku, StoreId};
use crate::domain::stock::StockLine;
use crate::engine::views::Views;
use crate::limits::{MENU_CACHE_BYTES_MAX, MENU_REFRESH};
use crate::view::MenuView;
use crate::view::menu::items_of;
use crate::web::encoding::{Encoding, accepts};
use crate::web::{DishTable, Dishes};

/// A menu as it goes out.
#[derive(Debug)]
pub struct EncodedMenu {
    forms: Arc<Forms>,
    catalog_revision: u64,
    pictures_revision: u64,
    stock_version: u64,
    encoded_at: Instant,
}

/// One version of a menu in every form that was asked for.
#[derive(Debug)]
struct Forms {
    version: String,
    plain: Form,
    brotli: OnceLock<Option<Form>>,
    gzip: OnceLock<Option<Form>>,
}

/// A menu in one encoding.
#[derive(Debug, Clone)]
pub struct Form {
    /// How it is encoded.
    pub encoding: Encoding,
    /// Its bytes.
    pub body: Bytes,
    /// Its strong `ETag`: other bytes, other tag.
    pub etag: HeaderValue,
}

impl Forms {
    fn new(body: Bytes, version: String) -> Self {
        let plain = Form::new(Encoding::Identity, body, &version);
        Self { version, plain, brotli: OnceLock::new(), gzip: OnceLock::new() }
    }

    fn compressed(&self, encoding: Encoding) -> Option<&Form> {
        let slot = match encoding {
            Encoding::Brotli => &self.brotli,
            Encoding::Gzip => &self.gzip,
            Encoding::Identity => return Some(&self.plain),
        };
        let encode = || Some(Form::new(encoding, encoding.encode_quickly(&self.plain.body)?, &self.version));
        slot.get_or_init(encode).as_ref()
    }

    /// Bytes that it may take: all compressed forms together are shorter than the plain one.
    fn weight(&self) -> usize {
        self.plain.body.len().saturating_mul(2)
    }
}

impl Form {
    fn new(encoding: Encoding, body: Bytes, version: &str) -> Self {
        let etag = format!("\"{version}{}\"", encoding.suffix());
        // Hex in quotes is always a valid header.
        Self { encoding, body, etag: HeaderValue::try_from(etag).unwrap_or(HeaderValue::from_static("\"\"")) }
    }
}

/// The encoded menus of all stores.
#[derive(Default)]
pub struct Menus {
    slots: RwLock<Slots>,
    dishes: Arc<Dishes>,
}

#[derive(Debug, Default)]
struct Slots {
    by_store: HashMap<StoreId, Arc<Slot>>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Slot {
    menu: ArcSwapOption<EncodedMenu>,
    /// Held by whoever encodes; the others go on showing the menu before.
    encoding: Mutex<()>,
}

impl Menus {
    /// Menus that name these pictures.
    pub fn new(dishes: Arc<Dishes>) -> Self {
        Self { dishes, ..Self::default() }
    }

    /// The pictures that the menus name.
    pub fn dishes(&self) -> &Arc<Dishes> {
        &self.dishes
    }

    /// The menu of a store on sale.
    pub fn get(&self, views: &Views, store: &StoreId, now: Instant) -> Option<Arc<EncodedMenu>> {
        let catalog = views.catalog();
        catalog.stores.get(store)?;
        let pictures = self.dishes.table();
        let slot = self.slot(store);
        let current = slot.menu.load_full();
        let fresh = |menu: &&Arc<EncodedMenu>| menu.is_fresh(&catalog, &pictures, views, store, now);
        if let Some(menu) = current.as_ref().filter(fresh) {
            return Some(Arc::clone(menu));
        }
        let same_catalog = current.as_ref().filter(|menu| menu.catalog_revision == catalog.revision);
        let guard = match (slot.encoding.try_lock(), same_catalog) {
            (Some(guard), _) => guard,
            (None, Some(menu)) => return Some(Arc::clone(menu)),
            (None, None) => slot.encoding.lock(),
        };
        // Somebody else may have been here meanwhile.
        let current = slot.menu.load_full();
        if let Some(menu) = current.as_ref().filter(fresh) {
            return Some(Arc::clone(menu));
        }
        let menu = Arc::new(EncodedMenu::encode(&catalog, &pictures, views, store, now, current.as_deref()));
        slot.menu.store(Some(Arc::clone(&menu)));
        drop(guard);
        self.account(current.map_or(0, |menu| menu.forms.weight()), menu.forms.weight());
        Some(menu)
    }

    fn slot(&self, store: &StoreId) -> Arc<Slot> {
        if let Some(slot) = self.slots.read().by_store.get(store) {
            return Arc::clone(slot);
        }
        Arc::clone(self.slots.write().by_store.entry(store.clone()).or_default())
    }

    /// Thousands of stores with long menus begin anew rather than fill the memory.
    fn account(&self, before: usize, after: usize) {
        if before == after {
            return;
        }
        let mut slots = self.slots.write();
        slots.bytes = slots.bytes.saturating_sub(before).saturating_add(after);
        if slots.bytes > MENU_CACHE_BYTES_MAX {
            *slots = Slots::default();
        }
    }
}

impl EncodedMenu {
    /// The best form that this request takes.
    pub fn form(&self, request: &HeaderMap) -> &Form {
        Encoding::ALL
            .into_iter()
            .filter(|encoding| accepts(request, *encoding))
            .find_map(|encoding| self.forms.compressed(encoding))
            .unwrap_or(&self.forms.plain)
    }

    fn is_fresh(&self, catalog: &Catalog, pictures: &DishTable, views: &Views, store: &StoreId, now: Instant) -> bool {
        self.catalog_revision == catalog.revision
            && self.pictures_revision == pictures.revision
            && (now.saturating_duration_since(self.encoded_at) < MENU_REFRESH
                || self.stock_version == views.stock_version(store))
    }

    fn encode(
        catalog: &Catalog,
        pictures: &DishTable,
        views: &Views,
        store: &StoreId,
        now: Instant,
        before: Option<&Self>,
    ) -> Self {
        // The version first: stock that moves in between is shown now and looked at again later.
        let stock_version = views.stock_version(store);
        let stock = views.stock(store);
        let (body, version) = render(catalog, pictures, store, &stock);
        let forms = before
            .filter(|before| before.forms.version == version)
            .map_or_else(|| Arc::new(Forms::new(body, version)), |before| Arc::clone(&before.forms));
        Self {
            forms,
            catalog_revision: catalog.revision,
            pictures_revision: pictures.revision,
            stock_version,
            encoded_at: now,
        }
    }
}

/// The menu's JSON and its version.
fn render(catalog: &Catalog, pictures: &DishTable, store: &StoreId, stock: &[(Sku, StockLine)]) -> (Bytes, String) {
    let line = |sku: &Sku| stock.binary_search_by(|(known, _)| known.cmp(sku)).ok().and_then(|at| stock.get(at));
    let mut items = items_of(catalog, store, |sku| line(sku).map(|(_, line)| *line));
    for item in &mut items {
        item.image = item.image.and_then(|image| pictures.address(image));
    }
    let view =
        |version| MenuView { store: store.as_str(), version, currency: catalog.currency.as_str(), items: &items };
    let unversioned = serde_json::to_vec(&view("")).unwrap_or_default();
    let version = blake3::hash(&unversioned).to_hex().get(..16).unwrap_or_default().to_owned();
    (serde_json::to_vec(&view(&version)).unwrap_or_default().into(), version)
}

/// Whether an `If-None-Match` names `etag`. Weak comparison, as RFC 9110 asks for here.
pub fn matches(if_none_match: &str, etag: &HeaderValue) -> bool {
    let etag = etag.to_str().unwrap_or_default();
    if_none_match
        .split(',')
        .map(str::trim)
        .any(|candidate| candidate == "*" || candidate.strip_prefix("W/").unwrap_or(candidate) == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_is_found_in_whatever_a_client_sends() {
        let etag = HeaderValue::from_static("\"abc\"");
        for (header, expected) in
            [("\"abc\"", true), ("W/\"abc\"", true), ("\"x\", \"abc\"", true), ("*", true), ("abc", false), ("", false)]
        {
            assert_eq!(matches(header, &etag), expected, "{header}");
        }
    }

    #[test]
    fn a_menu_is_compressed_once_for_each_form_and_every_form_has_a_tag_of_its_own() {
        let json = Bytes::from(format!("[{}]", "{\"sku\":\"set-1\"},".repeat(200)));
        let menu = EncodedMenu {
            forms: Arc::new(Forms::new(json.clone(), "v".to_owned())),
            catalog_revision: 0,
            pictures_revision: 0,
            stock_version: 0,
            encoded_at: Instant::now(),
        };
        let asked = |header: &'static str| {
            let request =
                HeaderMap::from_iter([(axum::http::header::ACCEPT_ENCODING, HeaderValue::from_static(header))]);
            menu.form(&request).clone()
        };
        for (header, encoding, tag) in [
            ("gzip, br", Encoding::Brotli, "\"v-br\""),
            ("gzip", Encoding::Gzip, "\"v-gz\""),
            ("identity", Encoding::Identity, "\"v\""),
        ] {
            let (form, again) = (asked(header), asked(header));
            assert_eq!((form.encoding, form.etag.to_str().unwrap()), (encoding, tag), "{header}");
            assert_eq!(form.body.as_ptr(), again.body.as_ptr(), "{header}: encoded twice");
            assert_eq!(form.body.len() < json.len(), encoding != Encoding::Identity);
        }
        let tiny = Forms::new(Bytes::from_static(b"x"), "v".to_owned());
        assert!(tiny.compressed(Encoding::Brotli).is_none(), "longer than it was");
    }

    #[test]
    fn the_version_follows_what_is_shown_and_nothing_else() {
        let import =
            crate::api::catalog_file::parse(include_bytes!("../../examples/catalog-east.json"), false).unwrap();
        let mut catalog = Catalog::default();
        for item in import.items {
            catalog.items.insert(item.sku.clone(), Arc::new(item));
        }
        let store = "sh-001".parse().unwrap();
        let line = |available| StockLine { counted: true, available, ..StockLine::default() };
        let stock = |available| vec![("set-1".parse().unwrap(), line(available))];
        let pictures = DishTable::default();
        let render = |catalog: &Catalog, stock: Vec<_>| render(catalog, &pictures, &store, &stock);
        let (body, many) = render(&catalog, stock(500));
        assert!(serde_json::from_slice::<serde_json::Value>(&body).is_ok());
        assert_eq!(render(&catalog, stock(21)).1, many, "beyond 20 nobody sees the difference");
        assert_ne!(render(&catalog, stock(19)).1, many);
        catalog.revision += 1;
        assert_eq!(render(&catalog, stock(500)).1, many, "a change elsewhere in the catalogue");
    }
}

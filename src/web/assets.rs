//! Every file of the pages, with its type, its hash and its compressed forms. Put together once, when the routes are made.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue};

use super::bundle::{self, Sources};
use super::encoding::{Encoding, accepts};

/// Hex digits of a hash in tags and paths: 64 bits tell a handful of files apart.
const HASH_DIGITS: usize = 16;

/// What pages write where the path of their assets goes.
const ASSETS_MARK: &str = "{{assets}}";

/// What the worker writes where the hash of all assets goes.
const VERSION_MARK: &str = "{{version}}";

/// One file as it goes over the line.
pub(super) struct Asset {
    /// Its forms, best first; the last one is the plain one.
    forms: Vec<Form>,
    /// Its `Content-Type`.
    pub(super) content_type: HeaderValue,
    /// Whether it is a page or a worker, which get the headers that guard documents.
    pub(super) document: bool,
}

/// An asset in one encoding.
pub(super) struct Form {
    /// How it is encoded.
    pub(super) encoding: Encoding,
    /// Its bytes.
    pub(super) body: Bytes,
    /// Its strong entity tag, quotes included.
    pub(super) etag: HeaderValue,
}

impl Asset {
    fn new(body: Bytes, content_type: &'static str, document: bool) -> Self {
        let hash = hash_of(&[&body]);
        let forms = Encoding::ALL
            .into_iter()
            .filter_map(|encoding| {
                let etag = format!("\"{hash}{}\"", encoding.suffix());
                Some(Form {
                    encoding,
                    body: encoding.encode(&body)?,
                    // Hex in quotes is always a valid header.
                    etag: HeaderValue::try_from(etag).unwrap_or(HeaderValue::from_static("\"\"")),
                })
            })
            .collect();
        Self { forms, content_type: HeaderValue::from_static(content_type), document }
    }

    /// The best form that this request takes.
    pub(super) fn form(&self, request: &HeaderMap) -> Option<&Form> {
        self.forms.iter().find(|form| accepts(request, form.encoding)).or(self.forms.last())
    }

    /// Whether the answer depends on what the client takes.
    pub(super) fn varies(&self) -> bool {
        self.forms.len() > 1
    }
}

/// All files.
pub(super) struct Bundle {
    /// Hash of every script, style and picture together: part of their path.
    pub(super) version: String,
    pages: BTreeMap<&'static str, Asset>,
    assets: BTreeMap<String, Asset>,
    /// The service worker, which has an address of its own.
    pub(super) worker: Asset,
}

impl Bundle {
    /// A page by its name, such as `pos`.
    pub(super) fn page(&self, name: &str) -> Option<&Asset> {
        self.pages.get(name)
    }

    /// A script, style or picture by its file name.
    pub(super) fn asset(&self, name: &str) -> Option<&Asset> {
        self.assets.get(name)
    }
}

/// The files of this build.
pub(super) static BUNDLE: LazyLock<Bundle> = LazyLock::new(build);

macro_rules! files {
    ($folder:literal: $($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!($folder, "/", $name)))),*]
    };
}

type Files = &'static [(&'static str, &'static str)];

/// The pages. The script and the style sheet of a page have its name.
const PAGES: &[(&str, &str)] = &[
    ("customer", include_str!("pages/customer.html")),
    ("dashboard", include_str!("pages/dashboard.html")),
    ("kitchen", include_str!("pages/kitchen.html")),
    ("pos", include_str!("pages/pos.html")),
    ("screen", include_str!("pages/screen.html")),
];

const SCRIPTS: Files = files!("scripts":
    "api.js", "cart.js", "chime.js", "customer-app.js", "customer-cart.js", "customer-menu.js", "customer-order.js",
    "customer-orders.js", "customer-pay.js", "customer-stores.js", "customer.js", "dashboard-app.js",
    "dashboard-burn.js", "dashboard-chart.js", "dashboard-feed.js", "dashboard-figures.js", "dashboard-format.js", "dashboard-header.js",
    "dashboard-orders.js", "dashboard-overview.js", "dashboard-parts.js", "dashboard-regions.js",
    "dashboard-series.js", "dashboard-stores.js", "dashboard-stream.js", "dashboard-url.js", "dashboard-words.js",
    "dashboard.js", "dom.js", "format.js", "icons.js", "keep.js", "keys.js", "kitchen-bump.js", "kitchen.js",
    "language.js", "pos-pause.js", "pos-ring.js", "pos-stock.js", "pos-today.js", "pos.js", "screen-call.js",
    "screen.js", "session.js", "shell.js", "socket.js", "sound.js", "staff-orders.js", "staff.js", "time.js",
    "words.js",
);

const STYLES: Files = files!("styles": "base.css", "customer.css", "dashboard.css", "kitchen.css", "pos.css", "screen.css", "staff.css", "tokens.css");

const PICTURES: Files = files!("pictures":
    "dessert.svg", "drink.svg", "dumplings.svg", "logo.svg", "noodles.svg", "rice.svg", "set.svg", "skewers.svg",
);

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// Keeps a page that was opened once, so that it opens without a line too.
const WORKER: &str = include_str!("scripts/worker.js");

fn hash_of(parts: &[&[u8]]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().to_hex().chars().take(HASH_DIGITS).collect()
}

/// The style sheet of a page, and its script, are named as the page.
fn entries() -> impl Iterator<Item = (&'static str, String, String)> {
    PAGES.iter().map(|(page, _)| (*page, format!("{page}.js"), format!("{page}.css")))
}

fn build() -> Bundle {
    let scripts: Sources<'_> = SCRIPTS.iter().copied().collect();
    let styles: Sources<'_> = STYLES.iter().copied().collect();
    let mut files: BTreeMap<String, (Bytes, &'static str)> = BTreeMap::new();
    for (page, script, style) in entries() {
        // Sources that can't be put together fail the test of this room; a page without its script says so by itself.
        let text = bundle::script(&scripts, &script)
            .unwrap_or_else(|problem| format!("throw new Error({:?});", problem.to_string()));
        files.insert(script, (Bytes::from(text), JAVASCRIPT));
        let text = bundle::style(&styles, &style).unwrap_or_else(|problem| format!("/* {page}: {problem} */"));
        files.insert(style, (Bytes::from(text), "text/css; charset=utf-8"));
    }
    for (name, text) in PICTURES {
        files.insert((*name).to_owned(), (Bytes::from_static(text.as_bytes()), "image/svg+xml; charset=utf-8"));
    }
    let version = {
        let parts: Vec<&[u8]> = files.iter().flat_map(|(name, (body, _))| [name.as_bytes(), body]).collect();
        hash_of(&parts)
    };
    let path = format!("/assets/{version}");
    let pages = PAGES
        .iter()
        .map(|(name, text)| {
            let body = Bytes::from(text.replace(ASSETS_MARK, &path));
            (*name, Asset::new(body, "text/html; charset=utf-8", true))
        })
        .collect();
    let worker = Asset::new(Bytes::from(WORKER.replace(VERSION_MARK, &version)), JAVASCRIPT, true);
    let assets = files.into_iter().map(|(name, (body, kind))| (name, Asset::new(body, kind, false))).collect();
    Bundle { version, pages, assets, worker }
}

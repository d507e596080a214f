//! Every file of the pages, with its type and its hash. Put together once, at the first request.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::HeaderValue;

/// Hex digits of a hash in tags and paths: 64 bits tell a handful of files apart.
const HASH_DIGITS: usize = 16;

/// What pages write where the path of their assets goes.
const ASSETS_MARK: &str = "{{assets}}";

/// One file as it goes over the line.
pub(super) struct Asset {
    /// Its bytes.
    pub(super) body: Bytes,
    /// Its `Content-Type`.
    pub(super) content_type: HeaderValue,
    /// Its strong entity tag, quotes included.
    pub(super) etag: HeaderValue,
    /// Whether it is a page, which gets the headers that guard documents.
    pub(super) document: bool,
}

/// All files.
pub(super) struct Bundle {
    /// Hash of every script, style and picture together: part of their path.
    pub(super) version: String,
    pages: BTreeMap<&'static str, Asset>,
    assets: BTreeMap<&'static str, Asset>,
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
        &[$(($name, include_bytes!(concat!($folder, "/", $name)).as_slice())),*]
    };
}

type Files = &'static [(&'static str, &'static [u8])];

const PAGES: &[(&str, &str)] = &[
    ("customer", include_str!("pages/customer.html")),
    ("dashboard", include_str!("pages/dashboard.html")),
    ("kitchen", include_str!("pages/kitchen.html")),
    ("pos", include_str!("pages/pos.html")),
    ("screen", include_str!("pages/screen.html")),
];

const SCRIPTS: Files = files!("scripts":
    "api.js", "cart.js", "chime.js", "customer-app.js", "customer-cart.js", "customer-menu.js", "customer-order.js",
    "customer-stores.js", "customer.js", "dashboard-app.js", "dashboard-burn.js", "dashboard-chart.js",
    "dashboard-feed.js", "dashboard-format.js", "dashboard-header.js", "dashboard-orders.js", "dashboard-overview.js",
    "dashboard-parts.js", "dashboard-regions.js", "dashboard-series.js", "dashboard-stores.js", "dashboard-stream.js",
    "dashboard-url.js", "dashboard-words.js", "dashboard.js", "dom.js", "format.js", "kitchen.js", "language.js",
    "pos-stock.js", "pos.js", "screen.js", "session.js", "shell.js", "socket.js", "staff.js", "words.js",
);

const STYLES: Files =
    files!("styles": "base.css", "customer.css", "dashboard.css", "screen.css", "staff.css", "tokens.css");

const PICTURES: Files = files!("pictures":
    "dessert.svg", "drink.svg", "dumplings.svg", "logo.svg", "noodles.svg", "rice.svg", "set.svg", "skewers.svg",
);

/// The groups with the type of their files.
const GROUPS: &[(Files, &str)] = &[
    (SCRIPTS, "text/javascript; charset=utf-8"),
    (STYLES, "text/css; charset=utf-8"),
    (PICTURES, "image/svg+xml; charset=utf-8"),
];

fn hash_of(parts: &[&[u8]]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().to_hex().chars().take(HASH_DIGITS).collect()
}

fn asset(body: Bytes, content_type: &'static str, document: bool) -> Asset {
    let etag = format!("\"{}\"", hash_of(&[&body]));
    Asset {
        content_type: HeaderValue::from_static(content_type),
        // Hex in quotes is always a valid header.
        etag: HeaderValue::try_from(etag).unwrap_or(HeaderValue::from_static("\"\"")),
        body,
        document,
    }
}

fn build() -> Bundle {
    let mut assets = BTreeMap::new();
    let mut everything = Vec::new();
    for (files, content_type) in GROUPS {
        for (name, bytes) in *files {
            everything.extend([name.as_bytes(), *bytes]);
            assets.insert(*name, asset(Bytes::from_static(bytes), content_type, false));
        }
    }
    let version = hash_of(&everything);
    let path = format!("/assets/{version}");
    let pages = PAGES
        .iter()
        .map(|(name, text)| {
            let body = Bytes::from(text.replace(ASSETS_MARK, &path));
            (*name, asset(body, "text/html; charset=utf-8", true))
        })
        .collect();
    Bundle { version, pages, assets }
}

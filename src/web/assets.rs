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
    /// What a browser may make of it.
    pub(super) part: Part,
}

/// What an asset is to a browser, by which it gets its guards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// A page, or the worker.
    Document,
    /// A script or a style sheet.
    Piece,
    /// A picture, which opens on its own as well, and then runs nothing.
    Picture,
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
    fn new(body: &Bytes, content_type: &'static str, part: Part, encodings: &[Encoding]) -> Self {
        let hash = hash_of(&[body]);
        let forms = encodings
            .iter()
            .copied()
            .filter_map(|encoding| {
                let etag = format!("\"{hash}{}\"", encoding.suffix());
                Some(Form {
                    encoding,
                    body: encoding.encode(body)?,
                    // Hex in quotes is always a valid header.
                    etag: HeaderValue::try_from(etag).unwrap_or(HeaderValue::from_static("\"\"")),
                })
            })
            .collect();
        Self { forms, content_type: HeaderValue::from_static(content_type), part }
    }

    /// A picture; compressed where that helps, as with text.
    pub(super) fn picture(body: &Bytes, content_type: &'static str, is_text: bool) -> Self {
        let encodings: &[Encoding] = if is_text { &Encoding::ALL } else { &[Encoding::Identity] };
        Self::new(body, content_type, Part::Picture, encodings)
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
const STYLE: &str = "text/css; charset=utf-8";
const PICTURE: &str = "image/svg+xml; charset=utf-8";

/// Keeps a page that was opened once, so that it opens without a line too.
const WORKER: &str = include_str!("scripts/worker.js");

pub(super) fn hash_of(parts: &[&[u8]]) -> String {
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

/// What goes into the bundle, and the hash of all of it.
struct Parts {
    files: BTreeMap<String, (Bytes, &'static str)>,
    version: String,
}

/// Known long before everything is compressed.
static PARTS: LazyLock<Parts> = LazyLock::new(parts);

/// Where a picture of this build is for ever, by the path without its hash that catalogues name it with.
pub(super) fn address(path: &str) -> Option<String> {
    let name = path.strip_prefix("/assets/")?;
    PARTS.files.contains_key(name).then(|| format!("/assets/{}/{name}", PARTS.version))
}

fn parts() -> Parts {
    let scripts: Sources<'_> = SCRIPTS.iter().copied().collect();
    let styles: Sources<'_> = STYLES.iter().copied().collect();
    let mut files: BTreeMap<String, (Bytes, &'static str)> = BTreeMap::new();
    for (page, script, style) in entries() {
        // Sources that can't be put together fail the test of this room; a page without its script says so by itself.
        let text = bundle::script(&scripts, &script)
            .unwrap_or_else(|problem| format!("throw new Error({:?});", problem.to_string()));
        files.insert(script, (Bytes::from(text), JAVASCRIPT));
        let text = bundle::style(&styles, &style).unwrap_or_else(|problem| format!("/* {page}: {problem} */"));
        files.insert(style, (Bytes::from(text), STYLE));
    }
    for (name, text) in PICTURES {
        files.insert((*name).to_owned(), (Bytes::from_static(text.as_bytes()), PICTURE));
    }
    let version = {
        let parts: Vec<&[u8]> = files.iter().flat_map(|(name, (body, _))| [name.as_bytes(), body]).collect();
        hash_of(&parts)
    };
    Parts { files, version }
}

fn build() -> Bundle {
    let Parts { files, version } = &*PARTS;
    let path = format!("/assets/{version}");
    let document = |body: Bytes, kind| Asset::new(&body, kind, Part::Document, &Encoding::ALL);
    let page = |(name, text): &(&'static str, &str)| {
        (*name, document(Bytes::from(text.replace(ASSETS_MARK, &path)), "text/html; charset=utf-8"))
    };
    let asset = |(name, (body, kind)): (&String, &(Bytes, &'static str))| {
        let part = if *kind == PICTURE { Part::Picture } else { Part::Piece };
        (name.clone(), Asset::new(body, kind, part, &Encoding::ALL))
    };
    Bundle {
        version: version.clone(),
        pages: PAGES.iter().map(page).collect(),
        assets: files.iter().map(asset).collect(),
        worker: document(Bytes::from(WORKER.replace(VERSION_MARK, version)), JAVASCRIPT),
    }
}

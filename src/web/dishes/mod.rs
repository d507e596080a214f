//! Pictures of dishes from the operator's own folder: read when a catalogue names them, kept in memory, served under the hash of
//! their bytes, as everything else that never changes. A picture that can't be had is a warning and a menu without it.
//!
//! Never here: a file that the catalogue doesn't name, one outside of the folder, or one whose bytes are no picture.

mod kind;

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::response::Response;
use parking_lot::Mutex;

use self::kind::Kind;
use super::assets::{self, Asset};
use super::response::{Freshness, answer, missing as not_there};
use crate::limits::{PICTURE_BYTES_MAX, PICTURES_BYTES_MAX, PICTURES_MAX};

/// Where pictures of the folder are found; what follows is a hash and the kind.
pub const PATH: &str = "/pictures/";

/// Why an item has no picture.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("it is neither a URL nor the name of a file within the folder of pictures")]
    Name,
    #[error("there is no such file in the folder of pictures")]
    Absent,
    #[error("the file can't be read: {0}")]
    Unreadable(std::io::Error),
    #[error("the file lies outside of the folder of pictures")]
    Outside,
    #[error("it is not a file")]
    NotAFile,
    #[error("the file has more than {PICTURE_BYTES_MAX} bytes; make the picture smaller")]
    TooLarge,
    #[error("the file is no SVG, PNG, JPEG, WebP or AVIF picture, whatever its name says")]
    NoPicture,
    #[error(
        "the pictures before it are {PICTURES_MAX}, or have {PICTURES_BYTES_MAX} bytes together, with which the room for them ends"
    )]
    NoRoom,
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::NotFound { Self::Absent } else { Self::Unreadable(error) }
    }
}

/// An item whose picture can't be had.
#[derive(Debug)]
pub struct Missing {
    /// Its SKU.
    pub sku: String,
    /// What the catalogue names.
    pub image: String,
    /// Why, in words.
    pub why: String,
}

/// The pictures as they were read last.
#[derive(Default)]
pub struct Table {
    /// Grows with every reading.
    pub revision: u64,
    /// Whether names are looked up in a folder.
    from_folder: bool,
    /// What a catalogue says -> where that is served.
    addresses: HashMap<String, String>,
    /// Last part of a path -> the picture.
    files: HashMap<String, Served>,
    bytes: usize,
}

struct Served {
    picture: Arc<Asset>,
    bytes: usize,
    /// Not named any more, but by menus that were fetched before.
    former: bool,
}

impl Table {
    /// Where the picture is that a catalogue names; nothing if it can't be had. Without a folder names go out as they are, for
    /// programs that know what to do with them.
    pub fn address<'a>(&'a self, image: &'a str) -> Option<&'a str> {
        let as_it_is = !self.from_folder || is_address(image);
        self.addresses.get(image).map(String::as_str).or_else(|| as_it_is.then_some(image))
    }

    fn room_for(&self, bytes: usize) -> bool {
        self.files.len() < PICTURES_MAX && self.bytes + bytes <= PICTURES_BYTES_MAX
    }

    fn put(&mut self, name: String, served: Served) {
        self.bytes += served.bytes;
        self.files.insert(name, served);
    }
}

/// The pictures of a node.
#[derive(Default)]
pub struct Dishes {
    folder: Option<PathBuf>,
    table: ArcSwap<Table>,
    /// Held while files are read: of two catalogues that come at once, the later one's pictures stay.
    reading: Mutex<()>,
}

impl Dishes {
    /// Pictures of this folder; without one, catalogues name URLs.
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, ..Self::default() }
    }

    /// The pictures as they are now.
    pub fn table(&self) -> Arc<Table> {
        self.table.load_full()
    }

    /// Reads the pictures that `named` gives as `(SKU, image)`, asked for once the turn has come; it takes a while. Pictures that were
    /// served until now stay for as long as the next reading, if there is room: menus that name them are still around.
    pub fn read<I: IntoIterator<Item = (String, String)>>(&self, named: impl FnOnce() -> I) -> Vec<Missing> {
        let _turn = self.reading.lock();
        let before = self.table.load_full();
        let from_folder = self.folder.is_some();
        let mut table = Table { revision: before.revision + 1, from_folder, ..Table::default() };
        let mut wanted: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (sku, image) in named() {
            wanted.entry(image).or_default().push(sku);
        }
        let mut missing = Vec::new();
        for (image, skus) in wanted {
            if let Some(address) = assets::address(&image) {
                table.addresses.insert(image, address);
            } else if let (Some(folder), false) = (&self.folder, is_address(&image))
                && let Err(why) = take(&mut table, folder, &image)
            {
                let why = why.to_string();
                missing.extend(skus.into_iter().map(|sku| Missing { sku, image: image.clone(), why: why.clone() }));
            }
        }
        for (name, served) in &before.files {
            if !served.former && !table.files.contains_key(name) && table.room_for(served.bytes) {
                let picture = Arc::clone(&served.picture);
                table.put(name.clone(), Served { picture, bytes: served.bytes, former: true });
            }
        }
        self.table.store(Arc::new(table));
        missing
    }

    /// The picture with this last part of its path.
    pub fn answer(&self, name: &str, request: &HeaderMap) -> Response {
        self.table
            .load()
            .files
            .get(name)
            .map_or_else(not_there, |served| answer(&served.picture, request, Freshness::ForEver))
    }
}

/// Reads the picture that a catalogue names from the folder into the table.
fn take(table: &mut Table, folder: &Path, image: &str) -> Result<(), Trouble> {
    let bytes = read_within(folder, image)?;
    let kind = Kind::of(&bytes).ok_or(Trouble::NoPicture)?;
    let name = format!("{}.{}", assets::hash_of(&[&bytes]), kind.extension());
    if !table.files.contains_key(&name) {
        if !table.room_for(bytes.len()) {
            return Err(Trouble::NoRoom);
        }
        let bytes = Bytes::from(bytes);
        let picture = Arc::new(Asset::picture(&bytes, kind.content_type(), kind == Kind::Svg));
        table.put(name.clone(), Served { picture, bytes: bytes.len(), former: false });
    }
    table.addresses.insert(image.to_owned(), format!("{PATH}{name}"));
    Ok(())
}

/// A URL, or a path on this server.
fn is_address(image: &str) -> bool {
    ["/", "https://", "http://"].iter().any(|start| image.starts_with(start))
}

/// The bytes of a file within a folder, wherever links lead.
fn read_within(folder: &Path, name: &str) -> Result<Vec<u8>, Trouble> {
    let plain = !name.is_empty() && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if !plain {
        return Err(Trouble::Name);
    }
    let folder = folder.canonicalize()?;
    let path = folder.join(name).canonicalize()?;
    if !path.starts_with(&folder) {
        return Err(Trouble::Outside);
    }
    // Before it is opened: opening a pipe waits for its other end.
    if !path.metadata()?.is_file() {
        return Err(Trouble::NotAFile);
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(PICTURE_BYTES_MAX).unwrap_or(u64::MAX);
    File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() > PICTURE_BYTES_MAX { Err(Trouble::TooLarge) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests;

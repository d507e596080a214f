//! The state in snapshot files: written on the caller's thread, loaded at a start, each with the hash of the state in it.
//!
//! The storage crate checks bytes; here it is checked that they are a state. A snapshot that is not is passed over for an
//! older one and named, never repaired. Never here: when a snapshot is taken, which are kept.

use std::path::PathBuf;

use qucan_storage::snapshot::{BadSnapshot, SnapshotError, SnapshotInfo, SnapshotReader, SnapshotStore};
use qucan_storage::{Epoch, Position};

use super::records::{RecordError, StateHash, StateHasher, decode_part, encode_part};
use crate::domain::state::{Head, Part, PartsError, State};
use crate::limits::SNAPSHOT_SECTION_BYTES_MAX;

/// The last section: the hash of all before it. Its kind is none of a part's.
const SEAL: u32 = 0x01FF_0000;

/// A snapshot that was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file could not be written.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The state has no stored form.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl WriteError {
    /// Whether it is only for want of room.
    pub fn is_no_room(&self) -> bool {
        matches!(self, Self::Snapshot(error) if error.is_no_room())
    }
}

/// A snapshot that is no state.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file can't be read.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A section is not what it should be.
    #[error("{}: {source}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: RecordError,
    },
    /// The sections don't make a state.
    #[error("{}: {source}", path.display())]
    Parts {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: PartsError,
    },
    /// The hash of the state is missing or not the last section.
    #[error("{}: the state's hash is missing", path.display())]
    Unsealed {
        /// The file.
        path: PathBuf,
    },
    /// The state in the file is another than the one that was written.
    #[error("{}: the state in it has hash {found:?}, the file says {stated:?}", path.display())]
    OtherState {
        /// The file.
        path: PathBuf,
        /// The hash of what is in the file.
        found: StateHash,
        /// The hash that the file says.
        stated: StateHash,
    },
}

/// A state as it was loaded.
#[derive(Debug)]
pub struct Loaded {
    /// The state.
    pub state: State,
    /// Where in the log it was.
    pub position: Position,
    /// The epoch of that position.
    pub epoch: Epoch,
    /// Its hash, as the file says.
    pub hash: StateHash,
    /// The file.
    pub path: PathBuf,
}

/// Whether a load computes the state's hash anew. The file's own checksums are checked in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashCheck {
    /// Believe it: a start that has to be quick.
    Trust,
    /// Compute and compare.
    Compute,
}

/// Writes a snapshot of a state; it is on disk when this returns. Takes as long as the state is large: not for the
/// writer's thread.
pub fn write(
    store: &SnapshotStore,
    state: &State,
    position: Position,
    epoch: Epoch,
) -> Result<(SnapshotInfo, StateHash), WriteError> {
    let mut snapshot = store.create(position, epoch)?;
    let (mut hasher, mut bytes) = (StateHasher::default(), Vec::new());
    for part in state.parts() {
        bytes.clear();
        let section = encode_part(&mut bytes, &part)?;
        hasher.section(section, &bytes);
        snapshot.section(section, &bytes)?;
    }
    let hash = hasher.finish();
    snapshot.section(SEAL, &hash.0)?;
    Ok((snapshot.finish()?, hash))
}

/// Loads a state.
pub fn load(mut reader: SnapshotReader, check: HashCheck) -> Result<Loaded, LoadError> {
    let SnapshotInfo { position, epoch, path, .. } = reader.info().clone();
    let mut sections = Sections::of(&mut reader, check);
    let state = State::from_parts(&mut sections);
    let (found, stated, failed) = sections.ended();
    if let Some(failed) = failed {
        return Err(failed.at(path));
    }
    let state = state.map_err(|source| LoadError::Parts { path: path.clone(), source })?;
    let Some(stated) = stated else { return Err(LoadError::Unsealed { path }) };
    if check == HashCheck::Compute && found != stated {
        return Err(LoadError::OtherState { path, found, stated });
    }
    Ok(Loaded { state, position, epoch, hash: stated, path })
}

/// What a snapshot says about its state first: whose it is, and of when. Only that is read and checked.
pub fn head(reader: &mut SnapshotReader) -> Result<Head, LoadError> {
    let path = reader.info().path.clone();
    let mut sections = Sections::of(reader, HashCheck::Trust);
    let first = sections.next();
    match (first, sections.failed) {
        (_, Some(failed)) => Err(failed.at(path)),
        (Some(Part::Head(head)), None) => Ok(head),
        (_, None) => Err(LoadError::Parts { path, source: PartsError::HeadNotFirst }),
    }
}

/// Checks all of a snapshot, section by section, and that the hash in it is that of what it holds: as good as loading it,
/// without its memory.
pub fn check(mut reader: SnapshotReader) -> Result<Head, LoadError> {
    let path = reader.info().path.clone();
    let mut sections = Sections::of(&mut reader, HashCheck::Compute);
    let first = sections.next();
    sections.by_ref().for_each(drop);
    let (found, stated, failed) = sections.ended();
    if let Some(failed) = failed {
        return Err(failed.at(path));
    }
    let Some(Part::Head(head)) = first else {
        return Err(LoadError::Parts { path, source: PartsError::HeadNotFirst });
    };
    let Some(stated) = stated else { return Err(LoadError::Unsealed { path }) };
    if found == stated { Ok(head) } else { Err(LoadError::OtherState { path, found, stated }) }
}

/// Loads the newest snapshot that is good as a whole; the newer ones that are not are named. Only a directory that can't
/// be read is an error.
pub fn load_newest(
    store: &SnapshotStore,
    check: HashCheck,
) -> Result<(Option<Loaded>, Vec<BadSnapshot>), SnapshotError> {
    let (good, mut bad) = store.list()?;
    for info in good.iter().rev() {
        let loaded = store.open_snapshot(info).map_err(LoadError::from).and_then(|reader| load(reader, check));
        match loaded {
            Ok(loaded) => return Ok((Some(loaded), bad)),
            Err(error) => bad.push(BadSnapshot { path: info.path.clone(), what: error.to_string() }),
        }
    }
    Ok((None, bad))
}

/// A file's sections as parts of a state, ending at the seal or at the first thing that is wrong.
struct Sections<'r> {
    reader: &'r mut SnapshotReader,
    check: HashCheck,
    hasher: StateHasher,
    stated: Option<StateHash>,
    failed: Option<Failed>,
}

enum Failed {
    Snapshot(SnapshotError),
    Record(RecordError),
}

impl From<SnapshotError> for Failed {
    fn from(error: SnapshotError) -> Self {
        Self::Snapshot(error)
    }
}

impl From<RecordError> for Failed {
    fn from(error: RecordError) -> Self {
        Self::Record(error)
    }
}

impl Failed {
    fn at(self, path: PathBuf) -> LoadError {
        match self {
            Self::Snapshot(error) => error.into(),
            Self::Record(source) => LoadError::Record { path, source },
        }
    }
}

impl<'r> Sections<'r> {
    fn of(reader: &'r mut SnapshotReader, check: HashCheck) -> Self {
        Self { reader, check, hasher: StateHasher::default(), stated: None, failed: None }
    }

    /// The hash of what was read, the hash in the file, and what was wrong.
    fn ended(self) -> (StateHash, Option<StateHash>, Option<Failed>) {
        (self.hasher.finish(), self.stated, self.failed)
    }

    fn read(&mut self) -> Result<Option<Part>, Failed> {
        let Some(section) = self.reader.next_section()? else { return Ok(None) };
        let bytes = self.reader.read_section(SNAPSHOT_SECTION_BYTES_MAX)?;
        if self.stated.is_some() {
            return Err(RecordError::UnknownSection { section }.into());
        }
        if section == SEAL {
            let hash = bytes.as_slice().try_into();
            let short = |_| RecordError::Short { what: "hash of the state", bytes: bytes.len() };
            self.stated = Some(StateHash(hash.map_err(short)?));
            // Nothing may follow: the next section, if there is one, is refused.
            return self.read();
        }
        if self.check == HashCheck::Compute {
            self.hasher.section(section, &bytes);
        }
        Ok(Some(decode_part(section, &bytes)?))
    }
}

impl Iterator for Sections<'_> {
    type Item = Part;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed.is_some() {
            return None;
        }
        self.read().unwrap_or_else(|failed| {
            self.failed = Some(failed);
            None
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use qucan_storage::{ChainHash, Sequence, fs};

    use super::*;
    use crate::domain::state::{Generation, KeyEntry};
    use crate::domain::time::Timestamp;
    use crate::engine::records::state_hash;

    fn state(clock: i64) -> State {
        let head = Head { clock: Timestamp(clock), ..Head::default() };
        let keys = vec![(7, KeyEntry { body: 1, target: 0 })];
        let keys = Part::Keys(0, Generation::Current, keys);
        State::from_parts([Part::Head(head), Part::Catalog(Arc::default()), keys]).unwrap()
    }

    fn at(sequence: u64) -> Position {
        Position { sequence: Sequence(sequence), hash: ChainHash([9; 32]) }
    }

    fn store() -> (tempfile::TempDir, SnapshotStore) {
        let dir = tempfile::tempdir().unwrap();
        let store = SnapshotStore::open(fs::real(), dir.path()).unwrap();
        (dir, store)
    }

    /// A snapshot with whole checksums whose sections are what they are.
    fn forge(store: &SnapshotStore, sequence: u64, sections: &[(u32, Vec<u8>)]) {
        let mut snapshot = store.create(at(sequence), Epoch::FIRST).unwrap();
        sections.iter().for_each(|(id, bytes)| snapshot.section(*id, bytes).unwrap());
        snapshot.finish().unwrap();
    }

    fn sections(state: &State) -> Vec<(u32, Vec<u8>)> {
        let parts = state.parts().map(|part| {
            let mut bytes = Vec::new();
            (encode_part(&mut bytes, &part).unwrap(), bytes)
        });
        let seal = (SEAL, state_hash(state).unwrap().0.to_vec());
        parts.chain([seal]).collect()
    }

    #[test]
    fn the_newest_state_comes_back_with_its_place_and_hash() {
        let (_dir, store) = store();
        assert!(load_newest(&store, HashCheck::Compute).unwrap().0.is_none());
        write(&store, &state(1), at(10), Epoch::FIRST).unwrap();
        let (_, hash) = write(&store, &state(2), at(20), Epoch(3)).unwrap();
        let (loaded, bad) = load_newest(&store, HashCheck::Compute).unwrap();
        let loaded = loaded.unwrap();
        assert_eq!((loaded.position, loaded.epoch, loaded.hash), (at(20), Epoch(3), hash));
        assert_eq!(loaded.state, state(2));
        assert_eq!(hash, state_hash(&state(2)).unwrap());
        assert_eq!(bad, []);
        for info in store.list().unwrap().0 {
            let read = head(&mut store.open_as_read(&info).unwrap()).unwrap();
            assert_eq!(read.clock, Timestamp(if info.position == at(10) { 1 } else { 2 }));
            assert_eq!(check(store.open_as_read(&info).unwrap()).unwrap(), read);
        }
    }

    #[test]
    fn what_is_no_state_is_passed_over_for_an_older_one_and_named() {
        let good = sections(&state(2));
        let without = |index: usize| {
            let mut sections = good.clone();
            sections.remove(index);
            sections
        };
        let mut unknown = good.clone();
        unknown[0].0 += 1 << 24;
        let mut damaged = good.clone();
        damaged[2].1.pop();
        let mut after_the_seal = good.clone();
        after_the_seal.push(good[2].clone());
        let mut other_hash = good.clone();
        other_hash.last_mut().unwrap().1[0] ^= 1;
        let cases = [
            (without(good.len() - 1), "hash is missing"),
            (without(0), "the head is not the first part"),
            (unknown, "later version"),
            (damaged, "cut short"),
            (after_the_seal, "is unknown"),
            (other_hash, "the state in it has hash"),
        ];
        for (number, (sections, what)) in (0..).zip(cases) {
            let (_dir, store) = store();
            write(&store, &state(1), at(10), Epoch::FIRST).unwrap();
            forge(&store, 20 + number, &sections);
            let (loaded, bad) = load_newest(&store, HashCheck::Compute).unwrap();
            let newest = store.list().unwrap().0.pop().unwrap();
            let checked = check(store.open_as_read(&newest).unwrap()).map(drop);
            let named = checked.unwrap_err().to_string();
            assert!(named.contains(what), "{what}: {named}");
            assert_eq!(loaded.unwrap().state, state(1), "{what}");
            assert!(bad.len() == 1 && bad[0].what.contains(what), "{what}: {bad:?}");
        }
    }

    #[test]
    fn a_quick_start_believes_the_hash_but_not_the_bytes() {
        let (_dir, store) = store();
        let mut sections = sections(&state(2));
        sections.last_mut().unwrap().1[0] ^= 1;
        forge(&store, 20, &sections);
        assert_eq!(load_newest(&store, HashCheck::Trust).unwrap().0.unwrap().state, state(2));
        let path = store.list().unwrap().0[0].path.clone();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[300] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let (loaded, bad) = load_newest(&store, HashCheck::Trust).unwrap();
        assert!(loaded.is_none() && bad.len() == 1, "{bad:?}");
    }
}

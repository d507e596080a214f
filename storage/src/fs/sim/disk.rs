//! The simulated disk's two images, and what a power cut makes of them.
//!
//! Live is what running processes see; durable is what was synced. Between them lie dirty 512-byte
//! blocks of files and, in order, changes of names.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use crate::bytes::{narrow, wide};

use super::faults::Faults;

const BLOCK: u64 = 512;

/// What a power cut does to blocks and names that weren't synced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CrashPolicy {
    /// All of it is lost.
    DropUnsynced,
    /// All of it happened to be on disk.
    KeepUnsynced,
    /// By chance, each 512-byte block is kept, lost or torn (its beginning new, its end old); names up
    /// to some point of their order.
    Random(u64),
}

/// What a power cut did to what was not synced, in numbers.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Losses {
    /// Blocks of which nothing was kept.
    pub blocks_lost: u64,
    /// Blocks that were kept whole.
    pub blocks_kept: u64,
    /// Blocks of which only a beginning was kept.
    pub blocks_torn: u64,
    /// Names made or removed that are not, or that are again.
    pub names_undone: u64,
    /// Renames that are undone.
    pub renames_undone: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Node {
    File(u64),
    Dir,
}

/// A change of names that no directory sync has covered yet.
#[derive(Clone, Debug)]
enum NameChange {
    Link(PathBuf, Node),
    Unlink(PathBuf),
    Rename(PathBuf, PathBuf),
}

impl NameChange {
    fn concerns(&self, dir: &Path) -> bool {
        match self {
            Self::Link(path, _) | Self::Unlink(path) => path.parent() == Some(dir),
            Self::Rename(from, to) => from.parent() == Some(dir) || to.parent() == Some(dir),
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, Node>) {
        match self {
            Self::Link(path, node) => {
                names.insert(path.clone(), *node);
            }
            Self::Unlink(path) => {
                names.remove(path);
            }
            Self::Rename(from, to) => {
                if let Some(node) = names.remove(from) {
                    names.insert(to.clone(), node);
                }
            }
        }
    }
}

#[derive(Clone, Default, Debug)]
pub(super) struct Inode {
    pub live: Vec<u8>,
    durable: Vec<u8>,
    /// Numbers of blocks written since the last sync.
    dirty: BTreeSet<u64>,
}

impl Inode {
    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) {
        let start = narrow(offset);
        let end = start.saturating_add(bytes.len());
        if self.live.len() < end {
            self.live.resize(end, 0);
        }
        crate::bytes::patch(&mut self.live, start, bytes);
        if !bytes.is_empty() {
            self.dirty.extend(offset / BLOCK..=(wide(end) - 1) / BLOCK);
        }
    }

    pub(super) fn set_len(&mut self, len: u64) {
        self.live.resize(narrow(len), 0);
    }

    pub(super) fn sync(&mut self) {
        self.durable.resize(self.live.len(), 0);
        for block in std::mem::take(&mut self.dirty) {
            copy_block(&self.live, &mut self.durable, block, BLOCK);
        }
    }

    /// What Linux does: the error is reported once, the pages are clean from then on.
    pub(super) fn fail_sync(&mut self) {
        self.dirty.clear();
    }

    fn crash(&mut self, chance: &mut Chance, losses: &mut Losses) {
        if self.live.len() != self.durable.len() && chance.keep() {
            self.durable.resize(self.live.len(), 0);
        }
        for block in std::mem::take(&mut self.dirty) {
            let kept = chance.bytes_of_block();
            match kept {
                0 => losses.blocks_lost += 1,
                BLOCK => losses.blocks_kept += 1,
                _ => losses.blocks_torn += 1,
            }
            copy_block(&self.live, &mut self.durable, block, kept);
        }
        self.live.clone_from(&self.durable);
    }
}

fn copy_block(from: &[u8], to: &mut [u8], block: u64, bytes: u64) {
    let start = narrow(block.saturating_mul(BLOCK));
    let wanted = start.saturating_add(narrow(bytes));
    let end = wanted.min(from.len()).min(to.len());
    if let (Some(from), Some(to)) = (from.get(start..end), to.get_mut(start..end)) {
        to.copy_from_slice(from);
    }
}

/// Decides what survives.
struct Chance {
    policy: CrashPolicy,
    state: u64,
}

impl Chance {
    fn new(policy: CrashPolicy) -> Self {
        Self { policy, state: if let CrashPolicy::Random(seed) = policy { seed } else { 0 } }
    }

    fn keep(&mut self) -> bool {
        match self.policy {
            CrashPolicy::DropUnsynced => false,
            CrashPolicy::KeepUnsynced => true,
            CrashPolicy::Random(_) => random(&mut self.state).is_multiple_of(2),
        }
    }

    fn bytes_of_block(&mut self) -> u64 {
        match (self.policy, random(&mut self.state) % 8) {
            (CrashPolicy::KeepUnsynced, _) | (CrashPolicy::Random(_), 0..=3) => BLOCK,
            (CrashPolicy::DropUnsynced, _) | (CrashPolicy::Random(_), 4..=6) => 0,
            (CrashPolicy::Random(_), _) => random(&mut self.state) % BLOCK,
        }
    }

    fn prefix(&mut self, len: usize) -> usize {
        match self.policy {
            CrashPolicy::DropUnsynced => 0,
            CrashPolicy::KeepUnsynced => len,
            CrashPolicy::Random(_) => narrow(random(&mut self.state) % wide(len.saturating_add(1))),
        }
    }
}

/// splitmix64: enough for choosing, the same everywhere.
pub(super) fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[derive(Debug)]
pub(super) struct Disk {
    pub inodes: BTreeMap<u64, Inode>,
    pub names: BTreeMap<PathBuf, Node>,
    durable_names: BTreeMap<PathBuf, Node>,
    pending: Vec<NameChange>,
    next_inode: u64,
    /// Raised by kill and crash: handles of an earlier life are dead.
    pub life: u64,
    pub locks: BTreeSet<PathBuf>,
    pub capacity: Option<u64>,
    pub faults: Faults,
    pub random: u64,
    pub syncs_ignored: bool,
    pub directory_syncs_ignored: bool,
    pub losses: Losses,
}

impl Disk {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            inodes: BTreeMap::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            pending: Vec::new(),
            next_inode: 1,
            life: 0,
            locks: BTreeSet::new(),
            capacity: None,
            faults: Faults::default(),
            random: seed,
            syncs_ignored: false,
            directory_syncs_ignored: false,
            losses: Losses::default(),
        }
    }

    pub(super) fn node(&self, path: &Path) -> Option<Node> {
        if path.parent().is_none_or(|parent| parent.as_os_str().is_empty()) {
            return Some(Node::Dir); // "/", "" and single names: the roots
        }
        self.names.get(path).copied()
    }

    pub(super) fn file(&self, path: &Path) -> io::Result<u64> {
        match self.node(path) {
            Some(Node::File(inode)) => Ok(inode),
            Some(Node::Dir) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    pub(super) fn require_dir(&self, path: Option<&Path>) -> io::Result<()> {
        match path.map(|path| self.node(path)) {
            None | Some(Some(Node::Dir)) => Ok(()),
            Some(Some(Node::File(_))) => Err(io::ErrorKind::NotADirectory.into()),
            Some(None) => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn change(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.pending.push(change);
    }

    pub(super) fn create_file(&mut self, path: &Path) -> u64 {
        let inode = self.next_inode;
        self.next_inode += 1;
        self.inodes.insert(inode, Inode::default());
        self.change(NameChange::Link(path.to_owned(), Node::File(inode)));
        inode
    }

    pub(super) fn create_dir(&mut self, path: &Path) {
        self.change(NameChange::Link(path.to_owned(), Node::Dir));
    }

    pub(super) fn unlink(&mut self, path: &Path) {
        self.change(NameChange::Unlink(path.to_owned()));
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) {
        self.change(NameChange::Rename(from.to_owned(), to.to_owned()));
    }

    pub(super) fn sync_dir(&mut self, dir: &Path) {
        let durable = &mut self.durable_names;
        self.pending.retain(|change| {
            let synced = change.concerns(dir);
            if synced {
                change.apply(durable);
            }
            !synced
        });
    }

    pub(super) fn used(&self) -> u64 {
        let len = |node: &Node| match node {
            Node::File(inode) => self.inodes.get(inode).map_or(0, |inode| wide(inode.live.len())),
            Node::Dir => 0,
        };
        self.names.values().map(len).sum()
    }

    /// A new life: handles, locks and the plan of failures are gone.
    pub(super) fn end_life(&mut self) {
        self.life += 1;
        self.locks.clear();
        self.faults.heal();
    }

    pub(super) fn crash(&mut self, policy: CrashPolicy) {
        let mut chance = Chance::new(policy);
        let kept = chance.prefix(self.pending.len());
        let mut losses = Losses::default();
        for (index, change) in self.pending.drain(..).enumerate() {
            match change {
                change if index < kept => change.apply(&mut self.durable_names),
                NameChange::Rename(..) => losses.renames_undone += 1,
                _ => losses.names_undone += 1,
            }
        }
        // Names whose directory is not there can't be found any more. Parents sort before children.
        let mut names: BTreeMap<PathBuf, Node> = BTreeMap::new();
        for (path, node) in &self.durable_names {
            let parent = path.parent();
            let root = parent.is_none_or(|parent| parent.parent().is_none_or(|top| top.as_os_str().is_empty()));
            if root || parent.is_some_and(|parent| names.get(parent) == Some(&Node::Dir)) {
                names.insert(path.clone(), *node);
            }
        }
        self.durable_names = names.clone();
        self.names = names;
        for inode in self.inodes.values_mut() {
            inode.crash(&mut chance, &mut losses);
        }
        self.losses = losses;
        self.drop_unlinked();
        self.end_life();
    }

    /// Another disk with what is on this one, durable.
    pub(super) fn backup(&self) -> Self {
        let mut copy = Self::new(self.random);
        (copy.names, copy.durable_names) = (self.names.clone(), self.names.clone());
        copy.next_inode = self.next_inode;
        copy.inodes = self.inodes.clone();
        copy.inodes.values_mut().for_each(Inode::sync);
        copy.drop_unlinked();
        copy
    }

    /// The contents of another disk instead of the own ones.
    pub(super) fn restore(&mut self, copy: Self) {
        self.end_life();
        self.pending.clear();
        self.next_inode = self.next_inode.max(copy.next_inode);
        (self.names, self.durable_names, self.inodes) = (copy.names, copy.durable_names, copy.inodes);
    }

    /// Takes names away for good.
    pub(super) fn take_away(&mut self, dir: &Path) {
        self.pending.retain(|change| match change {
            NameChange::Link(path, _) | NameChange::Unlink(path) => !path.starts_with(dir),
            NameChange::Rename(from, to) => !from.starts_with(dir) && !to.starts_with(dir),
        });
        self.names.retain(|path, _| !path.starts_with(dir));
        self.durable_names.retain(|path, _| !path.starts_with(dir));
        self.drop_unlinked();
    }

    pub(super) fn drop_unlinked(&mut self) {
        let mut linked = BTreeSet::new();
        for node in self.names.values().chain(self.durable_names.values()) {
            if let Node::File(inode) = node {
                linked.insert(*inode);
            }
        }
        for change in &self.pending {
            if let NameChange::Link(_, Node::File(inode)) = change {
                linked.insert(*inode);
            }
        }
        self.inodes.retain(|inode, _| linked.contains(inode));
    }

    /// Changes a file behind everybody's back, on both images.
    pub(super) fn corrupt(&mut self, inode: u64, change: impl FnOnce(&mut Vec<u8>)) {
        if let Some(inode) = self.inodes.get_mut(&inode) {
            change(&mut inode.live);
            inode.durable.clone_from(&inode.live);
            inode.dirty.clear();
        }
    }
}

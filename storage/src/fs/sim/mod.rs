//! A disk in memory, with what it would hold after a power cut: for the engine's tests and simulations.
//!
//! Deterministic for a seed and a single thread. Paths are absolute; the root is always there.
//! It believes of a disk what the documents say the project believes: a 512-byte block is old or new,
//! or (torn) new up to some byte and old from there; a sync that returned holds; names survive in order.

mod disk;
mod faults;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::bytes::{narrow, wide};

use super::{DirEntry, File, FileSystem, Lock, OpenMode};
use disk::{Disk, Node, random};
use faults::{input_output, no_space, power_is_off};

pub use disk::{CrashPolicy, Losses};
pub use faults::{Fault, FaultKind, Operation};

/// The simulated file system. Clones share the disk.
#[derive(Clone, Debug)]
pub struct SimFs {
    disk: Arc<Mutex<Disk>>,
}

impl SimFs {
    /// An empty disk without a limit. The seed decides entropy.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { disk: Arc::new(Mutex::new(Disk::new(seed))) }
    }

    /// The same disk, as the trait object the crate takes.
    #[must_use]
    pub fn shared(&self) -> Arc<dyn FileSystem> {
        Arc::new(self.clone())
    }

    /// Limits the disk to `bytes` of file contents; `None` lifts the limit.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.disk().capacity = bytes;
    }

    /// Bytes of file contents on the disk.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.disk().used()
    }

    /// Plans a failure; several may be planned.
    pub fn plan(&self, fault: Fault) {
        self.disk().faults.plan(fault);
    }

    /// Forgets all planned failures and turns the power on again without losing anything.
    pub fn heal(&self) {
        self.disk().faults.heal();
    }

    /// Operations of a kind done so far (failed ones counted).
    #[must_use]
    pub fn operations(&self, operation: Operation) -> u64 {
        self.disk().faults.count(operation)
    }

    /// Whether a planned failure has happened since the last one was planned.
    #[must_use]
    pub fn fault_reached(&self) -> bool {
        self.disk().faults.reached()
    }

    /// The power goes: what wasn't synced is treated as `policy` says, open files and locks are gone,
    /// planned failures too.
    pub fn crash(&self, policy: CrashPolicy) {
        self.disk().crash(policy);
    }

    /// The process is killed, the machine stays: nothing is lost, open files and locks are gone.
    pub fn kill(&self) {
        self.disk().end_life();
    }

    /// From here on syncs answer without doing anything, as if they had been forgotten; or not.
    pub fn ignore_syncs(&self, ignored: bool) {
        self.disk().syncs_ignored = ignored;
    }

    /// The same for directories alone.
    pub fn ignore_directory_syncs(&self, ignored: bool) {
        self.disk().directory_syncs_ignored = ignored;
    }

    /// Every file there is, by name.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let disk = self.disk();
        let files = disk.names.iter().filter(|(_, node)| matches!(node, Node::File(_)));
        files.map(|(path, _)| path.clone()).collect()
    }

    /// Takes a directory away with all that is in it, as a person does who moves it aside. Nobody may work in it.
    pub fn take_away(&self, dir: &Path) {
        self.disk().take_away(dir);
    }

    /// What the last power cut did to what was not synced.
    #[must_use]
    pub fn losses(&self) -> Losses {
        self.disk().losses
    }

    /// A copy of what is on the disk now, as a backup has it: another disk, all of it durable.
    #[must_use]
    pub fn backup(&self) -> Self {
        Self { disk: Arc::new(Mutex::new(self.disk().backup())) }
    }

    /// Puts a backup in the place of everything on this disk. Processes that worked on it must be gone.
    pub fn restore(&self, backup: &Self) {
        let copy = backup.disk().backup();
        self.disk().restore(copy);
    }

    /// Changes bytes of a file behind everybody's back, on the live and the durable image.
    pub fn corrupt(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let mut disk = self.disk();
        let inode = disk.file(path)?;
        disk.corrupt(inode, change);
        Ok(())
    }

    /// The live bytes of a file.
    pub fn contents(&self, path: &Path) -> io::Result<Vec<u8>> {
        let disk = self.disk();
        let inode = disk.file(path)?;
        Ok(disk.inodes.get(&inode).map(|inode| inode.live.clone()).unwrap_or_default())
    }

    /// A panicking test thread must not hide its own message behind a poisoned mutex.
    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs an operation on names: fails as planned, or does `work` (and then may lose power).
    fn named<T>(
        &self,
        operation: Operation,
        path: &Path,
        work: impl FnOnce(&mut Disk) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut disk = self.disk();
        match disk.faults.before(operation, path)? {
            Some(FaultKind::Error) => Err(input_output()),
            Some(FaultKind::PowerCut) => {
                let _ = work(&mut disk);
                Err(power_is_off())
            }
            _ => work(&mut disk),
        }
    }

    fn handle(&self, disk: &Disk, inode: u64, path: &Path, writable: bool) -> Box<dyn File> {
        Box::new(SimFile { fs: self.clone(), inode, life: disk.life, path: path.to_owned(), writable })
    }
}

/// An open file of the simulation.
#[derive(Debug)]
struct SimFile {
    fs: SimFs,
    inode: u64,
    life: u64,
    path: PathBuf,
    writable: bool,
}

impl SimFile {
    fn disk(&self) -> io::Result<MutexGuard<'_, Disk>> {
        let disk = self.fs.disk();
        if disk.life == self.life { Ok(disk) } else { Err(io::Error::other("file of an earlier life (simulated)")) }
    }

    fn change(&self, operation: Operation) -> io::Result<(MutexGuard<'_, Disk>, Option<FaultKind>)> {
        let mut disk = self.disk()?;
        if !self.writable && operation != Operation::Sync {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let fault = disk.faults.before(operation, &self.path)?;
        Ok((disk, fault))
    }
}

impl File for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut disk = self.disk()?;
        match disk.faults.before(Operation::Read, &self.path)? {
            Some(FaultKind::Error) => return Err(input_output()),
            Some(FaultKind::PowerCut) => return Err(power_is_off()),
            _ => {}
        }
        let inode = disk.inodes.get(&self.inode).ok_or_else(input_output)?;
        let bytes = inode.live.get(narrow(offset)..).unwrap_or_default();
        let read = bytes.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..read), bytes.get(..read)) {
            to.copy_from_slice(from);
        }
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let (mut disk, fault) = self.change(Operation::Write)?;
        let written = match fault {
            Some(FaultKind::Error) => return Err(input_output()),
            Some(FaultKind::ShortWrite(limit)) => bytes.len().min(limit),
            Some(FaultKind::PowerCut) => bytes.len() / 2,
            _ => bytes.len(),
        };
        let bytes = bytes.get(..written).unwrap_or_default();
        let now = disk.inodes.get(&self.inode).map_or(0, |inode| wide(inode.live.len()));
        let grown = offset.saturating_add(wide(written)).saturating_sub(now);
        if grown > 0 && disk.capacity.is_some_and(|capacity| disk.used().saturating_add(grown) > capacity) {
            return Err(no_space());
        }
        disk.inodes.get_mut(&self.inode).ok_or_else(input_output)?.write(offset, bytes);
        if fault == Some(FaultKind::PowerCut) { Err(power_is_off()) } else { Ok(written) }
    }

    fn sync_data(&self) -> io::Result<()> {
        let (mut disk, fault) = self.change(Operation::Sync)?;
        let ignored = disk.syncs_ignored;
        let inode = disk.inodes.get_mut(&self.inode).ok_or_else(input_output)?;
        match fault {
            Some(FaultKind::Error) => {
                inode.fail_sync();
                Err(input_output())
            }
            Some(FaultKind::PowerCut) => Err(power_is_off()),
            _ if ignored => Ok(()),
            _ => {
                inode.sync();
                Ok(())
            }
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let (mut disk, fault) = self.change(Operation::SetLen)?;
        if fault == Some(FaultKind::Error) {
            return Err(input_output());
        }
        disk.inodes.get_mut(&self.inode).ok_or_else(input_output)?.set_len(len);
        if fault == Some(FaultKind::PowerCut) { Err(power_is_off()) } else { Ok(()) }
    }

    fn length(&self) -> io::Result<u64> {
        let disk = self.disk()?;
        let inode = disk.inodes.get(&self.inode).ok_or_else(input_output)?;
        Ok(wide(inode.live.len()))
    }
}

/// A lock of the simulation; gone with its life.
#[derive(Debug)]
struct SimLock {
    fs: SimFs,
    life: u64,
    path: PathBuf,
}

impl Lock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut disk = self.fs.disk();
        if disk.life == self.life {
            disk.locks.remove(&self.path);
        }
    }
}

impl FileSystem for SimFs {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn File>> {
        let disk = self.disk();
        let inode = disk.file(path)?;
        Ok(self.handle(&disk, inode, path, mode == OpenMode::ReadWrite))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.named(Operation::Create, path, |disk| {
            disk.require_dir(path.parent())?;
            if disk.node(path).is_some() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            let inode = disk.create_file(path);
            Ok(self.handle(disk, inode, path, true))
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.named(Operation::Rename, from, |disk| {
            disk.file(from)?;
            disk.require_dir(to.parent())?;
            disk.rename(from, to);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.named(Operation::Remove, path, |disk| {
            disk.file(path)?;
            disk.unlink(path);
            Ok(())
        })
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        let disk = self.disk();
        disk.require_dir(Some(dir))?;
        let mut entries = Vec::new();
        for (path, node) in &disk.names {
            if path.parent() != Some(dir) {
                continue;
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let (len, is_dir) = match node {
                Node::File(inode) => (disk.inodes.get(inode).map_or(0, |inode| wide(inode.live.len())), false),
                Node::Dir => (0, true),
            };
            entries.push(DirEntry { name, len, is_dir });
        }
        Ok(entries)
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        let mut missing: Vec<&Path> = Vec::new();
        for path in dir.ancestors() {
            match self.disk().node(path) {
                Some(Node::Dir) => break,
                Some(Node::File(_)) => return Err(io::ErrorKind::NotADirectory.into()),
                None => missing.push(path),
            }
        }
        for path in missing.into_iter().rev() {
            self.named(Operation::Create, path, |disk| {
                disk.create_dir(path);
                Ok(())
            })?;
        }
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        let fault = disk.faults.before(Operation::SyncDir, dir)?;
        disk.require_dir(Some(dir))?;
        match fault {
            Some(FaultKind::Error) => Err(input_output()),
            Some(FaultKind::PowerCut) => Err(power_is_off()),
            _ if disk.syncs_ignored || disk.directory_syncs_ignored => Ok(()),
            _ => {
                disk.sync_dir(dir);
                Ok(())
            }
        }
    }

    fn try_exists(&self, path: &Path) -> io::Result<bool> {
        Ok(self.disk().node(path).is_some())
    }

    fn free_space(&self, _dir: &Path) -> io::Result<u64> {
        let disk = self.disk();
        Ok(disk.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(disk.used())))
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        if !self.try_exists(path)? {
            drop(self.create(path)?);
        }
        let mut disk = self.disk();
        if !disk.locks.insert(path.to_owned()) {
            return Ok(None);
        }
        Ok(Some(Box::new(SimLock { fs: self.clone(), life: disk.life, path: path.to_owned() })))
    }

    fn entropy(&self) -> io::Result<[u8; 32]> {
        let mut disk = self.disk();
        let mut bytes = [0; 32];
        for piece in bytes.chunks_mut(8) {
            piece.copy_from_slice(&random(&mut disk.random).to_le_bytes());
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests;

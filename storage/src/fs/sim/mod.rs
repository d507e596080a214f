//! A disk in memory, with what it would hold after a power cut: for the engine's tests and simulations.

mod disk;
mod faults;

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::{DirEntry, File, FileSystem, Lock, OpenMode};

pub use disk::CrashPolicy;
pub use faults::{Fault, FaultKind, Operation};

/// The simulated file system. Clones share the disk.
#[derive(Clone, Debug)]
pub struct SimFs {}

impl SimFs {
    /// An empty disk without a limit. The seed decides entropy and what random crashes keep.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        todo!()
    }

    /// The same disk, as the trait object the crate takes.
    #[must_use]
    pub fn shared(&self) -> Arc<dyn FileSystem> {
        Arc::new(self.clone())
    }

    /// Limits the disk to `bytes` of file contents; `None` lifts the limit.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        todo!()
    }

    /// Plans a failure; several may be planned.
    pub fn plan(&self, fault: Fault) {
        todo!()
    }

    /// Forgets all planned failures and turns the power on again without losing anything.
    pub fn heal(&self) {
        todo!()
    }

    /// Operations of a kind done so far (failed ones counted).
    #[must_use]
    pub fn operations(&self, operation: Operation) -> u64 {
        todo!()
    }

    /// Whether a planned failure has happened yet.
    #[must_use]
    pub fn fault_reached(&self) -> bool {
        todo!()
    }

    /// The power goes: what wasn't synced is treated as `policy` says, open files and locks are gone,
    /// planned failures too.
    pub fn crash(&self, policy: CrashPolicy) {
        todo!()
    }

    /// The process is killed, the machine stays: nothing is lost, open files and locks are gone.
    pub fn kill(&self) {
        todo!()
    }

    /// Changes bytes of a file behind everybody's back, on the live and the durable image.
    pub fn corrupt(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        todo!()
    }

    /// The live bytes of a file.
    pub fn contents(&self, path: &Path) -> io::Result<Vec<u8>> {
        todo!()
    }
}
impl FileSystem for SimFs {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn File>> {
        todo!()
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        todo!()
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        todo!()
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        todo!()
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        todo!()
    }
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        todo!()
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        todo!()
    }
    fn try_exists(&self, path: &Path) -> io::Result<bool> {
        todo!()
    }
    fn free_space(&self, dir: &Path) -> io::Result<u64> {
        todo!()
    }
    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        todo!()
    }
    fn entropy(&self) -> io::Result<[u8; 32]> {
        todo!()
    }
}

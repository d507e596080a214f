//! A real file system that a test can hold: syncs of the writer, reads of the projection. What waits can be awaited.

use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};

use qucan_storage::fs::{DirEntry, File, FileSystem, Lock, OpenMode, real};

/// A gate that one kind of call of one thread has to pass.
#[derive(Debug, Default)]
pub struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Calls that may still pass; `None` lets all through.
    left: Option<u64>,
    waiting: u64,
    passed: u64,
    fails: bool,
}

impl Gate {
    /// Lets only so many more through.
    pub fn allow(&self, calls: u64) {
        self.state.lock().unwrap().left = Some(calls);
        self.changed.notify_all();
    }

    /// Lets everything through.
    pub fn open(&self) {
        self.state.lock().unwrap().left = None;
        self.changed.notify_all();
    }

    /// Every call that passes fails from now on.
    pub fn fail(&self) {
        self.state.lock().unwrap().fails = true;
    }

    /// Waits until a call stands at the gate.
    pub fn wait_for_one(&self) {
        let state = self.state.lock().unwrap();
        drop(self.changed.wait_while(state, |state| state.waiting == 0).unwrap());
    }

    /// Calls that passed so far.
    pub fn passed(&self) -> u64 {
        self.state.lock().unwrap().passed
    }

    fn pass(&self) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.waiting += 1;
        self.changed.notify_all();
        let mut state = self.changed.wait_while(state, |state| state.left == Some(0)).unwrap();
        state.waiting -= 1;
        state.passed += 1;
        if let Some(left) = &mut state.left {
            *left -= 1;
        }
        if state.fails { Err(io::Error::other("the test says so")) } else { Ok(()) }
    }
}

/// The machine's file system with gates.
#[derive(Debug, Clone)]
pub struct GatedFs {
    inner: Arc<dyn FileSystem>,
    /// Syncs of the thread `writer`.
    pub syncs: Arc<Gate>,
    /// Reads of the thread `projection`.
    pub reads: Arc<Gate>,
}

impl GatedFs {
    pub fn new() -> Self {
        Self { inner: real(), syncs: Arc::default(), reads: Arc::default() }
    }

    fn wrap(&self, file: Box<dyn File>) -> Box<dyn File> {
        Box::new(GatedFile { inner: file, fs: self.clone() })
    }
}

fn on_thread(name: &str) -> bool {
    std::thread::current().name() == Some(name)
}

#[derive(Debug)]
struct GatedFile {
    inner: Box<dyn File>,
    fs: GatedFs,
}

impl File for GatedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if on_thread("projection") {
            self.fs.reads.pass()?;
        }
        self.inner.read_at(buffer, offset)
    }
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.inner.write_at(bytes, offset)
    }
    fn sync_data(&self) -> io::Result<()> {
        if on_thread("writer") {
            self.fs.syncs.pass()?;
        }
        self.inner.sync_data()
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.inner.set_len(len)
    }
    fn length(&self) -> io::Result<u64> {
        self.inner.length()
    }
}

impl FileSystem for GatedFs {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn File>> {
        self.inner.open(path, mode).map(|file| self.wrap(file))
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.inner.create(path).map(|file| self.wrap(file))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.inner.remove(path)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        self.inner.list(dir)
    }
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.inner.create_dir_all(dir)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.inner.sync_dir(dir)
    }
    fn try_exists(&self, path: &Path) -> io::Result<bool> {
        self.inner.try_exists(path)
    }
    fn free_space(&self, dir: &Path) -> io::Result<u64> {
        self.inner.free_space(dir)
    }
    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        self.inner.try_lock(path)
    }
    fn entropy(&self) -> io::Result<[u8; 32]> {
        self.inner.entropy()
    }
}

//! Spare segments: zeroed (or recycled) and synced ahead of need, so that a full disk meets this file
//! and never an append. A full disk passes; any other error is a failing disk, after which nothing is tried any more.
//!
//! Two are kept: `next.spare`, which the log rolls into, and `reserve.spare`, which only critical
//! entries may use. A file gets its `.spare` name once it is zeroed and synced. A thread does the work
//! (or the writer itself, [`Preparation::Inline`]); it also removes trimmed segments. It never touches a `.seg` file
//! that still holds entries anybody may read.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::bytes::wide;
use crate::fs::{FileSystem, OpenMode, is_no_room, write_zeros_at};
use crate::limits::{PREPARE_RETRY_SECONDS, RECYCLED_SEGMENTS_MAX, ZERO_CHUNK_BYTES};

use super::options::Preparation;
use super::spare_files::{Spare, Trouble, adopt, remove_if_there};

const NEXT: &str = "next.spare";
const RESERVE: &str = "reserve.spare";
const RECYCLED_PREFIX: &str = "recycled-";

/// Sizes wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub next_bytes: u64,
    pub reserve_bytes: u64,
}

#[derive(Debug)]
struct State {
    next: Option<Spare>,
    reserve: Option<Spare>,
    /// One was taken and may still bear its name: a new one of that name would take its place on disk.
    taken: bool,
    wanted: Wanted,
    /// Trimmed segments to be recycled or removed, oldest first.
    discarded: VecDeque<PathBuf>,
    /// One could not be removed: those after it stay as well.
    discards_nothing: bool,
    /// Why the last attempt failed. Without room nothing is tried again until `retry`, on a failing disk never.
    trouble: Option<Trouble>,
    retry: bool,
    stop: bool,
}

#[derive(Debug)]
struct Shared {
    fs: Arc<dyn FileSystem>,
    dir: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
}

/// The log's spare segments.
#[derive(Debug)]
pub(crate) struct Spares {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

enum Job {
    Discard(PathBuf),
    Reserve(u64),
    Next(u64),
}

impl Spares {
    /// Takes over what spare files there are, prepares the reserve, and starts preparing the next segment.
    pub(crate) fn open(
        fs: &Arc<dyn FileSystem>,
        dir: &Path,
        wanted: Wanted,
        preparation: Preparation,
    ) -> io::Result<Self> {
        let state = State {
            next: adopt(&**fs, dir, NEXT, wanted.next_bytes)?,
            reserve: adopt(&**fs, dir, RESERVE, wanted.reserve_bytes)?,
            taken: false,
            wanted,
            discarded: VecDeque::new(),
            discards_nothing: false,
            trouble: None,
            retry: false,
            stop: false,
        };
        let shared =
            Shared { fs: Arc::clone(fs), dir: dir.to_owned(), state: Mutex::new(state), changed: Condvar::new() };
        let mut spares = Self { shared: Arc::new(shared), thread: None };
        if spares.shared.state().reserve.is_none() {
            spares.shared.run(Job::Reserve(wanted.reserve_bytes));
        }
        if preparation == Preparation::Background {
            let shared = Arc::clone(&spares.shared);
            let thread = std::thread::Builder::new().name("qucan-spares".to_owned());
            spares.thread = Some(thread.spawn(move || shared.work())?);
        } else {
            spares.work_inline();
        }
        spares.refuse_failing_disk()?;
        Ok(spares)
    }

    /// On a disk that fails with the first spare segment, a log isn't opened at all.
    fn refuse_failing_disk(&self) -> io::Result<()> {
        match self.shared.state().trouble.take_if(|trouble| matches!(trouble, Trouble::Failed { .. })) {
            Some(Trouble::Failed { error, .. }) => Err(error),
            _ => Ok(()),
        }
    }

    fn work_inline(&self) {
        loop {
            // Not `while let`: the lock must be free again before the work begins.
            let job = self.shared.state().job();
            match job {
                Some(job) => self.shared.run(job),
                None => return,
            }
        }
    }

    /// Lets the worker go on: the thread, or this very call.
    fn wake(&self) {
        if self.thread.is_some() { self.shared.changed.notify_all() } else { self.work_inline() }
    }

    /// Why there is no room for something now.
    pub(crate) fn problem(&self) -> Option<String> {
        self.shared.state().trouble.as_ref().map(ToString::to_string)
    }

    pub(crate) fn has_problem(&self) -> bool {
        self.shared.state().trouble.is_some()
    }

    /// Which file couldn't be prepared, and why, if the disk has failed and is not merely full.
    pub(crate) fn failure(&self) -> Option<(PathBuf, String)> {
        match &self.shared.state().trouble {
            Some(Trouble::Failed { path, error }) => Some((path.clone(), error.to_string())),
            _ => None,
        }
    }

    /// Whether there is no room after the writer itself has tried again, if that is its job.
    pub(crate) fn has_problem_still(&self) -> bool {
        if self.thread.is_none() && self.has_problem() {
            self.retry();
        }
        self.has_problem()
    }

    pub(crate) fn reserve_bytes(&self) -> u64 {
        self.shared.state().reserve.as_ref().map_or(0, |reserve| reserve.bytes)
    }

    pub(crate) fn next_bytes(&self) -> u64 {
        self.shared.state().next.as_ref().map_or(0, |next| next.bytes)
    }

    pub(crate) fn retry(&self) {
        self.shared.state().retry = true;
        self.wake();
    }

    /// Waits until a next segment of at least `bytes` is ready, having a larger one made if need be.
    pub(crate) fn ensure_next(&self, bytes: u64) -> Result<(), String> {
        let mut state = self.shared.state();
        if let Some(small) = state.next.take_if(|next| next.bytes < bytes) {
            state.discarded.push_back(small.path);
        }
        state.wanted.next_bytes = state.wanted.next_bytes.max(bytes);
        loop {
            if state.next.is_some() {
                return Ok(());
            }
            if let Some(trouble) = &state.trouble {
                return Err(trouble.to_string());
            }
            match &self.thread {
                Some(thread) if thread.is_finished() => {
                    let error = io::Error::other("the thread that prepares segments has panicked");
                    state.trouble = Some(Trouble::Failed { path: self.shared.dir.join(NEXT), error });
                }
                Some(_) => {
                    self.shared.changed.notify_all();
                    state = self.shared.wait(state, Duration::from_millis(100));
                }
                None => {
                    drop(state);
                    self.work_inline();
                    state = self.shared.state();
                }
            }
        }
    }

    /// Takes the next segment, if one of at least `bytes` is ready, and has one of `then_bytes` made.
    pub(crate) fn take_next(&self, bytes: u64, then_bytes: u64) -> Option<Spare> {
        let mut state = self.shared.state();
        let spare = state.next.take_if(|next| next.bytes >= bytes)?;
        state.wanted.next_bytes = then_bytes;
        state.taken = true;
        Some(spare)
    }

    pub(crate) fn take_reserve(&self, bytes: u64) -> Option<Spare> {
        let mut state = self.shared.state();
        let spare = state.reserve.take_if(|reserve| reserve.bytes >= bytes)?;
        state.taken = true;
        Some(spare)
    }

    /// Puts back a spare that couldn't be taken into use.
    pub(crate) fn put_back_next(&self, spare: Spare) {
        let mut state = self.shared.state();
        (state.next, state.taken) = (Some(spare), false);
    }

    /// After a spare was taken (and its file renamed): lets the worker make the next one.
    pub(crate) fn refill(&self) {
        self.shared.state().taken = false;
        self.wake();
    }

    /// Has trimmed segments recycled or removed, oldest first.
    pub(crate) fn discard(&self, paths: impl IntoIterator<Item = PathBuf>) {
        let mut state = self.shared.state();
        if !state.discards_nothing {
            state.discarded.extend(paths);
        }
        drop(state);
        self.wake();
    }

    /// Ends the preparation; what fails in it is known afterwards.
    pub(crate) fn stop(&mut self) {
        self.shared.state().stop = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was its own report.
            let _ = thread.join();
        }
    }
}

impl Drop for Spares {
    fn drop(&mut self) {
        self.stop();
    }
}

impl State {
    /// What is to be done now, if anything.
    fn job(&mut self) -> Option<Job> {
        if self.stop || matches!(self.trouble, Some(Trouble::Failed { .. })) {
            return None;
        }
        if let Some(path) = self.discarded.pop_front() {
            self.retry = true; // room may have come of it
            return Some(Job::Discard(path));
        }
        if std::mem::take(&mut self.retry) {
            return self.missing();
        }
        if self.trouble.is_some() { None } else { self.missing() }
    }

    fn missing(&mut self) -> Option<Job> {
        if self.taken {
            None
        } else if self.reserve.is_none() {
            Some(Job::Reserve(self.wanted.reserve_bytes))
        } else if self.next.is_none() {
            Some(Job::Next(self.wanted.next_bytes))
        } else {
            self.trouble = None;
            None
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, at_most: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, at_most).unwrap_or_else(PoisonError::into_inner).0
    }

    fn stopping(&self) -> bool {
        self.state().stop
    }

    /// The preparing thread.
    fn work(&self) {
        loop {
            let mut state = self.state();
            let job = loop {
                if state.stop {
                    return;
                }
                if let Some(job) = state.job() {
                    break job;
                }
                let troubled = state.trouble.is_some();
                state = self.wait(state, Duration::from_secs(PREPARE_RETRY_SECONDS));
                // On a full disk somebody else may have made room meanwhile.
                state.retry |= troubled;
            };
            drop(state);
            self.run(job);
            self.changed.notify_all();
        }
    }

    fn run(&self, job: Job) {
        let (name, outcome) = match job {
            Job::Discard(path) => {
                if let Err(error) = self.discard(&path) {
                    tracing::warn!(path = %path.display(), %error, "trimmed log segments stay until the next start");
                    // Oldest first or not at all: a log with a hole in its middle could not be read.
                    let mut state = self.state();
                    if is_segment(&path) {
                        state.discarded.retain(|path| !is_segment(path));
                        state.discards_nothing = true;
                    }
                }
                return;
            }
            Job::Reserve(bytes) => (RESERVE, self.prepare(RESERVE, bytes).map(|spare| self.state().reserve = spare)),
            Job::Next(bytes) => (NEXT, self.prepare(NEXT, bytes).map(|spare| self.keep_next(spare))),
        };
        let mut state = self.state();
        match outcome {
            Ok(()) if state.next.is_some() && state.reserve.is_some() => state.trouble = None,
            // Half of the trouble is over: the other half is tried at once.
            Ok(()) => state.retry |= state.trouble.is_some(),
            Err(error) => state.trouble = Some(Trouble::of(self.dir.join(name), error)),
        }
    }

    fn keep_next(&self, spare: Option<Spare>) {
        let mut state = self.state();
        // Meanwhile a larger one may have been asked for.
        match spare {
            Some(small) if small.bytes < state.wanted.next_bytes => state.discarded.push_back(small.path),
            spare => state.next = spare,
        }
    }

    /// Makes a spare of at least `bytes` under its final name; `None` when told to stop.
    fn prepare(&self, name: &str, bytes: u64) -> io::Result<Option<Spare>> {
        let path = self.dir.join(name);
        if let Some((recycled, bytes)) = self.recycled()?.into_iter().find(|(_, length)| *length >= bytes) {
            self.fs.rename(&recycled, &path)?;
            self.fs.sync_dir(&self.dir)?;
            let file = self.fs.open(&path, OpenMode::ReadWrite)?;
            return Ok(Some(Spare { path, file, bytes, recycled: true }));
        }
        match self.zeroed(&path, bytes) {
            Err(error) if is_no_room(&error) => {
                // Too small to be used again, but their room may do.
                let small = self.recycled()?;
                if small.is_empty() {
                    return Err(error);
                }
                for (path, _) in small {
                    self.fs.remove(&path)?;
                }
                self.zeroed(&path, bytes)
            }
            outcome => outcome,
        }
    }

    fn zeroed(&self, path: &Path, bytes: u64) -> io::Result<Option<Spare>> {
        let temporary = path.with_extension("tmp");
        remove_if_there(&*self.fs, &temporary)?;
        let made = self.fs.create(&temporary).and_then(|file| {
            let mut at = 0;
            while at < bytes {
                if self.stopping() {
                    return Ok(None);
                }
                let end = at.saturating_add(wide(ZERO_CHUNK_BYTES)).min(bytes);
                write_zeros_at(&*file, at, end)?;
                file.sync_data()?;
                at = end;
            }
            self.fs.rename(&temporary, path)?;
            self.fs.sync_dir(&self.dir)?;
            Ok(Some(Spare { path: path.to_owned(), file, bytes, recycled: false }))
        });
        if !matches!(made, Ok(Some(_))) {
            // Half a spare only takes room. If it can't be removed now, the next open does.
            let _ = self.fs.remove(&temporary);
        }
        made
    }

    /// Recycled files, smallest first.
    fn recycled(&self) -> io::Result<Vec<(PathBuf, u64)>> {
        let mut files: Vec<_> = self
            .fs
            .list(&self.dir)?
            .into_iter()
            .filter(|entry| entry.name.starts_with(RECYCLED_PREFIX))
            .map(|entry| (self.dir.join(entry.name), entry.len))
            .collect();
        files.sort_by_key(|(_, bytes)| *bytes);
        Ok(files)
    }

    /// Keeps a trimmed file for reuse, or removes it.
    fn discard(&self, path: &Path) -> io::Result<()> {
        let keep = self.recycled()?.len() < RECYCLED_SEGMENTS_MAX && self.state().trouble.is_none();
        match path.file_stem().filter(|_| keep) {
            Some(stem) => {
                let name = format!("{RECYCLED_PREFIX}{}.spare", stem.to_string_lossy());
                self.fs.rename(path, &self.dir.join(name))?;
            }
            None => self.fs.remove(path)?,
        }
        self.fs.sync_dir(&self.dir)
    }
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "seg")
}

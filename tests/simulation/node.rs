//! A node's process: the engine on a simulated disk, killed and started again, and its line. It may refuse to start or stop
//! working only where its disk was made to fail, and then says what is wrong.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use qucan::domain::context::Settings;
use qucan::domain::time::Millis;
use qucan::engine::EngineOptions;
use qucan::engine::clock::Clock;
use qucan::engine::stepped::Stepped;
use qucan::node::LogSource;
use qucan_replication::{Identity, Point};
use qucan_storage::fs::{CrashPolicy, FileSystem, SimFs};
use qucan_storage::log::{LogOptions, LogReader, Preparation};
use qucan_storage::snapshot::SnapshotStore;
use qucan_storage::table::{SimTables, TablesImage};
use qucan_storage::{Epoch, Position, Sequence};

use crate::clock::SimClock;
use crate::history;
use crate::line::Line;

/// Business days for which closed orders are answered.
pub const KEEP_DAYS: u16 = 3;

pub struct Node {
    pub fs: SimFs,
    pub tables: SimTables,
    pub clock: Arc<SimClock>,
    pub engine: Option<Stepped>,
    pub line: Line,
    pub up_at: Duration,
    /// Something was planned that makes the disk fail.
    pub fault_planned: bool,
    /// Ends of the groups of its history at which answers were heard, the newest last.
    pub heads: Vec<Position>,
    /// A bit on its disk is another; and whether it has not been started since.
    pub rotten: bool,
    pub just_rotten: bool,
    /// Why it can't be started any more.
    pub refuses: Option<String>,
    /// It has written down that it is fenced.
    pub fence_kept: bool,
    /// Every group that was committed, where the log is trimmed: what the oracle reads instead.
    pub tape: Option<Vec<(Position, Vec<u8>)>>,
    /// How its projection once was.
    pub older_tables: Option<TablesImage>,
    /// What it answers has not been compared with its log since it was started.
    pub just_started: bool,
    options: EngineOptions,
    instance: u128,
}

/// A node's disk at some time.
pub struct Copy {
    pub fs: SimFs,
    pub tables: TablesImage,
    pub heads: Vec<Position>,
    pub rotten: bool,
}

impl Copy {
    /// Where its history ends.
    pub fn head(&self) -> Position {
        self.heads.last().copied().unwrap_or(Position::ORIGIN)
    }
}

/// What came of a start.
pub enum Started {
    Runs,
    /// The disk kept it from it, as planned.
    NotYet,
    /// Not before somebody has mended it.
    Refuses,
}

/// Small segments, so that a run rolls through several; no threads.
pub fn log_options() -> LogOptions {
    LogOptions {
        create: false,
        segment_bytes_first: 24 << 10,
        segment_bytes_max: 48 << 10,
        reserve_bytes: 24 << 10,
        preparation: Preparation::Inline,
    }
}

/// A process may refuse to start where nothing can be written.
pub fn is_full(fs: &SimFs) -> bool {
    fs.free_space(Path::new("/")).unwrap() < 1 << 20
}

/// A position as replication knows it.
pub fn point(at: Position) -> Point {
    Point { sequence: at.sequence.0, hash: at.hash.0 }
}

/// Whether an error says where to look.
pub fn is_named(error: &str) -> bool {
    error.contains("/node") || error.contains("/centre")
}

impl Node {
    pub fn new(name: &str, seed: u64, snapshot_every_entries: u64) -> Self {
        let (fs, tables, clock) = (SimFs::new(seed), SimTables::default(), Arc::new(SimClock::default()));
        let mut options = EngineOptions::new("/node", name.parse().unwrap());
        options.settings = Settings {
            pay_within: Millis::seconds(20),
            accept_within: Millis::seconds(15),
            auto_after: Millis::seconds(30),
            open_orders_per_member_max: Some(6),
        };
        options.grace = Millis::seconds(1);
        options.snapshot_every_entries = snapshot_every_entries;
        options.closed_orders_days = KEEP_DAYS;
        options.has_centre = true;
        options.log = log_options();
        options.clock = Arc::clone(&clock) as Arc<dyn Clock>;
        options.fs = fs.shared();
        options.tables = tables.shared();
        Self {
            fs,
            tables,
            clock,
            engine: None,
            line: Line::default(),
            up_at: Duration::ZERO,
            fault_planned: false,
            heads: Vec::new(),
            rotten: false,
            just_rotten: false,
            refuses: None,
            fence_kept: false,
            tape: None,
            older_tables: None,
            just_started: false,
            options,
            instance: u128::from(seed) << 64,
        }
    }

    /// The same machine once more, with a copy of a disk.
    pub fn twin(&self, copy: &Copy, seed: u64) -> Self {
        let mut node = Self::new(self.options.region.as_str(), seed, self.options.snapshot_every_entries);
        node.clock.jump(self.clock.jumped());
        node.put(copy);
        node
    }

    /// Its log is trimmed from so many bytes on; nothing that it had committed is forgotten by the oracle.
    pub fn trims(&mut self, log_bytes_max: u64) {
        self.options.log_bytes_max = log_bytes_max;
        self.tape = Some(Vec::new());
    }

    /// Takes down what was committed since the last time.
    pub fn is_taped(&mut self) -> Result<(), String> {
        let (Some(last), Some(tape)) = (self.engine.as_ref().map(Stepped::last), &mut self.tape) else { return Ok(()) };
        let after = tape.last().map_or(Position::ORIGIN, |(at, _)| *at);
        if after != last {
            match history::groups(&self.fs, &self.options.data_dir.join("log"), after.sequence, last) {
                Ok(groups) => tape.extend(groups),
                // The power is off again; it is taken down after the next start.
                Err(_) if self.fault_planned => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Its disk as it is now.
    pub fn copy(&self) -> Copy {
        Copy { fs: self.fs.backup(), tables: self.tables.image(), heads: self.heads.clone(), rotten: self.rotten }
    }

    /// Puts a copy in the place of the disk. The process is gone.
    pub fn put(&mut self, copy: &Copy) {
        self.fs.restore(&copy.fs);
        self.tables.put(&copy.tables);
        self.is_another(copy.heads.clone(), copy.rotten);
    }

    /// The disk is another one.
    pub fn is_another(&mut self, heads: Vec<Position>, rotten: bool) {
        (self.heads, self.rotten) = (heads, rotten);
        (self.just_rotten, self.refuses, self.fence_kept) = (rotten, None, false);
    }

    /// Starts it.
    pub fn start(&mut self) -> Result<Started, String> {
        self.instance += 1;
        match Stepped::open(&self.options) {
            Ok(engine) => {
                if self.fence_kept && engine.handle().status().fenced.is_none() {
                    return Err("a fence was forgotten over a restart".to_owned());
                }
                (self.engine, self.just_started) = (Some(engine), true);
                Ok(Started::Runs)
            }
            Err(_) if self.fault_planned || is_full(&self.fs) => Ok(Started::NotYet),
            Err(error) if self.rotten => {
                let error = error.to_string();
                if !is_named(&error) {
                    return Err(format!("rot was refused without a place: {error}"));
                }
                self.refuses = Some(error);
                Ok(Started::Refuses)
            }
            Err(error) => Err(format!("the region can't start: {error}")),
        }
    }

    /// After a start: whether all that was answered is there. Only right after a bit was flipped the very last group may be
    /// missing, because nothing proves it; then where the history ends now.
    pub fn what_is_left(&mut self) -> Result<Option<Sequence>, String> {
        let Some(head) = self.heads.last().copied() else { return Ok(None) };
        let was_rotten = std::mem::take(&mut self.just_rotten);
        if self.has(head)? {
            return Ok(None);
        }
        self.heads.pop();
        let before = self.heads.last().copied().unwrap_or(Position::ORIGIN);
        if was_rotten && self.has(before)? {
            return Ok(Some(before.sequence));
        }
        Err(format!("entries up to {} were acknowledged and are gone without a word", head.sequence))
    }

    fn has(&self, at: Position) -> Result<bool, String> {
        if at == Position::ORIGIN {
            return Ok(true);
        }
        if self.last().is_none_or(|last| last.sequence < at.sequence) {
            return Ok(false);
        }
        match LogReader::open(self.fs.shared(), &self.log_dir(), at.sequence) {
            Ok(reader) => Ok(reader.position() == Some(at)),
            // The power is off again.
            Err(_) if self.fault_planned => Ok(true),
            // Older rot that a start need not read: it is named by whoever reads it.
            Err(error) if self.rotten && is_named(&error.to_string()) => Ok(true),
            Err(error) => Err(format!("the log can't be read at {}: {error}", at.sequence)),
        }
    }

    /// The power is cut, or (`None`) the process killed.
    pub fn dies(&mut self, policy: Option<CrashPolicy>) {
        end_process(&self.fs, policy);
        self.tables.kill();
        self.engine = None;
        self.fault_planned = false;
    }

    pub fn is_fenced(&self) -> bool {
        self.engine.as_ref().is_some_and(|engine| engine.handle().status().fenced.is_some())
    }

    pub fn dir(&self) -> &Path {
        &self.options.data_dir
    }

    pub fn log_dir(&self) -> PathBuf {
        self.options.data_dir.join("log")
    }

    pub fn last(&self) -> Option<Position> {
        self.engine.as_ref().map(Stepped::last)
    }

    pub fn source(&self) -> Option<LogSource> {
        let engine = self.engine.as_ref()?;
        let status = engine.handle().status();
        let (region, epoch) = (status.region.to_string(), u32::from(status.epoch));
        Some(LogSource {
            engine: engine.handle().clone(),
            bytes_behind: Box::new(|_| 0),
            fs: self.fs.shared(),
            log_dir: engine.dir().log(),
            snapshots: SnapshotStore::read_only(self.fs.shared(), &engine.dir().snapshot()),
            identity: Identity { region, epoch, instance: self.instance, announcement: Vec::new() },
            reader: None,
        })
    }

    /// Builds a restored disk: groups under a granted epoch, as a restore from the centre does.
    pub fn is_restored(&mut self, seed: u64, epoch: Epoch, groups: &[Vec<u8>], end: Position) -> Result<(), String> {
        use qucan::engine::EngineLimits;
        use qucan::engine::replica::{Replica, ReplicaOptions};
        use qucan_storage::log::Group;

        self.fs.restore(&SimFs::new(seed));
        self.tables.lose();
        let options = ReplicaOptions {
            data_dir: self.options.data_dir.clone(),
            region: self.options.region.clone(),
            closed_orders_days: KEEP_DAYS,
            projection: false,
            snapshot_every_entries: u64::MAX,
            log_bytes_max: u64::MAX,
            log: log_options(),
            clock: Arc::clone(&self.options.clock),
            fs: Arc::clone(&self.options.fs),
            limits: EngineLimits::default(),
        };
        let failed = |error: &dyn std::fmt::Display| format!("a restore failed on a healthy disk: {error}");
        let (replica, applier) = Replica::open(options, None).map_err(|error| failed(&error))?;
        drop(applier);
        replica.grant(epoch).map_err(|error| failed(&error))?;
        for page in groups.chunks(16) {
            let parsed = page.iter().map(|group| Group::parse(group)).collect::<Result<Vec<_>, _>>();
            let parsed = parsed.map_err(|error| failed(&error))?;
            replica.append(&parsed).map_err(|error| failed(&error))?;
        }
        if replica.received() != end {
            return Err(format!("a restore ends at {:?}, the centre at {end:?}", replica.received()));
        }
        replica.stop().map_err(|error| failed(&error))?;
        self.is_another(if end == Position::ORIGIN { Vec::new() } else { vec![end] }, false);
        Ok(())
    }
}

/// Ends everything that a process has open, before what it was is dropped.
pub fn end_process(fs: &SimFs, policy: Option<CrashPolicy>) {
    match policy {
        Some(policy) => fs.crash(policy),
        None => fs.kill(),
    }
    fs.set_capacity(None);
}

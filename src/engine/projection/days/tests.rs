//! Which days are open, and for how long.

use qucan_storage::table::{self, TableBatch, Trees};
use qucan_storage::{ChainHash, Epoch, Sequence, fs};

use super::*;
use crate::domain::id::RegionId;
use crate::engine::clock::SystemClock;
use crate::engine::projection::Chain;
use crate::engine::shared::Shared;
use crate::engine::views::Views;
use crate::engine::views::overlay::Overlay;

const FIRST: BusinessDay = BusinessDay(20_780);

/// The tables on disk, and the caches that were asked for, by the name of the directory.
#[derive(Debug, Default)]
struct Caches(Mutex<Vec<(String, u64)>>);

impl TableStore for Caches {
    fn open(&self, dir: &Path, trees: &[&str], options: TableOptions) -> Result<Box<dyn Trees>, TableError> {
        let name = dir.file_name().unwrap().to_string_lossy().into_owned();
        self.0.lock().push((name, options.cache_bytes));
        OnDisk.open(dir, trees, options)
    }

    fn directories(&self, below: &Path) -> std::io::Result<Vec<String>> {
        OnDisk.directories(below)
    }

    fn free_space(&self, dir: &Path) -> std::io::Result<u64> {
        OnDisk.free_space(dir)
    }

    fn move_aside(&self, dir: &Path, aside: &Path) -> Result<(), TableError> {
        OnDisk.move_aside(dir, aside)
    }

    fn remove(&self, dir: &Path) -> Result<(), TableError> {
        OnDisk.remove(dir)
    }
}

/// So many days, each stamped, as the follower makes them.
fn days(count: u16) -> (tempfile::TempDir, Days, Vec<Arc<Day>>) {
    days_in(count, table::on_disk())
}

fn days_in(count: u16, tables: Arc<dyn TableStore>) -> (tempfile::TempDir, Days, Vec<Arc<Day>>) {
    let home = tempfile::tempdir().unwrap();
    let views = Views::new("east".parse::<RegionId>().unwrap(), Overlay::default());
    let shared = Arc::new(Shared::new(Arc::new(views), Arc::new(SystemClock), 1, usize::MAX));
    let chain = Chain { fs: fs::real(), log_dir: home.path().join("log"), started_at: Sequence(7), shared };
    let place = Place { dir: home.path().join("state"), tables, fs: fs::real(), chain };
    let days = Days::new(place, RegionTag(0));
    days.list().unwrap();
    let make = |number| {
        let day = days.make(BusinessDay(FIRST.0 + number));
        stamp(&days, &day);
        day
    };
    let made: Vec<_> = (0..count).map(make).collect();
    (home, days, made)
}

fn stamp(days: &Days, day: &Day) {
    let position = Position { sequence: Sequence(7), hash: ChainHash([7; 32]) };
    days.with_mut(day, |tables| Ok(tables.apply(&TableBatch::new(), Epoch(1), position)?)).unwrap();
}

fn ask(days: &Days, day: &Day) {
    days.with(day, |tables| Ok(tables.get(ORDERS, b"none")?)).unwrap();
}

fn open(made: &[Arc<Day>]) -> Vec<bool> {
    made.iter().map(|day| day.reader.read().is_some() && day.tables.lock().is_some()).collect()
}

#[test]
fn a_day_that_nobody_uses_gives_its_memory_back_and_the_newest_stays() {
    let (_home, days, made) = days(3);
    assert_eq!(open(&made), [true, true, true]);
    let moment = Duration::from_millis(1);
    days.look(PROJECTION_DAY_UNUSED - moment);
    assert_eq!(open(&made), [true, true, true], "not before its time");
    ask(&days, &made[0]);
    days.look(PROJECTION_DAY_UNUSED);
    assert_eq!(open(&made), [true, false, true], "whoever is asked stays, read or written");
    stamp(&days, &made[1]);
    days.look(PROJECTION_DAY_UNUSED * 2 - moment);
    assert_eq!(open(&made), [false, true, true]);
    days.look(PROJECTION_DAY_UNUSED * 9);
    assert_eq!(open(&made), [false, false, true]);
    ask(&days, &made[0]);
    assert_eq!(open(&made), [true, false, true], "opened again for whoever asks");
}

#[test]
fn a_day_in_use_is_not_closed() {
    let (_home, days, made) = days(2);
    days.with(&made[0], |tables| {
        days.look(PROJECTION_DAY_UNUSED * 2);
        Ok(tables.get(ORDERS, b"none")?)
    })
    .unwrap();
    assert_eq!(open(&made), [true, true]);
}

#[test]
fn finding_out_who_has_orders_on_a_day_does_not_keep_it_open() {
    let (_home, days, made) = days(3);
    days.know_members().unwrap();
    assert!(made[0].members.read().is_some() && made[1].members.read().is_none());
    assert_eq!(open(&made), [false, true, true]);
}

#[test]
fn an_older_day_is_opened_with_a_small_cache() {
    let caches = Arc::new(Caches::default());
    let (_home, days, made) = days_in(2, Arc::clone(&caches) as _);
    days.look(PROJECTION_DAY_UNUSED);
    ask(&days, &made[0]);
    let (older, newest) = (name_of(FIRST), name_of(BusinessDay(FIRST.0 + 1)));
    let large = TableOptions::default().cache_bytes;
    let asked = [(older.clone(), large), (newest, large), (older, PROJECTION_OLDER_CACHE_BYTES)];
    assert_eq!(*caches.0.lock(), asked);
}

//! What the simulated disk promises to those who test with it.

use std::path::Path;

use super::*;
use crate::fs::write_all_at;

const DIR: &str = "/data";

fn fs() -> SimFs {
    let fs = SimFs::new(7);
    fs.create_dir_all(Path::new(DIR)).unwrap();
    fs.sync_dir(Path::new("/")).unwrap();
    fs
}

fn path(name: &str) -> PathBuf {
    Path::new(DIR).join(name)
}

#[test]
fn unsynced_bytes_are_lost_and_synced_ones_kept() {
    let fs = fs();
    let file = fs.create(&path("a")).unwrap();
    write_all_at(&*file, b"kept", 0).unwrap();
    file.sync_data().unwrap();
    fs.sync_dir(Path::new(DIR)).unwrap();
    write_all_at(&*file, b"lost", 0).unwrap();
    fs.crash(CrashPolicy::DropUnsynced);
    assert_eq!(fs.contents(&path("a")).unwrap(), b"kept");
    assert!(file.read_at(&mut [0; 4], 0).is_err(), "handles die with their life");
}

#[test]
fn a_synced_file_without_a_synced_directory_has_no_name() {
    let fs = fs();
    let file = fs.create(&path("a")).unwrap();
    file.sync_data().unwrap();
    fs.crash(CrashPolicy::DropUnsynced);
    assert!(!fs.try_exists(&path("a")).unwrap());
}

#[test]
fn a_rename_that_was_not_synced_may_be_undone_but_never_loses_both_names() {
    for seed in 0..32 {
        let fs = fs();
        for (name, bytes) in [("old", b"old"), ("new", b"new")] {
            let file = fs.create(&path(name)).unwrap();
            write_all_at(&*file, bytes, 0).unwrap();
            file.sync_data().unwrap();
        }
        fs.sync_dir(Path::new(DIR)).unwrap();
        fs.rename(&path("new"), &path("old")).unwrap();
        fs.crash(CrashPolicy::Random(seed));
        let bytes = fs.contents(&path("old")).unwrap();
        let undone = fs.try_exists(&path("new")).unwrap();
        assert_eq!(bytes, if undone { b"old" } else { b"new" });
    }
}

#[test]
fn a_failed_sync_loses_the_bytes_even_if_the_next_one_succeeds() {
    let fs = fs();
    let file = fs.create(&path("a")).unwrap();
    write_all_at(&*file, b"....", 0).unwrap();
    file.sync_data().unwrap();
    fs.sync_dir(Path::new(DIR)).unwrap();
    write_all_at(&*file, b"lost", 0).unwrap();
    fs.plan(Fault::nth(Operation::Sync, 1, FaultKind::Error));
    assert!(file.sync_data().is_err());
    assert!(file.sync_data().is_ok());
    assert!(fs.fault_reached());
    fs.crash(CrashPolicy::KeepUnsynced);
    assert_eq!(fs.contents(&path("a")).unwrap(), b"....");
}

#[test]
fn a_kill_loses_nothing() {
    let fs = fs();
    let file = fs.create(&path("a")).unwrap();
    write_all_at(&*file, b"kept", 0).unwrap();
    fs.kill();
    assert_eq!(fs.contents(&path("a")).unwrap(), b"kept");
    assert!(file.length().is_err());
}

#[test]
fn after_a_power_cut_nothing_works_until_the_crash() {
    let fs = fs();
    let file = fs.create(&path("a")).unwrap();
    fs.plan(Fault::nth(Operation::Write, 1, FaultKind::PowerCut));
    assert!(file.write_at(b"halfhalf", 0).is_err());
    assert!(file.sync_data().is_err());
    assert!(fs.create(&path("b")).is_err());
    fs.crash(CrashPolicy::KeepUnsynced);
    assert_eq!(fs.contents(&path("a")).unwrap(), b"half");
}

#[test]
fn a_full_disk_refuses_growth_but_not_overwriting() {
    let fs = fs();
    let file = fs.create(&path("a")).unwrap();
    write_all_at(&*file, &[1; 100], 0).unwrap();
    fs.set_capacity(Some(100));
    assert!(crate::fs::is_no_room(&file.write_at(b"x", 100).unwrap_err()));
    write_all_at(&*file, &[2; 100], 0).unwrap();
    fs.set_capacity(None);
    write_all_at(&*file, b"x", 100).unwrap();
}

#[test]
fn a_lock_is_held_once_and_freed_by_drop_or_kill() {
    let fs = fs();
    let first = fs.try_lock(&path("LOCK")).unwrap();
    assert!(first.is_some());
    assert!(fs.try_lock(&path("LOCK")).unwrap().is_none());
    drop(first);
    let second = fs.try_lock(&path("LOCK")).unwrap();
    assert!(second.is_some());
    fs.kill();
    assert!(fs.try_lock(&path("LOCK")).unwrap().is_some());
}

#[test]
fn a_backup_is_a_disk_of_its_own_and_can_be_put_back() {
    let fs = fs();
    let file = fs.create(&path("a")).unwrap();
    write_all_at(&*file, b"then", 0).unwrap();
    let backup = fs.backup();
    write_all_at(&*file, b"now!", 0).unwrap();
    drop(fs.create(&path("b")).unwrap());
    assert_eq!(backup.contents(&path("a")).unwrap(), b"then");
    fs.restore(&backup);
    fs.crash(CrashPolicy::DropUnsynced);
    assert_eq!(fs.contents(&path("a")).unwrap(), b"then");
    assert!(!fs.try_exists(&path("b")).unwrap());
    assert!(file.length().is_err(), "what worked on it is gone");
}

#[test]
fn a_forgotten_sync_loses_what_it_was_asked_for() {
    let fs = fs();
    let file = fs.create(&path("a")).unwrap();
    fs.sync_dir(Path::new(DIR)).unwrap();
    fs.ignore_syncs(true);
    write_all_at(&*file, b"lost", 0).unwrap();
    file.sync_data().unwrap();
    fs.crash(CrashPolicy::DropUnsynced);
    assert_eq!(fs.contents(&path("a")).unwrap(), b"");
}

#[test]
fn a_forgotten_directory_sync_loses_names_and_keeps_bytes() {
    let fs = fs();
    let file = fs.create(&path("a")).unwrap();
    fs.sync_dir(Path::new(DIR)).unwrap();
    fs.ignore_directory_syncs(true);
    write_all_at(&*file, b"kept", 0).unwrap();
    file.sync_data().unwrap();
    drop(fs.create(&path("b")).unwrap());
    fs.rename(&path("a"), &path("c")).unwrap();
    fs.sync_dir(Path::new(DIR)).unwrap();
    fs.crash(CrashPolicy::DropUnsynced);
    assert_eq!(fs.files(), [path("a")]);
    assert_eq!(fs.contents(&path("a")).unwrap(), b"kept");
    let losses = fs.losses();
    assert_eq!((losses.names_undone, losses.renames_undone), (1, 1));
}

#[test]
fn losses_of_a_power_cut_are_counted_by_what_became_of_the_blocks() {
    let mut seen = Losses::default();
    for seed in 0..64 {
        let fs = fs();
        let file = fs.create(&path("a")).unwrap();
        fs.sync_dir(Path::new(DIR)).unwrap();
        write_all_at(&*file, &[7; 8 * 512], 0).unwrap();
        fs.crash(CrashPolicy::Random(seed));
        let losses = fs.losses();
        assert_eq!(losses.blocks_lost + losses.blocks_kept + losses.blocks_torn, 8);
        seen.blocks_lost += losses.blocks_lost;
        seen.blocks_kept += losses.blocks_kept;
        seen.blocks_torn += losses.blocks_torn;
    }
    assert!(seen.blocks_lost > 0 && seen.blocks_kept > 0 && seen.blocks_torn > 0, "{seen:?}");
}

#[test]
fn what_is_taken_away_is_gone_for_good() {
    let fs = fs();
    drop(fs.create(&path("a")).unwrap());
    fs.sync_dir(Path::new(DIR)).unwrap();
    drop(fs.create(&path("b")).unwrap());
    fs.take_away(Path::new(DIR));
    assert!(!fs.try_exists(Path::new(DIR)).unwrap());
    fs.crash(CrashPolicy::KeepUnsynced);
    assert!(fs.files().is_empty() && !fs.try_exists(Path::new(DIR)).unwrap());
}

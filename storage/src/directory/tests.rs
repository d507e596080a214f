//! What a data directory promises.

use std::process::Command;

use super::*;
use crate::fs::{CrashPolicy, Fault, FaultKind, Operation, SimFs, real};

const PATH: &str = "/srv/qucan/east";
const EAST: Expect<'static> = Expect { region: Some("east"), create: true };

fn open(fs: &SimFs, expect: Expect<'_>) -> Result<DataDir, DirectoryError> {
    DataDir::open(fs.shared(), Path::new(PATH), expect)
}

/// The error of opening a directory that holds these files, which must be left as they are.
fn refused(files: &[(&str, &str)], expect: Expect<'_>) -> DirectoryError {
    let fs = SimFs::new(1);
    fs.create_dir_all(Path::new(PATH)).unwrap();
    for (name, text) in files {
        let file = fs.create(&Path::new(PATH).join(name)).unwrap();
        crate::fs::write_all_at(&*file, text.as_bytes(), 0).unwrap();
    }
    let names = || -> Vec<String> {
        let entries = fs.list(Path::new(PATH)).unwrap();
        entries.into_iter().map(|entry| entry.name).filter(|name| name != LOCK).collect()
    };
    let before = names();
    let error = open(&fs, expect).unwrap_err();
    assert_eq!(names(), before, "{error}");
    for (name, text) in files {
        assert_eq!(fs.contents(&Path::new(PATH).join(name)).unwrap(), text.as_bytes());
    }
    error
}

fn identity(region: &str) -> String {
    Identity { region: region.to_owned(), epoch: Epoch(4), log_began: true }.encode()
}

#[test]
fn a_new_directory_belongs_to_its_region_from_then_on() {
    let fs = SimFs::new(1);
    let mut dir = open(&fs, EAST).unwrap();
    assert_eq!((dir.epoch(), dir.log_began()), (Epoch::FIRST, false));
    dir.mark_log_began().unwrap();
    dir.set_epoch(Epoch(2)).unwrap();
    drop(dir);
    fs.crash(CrashPolicy::DropUnsynced);
    let dir = open(&fs, Expect { region: None, create: false }).unwrap();
    let expected = Identity { region: "east".to_owned(), epoch: Epoch(2), log_began: true };
    assert_eq!(dir.identity(), &expected);
    for room in [dir.log(), dir.snapshot(), dir.state()] {
        assert!(fs.try_exists(&room).unwrap());
    }
    let text = String::from_utf8(fs.contents(&Path::new(PATH).join(IDENTITY)).unwrap()).unwrap();
    assert!(text.contains("region = east\nepoch = 2\n"), "{text}");
}

#[test]
fn a_directory_that_is_not_ours_is_one_clear_error_and_stays_as_it_was() {
    let no_create = Expect { create: false, ..EAST };
    let west = identity("west");
    let newer = identity("east").replace("format = 1", "format = 2");
    let damaged = identity("east").replace("epoch = 4", "epoch = 5");
    let cases = [
        (vec![("diary.txt", "dear diary")], EAST, "diary.txt"),
        (vec![], no_create, "no data directory"),
        (vec![(IDENTITY, &*west)], EAST, "region \"west\", not \"east\""),
        (vec![(IDENTITY, &*newer)], EAST, "format 2 is newer"),
        (vec![(IDENTITY, &*damaged)], EAST, "check doesn't match"),
        (vec![(IDENTITY, "")], EAST, "restore"),
        (vec![(IDENTITY, "\u{fffd}\u{0}")], EAST, "restore"),
        (vec![], Expect { region: Some(""), create: true }, "1 to 64 bytes"),
        (vec![], Expect { region: Some("a\nb"), create: true }, "no line break"),
    ];
    for (files, expect, text) in cases {
        let error = refused(&files, expect).to_string();
        assert!(error.contains(text), "{error}");
    }
    let error = open(&SimFs::new(1), no_create).unwrap_err();
    assert!(matches!(error, DirectoryError::Missing { .. }));
}

#[test]
fn an_unreadable_directory_is_an_error_that_names_it() {
    let fs = SimFs::new(1);
    fs.create_dir_all(Path::new("/srv/qucan")).unwrap();
    fs.create(Path::new(PATH)).unwrap(); // a file where the directory should be
    let error = open(&fs, EAST).unwrap_err();
    assert!(matches!(error, DirectoryError::Io { .. }) && error.to_string().contains(PATH), "{error}");
}

#[test]
fn a_second_opening_is_refused_until_the_first_is_gone() {
    let fs = SimFs::new(1);
    let first = open(&fs, EAST).unwrap();
    assert!(matches!(open(&fs, EAST), Err(DirectoryError::InUse { .. })));
    drop(first);
    open(&fs, EAST).unwrap();
}

/// Run by the test below as another process: with the directory in this variable, says what it got.
#[test]
fn second_process() {
    let Ok(path) = std::env::var("QUCAN_TEST_SECOND_PROCESS") else { return };
    let outcome = DataDir::open(real(), Path::new(&path), EAST);
    std::fs::write(Path::new(&path).with_extension("outcome"), format!("{outcome:?}")).unwrap();
}

#[test]
fn a_second_process_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("data");
    let ask = || {
        let test = std::env::current_exe().unwrap();
        let mut command = Command::new(test);
        command.args(["directory::tests::second_process", "--exact"]).env("QUCAN_TEST_SECOND_PROCESS", &path);
        assert!(command.output().unwrap().status.success());
        std::fs::read_to_string(path.with_extension("outcome")).unwrap()
    };
    let dir = DataDir::open(real(), &path, EAST).unwrap();
    assert!(ask().contains("InUse"));
    drop(dir);
    assert!(ask().starts_with("Ok"));
}

#[test]
fn a_power_cut_at_every_step_leaves_a_directory_that_opens() {
    for nth in 1.. {
        let fs = SimFs::new(nth);
        fs.plan(Fault::nth(Operation::AnyChange, nth, FaultKind::PowerCut));
        let done = open(&fs, EAST).and_then(|mut dir| dir.mark_log_began());
        let reached = fs.fault_reached();
        fs.crash(CrashPolicy::Random(nth));
        let dir = open(&fs, EAST).unwrap();
        assert_eq!(dir.identity().region, "east");
        if done.is_ok() {
            assert!(dir.log_began(), "step {nth}");
        }
        if !reached {
            assert!(nth > 10, "too few steps: {nth}");
            return;
        }
    }
}

#[test]
fn a_fence_is_remembered_over_a_power_cut_until_it_is_lifted() {
    let fs = SimFs::new(1);
    let fence = open(&fs, EAST).unwrap().fence();
    assert_eq!(fence.read().unwrap(), None);
    fence.write(None).unwrap();
    fence.write(Some("epoch 2 was granted")).unwrap();
    fs.crash(CrashPolicy::DropUnsynced);
    assert_eq!(open(&fs, EAST).unwrap().fence().read().unwrap().as_deref(), Some("epoch 2 was granted"));
    fence.write(Some(&"界".repeat(2_000))).unwrap();
    assert_eq!(fence.read().unwrap().unwrap().chars().count(), crate::limits::FENCE_CHARS_MAX);
    fence.write(None).unwrap();
    fs.crash(CrashPolicy::DropUnsynced);
    assert_eq!(fence.read().unwrap(), None);
}

#[test]
fn a_directory_that_was_given_up_is_another_s() {
    let fs = SimFs::new(1);
    let mut one = open(&fs, EAST).unwrap();
    assert!(matches!(open(&fs, EAST), Err(DirectoryError::InUse { .. })));
    one.give_up();
    let mut other = open(&fs, EAST).unwrap();
    assert!(
        matches!(one.set_epoch(Epoch(9)), Err(DirectoryError::InUse { .. })),
        "it has nothing to write here any more"
    );
    other.set_epoch(Epoch(2)).unwrap();
}

#[test]
fn a_first_start_that_was_interrupted_anywhere_leaves_nothing_that_a_power_cut_could_take() {
    for kind in [FaultKind::Error, FaultKind::NoSpace, FaultKind::PowerCut] {
        for nth in 1.. {
            let fs = SimFs::new(nth);
            fs.plan(Fault::nth(Operation::AnyChange, nth, kind));
            let path = Path::new("/var/lib/qucan/regions/east");
            let first = DataDir::open(fs.shared(), path, Expect { region: Some("east"), create: true });
            let interrupted = fs.fault_reached();
            drop(first);
            fs.kill();
            let mut dir = DataDir::open(fs.shared(), path, Expect { region: Some("east"), create: true }).unwrap();
            dir.mark_log_began().unwrap();
            drop(dir);
            fs.crash(CrashPolicy::DropUnsynced);
            let dir = DataDir::open(fs.shared(), path, Expect { region: None, create: false }).unwrap();
            assert!(dir.log_began(), "{kind:?} at operation {nth}");
            if !interrupted {
                break;
            }
        }
    }
}

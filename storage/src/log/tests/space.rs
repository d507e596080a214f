//! Room: a full disk refuses new orders, keeps a reserve for what lets open ones end, and passes.

use super::*;

fn fill(log: &mut Log, class: SpaceClass) -> (u64, AppendError) {
    let mut group = GroupBuffer::new();
    for n in 0..5_000 {
        group.clear();
        group.push(&entry(n, 900)).unwrap();
        if let Err(error) = log.append(&mut group, class) {
            return (n, error);
        }
    }
    panic!("a disk without end")
}

#[test]
fn a_full_disk_keeps_a_reserve_and_sells_again_when_there_is_room() {
    let fs = SimFs::new(1);
    let (mut log, ..) = open(&fs);
    assert_eq!(log.space(), Space::Ample);
    fs.set_capacity(Some(fs.used() + 10_000));
    let (normal, error) = fill(&mut log, SpaceClass::Normal);
    assert!(matches!(error, AppendError::NoRoom { .. }), "{error}");
    assert!(normal > 10, "{normal}");
    assert_eq!(log.space(), Space::ReserveOnly);
    assert!(log.space_problem().is_some());
    log.ensure_room(5000, SpaceClass::Critical).unwrap();
    assert!(matches!(log.ensure_room(50, SpaceClass::Normal), Err(AppendError::NoRoom { .. })));
    let (critical, error) = fill(&mut log, SpaceClass::Critical);
    assert!(matches!(error, AppendError::NoRoom { .. }), "{error}");
    assert!(critical > 10, "only {critical} critical entries fitted");
    assert_eq!(log.space(), Space::None);
    assert!(!log.is_poisoned());

    fs.set_capacity(None);
    log.retry_preparation();
    assert_eq!((log.space(), log.space_problem()), (Space::Ample, None));
    append(&mut log, &[entry(1, 900)]).unwrap();
    let count = normal + critical + 1;
    drop(log);
    assert_eq!(open(&fs).2.len() as u64, count);
}

#[test]
fn room_that_was_promised_is_there_though_the_disk_fills_meanwhile() {
    let fs = SimFs::new(1);
    let (mut log, ..) = open(&fs);
    let mut group = GroupBuffer::new();
    group.push(&entry(0, 900)).unwrap();
    log.ensure_room(group.bytes(), SpaceClass::Normal).unwrap();
    fs.set_capacity(Some(fs.used()));
    drop(log.spares.take_next(1, 16 << 10));
    log.spares.refill();
    assert_eq!(log.space(), Space::ReserveOnly);
    log.append(&mut group, SpaceClass::Normal).unwrap();
    assert!(matches!(append(&mut log, &[entry(1, 10)]), Err(AppendError::NoRoom { .. })), "promised once");
}

#[test]
fn no_new_spare_takes_the_name_of_one_that_is_becoming_a_segment() {
    let fs = SimFs::new(1);
    let dir = Path::new(DIR);
    fs.create_dir_all(dir).unwrap();
    let wanted = spares::Wanted { next_bytes: 16 << 10, reserve_bytes: 16 << 10 };
    let spares = Spares::open(&fs.shared(), dir, wanted, Preparation::Inline).unwrap();
    for round in 0..2 {
        let taken = if round == 0 { spares.take_next(1, 16 << 10) } else { spares.take_reserve(1) }.unwrap();
        taken.file.write_at(b"header", 0).unwrap();
        // As the thread does every second.
        spares.retry();
        assert_eq!(fs.contents(&taken.path).unwrap()[..6], *b"header");
        fs.rename(&taken.path, &dir.join(format!("{round}.seg"))).unwrap();
        spares.refill();
        assert!(spares.next_bytes() > 0 && spares.reserve_bytes() > 0);
    }
}

#[test]
fn a_start_on_a_full_disk_knows_it() {
    let fs = SimFs::new(1);
    let (mut log, ..) = open(&fs);
    fs.set_capacity(Some(fs.used() + 10_000));
    fill(&mut log, SpaceClass::Normal);
    drop(log);
    let (mut log, ..) = open(&fs);
    assert_eq!(log.space(), Space::ReserveOnly);
    let mut group = GroupBuffer::new();
    group.push(&entry(0, 10)).unwrap();
    assert!(log.append(&mut group, SpaceClass::Normal).is_err());
    log.append(&mut group, SpaceClass::Critical).unwrap();
    fs.set_capacity(None);
    group.clear();
    group.push(&entry(0, 10)).unwrap();
    log.append(&mut group, SpaceClass::Normal).unwrap();
}

#[test]
fn a_group_larger_than_the_spare_segment_gets_one_of_its_own() {
    let fs = SimFs::new(1);
    let (mut log, ..) = open(&fs);
    let large: Vec<_> = (0..10).map(|n| entry(n, 100_000)).collect();
    let mut group = GroupBuffer::new();
    for entry in &large {
        group.push(entry).unwrap();
    }
    log.ensure_room(group.bytes(), SpaceClass::Normal).unwrap();
    let writes = fs.operations(Operation::Create);
    log.append(&mut group, SpaceClass::Normal).unwrap();
    assert!(fs.operations(Operation::Create) <= writes + 1, "only the next spare is made after it");
    append(&mut log, &[entry(1, 100)]).unwrap();
    drop(log);
    fs.crash(CrashPolicy::DropUnsynced);
    let (mut log, _, entries) = open(&fs);
    assert_eq!(entries.len(), 11);
    let sizes: Vec<u64> = fs.list(Path::new(DIR)).unwrap().into_iter().map(|entry| entry.len).collect();
    assert!(sizes.iter().filter(|size| **size > 200_000).count() == 1, "{sizes:?}");
    assert!(matches!(log.ensure_room(17 << 20, SpaceClass::Normal), Err(AppendError::NotAppendable)));
}

#[test]
fn an_append_never_grows_a_file_and_syncs_once() {
    let fs = SimFs::new(1);
    let (mut log, ..) = open(&fs);
    let used = fs.used();
    for n in 0..10 {
        let (writes, syncs) = (fs.operations(Operation::Write), fs.operations(Operation::Sync));
        append(&mut log, &[entry(n, 500), entry(n, 500)]).unwrap();
        assert_eq!(fs.operations(Operation::Write), writes + 1);
        assert_eq!(fs.operations(Operation::Sync), syncs + 1);
    }
    assert_eq!((fs.used(), fs.operations(Operation::SetLen)), (used, 0));
}

#[test]
fn segments_double_up_to_the_largest() {
    let fs = SimFs::new(1);
    let (mut log, ..) = open(&fs);
    for n in 0..400 {
        append(&mut log, &[entry(n, 700)]).unwrap();
    }
    let sizes: Vec<usize> = segments(&fs).iter().map(|path| fs.contents(path).unwrap().len() >> 10).collect();
    assert_eq!(sizes[..4], [16, 32, 64, 64]);
    assert_eq!(log.segment_bytes() >> 10, sizes.iter().sum::<usize>() as u64);
}

#[test]
fn a_thread_prepares_ahead_on_a_real_disk() {
    let dir = tempfile::tempdir().unwrap();
    let background = LogOptions { preparation: Preparation::Background, ..options() };
    let path = dir.path().join("log");
    let opened = Log::open(crate::fs::real(), &path, Epoch(1), OpenFrom::default(), background, |_| Ok(()));
    let (mut log, _) = opened.unwrap();
    let mut group = GroupBuffer::new();
    for n in 0..600 {
        group.clear();
        group.push(&entry(n, 700)).unwrap();
        log.ensure_room(group.bytes(), SpaceClass::Normal).unwrap();
        log.append(&mut group, SpaceClass::Normal).unwrap();
        if n % 100 == 99 {
            log.trim(Sequence(n - 50));
        }
    }
    assert!(log.first() > Sequence(1));
    log.close().unwrap();
    let report = verify_chain(&crate::fs::real(), &dir.path().join("log"), Sequence(600)).unwrap();
    assert!(report.clean_stop && report.first > Sequence(1) && report.last.sequence == Sequence(600));
}

/// A spare segment that couldn't be written for an I/O error was told as a full disk: new orders were refused "until there is
/// room", and the failing disk was written to again every second. Now it is what it is: the log is closed for good.
#[test]
fn a_disk_that_fails_under_a_spare_segment_closes_the_log_and_is_not_full() {
    for operation in [Operation::Create, Operation::Write, Operation::Sync, Operation::Rename] {
        let fs = SimFs::new(1);
        let (mut log, ..) = open(&fs);
        let fails = Fault { path_contains: Some("next.tmp"), ..Fault::nth(operation, 1, FaultKind::Error) };
        fs.plan(fails);
        let (count, error) = fill(&mut log, SpaceClass::Normal);
        assert!(fs.fault_reached() && count > 10, "{operation:?}: {count}");
        let AppendError::Poisoned { file, cause } = error else { panic!("{operation:?}: {error}") };
        assert!(file.ends_with("next.spare") && cause.contains("os error 5"), "{}: {cause}", file.display());
        assert!(log.is_poisoned());
        for class in [SpaceClass::Normal, SpaceClass::Critical] {
            assert!(matches!(log.ensure_room(10, class), Err(AppendError::Poisoned { .. })));
        }
        let changes = fs.operations(Operation::AnyChange);
        log.retry_preparation();
        assert_eq!(fs.operations(Operation::AnyChange), changes, "nothing is tried again");
        assert!(matches!(log.close(), Err(AppendError::Poisoned { .. })));
        fs.crash(CrashPolicy::DropUnsynced);
        let (_, recovery, entries) = open(&fs);
        assert_eq!((entries.len() as u64, recovery.after_io_error), (count, true));
    }
}

#[test]
fn a_new_log_whose_first_spare_segments_fail_is_not_opened() {
    for name in ["reserve", "next"] {
        let fs = SimFs::new(1);
        fs.plan(Fault { path_contains: Some(name), ..Fault::nth(Operation::Write, 1, FaultKind::Error) });
        let error = open_from(&fs, OpenFrom::default()).unwrap_err();
        assert!(matches!(error, OpenError::Io { .. }), "{error}");
        open(&fs);
    }
}

#[test]
fn a_failure_of_the_preparing_thread_is_known_without_an_append() {
    let fs = SimFs::new(1);
    let background = LogOptions { preparation: Preparation::Background, ..options() };
    let dir = Path::new(DIR);
    let opened = Log::open(fs.shared(), dir, Epoch(1), OpenFrom::default(), background, |_| Ok(()));
    let (mut log, _) = opened.unwrap();
    log.ensure_room(20_000, SpaceClass::Normal).unwrap();
    fs.plan(Fault { path_contains: Some("next"), ..Fault::nth(Operation::Sync, 1, FaultKind::Error) });
    let waited = log.ensure_room(100_000, SpaceClass::Critical);
    assert!(matches!(waited, Err(AppendError::Poisoned { .. })), "{waited:?}");
    assert!(matches!(log.check_health(), Err(AppendError::Poisoned { .. })));
}

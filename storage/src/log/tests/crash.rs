//! Crashes and I/O errors: at every step, whatever the disk keeps, everything acknowledged is there.

use super::*;

/// Appends until something fails; what was acknowledged, and the entry whose outcome is open.
fn run(fs: &SimFs, acknowledged: &mut Entries) -> Option<Vec<u8>> {
    let opened = open_from(fs, OpenFrom::default());
    let Ok((mut log, _, entries)) = opened else { return None };
    *acknowledged = entries;
    for n in 0..40 {
        let number = acknowledged.len() as u64;
        let next = entry(number, if n % 7 == 0 { 3000 } else { 500 });
        if append(&mut log, std::slice::from_ref(&next)).is_err() {
            // Never again, whatever is tried.
            let again = append(&mut log, std::slice::from_ref(&next)).unwrap_err();
            assert!(matches!(again, AppendError::Poisoned { .. } | AppendError::NoRoom { .. }), "{again}");
            return Some(next);
        }
        acknowledged.push(next);
        if n % 10 == 9 {
            log.trim(Sequence::NONE);
        }
    }
    let _ = log.close();
    None
}

/// The entries there are now must be the acknowledged ones, and possibly the one whose outcome was open.
fn check(entries: &Entries, acknowledged: &Entries, open: Option<&Vec<u8>>, what: &str) {
    assert!(entries.starts_with(acknowledged), "{what}: {} of {} left", entries.len(), acknowledged.len());
    let more = &entries[acknowledged.len()..];
    assert!(more.is_empty() || (more.len() == 1 && Some(&more[0]) == open), "{what}: {} more", more.len());
}

#[test]
fn a_power_cut_at_every_step_loses_nothing_acknowledged() {
    let policies =
        [CrashPolicy::DropUnsynced, CrashPolicy::KeepUnsynced, CrashPolicy::Random(1), CrashPolicy::Random(2)];
    for policy in policies {
        for nth in 1.. {
            let fs = SimFs::new(nth);
            let mut acknowledged = Vec::new();
            run(&fs, &mut acknowledged); // an older run's log to recover
            fs.crash(policy);
            fs.plan(Fault::nth(Operation::AnyChange, nth, FaultKind::PowerCut));
            let before = acknowledged.clone();
            let open_entry = run(&fs, &mut acknowledged);
            let reached = fs.fault_reached();
            assert!(acknowledged.starts_with(&before) || acknowledged.len() < before.len());
            if acknowledged.len() < before.len() {
                acknowledged = before; // the opening itself was cut
            }
            fs.crash(policy);
            let (mut log, _, entries) = open(&fs);
            check(&entries, &acknowledged, open_entry.as_ref(), &format!("{policy:?}, step {nth}"));
            append(&mut log, &[entry(0, 100)]).unwrap();
            if !reached {
                assert!(nth > 60, "too few steps: {nth}");
                break;
            }
        }
    }
}

#[test]
fn an_io_error_at_every_step_poisons_or_changes_nothing_and_a_restart_recovers() {
    for operation in [Operation::Write, Operation::Sync, Operation::SyncDir, Operation::Rename, Operation::Create] {
        for power_cut_after in [false, true] {
            for nth in 1.. {
                let fs = SimFs::new(nth);
                let mut acknowledged = Vec::new();
                run(&fs, &mut acknowledged);
                let before = acknowledged.clone();
                fs.kill();
                fs.plan(Fault::nth(operation, nth, FaultKind::Error));
                let open_entry = run(&fs, &mut acknowledged);
                let reached = fs.fault_reached();
                if acknowledged.len() < before.len() {
                    acknowledged = before;
                }
                if power_cut_after {
                    fs.crash(CrashPolicy::Random(nth))
                } else {
                    fs.kill()
                }
                let (mut log, _, entries) = open(&fs);
                let what = format!("{operation:?} {nth}");
                check(&entries, &acknowledged, open_entry.as_ref(), &what);
                // What the restart has shown is durable from then on.
                let shown = entries;
                append(&mut log, &[entry(4711, 100)]).unwrap();
                fs.crash(CrashPolicy::DropUnsynced);
                let (_, _, entries) = open(&fs);
                assert!(entries[..entries.len() - 1] == shown, "{what}: shown after a restart, then lost");
                if !reached {
                    break;
                }
            }
        }
    }
}

#[test]
fn what_a_restart_shows_is_durable_before_it_is_shown() {
    // The page cache survives a kill: an entry may be readable that no disk holds.
    let fs = SimFs::new(1);
    let (mut log, ..) = open(&fs);
    append(&mut log, &[entry(1, 300)]).unwrap();
    fs.plan(Fault::nth(Operation::Sync, 1, FaultKind::Error));
    append(&mut log, &[entry(2, 300)]).unwrap_err();
    drop(log);
    fs.kill();
    let (_, recovery, entries) = open(&fs);
    assert_eq!((entries.len(), recovery.after_io_error, recovery.rewritten), (2, true, 1));
    fs.crash(CrashPolicy::DropUnsynced);
    let (_, recovery, entries) = open(&fs);
    assert_eq!((entries.len(), recovery.after_io_error), (2, false));
}

#[test]
fn after_an_io_error_the_end_of_the_log_moves_to_a_new_segment() {
    let fs = SimFs::new(1);
    let (mut log, ..) = open(&fs);
    append(&mut log, &[entry(1, 300)]).unwrap();
    fs.plan(Fault::nth(Operation::Write, 1, FaultKind::Error));
    let error = append(&mut log, &[entry(2, 300)]).unwrap_err();
    assert!(error.to_string().contains("restart"), "{error}");
    assert!(log.is_poisoned() && log.close().is_err());
    fs.kill();
    let old = fs.contents(&segments(&fs)[0]).unwrap();
    let (mut log, ..) = open(&fs);
    append(&mut log, &[entry(3, 300)]).unwrap();
    assert_eq!(segments(&fs).len(), 1, "the whole segment held nothing proven: it was replaced");
    assert!(fs.contents(&segments(&fs)[0]).unwrap() != old);

    append(&mut log, &[entry(4, 300)]).unwrap();
    append(&mut log, &[entry(5, 300)]).unwrap();
    fs.plan(Fault::nth(Operation::Sync, 1, FaultKind::Error));
    append(&mut log, &[entry(6, 300)]).unwrap_err();
    drop(log);
    fs.kill();
    let old = fs.contents(&segments(&fs)[0]).unwrap();
    let (_, _, entries) = open(&fs);
    assert_eq!(entries, [1, 3, 4, 5, 6].map(|n| entry(n, 300)));
    let all = segments(&fs);
    assert_eq!(all.len(), 2);
    assert!(fs.contents(&all[0]).unwrap() == old, "the old file isn't touched again");
}

#[test]
fn a_short_write_is_completed() {
    let fs = SimFs::new(1);
    let (mut log, ..) = open(&fs);
    for length in [1, 100, 0] {
        fs.plan(Fault::nth(Operation::Write, 1, FaultKind::ShortWrite(length)));
        let outcome = append(&mut log, &[entry(1, 300)]);
        assert_eq!(outcome.is_ok(), length > 0);
    }
}

#[test]
fn recovery_itself_may_be_cut_at_every_step() {
    // After a torn tail, after an I/O error, and after both.
    for io_error in [false, true] {
        for nth in 1.. {
            let fs = SimFs::new(nth);
            let (mut log, ..) = open(&fs);
            let shown: Entries = (0..20).map(|n| entry(n, 1500)).collect();
            for next in &shown {
                append(&mut log, std::slice::from_ref(next)).unwrap();
            }
            if io_error {
                fs.plan(Fault::nth(Operation::Sync, 1, FaultKind::Error));
            } else {
                fs.plan(Fault::nth(Operation::Write, 1, FaultKind::PowerCut));
            }
            append(&mut log, &[entry(20, 1500)]).unwrap_err();
            drop(log);
            if io_error {
                fs.kill()
            } else {
                fs.crash(CrashPolicy::Random(nth))
            }
            fs.plan(Fault::nth(Operation::AnyChange, nth, FaultKind::PowerCut));
            let cut = open_from(&fs, OpenFrom::default()).is_err();
            let reached = fs.fault_reached();
            fs.crash(CrashPolicy::Random(nth * 31));
            let (_, _, entries) = open(&fs);
            assert!(entries.starts_with(&shown), "step {nth}");
            assert!(entries.len() <= 21);
            if !reached {
                assert!(!cut);
                assert!(nth > 3, "too few steps: {nth}");
                break;
            }
        }
    }
}

//! The log against a plain vector: random appends, trims, crashes, kills, failures and restarts.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<usize>),
    Trim(u8),
    Snapshot,
    Close,
    Kill,
    Crash(u64),
    FailSync,
    PowerCut(u64, u64),
    Full,
    Room,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => prop::collection::vec(prop_oneof![9 => 8_usize..600, 1 => 5000_usize..30_000], 1..6).prop_map(Step::Append),
        1 => any::<u8>().prop_map(Step::Trim),
        1 => Just(Step::Snapshot),
        1 => Just(Step::Close),
        1 => Just(Step::Kill),
        2 => any::<u64>().prop_map(Step::Crash),
        1 => Just(Step::FailSync),
        2 => (1_u64..12, any::<u64>()).prop_map(|(nth, seed)| Step::PowerCut(nth, seed)),
        1 => Just(Step::Full),
        1 => Just(Step::Room),
    ];
    prop::collection::vec(step, 1..60)
}

/// What must be there: acknowledged entries by sequence (index + 1), and the last group if its outcome is open.
struct Model {
    fs: SimFs,
    log: Option<Log>,
    entries: Entries,
    open: Entries,
    from: OpenFrom,
}

impl Model {
    fn reopen(&mut self) {
        self.log = None;
        let (log, _, replayed) = open_from(&self.fs, self.from).unwrap();
        let start = usize::try_from(self.from.after.sequence.0).unwrap();
        let expected = &self.entries[start..];
        assert!(replayed.starts_with(expected), "acknowledged entries are gone");
        let more = &replayed[expected.len()..];
        assert!(more.is_empty() || more == self.open, "entries that nobody appended");
        self.entries.extend(more.to_vec());
        self.open.clear();
        self.log = Some(log);
    }

    fn append(&mut self, lengths: &[usize]) {
        let Some(log) = &mut self.log else { return };
        let group: Entries = (self.entries.len()..).zip(lengths).map(|(n, length)| entry(n as u64, *length)).collect();
        let appended = append(log, &group);
        match appended {
            Ok(appended) => {
                assert_eq!(appended.first.0, self.entries.len() as u64 + 1);
                self.entries.extend(group);
            }
            Err(AppendError::NoRoom { .. }) => {}
            Err(_) => self.open = group,
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Append(lengths) => self.append(lengths),
            Step::Trim(back) => {
                let keep = self.from.after.sequence.0.saturating_sub(u64::from(*back));
                self.log.as_mut().unwrap().trim(Sequence(keep));
            }
            Step::Snapshot => self.from = OpenFrom::snapshot(self.log.as_ref().unwrap().last()),
            Step::Close => {
                let closed = self.log.take().unwrap().close();
                assert!(
                    matches!(closed, Ok(()) | Err(AppendError::CloseMark { .. } | AppendError::NoRoom { .. })),
                    "{closed:?}"
                );
                self.reopen();
            }
            Step::Kill => {
                self.fs.kill();
                self.reopen();
            }
            Step::Crash(seed) => {
                self.fs.crash(CrashPolicy::Random(*seed));
                self.reopen();
            }
            Step::FailSync => {
                self.fs.plan(Fault::nth(Operation::Sync, 1, FaultKind::Error));
                self.append(&[100, 200]);
                self.fs.kill();
                self.reopen();
            }
            Step::PowerCut(nth, seed) => {
                self.fs.plan(Fault::nth(Operation::AnyChange, *nth, FaultKind::PowerCut));
                for _ in 0..*nth {
                    if self.open.is_empty() {
                        self.append(&[700, 50]);
                    }
                }
                self.fs.crash(CrashPolicy::Random(*seed));
                self.reopen();
            }
            Step::Full => self.fs.set_capacity(Some(self.fs.used())),
            Step::Room => self.fs.set_capacity(None),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_log_is_a_vector_that_survives(steps in steps(), seed in any::<u64>()) {
        let fs = SimFs::new(seed);
        let (log, ..) = open(&fs);
        let mut model =
            Model { fs, log: Some(log), entries: Vec::new(), open: Vec::new(), from: OpenFrom::default() };
        for step in &steps {
            model.step(step);
        }
        model.fs.set_capacity(None);
        model.fs.crash(CrashPolicy::DropUnsynced);
        model.reopen();
        let report = verify_chain(&model.fs.shared(), Path::new(DIR), model.from.proven).unwrap();
        prop_assert_eq!(report.last.sequence.0, model.entries.len() as u64);
    }
}

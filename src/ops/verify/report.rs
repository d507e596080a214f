//! What `verify` found, for people and for machines.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::check::Check;

/// Most violations that are named; all are counted.
pub const NAMED_MAX: usize = 20;

/// Something that can be proved about a data directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// Its name.
    pub name: &'static str,
    /// Whether it holds.
    pub holds: bool,
    /// What was looked at, with counts.
    pub checked: String,
}

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The proof that it breaks.
    pub proof: &'static str,
    /// The check that found it.
    pub check: String,
    /// What and where.
    pub what: String,
}

/// How fast a part of the work was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pace {
    /// The work.
    pub work: &'static str,
    /// What is counted: `entries`, `orders`.
    pub unit: &'static str,
    /// How many.
    pub count: u64,
    /// How long it took.
    pub milliseconds: u64,
    /// How many in a second.
    pub per_second: u64,
}

impl Pace {
    pub(super) fn new(work: &'static str, unit: &'static str, count: u64, took: Duration) -> Self {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
        let per_second = u64::try_from(u128::from(count) * 1_000_000 / u128::from(micros)).unwrap_or(u64::MAX);
        Self { work, unit, count, milliseconds: micros / 1_000, per_second }
    }
}

/// What `verify` found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Report {
    /// Whether every proof holds.
    pub ok: bool,
    /// Whose directory it is.
    pub region: String,
    /// The epoch of its history.
    pub epoch: u32,
    /// Last sequence of the log.
    pub last_sequence: u64,
    /// Chain hash there.
    pub chain_hash: String,
    /// Hash of the state there.
    pub state_hash: Option<String>,
    /// One for each thing that was checked.
    pub proofs: Vec<Proof>,
    /// What is worth knowing and fine.
    pub notes: Vec<String>,
    /// How fast it went.
    pub pace: Vec<Pace>,
    /// How many violations there are.
    pub violations: u64,
    /// The first of them, at most [`NAMED_MAX`].
    pub named: Vec<Finding>,
}

impl Report {
    /// Notes something that is fine.
    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Adds a proof; whether it holds is known in the end.
    pub(super) fn prove(&mut self, name: &'static str, checked: impl Into<String>) {
        self.proofs.push(Proof { name, holds: true, checked: checked.into() });
    }

    /// Names what was found, of every check something before more of any one. What was found on the way to where a proof
    /// ended is worth knowing as well.
    pub(super) fn conclude(&mut self, found: &Findings) {
        for name in found.proofs() {
            if !self.proofs.iter().any(|proof| proof.name == name) {
                self.prove(name, "not to the end");
            }
        }
        for proof in &mut self.proofs {
            proof.holds = found.against(proof.name) == 0;
        }
        self.violations = found.count();
        self.ok = self.violations == 0;
        self.named = found
            .named()
            .map(|(check, what)| Finding { proof: check.proof(), check: check.to_string(), what: what.to_owned() })
            .collect();
    }

    /// One line a proof, then what is worth knowing, then what is wrong.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String can't fail.
        let _ = writeln!(text, "region {}, epoch {}, log up to {}", self.region, self.epoch, self.last_sequence);
        let width = self.proofs.iter().map(|proof| proof.name.len()).max().unwrap_or(0);
        for proof in &self.proofs {
            let mark = if proof.holds { "ok  " } else { "FAIL" };
            let _ = writeln!(text, "{mark} {:width$}  {}", proof.name, proof.checked);
        }
        for note in &self.notes {
            let _ = writeln!(text, "note {note}");
        }
        for Pace { work, unit, count, milliseconds, per_second } in &self.pace {
            let seconds = *milliseconds as f64 / 1_000.0;
            let _ = writeln!(text, "pace {work}: {count} {unit} in {seconds:.1} s, {per_second} {unit}/s");
        }
        for finding in &self.named {
            let _ = writeln!(text, "violation of {}: {}", finding.check, finding.what);
        }
        let unnamed = self.violations.saturating_sub(u64::try_from(self.named.len()).unwrap_or(0));
        if unnamed > 0 {
            let _ = writeln!(text, "and {unnamed} more");
        }
        match self.violations {
            0 => text.push_str("everything holds\n"),
            1 => text.push_str("1 violation\n"),
            count => {
                let _ = writeln!(text, "{count} violations");
            }
        }
        text
    }
}

/// What was found: all are counted, the first of each check are kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Findings(BTreeMap<Check, (u64, Vec<String>)>);

impl Findings {
    pub(super) fn add(&mut self, check: Check, what: impl Into<String>) {
        let (count, first) = self.0.entry(check).or_default();
        *count += 1;
        if first.len() < NAMED_MAX {
            first.push(what.into());
        }
    }

    /// Notes something unless `holds`; the text is made only then.
    pub(super) fn expect(&mut self, holds: bool, check: Check, what: impl FnOnce() -> String) {
        if !holds {
            self.add(check, what());
        }
    }

    /// Takes what somebody else found.
    pub(super) fn absorb(&mut self, other: Self) {
        for (check, (more, named)) in other.0 {
            let (count, first) = self.0.entry(check).or_default();
            *count += more;
            first.extend(named);
            first.truncate(NAMED_MAX);
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.0.values().map(|(count, _)| count).sum()
    }

    /// How many there are against one proof.
    pub(super) fn against(&self, proof: &str) -> u64 {
        self.0.iter().filter(|(check, _)| check.proof() == proof).map(|(_, (count, _))| count).sum()
    }

    /// The proofs that don't hold, in the order of their checks.
    fn proofs(&self) -> Vec<&'static str> {
        let mut proofs: Vec<_> = self.0.keys().map(|check| check.proof()).collect();
        proofs.dedup();
        proofs
    }

    fn named(&self) -> impl Iterator<Item = (Check, &str)> {
        let nth = |turn: usize| {
            self.0.iter().filter_map(move |(check, (_, first))| Some((*check, turn, first.get(turn)?.as_str())))
        };
        let mut named: Vec<_> = (0..NAMED_MAX).flat_map(nth).take(NAMED_MAX).collect();
        named.sort_by_key(|(check, turn, _)| (*check, *turn));
        named.into_iter().map(|(check, _, what)| (check, what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violations_are_all_counted_and_the_first_of_each_check_named() {
        let mut report = Report { region: "east".into(), epoch: 1, last_sequence: 7, ..Report::default() };
        report.conclude(&Findings::default());
        assert!(report.ok);
        let mut found = Findings::default();
        (0..30).for_each(|number| found.add(Check::OrderBegins, format!("order {number}")));
        let mut more = Findings::default();
        more.add(Check::DayEpoch, "day 7");
        found.absorb(more);
        report.prove("log", "7 entries");
        report.prove("orders", "30 orders");
        report.note("the log's tail was torn");
        report.pace.push(Pace::new("log and replay", "entries", 7_000, Duration::from_millis(3_500)));
        report.conclude(&found);
        assert!(!report.ok);
        assert_eq!((report.violations, report.named.len()), (31, NAMED_MAX));
        let text = report.text();
        for line in [
            "region east, epoch 1, log up to 7\n",
            "ok   log         7 entries\n",
            "FAIL orders      30 orders\n",
            "FAIL projection  not to the end\n",
            "note the log's tail was torn\n",
            "pace log and replay: 7000 entries in 3.5 s, 2000 entries/s\n",
            "violation of orders: begins: order 18\n",
            "violation of projection: epoch: day 7\n",
            "and 11 more\n",
            "31 violations\n",
        ] {
            assert!(text.contains(line), "{line:?} in\n{text}");
        }
    }
}

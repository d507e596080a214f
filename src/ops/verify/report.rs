//! What `verify` found, for people and for machines.

use std::fmt::Write as _;

use serde::Serialize;

/// Most violations that are named; all are counted.
pub const NAMED_MAX: usize = 20;

/// Something that can be proved about a data directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// Its name.
    pub name: String,
    /// Whether it holds.
    pub holds: bool,
    /// What was looked at, with counts.
    pub checked: String,
}

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The proof that it breaks.
    pub proof: String,
    /// What and where.
    pub what: String,
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

    /// Adds a proof that holds if nothing was found against it.
    pub(super) fn prove(&mut self, name: impl Into<String>, checked: impl Into<String>, against: &Findings) {
        let name = name.into();
        self.proofs.push(Proof { name: name.clone(), holds: against.count == 0, checked: checked.into() });
        self.violations += against.count;
        let room = NAMED_MAX.saturating_sub(self.named.len());
        let named = against.first.iter().take(room);
        self.named.extend(named.map(|what| Finding { proof: name.clone(), what: what.clone() }));
        self.ok = self.violations == 0;
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
        for finding in &self.named {
            let _ = writeln!(text, "violation of {}: {}", finding.proof, finding.what);
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

/// What was found against one proof: all are counted, the first are kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Findings {
    pub(super) count: u64,
    pub(super) first: Vec<String>,
}

impl Findings {
    pub(super) fn add(&mut self, what: impl Into<String>) {
        self.count += 1;
        if self.first.len() < NAMED_MAX {
            self.first.push(what.into());
        }
    }

    /// Notes something unless `holds`; the text is made only then.
    pub(super) fn expect(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.add(what());
        }
    }

    pub(super) fn extend(&mut self, found: impl IntoIterator<Item = impl std::fmt::Display>) {
        found.into_iter().for_each(|found| self.add(found.to_string()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violations_are_all_counted_and_the_first_named() {
        let mut report = Report { region: "east".into(), epoch: 1, last_sequence: 7, ..Report::default() };
        report.prove("log", "7 entries", &Findings::default());
        assert!(report.ok);
        let mut found = Findings::default();
        (0..30).for_each(|number| found.add(format!("order {number}")));
        report.prove("orders", "30 orders", &found);
        report.note("the log's tail was torn");
        assert!(!report.ok);
        assert_eq!((report.violations, report.named.len()), (30, NAMED_MAX));
        let text = report.text();
        for line in [
            "region east, epoch 1, log up to 7\n",
            "ok   log     7 entries\n",
            "FAIL orders  30 orders\n",
            "note the log's tail was torn\n",
            "violation of orders: order 19\n",
            "and 10 more\n",
            "30 violations\n",
        ] {
            assert!(text.contains(line), "{line:?} in\n{text}");
        }
    }
}

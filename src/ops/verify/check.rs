//! Everything that is looked at, each with a name of its own: a violation says which check found it, and the tests break
//! something for every one of them.

use std::fmt;

use crate::domain::invariants::Invariant;

/// Makes the checks out of one table: variant, proof, name.
macro_rules! checks {
    ($($(#[$doc:meta])+ $check:ident $proof:literal $name:literal)+) => {
        /// One thing that is looked at.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Check {
            $($(#[$doc])+ $check,)+
            /// A numbered invariant on the state at the log's end, and on a snapshot's that differs.
            Holds(Invariant),
            /// What one order shows by itself, after each of its events.
            OrderHolds(Invariant),
            /// What one claim shows before it is taken in.
            ClaimHolds(Invariant),
        }

        impl Check {
            const PLAIN: &[Self] = &[$(Self::$check),+];

            /// The proof that it belongs to.
            pub fn proof(self) -> &'static str {
                match self {
                    $(Self::$check => $proof,)+
                    Self::Holds(_) => "invariants",
                    Self::OrderHolds(_) => "orders",
                    Self::ClaimHolds(_) => "coupons",
                }
            }

            fn name(self) -> Result<&'static str, Invariant> {
                match self {
                    $(Self::$check => Ok($name),)+
                    Self::Holds(invariant) | Self::OrderHolds(invariant) | Self::ClaimHolds(invariant) => Err(invariant),
                }
            }
        }
    };
}

checks! {
    /// Segments, headers and groups are whole, gapless and chained.
    LogWhole "log" "whole"
    /// There is a log where one was begun.
    LogThere "log" "there"
    /// Every file can be read.
    LogReadable "log" "readable"
    /// No group is of a later epoch than the directory.
    LogEpoch "log" "epoch"
    /// Segments and the mark of a clean stop are of one history.
    LogHistory "log" "history"
    /// No segment is of a later format.
    LogFormat "log" "format"
    /// It begins at the first entry, or a snapshot reaches to its beginning.
    LogBase "log" "base"
    /// Every entry can be decoded.
    EntryDecodes "replay" "decodes"
    /// Every entry follows from those before it.
    EntryFollows "replay" "follows"
    /// Log and directory belong to the same region and epoch.
    Identity "replay" "identity"
    /// A snapshot's bytes are what was written, and a state.
    SnapshotWhole "snapshots" "whole"
    /// It is of the log's history.
    SnapshotHistory "snapshots" "history"
    /// It stands where a group ends.
    SnapshotPlace "snapshots" "place"
    /// Its state is that of the replayed log.
    SnapshotState "snapshots" "state"
    /// The newest one and the log behind it lead to the state of the whole log.
    SnapshotTail "snapshots" "tail"
    /// Who asked for an entry can be read.
    OrderActor "orders" "actor"
    /// An order begins awaiting payment, without money.
    OrderBegins "orders" "begins"
    /// An order that late money opens again is the one that was closed.
    OrderReopens "orders" "reopens"
    /// Units reserved and sold are those of the events.
    StockFollows "stock" "sums"
    /// No stock line is lost.
    StockKept "stock" "lines"
    /// Coupons claimed and used are those of the events.
    CouponsFollow "coupons" "sums"
    /// Stores count their orders' events.
    OffsetsFollow "offsets" "sums"
    /// The projection's directory can be listed.
    DaysListed "projection" "listed"
    /// A day's tables can be opened and read.
    DayOpens "projection" "opens"
    /// A day has as many rows as it says.
    DayCount "projection" "count"
    /// A day is of the directory's epoch.
    DayEpoch "projection" "epoch"
    /// A day is not ahead of the log.
    DayPosition "projection" "position"
    /// A day was applied from this log's history.
    DayHistory "projection" "history"
    /// Every day that closed orders are kept of is there.
    DayThere "projection" "days"
    /// The list of a day's members, where there is one, has all of them.
    DayMembers "projection" "members"
    /// Every row is there.
    RowThere "projection" "missing row"
    /// No other row is there.
    RowKnown "projection" "unknown row"
    /// Every row is as the log says.
    RowEqual "projection" "other row"
    /// All rows of a day together are those of the log.
    RowSum "projection" "sum of rows"
}

impl Check {
    /// Every check there is.
    pub fn all() -> Vec<Self> {
        use Invariant::{AmountsAddUp, ClaimsCounted, LifeFollowsStatus, MoneyBalances, QuotaHolds};
        let plain = Self::PLAIN.iter().copied();
        let state = Invariant::ALL.into_iter().map(Self::Holds);
        let orders = [AmountsAddUp, MoneyBalances, LifeFollowsStatus].map(Self::OrderHolds);
        let claims = [QuotaHolds, ClaimsCounted].map(Self::ClaimHolds);
        plain.chain(state).chain(orders).chain(claims).collect()
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Ok(name) => write!(f, "{}: {name}", self.proof()),
            Err(invariant) => write!(f, "{}: I{}", self.proof(), invariant.number()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_checks_have_the_same_name() {
        let all = Check::all();
        let names: BTreeSet<String> = all.iter().map(Check::to_string).collect();
        assert_eq!(names.len(), all.len());
        assert_eq!(Check::LogWhole.to_string(), "log: whole");
        assert_eq!(Check::Holds(Invariant::StockBalances).to_string(), "invariants: I1");
    }
}

//! States that break a promise or a sum, in snapshots whose checksums are right.

use std::path::Path;
use std::sync::Arc;

use qucan::domain::invariants::Invariant;
use qucan::domain::money::Fen;
use qucan::domain::order::{Order, Status};
use qucan::domain::state::Part;
use qucan::domain::stock::StockLine;
use qucan::ops::verify::Check;

use super::{Sabotage, on};
use crate::fixtures::Fixture::Day;
use crate::forge;

/// Changes the first stock line of each shard.
fn stock(dir: &Path, edit: fn(&mut StockLine)) {
    forge::edit_snapshot(dir, |part| {
        if let Part::Stock(_, lines) = part {
            edit(&mut lines[0].2);
        }
    });
}

/// Changes every open order in some status.
fn orders(dir: &Path, status: Status, edit: fn(&mut Order)) {
    forge::edit_snapshot(dir, |part| {
        if let Part::Orders(_, orders) = part {
            orders.iter_mut().filter(|order| order.status == status).for_each(|order| edit(Arc::make_mut(order)));
        }
    });
}

fn holds(invariant: Invariant, said: &'static str, act: fn(&Path)) -> Sabotage {
    on(Day, Check::Holds(invariant), said, act)
}

pub fn cases() -> Vec<Sabotage> {
    let mut cases = sums();
    cases.extend([
        holds(Invariant::StockBalances, "I1 stock balances", |dir| stock(dir, |line| line.available += 1)),
        holds(Invariant::StockFollowsOrders, "I2 stock follows orders", |dir| {
            stock(dir, |line| {
                line.reserved += 1;
                line.received += 1;
            });
        }),
        holds(Invariant::QuotaHolds, "I3 quota holds", |dir| {
            forge::edit_snapshot(dir, |part| {
                if let Part::Campaigns(campaigns) = part {
                    campaigns[0].1.claimed = 5_000;
                }
            });
        }),
        holds(Invariant::ClaimsCounted, "I4 claims counted", no_claims),
        holds(Invariant::CouponUsedOnce, "I5 coupon used once", free_claims),
        holds(Invariant::AmountsAddUp, "I6 amounts add up", |dir| {
            orders(dir, Status::Paid, |order| order.total += Fen(1));
        }),
        holds(Invariant::MoneyBalances, "I7 money balances", |dir| {
            orders(dir, Status::Paid, |order| order.payments.clear());
        }),
        holds(Invariant::LifeFollowsStatus, "I8 life follows status", |dir| {
            orders(dir, Status::Accepted, |order| order.accepted_at = None);
        }),
        holds(Invariant::OnlyOpenOrders, "I9 only open orders", |dir| {
            forge::edit_snapshot(dir, |part| {
                if let Part::Head(head) = part {
                    head.region.as_mut().unwrap().epoch = 0;
                }
            });
        }),
        holds(Invariant::CodesUnique, "I11 codes unique", |dir| {
            orders(dir, Status::Accepted, |order| order.pickup_code = Some("A7".parse().unwrap()));
        }),
        holds(Invariant::PositionsUnique, "I12 positions unique", |dir| {
            orders(dir, Status::Accepted, |order| order.position = Some(1));
        }),
        holds(Invariant::KeysKnown, "I13 keys known", |dir| {
            forge::edit_snapshot(dir, |part| {
                if let Part::Keys(_, _, keys) = part {
                    keys[0].1.target = u64::MAX;
                }
            });
        }),
        holds(Invariant::CountsDerived, "I14 counts derived", |dir| {
            forge::edit_snapshot(dir, |part| {
                if let Part::Catalog(catalog) = part {
                    let catalog = Arc::make_mut(catalog);
                    let mut store = catalog.stores.values().next().unwrap().as_ref().clone();
                    store.id = "never-opened".parse().unwrap();
                    catalog.stores.insert(store.id.clone(), Arc::new(store));
                }
            });
        }),
        holds(Invariant::OffsetsCount, "I15 offsets count", |dir| {
            forge::edit_snapshot(dir, |part| {
                if let Part::Stores(_, stores) = part {
                    stores.iter_mut().for_each(|(_, counters)| counters.store_offset = 1);
                }
            });
        }),
    ]);
    cases
}

fn no_claims(dir: &Path) {
    forge::edit_snapshot(dir, |part| {
        if let Part::Claims(_, claims) = part {
            claims.clear();
        }
    });
}

fn free_claims(dir: &Path) {
    forge::edit_snapshot(dir, |part| {
        if let Part::Claims(_, claims) = part {
            claims.iter_mut().for_each(|(_, claim)| claim.used_by = None);
        }
    });
}

fn sums() -> Vec<Sabotage> {
    vec![
        on(Day, Check::StockFollows, "decision 12", |dir| {
            stock(dir, |line| {
                line.sold += 1;
                line.received += 1;
            });
        }),
        on(Day, Check::StockKept, "has no line", |dir| {
            forge::edit_snapshot(dir, |part| {
                if let Part::Stock(_, lines) = part {
                    lines.truncate(1);
                }
            });
        }),
        on(Day, Check::CouponsFollow, "decision 13", no_claims),
        on(Day, Check::CouponsFollow, "decision 13", free_claims),
        on(Day, Check::OffsetsFollow, "decision 15", |dir| {
            forge::edit_snapshot(dir, |part| {
                if let Part::Stores(_, stores) = part {
                    stores[0].1.store_offset += 1;
                }
            });
        }),
    ]
}

/// What no data breaks: deadlines are made anew from the orders whenever a state is put together, so that only a defect of
/// evolve shows. Simulations can plant one.
pub fn planted() -> Vec<Check> {
    vec![Check::Holds(Invariant::DeadlinesDerived)]
}

#[cfg(feature = "simulation")]
mod plants {
    use qucan::domain::plant::{Plant, plant};

    use super::*;
    use crate::report;

    fn found_under(planted: Plant) -> Vec<String> {
        let dir = Day.copy();
        plant(Some(planted));
        let report = report(dir.path());
        plant(None);
        assert!(!report.ok);
        report.named.into_iter().map(|finding| finding.check).collect()
    }

    #[test]
    fn a_deadline_that_evolve_forgets_to_move_is_found() {
        assert!(found_under(Plant::DeadlineKept).contains(&planted()[0].to_string()));
    }

    #[test]
    fn a_replay_that_gives_no_stock_back_differs_from_its_own_sums_and_from_the_snapshot() {
        let found = found_under(Plant::StockNotGivenBack);
        for check in [Check::StockFollows, Check::SnapshotState] {
            assert!(found.contains(&check.to_string()), "{found:?}");
        }
    }
}

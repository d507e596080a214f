//! A day whose rows are not those of the log: compared row by row, to name what differs. Only then is memory needed for
//! all rows of that day.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use qucan_storage::Sequence;
use qucan_storage::table::Table;

use super::check::Check;
use super::disk::{visit_day, visit_orders};
use super::report::Findings;
use super::rows::{Earlier, row_hash};
use crate::domain::id::{OrderId, RegionTag};
use crate::domain::order::Order;
use crate::domain::time::BusinessDay;
use crate::engine::projection::keys;
use crate::engine::records::decode_order;

/// What the log says about one day's rows, by table and key.
pub(super) struct Naming {
    day: BusinessDay,
    dir: PathBuf,
    limit: Sequence,
    rows: BTreeMap<(u8, Vec<u8>), u128>,
}

impl Naming {
    pub(super) fn new(day: BusinessDay, dir: &Path, limit: Sequence) -> Self {
        Self { day, dir: dir.to_owned(), limit, rows: BTreeMap::new() }
    }

    /// A closed order of the log.
    pub(super) fn closed(&mut self, sequence: Sequence, order: &Order) {
        if order.business_day == self.day && sequence <= self.limit {
            self.expect(order);
        }
    }

    fn expect(&mut self, order: &Order) {
        for (table, key, value) in keys::rows_of(order).unwrap_or_default() {
            let hash = row_hash(table, &key, &value);
            self.rows.insert((table.0, key), hash);
        }
    }

    /// Names what differs.
    pub(super) fn finish(mut self, tag: RegionTag, earlier: &Earlier, found: &mut Findings) {
        let (dir, before) = (self.dir.clone(), found.count());
        let looked = if earlier.reaches_back(self.day) { self.expect_earlier(&dir, earlier) } else { Ok(()) };
        let visited = looked.and_then(|()| {
            visit_day(&dir, |table, key, value| {
                let what = || describe(table, key, tag);
                match self.rows.remove(&(table.0, key.to_vec())) {
                    None => found.add(Check::RowKnown, format!("{}: {} is not in the log", dir.display(), what())),
                    Some(hash) if hash != row_hash(table, key, value) => {
                        let differs = differs(table, value, &what());
                        found.add(Check::RowEqual, format!("{}: {differs} is not as the log says", dir.display()));
                    }
                    Some(_) => {}
                }
            })
        });
        if let Err(error) = visited {
            return found.add(Check::DayOpens, format!("{}: {error}", dir.display()));
        }
        for (table, key) in self.rows.into_keys() {
            let what = describe(Table(table), &key, tag);
            found.add(Check::RowThere, format!("{}: {what} is missing", dir.display()));
        }
        if found.count() == before {
            found.add(Check::RowSum, format!("{}: its rows are not what the log says", dir.display()));
        }
    }

    fn expect_earlier(&mut self, dir: &Path, earlier: &Earlier) -> Result<(), String> {
        visit_orders(dir, |order| {
            if earlier.holds(&order) {
                self.expect(&order);
            }
        })
    }
}

/// What a row of one piece holds, if it is an order's.
fn record(table: Table, value: &[u8]) -> Option<Result<Order, crate::engine::records::RecordError>> {
    let record = value.split_first().filter(|(count, _)| table == keys::ORDERS && **count == 1);
    record.map(|(_, record)| decode_order(record))
}

/// A row's key in words.
fn describe(table: Table, key: &[u8], tag: RegionTag) -> String {
    let order = |packed| OrderId::from_packed(tag, packed);
    if table == keys::ORDERS {
        let packed = key.first_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes));
        return packed.map_or_else(|| format!("row {key:02x?}"), |packed| format!("order {}", order(packed)));
    }
    let text = key.get(1..key.len().saturating_sub(9)).map(String::from_utf8_lossy);
    match (key.first(), text, keys::number_of(key)) {
        (Some(b'm'), Some(member), Some(packed)) => format!("index entry of member {member}, order {}", order(packed)),
        (Some(b's'), Some(store), Some(packed)) => format!("index entry of store {store}, order {}", order(packed)),
        (Some(b'q'), Some(store), Some(position)) => format!("queue entry of store {store}, position {position}"),
        _ => format!("index entry {key:02x?}"),
    }
}

/// Says what a record holds where it can be read.
fn differs(table: Table, value: &[u8], what: &str) -> String {
    match record(table, value) {
        Some(Ok(order)) => format!("{what} ({}, payable {})", order.status.as_str(), order.payable.0),
        Some(Err(error)) => format!("{what} ({error})"),
        None => what.to_owned(),
    }
}

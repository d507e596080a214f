//! Where things stand in the projection's tables: one directory a business day, two tables in it.
//!
//! ```text
//! orders   id u64                              → number of pieces u8, first piece of the record
//!          id u64 · piece u8                   → further pieces, where the record is too large for one value
//! index    'm' member 0 id u64                 → nothing
//!          's' store 0 id u64                  → status u8, pickup code
//!          'q' store 0 position u64            → id u64
//! ```
//! Numbers are big-endian, so that the order of keys is theirs. Ids are packed within the region.

use qucan_storage::limits::TABLE_VALUE_BYTES_MAX;
use qucan_storage::table::Table;

use crate::domain::id::{MemberId, PickupCode, StoreId};
use crate::domain::order::{Order, Status};
use crate::engine::records::{self, RecordError};

/// The tables' names, in the order of their numbers.
pub const TABLES: &[&str] = &["orders", "index"];
/// Records of closed orders.
pub const ORDERS: Table = Table(0);
/// Everything that finds them.
pub const INDEX: Table = Table(1);

/// A row as it is to be written.
pub type Row = (Table, Vec<u8>, Vec<u8>);

/// Every row of a closed order, and no other.
pub fn rows_of(order: &Order) -> Result<Vec<Row>, RecordError> {
    let mut rows = Vec::with_capacity(4);
    visit_rows(order, |table, key, value| rows.push((table, key.to_vec(), value.to_vec())))?;
    Ok(rows)
}

/// The same, one after another in the same memory, for those who only look at them.
pub fn visit_rows(order: &Order, mut each: impl FnMut(Table, &[u8], &[u8])) -> Result<(), RecordError> {
    let packed = order.id.packed();
    // The number of pieces stands before the record's first.
    let mut record = Vec::with_capacity(1024);
    record.push(0);
    records::encode_order(&mut record, order)?;
    let pieces = (record.len() - 1).div_ceil(TABLE_VALUE_BYTES_MAX - 1);
    let count = u8::try_from(pieces).unwrap_or(u8::MAX);
    if let Some(before) = record.first_mut() {
        *before = count;
    }
    let (first, further) = record.split_at(record.len().min(TABLE_VALUE_BYTES_MAX));
    each(ORDERS, &order_key(packed), first);
    for (piece, number) in further.chunks(TABLE_VALUE_BYTES_MAX - 1).zip(1..count) {
        each(ORDERS, &piece_key(packed, number), piece);
    }
    each(INDEX, &member_key(&order.member, packed), &[]);
    each(INDEX, &store_key(&order.store, packed), &facts(order));
    if let Some(position) = order.position {
        each(INDEX, &position_key(&order.store, position), &packed.to_be_bytes());
    }
    Ok(())
}

/// Key of an order's record.
pub fn order_key(packed: u64) -> [u8; 8] {
    packed.to_be_bytes()
}

/// Key of a further piece of a record.
pub fn piece_key(packed: u64, number: u8) -> Vec<u8> {
    [packed.to_be_bytes().as_slice(), &[number]].concat()
}

fn text_key(tag: u8, text: &str, number: u64) -> Vec<u8> {
    [&[tag], text.as_bytes(), &[0], &number.to_be_bytes()].concat()
}

/// Key of an order in its member's list.
pub fn member_key(member: &MemberId, packed: u64) -> Vec<u8> {
    text_key(b'm', member.as_str(), packed)
}

/// What the keys of all members' lists begin with.
pub const MEMBERS: &[u8] = b"m";

/// The member in a key of a member's list.
pub fn member_of(key: &[u8]) -> Option<&[u8]> {
    key.get(1..key.len().checked_sub(9)?)
}

/// Key of an order in its store's list of the day.
pub fn store_key(store: &StoreId, packed: u64) -> Vec<u8> {
    text_key(b's', store.as_str(), packed)
}

/// Key of an order in its store's queue.
pub fn position_key(store: &StoreId, position: u64) -> Vec<u8> {
    text_key(b'q', store.as_str(), position)
}

/// The number at the end of an index key.
pub fn number_of(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
}

/// What a store's list says about an order, so that a search reads only what it finds.
fn facts(order: &Order) -> Vec<u8> {
    let status = Status::ALL.iter().position(|status| *status == order.status);
    let status = status.and_then(|index| u8::try_from(index).ok()).unwrap_or(u8::MAX);
    let code = order.pickup_code.as_ref().map(PickupCode::as_str).unwrap_or_default();
    [&[status], code.as_bytes()].concat()
}

/// Whether the facts fit a search.
pub fn facts_fit(facts: &[u8], status: Option<Status>, code: Option<&PickupCode>) -> bool {
    let Some((found_status, found_code)) = facts.split_first() else { return false };
    let found_status = Status::ALL.get(usize::from(*found_status));
    status.is_none_or(|status| found_status == Some(&status))
        && code.is_none_or(|code| code.as_str().as_bytes() == found_code)
}

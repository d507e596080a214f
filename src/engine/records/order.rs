//! A closed order as the projection keeps it: the version, then the record.

use rkyv::with::With;

use super::v1::order::OrderV1;
use super::{RecordError, raw};
use crate::domain::order::Order;

const WHAT: &str = "order record";
const V1: u16 = 1;

/// Appends an order's stored form.
pub fn encode_order(out: &mut Vec<u8>, order: &Order) -> Result<(), RecordError> {
    let before = out.len();
    out.extend_from_slice(&V1.to_le_bytes());
    raw::append(out, WHAT, With::<Order, OrderV1>::cast(order)).inspect_err(|_| out.truncate(before))
}

/// Reads an order back.
pub fn decode_order(bytes: &[u8]) -> Result<Order, RecordError> {
    let Some((version, record)) = bytes.split_first_chunk::<2>() else {
        return Err(RecordError::Short { what: WHAT, bytes: bytes.len() });
    };
    match u16::from_le_bytes(*version) {
        V1 => raw::read_with::<Order, OrderV1>(WHAT, record),
        version => Err(RecordError::UnknownVersion { what: WHAT, version }),
    }
}

//! The state in bytes, part by part: what a snapshot's sections hold and what the state hash is made of. Canonical: equal
//! states give equal bytes in equal order.
//!
//! A section's id is `version << 24 | kind << 16 | shard`. Keys and claims are plain arrays of fixed rows, because there
//! are millions of them and a start reads them all.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;

use rkyv::with::With;

use super::v1::state::{CampaignCountersV1, CatalogV1, HeadV1, OrdersV1, StockLineV1, StoreCountersV1};
use super::{RecordError, raw};
use crate::domain::catalog::Catalog;
use crate::domain::coupon::{CampaignNumber, Claim};
use crate::domain::id::CouponId;
use crate::domain::state::{Generation, Head, KeyEntry, Part, State};
use crate::limits::SNAPSHOT_SECTION_BYTES_MAX;

const V1: u32 = 1;
const KEY_ROW: usize = 32;
const CLAIM_ROW: usize = 30;

/// BLAKE3 of the canonical state: two states with the same hash are the same.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StateHash(pub [u8; 32]);

impl fmt::Display for StateHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for StateHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(6).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("…")
    }
}

/// Makes the state hash out of sections in their order.
#[derive(Debug, Clone, Default)]
pub struct StateHasher(blake3::Hasher);

impl StateHasher {
    /// The next section.
    pub fn section(&mut self, section: u32, bytes: &[u8]) {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.0.update(&section.to_le_bytes());
        self.0.update(&length.to_le_bytes());
        self.0.update(bytes);
    }

    /// The hash of all sections.
    pub fn finish(&self) -> StateHash {
        StateHash(*self.0.finalize().as_bytes())
    }
}

/// The hash of a state. Encodes all of it: not for the writer's thread.
pub fn state_hash(state: &State) -> Result<StateHash, RecordError> {
    let (mut hasher, mut bytes) = (StateHasher::default(), Vec::new());
    for part in state.parts() {
        bytes.clear();
        let section = encode_part(&mut bytes, &part)?;
        hasher.section(section, &bytes);
    }
    Ok(hasher.finish())
}

/// Which kind of part a section holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Head = 1,
    Catalog = 2,
    Campaigns = 3,
    Stores = 4,
    Stock = 5,
    Orders = 6,
    Claims = 7,
    CurrentKeys = 8,
    PreviousKeys = 9,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Head,
        Self::Catalog,
        Self::Campaigns,
        Self::Stores,
        Self::Stock,
        Self::Orders,
        Self::Claims,
        Self::CurrentKeys,
        Self::PreviousKeys,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Head => "head of the state",
            Self::Catalog => "catalogue in the state",
            Self::Campaigns => "campaigns in the state",
            Self::Stores => "stores in the state",
            Self::Stock => "stock in the state",
            Self::Orders => "orders in the state",
            Self::Claims => "claims in the state",
            Self::CurrentKeys | Self::PreviousKeys => "keys in the state",
        }
    }

    fn section(self, shard: u16) -> u32 {
        (V1 << 24) | ((self as u32) << 16) | u32::from(shard)
    }

    fn of_section(section: u32) -> Result<(Self, u16), RecordError> {
        let [version, kind, high, low] = section.to_be_bytes();
        let known = Self::ALL.into_iter().find(|known| *known as u32 == u32::from(kind));
        match known {
            Some(kind) if u32::from(version) == V1 => Ok((kind, u16::from_be_bytes([high, low]))),
            _ => Err(RecordError::UnknownSection { section }),
        }
    }
}

/// Appends a part's bytes; answers the id of the section to put them into. On an error the buffer is as it was.
pub fn encode_part(out: &mut Vec<u8>, part: &Part) -> Result<u32, RecordError> {
    let before = out.len();
    let (kind, shard) = match part {
        Part::Head(_) => (Kind::Head, 0),
        Part::Catalog(_) => (Kind::Catalog, 0),
        Part::Campaigns(_) => (Kind::Campaigns, 0),
        Part::Stores(shard, _) => (Kind::Stores, *shard),
        Part::Stock(shard, _) => (Kind::Stock, *shard),
        Part::Orders(shard, _) => (Kind::Orders, *shard),
        Part::Claims(shard, _) => (Kind::Claims, *shard),
        Part::Keys(shard, Generation::Current, _) => (Kind::CurrentKeys, *shard),
        Part::Keys(shard, Generation::Previous, _) => (Kind::PreviousKeys, *shard),
    };
    append(out, kind.name(), part)?;
    let bytes = out.len() - before;
    if bytes > SNAPSHOT_SECTION_BYTES_MAX {
        out.truncate(before);
        return Err(RecordError::TooLarge { what: kind.name(), bytes, limit: SNAPSHOT_SECTION_BYTES_MAX });
    }
    Ok(kind.section(shard))
}

fn append(out: &mut Vec<u8>, what: &'static str, part: &Part) -> Result<(), RecordError> {
    match part {
        Part::Head(head) => raw::append(out, what, With::<Head, HeadV1>::cast(head)),
        Part::Catalog(catalog) => raw::append(out, what, &CatalogV1::from(catalog.as_ref())),
        Part::Campaigns(campaigns) => {
            raw::append(out, what, &campaigns.iter().map(CampaignCountersV1::from).collect::<Vec<_>>())
        }
        Part::Stores(_, stores) => {
            raw::append(out, what, &stores.iter().map(StoreCountersV1::from).collect::<Vec<_>>())
        }
        Part::Stock(_, lines) => raw::append(out, what, &lines.iter().map(StockLineV1::from).collect::<Vec<_>>()),
        Part::Orders(_, orders) => raw::append(out, what, &OrdersV1(orders.clone())),
        Part::Claims(_, claims) => {
            out.reserve(claims.len() * CLAIM_ROW);
            claims.iter().for_each(|(coupon, claim)| append_claim(out, *coupon, *claim));
            Ok(())
        }
        Part::Keys(_, _, keys) => {
            out.reserve(keys.len() * KEY_ROW);
            keys.iter().for_each(|(fingerprint, entry)| append_key(out, *fingerprint, *entry));
            Ok(())
        }
    }
}

/// Reads a part back out of a section.
pub fn decode_part(section: u32, bytes: &[u8]) -> Result<Part, RecordError> {
    let (kind, shard) = Kind::of_section(section)?;
    let what = kind.name();
    Ok(match kind {
        Kind::Head => Part::Head(raw::read_with::<Head, HeadV1>(what, bytes)?),
        Kind::Catalog => Part::Catalog(Arc::new(Catalog::from(raw::read::<CatalogV1>(what, bytes)?))),
        Kind::Campaigns => {
            Part::Campaigns(raw::read::<Vec<CampaignCountersV1>>(what, bytes)?.into_iter().map(Into::into).collect())
        }
        Kind::Stores => {
            let stores = raw::read::<Vec<StoreCountersV1>>(what, bytes)?;
            Part::Stores(shard, stores.into_iter().map(Into::into).collect())
        }
        Kind::Stock => {
            let lines = raw::read::<Vec<StockLineV1>>(what, bytes)?;
            Part::Stock(shard, lines.into_iter().map(Into::into).collect())
        }
        Kind::Orders => Part::Orders(shard, raw::read::<OrdersV1>(what, bytes)?.0),
        Kind::Claims => Part::Claims(shard, rows(what, bytes, read_claim)?),
        Kind::CurrentKeys => Part::Keys(shard, Generation::Current, rows(what, bytes, read_key)?),
        Kind::PreviousKeys => Part::Keys(shard, Generation::Previous, rows(what, bytes, read_key)?),
    })
}

fn append_claim(out: &mut Vec<u8>, coupon: CouponId, claim: Claim) {
    out.extend_from_slice(&coupon.0.to_le_bytes());
    out.extend_from_slice(&claim.campaign.0.to_le_bytes());
    out.extend_from_slice(&claim.ordinal.to_le_bytes());
    out.extend_from_slice(&claim.used_by.map_or(0, NonZeroU64::get).to_le_bytes());
}

fn read_claim(row: &[u8; CLAIM_ROW]) -> (CouponId, Claim) {
    let mut row = Row(row);
    let coupon = CouponId(u128::from_le_bytes(row.take()));
    let campaign = CampaignNumber(u32::from_le_bytes(row.take()));
    let ordinal = u16::from_le_bytes(row.take());
    let used_by = NonZeroU64::new(u64::from_le_bytes(row.take()));
    (coupon, Claim { campaign, ordinal, used_by })
}

fn append_key(out: &mut Vec<u8>, fingerprint: u128, entry: KeyEntry) {
    out.extend_from_slice(&fingerprint.to_le_bytes());
    out.extend_from_slice(&entry.body.to_le_bytes());
    out.extend_from_slice(&entry.target.to_le_bytes());
}

fn read_key(row: &[u8; KEY_ROW]) -> (u128, KeyEntry) {
    let mut row = Row(row);
    let fingerprint = u128::from_le_bytes(row.take());
    (fingerprint, KeyEntry { body: u64::from_le_bytes(row.take()), target: u64::from_le_bytes(row.take()) })
}

/// Takes fields off a row whose length the caller has checked.
struct Row<'r>(&'r [u8]);

impl Row<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (field, rest) = self.0.split_first_chunk::<N>().unwrap_or((&[0; N], &[]));
        self.0 = rest;
        *field
    }
}

/// All rows of an array, which must ascend: that is the canonical order, and nothing comes twice in it.
fn rows<const N: usize, K: Ord + Copy, V>(
    what: &'static str,
    bytes: &[u8],
    read: fn(&[u8; N]) -> (K, V),
) -> Result<Vec<(K, V)>, RecordError> {
    let (whole, rest) = bytes.as_chunks::<N>();
    let rows: Vec<(K, V)> = whole.iter().map(read).collect();
    if !rest.is_empty() {
        return Err(RecordError::Short { what, bytes: bytes.len() });
    }
    if rows.is_sorted_by(|(a, _), (b, _)| a < b) {
        Ok(rows)
    } else {
        Err(RecordError::Damaged { what, why: "rows are not in order".to_owned() })
    }
}

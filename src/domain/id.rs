//! Names of things: stores, SKUs, members, orders, coupons. Parsed once at the edge, cheap to copy afterwards.

use std::fmt;
use std::str::FromStr;

use smol_str::SmolStr;

use super::time::BusinessDay;

/// A text that is not an id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind}: {rule}")]
pub struct IdError {
    /// Which kind of id was expected, such as `store id`.
    pub kind: &'static str,
    /// What a valid one looks like.
    pub rule: &'static str,
}

/// Longest catalogue id in bytes; keeps keys of indexes and log entries small.
pub const CATALOG_ID_BYTES_MAX: usize = 32;
/// Longest subject of a token in bytes (WeChat openids have 28).
pub const SUBJECT_BYTES_MAX: usize = 64;
/// Longest idempotency key in bytes (contract: 1–64 visible ASCII).
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 64;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $max:expr, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(SmolStr);

        impl $name {
            /// The text as it was given.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let valid: fn(u8) -> bool = $valid;
                if text.is_empty() || text.len() > $max || !text.bytes().all(valid) {
                    return Err(IdError { kind: $kind, rule: $rule });
                }
                Ok(Self(SmolStr::new(text)))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn catalog_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

fn visible_byte(byte: u8) -> bool {
    byte.is_ascii_graphic()
}

text_id!(
    /// A store of the region, as the catalogue names it.
    StoreId, "store id", "1 to 32 of A-Z a-z 0-9 . _ -", CATALOG_ID_BYTES_MAX, catalog_byte
);
text_id!(
    /// A stock-keeping unit: what the menu sells.
    Sku, "sku", "1 to 32 of A-Z a-z 0-9 . _ -", CATALOG_ID_BYTES_MAX, catalog_byte
);
text_id!(
    /// A campaign, as the catalogue names it.
    CampaignId, "campaign id", "1 to 32 of A-Z a-z 0-9 . _ -", CATALOG_ID_BYTES_MAX, catalog_byte
);
text_id!(
    /// An option group of an item, or a choice within one.
    OptionId, "option id", "1 to 32 of A-Z a-z 0-9 . _ -", CATALOG_ID_BYTES_MAX, catalog_byte
);
text_id!(
    /// The region this node serves.
    RegionId, "region", "1 to 32 of A-Z a-z 0-9 . _ -", CATALOG_ID_BYTES_MAX, catalog_byte
);
text_id!(
    /// A customer: the subject of a token with role `customer`.
    MemberId, "member id", "1 to 64 visible ASCII characters", SUBJECT_BYTES_MAX, visible_byte
);
text_id!(
    /// What the customer says to make a repetition of the same request recognisable.
    IdempotencyKey, "idempotency key", "1 to 64 visible ASCII characters", IDEMPOTENCY_KEY_BYTES_MAX, visible_byte
);
text_id!(
    /// The short code that is called when the meal is ready.
    PickupCode, "pickup code", "1 to 12 of A-Z a-z 0-9 -", 12, |byte| byte.is_ascii_alphanumeric() || byte == b'-'
);
impl PickupCode {
    /// A code that is a number, as the node gives them.
    pub fn from_number(number: u32) -> Self {
        Self(smol_str::format_smolstr!("{number}"))
    }

    /// The number, if the code is one.
    pub fn number(&self) -> Option<u32> {
        self.0.parse().ok()
    }
}

text_id!(
    /// A provider's own id of a payment or refund.
    ProviderReference, "provider reference", "1 to 64 visible ASCII characters", SUBJECT_BYTES_MAX, visible_byte
);

/// Crockford's base 32: no I, L, O, U, so that it can be read aloud.
const BASE32: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

fn push_base32(out: &mut String, value: u128, digits: u32) {
    for digit in (0..digits).rev() {
        let index = usize::try_from((value >> (digit * 5)) & 31).unwrap_or(0);
        out.push(char::from(BASE32.get(index).copied().unwrap_or(b'0')));
    }
}

fn parse_base32(text: &str) -> Option<u128> {
    let mut value: u128 = 0;
    for byte in text.bytes() {
        let digit = BASE32.iter().position(|candidate| *candidate == byte)?;
        value = value.checked_mul(32)?.checked_add(u128::try_from(digit).ok()?)?;
    }
    Some(value)
}

fn base32_digits(mut value: u64) -> u32 {
    let mut digits = 1;
    while value >= 32 {
        value >>= 5;
        digits += 1;
    }
    digits
}

/// 35 bits of a hash of the region's name: makes order ids of different regions differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionTag(pub u64);

impl RegionTag {
    /// The tag of a region.
    pub fn of(region: &RegionId) -> Self {
        let hash = blake3::hash(region.as_str().as_bytes());
        let mut bytes = [0u8; 8];
        bytes.copy_from_slice(hash.as_bytes().first_chunk::<8>().unwrap_or(&[0; 8]));
        Self(u64::from_le_bytes(bytes) & ((1 << 35) - 1))
    }
}

/// An order's id: business day, region, epoch and a running number. At most 28 of `[A-Za-z0-9-]` as text, such as
/// `261123-7K2M9QX-1-4D2`. Unique across regions (tag) and restored copies (epoch); ordered by day, then number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId {
    day: BusinessDay,
    epoch: u16,
    number: u32,
    region: RegionTag,
}

impl OrderId {
    /// Puts an id together; only the domain's decide does so for new orders.
    pub fn new(region: RegionTag, epoch: u16, day: BusinessDay, number: u32) -> Self {
        Self { day, epoch, number, region }
    }

    /// The business day on which the order was placed.
    pub fn day(self) -> BusinessDay {
        self.day
    }

    /// The epoch in which the order was placed.
    pub fn epoch(self) -> u16 {
        self.epoch
    }

    /// Which region made it.
    pub fn region(self) -> RegionTag {
        self.region
    }

    /// Which of the region's orders.
    pub fn number(self) -> u32 {
        self.number
    }

    /// Day, epoch and number in 64 bits, order-preserving: the id within a region.
    pub fn packed(self) -> u64 {
        (u64::from(self.day.0) << 48) | (u64::from(self.epoch) << 32) | u64::from(self.number)
    }

    /// The inverse of [`OrderId::packed`] for this region.
    pub fn from_packed(region: RegionTag, packed: u64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "the three parts are cut out on purpose")]
        let (day, epoch, number) = ((packed >> 48) as u16, (packed >> 32) as u16, packed as u32);
        Self { day: BusinessDay(day), epoch, number, region }
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(28);
        let date = self.day.date();
        text.push_str(&format!("{:02}{:02}{:02}-", date.year().rem_euclid(100), date.month(), date.day()));
        push_base32(&mut text, u128::from(self.region.0), 7);
        text.push('-');
        push_base32(&mut text, u128::from(self.epoch), base32_digits(u64::from(self.epoch)));
        text.push('-');
        push_base32(&mut text, u128::from(self.number), base32_digits(u64::from(self.number)));
        f.write_str(&text)
    }
}

impl fmt::Debug for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for OrderId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let parse = || -> Option<Self> {
            let mut parts = text.split('-');
            let (date, region, epoch, number) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
            if parts.next().is_some()
                || date.len() != 6
                || region.len() != 7
                || !date.bytes().all(|b| b.is_ascii_digit())
            {
                return None;
            }
            let year: i16 = date.get(0..2)?.parse().ok()?;
            let month: i8 = date.get(2..4)?.parse().ok()?;
            let day: i8 = date.get(4..6)?.parse().ok()?;
            let date = jiff::civil::Date::new(2000 + year, month, day).ok()?;
            let id = Self {
                day: BusinessDay::from_date(date)?,
                region: RegionTag(u64::try_from(parse_base32(region)?).ok()?),
                epoch: u16::try_from(parse_base32(epoch)?).ok()?,
                number: u32::try_from(parse_base32(number)?).ok()?,
            };
            // One id has one spelling: leading zeros would make a second one.
            (id.to_string() == text).then_some(id)
        };
        parse().ok_or(IdError { kind: "order id", rule: "YYMMDD-REGION-EPOCH-NUMBER" })
    }
}

/// A coupon's id: a keyed hash of campaign, member and ordinal, so that it names its owner without an index.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CouponId(pub u128);

impl fmt::Display for CouponId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(26);
        push_base32(&mut text, self.0, 26);
        f.write_str(&text)
    }
}

impl fmt::Debug for CouponId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for CouponId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let error = IdError { kind: "coupon id", rule: "26 characters as the claim answered them" };
        if text.len() != 26 {
            return Err(error);
        }
        parse_base32(text).map(Self).ok_or(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_id_survives_text_and_packing_and_is_short() {
        let region = RegionTag::of(&"east".parse().unwrap());
        for (epoch, number) in [(1, 0), (1, 31), (7, 32), (u16::MAX, u32::MAX)] {
            let id = OrderId::new(region, epoch, BusinessDay(2518), number);
            let text = id.to_string();
            assert!(text.len() <= 28, "{text}");
            assert_eq!(text.parse::<OrderId>().unwrap(), id);
            assert_eq!(OrderId::from_packed(region, id.packed()), id);
        }
        assert!("261123-0000000-01-1".parse::<OrderId>().is_err(), "a second spelling of the same id");
    }

    #[test]
    fn a_coupon_id_survives_text() {
        let id = CouponId(u128::MAX - 5);
        assert_eq!(id.to_string().parse::<CouponId>().unwrap(), id);
        assert!("ZZZZZZZZZZZZZZZZZZZZZZZZZZ".parse::<CouponId>().is_err(), "more than 128 bits");
    }
}

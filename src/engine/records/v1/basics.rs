//! Small values that other records are made of.

use rkyv::{Archive, Deserialize, Serialize};
use smol_str::SmolStr;

use super::super::with::Text;
use crate::domain::catalog::Name;
use crate::domain::id::{CouponId, OrderId, RegionTag};
use crate::domain::money::{Currency, Fen};
use crate::domain::time::{BusinessDay, MinuteOfDay, Timestamp};

/// A tuple struct of one number or byte array.
macro_rules! number_v1 {
    ($($name:ident($inner:ty) = $domain:ident),* $(,)?) => { $(
        #[derive(Archive, Serialize, Deserialize)]
        #[rkyv(remote = $domain)]
        pub(crate) struct $name($inner);

        impl From<$name> for $domain {
            fn from($name(inner): $name) -> Self {
                Self(inner)
            }
        }
    )* };
}
pub(crate) use number_v1;

number_v1! {
    TimestampV1(i64) = Timestamp,
    FenV1(i64) = Fen,
    BusinessDayV1(u16) = BusinessDay,
    MinuteOfDayV1(u16) = MinuteOfDay,
    CurrencyV1([u8; 3]) = Currency,
    CouponIdV1(u128) = CouponId,
}

/// The region's tag and the id within the region.
#[derive(Archive, Serialize, Deserialize)]
#[rkyv(remote = OrderId)]
pub(crate) struct OrderIdV1 {
    #[rkyv(getter = region_of)]
    region: u64,
    #[rkyv(getter = packed_of)]
    packed: u64,
}

fn region_of(order: &OrderId) -> u64 {
    order.region().0
}

fn packed_of(order: &OrderId) -> u64 {
    order.packed()
}

impl From<OrderIdV1> for OrderId {
    fn from(OrderIdV1 { region, packed }: OrderIdV1) -> Self {
        Self::from_packed(RegionTag(region), packed)
    }
}

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(remote = Name)]
pub(crate) struct NameV1 {
    #[rkyv(with = Text)]
    zh: SmolStr,
    #[rkyv(with = Text)]
    en: SmolStr,
}

impl From<NameV1> for Name {
    fn from(NameV1 { zh, en }: NameV1) -> Self {
        Self { zh, en }
    }
}

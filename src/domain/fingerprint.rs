//! Fingerprints under the region's secret: of idempotency keys and request bodies, and of members. Nobody outside knows
//! the secret, so nobody can choose colliding ones.

use smallvec::SmallVec;

use super::actor::Actor;
use super::command::PlaceOrder;
use super::coupon::{RegionSecret, first_128_bits};
use super::event::KeyUse;
use super::id::{IdempotencyKey, MemberId, Sku, StoreId};

/// A canonical encoding: every field tagged by its place, every text led by its length. Most requests fit on the stack.
struct Canonical(SmallVec<[u8; 512]>);

impl Canonical {
    fn of(kind: u8) -> Self {
        let mut bytes = SmallVec::new();
        bytes.push(kind);
        Self(bytes)
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn count(&mut self, count: usize) -> &mut Self {
        self.bytes(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes())
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.count(text.len()).bytes(text.as_bytes())
    }

    fn maybe(&mut self, bytes: Option<&[u8]>) -> &mut Self {
        match bytes {
            None => self.bytes(&[0]),
            Some(bytes) => self.bytes(&[1]).count(bytes.len()).bytes(bytes),
        }
    }

    fn hash(&self, secret: &RegionSecret) -> u128 {
        first_128_bits(&blake3::keyed_hash(&secret.0, &self.0))
    }

    #[expect(clippy::cast_possible_truncation, reason = "half of the hash is asked for")]
    fn short_hash(&self, secret: &RegionSecret) -> u64 {
        self.hash(secret) as u64
    }
}

// What a fingerprint is of, so that no two kinds ever meet.
const MEMBER: u8 = 1;
const CUSTOMER_KEY: u8 = 2;
const STORE_KEY: u8 = 3;
const OPERATOR_KEY: u8 = 4;
const NODE_KEY: u8 = 5;
const ORDER_BODY: u8 = 6;
const ADJUST_BODY: u8 = 7;

/// A member as a number.
pub(super) fn of_member(secret: &RegionSecret, member: &MemberId) -> u64 {
    let mut canonical = Canonical::of(MEMBER);
    canonical.text(member.as_str()).short_hash(secret)
}

/// The key and body of an order request; the key is the member's own.
pub(super) fn of_order(secret: &RegionSecret, request: &PlaceOrder) -> KeyUse {
    let mut key = Canonical::of(CUSTOMER_KEY);
    key.text(request.member.as_str()).text(request.key.as_str());
    let mut body = Canonical::of(ORDER_BODY);
    body.text(request.store.as_str()).count(request.lines.len());
    for line in &request.lines {
        body.text(line.sku.as_str()).bytes(&line.quantity.to_le_bytes()).count(line.options.len());
        for option in &line.options {
            body.text(option.option.as_str()).text(option.choice.as_str());
        }
    }
    let coupon = request.coupon.map(|coupon| coupon.0.to_le_bytes());
    let expected = request.expected_total.map(|expected| expected.0.to_le_bytes());
    body.maybe(coupon.as_ref().map(|bytes| &bytes[..]));
    body.maybe(request.note.as_ref().map(|note| note.as_bytes()));
    body.maybe(expected.as_ref().map(|bytes| &bytes[..]));
    KeyUse { fingerprint: key.hash(secret), body: body.short_hash(secret) }
}

/// The key and body of a stock adjustment; the key is the subject's own.
pub(super) fn of_adjustment(
    secret: &RegionSecret,
    actor: &Actor,
    key: &IdempotencyKey,
    (store, sku, delta, reason): (&StoreId, &Sku, i32, &str),
) -> KeyUse {
    let mut subject = Canonical::of(match actor {
        Actor::Customer(_) => CUSTOMER_KEY,
        Actor::Store { .. } => STORE_KEY,
        Actor::Operator { .. } => OPERATOR_KEY,
        Actor::Provider | Actor::Node => NODE_KEY,
    });
    match actor {
        Actor::Customer(member) => subject.text(member.as_str()),
        Actor::Store { store, subject: name } => subject.text(store.as_str()).text(name),
        Actor::Operator { subject: name } => subject.text(name),
        Actor::Provider | Actor::Node => &mut subject,
    };
    subject.text(key.as_str());
    let mut body = Canonical::of(ADJUST_BODY);
    body.text(store.as_str()).text(sku.as_str()).bytes(&delta.to_le_bytes()).text(reason);
    KeyUse { fingerprint: subject.hash(secret), body: body.short_hash(secret) }
}

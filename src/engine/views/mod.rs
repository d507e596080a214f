//! Read models: what everybody but the writer reads. Written only by the writer, between fsync and reply (or by a replica's
//! applier), so that they show durable facts and a client always reads its own write. Never here: a decision, or anything
//! of the hot state.
//!
//! An order is put into the overlay before it leaves the open ones, and leaves the overlay only once it is projected: a
//! reader that looks in the order open, overlay, projection never misses it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use parking_lot::RwLock;
use tokio::sync::watch;

use crate::domain::catalog::Catalog;
use crate::domain::coupon::{self, CampaignCounters, CampaignNumber, Coupon, RegionSecret};
use crate::domain::effect::{Effect, OrderEffect};
use crate::domain::id::{CampaignId, CouponId, MemberId, OrderId, RegionId, RegionTag, Sku, StoreId};
use crate::domain::order::{Order, Status};
use crate::domain::payment::RefundStatus;
use crate::domain::state::State;
use crate::domain::stock::StockLine;
use crate::domain::store::Pause;
use crate::domain::time::Timestamp;

pub mod board;
mod claims;
mod members;
pub(in crate::engine) mod overlay;
mod sharded;
mod stores;

pub use board::{Board, BoardState};
pub use stores::{OpenCounts, StoreView};

use claims::Claims;
use members::Members;
use overlay::Overlay;
use sharded::ShardedByOwnId;
use stores::{StoreCell, Stores};

/// What an epoch's first entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Started {
    epoch: u16,
    secret: RegionSecret,
}

/// All read models of a region.
#[derive(Debug)]
pub struct Views {
    region: RegionId,
    tag: RegionTag,
    started: RwLock<Started>,
    catalog: ArcSwap<Catalog>,
    orders: ShardedByOwnId<u64, Arc<Order>>,
    open_orders: AtomicUsize,
    members: Members,
    stores: Stores,
    campaigns: RwLock<BTreeMap<CampaignNumber, CampaignCounters>>,
    claims: Claims,
    refunds: RwLock<BTreeMap<u64, Arc<Order>>>,
    overlay: Overlay,
    durable_through: AtomicU64,
}

impl Views {
    /// Views of a region that has no entry yet.
    pub(in crate::engine) fn new(region: RegionId, overlay: Overlay) -> Self {
        Self {
            tag: RegionTag::of(&region),
            region,
            started: RwLock::new(Started { epoch: 0, secret: RegionSecret([0; 32]) }),
            catalog: ArcSwap::default(),
            orders: ShardedByOwnId::new(),
            open_orders: AtomicUsize::new(0),
            members: Members::new(),
            stores: Stores::default(),
            campaigns: RwLock::default(),
            claims: Claims::new(),
            refunds: RwLock::default(),
            overlay,
            durable_through: AtomicU64::new(0),
        }
    }

    /// Shows `state`, which is durable up to the log entry `sequence`. Only for views that show nothing yet.
    pub(in crate::engine) fn show(&self, state: &State, sequence: u64) {
        self.start(state);
        self.catalog.store(Arc::clone(state.catalog()));
        self.stores.show(state);
        self.campaigns.write().extend(state.campaigns().map(|(number, counters)| (number, counters.clone())));
        self.claims.show(state);
        for order in state.orders() {
            self.put_open(order);
        }
        self.durable_through.store(sequence, Ordering::Release);
    }

    /// Learns what the first entry of the state's epoch says.
    pub(in crate::engine) fn start(&self, state: &State) {
        let Some(start) = state.region() else { return };
        let now = Started { epoch: start.epoch, secret: start.secret };
        if *self.started.read() != now {
            *self.started.write() = now;
        }
    }

    /// The region and the epoch in which offsets mean something; 0 before the first entry.
    pub fn region(&self) -> (RegionId, u16) {
        (self.region.clone(), self.started.read().epoch)
    }

    /// The tag in the ids of this region's orders.
    pub fn region_tag(&self) -> RegionTag {
        self.tag
    }

    /// Sequence of the last log entry that the views show.
    pub fn durable_through(&self) -> u64 {
        self.durable_through.load(Ordering::Acquire)
    }

    /// What is on sale.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.catalog.load_full()
    }

    /// An order that is open, or closed and not projected yet.
    pub fn order(&self, order: OrderId) -> Option<Arc<Order>> {
        if order.region() != self.tag {
            return None;
        }
        self.orders.get(&order.packed()).or_else(|| self.overlay.order(order.packed()))
    }

    /// How many orders are open.
    pub fn open_orders(&self) -> usize {
        self.open_orders.load(Ordering::Relaxed)
    }

    /// A store's orders, board and pause, consistent with each other. Nothing for a store that never was.
    pub fn store(&self, store: &StoreId) -> Option<StoreView> {
        self.stores.get(store).map(|cell| cell.view())
    }

    /// What the call screen shows.
    pub fn board(&self, store: &StoreId) -> Option<Board> {
        self.stores.get(store).map(|cell| cell.board())
    }

    /// The store's pause, if any; it may have ended by time.
    pub fn pause(&self, store: &StoreId) -> Option<Pause> {
        self.stores.get(store).and_then(|cell| cell.pause())
    }

    /// Minutes a customer who pays now has to wait.
    pub fn wait_minutes(&self, store: &StoreId) -> u16 {
        self.stores.get(store).map_or(0, |cell| cell.wait_minutes())
    }

    /// How many orders the store has to make before this one; none where this one is not waiting to be made.
    pub fn ahead(&self, order: &Order) -> Option<usize> {
        let position = order.position.filter(|_| matches!(order.status, Status::Paid | Status::Accepted))?;
        self.stores.get(&order.store).map(|cell| cell.ahead(position))
    }

    /// A store's open orders, counted by where they are.
    pub fn open_counts_of(&self, store: &StoreId) -> OpenCounts {
        self.stores.get(store).map(|cell| cell.open_counts()).unwrap_or_default()
    }

    /// The same of all stores, withdrawn ones too.
    pub fn open_counts(&self) -> OpenCounts {
        self.stores.open_counts()
    }

    /// A store's stock lines by SKU.
    pub fn stock(&self, store: &StoreId) -> Vec<(Sku, StockLine)> {
        self.stores.get(store).map(|cell| cell.stock()).unwrap_or_default()
    }

    /// Moves with every change of any stock line of the store.
    pub fn stock_version(&self, store: &StoreId) -> u64 {
        self.stores.get(store).map_or(0, |cell| cell.stock_version())
    }

    /// Coupons claimed of a campaign so far.
    pub fn claimed(&self, campaign: &CampaignId) -> u32 {
        let campaigns = self.campaigns.read();
        campaigns.values().find(|counters| counters.id == *campaign).map_or(0, |counters| counters.claimed)
    }

    /// A member's coupons, newest campaign first.
    pub fn coupons(&self, member: &MemberId, now: Timestamp) -> Vec<Coupon> {
        let campaigns = self.campaigns.read();
        let campaigns_by_number = campaigns.iter().map(|(number, counters)| (*number, counters));
        let secret = self.started.read().secret;
        coupon::coupons_of(&secret, member, now, campaigns_by_number, |coupon| self.claims.get(coupon))
    }

    /// One coupon.
    pub fn coupon(&self, coupon: CouponId, now: Timestamp) -> Option<Coupon> {
        let claim = self.claims.get(coupon)?;
        Some(coupon::view(now, coupon, claim, self.campaigns.read().get(&claim.campaign)?))
    }

    /// A member's open orders, oldest first.
    pub fn open_orders_of_member(&self, member: &MemberId) -> Vec<Arc<Order>> {
        self.members.orders(member)
    }

    /// Every order with money on its way back, oldest first.
    pub fn pending_refunds(&self) -> Vec<Arc<Order>> {
        self.refunds.read().values().cloned().collect()
    }

    /// The position of the store's order paid last; changes wake whoever waits for new orders.
    pub fn paid_signal(&self, store: &StoreId) -> Option<watch::Receiver<u64>> {
        self.stores.get(store).map(|cell| cell.paid_signal())
    }

    /// Every open order of a store, by id.
    pub(in crate::engine) fn open_orders_of_store(&self, store: &StoreId) -> Vec<Arc<Order>> {
        self.stores.get(store).map(|cell| cell.open_orders()).unwrap_or_default()
    }

    /// A store's open orders paid after `position`, by position, and the position paid last.
    pub(in crate::engine) fn open_after(&self, store: &StoreId, position: u64) -> Option<(Vec<Arc<Order>>, u64)> {
        self.stores.get(store).map(|cell| cell.open_after(position))
    }

    /// What closed and is not projected yet.
    pub(in crate::engine) fn overlay(&self) -> &Overlay {
        &self.overlay
    }

    /// Every open order that is older than `below` (by packed id), of one store or of all, in no particular order.
    pub(in crate::engine) fn open_orders_below(&self, store: Option<&StoreId>, below: u64) -> Vec<Arc<Order>> {
        self.stores.open_orders_below(store, below)
    }

    /// Takes a durable group in; only whoever writes them calls it.
    pub(in crate::engine) fn apply(&self, effects: &[Effect], last: u64) {
        let stores = &mut self.stores.writer();
        for effect in effects {
            match effect {
                Effect::Catalog(catalog) => {
                    self.stores.know(catalog);
                    self.catalog.store(Arc::clone(catalog));
                }
                Effect::Stock { store, sku, line } => stores.cell(store).put_stock(sku, *line),
                Effect::Accepting { store, pause } => stores.cell(store).put_pause(pause.clone()),
                Effect::Campaign { number, counters } => {
                    self.campaigns.write().insert(*number, counters.clone());
                }
                Effect::CampaignForgotten { number } => {
                    self.campaigns.write().remove(number);
                    self.claims.forget(*number);
                }
                Effect::Coupon { coupon, claim } => self.claims.put(*coupon, *claim),
                Effect::Order(effect) => self.apply_order(stores.cell(&effect.order.store), effect, last),
            }
        }
        self.durable_through.store(last, Ordering::Release);
    }

    fn apply_order(&self, store: &StoreCell, effect: &OrderEffect, sequence: u64) {
        let order = &effect.order;
        if effect.closed {
            self.overlay.insert(order, sequence);
            store.take_order(effect);
            self.members.remove(order);
            if !order.refunds.is_empty() {
                self.refunds.write().remove(&order.id.packed());
            }
            if self.orders.remove(&order.id.packed()) {
                self.open_orders.fetch_sub(1, Ordering::Relaxed);
            }
        } else {
            self.put_open(order);
            store.take_order(effect);
        }
    }

    fn put_open(&self, order: &Arc<Order>) {
        let packed = order.id.packed();
        if self.orders.insert(&packed, Arc::clone(order)) {
            self.open_orders.fetch_add(1, Ordering::Relaxed);
        }
        self.members.put(order);
        if order.refunds.iter().any(|refund| refund.status != RefundStatus::Succeeded) {
            self.refunds.write().insert(packed, Arc::clone(order));
        } else if !order.refunds.is_empty() {
            self.refunds.write().remove(&packed);
        }
    }
}

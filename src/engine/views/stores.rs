//! What readers see of a store: its open orders, board, pause and counters under one lock, its stock under another.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::watch;

use super::board::{Board, BoardState};
use crate::domain::catalog::Catalog;
use crate::domain::decide::promise;
use crate::domain::effect::OrderEffect;
use crate::domain::id::{Sku, StoreId};
use crate::domain::order::{Order, Status};
use crate::domain::state::State;
use crate::domain::stock::StockLine;
use crate::domain::store::Pause;

/// A store at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct StoreView {
    /// Offset of topic `store/ID`.
    pub store_offset: u64,
    /// The call screen's board.
    pub board: Board,
    /// Orders paid, accepted or ready, by the position at which they were paid.
    pub open: Vec<Arc<Order>>,
    /// Position of the order paid last.
    pub last_position: u64,
    /// Pause, if any; it may have ended by time.
    pub pause: Option<Pause>,
}

/// Open orders by where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenCounts {
    /// Waiting for money.
    pub awaiting_payment: u32,
    /// Paid, waiting for the store.
    pub paid: u32,
    /// Being made.
    pub accepted: u32,
    /// On the counter.
    pub ready: u32,
}

impl OpenCounts {
    fn of(&mut self, status: Status) -> Option<&mut u32> {
        match status {
            Status::AwaitingPayment => Some(&mut self.awaiting_payment),
            Status::Paid => Some(&mut self.paid),
            Status::Accepted => Some(&mut self.accepted),
            Status::Ready => Some(&mut self.ready),
            // Ended; open only for a refund.
            Status::Collected | Status::Cancelled | Status::Rejected => None,
        }
    }
}

impl std::ops::AddAssign for OpenCounts {
    fn add_assign(&mut self, other: Self) {
        self.awaiting_payment += other.awaiting_payment;
        self.paid += other.paid;
        self.accepted += other.accepted;
        self.ready += other.ready;
    }
}

/// Every store that ever was.
#[derive(Debug, Default)]
pub(super) struct Stores(RwLock<HashMap<StoreId, Arc<StoreCell>>>);

impl Stores {
    /// Takes in the stores of a state.
    pub(super) fn show(&self, state: &State) {
        self.know(state.catalog());
        let mut orders: BTreeMap<&StoreId, Vec<&Arc<Order>>> = BTreeMap::new();
        for order in state.orders() {
            orders.entry(&order.store).or_default().push(order);
        }
        for (id, counters) in state.stores() {
            let cell = self.cell(id);
            let mut inner = cell.inner.write();
            let orders = orders.remove(id).unwrap_or_default();
            inner.store_offset = counters.store_offset;
            inner.last_position = counters.last_position;
            inner.pause = counters.pause.clone();
            inner.board = BoardState::of(orders.iter().map(|order| order.as_ref()), counters.board_offset);
            orders.into_iter().for_each(|order| inner.put(order));
            drop(inner);
            for (sku, line) in state.stock_of(id) {
                cell.put_stock(sku, line);
            }
            cell.paid.send_replace(counters.last_position);
        }
    }

    pub(super) fn get(&self, store: &StoreId) -> Option<Arc<StoreCell>> {
        self.0.read().get(store).cloned()
    }

    /// Open orders with a packed id below `below`, of one store or of all.
    pub(super) fn open_orders_below(&self, store: Option<&StoreId>, below: u64) -> Vec<Arc<Order>> {
        let cells: Vec<_> = match store {
            Some(store) => self.get(store).into_iter().collect(),
            None => self.0.read().values().cloned().collect(),
        };
        let mut orders = Vec::new();
        for cell in cells {
            orders.extend(cell.inner.read().orders.range(..below).map(|(_, order)| Arc::clone(order)));
        }
        orders
    }

    /// A store's cell, made where there is none.
    pub(super) fn cell(&self, store: &StoreId) -> Arc<StoreCell> {
        if let Some(cell) = self.get(store) {
            return cell;
        }
        Arc::clone(self.0.write().entry(store.clone()).or_default())
    }

    /// Open orders of every store that ever was.
    pub(super) fn open_counts(&self) -> OpenCounts {
        let mut sum = OpenCounts::default();
        self.0.read().values().for_each(|cell| sum += cell.open_counts());
        sum
    }

    /// For taking in a group: effects of one order stand together and concern one store, which is looked up once.
    pub(super) fn writer(&self) -> StoreWriter<'_> {
        StoreWriter { stores: self, last: None }
    }

    /// Makes cells for the stores of a new catalogue.
    pub(super) fn know(&self, catalog: &Catalog) {
        catalog.stores.keys().for_each(|store| {
            self.cell(store);
        });
    }
}

/// Looks stores up, remembering the last one.
pub(super) struct StoreWriter<'s> {
    stores: &'s Stores,
    last: Option<(StoreId, Arc<StoreCell>)>,
}

impl StoreWriter<'_> {
    pub(super) fn cell(&mut self, store: &StoreId) -> &StoreCell {
        let last = self.last.take().filter(|(last, _)| last == store);
        &self.last.insert(last.unwrap_or_else(|| (store.clone(), self.stores.cell(store)))).1
    }
}

/// One store.
#[derive(Debug)]
pub(super) struct StoreCell {
    inner: RwLock<Inner>,
    stock: RwLock<Stock>,
    paid: watch::Sender<u64>,
}

impl Default for StoreCell {
    fn default() -> Self {
        Self { inner: RwLock::default(), stock: RwLock::default(), paid: watch::Sender::new(0) }
    }
}

#[derive(Debug, Default)]
struct Inner {
    store_offset: u64,
    board: BoardState,
    last_position: u64,
    pause: Option<Pause>,
    /// Every open order by packed id, those that wait for money or a refund too.
    orders: BTreeMap<u64, Arc<Order>>,
    /// Those that were paid, by position.
    by_position: BTreeMap<u64, Arc<Order>>,
    /// How many of them are where.
    open: OpenCounts,
}

#[derive(Debug, Default)]
struct Stock {
    version: u64,
    lines: BTreeMap<Sku, StockLine>,
}

impl Inner {
    fn put(&mut self, order: &Arc<Order>) {
        let before = self.orders.insert(order.id.packed(), Arc::clone(order));
        self.count(before.as_deref(), Some(order));
        if let Some(position) = order.position {
            self.by_position.insert(position, Arc::clone(order));
        }
    }

    fn remove(&mut self, order: &Order) {
        let before = self.orders.remove(&order.id.packed());
        self.count(before.as_deref(), None);
        if let Some(position) = order.position {
            self.by_position.remove(&position);
        }
    }

    fn count(&mut self, before: Option<&Order>, after: Option<&Order>) {
        if let Some(count) = after.and_then(|order| self.open.of(order.status)) {
            *count += 1;
        }
        if let Some(count) = before.and_then(|order| self.open.of(order.status)) {
            *count = count.saturating_sub(1);
        }
    }
}

impl StoreCell {
    pub(super) fn take_order(&self, effect: &OrderEffect) {
        let mut inner = self.inner.write();
        if effect.closed {
            inner.remove(&effect.order);
        } else {
            inner.put(&effect.order);
        }
        inner.store_offset = effect.store_offset;
        inner.board.apply(effect);
        let position = effect.order.position.unwrap_or(0);
        if position > inner.last_position {
            inner.last_position = position;
            drop(inner);
            self.paid.send_replace(position);
        }
    }

    /// How many orders that still have to be made were paid before this position.
    pub(super) fn ahead(&self, position: u64) -> usize {
        let to_make = |order: &&Arc<Order>| matches!(order.status, Status::Paid | Status::Accepted);
        self.inner.read().by_position.range(..position).map(|(_, order)| order).filter(to_make).count()
    }

    pub(super) fn put_stock(&self, sku: &Sku, line: StockLine) {
        let mut stock = self.stock.write();
        stock.version += 1;
        match stock.lines.get_mut(sku) {
            Some(slot) => *slot = line,
            None => {
                stock.lines.insert(sku.clone(), line);
            }
        }
    }

    pub(super) fn put_pause(&self, pause: Option<Pause>) {
        self.inner.write().pause = pause;
    }

    pub(super) fn view(&self) -> StoreView {
        let inner = self.inner.read();
        StoreView {
            store_offset: inner.store_offset,
            board: inner.board.board(),
            open: inner.by_position.values().filter(|order| order.status.in_store()).cloned().collect(),
            last_position: inner.last_position,
            pause: inner.pause.clone(),
        }
    }

    pub(super) fn board(&self) -> Board {
        self.inner.read().board.board()
    }

    pub(super) fn pause(&self) -> Option<Pause> {
        self.inner.read().pause.clone()
    }

    pub(super) fn open_counts(&self) -> OpenCounts {
        self.inner.read().open
    }

    /// By the orders paid or accepted, which the kitchen still has before it.
    pub(super) fn wait_minutes(&self) -> u16 {
        let open = self.open_counts();
        promise(open.paid + open.accepted)
    }

    pub(super) fn stock(&self) -> Vec<(Sku, StockLine)> {
        self.stock.read().lines.iter().map(|(sku, line)| (sku.clone(), *line)).collect()
    }

    pub(super) fn stock_version(&self) -> u64 {
        self.stock.read().version
    }

    pub(super) fn paid_signal(&self) -> watch::Receiver<u64> {
        self.paid.subscribe()
    }

    pub(super) fn open_orders(&self) -> Vec<Arc<Order>> {
        self.inner.read().orders.values().cloned().collect()
    }

    pub(super) fn open_after(&self, position: u64) -> (Vec<Arc<Order>>, u64) {
        let inner = self.inner.read();
        let after = inner.by_position.range((Bound::Excluded(position), Bound::Unbounded));
        (after.map(|(_, order)| Arc::clone(order)).collect(), inner.last_position)
    }
}

//! A region's life turned into store batches, and next to them a plain model of what the store must answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use qucan::aggregator::figures::{Changed, Figures};
use qucan::aggregator::store::{OrderKey, OrderQuery, RegionOrders, StoreBatch};
use qucan::domain::effect::Effect;
use qucan::domain::id::{OrderId, RegionId};
use qucan::domain::order::Order;
use qucan::engine::answer::Unavailable;
use qucan::engine::replica::{AppliedStep, OrdersFilter, OrdersPage};
use qucan::view::encode_order;
use qucan_storage::{ChainHash, Position, Sequence};

use crate::lives::Life;

pub type Orders = Arc<Mutex<BTreeMap<u64, Arc<Order>>>>;

/// Hands a life's entries on in batches of any size.
pub struct Feed {
    pub region: RegionId,
    pub steps: Vec<AppliedStep>,
    /// Entries handed on.
    pub taken: usize,
    pub figures: Figures,
    pub cursor: Option<Position>,
    /// Every order as of there.
    pub orders: Orders,
}

impl Feed {
    pub fn new(region: &str, seed: u64, commands: usize) -> Self {
        let region: RegionId = region.parse().unwrap();
        let steps = Life::lived(&region, seed, commands).steps;
        Self::of(region, steps)
    }

    pub fn of(region: RegionId, steps: Vec<AppliedStep>) -> Self {
        Self { region, steps, taken: 0, figures: Figures::default(), cursor: None, orders: Orders::default() }
    }

    pub fn is_done(&self) -> bool {
        self.taken == self.steps.len()
    }

    /// The next batch; the model is then as it must be once the batch is applied.
    pub fn next(&mut self, entries: usize) -> StoreBatch {
        let end = (self.taken + entries).min(self.steps.len());
        let mut changed = Changed::default();
        let mut orders = BTreeMap::new();
        for step in &self.steps[self.taken..end] {
            self.figures.take(step, &mut changed);
            for effect in &step.effects {
                if let Effect::Order(effect) = effect {
                    orders.insert(effect.order.id.packed(), Arc::clone(&effect.order));
                }
            }
        }
        self.taken = end;
        self.orders.lock().extend(orders.iter().map(|(packed, order)| (*packed, Arc::clone(order))));
        let rows = self.figures.rows(&changed);
        let to = position(end);
        let from = self.cursor.replace(to);
        StoreBatch {
            region: self.region.clone(),
            from,
            to,
            epoch: 1,
            unseen: Vec::new(),
            orders: orders.into_values().collect(),
            minutes: rows.minutes,
            store_days: rows.store_days,
            ticks: rows.ticks,
        }
    }

    /// Begins again.
    pub fn rewind(&mut self) {
        (self.taken, self.cursor, self.figures) = (0, None, Figures::default());
        self.orders.lock().clear();
    }

    /// The seam of the embedded store: orders from memory, a few at a look.
    pub fn shelf(&self) -> Shelf {
        Shelf(Arc::clone(&self.orders))
    }

    /// The buckets as the orders alone give them, with the ticks as they were taken in.
    pub fn recounted(&self) -> Figures {
        let orders = self.orders.lock();
        let recount = Figures::recount(orders.values().map(|order| &**order));
        Figures { ticks: self.figures.ticks.clone(), ..recount }
    }
}

/// Where a chain would be after so many entries.
pub fn position(entries: usize) -> Position {
    let sequence = u64::try_from(entries).unwrap();
    Position { sequence: Sequence(sequence), hash: ChainHash(*blake3::hash(&sequence.to_le_bytes()).as_bytes()) }
}

/// Orders in memory.
pub struct Shelf(Orders);

/// Orders looked at a time: few, so that lists go on where a look ended.
const LOOK: usize = 7;

impl RegionOrders for Shelf {
    fn order(&self, order: OrderId) -> Result<Option<Arc<Order>>, Unavailable> {
        Ok(self.0.lock().get(&order.packed()).filter(|found| found.id == order).cloned())
    }

    fn orders(&self, filter: &OrdersFilter, below: Option<OrderId>, limit: usize) -> Result<OrdersPage, Unavailable> {
        let orders = self.0.lock();
        let end = below.map_or(u64::MAX, OrderId::packed);
        let mut page = OrdersPage::default();
        for (looked, order) in orders.range(..end).rev().map(|(_, order)| order).enumerate() {
            if looked == LOOK || page.orders.len() == limit {
                return Ok(page);
            }
            page.next = Some(order.id);
            if likes(filter, order) {
                page.orders.push(Arc::clone(order));
            }
        }
        page.next = None;
        Ok(page)
    }
}

fn likes(filter: &OrdersFilter, order: &Order) -> bool {
    filter.store.as_ref().is_none_or(|store| *store == order.store)
        && filter.status.is_none_or(|status| status == order.status)
        && filter.from.is_none_or(|from| from <= order.created_at)
        && filter.to.is_none_or(|to| order.created_at < to)
}

/// The whole list that a query begins, from plain vectors: its key and its JSON.
pub fn expected(feeds: &[Feed], query: &OrderQuery) -> Vec<(OrderKey, String)> {
    let filter = OrdersFilter { store: query.store.clone(), status: query.status, from: query.from, to: query.to };
    let mut all = Vec::new();
    for feed in feeds.iter().filter(|feed| query.regions.contains(&feed.region)) {
        for order in feed.orders.lock().values().filter(|order| likes(&filter, order)) {
            let key = OrderKey { packed: order.id.packed(), region: feed.region.clone() };
            all.push((key, encode_order(order, &feed.region)));
        }
    }
    all.sort_by(|(one, _), (other, _)| (other.packed, &one.region).cmp(&(one.packed, &other.region)));
    if let Some(after) = &query.after {
        all.retain(|(key, _)| key > after);
    }
    all
}

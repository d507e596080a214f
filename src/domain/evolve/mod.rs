//! Evolve: state + event → state. The only place where the state changes; it concludes nothing that the event doesn't
//! say, so that a replay needs the log and nothing else.

mod catalog;
mod orders;

pub(in crate::domain) use catalog::declares;

use super::coupon::{CampaignNumber, Claim};
use super::effect::Effect;
use super::event::Event;
use super::id::{CampaignId, CouponId, OrderId, RegionTag, Sku, StoreId};
use super::invariants::{Violation, check_claim, check_stock};
use super::state::{CLAIMS_KEPT_AFTER_END, State};
use super::stock::{StockError, StockLine};
use super::store::Pause;
use super::time::Timestamp;

/// An event that does not fit the state: log and state are not of one history. Never happens to an event that decide
/// made against this very state. The state is then half changed and of no more use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvolveError {
    /// The region can't begin so.
    #[error("the epoch can't begin: {why}")]
    Region {
        /// What does not fit.
        why: &'static str,
    },
    /// A store that was never defined.
    #[error("store {store} was never defined")]
    Store {
        /// Which.
        store: StoreId,
    },
    /// A stock line that can't take the change.
    #[error("stock of {sku} at {store}: {why}")]
    Stock {
        /// Where.
        store: StoreId,
        /// Of what.
        sku: Sku,
        /// What does not fit.
        why: &'static str,
    },
    /// A campaign that was never defined.
    #[error("campaign {campaign} was never defined")]
    Campaign {
        /// Which.
        campaign: CampaignId,
    },
    /// A coupon that is not there, or is already.
    #[error("coupon {coupon}: {why}")]
    Coupon {
        /// Which.
        coupon: CouponId,
        /// What does not fit.
        why: &'static str,
    },
    /// An order that is not there, or is already, or another than the event carries.
    #[error("order {order}: {why}")]
    Order {
        /// Which.
        order: OrderId,
        /// What does not fit.
        why: &'static str,
    },
    /// Debug builds look at every change: a promise is broken.
    #[error("{0}")]
    Broken(Box<Violation>),
}

/// In debug builds, the first promise that a change broke.
fn debug_check(violations: impl FnOnce() -> Vec<Violation>) -> Result<(), EvolveError> {
    let first = if cfg!(debug_assertions) { violations().into_iter().next() } else { None };
    first.map_or(Ok(()), |violation| Err(EvolveError::Broken(Box::new(violation))))
}

impl State {
    /// Takes one event in, which happened `at`; appends what it changed to `effects`. Give the events of one group the
    /// same `effects`: changes of the catalogue that follow each other then leave one image only.
    pub fn evolve(&mut self, at: Timestamp, event: &Event, effects: &mut Vec<Effect>) -> Result<(), EvolveError> {
        self.pass_time(at, effects);
        match event {
            Event::RegionStarted(start) => {
                if self.head.region.as_ref().is_some_and(|now| now.region != start.region || now.epoch >= start.epoch) {
                    return Err(EvolveError::Region { why: "the log is of another region or a later epoch" });
                }
                self.tag = RegionTag::of(&start.region);
                self.head.region = Some(start.clone());
            }
            Event::CurrencySet(_)
            | Event::StoreDefined(_)
            | Event::StoreWithdrawn(_)
            | Event::ItemDefined(_)
            | Event::ItemWithdrawn(_)
            | Event::CampaignDefined(_)
            | Event::CampaignWithdrawn(_) => self.evolve_catalog(event, effects)?,
            Event::StockDeclared { declaration, overwrite } => self.declare_stock(declaration, *overwrite, effects)?,
            Event::StockSet { store, sku, available } => self.change_stock(store, sku, effects, |line| {
                line.set(*available);
                Ok(())
            })?,
            Event::StockAdjusted { store, sku, delta, request, reason: _ } => {
                self.keys.remember(*request, 0);
                self.change_stock(store, sku, effects, |line| line.adjust(*delta))?;
            }
            Event::AcceptingChanged { store, pause } => self.change_pause(store, pause.as_ref(), effects)?,
            Event::CouponClaimed { coupon, campaign, member, ordinal } => {
                debug_check(|| check_claim(self, *coupon, campaign, member, *ordinal))?;
                self.claim_coupon(*coupon, campaign, *ordinal, effects)?;
            }
            Event::OrderPlaced { order, request } => self.place_order(order, *request, effects)?,
            Event::OrderChanged { order, change, whole } => {
                self.change_order(at, *order, change, whole.as_ref(), effects)?;
            }
        }
        Ok(())
    }

    /// What time alone brings: a new generation of keys once a day, and with it the end of campaigns long over.
    fn pass_time(&mut self, at: Timestamp, effects: &mut Vec<Effect>) {
        self.head.clock = self.head.clock.max(at);
        if self.keys.rotate(self.head.keys_began, at) {
            self.head.keys_began = at;
            self.forget_campaigns(at, effects);
        }
    }

    /// Forgets campaigns that are withdrawn and over for [`CLAIMS_KEPT_AFTER_END`], with their claims: memory is bounded
    /// by what the catalogue lists. A campaign defined again under the same id afterwards begins anew.
    fn forget_campaigns(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let over: Vec<CampaignNumber> = (self.campaigns.iter())
            .filter(|(_, campaign)| !self.catalog.campaigns.contains_key(&campaign.id))
            .filter(|(_, campaign)| now >= campaign.ends_at.plus(CLAIMS_KEPT_AFTER_END))
            .map(|(number, _)| number)
            .collect();
        for number in over {
            std::sync::Arc::make_mut(&mut self.campaigns).remove(number);
            self.claims.forget(number);
            effects.push(Effect::CampaignForgotten { number });
        }
    }

    fn change_stock(
        &mut self,
        store: &StoreId,
        sku: &Sku,
        effects: &mut Vec<Effect>,
        change: impl FnOnce(&mut StockLine) -> Result<(), StockError>,
    ) -> Result<(), EvolveError> {
        let Some(state) = self.stores.get_mut(store) else { return Err(EvolveError::Store { store: store.clone() }) };
        // A line that was never declared is counted and 0.
        let mut line = state.stock.get(sku).copied().unwrap_or(StockLine { counted: true, ..StockLine::default() });
        change(&mut line).map_err(|error| stock_error(store, sku, error))?;
        debug_check(|| check_stock(store, sku, &line))?;
        state.stock.insert(sku.clone(), line);
        effects.push(Effect::Stock { store: store.clone(), sku: sku.clone(), line });
        Ok(())
    }

    fn change_pause(
        &mut self,
        store: &StoreId,
        pause: Option<&Pause>,
        effects: &mut Vec<Effect>,
    ) -> Result<(), EvolveError> {
        let Some(state) = self.stores.get_mut(store) else { return Err(EvolveError::Store { store: store.clone() }) };
        state.counters.pause = pause.cloned();
        effects.push(Effect::Accepting { store: store.clone(), pause: pause.cloned() });
        Ok(())
    }

    fn claim_coupon(
        &mut self,
        coupon: CouponId,
        campaign: &CampaignId,
        ordinal: u16,
        effects: &mut Vec<Effect>,
    ) -> Result<(), EvolveError> {
        let missing = || EvolveError::Campaign { campaign: campaign.clone() };
        let number = self.campaigns.number(campaign).ok_or_else(missing)?;
        let counters = std::sync::Arc::make_mut(&mut self.campaigns).get_mut(number).ok_or_else(missing)?;
        counters.claimed = counters.claimed.saturating_add(1);
        effects.push(Effect::Campaign { number, counters: counters.clone() });
        let claim = Claim { campaign: number, ordinal, used_by: None };
        if self.claims.put(coupon, claim).is_some() {
            return Err(EvolveError::Coupon { coupon, why: "it was claimed before" });
        }
        effects.push(Effect::Coupon { coupon, claim });
        Ok(())
    }
}

fn stock_error(store: &StoreId, sku: &Sku, error: StockError) -> EvolveError {
    EvolveError::Stock { store: store.clone(), sku: sku.clone(), why: error.0 }
}

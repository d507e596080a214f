//! The catalogue's events: what is on sale, and the stock it brings along.

use std::sync::Arc;

use super::EvolveError;
use crate::domain::catalog::{Catalog, StockDeclaration};
use crate::domain::coupon::{Campaign, CampaignCounters, CampaignNumber};
use crate::domain::effect::Effect;
use crate::domain::event::Event;
use crate::domain::state::{CAMPAIGN_NUMBER_MAX, State};
use crate::domain::stock::StockLine;

impl State {
    pub(super) fn evolve_catalog(&mut self, event: &Event, effects: &mut Vec<Effect>) -> Result<(), EvolveError> {
        match event {
            Event::CurrencySet(currency) => self.change_catalog(effects, |catalog| catalog.currency = *currency),
            Event::StoreDefined(store) => {
                self.stores.entry(&store.id);
                self.change_catalog(effects, |catalog| {
                    catalog.stores.insert(store.id.clone(), Arc::clone(store));
                });
            }
            Event::StoreWithdrawn(store) => self.change_catalog(effects, |catalog| {
                catalog.stores.remove(store);
            }),
            Event::ItemDefined(item) => self.change_catalog(effects, |catalog| {
                catalog.items.insert(item.sku.clone(), Arc::clone(item));
            }),
            Event::ItemWithdrawn(sku) => self.change_catalog(effects, |catalog| {
                catalog.items.remove(sku);
            }),
            Event::CampaignDefined(campaign) => self.define_campaign(campaign, effects)?,
            Event::CampaignWithdrawn(campaign) => self.change_catalog(effects, |catalog| {
                catalog.campaigns.remove(campaign);
            }),
            _ => {}
        }
        Ok(())
    }

    /// Changes the catalogue and leaves its image as the last effect. The image before it, if this group made one, is
    /// taken back first: nobody needs it, and without it nothing has to be copied, so that an import stays linear.
    fn change_catalog(&mut self, effects: &mut Vec<Effect>, change: impl FnOnce(&mut Catalog)) {
        effects.pop_if(|effect| matches!(effect, Effect::Catalog(_)));
        let catalog = Arc::make_mut(&mut self.catalog);
        change(catalog);
        catalog.revision += 1;
        effects.push(Effect::Catalog(Arc::clone(&self.catalog)));
    }

    fn define_campaign(&mut self, campaign: &Arc<Campaign>, effects: &mut Vec<Effect>) -> Result<(), EvolveError> {
        let known = self.campaigns.number(&campaign.id);
        let number = known.unwrap_or(CampaignNumber(self.head.next_campaign));
        if number.0 > CAMPAIGN_NUMBER_MAX {
            return Err(EvolveError::Campaign { campaign: campaign.id.clone() });
        }
        if known.is_none() {
            self.head.next_campaign += 1;
        }
        let claimed = self.campaigns.get(number).map_or(0, |counters| counters.claimed);
        let counters = CampaignCounters { id: campaign.id.clone(), ends_at: campaign.ends_at, claimed };
        Arc::make_mut(&mut self.campaigns).put(number, counters.clone());
        effects.push(Effect::Campaign { number, counters });
        self.change_catalog(effects, |catalog| {
            catalog.campaigns.insert(campaign.id.clone(), Arc::clone(campaign));
        });
        Ok(())
    }

    /// Expands a declaration over the stores that are meant and sell the item.
    pub(super) fn declare_stock(
        &mut self,
        declaration: &StockDeclaration,
        overwrite: bool,
        effects: &mut Vec<Effect>,
    ) -> Result<(), EvolveError> {
        let catalog = Arc::clone(&self.catalog);
        for store in catalog.stock_places(declaration) {
            let before = self.stock_line(store, &declaration.sku);
            if before.is_some_and(|line| !overwrite || declares(declaration, &line)) {
                continue;
            }
            self.change_stock(store, &declaration.sku, effects, |line| {
                line.set(declaration.available);
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Whether a line is already what the declaration says.
pub(in crate::domain) fn declares(declaration: &StockDeclaration, line: &StockLine) -> bool {
    line.left() == declaration.available
}

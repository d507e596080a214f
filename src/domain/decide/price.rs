//! What an order costs: lines with their options, the coupon's discount allotted to lines, tax. All frozen in the order.

use smallvec::SmallVec;

use crate::domain::catalog::{Item, OptionGroup};
use crate::domain::command::{RequestedLine, RequestedOption};
use crate::domain::coupon::Campaign;
use crate::domain::id::{CouponId, StoreId};
use crate::domain::money::{Fen, allot, tax_included};
use crate::domain::order::{ChosenOption, LINE_OPTIONS_MAX, LINES_MAX, Line, QUANTITY_MAX};
use crate::domain::rejection::Rejection;
use crate::domain::state::State;

/// The lines of an order in the order asked for, and beside each the item it was made from.
pub(super) struct Priced<'a> {
    pub(super) lines: Vec<Line>,
    items: SmallVec<[&'a Item; 8]>,
}

/// Prices every line; discount and tax are still to come.
pub(super) fn lines<'a>(
    state: &'a State,
    store: &StoreId,
    requested: &[RequestedLine],
) -> Result<Priced<'a>, Rejection> {
    let over = |what, limit: usize| Err(Rejection::OverLimit { what, limit: u64::try_from(limit).unwrap_or(u64::MAX) });
    if requested.is_empty() || requested.len() > LINES_MAX {
        return over("number of lines", LINES_MAX);
    }
    let mut priced = Priced { lines: Vec::with_capacity(requested.len()), items: SmallVec::new() };
    for asked in requested {
        if asked.quantity == 0 || asked.quantity > QUANTITY_MAX {
            return Err(Rejection::OverLimit { what: "quantity", limit: QUANTITY_MAX.into() });
        }
        if asked.options.len() > LINE_OPTIONS_MAX {
            return over("number of options", LINE_OPTIONS_MAX);
        }
        let item = state.catalog.items.get(&asked.sku).filter(|item| item.stores.contains(store));
        let item = item.ok_or_else(|| Rejection::UnknownItem { sku: asked.sku.clone() })?;
        priced.lines.push(line(item, asked)?);
        priced.items.push(item);
    }
    Ok(priced)
}

fn line(item: &Item, asked: &RequestedLine) -> Result<Line, Rejection> {
    let options = options(item, &asked.options)?;
    let unit_price = item.price + options.iter().map(|option| option.price).sum();
    Ok(Line {
        sku: item.sku.clone(),
        name: item.name.clone(),
        quantity: asked.quantity,
        options,
        unit_price,
        amount: unit_price.times(asked.quantity),
        discount: Fen::ZERO,
        tax: None,
    })
}

/// Every choice exists and is taken once, every group has between its fewest and its most.
fn options(item: &Item, asked: &[RequestedOption]) -> Result<Vec<ChosenOption>, Rejection> {
    let refused = |option: &str, why| Rejection::UnknownOption { sku: item.sku.clone(), option: option.into(), why };
    let mut chosen = Vec::with_capacity(asked.len());
    for (index, wish) in asked.iter().enumerate() {
        let refused = |why| refused(wish.option.as_str(), why);
        let group = item.options.iter().find(|group| group.id == wish.option);
        let group = group.ok_or_else(|| refused("the item has no such option"))?;
        let choice = group.choices.iter().find(|choice| choice.id == wish.choice);
        let choice = choice.ok_or_else(|| refused("the option has no such choice"))?;
        if asked.iter().take(index).any(|earlier| earlier == wish) {
            return Err(refused("a choice is taken twice"));
        }
        let (option, name) = (group.id.clone(), choice.name.clone());
        chosen.push(ChosenOption { option, choice: choice.id.clone(), name, price: choice.price });
    }
    let taken = |group: &OptionGroup| asked.iter().filter(|wish| wish.option == group.id).count();
    for group in &item.options {
        let taken = taken(group);
        if taken < usize::from(group.min) {
            return Err(refused(group.id.as_str(), "too few choices"));
        }
        if taken > usize::from(group.max) {
            return Err(refused(group.id.as_str(), "too many choices"));
        }
    }
    Ok(chosen)
}

impl Priced<'_> {
    /// Takes the coupon's discount off: one unit of its SKU costs the campaign's price instead of the item's, choices
    /// are paid as always. Answers what was taken off.
    pub(super) fn discount(&mut self, coupon: CouponId, campaign: &Campaign) -> Result<Fen, Rejection> {
        let item = self.items.iter().find(|item| item.sku == campaign.sku);
        let item = item.ok_or(Rejection::CouponNotUsable { coupon, why: "it is for something else" })?;
        let discount = (item.price - campaign.pay_price).max(Fen::ZERO);
        // The first line of the SKU carries it; a later kind of discount may weigh several.
        let position = self.lines.iter().position(|line| line.sku == campaign.sku);
        let weight = |(index, line): (usize, &Line)| if Some(index) == position { line.amount } else { Fen::ZERO };
        let weights: SmallVec<[Fen; 8]> = self.lines.iter().enumerate().map(weight).collect();
        for (line, part) in self.lines.iter_mut().zip(allot(discount, &weights)) {
            line.discount = part;
        }
        Ok(discount)
    }

    /// Notes the tax contained in each line.
    pub(super) fn taxed(mut self) -> Vec<Line> {
        for (line, item) in self.lines.iter_mut().zip(&self.items) {
            line.tax = item.tax_rate_bp.map(|rate| tax_included(line.amount - line.discount, rate));
        }
        self.lines
    }
}

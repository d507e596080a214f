//! One list out of the lists of several regions, a page at a time. Pure; both backends use it, so both answer alike.

use std::cmp::{Ordering, Reverse};

use axum::body::Bytes;

use super::OrderPage;
use crate::domain::id::RegionId;

/// An order's place in lists: newest first by business day and number, then by region. The smaller key stands first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderKey {
    /// The order's business day and number, packed ([`OrderId::packed`](crate::domain::id::OrderId::packed)).
    pub packed: u64,
    /// Its region.
    pub region: RegionId,
}

impl Ord for OrderKey {
    fn cmp(&self, other: &Self) -> Ordering {
        Reverse(self.packed).cmp(&Reverse(other.packed)).then_with(|| self.region.cmp(&other.region))
    }
}

impl PartialOrd for OrderKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl OrderKey {
    /// Below which of its own numbers a region's orders stand after this key.
    pub(super) fn below_in(&self, region: &RegionId) -> u64 {
        if *region > self.region { self.packed.saturating_add(1) } else { self.packed }
    }
}

/// Some of a region's orders, newest first without a gap.
#[derive(Debug)]
pub(super) struct RegionPage {
    pub(super) region: RegionId,
    /// By number.
    pub(super) orders: Vec<(u64, Bytes)>,
    /// What stands below this number was not looked at; `None`: there is nothing.
    pub(super) below: Option<u64>,
}

/// The first `limit` orders of all, as far as the regions' pages reach. Pages should hold one more than `limit`, so that an
/// end is seen.
pub(super) fn merge(pages: Vec<RegionPage>, limit: usize) -> OrderPage {
    let ends =
        pages.iter().filter_map(|page| page.below.map(|packed| OrderKey { packed, region: page.region.clone() }));
    // Beyond the first of these a region may have orders that are not here.
    let known_to = ends.min();
    let mut orders: Vec<(OrderKey, Bytes)> = Vec::new();
    for page in pages {
        let key = |packed| OrderKey { packed, region: page.region.clone() };
        orders.extend(page.orders.into_iter().map(|(packed, order)| (key(packed), order)));
    }
    orders.sort_by(|one, other| one.0.cmp(&other.0));
    let known = match &known_to {
        Some(end) => orders.partition_point(|(key, _)| key <= end),
        None => orders.len(),
    };
    orders.truncate(known.min(limit));
    let next = if known > limit { orders.last().map(|(key, _)| key.clone()) } else { known_to };
    OrderPage { orders: orders.into_iter().map(|(_, order)| order).collect(), next }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn region(name: &str) -> RegionId {
        name.parse().unwrap()
    }

    fn key(packed: u64, name: &str) -> OrderKey {
        OrderKey { packed, region: region(name) }
    }

    fn page(name: &str, orders: &[u64], below: Option<u64>) -> RegionPage {
        let order = |packed: &u64| (*packed, Bytes::from(format!("{name}{packed}")));
        RegionPage { region: region(name), orders: orders.iter().map(order).collect(), below }
    }

    fn merged(pages: Vec<RegionPage>, limit: usize) -> (Vec<String>, Option<OrderKey>) {
        let page = merge(pages, limit);
        (page.orders.iter().map(|order| String::from_utf8(order.to_vec()).unwrap()).collect(), page.next)
    }

    #[test]
    fn newest_first_and_the_region_decides_between_equals() {
        let pages = vec![page("b", &[9, 5], None), page("a", &[7, 5], None)];
        assert_eq!(merged(pages, 10), (["b9", "a7", "a5", "b5"].map(String::from).to_vec(), None));
        let pages = vec![page("b", &[9, 5], None), page("a", &[7, 5], None)];
        assert_eq!(merged(pages, 3), (["b9", "a7", "a5"].map(String::from).to_vec(), Some(key(5, "a"))));
        assert_eq!((key(5, "a").below_in(&region("a")), key(5, "a").below_in(&region("b"))), (5, 6));
    }

    #[test]
    fn nothing_is_said_beyond_what_was_looked_at() {
        let pages = vec![page("a", &[9], Some(8)), page("b", &[8, 7], None)];
        assert_eq!(merged(pages, 10), (vec!["a9".to_owned()], Some(key(8, "a"))), "b8 comes after (8, a)");
        let pages = vec![page("a", &[9], None), page("b", &[8], Some(8))];
        assert_eq!(merged(pages, 10), (vec!["a9".to_owned(), "b8".to_owned()], Some(key(8, "b"))));
        let pages = vec![page("a", &[], Some(3)), page("b", &[], None)];
        assert_eq!(merged(pages, 10), (vec![], Some(key(3, "a"))), "an empty page goes on");
    }

    #[test]
    fn a_full_page_without_more_has_no_next() {
        assert_eq!(merged(vec![page("a", &[9, 8], None)], 2).1, None);
        assert_eq!(merged(vec![page("a", &[9, 8, 7], None)], 2).1, Some(key(8, "a")));
        assert_eq!(merged(vec![page("a", &[9, 8], Some(8))], 2).1, Some(key(8, "a")));
    }

    proptest! {
        #[test]
        fn walking_pages_gives_every_order_once_in_order(
            orders in prop::collection::btree_set((0u64..40, 0usize..3), 0..60),
            limit in 1usize..9,
            looks in 1usize..9,
        ) {
            let names = ["a", "b", "c"];
            let mut expected: Vec<OrderKey> = orders.iter().map(|(packed, at)| key(*packed, names[*at])).collect();
            expected.sort();
            let (mut walked, mut after) = (Vec::new(), None::<OrderKey>);
            for _ in 0..200 {
                let pages = names.map(|name| {
                    let below = after.as_ref().map_or(u64::MAX, |after| after.below_in(&region(name)));
                    let mine = expected.iter().rev().filter(|key| key.region == region(name) && key.packed < below);
                    let mut mine: Vec<u64> = mine.map(|key| key.packed).collect();
                    mine.sort_unstable_by_key(|packed| Reverse(*packed));
                    let cut = mine.len() > looks;
                    mine.truncate(looks);
                    page(name, &mine, mine.last().copied().filter(|_| cut))
                });
                let (orders, next) = merged(pages.into(), limit);
                prop_assert!(orders.len() <= limit);
                walked.extend(orders);
                after = next;
                if after.is_none() {
                    break;
                }
            }
            let expected: Vec<_> = expected.iter().map(|key| format!("{}{}", key.region, key.packed)).collect();
            prop_assert_eq!(walked, expected);
        }
    }
}

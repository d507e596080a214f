//! Importing a catalogue.

use super::*;
use crate::domain::catalog::ImportSummary;

#[test]
fn a_first_import_brings_everything_and_the_second_nothing() {
    let mut world = World { state: State::new(), now: BEGIN, seen: Vec::new(), effects: Vec::new(), keys: 0 };
    world.run(&Actor::Node, &Command::StartRegion(start(1))).unwrap();
    let decision = world.import(catalog()).unwrap();
    let summary = ImportSummary { stores: 2, items: 3, campaigns: 2, stock: 3, withdrawn: 0 };
    assert_eq!(decision.outcome, Outcome::Catalog(summary));
    let images = world.effects.iter().filter(|effect| matches!(effect, Effect::Catalog(_))).count();
    assert!(images <= 3, "{images} images of the catalogue for one import");
    for set_stock in [false, true] {
        let again = world.import(CatalogImport { set_stock, ..catalog() }).unwrap();
        assert_eq!((names(&again), again.outcome), (vec![], Outcome::Catalog(ImportSummary::default())));
    }
}

#[test]
fn only_what_differs_becomes_an_event() {
    type Change = fn(&mut CatalogImport);
    let cases: [(Change, &[&str]); 9] = [
        (|import| import.currency = Currency::parse("EUR").unwrap(), &["currency set"]),
        (|import| import.stores[0].name = "new".into(), &["store defined"]),
        (|import| import.items[0].price = Fen(1), &["item defined"]),
        (|import| import.campaigns[0].quota = 9, &["campaign defined"]),
        (|import| drop(import.campaigns.pop()), &["campaign withdrawn"]),
        (|import| drop(import.items.pop()), &["item withdrawn"]),
        (|import| drop(import.stores.pop()), &["store withdrawn"]),
        (|import| import.stores.push(store("u", 0, 1_440)), &["store defined", "stock declared", "stock declared"]),
        (|import| import.stock[0].available = Some(7), &[]),
    ];
    for (change, expected) in cases {
        let mut world = World::new();
        let mut import = catalog();
        change(&mut import);
        assert_eq!(names(&world.import(import.clone()).unwrap()), expected);
        assert_eq!(names(&world.import(import).unwrap()), [""; 0], "again after {expected:?}");
    }
}

#[test]
fn stock_that_is_there_is_left_alone_unless_it_is_to_be_set() {
    let mut world = World::new();
    world.placed();
    let mut more = catalog();
    more.stock[0].available = Some(50);
    world.import(more.clone()).unwrap();
    assert_eq!(world.stock("meal"), (Some(9), 1, 0));
    more.set_stock = true;
    assert_eq!(names(&world.import(more.clone()).unwrap()), ["stock declared"]);
    assert_eq!(world.stock("meal"), (Some(50), 1, 0));
    assert_eq!(names(&world.import(more).unwrap()), [""; 0]);
}

#[test]
fn a_declaration_for_a_store_beats_the_one_for_all() {
    let mut import = catalog();
    import.set_stock = true;
    let only = StoreScope::Listed(["s".parse().unwrap()].into());
    for available in [Some(1), Some(2)] {
        // Before and after the one for all, the later of two.
        let special = StockDeclaration { stores: only.clone(), sku: "meal".parse().unwrap(), available };
        import.stock.insert(if available == Some(1) { 0 } else { import.stock.len() }, special);
    }
    let mut world = World::new();
    world.import(import.clone()).unwrap();
    let at = |world: &World, store: &str| {
        world.state.stock_line(&store.parse().unwrap(), &"meal".parse().unwrap()).unwrap().left()
    };
    assert_eq!((at(&world, "s"), at(&world, "t")), (Some(2), Some(10)));
    assert_eq!(names(&world.import(import).unwrap()), [""; 0]);
}

#[test]
fn stock_is_declared_only_where_the_item_is_sold() {
    let world = World::new();
    assert_eq!(world.state.stock_line(&"t".parse().unwrap(), &"soup".parse().unwrap()), None);
    let skus: Vec<&str> = world.state.stock_of(&"s".parse().unwrap()).iter().map(|(sku, _)| sku.as_str()).collect();
    assert_eq!(skus, ["meal", "soup", "tea"]);
}

#[test]
fn a_quota_below_what_is_claimed_changes_nothing_at_all() {
    let mut world = World::new();
    world.claim("ann", "yuan").unwrap();
    world.claim("bob", "yuan").unwrap();
    let mut import = catalog();
    import.items[0].price = Fen(1);
    import.campaigns[0].quota = 1;
    let refused = Rejection::QuotaBelowClaimed { campaign: "yuan".parse().unwrap(), quota: 1, claimed: 2 };
    assert_eq!(world.import(import.clone()), Err(refused));
    import.campaigns[0].quota = 2;
    world.import(import).unwrap();
}

#[test]
fn a_withdrawn_store_finishes_its_orders_and_comes_back_with_its_counters() {
    let mut world = World::new();
    let order = world.brought_to(Status::Paid);
    let mut without = catalog();
    without.stores.remove(0);
    without.items.pop();
    without.stock.pop();
    world.import(without).unwrap();
    let request = world.request(vec![line("meal", 1, &[])]);
    assert!(matches!(world.send(&request), Err(Rejection::UnknownStore { .. })));
    world.accept(order, None).unwrap();
    world.import(catalog()).unwrap();
    assert_eq!(world.stock("meal"), (Some(9), 0, 1));
    world.send(&request).unwrap();
    assert_eq!(world.state.store_counters(&"s".parse().unwrap()).unwrap().store_offset, 4);
}

#[test]
fn a_campaign_keeps_its_claims_while_it_is_withdrawn() {
    let mut world = World::new();
    let coupon = world.claim("ann", "yuan").unwrap().0;
    let mut without = catalog();
    without.campaigns.remove(0);
    world.import(without).unwrap();
    let mut request = world.request(vec![line("meal", 1, &[])]);
    request.coupon = Some(coupon);
    assert!(matches!(world.send(&request), Err(Rejection::CouponNotUsable { .. })));
    world.import(catalog()).unwrap();
    assert_eq!(world.claim("ann", "yuan"), Ok((coupon, false)));
    world.send(&request).unwrap();
}

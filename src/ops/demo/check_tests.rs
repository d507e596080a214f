//! The comparison finds every planted lie, and nothing where there is none.

use serde_json::json;

use super::super::ledger::ClaimNote;
use super::*;

fn seen(id: &str, status: &str) -> Seen {
    let pickup_code = (status == "collected").then(|| "101".into());
    let refund = (status == "rejected").then(|| ("succeeded".into(), 100));
    let (id, status) = (id.into(), status.into());
    Seen { id, status, total: 6_800, discount: 6_700, payable: 100, pickup_code, refund, offset: 5 }
}

fn note(id: &str, status: &str, coupon: &str) -> OrderNote {
    OrderNote {
        store: "s1".into(),
        units: vec![("set-1".into(), 1)],
        total: 6_800,
        discount: 6_700,
        coupon: Some(coupon.into()),
        payments: vec![100],
        last: seen(id, status),
        pushed_code: (status == "collected").then(|| "101".into()),
    }
}

fn honest() -> Facts {
    let orders = vec![note("o1", "collected", "c1"), note("o2", "rejected", "c2")];
    let claim = |coupon: &str| ClaimNote { member: "m".into(), campaign: "one-yuan".into(), coupon: coupon.into() };
    let line = |available, sold| {
        let figures = StockFigures { available: Some(available), reserved: 0, sold };
        Stock::from([((SmolStr::from("s1"), SmolStr::from("set-1")), figures)])
    };
    let campaign = |remaining| Campaigns::from([("one-yuan".into(), CampaignFigures { quota: 10, remaining })]);
    let board = json!({"store": "s1", "preparing": [], "ready": [], "offset": 3});
    Facts {
        answers: orders.iter().map(|note| (note.last.id.clone(), note.last.clone())).collect(),
        listed: vec!["o1".into(), "o2".into()],
        experience: Experience {
            orders,
            claims: vec![claim("c1"), claim("c2")],
            accepts: HashMap::from([("o1".into(), "101".into())]),
            ..Experience::default()
        },
        stock: (line(5, 0), line(4, 1)),
        campaigns: (campaign(9), campaign(7)),
        coupons: HashMap::from([("c1".into(), "redeemed".into()), ("c2".into(), "claimed".into())]),
        boards: BTreeMap::from([("s1".into(), (Some(board.clone()), board))]),
    }
}

#[test]
fn an_honest_day_has_no_mismatch() {
    let verdict = check(&honest());
    assert_eq!(verdict.named, Vec::<String>::new());
    assert!(verdict.lines.iter().all(|(_, ok, _)| *ok));
    assert_eq!(verdict.lines.len(), 8);
}

#[test]
fn every_planted_lie_is_found_by_its_own_check() {
    type Lie = fn(&mut Facts);
    fn order(facts: &mut Facts) -> &mut OrderNote {
        &mut facts.experience.orders[0]
    }
    let lies: [(&str, &str, Lie); 18] = [
        ("orders", "a status differs", |facts| facts.answers.get_mut("o1").unwrap().status = "ready".into()),
        ("orders", "an amount differs", |facts| facts.answers.get_mut("o1").unwrap().total += 1),
        ("orders", "an event was missed", |facts| facts.answers.get_mut("o1").unwrap().offset += 1),
        ("orders", "an order is lost", |facts| drop(facts.answers.remove("o1"))),
        ("orders", "a store does not list it", |facts| drop(facts.listed.pop())),
        ("orders", "a store lists another", |facts| facts.listed.push("o3".into())),
        ("orders", "a store lists one twice", |facts| facts.listed.push("o1".into())),
        ("lives", "an order never ends", |facts| order(facts).last.status = "accepted".into()),
        ("money", "it costs something else", |facts| order(facts).total += 1),
        ("money", "a second payment is kept", |facts| order(facts).payments.push(100)),
        ("stock", "sold twice", |facts| facts.stock.1.values_mut().for_each(|line| line.sold += 1)),
        ("stock", "a unit vanishes", |facts| {
            facts.stock.1.values_mut().for_each(|line| line.available = Some(3));
        }),
        ("stock", "a reservation stays", |facts| facts.stock.1.values_mut().for_each(|line| line.reserved = 1)),
        ("coupons", "more are gone than were claimed", |facts| {
            facts.campaigns.1.values_mut().for_each(|campaign| campaign.remaining -= 1);
        }),
        ("coupons", "one is not given back", |facts| {
            facts.coupons.insert("c2".into(), "redeemed".into());
        }),
        ("pushed", "a code never came", |facts| order(facts).pushed_code = None),
        ("screens", "a screen is behind", |facts| {
            facts.boards.values_mut().for_each(|(shown, _)| *shown = Some(json!({"offset": 2})));
        }),
        ("protocol", "a gap was noticed", |facts| facts.experience.violations.push("a gap".into())),
    ];
    for (name, lie, plant) in lies {
        let mut facts = honest();
        plant(&mut facts);
        let verdict = check(&facts);
        let found = verdict.lines.iter().any(|(line, ok, _)| *line == name && !ok);
        assert!(found && verdict.mismatches > 0, "{name}: {lie}: {:?}", verdict.named);
    }
}

#[test]
fn at_most_twenty_mismatches_are_named_and_all_are_counted() {
    let mut facts = honest();
    facts.listed.extend((0..50).map(|number| SmolStr::from(format!("x{number}"))));
    let verdict = check(&facts);
    assert_eq!((verdict.named.len(), verdict.mismatches), (NAMED_MAX, 50));
}

//! Placing an order.

use super::*;

/// A change of a request, and of what is around it.
type Prepare = fn(&mut World, &mut PlaceOrder);

#[test]
fn an_order_is_refused_for_one_clear_reason_and_nothing_changes() {
    let cases: [(&str, Prepare); 26] = [
        ("there is no store x", |_, request| request.store = "x".parse().unwrap()),
        ("store t is closed now", |_, request| request.store = "t".parse().unwrap()),
        ("store s is closed now", |world, _| world.wait(Millis::hours(14))),
        ("store s takes no orders for now", |world, _| world.pause(None)),
        ("store s takes no orders for now", |world, _| world.pause(Some(MINUTE))),
        ("number of lines is over the limit of 50", |_, request| request.lines.clear()),
        ("number of lines is over the limit of 50", |_, request| request.lines = vec![line("tea", 1, &[]); 51]),
        ("quantity is over the limit of 999", |_, request| request.lines = vec![line("tea", 0, &[])]),
        ("quantity is over the limit of 999", |_, request| request.lines = vec![line("tea", 1_000, &[])]),
        ("number of options is over the limit of 32", |_, request| {
            request.lines = vec![line("meal", 1, &["extra/egg"; 33])];
        }),
        ("pie is not sold here", |_, request| request.lines.push(line("pie", 1, &[]))),
        ("option drink of meal: too few choices", |_, request| request.lines[0].options.clear()),
        ("option drink of meal: too many choices", |_, request| {
            request.lines = vec![line("meal", 1, &["drink/cola", "drink/juice"])];
        }),
        ("option drink of meal: the option has no such choice", |_, request| {
            request.lines = vec![line("meal", 1, &["drink/milk"])];
        }),
        ("option sauce of meal: the item has no such option", |_, request| {
            request.lines = vec![line("meal", 1, &["drink/cola", "sauce/hot"])];
        }),
        ("option extra of meal: a choice is taken twice", |_, request| {
            request.lines = vec![line("meal", 1, &["drink/cola", "extra/egg", "extra/egg"])];
        }),
        ("option drink of tea: the item has no such option", |_, request| {
            request.lines = vec![line("tea", 1, &["drink/cola"])];
        }),
        ("10 of meal left", |_, request| request.lines = vec![line("meal", 11, &[])]),
        ("10 of meal left", |_, request| {
            request.lines = vec![line("meal", 6, &[]), line("tea", 1, &[]), line("meal", 5, &["drink/juice"])];
        }),
        ("the coupon can't be used: there is no such coupon", |_, request| request.coupon = Some(CouponId(1))),
        ("the coupon can't be used: there is no such coupon", |world, request| {
            request.coupon = Some(world.claim("bob", "yuan").unwrap().0);
        }),
        ("the coupon can't be used: it is for something else", |world, request| {
            request.coupon = Some(world.claim("ann", "free").unwrap().0);
        }),
        ("the coupon can't be used: it is used", |world, request| {
            request.coupon = Some(world.claim("ann", "yuan").unwrap().0);
            let mut first = world.request(vec![line("meal", 1, &[])]);
            first.coupon = request.coupon;
            world.send(&first).unwrap();
        }),
        ("the coupon can't be used: its campaign is not open", |world, request| {
            request.coupon = Some(world.claim("ann", "yuan").unwrap().0);
            world.wait(Millis::hours(48));
        }),
        ("the price is 6800 now, not 6801", |_, request| request.expected_total = Some(Fen(6_801))),
        ("open orders is over the limit of 3", |world, _| {
            for _ in 0..3 {
                world.placed();
            }
        }),
    ];
    for (expected, prepare) in cases {
        let mut world = World::new();
        let mut request = world.request(vec![line("meal", 1, &[])]);
        prepare(&mut world, &mut request);
        let before = world.state.clone();
        assert_eq!(world.send(&request).unwrap_err().to_string(), expected);
        assert!(world.state == before, "{expected}");
    }
}

impl World {
    fn pause(&mut self, duration: Option<Millis>) {
        let until = duration.map(|duration| self.now.plus(duration));
        let store = "s".parse().unwrap();
        self.run(&operator(), &Command::SetAccepting { store, accepting: false, reason: None, until }).unwrap();
    }
}

#[test]
fn a_pause_ends_by_itself_or_by_resuming() {
    let mut world = World::new();
    world.pause(Some(MINUTE));
    world.wait(MINUTE);
    world.placed();
    world.pause(None);
    let resume = Command::SetAccepting { store: "s".parse().unwrap(), accepting: true, reason: None, until: None };
    assert_eq!(names(&world.run(&operator(), &resume).unwrap()), ["accepting changed"]);
    assert_eq!(names(&world.run(&operator(), &resume).unwrap()), [""; 0], "it sells already");
    world.placed();
}

#[test]
fn an_order_freezes_what_was_sold_at_which_price() {
    let mut world = World::new();
    let mut request =
        world.request(vec![line("meal", 2, &["extra/ham", "drink/juice", "extra/dip"]), line("soup", 3, &[])]);
    request.note = Some("no ice".into());
    request.expected_total = Some(Fen(18_600));
    let id = world.send(&request).unwrap();

    let mut dearer = catalog();
    dearer.items[0].price = Fen(9_900);
    world.import(dearer).unwrap();
    let order = world.order(id);
    let lines: Vec<_> =
        order.lines.iter().map(|line| (line.unit_price.0, line.amount.0, line.tax.map(|tax| tax.0))).collect();
    // 2 × (68 + 3 + 4) yuan with 6 % in it: 150 − 150 ÷ 1.06 = 8.49; soup has no tax rate.
    assert_eq!(lines, [(7_500, 15_000, Some(849)), (1_200, 3_600, None)]);
    assert_eq!((order.total, order.discount, order.payable), (Fen(18_600), Fen(0), Fen(18_600)));
    let choices: Vec<_> =
        order.lines[0].options.iter().map(|option| (option.choice.as_str(), option.price.0)).collect();
    assert_eq!(choices, [("ham", 400), ("juice", 300), ("dip", 0)]);
    assert_eq!((order.status, order.offset, order.note.as_deref()), (Status::AwaitingPayment, 1, Some("no ice")));
    assert_eq!(order.pay_by, Some(BEGIN.plus(SETTINGS.pay_within)));
    assert_eq!(order.business_day, order.id.day());
    assert_eq!((world.stock("meal"), world.stock("soup")), ((Some(8), 2, 0), (None, 3, 0)));
}

#[test]
fn order_ids_are_unique_and_in_order() {
    let mut world = World::new();
    let ids: Vec<OrderId> = (0..3).map(|_| world.placed()).collect();
    assert!(ids.is_sorted() && ids[0] != ids[1] && ids[1] != ids[2]);
    assert_eq!(world.state.orders().iter().map(|order| order.id).collect::<Vec<_>>(), ids);
}

#[test]
fn a_coupon_takes_one_unit_to_its_price_and_choices_are_paid() {
    let mut world = World::new();
    let coupon = world.claim("ann", "yuan").unwrap().0;
    let mut request =
        world.request(vec![line("tea", 1, &[]), line("meal", 2, &["drink/juice"]), line("meal", 1, &["drink/cola"])]);
    request.coupon = Some(coupon);
    let id = world.send(&request).unwrap();
    let order = world.order(id);
    let discounts: Vec<i64> = order.lines.iter().map(|line| line.discount.0).collect();
    assert_eq!(discounts, [0, 6_700, 0], "from 68 to 1 yuan, once");
    assert_eq!((order.total, order.payable), (Fen(900 + 2 * 7_100 + 6_800), Fen(900 + 2 * 7_100 + 6_800 - 6_700)));
    assert_eq!(order.lines[1].tax, Some(Fen(425)), "of what is paid: 75 yuan");
    assert_eq!(world.state.claim(coupon).unwrap().used_by.map(u64::from), Some(id.packed()));
}

#[test]
fn a_coupon_never_makes_a_thing_dearer() {
    let mut world = World::new();
    let mut cheap = catalog();
    cheap.items[0].price = Fen(60);
    world.import(cheap).unwrap();
    let mut request = world.request(vec![line("meal", 1, &[])]);
    request.coupon = Some(world.claim("ann", "yuan").unwrap().0);
    let id = world.send(&request).unwrap();
    assert_eq!((world.order(id).discount, world.order(id).payable), (Fen(0), Fen(60)));
}

#[test]
fn an_order_with_nothing_to_pay_is_born_paid() {
    let mut world = World::new();
    let mut request = world.request(vec![line("tea", 1, &[])]);
    request.coupon = Some(world.claim("ann", "free").unwrap().0);
    let decision = world.run(&customer("ann"), &Command::PlaceOrder(Box::new(request))).unwrap();
    assert_eq!(names(&decision), ["placed", "paid"]);
    let Outcome::Order { id, fresh: true } = decision.outcome else { panic!("{decision:?}") };
    let order = world.order(id);
    assert_eq!((order.status, order.offset, order.position), (Status::Paid, 2, Some(1)));
    assert_eq!(order.accept_by, Some(BEGIN.plus(SETTINGS.accept_within)));
    assert_eq!(world.stock("tea"), (Some(4), 0, 1));
    // Called off, nothing goes back but stock and coupon.
    assert_eq!(names(&world.run(&customer("ann"), &Command::CancelOrder { order: id }).unwrap()), ["cancelled"]);
    assert!(world.order(id).is_closed());
    assert_eq!(world.stock("tea"), (Some(5), 0, 0));
}

#[test]
fn the_same_key_gives_the_same_order_and_another_body_is_refused() {
    let mut world = World::new();
    let mut first = world.request(vec![line("meal", 1, &["drink/cola", "extra/egg"])]);
    first.coupon = Some(world.claim("ann", "yuan").unwrap().0);
    let id = world.send(&first).unwrap();
    let again = |world: &mut World, request: &PlaceOrder| {
        world.run(&customer("ann"), &Command::PlaceOrder(Box::new(request.clone())))
    };
    let same = Ok((Vec::new(), Outcome::Order { id, fresh: false }));
    let seen = |decision: Result<Decision, Rejection>| decision.map(|decision| (names(&decision), decision.outcome));
    assert_eq!(seen(again(&mut world, &first)), same);
    type Change = fn(&mut PlaceOrder);
    let changes: [Change; 8] = [
        |request| request.store = "t".parse().unwrap(),
        |request| request.lines[0].quantity = 2,
        |request| request.lines[0].sku = "tea".parse().unwrap(),
        |request| request.lines[0].options.reverse(),
        |request| request.lines.push(line("tea", 1, &[])),
        |request| request.coupon = None,
        |request| request.note = Some(String::new().into()),
        |request| request.expected_total = Some(Fen(300)),
    ];
    for change in changes {
        let mut other = first.clone();
        change(&mut other);
        assert_eq!(again(&mut world, &other), Err(Rejection::IdempotencyKeyReused), "{other:?}");
    }
    // Whatever becomes of the order or the shop, the answer stays.
    world.run(&customer("ann"), &Command::CancelOrder { order: id }).unwrap();
    world.pause(None);
    assert_eq!(seen(again(&mut world, &first)), same);
    // The key is Ann's own.
    let mut bobs = world.request(vec![line("tea", 1, &[])]);
    (bobs.member, bobs.key) = ("bob".parse().unwrap(), first.key);
    assert!(matches!(world.send(&bobs), Err(Rejection::StorePaused { .. })));
}

#[test]
fn a_key_is_kept_for_a_day_and_forgotten_within_two() {
    let mut world = World::new();
    // Late in a generation, so that the next one begins soon.
    world.wait(Millis::hours(11));
    let request = world.request(vec![line("meal", 1, &[])]);
    let id = world.send(&request).unwrap();
    world.wait(Millis(24 * HOUR.0 - 1));
    world.claim("bob", "yuan").unwrap();
    assert_eq!(world.send(&request), Ok(id));
    world.wait(Millis::hours(24));
    world.claim("bob", "free").unwrap_err();
    // Nothing happened, so nothing was forgotten; the next event forgets.
    assert_eq!(world.send(&request), Ok(id));
    world.run(&Actor::Node, &Command::PassDeadline { order: id }).unwrap();
    assert_ne!(world.send(&request).unwrap(), id);
}

#[test]
fn a_refused_request_may_succeed_under_the_same_key() {
    let mut world = World::new();
    let request = world.request(vec![line("meal", 11, &[])]);
    assert!(matches!(world.send(&request), Err(Rejection::OutOfStock { available: 10, .. })));
    let (store, sku) = ("s".parse().unwrap(), "meal".parse().unwrap());
    world.run(&pos("s"), &Command::SetStock { store, sku, available: Some(11) }).unwrap();
    world.send(&request).unwrap();
}

#[test]
fn nothing_is_decided_before_the_region_begins_and_no_epoch_twice() {
    let mut state = State::new();
    let context = Context { now: BEGIN, actor: &Actor::Node, settings: &SETTINGS, closed: None };
    let early = decide(&state, &context, &Command::ImportCatalog(Box::new(catalog())));
    assert!(matches!(early, Err(Rejection::WrongRegion { .. })));
    let mut begin = |start: StartRegion| {
        let decision = decide(&state, &context, &Command::StartRegion(start))?;
        for event in &decision.events {
            state.evolve(BEGIN, event, &mut Vec::new()).unwrap();
        }
        Ok::<usize, Rejection>(decision.events.len())
    };
    assert!(begin(start(0)).is_err());
    assert_eq!(begin(start(1)), Ok(1));
    assert_eq!(begin(start(1)), Ok(0), "a repetition");
    assert!(begin(StartRegion { secret: RegionSecret([8; 32]), ..start(2) }).is_err());
    assert!(begin(StartRegion { region: "west".parse().unwrap(), ..start(2) }).is_err());
    assert_eq!(begin(start(3)), Ok(1));
    assert!(begin(start(2)).is_err());
}

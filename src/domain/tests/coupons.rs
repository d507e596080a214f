//! Claiming coupons, and how long they are remembered.

use super::*;
use crate::domain::coupon::CouponStatus;

#[test]
fn a_member_holds_one_free_coupon_at_a_time_up_to_its_limit() {
    let mut world = World::new();
    let (first, fresh) = world.claim("ann", "yuan").unwrap();
    assert!(fresh);
    assert_eq!(world.claim("ann", "yuan"), Ok((first, false)));
    let use_coupon = |world: &mut World, coupon| {
        let mut request = world.request(vec![line("meal", 1, &[])]);
        request.coupon = Some(coupon);
        world.send(&request).unwrap()
    };
    let order = use_coupon(&mut world, first);
    let (second, fresh) = world.claim("ann", "yuan").unwrap();
    assert!(fresh && second != first);
    use_coupon(&mut world, second);
    assert!(matches!(world.claim("ann", "yuan"), Err(Rejection::OverLimit { limit: 2, .. })));
    // Given back, the first is the one she holds.
    world.run(&customer("ann"), &Command::CancelOrder { order }).unwrap();
    assert_eq!(world.claim("ann", "yuan"), Ok((first, false)));
}

#[test]
fn a_claim_is_refused_for_one_clear_reason() {
    let mut world = World::new();
    let refused = |world: &mut World, campaign| world.claim("ann", campaign).unwrap_err().to_string();
    assert_eq!(refused(&mut world, "none"), "there is no campaign none");
    for member in ["bob", "cai", "dee"] {
        world.claim(member, "yuan").unwrap();
    }
    assert_eq!(refused(&mut world, "yuan"), "all coupons of yuan are claimed");
    world.wait(Millis::hours(48));
    assert_eq!(refused(&mut world, "yuan"), "campaign yuan is not open now");
    let mut later = catalog();
    later.campaigns[0].ends_at = world.now.plus(HOUR);
    later.campaigns[0].starts_at = world.now.plus(Millis(1));
    world.import(later).unwrap();
    assert_eq!(refused(&mut world, "yuan"), "campaign yuan is not open now");
}

#[test]
fn a_coupon_is_given_back_however_the_order_falls_through() {
    type End = fn(&mut World, OrderId);
    let ends: [(&str, End); 5] = [
        ("cancelled", |world, order| drop(world.run(&customer("ann"), &Command::CancelOrder { order }).unwrap())),
        ("timed out", |world, order| {
            world.wait(SETTINGS.pay_within);
            world.run(&Actor::Node, &Command::PassDeadline { order }).unwrap();
        }),
        ("cancelled after payment", |world, order| {
            world.pay(order, "pay-1", 100).unwrap();
            world.run(&customer("ann"), &Command::CancelOrder { order }).unwrap();
        }),
        ("rejected", |world, order| {
            world.pay(order, "pay-1", 100).unwrap();
            world.run(&pos("s"), &Command::RejectOrder { order, reason: "no".into() }).unwrap();
        }),
        ("not answered, the campaign over and withdrawn", |world, order| {
            world.pay(order, "pay-1", 100).unwrap();
            world.wait(Millis::hours(50));
            let mut without = catalog();
            without.campaigns.clear();
            world.import(without).unwrap();
            world.run(&Actor::Node, &Command::PassDeadline { order }).unwrap();
        }),
    ];
    for (name, end) in ends {
        let mut world = World::new();
        let coupon = world.claim("ann", "yuan").unwrap().0;
        let mut request = world.request(vec![line("meal", 1, &[])]);
        request.coupon = Some(coupon);
        let order = world.send(&request).unwrap();
        assert_eq!(world.state.coupon(world.now, coupon).unwrap().status, CouponStatus::Redeemed);
        end(&mut world, order);
        assert_eq!(world.state.claim(coupon).unwrap().used_by, None, "{name}");
        let status = world.state.coupon(world.now, coupon).unwrap().status;
        let over = world.now >= BEGIN.plus(Millis::hours(48));
        assert_eq!(status, if over { CouponStatus::Expired } else { CouponStatus::Claimed }, "{name}");
    }
}

#[test]
fn a_collected_order_keeps_its_coupon_used() {
    let mut world = World::new();
    let coupon = world.claim("ann", "yuan").unwrap().0;
    let mut request = world.request(vec![line("meal", 1, &[])]);
    request.coupon = Some(coupon);
    let order = world.send(&request).unwrap();
    world.pay(order, "pay-1", 100).unwrap();
    world.accept(order, None).unwrap();
    world.run(&pos("s"), &Command::MarkReady { order }).unwrap();
    world.run(&pos("s"), &Command::MarkCollected { order }).unwrap();
    assert_eq!(world.state.coupon(world.now, coupon).unwrap().status, CouponStatus::Redeemed);
    assert_eq!(world.claim("ann", "yuan").map(|(_, fresh)| fresh), Ok(true), "so the next one is new");
}

#[test]
fn a_member_sees_all_its_coupons_newest_first() {
    let mut world = World::new();
    let yuan = world.claim("ann", "yuan").unwrap().0;
    let free = world.claim("ann", "free").unwrap().0;
    world.claim("bob", "yuan").unwrap();
    let seen = world.state.coupons_of(world.now, &"ann".parse().unwrap());
    assert_eq!(seen.iter().map(|coupon| coupon.id).collect::<Vec<_>>(), [free, yuan]);
    assert_eq!(seen[0].expires_at, BEGIN.plus(Millis::hours(48)));
}

#[test]
fn claims_are_forgotten_two_days_after_the_end_of_a_withdrawn_campaign() {
    let mut world = World::new();
    let coupon = world.claim("ann", "yuan").unwrap().0;
    let mut without = catalog();
    without.campaigns.remove(0);
    world.import(without.clone()).unwrap();
    let tick = |world: &mut World, hours| {
        world.wait(Millis::hours(hours));
        world.set_tea(u32::try_from(hours % 7).unwrap());
        world.state.claim(coupon).is_some()
    };
    assert!(tick(&mut world, 95), "47 hours after its end");
    assert!(!tick(&mut world, 26), "with the next day's rotation");
    assert!(world.effects.iter().any(|effect| matches!(effect, Effect::CampaignForgotten { .. })));
    assert_eq!(world.state.campaigns().count(), 1);
    // A campaign still on sale is remembered however long it is over.
    let kept = world.state.campaign_number(&"free".parse().unwrap());
    assert!(kept.is_some());
}

impl World {
    fn set_tea(&mut self, available: u32) {
        let (store, sku) = ("s".parse().unwrap(), "tea".parse().unwrap());
        self.run(&operator(), &Command::SetStock { store, sku, available: Some(available) }).unwrap();
    }
}

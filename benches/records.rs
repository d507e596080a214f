//! What the stored forms cost: encoding and decoding an entry, replaying a log from disk, loading a large snapshot.
//! Prints one JSON line a figure. `cargo bench --bench records`
#![expect(clippy::print_stdout, reason = "a benchmark's figures are its output")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark may stop at the first surprise")]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use qucan::domain::actor::Actor;
use qucan::domain::catalog::{CatalogImport, Choice, Item, Name, OptionGroup, StockDeclaration, StoreScope};
use qucan::domain::command::{Command, PlaceOrder, RequestedLine, RequestedOption, StartRegion};
use qucan::domain::context::{Context, Settings};
use qucan::domain::coupon::{CampaignCounters, CampaignNumber, Claim, RegionSecret};
use qucan::domain::decide::{Outcome, decide};
use qucan::domain::event::Event;
use qucan::domain::id::{CouponId, MemberId, OrderId};
use qucan::domain::money::{Currency, Fen};
use qucan::domain::state::{Generation, Head, KeyEntry, Part, State};
use qucan::domain::store::Store;
use qucan::domain::time::{Millis, MinuteOfDay, Opening, Timestamp, WeeklyHours};
use qucan::engine::records::{EntryMeta, decode_entry, encode_entry, state_hash};
use qucan::engine::replay::Replay;
use qucan::engine::snapshots::{self, HashCheck};
use qucan_storage::log::{GroupBuffer, Log, LogOptions, OpenFrom, SpaceClass};
use qucan_storage::snapshot::SnapshotStore;
use qucan_storage::{Epoch, Position, Sequence, fs, log};

const ORDERS: u32 = 100_000;
const KEYS: u32 = 2_000_000;
const CLAIMS: u32 = 1_000_000;

fn main() {
    // Cargo passes `--bench`; a test run of all targets passes nothing and gets a small round.
    let full = std::env::args().any(|argument| argument == "--bench");
    let scale = if full { 1 } else { 1_000 };
    let events = day(ORDERS / scale);
    entries(&events);
    let dir = tempfile::tempdir().unwrap();
    replay(dir.path(), &events);
    snapshot(dir.path(), KEYS / scale, CLAIMS / scale);
}

fn figure(name: &str, value: f64, unit: &str) {
    println!("{{\"bench\":\"records\",\"figure\":\"{name}\",\"value\":{value:.1},\"unit\":\"{unit}\"}}");
}

/// The fastest of some rounds, in nanoseconds a turn.
fn nanoseconds(turns: u32, mut turn: impl FnMut()) -> f64 {
    (0..5)
        .map(|_| {
            let begun = Instant::now();
            (0..turns).for_each(|_| turn());
            begun.elapsed().as_nanos() as f64 / f64::from(turns)
        })
        .fold(f64::INFINITY, f64::min)
}

fn entries(events: &[(EntryMeta, Event)]) {
    for (name, wanted) in [("placed", "OrderPlaced"), ("paid", "Paid"), ("collected", "Collected")] {
        let found = events.iter().rev().find(|(_, event)| format!("{event:?}").contains(&format!("{wanted} {{")));
        let (meta, event) = found.unwrap();
        let mut bytes = Vec::with_capacity(4096);
        encode_entry(&mut bytes, meta, event).unwrap();
        figure(&format!("{name}_bytes"), bytes.len() as f64, "B");
        let encode = nanoseconds(100_000, || {
            bytes.clear();
            encode_entry(&mut bytes, black_box(meta), black_box(event)).unwrap();
        });
        figure(&format!("{name}_encode"), encode, "ns");
        let decode = nanoseconds(100_000, || {
            black_box(decode_entry(black_box(&bytes)).unwrap());
        });
        figure(&format!("{name}_decode"), decode, "ns");
    }
}

fn replay(dir: &Path, events: &[(EntryMeta, Event)]) {
    let (dir, files) = (dir.join("log"), fs::real());
    let options = LogOptions { create: true, ..LogOptions::default() };
    let (mut written, _) =
        Log::open(Arc::clone(&files), &dir, Epoch::FIRST, OpenFrom::default(), options, |_| Ok(())).unwrap();
    let mut group = GroupBuffer::new();
    for chunk in events.chunks(128) {
        group.clear();
        for (meta, event) in chunk {
            group.push_with(|bytes| encode_entry(bytes, meta, event).unwrap()).unwrap();
        }
        written.append(&mut group, SpaceClass::Normal).unwrap();
    }
    written.close().unwrap();
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        let mut replay = Replay::new(State::new(), Sequence::NONE);
        let begun = Instant::now();
        log::scan(&files, &dir, Some(Epoch::FIRST), OpenFrom::default(), |group| Ok(replay.group(group)?)).unwrap();
        best = best.min(begun.elapsed().as_secs_f64());
        assert_eq!(replay.entries(), u64::try_from(events.len()).unwrap());
    }
    figure("replay", events.len() as f64 / best, "entries/s");
}

fn snapshot(dir: &Path, keys: u32, claims: u32) {
    let spread = |number: u32| u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    let shards = |count: u32| {
        let mut shards: Vec<Vec<u128>> = vec![Vec::new(); 256];
        (1..=count).map(spread).for_each(|key| shards[usize::try_from(key >> 120).unwrap()].push(key));
        shards.iter_mut().for_each(|shard| shard.sort_unstable());
        (0_u16..).zip(shards)
    };
    let campaign = CampaignCounters { id: "one-yuan".parse().unwrap(), ends_at: Timestamp(1), claimed: claims };
    let mut parts = vec![Part::Head(Head::default()), Part::Catalog(Arc::default())];
    parts.push(Part::Campaigns(vec![(CampaignNumber(1), campaign)]));
    let claim = Claim { campaign: CampaignNumber(1), ordinal: 0, used_by: None };
    parts.extend(shards(claims).map(|(shard, coupons)| {
        Part::Claims(shard, coupons.into_iter().map(|coupon| (CouponId(coupon), claim)).collect())
    }));
    let entry = KeyEntry { body: 1, target: 2 };
    parts.extend(shards(keys).map(|(shard, keys)| {
        Part::Keys(shard, Generation::Current, keys.into_iter().map(|key| (key, entry)).collect())
    }));
    let state = State::from_parts(parts).unwrap();

    let store = SnapshotStore::open(fs::real(), &dir.join("snapshot")).unwrap();
    let begun = Instant::now();
    let (info, hash) = snapshots::write(&store, &state, Position::ORIGIN, Epoch::FIRST).unwrap();
    figure("snapshot_write", begun.elapsed().as_secs_f64() * 1e3, "ms");
    figure("snapshot_bytes", info.bytes as f64, "B");
    let begun = Instant::now();
    assert_eq!(state_hash(&state).unwrap(), hash);
    figure("state_hash", begun.elapsed().as_secs_f64() * 1e3, "ms");
    for (name, check) in [("snapshot_load", HashCheck::Trust), ("snapshot_load_hashed", HashCheck::Compute)] {
        let mut best = f64::INFINITY;
        for _ in 0..3 {
            let begun = Instant::now();
            let (loaded, _) = snapshots::load_newest(&store, check).unwrap();
            best = best.min(begun.elapsed().as_secs_f64() * 1e3);
            assert_eq!(loaded.unwrap().hash, hash);
        }
        figure(name, best, "ms");
    }
}

/// A region's day as events: every order placed with two lines, paid, accepted, ready, collected.
fn day(orders: u32) -> Vec<(EntryMeta, Event)> {
    let mut region = Region { state: State::new(), now: Timestamp(1_795_400_000_000), events: Vec::new() };
    let secret = RegionSecret([7; 32]);
    region.run(Command::StartRegion(StartRegion { region: "east".parse().unwrap(), epoch: 1, secret }));
    region.run(Command::ImportCatalog(Box::new(catalog())));
    for number in 0..orders {
        region.now = Timestamp(region.now.0 + 10);
        let store = format!("sh-{:03}", number % 12).parse().unwrap();
        let member: MemberId = format!("oUpF8uMuAJO_M2pxb1Q9z{number:07}").parse().unwrap();
        let line = |item: u32| RequestedLine {
            sku: format!("set-{item}").parse().unwrap(),
            quantity: 1,
            options: vec![RequestedOption { option: "drink".parse().unwrap(), choice: "cola".parse().unwrap() }],
        };
        let lines = vec![line(number % 30), line((number + 7) % 30)];
        let key = format!("key-{number}").parse().unwrap();
        let place = PlaceOrder { member, store, lines, coupon: None, note: None, expected_total: None, key };
        let order = region.run(Command::PlaceOrder(Box::new(place))).unwrap();
        let amount = region.state.order(order).unwrap().payable;
        let reference = format!("4200001234{number:018}").parse().unwrap();
        region.run(Command::RecordPayment { order, provider: "wechatpay".into(), reference, amount });
        region.run(Command::AcceptOrder { order, pickup_code: None });
        region.run(Command::MarkReady { order });
        region.run(Command::MarkCollected { order });
    }
    region.events
}

struct Region {
    state: State,
    now: Timestamp,
    events: Vec<(EntryMeta, Event)>,
}

impl Region {
    fn run(&mut self, command: Command) -> Option<OrderId> {
        let settings = Settings {
            pay_within: Millis::minutes(15),
            accept_within: Millis::minutes(10),
            auto_after: Millis::hours(4),
            open_orders_per_member_max: None,
        };
        let actor = match &command {
            Command::PlaceOrder(place) => Actor::Customer(place.member.clone()),
            Command::RecordPayment { .. } => Actor::Provider,
            _ => Actor::Operator { subject: "operator-1".into() },
        };
        let context = Context { now: self.now, actor: &actor, settings: &settings, closed: None };
        let decision = decide(&self.state, &context, &command).unwrap();
        let request_id = format!("01JDCR3Q8Z{:010}", self.events.len()).into();
        let meta = EntryMeta { at: self.now, actor: actor.clone(), request_id, device: None };
        for event in decision.events {
            self.state.evolve(self.now, &event, &mut Vec::new()).unwrap();
            self.events.push((meta.clone(), event));
        }
        match decision.outcome {
            Outcome::Order { id, .. } => Some(id),
            _ => None,
        }
    }
}

fn catalog() -> CatalogImport {
    let name = |zh: &str, en: &str| Name { zh: zh.into(), en: en.into() };
    let always = Opening { from: MinuteOfDay(0), to: MinuteOfDay(1_440) };
    let store = |number: u32| Store {
        id: format!("sh-{number:03}").parse().unwrap(),
        name: "人民广场店".into(),
        city: "上海".into(),
        address: "南京西路 1 号".into(),
        lat_micro: 31_230_400,
        lon_micro: 121_473_700,
        timezone: jiff::tz::TimeZone::get("Asia/Shanghai").unwrap(),
        hours: WeeklyHours([(); 7].map(|()| vec![always])),
        business_day_starts: MinuteOfDay(240),
    };
    let cola = Choice { id: "cola".parse().unwrap(), name: name("可乐", "Cola"), price: Fen::ZERO };
    let drink =
        OptionGroup {
            id: "drink".parse().unwrap(), name: name("饮料", "Drink"), min: 1, max: 1, choices: vec![cola]
        };
    let item = |number: u32| Item {
        sku: format!("set-{number}").parse().unwrap(),
        name: name("双人套餐", "Set meal for two"),
        price: Fen(6_800),
        tax_rate_bp: Some(600),
        category: "套餐".into(),
        stores: StoreScope::All,
        options: vec![drink.clone()],
        image: None,
    };
    let stock = |number: u32| StockDeclaration {
        stores: StoreScope::All,
        sku: format!("set-{number}").parse().unwrap(),
        available: Some(10_000_000),
    };
    CatalogImport {
        currency: Currency::CNY,
        stores: (0..12).map(store).collect(),
        items: (0..30).map(item).collect(),
        stock: (0..30).map(stock).collect(),
        campaigns: Vec::new(),
        set_stock: false,
    }
}

//! One region's day: its catalogue, its stores' staff and screens at work, and at the end what everybody experienced next to
//! what the node says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use smol_str::SmolStr;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::basket::text;
use super::check::{self, Facts, Verdict};
use super::ledger::Ledger;
use super::world::{self, Trouble, World};
use super::{gather, pos, region};
use crate::ops::client::http::Http;

/// A store's call screen: it may leave once it has shown an offset, and then says what it showed.
type CallScreen = (watch::Sender<Option<u64>>, JoinHandle<Option<Value>>);

/// A region with its staff at work.
pub struct Shift {
    /// The region.
    pub name: &'static str,
    world: Arc<World>,
    before: (gather::Stock, gather::Campaigns),
    close: watch::Sender<bool>,
    staff: JoinSet<()>,
    screens: BTreeMap<SmolStr, CallScreen>,
}

impl Shift {
    /// Imports the catalogue and sends the staff to their places.
    pub async fn begin(
        name: &'static str,
        base: &str,
        catalog: &'static [u8],
        seed: u64,
        run: &str,
    ) -> Result<Self, Trouble> {
        let http = Http::new(base);
        let operator = world::token(&http, "operator", "demo", None).await?;
        region::import(&http, &operator, catalog).await?;
        let (close, closing) = watch::channel(false);
        let world = Arc::new(World::new(http, operator, seed, run.to_owned(), closing));
        let before = (gather::stock(&world).await?, gather::campaigns(&world).await?);
        let stores: Vec<String> = world.stores().await?.iter().map(|store| text(store, "id").to_owned()).collect();
        let (mut staff, mut screens) = (JoinSet::new(), BTreeMap::new());
        for store in stores {
            staff.spawn(pos::run_pos(Arc::clone(&world), store.clone()));
            let (leave, left) = watch::channel(None);
            let shown = tokio::spawn(pos::run_screen(Arc::clone(&world), store.clone(), left));
            screens.insert(SmolStr::from(store), (leave, shown));
        }
        staff.spawn(pos::run_pauses(Arc::clone(&world)));
        Ok(Self { name, world, before, close, staff, screens })
    }

    /// What its customers share.
    pub fn world(&self) -> Arc<World> {
        Arc::clone(&self.world)
    }

    /// What is experienced.
    pub fn ledger(&self) -> &Ledger {
        &self.world.ledger
    }

    /// Everybody goes home; asks the node for everything and compares it. Answers the orders placed, too.
    pub async fn end(self) -> Result<(Verdict, Vec<SmolStr>), Trouble> {
        let Self { world, before, close, staff, screens, name: _ } = self;
        close.send_replace(true);
        staff.join_all().await;
        let mut boards = BTreeMap::new();
        for (store, (leave, shown)) in screens {
            let answer = gather::board(&world, &store).await?;
            leave.send_replace(answer.get("offset").and_then(Value::as_u64));
            let shown = tokio::time::timeout(Duration::from_secs(10), shown).await;
            boards.insert(store, (shown.ok().and_then(Result::ok).flatten(), answer));
        }
        let experience = world.ledger.close();
        let answers = gather::orders(&world, &experience.orders).await?;
        let facts = Facts {
            listed: gather::store_lists(&world, &answers.days).await?,
            stock: (before.0, gather::stock(&world).await?),
            campaigns: (before.1, gather::campaigns(&world).await?),
            coupons: gather::coupons(&world, &experience.claims).await?,
            answers: answers.orders,
            experience,
            boards,
        };
        let mut verdict = check::check(&facts);
        let turned_away: Vec<String> =
            facts.experience.turned_away.iter().map(|(problem, count)| format!("{count} {problem}")).collect();
        if !turned_away.is_empty() {
            verdict.lines.push(("turned away", true, turned_away.join(", ")));
        }
        Ok((verdict, facts.experience.orders.into_iter().map(|note| note.last.id).collect()))
    }
}

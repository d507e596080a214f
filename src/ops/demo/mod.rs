//! `qucan demo`: a region in its own runtime, driven only through its HTTP and WebSocket API by simulated customers and
//! stores, more than one customer in ten misbehaving. At the end everything that they experienced is compared with what
//! the node says, one by one, and the stopped node's data is verified.

mod basket;
mod check;
mod customer;
mod dice;
mod gather;
mod ledger;
mod live;
mod pos;
mod region;
mod watching;
mod world;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use smol_str::SmolStr;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use self::basket::text;
use self::check::{Facts, Verdict};
use self::live::Screen;
use self::region::{Region, StartError};
use self::world::{Trouble, World};
use crate::ops::client::http::Http;
use crate::ops::verify::{self, VerifyOptions};

/// A region with simulated stores and customers, and everything compared at the end.
#[derive(Debug, Clone, clap::Args)]
pub struct DemoArgs {
    /// Customers who come every second
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub orders_per_second: u32,
    /// Seconds until no more customers come; without it until Ctrl-C
    #[arg(long, value_name = "S")]
    pub seconds: Option<u64>,
    /// Port of the aggregator; nodes take the next ones. Without it the defaults, or free ports where they are taken
    #[arg(long, value_name = "P", value_parser = clap::value_parser!(u16).range(1..=65_534))]
    pub port: Option<u16>,
    /// Data directory, kept afterwards; without it a temporary one
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Seed of everything that is chance about customers and stores
    #[arg(long, value_name = "SEED")]
    pub seed: Option<u64>,
}

/// Customers in the region at once; further ones wait outside.
const CUSTOMERS_MAX: usize = 5_000;
/// How long orders may take to end when no more customers come.
const SETTLE_WITHIN: Duration = Duration::from_secs(150);

/// Runs the demo; exit code 1 on any mismatch, 2 if it can't start.
pub fn run(args: &DemoArgs) -> ExitCode {
    match Demo::start(args) {
        Ok(demo) => demo.run(),
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(2)
        }
    }
}

#[expect(clippy::print_stderr, reason = "a command's error belongs on stderr")]
fn complain(what: &str) {
    eprintln!("qucan demo: {what}");
}

struct Demo {
    args: DemoArgs,
    seed: u64,
    screen: Screen,
    region: Region,
    clients: tokio::runtime::Runtime,
}

impl Demo {
    fn start(args: &DemoArgs) -> Result<Self, StartError> {
        let region = Region::start(args.data.as_deref(), args.port)?;
        let clients = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let seed = args.seed.or_else(|| getrandom::u32().ok().map(u64::from)).unwrap_or(1);
        Ok(Self { args: args.clone(), seed, screen: Screen::new(), region, clients })
    }

    fn run(mut self) -> ExitCode {
        let simulated = {
            let Self { args, seed, screen, region, clients } = &mut self;
            clients.block_on(simulate(args, *seed, &region.base, screen))
        };
        let mut all_well = match simulated {
            Ok(verdict) => print_verdict(&mut self.screen, &verdict),
            Err(trouble) => {
                self.screen.line(&format!("the comparison could not be made: {trouble}"));
                false
            }
        };
        self.clients.shutdown_timeout(Duration::from_secs(1));
        let mut screen = self.screen;
        match self.region.stop() {
            Ok(directory) => {
                all_well &= print_verified(&mut screen, &directory.path);
                if !all_well && let Some(kept) = directory.keep() {
                    screen.line(&format!("the data is kept in {}", kept.display()));
                }
            }
            Err(why) => {
                screen.line(&format!("the node did not stop cleanly: {why}"));
                all_well = false;
            }
        }
        if all_well { ExitCode::SUCCESS } else { ExitCode::from(1) }
    }
}

/// The whole day, from the opening to the comparison.
async fn simulate(args: &DemoArgs, seed: u64, base: &str, screen: &mut Screen) -> Result<Verdict, Trouble> {
    let http = Http::new(base);
    let operator = world::token(&http, "operator", "demo", None).await?;
    region::import(&http, &operator).await?;
    let (close, closing) = watch::channel(false);
    let run = format!("demo{:08x}", getrandom::u32().unwrap_or(0));
    let world = Arc::new(World::new(http, operator, seed, run, closing));
    let before = (gather::stock(&world).await?, gather::campaigns(&world).await?);

    for (page, path) in [("customers", "/"), ("POS", "/pos"), ("kitchen", "/kitchen"), ("call screen", "/screen")] {
        screen.line(&format!("{page:<12} {base}{path}"));
    }
    let pace = args.orders_per_second;
    screen.line(&format!("seed {seed}, {pace} customers a second{}", until(args.seconds)));

    let stores: Vec<String> = world.stores().await?.iter().map(|store| text(store, "id").to_owned()).collect();
    let mut staff = JoinSet::new();
    let mut screens = BTreeMap::new();
    for store in stores {
        staff.spawn(pos::run_pos(Arc::clone(&world), store.clone()));
        let (leave, left) = watch::channel(None);
        let shown = tokio::spawn(pos::run_screen(Arc::clone(&world), store.clone(), left));
        screens.insert(SmolStr::from(store), (leave, shown));
    }
    staff.spawn(pos::run_pauses(Arc::clone(&world)));

    let began = Instant::now();
    let customers = let_customers_in(args, &world, screen, began).await;
    settle(customers, &world, screen, began).await?;
    close.send_replace(true);
    staff.join_all().await;
    screen.status(&live::status(&world.ledger, began, "comparing"));
    compare(&world, before, screens).await
}

fn until(seconds: Option<u64>) -> String {
    seconds.map_or_else(|| ", until Ctrl-C".to_owned(), |seconds| format!(" for {seconds} s, or until Ctrl-C"))
}

/// Customers come at an even pace until the time is over or somebody presses Ctrl-C.
async fn let_customers_in(args: &DemoArgs, world: &Arc<World>, screen: &mut Screen, began: Instant) -> JoinSet<()> {
    let mut customers = JoinSet::new();
    let mut arrivals = tokio::time::interval(Duration::from_secs(1) / args.orders_per_second);
    let mut status = tokio::time::interval_at(tokio::time::Instant::now() + screen.every(), screen.every());
    let closing_time = args.seconds.map(|seconds| began + Duration::from_secs(seconds));
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    let mut number = 0;
    while closing_time.is_none_or(|closing_time| Instant::now() < closing_time) {
        tokio::select! {
            _ = arrivals.tick(), if customers.len() < CUSTOMERS_MAX => {
                customers.spawn(customer::visit(Arc::clone(world), number));
                number += 1;
            }
            Some(_) = customers.join_next() => {}
            _ = status.tick() => screen.status(&live::status(&world.ledger, began, "selling")),
            _ = &mut interrupted => break,
        }
    }
    customers
}

/// Waits until every customer has an end, but not for ever. A second Ctrl-C gives up the comparison.
async fn settle(mut customers: JoinSet<()>, world: &World, screen: &mut Screen, began: Instant) -> Result<(), Trouble> {
    let deadline = tokio::time::Instant::now() + SETTLE_WITHIN;
    let mut status = tokio::time::interval(screen.every());
    let mut interrupted = std::pin::pin!(async {
        // One Ctrl-C may arrive twice: from the terminal and from whatever started us.
        tokio::time::sleep(Duration::from_secs(1)).await;
        tokio::signal::ctrl_c().await
    });
    loop {
        tokio::select! {
            ended = customers.join_next() => if ended.is_none() { break },
            _ = status.tick() => screen.status(&live::status(&world.ledger, began, "settling")),
            _ = &mut interrupted => return Err(Trouble::Interrupted),
            () = tokio::time::sleep_until(deadline) => break,
        }
    }
    if !customers.is_empty() {
        world.ledger.violation(format!("{} customers still wait for the end of their orders", customers.len()));
        customers.shutdown().await;
    }
    Ok(())
}

type Screens = BTreeMap<SmolStr, (watch::Sender<Option<u64>>, JoinHandle<Option<Value>>)>;

/// Asks the node for everything and compares it.
async fn compare(
    world: &World,
    before: (gather::Stock, gather::Campaigns),
    screens: Screens,
) -> Result<Verdict, Trouble> {
    let mut boards = BTreeMap::new();
    for (store, (leave, shown)) in screens {
        let answer = gather::board(world, &store).await?;
        leave.send_replace(answer.get("offset").and_then(Value::as_u64));
        let shown = tokio::time::timeout(Duration::from_secs(10), shown).await;
        boards.insert(store, (shown.ok().and_then(Result::ok).flatten(), answer));
    }
    let experience = world.ledger.close();
    let answers = gather::orders(world, &experience.orders).await?;
    let facts = Facts {
        listed: gather::store_lists(world, &answers.days).await?,
        stock: (before.0, gather::stock(world).await?),
        campaigns: (before.1, gather::campaigns(world).await?),
        coupons: gather::coupons(world, &experience.claims).await?,
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
    Ok(verdict)
}

/// Prints the counts of each check and the first mismatches; answers whether there were none.
fn print_verdict(screen: &mut Screen, verdict: &Verdict) -> bool {
    screen.line("");
    for (name, equal, counts) in &verdict.lines {
        screen.line(&format!("{} {name:<12} {counts}", if *equal { "ok  " } else { "FAIL" }));
    }
    for mismatch in &verdict.named {
        screen.line(&format!("     {mismatch}"));
    }
    if verdict.mismatches > verdict.named.len() {
        screen.line(&format!("     and {} more", verdict.mismatches - verdict.named.len()));
    }
    verdict.mismatches == 0
}

/// Verifies the stopped node's data; answers whether every proof holds.
fn print_verified(screen: &mut Screen, directory: &std::path::Path) -> bool {
    match verify::verify(directory, &VerifyOptions::default()) {
        Ok(report) => {
            screen.line("");
            screen.line(report.text().trim_end());
            report.ok
        }
        Err(error) => {
            screen.line(&format!("FAIL verify       {error}"));
            false
        }
    }
}

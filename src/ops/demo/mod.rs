//! `qucan demo`: the centre and two regions, each in a runtime of its own, driven only through their HTTP and WebSocket API by
//! simulated customers and stores, more than one customer in ten misbehaving. In the middle of it the centre is taken away and
//! comes back. At the end everything that was experienced is compared with what the nodes say, and what the nodes say with
//! what the centre has; then all stopped data is verified.

mod basket;
mod centre;
mod check;
mod compare;
mod customer;
mod dice;
mod gather;
mod ledger;
mod live;
mod place;
mod pos;
mod region;
mod shift;
mod verified;
mod watching;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::task::{JoinError, JoinSet};

use self::centre::Centre;
use self::check::Verdict;
use self::compare::CentreClient;
use self::ledger::Ledger;
use self::live::Screen;
use self::place::{Addresses, Directory};
use self::region::{PLANS, Region, StartError};
use self::shift::Shift;
use self::world::Trouble;

/// The centre and two regions with simulated stores and customers, and everything compared at the end.
#[derive(Debug, Clone, clap::Args)]
pub struct DemoArgs {
    /// Customers who come every second, both regions together
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub orders_per_second: u32,
    /// Seconds until no more customers come; without it until Ctrl-C
    #[arg(long, value_name = "S")]
    pub seconds: Option<u64>,
    /// Port of the aggregator; nodes take the next ones. Without it the defaults, or free ports where they are taken
    #[arg(long, value_name = "P", value_parser = clap::value_parser!(u16).range(1..=65_533))]
    pub port: Option<u16>,
    /// Data directory, kept afterwards; without it a temporary one
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Seed of everything that is chance about customers and stores
    #[arg(long, value_name = "SEED")]
    pub seed: Option<u64>,
    /// Let the centre live: it is not killed at half time
    #[arg(long)]
    pub spare_centre: bool,
}

/// Customers in the regions at once; further ones wait outside.
const CUSTOMERS_MAX: usize = 5_000;
/// How long orders may take to end when no more customers come.
const SETTLE_WITHIN: Duration = Duration::from_secs(150);
/// When the centre is killed where the demo has no end.
const OUTAGE_AFTER: Duration = Duration::from_secs(30);

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
    directory: Directory,
    centre: Arc<Mutex<Centre>>,
    regions: Vec<Region>,
    clients: tokio::runtime::Runtime,
}

impl Demo {
    fn start(args: &DemoArgs) -> Result<Self, StartError> {
        let directory = Directory::choose(args.data.as_deref())?;
        let addresses = Addresses::choose(args.port, u16::try_from(PLANS.len()).unwrap_or(u16::MAX))?;
        let names = PLANS.map(|plan| plan.name);
        let centre = Centre::start(directory.centre(), addresses.centre, &names)?;
        let mut regions = Vec::new();
        for (plan, address) in PLANS.into_iter().zip(addresses.regions) {
            let replication = centre.replication_of(plan.name);
            regions.push(Region::start(plan, directory.region(plan.name), address, replication)?);
        }
        let clients = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let seed = args.seed.or_else(|| getrandom::u32().ok().map(u64::from)).unwrap_or(1);
        let (args, screen, centre) = (args.clone(), Screen::new(), Arc::new(Mutex::new(centre)));
        Ok(Self { args, seed, screen, directory, centre, regions, clients })
    }

    fn run(self) -> ExitCode {
        let (args, seed, centre) = (&self.args, self.seed, Arc::clone(&self.centre));
        let mut day = Day { args, seed, screen: self.screen, centre };
        let lived = self.clients.block_on(day.live(&self.regions));
        let Day { mut screen, centre, .. } = day;
        drop(centre);
        let mut all_well = match lived {
            Ok(verdicts) => {
                verdicts.iter().fold(true, |well, (whose, verdict)| print_verdict(&mut screen, whose, verdict) && well)
            }
            Err(trouble) => {
                screen.line(&format!("the comparison could not be made: {trouble}"));
                false
            }
        };
        self.clients.shutdown_timeout(Duration::from_secs(1));
        let mut names = Vec::new();
        for region in self.regions {
            names.push(region.name);
            if let Err(why) = region.stop() {
                screen.line(&format!("the node of {} did not stop cleanly: {why}", names.last().unwrap_or(&"")));
                all_well = false;
            }
        }
        let stopped = Arc::into_inner(self.centre)
            .map_or(Err("it is still in use".to_owned()), |centre| centre.into_inner().stop());
        if let Err(why) = stopped {
            screen.line(&format!("the centre did not stop cleanly: {why}"));
            all_well = false;
        }
        for region in names {
            all_well &= verified::print(&mut screen, &self.directory, region);
        }
        if !all_well && let Some(kept) = self.directory.keep() {
            screen.line(&format!("the data is kept in {}", kept.display()));
        }
        if all_well { ExitCode::SUCCESS } else { ExitCode::from(1) }
    }
}

/// The simulated day.
struct Day<'a> {
    args: &'a DemoArgs,
    seed: u64,
    screen: Screen,
    centre: Arc<Mutex<Centre>>,
}

impl Day<'_> {
    /// The whole day, from the opening to the comparison.
    async fn live(&mut self, regions: &[Region]) -> Result<Vec<(&'static str, Verdict)>, Trouble> {
        let run = format!("demo{:08x}", getrandom::u32().unwrap_or(0));
        let centre_base = self.centre.lock().base.clone();
        let centre = CentreClient::new(&centre_base).await?;
        self.screen.line(&format!("{:<20} {centre_base}/", "dashboard"));
        let mut shifts = Vec::new();
        for (plan, region) in PLANS.iter().zip(regions) {
            shifts.push(Shift::begin(region.name, &region.base, plan.catalog, self.seed, &run).await?);
            for (page, path) in
                [("customers", "/"), ("POS", "/pos"), ("kitchen", "/kitchen"), ("call screen", "/screen")]
            {
                self.screen.line(&format!("{:<20} {}{path}", format!("{} {page}", region.name), region.base));
            }
        }
        let pace = self.args.orders_per_second;
        self.screen.line(&format!("seed {}, {pace} customers a second{}", self.seed, until(self.args.seconds)));

        let began = Instant::now();
        let customers = self.let_customers_in(&shifts, &centre, began).await?;
        self.settle(customers, &shifts, &centre, began).await?;
        let mut verdicts = Vec::new();
        let mut replicated = Verdict::default();
        for shift in shifts {
            self.screen.status(&live::status(&[shift.ledger()], began, &format!("comparing {}", shift.name), Some(0)));
            let (name, world) = (shift.name, shift.world());
            let (verdict, placed) = shift.end().await?;
            centre.compare(name, &world, &placed, &mut replicated).await?;
            verdicts.push((name, verdict));
        }
        verdicts.push(("centre", replicated));
        Ok(verdicts)
    }

    /// Customers come at an even pace, to each region in turn, until the time is over or somebody presses Ctrl-C. Halfway
    /// the centre is taken away.
    async fn let_customers_in(
        &mut self,
        shifts: &[Shift],
        centre: &CentreClient,
        began: Instant,
    ) -> Result<JoinSet<()>, Trouble> {
        let mut customers = JoinSet::new();
        let mut arrivals = tokio::time::interval(Duration::from_secs(1) / self.args.orders_per_second);
        let every = self.screen.every();
        let mut status = tokio::time::interval_at(tokio::time::Instant::now() + every, every);
        let lasts = self.args.seconds.map(Duration::from_secs);
        let half_time = lasts.map_or(OUTAGE_AFTER, |lasts| lasts / 2);
        let mut outage = std::pin::pin!(tokio::time::sleep(half_time));
        let (mut away, mut was_away) = (JoinSet::new(), self.args.spare_centre);
        let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
        let mut turns = shifts.iter().cycle();
        let mut number = 0;
        while lasts.is_none_or(|lasts| began.elapsed() < lasts) {
            tokio::select! {
                _ = arrivals.tick(), if customers.len() < CUSTOMERS_MAX => {
                    if let Some(shift) = turns.next() {
                        customers.spawn(customer::visit(shift.world(), number));
                        number += 1;
                    }
                }
                Some(_) = customers.join_next() => {}
                () = &mut outage, if !was_away => {
                    was_away = true;
                    self.screen.line(&format!("the centre is killed; back in {} s; nobody in a region should notice", centre::AWAY.as_secs()));
                    let centre = Arc::clone(&self.centre);
                    away.spawn_blocking(move || centre.lock().go_away_and_come_back());
                }
                Some(back) = away.join_next() => self.welcome_back(back)?,
                _ = status.tick() => self.show(shifts, centre, began, "selling").await,
                _ = &mut interrupted => break,
            }
        }
        while let Some(back) = away.join_next().await {
            self.welcome_back(back)?;
        }
        Ok(customers)
    }

    fn welcome_back(&mut self, back: Result<Result<(), StartError>, JoinError>) -> Result<(), Trouble> {
        match back {
            Ok(Ok(())) => self.screen.line("the centre is back"),
            Ok(Err(error)) => return Err(Trouble::Centre(error.to_string())),
            Err(error) => return Err(Trouble::Centre(error.to_string())),
        }
        Ok(())
    }

    /// Waits until every customer has an end, but not for ever. A second Ctrl-C gives up the comparison.
    async fn settle(
        &mut self,
        mut customers: JoinSet<()>,
        shifts: &[Shift],
        centre: &CentreClient,
        began: Instant,
    ) -> Result<(), Trouble> {
        let deadline = tokio::time::Instant::now() + SETTLE_WITHIN;
        let mut status = tokio::time::interval(self.screen.every());
        let mut interrupted = std::pin::pin!(async {
            // One Ctrl-C may arrive twice: from the terminal and from whatever started us.
            tokio::time::sleep(Duration::from_secs(1)).await;
            tokio::signal::ctrl_c().await
        });
        loop {
            tokio::select! {
                ended = customers.join_next() => if ended.is_none() { break },
                _ = status.tick() => self.show(shifts, centre, began, "settling").await,
                _ = &mut interrupted => return Err(Trouble::Interrupted),
                () = tokio::time::sleep_until(deadline) => break,
            }
        }
        if !customers.is_empty() {
            let waiting = customers.len();
            customers.shutdown().await;
            return Err(Trouble::Unfinished(waiting));
        }
        Ok(())
    }

    async fn show(&mut self, shifts: &[Shift], centre: &CentreClient, began: Instant, phase: &str) {
        let lag = tokio::time::timeout(Duration::from_millis(200), centre.lag()).await.ok().flatten();
        let ledgers: Vec<&Ledger> = shifts.iter().map(Shift::ledger).collect();
        self.screen.status(&live::status(&ledgers, began, phase, lag));
    }
}

fn until(seconds: Option<u64>) -> String {
    seconds.map_or_else(|| ", until Ctrl-C".to_owned(), |seconds| format!(" for {seconds} s, or until Ctrl-C"))
}

/// Prints the counts of each check and the first mismatches; answers whether there were none.
fn print_verdict(screen: &mut Screen, whose: &str, verdict: &Verdict) -> bool {
    screen.line("");
    for (name, equal, counts) in &verdict.lines {
        screen.line(&format!("{} {whose:<6} {name:<12} {counts}", if *equal { "ok  " } else { "FAIL" }));
    }
    for mismatch in &verdict.named {
        screen.line(&format!("     {mismatch}"));
    }
    if verdict.mismatches > verdict.named.len() {
        screen.line(&format!("     and {} more", verdict.mismatches - verdict.named.len()));
    }
    verdict.mismatches == 0
}

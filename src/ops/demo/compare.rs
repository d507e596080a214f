//! Region against centre at the end, order by order and field by field, and the centre's figures against a recount of its own
//! orders. Asks both through their API and keeps only counts and mismatches.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream;
use http::StatusCode;
use serde_json::Value;
use smol_str::SmolStr;

use super::basket::{number, text};
use super::check::Verdict;
use super::gather::{self, list};
use super::world::{Trouble, World, refused};
use crate::ops::client::http::{Call, Http, Reply};

/// How long the centre may take to have everything after the last order has ended.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(5);
/// Between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(50);

/// The centre as its operator asks it.
pub struct CentreClient {
    http: Http,
    operator: String,
}

/// What the orders that the centre lists add up to since a moment.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Sums {
    placed: i64,
    paid: i64,
    revenue: i64,
    rejected: i64,
}

impl CentreClient {
    /// A client of the centre at `base`.
    pub async fn new(base: &str) -> Result<Self, Trouble> {
        let http = Http::new(base);
        let operator = super::world::token(&http, "operator", "demo", None).await?;
        Ok(Self { http, operator })
    }

    async fn ask(&self, path: &str) -> Result<Value, Trouble> {
        let reply: Reply = self.http.send(Call::get(path).token(&self.operator)).await?;
        if reply.status == StatusCode::OK { Ok(reply.json()) } else { Err(refused(path, &reply)) }
    }

    /// What the centre says about a region.
    async fn region(&self, region: &str) -> Result<Value, Trouble> {
        let answer = self.ask("/v1/regions").await?;
        let found = list(&answer, "regions").iter().find(|entry| text(entry, "region") == region).cloned();
        Ok(found.unwrap_or_default())
    }

    /// Entries that the centre is behind a region, for the live line; nothing while it can't be asked.
    pub async fn lag(&self) -> Option<i64> {
        let answer = self.ask("/v1/regions").await.ok()?;
        Some(
            list(&answer, "regions")
                .iter()
                .filter_map(|entry| entry.get("lag"))
                .map(|lag| number(lag, "entries"))
                .sum(),
        )
    }

    /// Compares everything about one region.
    pub async fn compare(
        &self,
        region: &str,
        world: &World,
        placed: &[SmolStr],
        verdict: &mut Verdict,
    ) -> Result<(), Trouble> {
        let began = Instant::now();
        let head =
            number(&world.expect("the status", Call::get("/v1/status").token(&world.operator)).await?, "log_head");
        let (mut received, mut applied) = (0, 0);
        while applied < head && began.elapsed() < CAUGHT_UP_WITHIN {
            let says = self.region(region).await?;
            (received, applied) = (number(&says, "last_sequence"), number(&says, "applied_sequence"));
            if applied < head {
                tokio::time::sleep(LOOK).await;
            }
        }
        let behind = (applied < head).then(|| {
            format!(
                "{region} is at {head}; after {CAUGHT_UP_WITHIN:?} the centre has {received} and has applied {applied}"
            )
        });
        verdict.line("replicated", format!("{region}: {applied} of {head} entries"), behind.into_iter().collect());
        let (since, _) = self.series_total(region, "orders").await?;
        let sums = self.compare_orders(region, world, placed, &since, verdict).await?;
        self.compare_figures(region, sums, verdict).await
    }

    /// Every order of the centre's list is the region's, and the other way round.
    async fn compare_orders(
        &self,
        region: &str,
        world: &World,
        placed: &[SmolStr],
        since: &str,
        verdict: &mut Verdict,
    ) -> Result<Sums, Trouble> {
        let (mut mismatches, mut listed, mut sums) = (Vec::new(), HashSet::new(), Sums::default());
        let mut equal = 0;
        let mut cursor = String::new();
        loop {
            let page = self.ask(&format!("/v1/orders?region={region}&limit=500{cursor}")).await?;
            let orders = list(&page, "orders");
            orders.iter().for_each(|order| sums.take(order, since));
            let ask = |id: SmolStr| async move { gather::order(world, &id).await };
            let asked = stream::iter(orders.iter().map(|order| ask(text(order, "id").into())));
            let answers: Vec<_> = asked.buffered(gather::AT_ONCE).collect().await;
            for (order, answer) in orders.iter().zip(answers) {
                let id = SmolStr::new(text(order, "id"));
                match answer? {
                    Some(answer) if answer == *order => equal += 1,
                    Some(answer) => {
                        mismatches.push(format!("order {id} is {answer} in {region} and {order} at the centre"))
                    }
                    None => mismatches.push(format!("order {id} is at the centre, and {region} knows none such")),
                }
                if !listed.insert(id.clone()) {
                    mismatches.push(format!("the centre lists order {id} twice"));
                }
            }
            match page.get("next_cursor").and_then(Value::as_str) {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let missing = placed.iter().filter(|id| !listed.contains(*id));
        mismatches.extend(missing.map(|id| format!("order {id} of {region} is not at the centre")));
        let counts = format!(
            "{region}: {equal} orders at the centre equal, field by field; {} placed in this run",
            placed.len()
        );
        verdict.line("centre", counts, mismatches);
        Ok(sums)
    }

    /// The series of the last day add up to what the listed orders do.
    async fn compare_figures(&self, region: &str, sums: Sums, verdict: &mut Verdict) -> Result<(), Trouble> {
        let mut mismatches = Vec::new();
        for (metric, expected) in
            [("orders", sums.placed), ("paid", sums.paid), ("revenue", sums.revenue), ("rejected", sums.rejected)]
        {
            let total = self.series_total(region, metric).await?.1;
            if total != expected {
                mismatches.push(format!("{metric} of {region} add up to {total}, and its orders to {expected}"));
            }
        }
        let Sums { placed, paid, revenue, .. } = sums;
        let counts = format!("{region}: {placed} placed, {paid} paid, {revenue} fen, as its orders add up");
        verdict.line("figures", counts, mismatches);
        Ok(())
    }

    /// Where the last day's series begins, and its sum.
    async fn series_total(&self, region: &str, metric: &str) -> Result<(String, i64), Trouble> {
        let series = self.ask(&format!("/v1/series?metric={metric}&window=1d&region={region}")).await?;
        let total = list(&series, "points").iter().filter_map(Value::as_i64).sum();
        Ok((text(&series, "from").to_owned(), total))
    }
}

impl Sums {
    /// Counts what happened to an order since a moment; times of the contract compare as texts.
    fn take(&mut self, order: &Value, since: &str) {
        let happened = |field: &str| order.get(field).and_then(Value::as_str).is_some_and(|at| at >= since);
        self.placed += i64::from(happened("created_at"));
        if happened("paid_at") {
            self.paid += 1;
            self.revenue += number(order, "payable");
        }
        self.rejected += i64::from(text(order, "status") == "rejected" && happened("closed_at"));
    }
}

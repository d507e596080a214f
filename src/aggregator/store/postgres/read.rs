//! What is asked of the tables: a region's cursor and figures, one order, a list. Every statement names one region and a bound.

use axum::body::Bytes;
use deadpool_postgres::{Object, Transaction};
use futures_util::future::try_join_all;
use qucan_storage::{ChainHash, Position, Sequence};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::apply::{signed, system_time};
use super::trouble::Trouble;
use crate::aggregator::figures::{Bucket, Figures, Minute};
use crate::aggregator::store::list::RegionPage;
use crate::aggregator::store::{OrderQuery, Stored};
use crate::domain::id::{OrderId, RegionId, StoreId};
use crate::domain::time::{BusinessDay, Timestamp};
use crate::limits::POSTGRES_ROWS_LOADED;

/// A region's cursor as its row says.
pub(super) enum Cursor {
    /// There is none.
    Nothing,
    /// Its rows are being deleted.
    Forgetting,
    /// Applied up to here.
    At(Position),
}

/// Reads the cursor and keeps it: whoever still commits a batch of this region is waited for, and nobody begins one.
pub(super) async fn lock_cursor(transaction: &Transaction<'_>, region: &RegionId) -> Result<Cursor, Trouble> {
    let sql = "SELECT sequence, hash FROM region_cursors WHERE region = $1 FOR UPDATE";
    let Some(row) = transaction.query_opt(sql, &[&region.as_str()]).await? else { return Ok(Cursor::Nothing) };
    let (sequence, hash): (i64, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
    let (Ok(sequence), Ok(hash)) = (u64::try_from(sequence), hash.try_into()) else { return Ok(Cursor::Forgetting) };
    Ok(Cursor::At(Position { sequence: Sequence(sequence), hash: ChainHash(hash) }))
}

/// Cursor and figures of one instant; `None` while the region is being forgotten.
pub(super) async fn load(client: &mut Object, region: &RegionId) -> Result<Option<Stored>, Trouble> {
    let transaction = client.transaction().await?;
    let stored = match lock_cursor(&transaction, region).await? {
        Cursor::Nothing => Some(Stored::default()),
        Cursor::Forgetting => None,
        Cursor::At(position) => {
            let figures = figures(&transaction, region).await?;
            Some(Stored { cursor: Some(position), figures })
        }
    };
    transaction.commit().await?;
    Ok(stored)
}

const COUNTERS: &str = "placed, paid, revenue, accepted, ready, collected, cancelled, rejected, wait_seconds, waits";

async fn figures(transaction: &Transaction<'_>, region: &RegionId) -> Result<Figures, Trouble> {
    let (region, limit) = (region.as_str(), POSTGRES_ROWS_LOADED);
    let damaged = |what: &str| Trouble::Refused(format!("a row of {what} holds what never was written"));
    let mut figures = Figures::default();

    let sql = format!(
        "SELECT minute, {COUNTERS} FROM minute_figures WHERE region = $1 AND minute > $2 ORDER BY minute LIMIT $3"
    );
    let mut after = i64::MIN;
    loop {
        let rows = transaction.query(&sql, &[&region, &after, &limit]).await?;
        for row in &rows {
            after = row.try_get(0)?;
            figures.minutes.insert(Minute(after), bucket(row, 1)?.ok_or_else(|| damaged("minute_figures"))?);
        }
        if rows.is_empty() {
            break;
        }
    }

    let sql = format!(
        "SELECT (business_day - date '2020-01-01')::int4, store, {COUNTERS} FROM store_day_figures
         WHERE region = $1 AND (business_day, store) > (date '2020-01-01' + $2::int4, $3)
         ORDER BY business_day, store LIMIT $4"
    );
    let mut after = (-1, String::new());
    loop {
        let rows = transaction.query(&sql, &[&region, &after.0, &after.1, &limit]).await?;
        for row in &rows {
            after = (row.try_get(0)?, row.try_get(1)?);
            let key = u16::try_from(after.0).ok().zip(after.1.parse::<StoreId>().ok());
            let (day, store) = key.ok_or_else(|| damaged("store_day_figures"))?;
            let bucket = bucket(row, 2)?.ok_or_else(|| damaged("store_day_figures"))?;
            figures.store_days.insert((BusinessDay(day), store), bucket);
        }
        if rows.is_empty() {
            break;
        }
    }

    let sql = "SELECT tick, sequence FROM ticks WHERE region = $1 AND tick > $2 ORDER BY tick LIMIT $3";
    let mut after = i64::MIN;
    loop {
        let rows = transaction.query(sql, &[&region, &after, &limit]).await?;
        for row in &rows {
            after = row.try_get(0)?;
            let sequence = u64::try_from(row.try_get::<_, i64>(1)?).map_err(|_| damaged("ticks"))?;
            figures.ticks.insert(after, sequence);
        }
        if rows.is_empty() {
            break;
        }
    }
    Ok(figures)
}

fn bucket(row: &Row, first: usize) -> Result<Option<Bucket>, Trouble> {
    let mut numbers = [0; Bucket::NUMBERS];
    for (index, number) in (first..).zip(numbers.iter_mut()) {
        *number = row.try_get(index)?;
    }
    Ok(Bucket::from_numbers(numbers))
}

pub(super) async fn order(client: &Object, region: &RegionId, order: OrderId) -> Result<Option<Bytes>, Trouble> {
    let statement = client.prepare_cached("SELECT doc FROM orders WHERE region = $1 AND packed = $2").await?;
    let row = client.query_opt(&statement, &[&region.as_str(), &signed(order.packed())]).await?;
    Ok(row.map(|row| row.try_get::<_, String>(0)).transpose()?.map(Bytes::from))
}

/// Each region's part of a list, all asked at once on one connection: one order more than wanted, or all there are.
pub(super) async fn pages(client: &Object, query: &OrderQuery) -> Result<Vec<RegionPage>, Trouble> {
    try_join_all(query.regions.iter().map(|region| page(client, query, region))).await
}

async fn page(client: &Object, query: &OrderQuery, region: &RegionId) -> Result<RegionPage, Trouble> {
    let (low, high) = packed_range(query);
    let below = query.after.as_ref().map_or(i64::MAX, |after| signed(after.below_in(region))).min(high);
    let limit = i64::try_from(query.limit.saturating_add(1)).unwrap_or(i64::MAX);
    let region_text = region.as_str();
    let store = query.store.as_ref().map(StoreId::as_str);
    let status = query.status.map(|status| status.as_str());
    let (from, to) = (query.from.map(system_time), query.to.map(system_time));

    let mut sql = "SELECT packed, doc FROM orders WHERE region = $1 AND packed < $2 AND packed >= $3".to_owned();
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![&region_text, &below, &low];
    let filters: [(&str, Option<&(dyn ToSql + Sync)>); 4] = [
        ("store =", store.as_ref().map(|value| value as _)),
        ("status =", status.as_ref().map(|value| value as _)),
        ("created_at >=", from.as_ref().map(|value| value as _)),
        ("created_at <", to.as_ref().map(|value| value as _)),
    ];
    for (condition, value) in filters {
        if let Some(value) = value {
            values.push(value);
            sql.push_str(&format!(" AND {condition} ${}", values.len()));
        }
    }
    values.push(&limit);
    sql.push_str(&format!(" ORDER BY packed DESC LIMIT ${}", values.len()));
    // Never a cached statement: a plan for any bounds is wrong for most.
    let rows = client.query(&sql, &values).await?;
    let mut orders = Vec::with_capacity(rows.len());
    for row in &rows {
        let packed = u64::try_from(row.try_get::<_, i64>(0)?).unwrap_or(0);
        orders.push((packed, Bytes::from(row.try_get::<_, String>(1)?)));
    }
    let cut = orders.len() > query.limit;
    let below = orders.last().map(|(packed, _)| *packed).filter(|_| cut);
    Ok(RegionPage { region: region.clone(), orders, below })
}

/// Which packed numbers orders placed in the query's time can have. A business day is the date that a store's clock shows less
/// at most a day: clocks go from UTC−12 to UTC+14. Keeps a walk to those days.
fn packed_range(query: &OrderQuery) -> (i64, i64) {
    const HOUR_MILLIS: i64 = 3_600_000;
    /// 2020-01-01, where business days begin to count, in days since 1970.
    const FIRST_DAY: i64 = 18_262;
    let day = |at: Timestamp, hours: i64| {
        let days = at.0.saturating_add(hours * HOUR_MILLIS).div_euclid(24 * HOUR_MILLIS) - FIRST_DAY;
        days.clamp(0, 0x7fff)
    };
    let low = query.from.map_or(0, |from| day(from, -12 - 24) << 48);
    let high = query.to.map(|to| day(to, 14) + 1).filter(|day| *day <= 0x7fff);
    (low, high.map_or(i64::MAX, |day| day << 48))
}

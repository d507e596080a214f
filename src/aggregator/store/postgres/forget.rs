//! Deleting, in pieces that hold locks for a moment only. A region that is being forgotten says so in its cursor, so that
//! what an interruption leaves is deleted at the next look and never taken for the region's rows.

use deadpool_postgres::Object;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::read::{Cursor, lock_cursor};
use super::trouble::Trouble;
use super::within;
use crate::aggregator::figures::{Minute, tick_of};
use crate::domain::id::RegionId;
use crate::domain::time::{BusinessDay, Timestamp};
use crate::limits::{POSTGRES_ANSWER_AT_MOST, POSTGRES_ROWS_FORGOTTEN};

/// Deletes everything of a region, its cursor last.
pub(super) async fn region(client: &mut Object, region: &RegionId) -> Result<(), Trouble> {
    if !within(POSTGRES_ANSWER_AT_MOST, mark(client, region)).await? {
        // Rows without a cursor were never written.
        return Ok(());
    }
    for (table, key) in [("orders", "packed"), ("minute_figures", "minute"), ("ticks", "tick")] {
        pieces(client, region, table, key, i64::MAX, "").await?;
    }
    store_days(client, region, i32::MAX).await?;
    let end = "DELETE FROM region_cursors WHERE region = $1 AND sequence = -1";
    execute(client, end, &[&region.as_str()]).await
}

/// Says that the region is being forgotten; false where there is nothing to forget.
async fn mark(client: &mut Object, region: &RegionId) -> Result<bool, Trouble> {
    let transaction = client.transaction().await?;
    let is_there = !matches!(lock_cursor(&transaction, region).await?, Cursor::Nothing);
    if is_there {
        let mark = "UPDATE region_cursors SET sequence = -1 WHERE region = $1";
        transaction.execute(mark, &[&region.as_str()]).await?;
    }
    transaction.commit().await?;
    Ok(is_there)
}

/// Deletes figures before these, and closed orders of days before `day`.
pub(super) async fn before(
    client: &Object,
    region: &RegionId,
    time: Timestamp,
    day: BusinessDay,
) -> Result<(), Trouble> {
    let day_begins = i64::from(day.0) << 48;
    pieces(client, region, "orders", "packed", day_begins, "AND closed").await?;
    pieces(client, region, "minute_figures", "minute", Minute::of(time).0, "").await?;
    pieces(client, region, "ticks", "tick", tick_of(time), "").await?;
    store_days(client, region, i32::from(day.0)).await
}

async fn execute(client: &Object, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<(), Trouble> {
    within(POSTGRES_ANSWER_AT_MOST, async { Ok(client.execute(sql, values).await.map(drop)?) }).await
}

async fn first(client: &Object, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, Trouble> {
    within(POSTGRES_ANSWER_AT_MOST, async { Ok(client.query_opt(sql, values).await?) }).await
}

/// Deletes rows of one region whose key is below `end`.
async fn pieces(
    client: &Object,
    region: &RegionId,
    table: &str,
    key: &str,
    end: i64,
    also: &str,
) -> Result<(), Trouble> {
    let rows = format!("FROM {table} WHERE region = $1 AND {key} < $2 {also}");
    let look = format!("SELECT {key} {rows} ORDER BY {key} LIMIT 1 OFFSET $3");
    let delete = format!("DELETE {rows}");
    let region = region.as_str();
    loop {
        // Up to, and without, the row that many further on; all where there are fewer.
        let next = first(client, &look, &[&region, &end, &POSTGRES_ROWS_FORGOTTEN]).await?;
        let until = next.as_ref().map(|row| row.try_get::<_, i64>(0)).transpose()?;
        execute(client, &delete, &[&region, &until.unwrap_or(end)]).await?;
        if until.is_none() {
            return Ok(());
        }
    }
}

/// Deletes store-days below `end`, day by day.
async fn store_days(client: &Object, region: &RegionId, end: i32) -> Result<(), Trouble> {
    let look = "SELECT (business_day - date '2020-01-01')::int4 FROM store_day_figures WHERE region = $1
                ORDER BY business_day LIMIT 1";
    let delete = "DELETE FROM store_day_figures WHERE region = $1 AND business_day <= date '2020-01-01' + $2::int4";
    let region = region.as_str();
    while let Some(row) = first(client, look, &[&region]).await? {
        let day: i32 = row.try_get(0)?;
        if day >= end {
            break;
        }
        execute(client, delete, &[&region, &day]).await?;
    }
    Ok(())
}

//! A batch into the tables: the cursor first, so that only one writer goes on from a position, then absolute rows, one
//! transaction. Statements take arrays: a handful a batch, whatever it holds.

use std::time::{Duration, SystemTime};

use deadpool_postgres::{Object, Transaction};
use qucan_storage::Position;
use tokio_postgres::types::ToSql;

use super::trouble::Trouble;
use crate::aggregator::figures::Bucket;
use crate::aggregator::store::StoreBatch;
use crate::domain::id::RegionId;
use crate::domain::order::Order;
use crate::domain::time::Timestamp;
use crate::limits::POSTGRES_ROWS_WRITTEN;
use crate::view::encode_order;

pub(super) async fn apply(client: &mut Object, batch: &StoreBatch) -> Result<(), Trouble> {
    let transaction = client.transaction().await?;
    if !move_cursor(&transaction, batch).await? {
        return Ok(());
    }
    let region = batch.region.as_str();
    for (orders, all_closed) in [(&batch.orders, false), (&batch.unseen, true)] {
        for orders in orders.chunks(POSTGRES_ROWS_WRITTEN) {
            put_orders(&transaction, &batch.region, orders.iter().map(|order| &**order), all_closed).await?;
        }
    }
    for minutes in batch.minutes.chunks(POSTGRES_ROWS_WRITTEN) {
        let keys: Vec<i64> = minutes.iter().map(|(minute, _)| minute.0).collect();
        let numbers = columns(minutes.iter().map(|(_, bucket)| bucket));
        put_figures(&transaction, PUT_MINUTES, &[&region, &keys], &numbers).await?;
    }
    for days in batch.store_days.chunks(POSTGRES_ROWS_WRITTEN) {
        let of: Vec<i32> = days.iter().map(|((day, _), _)| i32::from(day.0)).collect();
        let stores: Vec<&str> = days.iter().map(|((_, store), _)| store.as_str()).collect();
        let numbers = columns(days.iter().map(|(_, bucket)| bucket));
        put_figures(&transaction, PUT_STORE_DAYS, &[&region, &of, &stores], &numbers).await?;
    }
    for ticks in batch.ticks.chunks(POSTGRES_ROWS_WRITTEN) {
        let keys: Vec<i64> = ticks.iter().map(|(tick, _)| *tick).collect();
        let sequences: Vec<i64> = ticks.iter().map(|(_, sequence)| signed(*sequence)).collect();
        let statement = transaction.prepare_cached(PUT_TICKS).await?;
        transaction.execute(&statement, &[&region, &keys, &sequences]).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// As the database counts; sequences and packed ids stay below 2⁶³ (a business day until the year 2109).
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Moves the cursor, and so keeps every other writer of the region waiting until this transaction ends. False when an earlier
/// attempt at this very batch went through.
async fn move_cursor(transaction: &Transaction<'_>, batch: &StoreBatch) -> Result<bool, Trouble> {
    let (region, epoch, to) = (batch.region.as_str(), i64::from(batch.epoch), signed(batch.to.sequence.0));
    let hash = batch.to.hash.0.as_slice();
    let moved = match batch.from.filter(|from| *from != Position::ORIGIN) {
        None => {
            let first = "INSERT INTO region_cursors (region, epoch, sequence, hash) VALUES ($1, $2, $3, $4)
                         ON CONFLICT (region) DO NOTHING";
            let statement = transaction.prepare_cached(first).await?;
            transaction.execute(&statement, &[&region, &epoch, &to, &hash]).await?
        }
        Some(from) => {
            let next = "UPDATE region_cursors SET epoch = $2, sequence = $3, hash = $4
                        WHERE region = $1 AND sequence = $5 AND hash = $6";
            let statement = transaction.prepare_cached(next).await?;
            let from_sequence = signed(from.sequence.0);
            let from_hash = from.hash.0.as_slice();
            transaction.execute(&statement, &[&region, &epoch, &to, &hash, &from_sequence, &from_hash]).await?
        }
    };
    if moved == 1 {
        return Ok(true);
    }
    let look = transaction.prepare_cached("SELECT sequence, hash FROM region_cursors WHERE region = $1").await?;
    let Some(row) = transaction.query_opt(&look, &[&region]).await? else { return Err(Trouble::OtherHistory) };
    let (found, found_hash): (i64, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
    if (found, found_hash.as_slice()) == (to, hash) { Ok(false) } else { Err(Trouble::OtherHistory) }
}

const PUT_ORDERS: &str = "INSERT INTO orders
    (region, packed, id, store, status, business_day, created_at, payable, currency, closed, doc)
    SELECT $1::text, packed, id, store, status, date '2020-01-01' + business_day, created_at, payable, currency, closed, doc
    FROM unnest($2::int8[], $3::text[], $4::text[], $5::text[], $6::int4[], $7::timestamptz[], $8::int8[], $9::text[],
                $10::bool[], $11::text[])
    AS rows (packed, id, store, status, business_day, created_at, payable, currency, closed, doc)
    ON CONFLICT (region, packed) DO UPDATE SET status = excluded.status, closed = excluded.closed, doc = excluded.doc";

async fn put_orders<'a>(
    transaction: &Transaction<'_>,
    region: &RegionId,
    orders: impl Iterator<Item = &'a Order> + Clone,
    all_closed: bool,
) -> Result<(), Trouble> {
    let statement = transaction.prepare_cached(PUT_ORDERS).await?;
    let packed: Vec<i64> = orders.clone().map(|order| signed(order.id.packed())).collect();
    let ids: Vec<String> = orders.clone().map(|order| order.id.to_string()).collect();
    let stores: Vec<&str> = orders.clone().map(|order| order.store.as_str()).collect();
    let statuses: Vec<&str> = orders.clone().map(|order| order.status.as_str()).collect();
    let days: Vec<i32> = orders.clone().map(|order| i32::from(order.business_day.0)).collect();
    let created: Vec<SystemTime> = orders.clone().map(|order| system_time(order.created_at)).collect();
    let payable: Vec<i64> = orders.clone().map(|order| order.payable.0).collect();
    let currencies: Vec<&str> = orders.clone().map(|order| order.currency.as_str()).collect();
    let closed: Vec<bool> = orders.clone().map(|order| all_closed || order.is_closed()).collect();
    let docs: Vec<String> = orders.map(|order| encode_order(order, region)).collect();
    let region = region.as_str();
    let values: [&(dyn ToSql + Sync); 11] =
        [&region, &packed, &ids, &stores, &statuses, &days, &created, &payable, &currencies, &closed, &docs];
    transaction.execute(&statement, &values).await?;
    Ok(())
}

/// Years 1 to 9999: every instant of these is one of the database's too.
const FIRST_MILLIS: i64 = -62_135_596_800_000;
const LAST_MILLIS: i64 = 253_402_300_799_999;

/// An instant as the database takes it, or the nearest that it does.
pub(super) fn system_time(at: Timestamp) -> SystemTime {
    let at = Timestamp(at.0.clamp(FIRST_MILLIS, LAST_MILLIS));
    let distance = Duration::from_millis(at.0.unsigned_abs());
    let epoch = SystemTime::UNIX_EPOCH;
    let time = if at.0 < 0 { epoch.checked_sub(distance) } else { epoch.checked_add(distance) };
    time.unwrap_or(epoch)
}

macro_rules! put_figures {
    ($table:literal, $key:literal, $selected:literal, $arrays:literal, $named:literal, $first:literal) => {
        concat!(
            "INSERT INTO ",
            $table,
            " (region, ",
            $key,
            ", placed, paid, revenue, accepted, ready, collected, cancelled,
                rejected, wait_seconds, waits)
             SELECT $1::text, ",
            $selected,
            ", placed, paid, revenue, accepted, ready, collected, cancelled, rejected,
                wait_seconds, waits
             FROM unnest(",
            $arrays,
            $first,
            ")
             AS rows (",
            $named,
            ", placed, paid, revenue, accepted, ready, collected, cancelled, rejected, wait_seconds, waits)
             ON CONFLICT (region, ",
            $key,
            ") DO UPDATE SET placed = excluded.placed, paid = excluded.paid,
                revenue = excluded.revenue, accepted = excluded.accepted, ready = excluded.ready,
                collected = excluded.collected, cancelled = excluded.cancelled, rejected = excluded.rejected,
                wait_seconds = excluded.wait_seconds, waits = excluded.waits"
        )
    };
}

const PUT_MINUTES: &str = put_figures!(
    "minute_figures",
    "minute",
    "minute",
    "$2::int8[], ",
    "minute",
    "$3::int8[], $4::int8[], $5::int8[], $6::int8[], $7::int8[], $8::int8[], $9::int8[], $10::int8[], $11::int8[], $12::int8[]"
);

const PUT_STORE_DAYS: &str = put_figures!(
    "store_day_figures",
    "business_day, store",
    "date '2020-01-01' + day, store",
    "$2::int4[], $3::text[], ",
    "day, store",
    "$4::int8[], $5::int8[], $6::int8[], $7::int8[], $8::int8[], $9::int8[], $10::int8[], $11::int8[], $12::int8[], $13::int8[]"
);

/// The first sequence of a tick never changes.
const PUT_TICKS: &str = "INSERT INTO ticks (region, tick, sequence)
    SELECT $1::text, tick, sequence FROM unnest($2::int8[], $3::int8[]) AS rows (tick, sequence)
    ON CONFLICT (region, tick) DO NOTHING";

/// Buckets turned into one array a counter.
fn columns<'a>(buckets: impl Iterator<Item = &'a Bucket>) -> [Vec<i64>; Bucket::NUMBERS] {
    let mut columns: [Vec<i64>; Bucket::NUMBERS] = Default::default();
    for bucket in buckets {
        for (column, number) in columns.iter_mut().zip(bucket.to_numbers()) {
            column.push(number);
        }
    }
    columns
}

async fn put_figures(
    transaction: &Transaction<'_>,
    sql: &str,
    keys: &[&(dyn ToSql + Sync)],
    numbers: &[Vec<i64>],
) -> Result<(), Trouble> {
    let statement = transaction.prepare_cached(sql).await?;
    let numbers = numbers.iter().map(|column| column as &(dyn ToSql + Sync));
    let values: Vec<&(dyn ToSql + Sync)> = keys.iter().copied().chain(numbers).collect();
    transaction.execute(&statement, &values).await?;
    Ok(())
}

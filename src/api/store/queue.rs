//! The store's queue: every paid order, once a walk, held open until there is one. Safe to repeat over any line: a
//! cursor asked for again gives the same orders in their present state.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};

use super::check;
use crate::api::AppState;
use crate::api::answer::json;
use crate::api::auth::StoreStaff;
use crate::api::body::{PathId, Query};
use crate::api::page::{decode_cursor, encode_cursor, limit};
use crate::api::problem::{Kind, Problem};
use crate::domain::id::StoreId;
use crate::domain::order::Order;
use crate::domain::time::{BusinessDay, MinuteOfDay, business_day};
use crate::engine::history::{QueueCursor, QueueError, QueuePage};
use crate::limits::QUEUE_WAIT_MAX;
use crate::view::OrderView;

/// Where to go on, and how long to wait.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct QueueQuery {
    /// `cursor` of the answer before; none or empty begins with what is open now.
    after: Option<String>,
    /// Seconds to wait when there is no order.
    #[param(minimum = 0, maximum = 60, default = 0)]
    wait: Option<u32>,
    /// Orders in an answer.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

/// A piece of the queue.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Queue)]
pub struct QueueAnswer<'a> {
    orders: Vec<OrderView<'a>>,
    /// For the next question.
    cursor: String,
}

/// Orders paid after the cursor, in their present state, by position. Without one: those now paid, accepted or ready.
#[utoipa::path(get, path = "/v1/stores/{store}/queue", tag = "store", security(("token" = [])),
    params(("store" = String, Path, description = "The store"), QueueQuery),
    responses((status = 200, description = "Orders, or none after the wait", body = QueueAnswer)))]
pub async fn follow_queue(
    State(state): State<Arc<AppState>>,
    staff: StoreStaff,
    PathId(store): PathId<StoreId>,
    Query(query): Query<QueueQuery>,
) -> Result<Response, Problem> {
    check(&state, &staff, &store)?;
    let limit = limit(query.limit)?;
    let wait = std::time::Duration::from_secs(query.wait.unwrap_or(0).into());
    if wait > QUEUE_WAIT_MAX {
        return Err(Problem::malformed("wait", format!("at most {} seconds", QUEUE_WAIT_MAX.as_secs())));
    }
    let after = decode_cursor("after", "q", query.after.as_deref(), parse_cursor)?;
    let until = Instant::now() + wait;
    let mut paid = state.engine.views().paid_signal(&store).ok_or_else(Problem::not_found)?;
    let mut draining = state.edge.draining();
    let page = loop {
        // Seen before the question: an order paid in between wakes the wait at once.
        paid.mark_unchanged();
        let page = question(&state, &store, after, limit).await?;
        if !page.orders.is_empty() || Instant::now() >= until {
            break page;
        }
        tokio::select! {
            changed = paid.changed() => if changed.is_err() { break page },
            () = tokio::time::sleep_until(until) => break page,
            // An empty answer is true, and the client comes again: by then there is another node, or this one anew.
            _ = draining.wait_for(|draining| *draining) => break page,
        }
    };
    let (region, _) = state.engine.views().region();
    let orders = page.orders.iter().map(|order| OrderView::of(order, &region)).collect();
    Ok(json(StatusCode::OK, &QueueAnswer { orders, cursor: show_cursor(page.cursor) }))
}

async fn question(
    state: &AppState,
    store: &StoreId,
    after: Option<QueueCursor>,
    limit: usize,
) -> Result<QueuePage, Problem> {
    match after {
        Some(cursor) => state.engine.queue_after(store, cursor, limit).await.map_err(|error| match error {
            QueueError::Gone => Problem::new(Kind::Gone, error.to_string()),
            QueueError::Unavailable(unavailable) => unavailable.into(),
        }),
        None => beginning(state, store, limit),
    }
}

/// What is open now, and the cursor behind it: behind everything paid so far where all of it is shown.
fn beginning(state: &AppState, store: &StoreId, limit: usize) -> Result<QueuePage, Problem> {
    let views = state.engine.views();
    let (_, epoch) = views.region();
    let view = views.store(store).ok_or_else(Problem::not_found)?;
    let mut orders: Vec<Arc<Order>> = view.open;
    let cut = orders.len() > limit;
    orders.truncate(limit);
    let (day, position) = match orders.last().filter(|_| cut) {
        Some(last) => (last.business_day, last.position.unwrap_or_default()),
        None => (today(state, store), view.last_position),
    };
    Ok(QueuePage { orders, cursor: QueueCursor { epoch, day, position } })
}

/// The store's present business day. A store that left the catalogue has lost its time zone: then the day in UTC.
pub(super) fn today(state: &AppState, store: &StoreId) -> BusinessDay {
    let now = state.engine.now();
    match state.engine.views().catalog().stores.get(store) {
        Some(store) => store.business_day(now),
        None => business_day(&jiff::tz::TimeZone::UTC, MinuteOfDay::default(), now),
    }
}

fn show_cursor(cursor: QueueCursor) -> String {
    encode_cursor("q", &format!("{}.{}.{}", cursor.epoch, cursor.day.0, cursor.position))
}

fn parse_cursor(place: &str) -> Option<QueueCursor> {
    let mut parts = place.split('.');
    let epoch = parts.next()?.parse().ok()?;
    let day = BusinessDay(parts.next()?.parse().ok()?);
    let position = parts.next()?.parse().ok()?;
    parts.next().is_none().then_some(QueueCursor { epoch, day, position })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_the_journey() {
        let cursor = QueueCursor { epoch: 3, day: BusinessDay(2_518), position: 77 };
        let text = show_cursor(cursor);
        assert_eq!(decode_cursor("after", "q", Some(&text), parse_cursor).unwrap(), Some(cursor));
        for wrong in ["3.2518", "3.2518.77.1", "3.2518.-1", "65536.1.1", ""] {
            assert_eq!(parse_cursor(wrong), None, "{wrong}");
        }
    }
}

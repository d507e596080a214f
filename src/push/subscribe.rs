//! Begin listening to a topic without a gap and without a repetition: the connection is put among the listeners first,
//! then the picture is taken; events that the picture already holds are dropped by the session, which knows the offset
//! it has sent (the floor).

use std::sync::Arc;

use tokio_tungstenite::tungstenite::protocol::frame::Utf8Bytes;

use super::event::{Event, encode_board};
use super::frames::{self, Problem};
use super::hub::Hub;
use super::outbox::Outbox;
use super::topic::Topic;
use super::topics::Picture;
use crate::domain::actor::Actor;
use crate::domain::id::{OrderId, StoreId};
use crate::view::encode_order;

/// How a subscription begins.
#[derive(Debug)]
pub enum Start {
    /// With everything after `since`.
    Events(Vec<Arc<Event>>),
    /// With the object as it is now.
    Snapshot {
        /// The topic's offset.
        offset: u64,
        /// The frame to send.
        frame: Utf8Bytes,
    },
    /// With nothing: the client has it all.
    UpToDate {
        /// The topic's offset.
        offset: u64,
    },
}

/// A subscription that does not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Somebody else's, or not there: the connection ends.
    NotYours,
    /// Can't be done; the connection goes on.
    Problem(Problem),
}

/// Puts a connection among the listeners of a topic and says how it begins. `since` is of the present epoch. A refused
/// connection is no listener afterwards.
pub async fn begin(
    hub: &Hub,
    outbox: &Arc<Outbox>,
    actor: &Actor,
    topic: &Topic,
    since: Option<u64>,
) -> Result<Start, Refused> {
    let started = match topic {
        Topic::Order(order) => begin_order(hub, outbox, actor, topic, *order, since).await,
        Topic::Store(store) => {
            may_listen(hub, actor, store).and_then(|()| begin_store(hub, outbox, topic, store, since))
        }
        Topic::Board(store) => {
            may_listen(hub, actor, store).and_then(|()| begin_board(hub, outbox, topic, store, since))
        }
    };
    if started.is_err() {
        hub.topics.unsubscribe(topic, outbox);
    }
    started
}

async fn begin_order(
    hub: &Hub,
    outbox: &Arc<Outbox>,
    actor: &Actor,
    topic: &Topic,
    id: OrderId,
    since: Option<u64>,
) -> Result<Start, Refused> {
    let missed = hub.topics.subscribe(topic, outbox, since);
    let order = hub.engine.order(id).await.map_err(|unavailable| Refused::Problem(unavailable.into()))?;
    let Some(order) = order.filter(|order| order.visible_to(actor)) else {
        return Err(not_there(actor));
    };
    Ok(match missed {
        Some(missed) => events_after(missed, since),
        None if since == Some(order.offset) => Start::UpToDate { offset: order.offset },
        None => {
            let frame = frames::snapshot(topic, order.offset, &encode_order(&order, &hub.region));
            Start::Snapshot { offset: order.offset, frame }
        }
    })
}

fn begin_store(
    hub: &Hub,
    outbox: &Arc<Outbox>,
    topic: &Topic,
    store: &StoreId,
    since: Option<u64>,
) -> Result<Start, Refused> {
    if let Some(missed) = hub.topics.subscribe(topic, outbox, since) {
        return Ok(events_after(missed, since));
    }
    let view = hub.engine.views().store(store).ok_or(Refused::Problem(Problem::NOT_FOUND))?;
    let offset = view.store_offset;
    if since == Some(offset) {
        return Ok(Start::UpToDate { offset });
    }
    let mut data = format!(r#"{{"store":"{store}","orders":["#);
    let mut more = false;
    for (index, order) in view.open.iter().enumerate() {
        let json = encode_order(order, &hub.region);
        if data.len() + json.len() + SNAPSHOT_FRAME_BYTES > hub.options.server_frame_bytes {
            more = true;
            break;
        }
        if index > 0 {
            data.push(',');
        }
        data.push_str(&json);
    }
    data.push_str(if more { r#"],"more":true}"# } else { "]}" });
    Ok(Start::Snapshot { offset, frame: frames::snapshot(topic, offset, &data) })
}

/// What a snapshot's frame needs around the orders, generously.
const SNAPSHOT_FRAME_BYTES: usize = 256;

fn begin_board(
    hub: &Hub,
    outbox: &Arc<Outbox>,
    topic: &Topic,
    store: &StoreId,
    since: Option<u64>,
) -> Result<Start, Refused> {
    // The picture must not be older than the events already handed out, so it is taken under the topic's lock.
    let seed = || hub.engine.views().store(store).map(|store| Picture::of(&store)).unwrap_or_default();
    let (board, missed) = hub.topics.watch_board(topic, outbox, since, seed);
    Ok(match missed {
        Some(missed) => events_after(missed, since),
        None if since == Some(board.offset) => Start::UpToDate { offset: board.offset },
        None => {
            let frame = frames::snapshot(topic, board.offset, &encode_board(store, &board));
            Start::Snapshot { offset: board.offset, frame }
        }
    })
}

fn events_after(missed: Vec<Arc<Event>>, since: Option<u64>) -> Start {
    if missed.is_empty() { Start::UpToDate { offset: since.unwrap_or(0) } } else { Start::Events(missed) }
}

/// Staff of a store listens to its store; an operator to every store that there is.
fn may_listen(hub: &Hub, actor: &Actor, store: &StoreId) -> Result<(), Refused> {
    match actor {
        Actor::Store { store: mine, .. } if mine == store => {}
        Actor::Operator { .. } => {}
        _ => return Err(Refused::NotYours),
    }
    hub.engine.views().board(store).map(|_| ()).ok_or_else(|| not_there(actor))
}

/// An operator may know what there is; everybody else learns nothing.
pub fn not_there(actor: &Actor) -> Refused {
    match actor {
        Actor::Operator { .. } => Refused::Problem(Problem::NOT_FOUND),
        _ => Refused::NotYours,
    }
}

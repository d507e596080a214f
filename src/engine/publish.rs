//! After the fsync, and only then: read models, replies, listeners, in this order.

use std::sync::Arc;

use super::answer::{Answer, Refusal, Unavailable};
use super::commit::Committed;
use super::job::Reply;
use super::shared::Shared;
use crate::domain::effect::Effect;
use crate::domain::time::Timestamp;

/// Answers that wait for the fsync of what was decided before them.
#[derive(Debug, Default)]
pub(super) struct Replies(Vec<(Reply, Result<Answer, Refusal>)>);

impl Replies {
    pub(super) fn push(&mut self, reply: Reply, answer: Result<Answer, Refusal>) {
        self.0.push((reply, answer));
    }

    /// Everybody is told. Who has gone away meanwhile finds it in the read models.
    pub(super) fn send(&mut self) {
        for (reply, answer) in self.0.drain(..) {
            let _gone = reply.send(answer);
        }
    }

    /// Nobody is told anything but that the outcome is open.
    pub(super) fn fail(&mut self) {
        for (reply, _) in self.0.drain(..) {
            let _gone = reply.send(Err(Unavailable::StorageFailed.into()));
        }
    }
}

/// Tells everybody about a durable group.
pub(super) fn publish(
    shared: &Shared,
    first: u64,
    last: u64,
    at: Timestamp,
    effects: Vec<Effect>,
    replies: &mut Replies,
) {
    shared.views.apply(&effects, last);
    replies.send();
    shared.head.raise(last);
    // An error says that nobody listens.
    let _listeners = shared.committed.send(Arc::new(Committed { first, last, at, effects }));
}

//! After the fsync, and only then: read models, replies, listeners, in this order.

use std::sync::Arc;

use super::answer::{Answer, Refusal, Request, Unavailable};
use super::commit::Committed;
use super::job::Reply;
use super::shared::Shared;
use crate::domain::effect::Effect;
use crate::domain::time::Timestamp;

/// Answers that wait for the fsync of what was decided before them.
#[derive(Debug, Default)]
pub(super) struct Replies(Vec<(Reply, Result<Answer, Refusal>, Request)>);

impl Replies {
    pub(super) fn push(&mut self, reply: Reply, answer: Result<Answer, Refusal>, request: Request) {
        self.0.push((reply, answer, request));
    }

    /// Everybody is told. Who has gone away meanwhile finds it in the read models.
    pub(super) fn send(&mut self) {
        for (reply, answer, request) in self.0.drain(..) {
            let _gone = reply.send((answer, request));
        }
    }

    /// Nobody is told anything but that the outcome is open.
    pub(super) fn fail(&mut self) {
        for (reply, _, request) in self.0.drain(..) {
            let _gone = reply.send((Err(Unavailable::StorageFailed.into()), request));
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
    shared.reached(last);
    if shared.committed.receiver_count() > 0 {
        // An error says that the last listener has just gone.
        let _gone = shared.committed.send(Arc::new(Committed { first, last, at, effects }));
    }
}

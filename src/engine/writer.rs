//! The one thread that changes the business: takes a group of requests, decides each on the hot state, appends the events
//! with one fsync, and only then lets anybody know. It never waits for more requests, for the projection, or for a reader.
//!
//! The state moves before the fsync, so that the next request of the group sees it. If the append fails, the state is
//! ahead of the disk for ever: nothing is acknowledged any more, and the process has to start again from what is on disk.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, select};
use qucan_storage::limits::GROUP_BYTES_MAX;
use qucan_storage::log::{AppendError, GroupBuffer, Log, Space, SpaceClass};

use super::answer::{Answer, Refusal, Request, Unavailable};
use super::deadlines::{self, DeadlineGate};
use super::job::{ClosedRecord, Job, is_critical};
use super::metrics::Tally;
use super::options::EngineLimits;
use super::publish::{Replies, publish};
use super::reclosed::Reclosed;
use super::records::{ENTRY_BYTES_MAX, EntryMeta, encode_entry};
use super::shared::Shared;
use super::snapshotter::SnapshotRequests;
use crate::domain::command::Command;
use crate::domain::context::{Context, Settings};
use crate::domain::decide::{Outcome, decide};
use crate::domain::effect::Effect;
use crate::domain::event::Event;
use crate::domain::evolve::EvolveError;
#[cfg(feature = "simulation")]
use crate::domain::plant;
use crate::domain::rejection::Rejection;
use crate::domain::state::State;
use crate::domain::time::Timestamp;
use crate::limits::GROUP_BYTES_SOFT;

/// How often an idle writer looks at its disk: so that it is known without a request that the disk has filled up, has room
/// again, or has failed.
const DISK_LOOK: Duration = Duration::from_secs(1);

/// How the writer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Control {
    /// After everything that was taken in: answered, snapshot taken, log closed.
    Stop,
    /// At once, as if the process had been killed.
    Abandon,
}

/// Both queues into the writer.
#[derive(Debug, Clone)]
pub(super) struct Queues {
    pub(super) critical: Receiver<Job>,
    pub(super) normal: Receiver<Job>,
    pub(super) control: Receiver<Control>,
}

/// Why the writer can't go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error("the state and its own decision don't fit: {0}")]
    Evolve(#[from] EvolveError),
}

/// Why a command led to nothing.
enum Not {
    Refused(Refusal),
    Broken(Broken),
}

impl<T: Into<Refusal>> From<T> for Not {
    fn from(refusal: T) -> Self {
        Self::Refused(refusal.into())
    }
}

/// Everything the writer owns.
pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) log: Log,
    pub(super) state: State,
    pub(super) settings: Settings,
    pub(super) limits: EngineLimits,
    pub(super) queues: Queues,
    pub(super) gate: DeadlineGate,
    pub(super) snapshots: SnapshotRequests,
    pub(super) group: Group,
}

/// What is kept from one group to the next so that nothing is allocated anew.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Requests taken and not decided yet.
    batch: VecDeque<Job>,
    buffer: GroupBuffer,
    effects: Vec<Effect>,
    replies: Replies,
    reclosed: Reclosed,
    space: Option<Space>,
    /// Bytes for which the log has said that there is room, for everybody and for critical commands.
    room: [usize; 2],
    has_critical: bool,
    tally: Tally,
}

/// Runs the writer until it is told to end, or can't go on. Gives the log and the state back after a stop.
pub(super) fn run(writer: Writer) -> Option<(Log, State)> {
    let (shared, queues) = (Arc::clone(&writer.shared), writer.queues.clone());
    let ended = catch_unwind(AssertUnwindSafe(|| writer.run()));
    let left = match ended {
        Ok(Ok(left)) => left,
        Ok(Err(broken)) => {
            tracing::error!(error = %broken, "the writer stopped: nothing is acknowledged until a restart");
            shared.fail(&broken.to_string());
            None
        }
        Err(panic) => {
            let what = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let what = what.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
            tracing::error!(panic = %what, "the writer panicked: nothing is acknowledged until a restart");
            shared.fail(&format!("the writer panicked: {what}"));
            None
        }
    };
    let why = if shared.has_failed() { Unavailable::StorageFailed } else { Unavailable::ShuttingDown };
    for job in queues.critical.try_iter().chain(queues.normal.try_iter()) {
        let _gone = job.reply.send((Err(why.into()), job.request));
    }
    shared.head.close();
    left
}

impl Writer {
    fn run(mut self) -> Result<Option<(Log, State)>, Broken> {
        loop {
            match self.wait() {
                None => {}
                Some(Control::Abandon) => return Ok(None),
                Some(Control::Stop) => {
                    while self.take() {
                        self.commit()?;
                    }
                    return Ok(Some((self.log, self.state)));
                }
            }
            self.take();
            self.commit()?;
        }
    }

    /// Sleeps until there is something to do.
    fn wait(&mut self) -> Option<Control> {
        if !self.group.batch.is_empty() {
            return self.queues.control.try_recv().ok();
        }
        let queues = &self.queues;
        let batch = &mut self.group.batch;
        let mut sleep = self.gate.sleep(self.state.next_deadline(), self.shared.clock.now());
        if self.shared.is_fenced() {
            sleep = sleep.map(|_| deadlines::NAP_MAX);
        }
        select! {
            recv(queues.control) -> control => Some(control.unwrap_or(Control::Abandon)),
            recv(queues.critical) -> job => { batch.extend(job); None }
            recv(queues.normal) -> job => { batch.extend(job); None }
            default(sleep.map_or(DISK_LOOK, |sleep| sleep.min(DISK_LOOK))) => None,
        }
    }

    /// Takes what is waiting, up to a group: the critical queue first, but never all of it for itself. Answers whether
    /// there is anything.
    pub(super) fn take(&mut self) -> bool {
        let (most, share) = (self.limits.group_commands, self.limits.group_normal_share);
        let batch = &mut self.group.batch;
        let fill = |batch: &mut VecDeque<Job>, queue: &Receiver<Job>, most: usize| {
            batch.extend(queue.try_iter().take(most.saturating_sub(batch.len())));
        };
        fill(batch, &self.queues.critical, most.saturating_sub(share));
        fill(batch, &self.queues.normal, most);
        fill(batch, &self.queues.critical, most);
        !batch.is_empty()
    }

    /// Decides a group, makes it durable, tells everybody.
    pub(super) fn commit(&mut self) -> Result<(), Broken> {
        if let Err(error) = self.log.check_health() {
            return Err(self.fail(error.into()));
        }
        let clock = self.shared.clock.now();
        self.gate.look(clock, self.shared.clock.steady());
        if self.shared.is_fenced() {
            // Were it lifted, people could answer first, as after a start.
            self.gate.close(clock);
        }
        let now = clock.max(self.state.clock());
        self.begin_group();
        let begun = Instant::now();
        if let Err(broken) = self.decide_group(now) {
            return Err(self.fail(broken));
        }
        let group = &mut self.group;
        if group.buffer.is_empty() {
            group.replies.send();
            return Ok(());
        }
        let metrics = &self.shared.metrics;
        metrics.decide_seconds.observe(begun.elapsed().as_secs_f64());
        metrics.group_entries.observe(count(group.buffer.len()));
        let class = if group.has_critical { SpaceClass::Critical } else { SpaceClass::Normal };
        let appended = match self.log.append(&mut group.buffer, class) {
            Ok(appended) => appended,
            Err(error) => return Err(self.fail(error.into())),
        };
        metrics.sync_seconds.observe(appended.sync_time.as_secs_f64());
        let begun = Instant::now();
        let effects = std::mem::take(&mut group.effects);
        let (first, last) = (appended.first.0, appended.last.sequence.0);
        publish(&self.shared, first, last, now, effects, &mut group.replies);
        metrics.publish_seconds.observe(begun.elapsed().as_secs_f64());
        self.shared.log_written.fetch_add(bytes(appended.bytes), std::sync::atomic::Ordering::Relaxed);
        self.snapshots.offer(&self.state, appended.last, self.log.epoch());
        self.shared.retained.trim(&mut self.log);
        self.shared.log_bytes.store(self.log.segment_bytes(), std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }

    /// First it is known, then it is told: whoever is refused finds the reason in readiness.
    fn fail(&mut self, broken: Broken) -> Broken {
        self.shared.fail(&broken.to_string());
        self.group.replies.fail();
        broken
    }

    fn begin_group(&mut self) {
        let group = &mut self.group;
        group.buffer.clear();
        group.effects.clear();
        group.room = [0; 2];
        group.has_critical = false;
        let space = self.log.space();
        if group.space != Some(space) {
            group.space = Some(space);
            let problem = (space != Space::Ample)
                .then(|| self.log.space_problem().unwrap_or_else(|| "the log has only its reserve left".to_owned()));
            match &problem {
                Some(problem) => tracing::warn!(problem, "the disk is full: no new orders until there is room"),
                None => tracing::info!("the log has room"),
            }
            self.shared.set_disk_full(problem);
        }
    }

    /// Due deadlines first, then the batch, until the group is full.
    fn decide_group(&mut self, now: Timestamp) -> Result<(), Broken> {
        if self.gate.is_open(now) && !self.shared.is_fenced() {
            for order in self.state.due(now, self.limits.group_deadlines) {
                let before = self.group.buffer.len();
                match self.decide_one(&deadlines::request(order), None, now) {
                    Err(Not::Broken(broken)) => return Err(broken),
                    Ok(_) | Err(Not::Refused(_)) if self.group.buffer.len() == before => self.gate.rest(now),
                    Ok(_) | Err(Not::Refused(_)) => {}
                }
            }
        }
        let (mut commands, began) = (0, Instant::now());
        while let Some(job) = self.group.batch.pop_front() {
            // An import may fill a group of the largest size: it gets one to itself.
            let is_import = matches!(job.request.command, Command::ImportCatalog(_));
            let is_full = self.group.buffer.bytes() > GROUP_BYTES_SOFT || is_import;
            if is_full && !self.group.buffer.is_empty() {
                self.group.batch.push_front(job);
                break;
            }
            commands += 1;
            self.shared.metrics.queue_wait_seconds.observe(began.duration_since(job.queued_at).as_secs_f64());
            let before = self.group.buffer.len();
            let answer = match self.decide_one(&job.request, job.closed.as_ref(), now) {
                Ok(answer) => Ok(answer),
                Err(Not::Refused(refusal)) => Err(refusal),
                Err(Not::Broken(broken)) => {
                    self.group.replies.push(job.reply, Err(Unavailable::StorageFailed.into()), job.request);
                    return Err(broken);
                }
            };
            let changed = self.group.buffer.len() > before;
            self.group.tally.count(&job.request.command, &answer, changed);
            self.group.replies.push(job.reply, answer, job.request);
        }
        if commands > 0 {
            self.shared.metrics.group_commands.observe(count(commands));
        }
        self.group.tally.tell(&self.shared.metrics);
        Ok(())
    }

    /// One command: decided, encoded, and taken into the state, or refused with nothing changed.
    fn decide_one(&mut self, request: &Request, closed: Option<&ClosedRecord>, now: Timestamp) -> Result<Answer, Not> {
        if self.shared.is_fenced() {
            return Err(Unavailable::Fenced.into());
        }
        let critical = is_critical(&request.command);
        if let Some(record) = closed.filter(|record| self.group.reclosed.is_stale(record)) {
            return Err(Rejection::RecordNeeded { order: record.order.id }.into());
        }
        let closed = closed.map(|record| &record.order);
        let context =
            Context { now, actor: &request.actor, settings: &self.settings, closed: closed.map(AsRef::as_ref) };
        let decision = decide(&self.state, &context, &request.command)?;
        // Only what has to be written waits for room: who repeats a request is told about the order that there is.
        let is_short = self.group.space.is_some_and(|space| space != Space::Ample);
        if is_short && !critical && !decision.events.is_empty() {
            return Err(Unavailable::DiskFull.into());
        }
        #[cfg(feature = "simulation")]
        let decision = plant::fired_twice(&request.command, decision);
        self.encode(request, &decision.events, now, critical)?;
        let effects_before = self.group.effects.len();
        for event in &decision.events {
            self.state.evolve(now, event, &mut self.group.effects).map_err(|error| Not::Broken(error.into()))?;
        }
        let effects = self.group.effects.get(effects_before..).unwrap_or_default();
        let sequence = self.log.last().sequence.0 + u64::try_from(self.group.buffer.len()).unwrap_or(0);
        self.group.reclosed.follow(closed.map(|order| order.id), effects, sequence);
        Ok(answer(&self.state, effects, closed, now, decision.outcome)?)
    }

    /// Puts the events into the group, if the log has room for them.
    fn encode(&mut self, request: &Request, events: &[Event], now: Timestamp, critical: bool) -> Result<(), Not> {
        if events.is_empty() {
            return Ok(());
        }
        let group = &mut self.group;
        let before = group.buffer.len();
        let meta = EntryMeta {
            at: now,
            actor: request.actor.clone(),
            request_id: request.request_id.clone(),
            device: request.device.clone(),
        };
        let limit = u64::try_from(ENTRY_BYTES_MAX).unwrap_or(u64::MAX);
        let too_large = Rejection::OverLimit { what: "bytes of an event", limit };
        for event in events {
            let mut encoded = Ok(());
            let pushed = group.buffer.push_with(|bytes| encoded = encode_entry(bytes, &meta, event));
            if encoded.is_err() || pushed.is_err() {
                tracing::warn!(?encoded, ?pushed, command = request.command.name(), "an event can't be stored");
                group.buffer.truncate(before);
                return Err(too_large.into());
            }
        }
        let (bytes, class) = (group.buffer.bytes(), usize::from(critical));
        let space_class = if critical { SpaceClass::Critical } else { SpaceClass::Normal };
        if group.room.get(class).is_none_or(|room| *room < bytes) {
            let wanted = bytes.next_power_of_two().min(bytes.max(GROUP_BYTES_MAX));
            if let Err(error) = self.log.ensure_room(wanted, space_class) {
                group.buffer.truncate(before);
                return match error {
                    AppendError::NoRoom { .. } => Err(Unavailable::DiskFull.into()),
                    error => Err(Not::Broken(error.into())),
                };
            }
            if let Some(room) = group.room.get_mut(class) {
                *room = wanted;
            }
        }
        group.has_critical |= critical;
        Ok(())
    }
}

/// What to say, read after the events took effect.
fn answer(
    state: &State,
    effects: &[Effect],
    closed: Option<&Arc<crate::domain::order::Order>>,
    now: Timestamp,
    outcome: Outcome,
) -> Result<Answer, Refusal> {
    Ok(match outcome {
        Outcome::Order { id, fresh } => {
            let just_closed = || {
                effects.iter().rev().find_map(|effect| match effect {
                    Effect::Order(effect) if effect.order.id == id => Some(&effect.order),
                    _ => None,
                })
            };
            let order = state.order(id).or_else(just_closed).or(closed.filter(|order| order.id == id));
            // A repetition of a request whose order has closed meanwhile: nothing happened, the record is still to come.
            let order = order.ok_or(Rejection::RecordNeeded { order: id })?;
            Answer::Order { order: Arc::clone(order), fresh }
        }
        Outcome::Coupon { id, fresh } => match state.coupon(now, id) {
            Some(coupon) => Answer::Coupon { coupon, fresh },
            None => Answer::Done,
        },
        Outcome::Stock { store, sku } => {
            let line = state.stock_line(&store, &sku).unwrap_or_default();
            Answer::Stock { store, sku, line }
        }
        Outcome::Accepting { store } => {
            let pause = state.store_counters(&store).and_then(|counters| counters.pause.clone());
            Answer::Accepting { store, pause }
        }
        Outcome::Catalog(summary) => Answer::Catalog(summary),
        Outcome::Done => Answer::Done,
    })
}

fn bytes(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn count(count: usize) -> f64 {
    count as f64
}

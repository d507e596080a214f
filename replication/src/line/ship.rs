//! The region's driver: one line after the other, for ever. A line that broke is tried again soon, one that was refused
//! or fenced slowly.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::{mpsc, watch};

use super::dial::{Socket, dial};
use super::life::Life;
use super::status::Status;
use super::wire::{self, Arrival};
use super::{LineOptions, Timings};
use crate::end::End;
use crate::frame::{ByeReason, FrameError};
use crate::limits;
use crate::seam::Source;
use crate::sender::{Carry, Sender, SenderOptions};

/// Ships for ever, over one connection after the other; ends when dropped.
pub async fn ship<S: Source>(source: S, options: LineOptions, mut head: watch::Receiver<u64>, status: Arc<Status>) {
    let mut state = Some((source, Carry::default()));
    let mut backoff = options.timings.backoff_first;
    while let Some((source, carry)) = state.take() {
        let life = Life::begin();
        let pause = match dial(&options, Arc::clone(&life)).await {
            Err(error) => {
                state = Some((source, carry));
                status.change(|reading| {
                    reading.failed_attempts += 1;
                    reading.refused = error.refused.then(|| error.text.clone());
                });
                ended(&status, &error.text);
                if error.refused {
                    refused_pause(&options.timings)
                } else {
                    backoff_pause(&mut backoff, &options.timings)
                }
            }
            Ok(socket) => {
                status.change(|reading| reading.connects += 1);
                let sender = Box::new(Sender::new(source, sender_options(&options.timings), carry, life.now()));
                let before = status.acknowledged();
                let (session, end) = over(socket, sender, &life, &mut head, &status).await;
                let lasted = life.now() >= options.timings.heartbeat * limits::HEARTBEATS_MISSED_MAX;
                if lasted || status.acknowledged() != before {
                    backoff = options.timings.backoff_first;
                }
                let fence = session.as_ref().and_then(|session| session.own_fence().cloned());
                state = session.map(|session| session.into_parts());
                match (end, fence) {
                    (End::Fenced(fence), _) | (_, Some(fence)) => {
                        ended(&status, &fence.detail);
                        status.fence(fence);
                        refused_pause(&options.timings)
                    }
                    (end, None) if asks_for_somebody(&end) => {
                        let text = end.to_string();
                        ended(&status, &text);
                        status.change(|reading| reading.refused = Some(text));
                        refused_pause(&options.timings)
                    }
                    (end, None) => {
                        ended(&status, &end.to_string());
                        backoff_pause(&mut backoff, &options.timings)
                    }
                }
            }
        };
        tokio::time::sleep(pause).await;
    }
    tracing::error!("shipping to the centre has ended: the source panicked");
}

/// Whether trying again soon makes no sense.
fn asks_for_somebody(end: &End) -> bool {
    matches!(
        end,
        End::Refused(_) | End::Bye(ByeReason::Failed, _) | End::Left(..) | End::Frame(FrameError::Version { .. })
    )
}

/// Notes why a line ended; says it once in the log, not with every attempt.
fn ended(status: &Status, text: &str) {
    let mut news = false;
    status.change(|reading| {
        news = reading.last_error.as_deref() != Some(text);
        reading.last_error = Some(text.to_owned());
    });
    if news {
        tracing::warn!(error = text, "no line to the centre");
    }
}

fn sender_options(timings: &Timings) -> SenderOptions {
    SenderOptions { window: timings.window, heartbeat: timings.heartbeat, compress: timings.compress }
}

/// A fraction of `whole`, drawn evenly.
fn draw(whole: Duration) -> Duration {
    let drawn = getrandom::u32().unwrap_or(u32::MAX / 2);
    whole.mul_f64(f64::from(drawn) / f64::from(u32::MAX))
}

fn backoff_pause(backoff: &mut Duration, timings: &Timings) -> Duration {
    let pause = draw(*backoff);
    *backoff = (*backoff * 2).min(timings.backoff_max);
    pause
}

fn refused_pause(timings: &Timings) -> Duration {
    timings.refused_min + draw(timings.refused_max.saturating_sub(timings.refused_min))
}

/// One line's whole life. Gives the session back, unless its source panicked.
async fn over<S: Source>(
    socket: Socket,
    sender: Box<Sender<S>>,
    life: &Life,
    head: &mut watch::Receiver<u64>,
    status: &Status,
) -> (Option<Box<Sender<S>>>, End) {
    let _guard = Connected(status);
    let (out, stream) = socket.split();
    let (arrived, arrivals) = mpsc::channel(limits::ARRIVED_MESSAGES_MAX);
    let (say, said) = mpsc::channel(1);
    let note = Note { life, status, written: 0 };
    let work = async {
        let (session, end) = run(sender, arrivals, &say, head, note).await;
        if let Some(word) = end.last_word() {
            let _ = tokio::time::timeout(limits::HEARTBEAT, say.send(word)).await;
        }
        drop(say);
        (session, end)
    };
    wire::alongside(work, wire::read(stream, arrived, life), wire::write(out, said), |(_, end)| {
        let dead = matches!(end, End::Silence(_) | End::Stalled(_) | End::Closed(_));
        (if dead { Duration::ZERO } else { limits::HEARTBEAT }, false)
    })
    .await
}

async fn run<S: Source>(
    mut sender: Box<Sender<S>>,
    mut arrivals: mpsc::Receiver<Arrival>,
    say: &mpsc::Sender<Bytes>,
    head: &mut watch::Receiver<u64>,
    mut note: Note<'_>,
) -> (Option<Box<Sender<S>>>, End) {
    let life = note.life;
    let mut pending: Option<Bytes> = None;
    // Once nothing can be written any more, what still arrives is heard out: it may be a fence.
    let mut can_say = true;
    let mut head_open = true;
    loop {
        let now = life.now();
        sender.heard(life.heard_at());
        note.down(&sender);
        if let Err(end) = sender.check(now) {
            return (Some(sender), end);
        }
        head.borrow_and_update();
        if pending.is_none() && can_say && sender.is_ready(now) {
            let (session, polled) = poll(sender, now, say).await;
            let Some(session) = session else { return (None, End::Closed("the source panicked".to_owned())) };
            sender = session;
            match polled {
                Ok(message) => pending = message,
                Err(end) => return (Some(sender), end),
            }
        }
        // While nothing can be said, what could be said doesn't wake anybody.
        let says = pending.is_none() && can_say;
        let wake = if says { sender.poll_at().min(sender.deadline()) } else { sender.deadline() };
        // Every commit raises the head: it wakes this task, and costs the writer a system call, only where that matters.
        let heeds_at = sender.heeds_commits_at().filter(|_| says && head_open);
        let heeds = heeds_at.is_some_and(|at| at <= now);
        let wake = heeds_at.filter(|at| *at > now).map_or(wake, |at| wake.min(at));
        let more = says && sender.is_ready(life.now());
        tokio::select! {
            biased;
            arrival = arrivals.recv() => {
                if let Err(end) = take_in(&mut sender, arrival, &mut arrivals, life) {
                    note.down(&sender);
                    return (Some(sender), end);
                }
            }
            room = say.reserve(), if pending.is_some() && can_say => match (room, pending.take()) {
                (Ok(room), Some(message)) => room.send(message),
                _ => can_say = false,
            },
            () = std::future::ready(()), if more => {}
            changed = head.changed(), if heeds => head_open = changed.is_ok(),
            () = tokio::time::sleep_until(life.instant(wake)) => {}
        }
    }
}

fn take_in<S: Source>(
    sender: &mut Sender<S>,
    first: Option<Arrival>,
    arrivals: &mut mpsc::Receiver<Arrival>,
    life: &Life,
) -> Result<(), End> {
    let mut next = first;
    loop {
        match next {
            Some(Ok(arrived)) => sender.receive(life.now(), &arrived.bytes)?,
            Some(Err(text)) => return Err(End::Closed(text)),
            None => return Err(End::Closed("the connection ended".to_owned())),
        }
        match arrivals.try_recv() {
            Ok(arrival) => next = Some(arrival),
            Err(_) => return Ok(()),
        }
    }
}

/// Polls the session where blocking is allowed. Heartbeats go on meanwhile. No session comes back if its source panicked.
async fn poll<S: Source>(
    mut sender: Box<Sender<S>>,
    now: Duration,
    say: &mpsc::Sender<Bytes>,
) -> (Option<Box<Sender<S>>>, Result<Option<Bytes>, End>) {
    let heartbeat = sender.options().heartbeat;
    let alive = sender.heartbeat();
    let mut polling = tokio::task::spawn_blocking(move || {
        let polled = sender.poll(now);
        (sender, polled)
    });
    loop {
        tokio::select! {
            polled = &mut polling => return match polled {
                Ok((sender, polled)) => (Some(sender), polled),
                Err(_) => (None, Ok(None)),
            },
            () = tokio::time::sleep(heartbeat) => {
                if let Some(alive) = alive.clone() {
                    let _ = say.try_send(alive); // a full queue is busy with something that shows life
                }
            }
        }
    }
}

/// However a line ends, also when nobody wants to ship any more, it isn't up after that.
struct Connected<'a>(&'a Status);

impl Drop for Connected<'_> {
    fn drop(&mut self) {
        self.0.change(|reading| reading.connected = false);
    }
}

/// Writes the session's figures down where others read them.
struct Note<'a> {
    life: &'a Life,
    status: &'a Status,
    written: u64,
}

impl Note<'_> {
    fn down<S: Source>(&mut self, sender: &Sender<S>) {
        let written = self.life.written_bytes();
        let fresh = written - self.written;
        self.written = written;
        let agreed = sender.is_agreed();
        let (acknowledged, carry) = (sender.acknowledged(), sender.carry());
        let mut newly = false;
        self.status.change(|reading| {
            reading.bytes_sent += fresh;
            reading.resends = carry.resends;
            newly = agreed && !reading.connected;
            if agreed && (newly || reading.acknowledged != acknowledged) {
                reading.acknowledged = acknowledged;
                reading.last_ack = Some(Instant::now());
            }
        });
        if newly {
            self.status.agreed();
        }
    }
}

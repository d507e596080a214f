//! Who is connected: bounds on connections, altogether, per address and per subject; and a way to reach all of them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use smol_str::{SmolStr, format_smolstr};
use tokio::sync::Notify;

use super::frames::Close;
use super::options::PushOptions;
use super::outbox::Outbox;
use crate::domain::actor::Actor;

/// A connection that is not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// There are as many as there may be.
    Altogether,
    /// There are as many from this address as there may be.
    Address,
}

/// All open connections.
#[derive(Debug, Default)]
pub struct Connections {
    next_id: AtomicU64,
    open: Mutex<Open>,
    /// Woken when the last one ends.
    empty: Notify,
}

#[derive(Debug, Default)]
struct Open {
    outboxes: HashMap<u64, Arc<Outbox>>,
    addresses: HashMap<IpAddr, usize>,
    /// Authenticated ones by subject, oldest first.
    subjects: HashMap<SmolStr, Vec<Arc<Outbox>>>,
}

impl Connections {
    /// Takes a connection in, before its handshake is answered.
    pub fn open(&self, address: IpAddr, options: &PushOptions) -> Result<Arc<Outbox>, Full> {
        let mut open = self.open.lock();
        if open.outboxes.len() >= options.connections {
            return Err(Full::Altogether);
        }
        let of_address = open.addresses.get(&address).copied().unwrap_or(0);
        if options.connections_per_address.is_some_and(|max| of_address >= max) {
            return Err(Full::Address);
        }
        *open.addresses.entry(address).or_default() += 1;
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let outbox = Arc::new(Outbox::new(id, options.queue_events, options.queue_bytes));
        open.outboxes.insert(id, Arc::clone(&outbox));
        Ok(outbox)
    }

    /// Says whose a connection is; the subject's oldest one ends when there are too many.
    pub fn authenticate(&self, outbox: &Arc<Outbox>, actor: &Actor, options: &PushOptions) {
        let max = match actor {
            Actor::Customer(_) => options.connections_per_customer,
            _ => options.connections_per_staff,
        };
        let Some(max) = max else { return };
        let mut open = self.open.lock();
        let of_subject = open.subjects.entry(subject(actor)).or_default();
        of_subject.push(Arc::clone(outbox));
        if of_subject.len() > max.max(1) {
            of_subject.remove(0).close(Close::Replaced);
        }
    }

    /// Forgets a connection that ended.
    pub fn close(&self, outbox: &Outbox, address: IpAddr, actor: Option<&Actor>) {
        let mut open = self.open.lock();
        open.outboxes.remove(&outbox.id);
        if let Some(count) = open.addresses.get_mut(&address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.addresses.remove(&address);
            }
        }
        if let Some(key) = actor.map(subject)
            && let Some(of_subject) = open.subjects.get_mut(&key)
        {
            of_subject.retain(|other| other.id != outbox.id);
            if of_subject.is_empty() {
                open.subjects.remove(&key);
            }
        }
        let empty = open.outboxes.is_empty();
        drop(open);
        if empty {
            self.empty.notify_waiters();
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.open.lock().outboxes.len()
    }

    /// Does something with each.
    pub fn for_each(&self, mut act: impl FnMut(&Outbox)) {
        let outboxes: Vec<_> = self.open.lock().outboxes.values().map(Arc::clone).collect();
        outboxes.iter().for_each(|outbox| act(outbox));
    }

    /// Waits until there is none.
    pub async fn ended(&self) {
        loop {
            let ended = self.empty.notified();
            if self.count() == 0 {
                return;
            }
            ended.await;
        }
    }
}

fn subject(actor: &Actor) -> SmolStr {
    match actor {
        Actor::Customer(member) => format_smolstr!("customer {member}"),
        Actor::Store { store, subject } => format_smolstr!("store {store} {subject}"),
        Actor::Operator { subject } => format_smolstr!("operator {subject}"),
        Actor::Provider => SmolStr::new_static("provider"),
        Actor::Node => SmolStr::new_static("node"),
    }
}

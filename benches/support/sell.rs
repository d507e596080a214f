//! Orders from the basket to the counter and home, as fast as the engine takes them.

use qucan::domain::command::Command;
use qucan::domain::order::{Order, Status};
use qucan::engine::Handle;
use qucan::engine::answer::Answer;

use super::{accept, drive, pay, place, step};

/// Orders that are under way at once.
const BATCH: u64 = 20_000;
/// Requests at once.
const WINDOW: usize = 512;

/// Sells orders to their end, but for those that `stay` when they are ready.
pub fn sell(handle: &Handle, orders: u64, stay: impl Fn(&Order) -> bool) {
    for first in (0..orders).step_by(usize::try_from(BATCH).unwrap()) {
        let mut next: Vec<_> = (first..(first + BATCH).min(orders)).map(place).collect();
        while !next.is_empty() {
            let mut then = Vec::new();
            drive(handle, WINDOW, next.into_iter(), |answer| {
                let Answer::Order { order, .. } = answer.unwrap() else { panic!("an order was expected") };
                match order.status {
                    Status::AwaitingPayment => then.push(pay(&order)),
                    Status::Paid => then.push(accept(&order.store, order.id)),
                    Status::Accepted => then.push(step(&order.store, Command::MarkReady { order: order.id })),
                    Status::Ready if stay(&order) => {}
                    Status::Ready => then.push(step(&order.store, Command::MarkCollected { order: order.id })),
                    _ => {}
                }
            });
            next = then;
        }
        while handle.status().overlay_orders > 50_000 {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

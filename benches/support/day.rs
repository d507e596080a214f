//! A day of a busy region, through the engine and on a clock that is set by hand.

use std::collections::VecDeque;

use qucan::domain::command::Command;
use qucan::domain::order::Status;
use qucan::domain::time::Timestamp;
use qucan::engine::Handle;
use qucan::engine::answer::{Answer, Request};
use qucan::engine::clock::{Clock, ManualClock};

use super::{accept, drive, pay, place, step};

const DAY_MILLIS: i64 = 24 * 3_600_000;
/// Orders that are under way at once: what a region has open.
const OPEN: usize = 4_096;
/// Requests at once.
pub const WINDOW: usize = 512;

/// One day: orders are placed, paid, accepted, made ready and collected, all of them, while the clock goes on.
pub fn sell_a_day(handle: &Handle, clock: &ManualClock, first: u64, orders: u64) {
    let begin = clock.now();
    let mut placed = 0;
    let mut next: VecDeque<Request> = VecDeque::new();
    let mut done = 0;
    while done < orders {
        // Newly placed ones and the next step of those under way, a window at a time.
        while next.len() < WINDOW && placed < orders && usize::try_from(placed - done).unwrap() < OPEN {
            next.push_back(place(first + placed));
            placed += 1;
        }
        let part = i64::try_from(placed).unwrap() * (DAY_MILLIS * 9 / 10) / i64::try_from(orders).unwrap();
        clock.set(Timestamp(begin.0 + part));
        let round: Vec<_> = next.drain(..next.len().min(WINDOW * 2)).collect();
        drive(handle, WINDOW, round.into_iter(), |answer| {
            let Answer::Order { order, .. } = answer.unwrap() else { panic!("an order was expected") };
            match order.status {
                Status::AwaitingPayment => next.push_back(pay(&order)),
                Status::Paid => next.push_back(accept(&order.store, order.id)),
                Status::Accepted => next.push_back(step(&order.store, Command::MarkReady { order: order.id })),
                Status::Ready => next.push_back(step(&order.store, Command::MarkCollected { order: order.id })),
                Status::Collected => done += 1,
                other => panic!("{other:?}"),
            }
        });
        // A real day leaves the projection time enough; this one must not pile up what waits for it.
        while handle.status().overlay_orders > 5_000 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
    clock.set(Timestamp(begin.0 + DAY_MILLIS));
}

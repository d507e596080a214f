//! `ship` and `serve` over real sockets on the loopback interface.

#![expect(clippy::unwrap_used, reason = "a test may stop where it fails")]

mod doubles;
mod sockets;

use doubles::{Dice, lock};
use sockets::{Region, World, quick, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_arrives_and_what_is_committed_later_too() {
    let mut world = World::new();
    let mut region = Region::new();
    let mut dice = Dice::new(1);
    for _ in 0..300 {
        region.commit(&mut dice);
    }
    let port = world.serve().await;
    region.ship(quick(port));
    until("the log has arrived", || world.end() == region.end()).await;
    for _ in 0..50 {
        let point = region.commit(&mut dice);
        until("a commit was acknowledged", || region.status.acknowledged() == point).await;
    }
    assert_eq!(lock(&world.centre).log.groups, lock(&region.log).groups);
    let reading = region.status.read();
    assert!(reading.connected && reading.connects == 1 && reading.resends == 0 && reading.last_error.is_none());
    assert!(reading.bytes_sent > 1000 && reading.last_ack.is_some());
}

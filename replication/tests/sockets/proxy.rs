//! A line with a will of its own: passes bytes on slowly, or takes them and passes nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// What passes in one tick, both ways; 0 is a hole.
pub type Rate = Arc<AtomicU64>;

const TICK: Duration = Duration::from_millis(20);
/// More than any test sends.
pub const UNBOUNDED: u64 = 1 << 20;

pub struct Proxy {
    pub port: u16,
    /// Bytes a tick of connections that are opened from now on.
    pub rate: Rate,
    /// Bytes a tick of the connections that are open.
    pub open: Rate,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Passes `bytes_a_second` to and from this port.
    pub async fn to(port: u16, bytes_a_second: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let rate = Rate::default();
        rate.store(bytes_a_second / 50, Ordering::Relaxed);
        let open = Rate::default();
        open.store(UNBOUNDED, Ordering::Relaxed);
        let (new, all) = (Arc::clone(&rate), Arc::clone(&open));
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else { continue };
                near.set_nodelay(true).unwrap();
                far.set_nodelay(true).unwrap();
                let (near_in, near_out) = near.into_split();
                let (far_in, far_out) = far.into_split();
                let rate = new.load(Ordering::Relaxed);
                connections.spawn(pass(near_in, far_out, rate, Arc::clone(&all)));
                connections.spawn(pass(far_in, near_out, rate, Arc::clone(&all)));
            }
        });
        Self { port: own, rate, open, task }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    rate: u64,
    open: Rate,
) {
    let mut tick = tokio::time::interval(TICK);
    loop {
        tick.tick().await;
        let bytes = rate.min(open.load(Ordering::Relaxed));
        if bytes == 0 {
            continue;
        }
        let mut buffer = vec![0; bytes as usize];
        match from.read(&mut buffer).await {
            Ok(read) if read > 0 => {
                if to.write_all(&buffer[..read]).await.is_err() {
                    return;
                }
            }
            _ => return,
        }
    }
}

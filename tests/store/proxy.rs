//! A line between the store and its database that a test can cut: at once, or after so many bytes.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Clone)]
pub struct Proxy {
    pub port: u16,
    /// Bytes towards the database that still go through; then every line is cut. Negative: no bound.
    left: Arc<AtomicI64>,
    /// Where the next COMMIT arrives, but not its answer.
    loses_commit: Arc<AtomicBool>,
    cuts: Arc<AtomicU64>,
    cut: Arc<watch::Sender<()>>,
}

impl Proxy {
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            left: Arc::new(AtomicI64::new(-1)),
            loses_commit: Arc::default(),
            cuts: Arc::default(),
            cut: Arc::new(watch::Sender::new(())),
        };
        let accepting = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(accepting.clone().carry(client, (Ipv4Addr::LOCALHOST, port).into()));
            }
        });
        proxy
    }

    /// Cuts every line after so many bytes more towards the database.
    pub fn cut_after(&self, bytes: i64) {
        self.left.store(bytes, Ordering::SeqCst);
    }

    /// Cuts the line on which the next COMMIT goes through, before its answer does.
    pub fn lose_commit(&self) {
        self.loses_commit.store(true, Ordering::SeqCst);
    }

    /// How many lines were cut.
    pub fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::SeqCst)
    }

    async fn carry(self, mut client: TcpStream, to: SocketAddr) {
        let Ok(mut server) = TcpStream::connect(to).await else { return };
        let mut cut = self.cut.subscribe();
        let (mut there, mut back) = (vec![0; 4096], vec![0; 4096]);
        let mut is_lost = false;
        loop {
            tokio::select! {
                _ = cut.changed() => break,
                read = client.read(&mut there) => {
                    let Ok(bytes @ 1..) = read else { return };
                    if there[..bytes].windows(6).any(|word| word == b"COMMIT") {
                        is_lost = self.loses_commit.swap(false, Ordering::SeqCst);
                    }
                    let bytes_signed = i64::try_from(bytes).unwrap();
                    let left = self.left.load(Ordering::SeqCst);
                    if left < 0 {
                        if server.write_all(&there[..bytes]).await.is_err() { break }
                    } else if left >= bytes_signed {
                        self.left.fetch_sub(bytes_signed, Ordering::SeqCst);
                        if server.write_all(&there[..bytes]).await.is_err() { break }
                    } else {
                        // What still fits arrives, its answer does not.
                        let fits = usize::try_from(left).unwrap();
                        let _ = server.write_all(&there[..fits]).await;
                        self.left.store(-1, Ordering::SeqCst);
                        self.cut.send_replace(());
                        break;
                    }
                }
                read = server.read(&mut back) => {
                    let Ok(bytes @ 1..) = read else { break };
                    if is_lost { break }
                    if client.write_all(&back[..bytes]).await.is_err() { break }
                }
            }
        }
        self.cuts.fetch_add(1, Ordering::SeqCst);
        // A reset, not a goodbye.
        let _ = client.set_zero_linger();
        let _ = server.set_zero_linger();
    }
}

//! A line between a region and the centre that does what lines do: cuts anywhere, flips bits, loses and doubles bytes, stalls,
//! crawls, or stays open while nobody is there. What happens follows from a seed.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What can happen to a piece of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// The connection ends in the middle of it.
    Cut,
    /// One bit of it is another.
    Flip,
    /// It never arrives.
    Lose,
    /// It arrives twice.
    Double,
    /// It and everything after it waits a while.
    Stall,
    /// Nothing arrives any more, and nobody is told.
    HalfOpen,
}

impl Trouble {
    pub const ALL: [Self; 6] = [Self::Cut, Self::Flip, Self::Lose, Self::Double, Self::Stall, Self::HalfOpen];
}

/// How the line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Everything arrives.
    Fine,
    /// One piece in so many meets trouble.
    Stormy(u64),
    /// So many bytes a second.
    Crawling(u64),
    /// Open, and nothing arrives.
    Dead,
}

/// A proxy in front of the centre.
pub struct Line {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    to: SocketAddr,
    weather: Mutex<Weather>,
    seed: AtomicU64,
    reached: Mutex<BTreeMap<Trouble, u64>>,
    /// Raised to end every connection there is.
    generation: AtomicU64,
    closed: AtomicBool,
}

impl Line {
    /// A line to `to`.
    pub fn to(to: SocketAddr, seed: u64, weather: Weather) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            to,
            weather: Mutex::new(weather),
            seed: AtomicU64::new(seed),
            reached: Mutex::default(),
            generation: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                if accepting.closed.load(Ordering::SeqCst) {
                    return;
                }
                // A centre that is away refuses the region's connection.
                if let Ok(far) = TcpStream::connect(accepting.to) {
                    carry(&accepting, &near, &far);
                    carry(&accepting, &far, &near);
                }
            }
        });
        Self { address, shared }
    }

    /// What a region is told the centre's address is.
    pub fn url(&self) -> String {
        format!("ws://{}/v1/replicate", self.address)
    }

    /// Changes for the connections there are and for those to come.
    pub fn set(&self, weather: Weather) {
        *self.shared.weather.lock().unwrap() = weather;
    }

    /// Ends every connection there is.
    pub fn cut(&self) {
        self.shared.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// How often each trouble was met.
    pub fn reached(&self) -> BTreeMap<Trouble, u64> {
        self.shared.reached.lock().unwrap().clone()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        self.cut();
        let _woken = TcpStream::connect(self.address);
    }
}

/// How often a quiet connection looks whether it should end. Not synchronisation: only a bound on how late it notices.
const LOOK: Duration = Duration::from_millis(20);

/// Carries one direction of one connection on a thread of its own.
fn carry(shared: &Arc<Shared>, from: &TcpStream, to: &TcpStream) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    let _ = from.set_nodelay(true);
    from.set_read_timeout(Some(LOOK)).unwrap();
    let shared = Arc::clone(shared);
    let mut dice = Dice(shared.seed.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::SeqCst));
    std::thread::spawn(move || {
        let born = shared.generation.load(Ordering::SeqCst);
        let mut piece = [0; 1500];
        let mut is_dead = false;
        while shared.generation.load(Ordering::SeqCst) == born {
            let weather = *shared.weather.lock().unwrap();
            if weather == Weather::Dead {
                std::thread::sleep(LOOK);
                continue;
            }
            let length = match from.read(&mut piece[..dice.length(weather)]) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                    continue;
                }
                Err(_) => break,
            };
            if is_dead {
                continue;
            }
            let piece = &mut piece[..length];
            let written = match dice.trouble(weather) {
                None => to.write_all(piece),
                Some(trouble) => {
                    *shared.reached.lock().unwrap().entry(trouble).or_default() += 1;
                    match trouble {
                        Trouble::Cut => {
                            let _ = to.write_all(&piece[..dice.below(length)]);
                            break;
                        }
                        Trouble::Flip => {
                            piece[dice.below(length)] ^= 1 << dice.below(8);
                            to.write_all(piece)
                        }
                        Trouble::Lose => Ok(()),
                        Trouble::Double => to.write_all(piece).and_then(|()| to.write_all(piece)),
                        Trouble::Stall => {
                            std::thread::sleep(Duration::from_millis(50));
                            to.write_all(piece)
                        }
                        Trouble::HalfOpen => {
                            is_dead = true;
                            Ok(())
                        }
                    }
                }
            };
            if written.is_err() {
                break;
            }
            if let Weather::Crawling(bytes_a_second) = weather {
                let micros = 1_000_000 * length as u64 / bytes_a_second.max(1);
                std::thread::sleep(Duration::from_micros(micros));
            }
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    });
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        (self.next() % most.max(1) as u64) as usize
    }

    fn length(&mut self, weather: Weather) -> usize {
        match weather {
            Weather::Stormy(_) => 1 + self.below(1500),
            Weather::Crawling(_) => 64,
            Weather::Fine | Weather::Dead => 1500,
        }
    }

    fn trouble(&mut self, weather: Weather) -> Option<Trouble> {
        let Weather::Stormy(one_in) = weather else { return None };
        if !self.next().is_multiple_of(one_in) {
            return None;
        }
        // A half-open line costs its heartbeats each time: it is rarer than the rest.
        let kinds = if self.below(4) == 0 { 6 } else { 5 };
        Some(Trouble::ALL[self.below(kinds)])
    }
}

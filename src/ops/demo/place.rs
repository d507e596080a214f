//! Where the demo's programs listen and keep their data: ports that were asked for or are free, directories that stay or go.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::region::StartError;

/// Where the centre listens where nothing else is said; the regions follow [`REGIONS_AFTER`] it.
const CENTRE_PORT: u16 = 7000;
/// From the centre's default port to the first region's: what a node listens on by itself, 7100.
const REGIONS_AFTER: u16 = 100;
/// From one set of defaults to the next, tried where a port of the one before is taken.
const NEXT_SET: usize = 200;
/// The system hands out ports from here on to connections (Linux's default): one of these could take the centre's while it is
/// down for a moment.
const SYSTEM_PORTS: u16 = 32_768;

/// Addresses of the centre and of the regions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// The centre's.
    pub centre: SocketAddr,
    /// One a region.
    pub regions: Vec<SocketAddr>,
}

impl Addresses {
    /// The port asked for and the ones after it, all of them free; else the defaults, or the next ones like them that are.
    pub fn choose(port: Option<u16>, regions: u16) -> Result<Self, StartError> {
        if let Some(port) = port {
            return Self::at(port, port.saturating_add(1), regions);
        }
        let mut others = (CENTRE_PORT..SYSTEM_PORTS).step_by(NEXT_SET).skip(1);
        let like_the_defaults = |centre: u16| Self::at(centre, centre.saturating_add(REGIONS_AFTER), regions);
        like_the_defaults(CENTRE_PORT)
            .or_else(|taken| others.find_map(|centre| like_the_defaults(centre).ok()).ok_or(taken))
    }

    /// These ports, if all of them are free.
    fn at(centre: u16, first_region: u16, regions: u16) -> Result<Self, StartError> {
        let follow = (0..regions).map(|offset| first_region.saturating_add(offset));
        Ok(Self { centre: free(centre)?, regions: follow.map(free).collect::<Result<_, _>>()? })
    }
}

/// The address of a port that nobody listens on now.
fn free(port: u16) -> Result<SocketAddr, StartError> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    listener.and_then(|listener| listener.local_addr()).map_err(|why| StartError::Port { port, why })
}

/// Where all data is: a directory for the centre and one for each region.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    temporary: Option<TempDir>,
}

impl Directory {
    /// The directory asked for, else a temporary one.
    pub fn choose(data: Option<&Path>) -> std::io::Result<Self> {
        match data {
            Some(path) => Ok(Self { path: path.to_owned(), temporary: None }),
            None => {
                let temporary = TempDir::with_prefix("qucan-demo-")?;
                Ok(Self { path: temporary.path().to_owned(), temporary: Some(temporary) })
            }
        }
    }

    /// Of one region's node.
    pub fn region(&self, region: &str) -> PathBuf {
        self.path.join(region)
    }

    /// Of the centre.
    pub fn centre(&self) -> PathBuf {
        self.path.join("centre")
    }

    /// Keeps a temporary directory; answers where it is.
    pub fn keep(self) -> Option<PathBuf> {
        self.temporary.map(TempDir::keep)
    }
}

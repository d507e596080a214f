//! Where the demo's programs listen and keep their data: ports that were asked for or are free, directories that stay or go.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::region::StartError;

/// Where the centre listens where nothing else is said.
const CENTRE_PORT: u16 = 7000;
/// Where the first region listens; the next ones follow.
const REGION_PORT: u16 = 7100;

/// Addresses of the centre and of the regions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// The centre's.
    pub centre: SocketAddr,
    /// One a region.
    pub regions: Vec<SocketAddr>,
}

impl Addresses {
    /// The port asked for and the ones after it, all of them free; else the defaults, or any free port where one is taken.
    pub fn choose(port: Option<u16>, regions: u16) -> Result<Self, StartError> {
        let wanted = |offset: u16| match port {
            Some(port) => port.saturating_add(offset),
            None if offset == 0 => CENTRE_PORT,
            None => REGION_PORT.saturating_add(offset - 1),
        };
        let choose = |offset| {
            let port_wanted = wanted(offset);
            match (free(port_wanted), port) {
                (Ok(address), _) => Ok(address),
                (Err(why), Some(_)) => Err(StartError::Port { port: port_wanted, why }),
                (Err(_), None) => Ok(free(0)?),
            }
        };
        Ok(Self { centre: choose(0)?, regions: (1..=regions).map(choose).collect::<Result<_, _>>()? })
    }
}

/// The address of a port that nobody listens on now; 0 finds one.
fn free(port: u16) -> std::io::Result<SocketAddr> {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?.local_addr()
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

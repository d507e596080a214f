//! The IDENTITY file of a data directory: whose it is, in a few lines that a person can read.

use std::fmt::Write as _;

use crate::Epoch;

/// Format of a data directory that this version writes; it reads this one and none later.
pub(crate) const FORMAT: u32 = 1;

/// Whose data directory it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The region's name.
    pub region: String,
    /// The epoch of the history that is written now.
    pub epoch: Epoch,
    /// Whether a log was ever begun here. From then on an empty log directory is a loss, not a beginning.
    pub log_began: bool,
}

/// Why IDENTITY can't be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum IdentityFault {
    Newer(u32),
    Damaged(&'static str),
}

impl Identity {
    pub(crate) fn encode(&self) -> String {
        let mut text = String::from("qucan data directory\n");
        // Writing to a String can't fail.
        let _ = writeln!(text, "format = {FORMAT}");
        let _ = writeln!(text, "region = {}", self.region);
        let _ = writeln!(text, "epoch = {}", self.epoch);
        let _ = writeln!(text, "log = {}", if self.log_began { "begun" } else { "none" });
        let check = blake3::hash(text.as_bytes()).to_hex();
        let _ = writeln!(text, "check = {check}");
        text
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, IdentityFault> {
        let text = std::str::from_utf8(bytes).map_err(|_| IdentityFault::Damaged("not text"))?;
        let mut lines = text.lines();
        if lines.next() != Some("qucan data directory") {
            return Err(IdentityFault::Damaged("not a qucan identity"));
        }
        let mut field = |name: &str| {
            let (key, value) = lines.next()?.split_once(" = ")?;
            (key == name).then_some(value)
        };
        let format = field("format").and_then(|format| format.parse().ok());
        match format {
            None => return Err(IdentityFault::Damaged("no format")),
            Some(FORMAT) => {}
            // The check of a later format is not ours to judge.
            Some(version) if version > FORMAT => return Err(IdentityFault::Newer(version)),
            Some(_) => return Err(IdentityFault::Damaged("unknown format")),
        }
        let region = field("region").ok_or(IdentityFault::Damaged("no region"))?;
        let epoch = field("epoch").and_then(|epoch| epoch.parse().ok()).ok_or(IdentityFault::Damaged("no epoch"))?;
        let log_began = match field("log") {
            Some("begun") => true,
            Some("none") => false,
            _ => return Err(IdentityFault::Damaged("no log line")),
        };
        let identity = Self { region: region.to_owned(), epoch: Epoch(epoch), log_began };
        if identity.encode() == text { Ok(identity) } else { Err(IdentityFault::Damaged("check doesn't match")) }
    }
}

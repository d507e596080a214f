//! The wire format. Every message is one binary WebSocket message:
//!
//! ```text
//!  offset  bytes
//!       0      4  "QCRP"
//!       4      2  version, u16                     all integers little-endian
//!       6      1  kind
//!       7      1  0
//!       8      4  body length, u32
//!      12      …  body
//!     end     16  BLAKE3 of everything before, cut to 16 bytes
//!
//!  kind  from    body
//!   1 hello      region  epoch u32 · instance u128 · head u64 · first u64 · region text · announcement (u16 length, bytes)
//!   2 welcome    centre  from point · epoch u32 · window u32 · heartbeat u32 (ms)
//!   3 seed       centre  epoch u32 · window u32 · heartbeat u32 (ms)
//!   4 fence      centre  reason u8 · epoch u32 · detail text
//!   5 refuse     centre  text
//!   6 groups     region  see `groups`
//!   7 ack        centre  point
//!   8 heartbeat  both    head u64 · bytes u64
//!   9 diverged   region  at u64 · there u8 · hash [32]
//!  10 offer      region  snapshot: at point · epoch u32 · bytes u64
//!  11 answer     centre  at u64 · wanted u8
//!  12 piece      region  at u64 · offset u64 · bytes
//!  13 end        region  at u64
//!  14 taken      centre  at u64 · offset u64
//!  15 bye        both    reason u8 · text
//!
//!  point = sequence u64 · hash [32]          text = u16 length, UTF-8
//! ```
//!
//! Magic, version and the checksum's place stay what they are in every version, so that a foreign version is told from
//! damage. Decoding never panics and never allocates more than `limits` says. What the messages mean stands in
//! `docs/replication.md`; this module knows no session.

mod field;
mod groups;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use std::time::Duration;

use crate::limits;
use crate::point::{Fence, FenceReason, Hello, Identity, Point, SnapshotInfo};

use field::{Fields, Writer};
pub use groups::{Groups, Span, encode_groups};

/// The version that is spoken here.
pub const VERSION: u16 = 1;

const MAGIC: &[u8; 4] = b"QCRP";
const HEADER_BYTES: usize = 12;
const CHECK_BYTES: usize = 16;

/// Why a message can't be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FrameError {
    /// The peer speaks another version.
    #[error("the other side speaks version {theirs} of the replication protocol, this side speaks version {VERSION}")]
    Version {
        /// What it speaks.
        theirs: u16,
    },
    /// Not a message as it was sent.
    #[error("damaged message: {0}")]
    Damaged(&'static str),
    /// Whole, but beyond a bound.
    #[error("message beyond the limits: {0}")]
    Oversized(&'static str),
}

/// Why somebody hangs up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ByeReason {
    /// It ends as planned: a restart, a newer connection.
    Closing,
    /// The centre can't take anything now; later.
    Busy,
    /// The centre's log is closed until somebody looks.
    Failed,
    /// The other side sent what must not be sent.
    Protocol,
}

/// One message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// The region: who ships, and how far its log is.
    Hello(Hello),
    /// The centre: ship what follows `from`.
    Welcome {
        /// Last position the centre has synced.
        from: Point,
        /// The epoch it has granted last.
        epoch: u32,
        /// Bytes that may be on their way.
        window: u32,
        /// Pause between its heartbeats.
        heartbeat: Duration,
    },
    /// The centre: ship a snapshot first.
    Seed {
        /// The epoch it has granted last.
        epoch: u32,
        /// Bytes that may be on their way.
        window: u32,
        /// Pause between its heartbeats.
        heartbeat: Duration,
    },
    /// The centre: this history ends here.
    Fence(Fence),
    /// The centre: not now or not this way.
    Refuse(String),
    /// The region: groups, verbatim.
    Groups(Groups),
    /// The centre: everything up to here is synced.
    Ack(Point),
    /// Both: still here. The region says its head and how many of its log's bytes are not acknowledged; the centre its
    /// position and how many bytes it has read from this connection.
    Heartbeat {
        /// See above.
        head: u64,
        /// See above.
        bytes: u64,
    },
    /// The region: at the centre's position my hash is another one.
    Diverged {
        /// The sequence the centre said.
        at: u64,
        /// The hash there; `None` when no group ends there.
        hash: Option<[u8; 32]>,
    },
    /// The region: there is a snapshot.
    SnapshotOffer(SnapshotInfo),
    /// The centre: wanted or not (or: not any more, or kept).
    SnapshotAnswer {
        /// The snapshot's sequence.
        at: u64,
        /// Whether its pieces shall come.
        wanted: bool,
    },
    /// The region: bytes of the snapshot's file.
    SnapshotPiece {
        /// The snapshot's sequence.
        at: u64,
        /// Where they stand in the file.
        offset: u64,
        /// The bytes.
        bytes: Bytes,
    },
    /// The region: that was the whole file.
    SnapshotEnd {
        /// The snapshot's sequence.
        at: u64,
    },
    /// The centre: the file's bytes up to here have been taken.
    SnapshotTaken {
        /// The snapshot's sequence.
        at: u64,
        /// Bytes taken.
        offset: u64,
    },
    /// Both: this connection ends.
    Bye {
        /// Why.
        reason: ByeReason,
        /// For people.
        text: String,
    },
}

impl Message {
    fn kind(&self) -> u8 {
        match self {
            Self::Hello(_) => 1,
            Self::Welcome { .. } => 2,
            Self::Seed { .. } => 3,
            Self::Fence(_) => 4,
            Self::Refuse(_) => 5,
            Self::Groups(_) => groups::KIND,
            Self::Ack(_) => 7,
            Self::Heartbeat { .. } => 8,
            Self::Diverged { .. } => 9,
            Self::SnapshotOffer(_) => 10,
            Self::SnapshotAnswer { .. } => 11,
            Self::SnapshotPiece { .. } => 12,
            Self::SnapshotEnd { .. } => 13,
            Self::SnapshotTaken { .. } => 14,
            Self::Bye { .. } => 15,
        }
    }

    /// The message's bytes. Texts and names beyond their limits are cut.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut to = Writer::begin(self.kind(), 128);
        match self {
            Self::Hello(hello) => {
                to.u32(hello.identity.epoch);
                to.u128(hello.identity.instance);
                to.u64(hello.head);
                to.u64(hello.first);
                to.text(&hello.identity.region, limits::REGION_BYTES_MAX);
                to.short_bytes(&hello.identity.announcement, limits::ANNOUNCEMENT_BYTES_MAX);
            }
            Self::Welcome { from, epoch, window, heartbeat } => {
                to.point(*from);
                to.terms(*epoch, *window, *heartbeat);
            }
            Self::Seed { epoch, window, heartbeat } => to.terms(*epoch, *window, *heartbeat),
            Self::Fence(fence) => {
                to.u8(reason_byte(fence.reason));
                to.u32(fence.epoch);
                to.text(&fence.detail, limits::TEXT_BYTES_MAX);
            }
            Self::Refuse(text) => to.text(text, limits::TEXT_BYTES_MAX),
            Self::Groups(groups) => groups.write(&mut to),
            Self::Ack(point) => to.point(*point),
            Self::Heartbeat { head, bytes } => {
                to.u64(*head);
                to.u64(*bytes);
            }
            Self::Diverged { at, hash } => {
                to.u64(*at);
                to.u8(u8::from(hash.is_some()));
                to.bytes(&hash.unwrap_or_default());
            }
            Self::SnapshotOffer(info) => {
                to.point(info.at);
                to.u32(info.epoch);
                to.u64(info.bytes);
            }
            Self::SnapshotAnswer { at, wanted } => {
                to.u64(*at);
                to.u8(u8::from(*wanted));
            }
            Self::SnapshotPiece { at, offset, bytes } => {
                to.u64(*at);
                to.u64(*offset);
                to.bytes(bytes);
            }
            Self::SnapshotEnd { at } => to.u64(*at),
            Self::SnapshotTaken { at, offset } => {
                to.u64(*at);
                to.u64(*offset);
            }
            Self::Bye { reason, text } => {
                to.u8(bye_byte(*reason));
                to.text(text, limits::TEXT_BYTES_MAX);
            }
        }
        to.seal()
    }

    /// Reads one message. Compressed groups are decompressed, within the limits.
    pub fn decode(message: &Bytes) -> Result<Self, FrameError> {
        let (kind, body) = open(message)?;
        let mut from = Fields::new(&body);
        let decoded = match kind {
            1 => {
                let epoch = from.u32()?;
                let instance = from.u128()?;
                let (head, first) = (from.u64()?, from.u64()?);
                let region = from.text(limits::REGION_BYTES_MAX)?;
                let announcement = from.short_bytes(limits::ANNOUNCEMENT_BYTES_MAX)?.to_vec();
                let identity = Identity { region, epoch, instance, announcement };
                Self::Hello(Hello { identity, head, first })
            }
            2 => {
                let at = from.point()?;
                let (epoch, window, heartbeat) = from.terms()?;
                Self::Welcome { from: at, epoch, window, heartbeat }
            }
            3 => {
                let (epoch, window, heartbeat) = from.terms()?;
                Self::Seed { epoch, window, heartbeat }
            }
            4 => {
                let reason = reason_of(from.u8()?)?;
                let epoch = from.u32()?;
                Self::Fence(Fence { reason, epoch, detail: from.text(limits::TEXT_BYTES_MAX)? })
            }
            5 => Self::Refuse(from.text(limits::TEXT_BYTES_MAX)?),
            groups::KIND => return Groups::read(from, &body).map(Self::Groups),
            7 => Self::Ack(from.point()?),
            8 => Self::Heartbeat { head: from.u64()?, bytes: from.u64()? },
            9 => {
                let at = from.u64()?;
                let there = from.flag()?;
                let hash = from.array()?;
                Self::Diverged { at, hash: there.then_some(hash) }
            }
            10 => Self::SnapshotOffer(SnapshotInfo { at: from.point()?, epoch: from.u32()?, bytes: from.u64()? }),
            11 => Self::SnapshotAnswer { at: from.u64()?, wanted: from.flag()? },
            12 => {
                let (at, offset) = (from.u64()?, from.u64()?);
                let taken = from.taken();
                if body.len() - taken > limits::PIECE_BYTES_MAX {
                    return Err(FrameError::Oversized("a piece of a snapshot"));
                }
                return Ok(Self::SnapshotPiece { at, offset, bytes: body.slice(taken..) });
            }
            13 => Self::SnapshotEnd { at: from.u64()? },
            14 => Self::SnapshotTaken { at: from.u64()?, offset: from.u64()? },
            15 => Self::Bye { reason: bye_of(from.u8()?)?, text: from.text(limits::TEXT_BYTES_MAX)? },
            _ => return Err(FrameError::Damaged("unknown kind")),
        };
        from.end()?;
        Ok(decoded)
    }
}

/// Checks a message's frame and answers its kind and body.
fn open(message: &Bytes) -> Result<(u8, Bytes), FrameError> {
    if message.len() > limits::MESSAGE_BYTES_MAX {
        return Err(FrameError::Oversized("more bytes than a message may have"));
    }
    let Some(body_bytes) = message.len().checked_sub(HEADER_BYTES + CHECK_BYTES) else {
        return Err(FrameError::Damaged("too short"));
    };
    let mut header = Fields::new(message);
    if header.array::<4>()? != *MAGIC {
        return Err(FrameError::Damaged("not a message of this protocol"));
    }
    let (version, kind, zero) = (header.u16()?, header.u8()?, header.u8()?);
    let length = header.u32()?;
    let (covered, check) = message.split_at(HEADER_BYTES + body_bytes);
    if check_of(covered) != check {
        return Err(FrameError::Damaged("the checksum doesn't match"));
    }
    if version != VERSION {
        return Err(FrameError::Version { theirs: version });
    }
    if zero != 0 || length as usize != body_bytes {
        return Err(FrameError::Damaged("the length doesn't match"));
    }
    Ok((kind, message.slice(HEADER_BYTES..HEADER_BYTES + body_bytes)))
}

fn check_of(covered: &[u8]) -> [u8; CHECK_BYTES] {
    let mut check = [0; CHECK_BYTES];
    blake3::Hasher::new().update(covered).finalize_xof().fill(&mut check);
    check
}

fn reason_byte(reason: FenceReason) -> u8 {
    match reason {
        FenceReason::EpochSuperseded => 1,
        FenceReason::BehindCentre => 2,
        FenceReason::OtherHistory => 3,
        FenceReason::EpochNotGranted => 4,
    }
}

fn reason_of(byte: u8) -> Result<FenceReason, FrameError> {
    match byte {
        1 => Ok(FenceReason::EpochSuperseded),
        2 => Ok(FenceReason::BehindCentre),
        3 => Ok(FenceReason::OtherHistory),
        4 => Ok(FenceReason::EpochNotGranted),
        _ => Err(FrameError::Damaged("unknown reason of a fence")),
    }
}

fn bye_byte(reason: ByeReason) -> u8 {
    match reason {
        ByeReason::Closing => 1,
        ByeReason::Busy => 2,
        ByeReason::Failed => 3,
        ByeReason::Protocol => 4,
    }
}

fn bye_of(byte: u8) -> Result<ByeReason, FrameError> {
    match byte {
        1 => Ok(ByeReason::Closing),
        2 => Ok(ByeReason::Busy),
        3 => Ok(ByeReason::Failed),
        4 => Ok(ByeReason::Protocol),
        _ => Err(FrameError::Damaged("unknown reason of a bye")),
    }
}

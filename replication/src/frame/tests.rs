//! The wire format: what is written is read, and nothing else is.

use bytes::Bytes;
use proptest::prelude::*;
use std::time::Duration;

use super::{ByeReason, FrameError, Message, VERSION, check_of, encode_groups};
use crate::limits;
use crate::point::{Fence, FenceReason, Hello, Identity, Point, SnapshotInfo};
use crate::seam::Batch;

const AT: Point = Point { sequence: 1_234_567, hash: [0xA5; 32] };

fn batch() -> Batch {
    let mut batch = Batch::new(limits::BATCH_BYTES_MAX);
    batch.push(AT.sequence + 1, Point { sequence: AT.sequence + 3, hash: [1; 32] }, &[b'a'; 100]);
    batch.push(AT.sequence + 4, Point { sequence: AT.sequence + 4, hash: [2; 32] }, &[b'b'; 50]);
    batch
}

fn groups(compress: bool) -> Bytes {
    let batch = batch();
    encode_groups(AT, batch.end_after(AT.sequence).unwrap(), &batch, 2_000_000, 77, compress).0
}

fn every_kind() -> Vec<Bytes> {
    let identity = Identity { region: "华北".into(), epoch: 3, instance: 1 << 99, announcement: vec![1, 2, 3] };
    let info = SnapshotInfo { at: AT, epoch: 3, bytes: 1 << 40 };
    let fence = |reason| Message::Fence(Fence { reason, detail: "old copy".into(), epoch: 4 });
    let bye = |reason| Message::Bye { reason, text: "restart".into() };
    let heartbeat = Duration::from_secs(2);
    let mut messages: Vec<Bytes> = [
        Message::Hello(Hello { identity, head: 9, first: 1 }),
        Message::Welcome { from: AT, epoch: 3, window: 8 << 20, heartbeat },
        Message::Seed { epoch: 3, window: 8 << 20, heartbeat },
        fence(FenceReason::EpochSuperseded),
        fence(FenceReason::BehindCentre),
        fence(FenceReason::OtherHistory),
        fence(FenceReason::EpochNotGranted),
        Message::Refuse("not this way".into()),
        Message::Ack(AT),
        Message::Heartbeat { head: 1, bytes: 2 },
        Message::Diverged { at: 5, hash: Some([9; 32]) },
        Message::Diverged { at: 5, hash: None },
        Message::SnapshotOffer(info),
        Message::SnapshotAnswer { at: 5, wanted: true },
        Message::SnapshotAnswer { at: 5, wanted: false },
        Message::SnapshotPiece { at: 5, offset: 6, bytes: Bytes::from_static(b"piece") },
        Message::SnapshotEnd { at: 5 },
        Message::SnapshotTaken { at: 5, offset: 6 },
        bye(ByeReason::Closing),
        bye(ByeReason::Busy),
        bye(ByeReason::Failed),
        bye(ByeReason::Protocol),
    ]
    .iter()
    .map(Message::encode)
    .collect();
    messages.extend([groups(false), groups(true)]);
    messages
}

/// The message with its body changed and its length and checksum made right again.
fn forged(message: &Bytes, change: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut bytes = message.to_vec();
    bytes.truncate(bytes.len() - 16);
    change(&mut bytes);
    let length = u32::try_from(bytes.len() - 12).unwrap();
    bytes[8..12].copy_from_slice(&length.to_le_bytes());
    let check = check_of(&bytes);
    bytes.extend_from_slice(&check);
    bytes.into()
}

#[test]
fn every_kind_is_read_as_it_was_written() {
    for message in every_kind() {
        let decoded = Message::decode(&message).unwrap();
        if let Message::Groups(groups) = &decoded {
            assert_eq!((groups.after, groups.last.sequence), (AT, AT.sequence + 4));
            assert_eq!((groups.head, groups.behind), (2_000_000, 77));
            assert_eq!(groups.iter().map(<[u8]>::to_vec).collect::<Vec<_>>(), [vec![b'a'; 100], vec![b'b'; 50]]);
        } else {
            assert_eq!(decoded.encode(), message);
        }
    }
    assert!(groups(true).len() < groups(false).len());
}

#[test]
fn cut_anywhere_it_is_refused() {
    for message in every_kind() {
        for bytes in 0..message.len() {
            assert!(Message::decode(&message.slice(..bytes)).is_err());
        }
    }
}

#[test]
fn with_any_bit_flipped_it_is_refused() {
    for message in every_kind() {
        for bit in 0..message.len() * 8 {
            let mut bytes = message.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(Message::decode(&bytes.into()), Err(FrameError::Damaged(_))), "bit {bit}");
        }
    }
}

#[test]
fn a_body_that_is_shorter_or_longer_is_refused_though_its_checksum_is_right() {
    for message in every_kind() {
        // Pieces carry whatever is left.
        if message[6] == 12 {
            continue;
        }
        for bytes in 12..message.len() - 16 {
            assert!(Message::decode(&forged(&message, |body| body.truncate(bytes))).is_err());
        }
        assert!(Message::decode(&forged(&message, |body| body.push(0))).is_err());
    }
}

#[test]
fn a_foreign_version_is_named_with_ours() {
    let foreign = forged(&Message::Ack(AT).encode(), |bytes| bytes[4] = 7);
    let error = Message::decode(&foreign).unwrap_err();
    assert_eq!(error, FrameError::Version { theirs: 7 });
    let expected = "the other side speaks version 7 of the replication protocol, this side speaks version 1";
    assert_eq!(error.to_string(), expected);
    assert_eq!(VERSION, 1);
}

#[test]
fn a_bomb_is_refused_before_anything_is_allocated() {
    let message = groups(true);
    // raw bytes, codec before it: see the layout of the message.
    let claim = |raw: u32| forged(&message, |bytes| bytes[12 + 97..12 + 101].copy_from_slice(&raw.to_le_bytes()));
    let beyond = u32::try_from(limits::RAW_BYTES_MAX + 1).unwrap();
    assert!(matches!(Message::decode(&claim(beyond)), Err(FrameError::Oversized(_))));
    assert!(matches!(Message::decode(&claim(u32::MAX)), Err(FrameError::Oversized(_))));
    // Sizes that add up, and more than LZ4 could ever make of the bytes that are there.
    let bomb = forged(&message, |bytes| {
        let raw = 16 << 20;
        bytes.truncate(12 + 105);
        bytes[12 + 97..12 + 101].copy_from_slice(&u32::to_le_bytes(raw));
        bytes[12 + 101..12 + 105].copy_from_slice(&u32::to_le_bytes(1));
        bytes.extend_from_slice(&u32::to_le_bytes(raw));
        bytes.extend_from_slice(&u32::to_le_bytes(4));
        bytes.extend_from_slice(&[0xFF; 1000]);
    });
    let expected = FrameError::Oversized("groups that claim to unpack to more than they can");
    assert_eq!(Message::decode(&bomb), Err(expected));
    // Within what LZ4 can, but another size than claimed.
    for raw in [149_u32, 151, 1000] {
        assert!(Message::decode(&claim(raw)).is_err());
    }
    let many = forged(&message, |bytes| bytes[12 + 101..12 + 105].copy_from_slice(&u32::MAX.to_le_bytes()));
    assert!(matches!(Message::decode(&many), Err(FrameError::Oversized(_))));
}

#[test]
fn what_is_beyond_the_limits_is_refused() {
    let huge = Bytes::from(vec![0; limits::MESSAGE_BYTES_MAX + 1]);
    assert!(matches!(Message::decode(&huge), Err(FrameError::Oversized(_))));
    let piece = Bytes::from(vec![0; limits::PIECE_BYTES_MAX + 1]);
    let piece = Message::SnapshotPiece { at: 1, offset: 0, bytes: piece }.encode();
    assert!(matches!(Message::decode(&piece), Err(FrameError::Oversized(_))));
    let refuse = Message::Refuse("x".into()).encode();
    let long = forged(&refuse, |bytes| {
        bytes.truncate(12);
        bytes.extend_from_slice(&2000_u16.to_le_bytes());
        bytes.extend_from_slice(&[b'x'; 2000]);
    });
    assert!(matches!(Message::decode(&long), Err(FrameError::Oversized(_))));
}

#[test]
fn long_texts_are_cut_between_characters() {
    let text = "菜".repeat(1000);
    let Message::Refuse(cut) = Message::decode(&Message::Refuse(text.clone()).encode()).unwrap() else { panic!() };
    assert!(cut.len() <= limits::TEXT_BYTES_MAX && text.starts_with(&cut) && !cut.is_empty());
}

#[test]
fn the_largest_batch_fits() {
    let mut batch = Batch::new(limits::BATCH_BYTES_MAX);
    let fill = vec![1; limits::BATCH_BYTES_MAX - 1];
    batch.push(1, Point { sequence: 1, hash: [1; 32] }, &fill);
    assert!(!batch.is_full());
    let last = Point { sequence: 2, hash: [2; 32] };
    batch.push(2, last, &vec![2; limits::GROUP_BYTES_MAX]);
    assert!(batch.is_full());
    for compress in [false, true] {
        let (message, packed) = encode_groups(Point::ORIGIN, last, &batch, 2, 0, compress);
        assert_eq!(packed, compress);
        let Message::Groups(groups) = Message::decode(&message).unwrap() else { panic!() };
        assert_eq!(groups.data.len(), limits::GROUP_BYTES_MAX + fill.len());
    }
}

proptest! {
    #[test]
    fn garbage_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Message::decode(&Bytes::from(bytes)).is_err());
    }

    #[test]
    fn garbage_in_a_right_frame_never_panics(kind in 0_u8..20, body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let message = forged(&Message::Ack(AT).encode(), |bytes| {
            bytes[6] = kind;
            bytes.truncate(12);
            bytes.extend_from_slice(&body);
        });
        let _ = Message::decode(&message);
    }

    #[test]
    fn groups_with_garbage_behind_their_sizes_never_panic(packed in proptest::collection::vec(any::<u8>(), 0..200)) {
        let message = forged(&groups(true), |bytes| {
            bytes.truncate(12 + 105 + 16);
            bytes.extend_from_slice(&packed);
        });
        if let Ok(Message::Groups(groups)) = Message::decode(&message) {
            prop_assert_eq!(groups.data.len(), 150);
        }
    }
}

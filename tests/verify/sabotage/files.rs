//! Bytes and files of log and snapshots.

use std::path::Path;

use qucan::domain::state::Part;
use qucan::ops::verify::Check;
use qucan_storage::{ChainHash, Epoch, Position, Sequence};

use super::{Sabotage, on};
use crate::fixtures::Fixture::{Day, Killed, Segments, Trimmed};
use crate::forge;

/// Flips a bit of the frame in the middle of the first segment, so many bytes behind its begin or before its end.
fn flip_in_frame(dir: &Path, place: fn(usize) -> usize) {
    let segment = forge::segments(dir).remove(0);
    let frames = forge::frames(&std::fs::read(&segment).unwrap());
    let (at, length) = frames[frames.len() / 2];
    forge::flip(&segment, at + place(32 + length));
}

pub fn log() -> Vec<Sabotage> {
    vec![
        on(Day, Check::LogWhole, "damaged at offset", |dir| flip_in_frame(dir, |_| 200)),
        on(Day, Check::LogWhole, "unreadable group header", |dir| flip_in_frame(dir, |_| 32 + 12)),
        on(Day, Check::LogWhole, "unreadable group header", |dir| flip_in_frame(dir, |_| 20)),
        on(Day, Check::LogWhole, "don't match its hash", |dir| flip_in_frame(dir, |length| length - 10)),
        on(Day, Check::LogWhole, "don't match its hash", |dir| flip_in_frame(dir, |length| length - 1)),
        on(Day, Check::LogWhole, "a group that doesn't continue the one before", |dir| {
            forge::edit_group(&forge::segments(dir)[0], 5, |group| group[32] ^= 1);
        }),
        on(Day, Check::LogWhole, "a group that doesn't continue the one before", |dir| {
            // A sequence that is left out.
            forge::edit_group(&forge::segments(dir)[0], 5, |group| group[16] += 1);
        }),
        on(Day, Check::LogWhole, "a group of an earlier epoch", |dir| {
            forge::edit_group(&forge::segments(dir)[0], 5, |group| group[8] = 0);
        }),
        on(Segments, Check::LogWhole, "lost", |dir| std::fs::remove_file(&forge::segments(dir)[1]).unwrap()),
        on(Segments, Check::LogWhole, "unreadable segment header", |dir| forge::flip(&forge::segments(dir)[1], 40)),
        on(Segments, Check::LogWhole, "the file's name isn't the one in its header", |dir| {
            // One for the other.
            let segments = forge::segments(dir);
            let aside = dir.join("aside");
            std::fs::rename(&segments[1], &aside).unwrap();
            std::fs::rename(&segments[2], &segments[1]).unwrap();
            std::fs::rename(&aside, &segments[2]).unwrap();
        }),
        on(Day, Check::LogWhole, "are lost", |dir| {
            // A snapshot of what the log has lost.
            forge::move_snapshot(dir, |at| Position { sequence: Sequence(at.sequence.0 + 5), ..at });
        }),
        on(Day, Check::LogThere, "no log segments", |dir| {
            forge::segments(dir).iter().for_each(|segment| std::fs::remove_file(segment).unwrap());
        }),
        on(Segments, Check::LogReadable, "reading a log segment", |dir| {
            let second = &forge::segments(dir)[1];
            std::fs::remove_file(second).unwrap();
            std::fs::create_dir(second).unwrap();
        }),
        on(Day, Check::LogEpoch, "is later than this directory's 1", |dir| {
            forge::write_log(dir, &forge::read_log(dir), Epoch(2))
        }),
        on(Segments, Check::LogHistory, "is not the one of its snapshot", |dir| {
            forge::edit_segment_header(&forge::segments(dir)[1], |header| header[32] ^= 1);
        }),
        on(Day, Check::LogFormat, "is newer than this version understands", |dir| {
            forge::edit_segment_header(&forge::segments(dir)[0], |header| header[8] = 2);
        }),
        on(Trimmed, Check::LogBase, "no snapshot that can be read reaches there", |dir| {
            forge::snapshots(dir).iter().for_each(|snapshot| std::fs::remove_file(snapshot).unwrap());
        }),
    ]
}

/// Cuts the last bytes off a file.
fn cut(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    std::fs::write(path, &bytes[..bytes.len() - 10]).unwrap();
}

pub fn snapshots() -> Vec<Sabotage> {
    let of_another_state = |dir: &Path| {
        forge::edit_snapshot(dir, |part| {
            if let Part::Head(head) = part {
                head.next_order += 1;
            }
        });
    };
    vec![
        on(Day, Check::SnapshotWhole, "damaged snapshot", |dir| forge::flip(&forge::snapshots(dir)[0], 500)),
        on(Day, Check::SnapshotWhole, "damaged header", |dir| forge::flip(&forge::snapshots(dir)[0], 20)),
        on(Day, Check::SnapshotWhole, "damaged snapshot", |dir| cut(&forge::snapshots(dir)[0])),
        on(Trimmed, Check::SnapshotWhole, "damaged snapshot", |dir| forge::flip(&forge::snapshots(dir)[0], 500)),
        on(Day, Check::SnapshotHistory, "of another history than the log's", |dir| {
            forge::move_snapshot(dir, |at| Position { hash: ChainHash([7; 32]), ..at });
        }),
        on(Day, Check::SnapshotPlace, "at 3 no group of the log ends", |dir| {
            forge::move_snapshot(dir, |at| Position { sequence: Sequence(3), ..at });
        }),
        on(Day, Check::SnapshotState, "its state at 192 has hash", of_another_state),
        on(Day, Check::SnapshotTail, "the newest snapshot and its tail give a state", of_another_state),
        on(Killed, Check::SnapshotTail, "behind the newest snapshot", |dir| {
            // An order behind it takes from a line that is not there.
            forge::edit_snapshot(dir, |part| {
                if let Part::Stock(_, lines) = part {
                    lines.clear();
                }
            });
        }),
    ]
}

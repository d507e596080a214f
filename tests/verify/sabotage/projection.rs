//! Rows, indexes, counts and places of the projection.

use std::path::Path;

use qucan::domain::money::Fen;
use qucan::domain::time::Millis;
use qucan::engine::projection::{Members, keys};
use qucan::engine::records::{decode_order, encode_order};
use qucan::ops::verify::Check;
use qucan_storage::{ChainHash, Epoch, Position, Sequence};

use super::{Sabotage, on, reopen_as_another};
use crate::fixtures::Fixture::{Day, Days};
use crate::forge::{self, Row};
use crate::region::{Manner, Region};

fn index(rows: &[Row], tag: u8) -> &Row {
    rows.iter().find(|(table, key, _)| *table == keys::INDEX && key[0] == tag).unwrap()
}

fn lose_index(dir: &Path, tag: u8) {
    forge::edit_projection(dir, |rows, batch| {
        let (table, key, _) = index(rows, tag);
        batch.remove(*table, key.clone());
    });
}

fn add_index(dir: &Path, key: Vec<u8>) {
    forge::edit_projection(dir, |_, batch| batch.put(keys::INDEX, key, Vec::new()));
}

fn change_index(dir: &Path, tag: u8) {
    forge::edit_projection(dir, |rows, batch| {
        let (table, key, value) = index(rows, tag);
        let mut value = value.clone();
        match value.last_mut() {
            Some(last) => *last ^= 1,
            None => value.push(1),
        }
        batch.put(*table, key.clone(), value);
    });
}

pub fn cases() -> Vec<Sabotage> {
    let mut cases = rows();
    cases.extend([
        on(Day, Check::DaysListed, "state", |dir| {
            std::fs::remove_dir_all(dir.join("state")).unwrap();
            std::fs::write(dir.join("state"), "not a directory").unwrap();
        }),
        on(Day, Check::DayOpens, "20261124", |dir| {
            let day = dir.join("state/20261124");
            std::fs::create_dir(&day).unwrap();
            std::fs::write(day.join("foreign"), "mine").unwrap();
        }),
        on(Day, Check::DayCount, "rows where its own count says", forge::steal_row),
        on(Day, Check::DayEpoch, "the directory is in", |dir| {
            forge::move_projection(dir, |mut applied| {
                applied.epoch = Epoch(9);
                applied
            });
        }),
        on(Day, Check::DayPosition, "the log ends at 192", |dir| {
            forge::move_projection(dir, |mut applied| {
                applied.position.sequence = Sequence(500);
                applied
            });
        }),
        on(Day, Check::DayHistory, "of another history than the log's", |dir| {
            forge::move_projection(dir, |mut applied| {
                applied.position = Position { hash: ChainHash([7; 32]), ..applied.position };
                applied
            });
        }),
        on(Days, Check::DayThere, "day 2026-11-24 is missing", |dir| {
            std::fs::remove_dir_all(&forge::days(dir)[1]).unwrap();
        }),
        on(Days, Check::DayMembers, "are of members who are not in it", |dir| {
            let list = Members::file_of(&forge::days(dir)[0]);
            assert!(list.is_file(), "an old day knows its members");
            Members::of(["nobody"].iter()).store(&*qucan_storage::fs::real(), &list).unwrap();
        }),
    ]);
    cases
}

fn rows() -> Vec<Sabotage> {
    vec![
        on(Day, Check::RowThere, "order 2611", |dir| {
            forge::edit_projection(dir, |rows, batch| batch.remove(rows[3].0, rows[3].1.clone()));
        }),
        on(Day, Check::RowThere, "index entry of member member-", |dir| lose_index(dir, b'm')),
        on(Day, Check::RowThere, "index entry of store sh-00", |dir| lose_index(dir, b's')),
        on(Day, Check::RowThere, "queue entry of store sh-00", |dir| lose_index(dir, b'q')),
        on(Day, Check::RowKnown, "is not in the log", |dir| {
            // The count stays as it was.
            forge::edit_projection(dir, |rows, batch| {
                batch.remove(rows[0].0, rows[0].1.clone());
                batch.put(keys::ORDERS, keys::order_key(7), rows[0].2.clone());
            });
        }),
        on(Day, Check::RowKnown, "index entry of member nobody", |dir| {
            add_index(dir, keys::member_key(&"nobody".parse().unwrap(), 7));
        }),
        on(Day, Check::RowKnown, "index entry of store sh-000", |dir| {
            add_index(dir, keys::store_key(&"sh-000".parse().unwrap(), 7));
        }),
        on(Day, Check::RowKnown, "queue entry of store sh-000, position 7777", |dir| {
            add_index(dir, keys::position_key(&"sh-000".parse().unwrap(), 7_777));
        }),
        on(Day, Check::RowEqual, "is not as the log says", |dir| {
            forge::edit_projection(dir, |rows, batch| {
                let (table, key, value) = rows.iter().find(|(table, ..)| *table == keys::ORDERS).unwrap();
                let mut order = decode_order(&value[1..]).unwrap();
                order.payable += Fen(100);
                let mut changed = vec![1];
                encode_order(&mut changed, &order).unwrap();
                batch.put(*table, key.clone(), changed);
            });
        }),
        on(Day, Check::RowEqual, "index entry of member member-", |dir| change_index(dir, b'm')),
        // Status and code, by which a store searches its day.
        on(Day, Check::RowEqual, "index entry of store sh-00", |dir| change_index(dir, b's')),
        on(Day, Check::RowEqual, "queue entry of store sh-00", |dir| change_index(dir, b'q')),
        on(Day, Check::RowSum, "its rows are not what the log says", |dir| {
            // Rows as the log has them in the end, of orders that it has in two ways.
            forge::edit_log(dir, reopen_as_another());
            Region::open(dir, Manner::default(), Millis::minutes(5)).stop();
        }),
    ]
}

//! The projection's tables on a disk that is gone.

use std::sync::mpsc::channel;

use qucan_storage::table::{Table, TableBatch, TableError, TableOptions, Tables};
use qucan_storage::{ChainHash, Epoch, Position, Sequence};

use crate::skipped;
use crate::volume::Volume;

/// Directories that are closed under their readers, one after the other: each is one more chance for a reader to be last.
const DIRECTORIES: u64 = 40;
const READERS: usize = 4;

/// Tables were closed while somebody read them: the reader was the last to let sled go, sled synced as it went, could not, and
/// its panic ended the reader's thread. Now nobody but who closes them goes last.
#[test]
fn readers_of_closed_tables_survive_a_disk_that_is_gone() {
    let volume = match Volume::ext4(256) {
        Ok(volume) => volume,
        Err(why) => return skipped("tables on a disk that is gone", &why),
    };
    let options = TableOptions { cache_bytes: 1 << 20, free_bytes_min: 0 };
    let open = |number: u64| {
        let mut tables = Tables::open(&volume.path().join(format!("{number}")), &["rows"], options).unwrap();
        let mut batch = TableBatch::new();
        (0..200_u8).for_each(|key| batch.put(Table(0), [key], vec![key; 100]));
        tables.apply(&batch, Epoch(1), Position { sequence: Sequence(1), hash: ChainHash([7; 32]) }).unwrap();
        tables
    };
    let all: Vec<Tables> = (0..DIRECTORIES).map(open).collect();
    volume.cut_power();
    for tables in all {
        let (reads, reading) = channel();
        let readers = (0..READERS).map(|_| {
            let (reader, reads) = (tables.reader(), reads.clone());
            std::thread::spawn(move || {
                loop {
                    let read = reader.get(Table(0), &[1]);
                    let _heard = reads.send(());
                    match read {
                        Ok(row) => assert_eq!(row.unwrap(), [1; 100]),
                        Err(TableError::Closed { .. }) => return,
                        Err(error) => assert!(error.is_fatal(), "{error}"),
                    }
                }
            })
        });
        let readers: Vec<_> = readers.collect();
        (0..READERS * 50).for_each(|_| reading.recv().unwrap());
        drop(tables);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    }
}

//! The projection's tables on a disk that is gone.

use qucan_storage::table::{Scan, Table, TableBatch, TableError, TableOptions, Tables};
use qucan_storage::{ChainHash, Epoch, Position, Sequence};

use crate::skipped;
use crate::volume::Volume;

/// Tables were closed while somebody read them: the reader was the last to let sled go, sled synced as it went, could not, and
/// its panic ended the reader's thread. Now whoever goes last goes inside the guard.
#[test]
fn the_last_reader_of_closed_tables_survives_a_disk_that_is_gone() {
    let volume = match Volume::ext4(64) {
        Ok(volume) => volume,
        Err(why) => return skipped("tables on a disk that is gone", &why),
    };
    let mut tables = Tables::open(
        &volume.path().join("day"),
        &["rows"],
        TableOptions { free_bytes_min: 0, ..TableOptions::default() },
    )
    .unwrap();
    let mut batch = TableBatch::new();
    (0..200_u8).for_each(|number| batch.put(Table(0), [number], vec![number; 100]));
    let at = Position { sequence: Sequence(1), hash: ChainHash([7; 32]) };
    tables.apply(&batch, Epoch(1), at).unwrap();
    let reader = tables.reader();
    let mut open = Some(tables);
    let visited = reader.visit(Table(0), &Scan::all(), |_, _| {
        if let Some(tables) = open.take() {
            drop(tables);
            volume.cut_power();
        }
        true
    });
    // Rows that were in memory are still rows; an error is one, too.
    assert!(visited.is_ok() || visited.is_err_and(|error| error.is_fatal()));
    assert!(matches!(reader.get(Table(0), &[1]), Err(TableError::Closed { .. })));
}

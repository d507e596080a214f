//! What is stored, and how: every log entry, snapshot section and projection value, versioned, checked when read.
//!
//! Domain types are not stored types: `v1/` holds a description of each stored shape, which rkyv applies to the borrowed
//! domain value, so that nothing is copied to be written. A shape that was released is never changed; a change is a `v2`
//! beside it, and the version in front of every record says which one it is. Reading never trusts: bytes are validated,
//! ids are parsed again, and whatever is wrong becomes a [`RecordError`], never a panic.
//! Never here: files, sequences, checksums (the storage crate has them), decisions.

mod entry;
mod error;
mod order;
mod raw;
mod state;
mod v1;
mod with;

pub use entry::{
    ENTRY_BYTES_MAX, EntryMeta, EntryView, EventKind, decode_entry, encode_entry, entry_kind, whole_order,
};
pub use error::RecordError;
pub use order::{decode_order, encode_order};
pub use state::{StateHash, StateHasher, decode_part, encode_part, state_hash};

#[cfg(test)]
pub(crate) mod tests;

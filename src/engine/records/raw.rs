//! The two doors to rkyv: append a value to a buffer, read one back out of bytes that nobody vouches for.

use rkyv::api::low::{LowDeserializer, LowSerializer, LowValidator, access};
use rkyv::api::{deserialize_using, serialize_using};
use rkyv::bytecheck::CheckBytes;
use rkyv::rancor::BoxedError;
use rkyv::ser::Serializer;
use rkyv::ser::allocator::ArenaHandle;
use rkyv::util::with_arena;
use rkyv::with::{ArchiveWith, DeserializeWith, With};
use rkyv::{Archive, Archived, Deserialize, Portable, Serialize};

use super::RecordError;

/// What writes records: into a caller's buffer, with a thread's own scratch memory, without shared pointers.
pub(super) type Output<'o, 'a> = LowSerializer<&'o mut Vec<u8>, ArenaHandle<'a>, BoxedError>;

/// What reads records.
pub(super) type Input = LowDeserializer<BoxedError>;

/// Appends a record. On an error the buffer is as it was.
pub(super) fn append<T>(out: &mut Vec<u8>, what: &'static str, value: &T) -> Result<(), RecordError>
where
    T: for<'o, 'a> Serialize<Output<'o, 'a>>,
{
    let before = out.len();
    let written = with_arena(|arena| {
        let mut serializer = Serializer::new(&mut *out, arena.acquire(), ());
        serialize_using::<_, BoxedError>(value, &mut serializer).map(|_| ())
    });
    written.map_err(|error| {
        out.truncate(before);
        RecordError::Unstorable { what, why: error.to_string() }
    })
}

/// Reads a record whose own type is stored.
pub(super) fn read<T>(what: &'static str, bytes: &[u8]) -> Result<T, RecordError>
where
    T: Archive,
    Archived<T>: Portable + for<'a> CheckBytes<LowValidator<'a, BoxedError>> + Deserialize<T, Input>,
{
    let archived = check::<Archived<T>>(what, bytes)?;
    deserialize_using::<T, (), BoxedError>(archived, &mut ()).map_err(|error| damaged(what, &error))
}

/// Reads a domain value `F` whose stored shape is described by `W`.
pub(super) fn read_with<F, W>(what: &'static str, bytes: &[u8]) -> Result<F, RecordError>
where
    W: ArchiveWith<F> + DeserializeWith<W::Archived, F, Input>,
    W::Archived: for<'a> CheckBytes<LowValidator<'a, BoxedError>>,
{
    restore::<F, W>(what, check::<W::Archived>(what, bytes)?)
}

/// Makes a domain value of an already checked shape.
pub(super) fn restore<F, W>(what: &'static str, archived: &W::Archived) -> Result<F, RecordError>
where
    W: ArchiveWith<F> + DeserializeWith<W::Archived, F, Input>,
{
    let archived = With::<W::Archived, W>::cast(archived);
    deserialize_using::<F, (), BoxedError>(archived, &mut ()).map_err(|error| damaged(what, &error))
}

/// Validates bytes as a stored shape.
pub(super) fn check<'b, A>(what: &'static str, bytes: &'b [u8]) -> Result<&'b A, RecordError>
where
    A: Portable + for<'a> CheckBytes<LowValidator<'a, BoxedError>>,
{
    access::<A, BoxedError>(bytes).map_err(|error| damaged(what, &error))
}

fn damaged(what: &'static str, error: &BoxedError) -> RecordError {
    RecordError::Damaged { what, why: error.to_string() }
}

//! How leaves of the domain are stored: ids and texts as text, time zones by name, optional instants in eight bytes.

use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::sync::Arc;

use jiff::tz::TimeZone;
use rkyv::rancor::{Fallible, Source, fail};
use rkyv::ser::{Allocator, Writer};
use rkyv::string::{ArchivedString, StringResolver};
use rkyv::vec::{ArchivedVec, VecResolver};
use rkyv::with::{ArchiveWith, DeserializeWith, SerializeWith};
use rkyv::{Archive, Archived, Place, Serialize, SerializeUnsized};
use smol_str::SmolStr;

use crate::domain::id::{
    CampaignId, IdError, MemberId, OptionId, PickupCode, ProviderReference, RegionId, Sku, StoreId,
};
use crate::domain::time::Timestamp;

/// Something that is stored as its text and parsed again when read.
pub(super) trait StoredText: Sized {
    fn text(&self) -> &str;
    fn parse(text: &str) -> Result<Self, IdError>;
}

impl StoredText for SmolStr {
    fn text(&self) -> &str {
        self.as_str()
    }
    fn parse(text: &str) -> Result<Self, IdError> {
        Ok(Self::new(text))
    }
}

macro_rules! stored_ids {
    ($($id:ty),*) => { $(
        impl StoredText for $id {
            fn text(&self) -> &str {
                self.as_str()
            }
            fn parse(text: &str) -> Result<Self, IdError> {
                text.parse()
            }
        }
    )* };
}
stored_ids!(CampaignId, MemberId, OptionId, PickupCode, ProviderReference, RegionId, Sku, StoreId);

/// A text or id, as text; up to eight bytes stand inline.
pub(super) struct Text;

impl<T: StoredText> ArchiveWith<T> for Text {
    type Archived = ArchivedString;
    type Resolver = StringResolver;

    fn resolve_with(field: &T, resolver: StringResolver, out: Place<ArchivedString>) {
        ArchivedString::resolve_from_str(field.text(), resolver, out);
    }
}

impl<T: StoredText, S> SerializeWith<T, S> for Text
where
    S: Fallible + ?Sized,
    S::Error: Source,
    str: SerializeUnsized<S>,
{
    fn serialize_with(field: &T, serializer: &mut S) -> Result<StringResolver, S::Error> {
        ArchivedString::serialize_from_str(field.text(), serializer)
    }
}

impl<T: StoredText, D> DeserializeWith<ArchivedString, T, D> for Text
where
    D: Fallible + ?Sized,
    D::Error: Source,
{
    fn deserialize_with(field: &ArchivedString, _: &mut D) -> Result<T, D::Error> {
        match T::parse(field.as_str()) {
            Ok(value) => Ok(value),
            Err(error) => fail!(error),
        }
    }
}

/// A borrowed text as an element of a list.
struct TextRef<'t, T>(&'t T);

impl<T: StoredText> Archive for TextRef<'_, T> {
    type Archived = ArchivedString;
    type Resolver = StringResolver;

    fn resolve(&self, resolver: StringResolver, out: Place<ArchivedString>) {
        Text::resolve_with(self.0, resolver, out);
    }
}

impl<T: StoredText, S> Serialize<S> for TextRef<'_, T>
where
    S: Fallible + ?Sized,
    S::Error: Source,
    str: SerializeUnsized<S>,
{
    fn serialize(&self, serializer: &mut S) -> Result<StringResolver, S::Error> {
        Text::serialize_with(self.0, serializer)
    }
}

/// A set of ids, as a sorted list of texts.
pub(super) struct TextSet;

impl<T: StoredText> ArchiveWith<BTreeSet<T>> for TextSet {
    type Archived = ArchivedVec<ArchivedString>;
    type Resolver = VecResolver;

    fn resolve_with(field: &BTreeSet<T>, resolver: VecResolver, out: Place<Self::Archived>) {
        ArchivedVec::resolve_from_len(field.len(), resolver, out);
    }
}

impl<T: StoredText, S> SerializeWith<BTreeSet<T>, S> for TextSet
where
    S: Fallible + Allocator + Writer + ?Sized,
    S::Error: Source,
{
    fn serialize_with(field: &BTreeSet<T>, serializer: &mut S) -> Result<VecResolver, S::Error> {
        ArchivedVec::<ArchivedString>::serialize_from_iter::<TextRef<'_, T>, _, _>(
            field.iter().map(TextRef),
            serializer,
        )
    }
}

impl<T: StoredText + Ord, D> DeserializeWith<ArchivedVec<ArchivedString>, BTreeSet<T>, D> for TextSet
where
    D: Fallible + ?Sized,
    D::Error: Source,
{
    fn deserialize_with(field: &ArchivedVec<ArchivedString>, deserializer: &mut D) -> Result<BTreeSet<T>, D::Error> {
        field.iter().map(|text| Text::deserialize_with(text, deserializer)).collect()
    }
}

/// What stands behind an `Arc`, as `W` stores it.
pub(super) struct Shared<W>(PhantomData<W>);

impl<T, W: ArchiveWith<T>> ArchiveWith<Arc<T>> for Shared<W> {
    type Archived = W::Archived;
    type Resolver = W::Resolver;

    fn resolve_with(field: &Arc<T>, resolver: W::Resolver, out: Place<W::Archived>) {
        W::resolve_with(field, resolver, out);
    }
}

impl<T, W: SerializeWith<T, S>, S: Fallible + ?Sized> SerializeWith<Arc<T>, S> for Shared<W> {
    fn serialize_with(field: &Arc<T>, serializer: &mut S) -> Result<W::Resolver, S::Error> {
        W::serialize_with(field, serializer)
    }
}

impl<A, T, W: DeserializeWith<A, T, D>, D: Fallible + ?Sized> DeserializeWith<A, Arc<T>, D> for Shared<W> {
    fn deserialize_with(field: &A, deserializer: &mut D) -> Result<Arc<T>, D::Error> {
        W::deserialize_with(field, deserializer).map(Arc::new)
    }
}

/// A time zone by its IANA name; its rules are those of the program that reads it.
pub(super) struct Zone;

/// A time zone that can't be stored or found.
#[derive(Debug, thiserror::Error)]
enum ZoneError {
    #[error("a time zone without an IANA name")]
    Nameless,
    #[error("time zone {0:?} is not known")]
    Unknown(SmolStr),
}

impl ArchiveWith<TimeZone> for Zone {
    type Archived = ArchivedString;
    type Resolver = StringResolver;

    fn resolve_with(field: &TimeZone, resolver: StringResolver, out: Place<ArchivedString>) {
        ArchivedString::resolve_from_str(field.iana_name().unwrap_or_default(), resolver, out);
    }
}

impl<S> SerializeWith<TimeZone, S> for Zone
where
    S: Fallible + ?Sized,
    S::Error: Source,
    str: SerializeUnsized<S>,
{
    fn serialize_with(field: &TimeZone, serializer: &mut S) -> Result<StringResolver, S::Error> {
        match field.iana_name() {
            Some(name) => ArchivedString::serialize_from_str(name, serializer),
            None => fail!(ZoneError::Nameless),
        }
    }
}

impl<D> DeserializeWith<ArchivedString, TimeZone, D> for Zone
where
    D: Fallible + ?Sized,
    D::Error: Source,
{
    fn deserialize_with(field: &ArchivedString, _: &mut D) -> Result<TimeZone, D::Error> {
        match TimeZone::get(field.as_str()) {
            Ok(zone) => Ok(zone),
            Err(_) => fail!(ZoneError::Unknown(SmolStr::new(field.as_str()))),
        }
    }
}

/// An instant or none, as milliseconds; the smallest number stands for none.
pub(super) struct MaybeAt;

const NEVER: i64 = i64::MIN;

impl ArchiveWith<Option<Timestamp>> for MaybeAt {
    type Archived = Archived<i64>;
    type Resolver = ();

    fn resolve_with(field: &Option<Timestamp>, (): (), out: Place<Archived<i64>>) {
        field.map_or(NEVER, |at| at.0).resolve((), out);
    }
}

impl<S: Fallible + ?Sized> SerializeWith<Option<Timestamp>, S> for MaybeAt {
    fn serialize_with(_: &Option<Timestamp>, _: &mut S) -> Result<(), S::Error> {
        Ok(())
    }
}

impl<D: Fallible + ?Sized> DeserializeWith<Archived<i64>, Option<Timestamp>, D> for MaybeAt {
    fn deserialize_with(field: &Archived<i64>, _: &mut D) -> Result<Option<Timestamp>, D::Error> {
        let at = field.to_native();
        Ok((at != NEVER).then_some(Timestamp(at)))
    }
}

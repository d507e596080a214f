//! Reading and patching little-endian fields without an index that could panic.

/// Takes fixed fields off the front of a byte slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn slice(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }
}

/// Overwrites `bytes` at `offset`; the caller has made room.
pub(crate) fn patch(target: &mut [u8], offset: usize, bytes: &[u8]) {
    match target.get_mut(offset..offset.saturating_add(bytes.len())) {
        Some(place) => place.copy_from_slice(bytes),
        None => debug_assert!(false, "patch outside of its buffer"),
    }
}

/// `usize` to `u64`: never loses anything on the platforms Rust has.
pub(crate) fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// `u64` to `usize`, for lengths that were compared with a limit before.
pub(crate) fn narrow(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

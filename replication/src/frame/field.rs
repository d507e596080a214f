//! Fields of messages, written and read. Reading answers an error for whatever isn't there; it never panics.

use std::time::Duration;

use bytes::Bytes;

use super::{CHECK_BYTES, FrameError, HEADER_BYTES, MAGIC, VERSION, check_of};
use crate::point::Point;

/// A message that is being written.
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Begins a message of this kind with room for a body.
    pub(super) fn begin(kind: u8, body_bytes: usize) -> Self {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + body_bytes + CHECK_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&[kind, 0]);
        bytes.extend_from_slice(&[0; 4]);
        Self { bytes }
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn u8(&mut self, value: u8) {
        self.bytes(&[value]);
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    /// A length, which the limits keep small.
    pub(super) fn length(&mut self, value: usize) {
        self.u32(u32::try_from(value).unwrap_or(u32::MAX));
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    pub(super) fn u128(&mut self, value: u128) {
        self.bytes(&value.to_le_bytes());
    }

    pub(super) fn point(&mut self, point: Point) {
        self.u64(point.sequence);
        self.bytes(&point.hash);
    }

    pub(super) fn terms(&mut self, epoch: u32, window: u32, heartbeat: Duration) {
        self.u32(epoch);
        self.u32(window);
        self.u32(u32::try_from(heartbeat.as_millis()).unwrap_or(u32::MAX));
    }

    pub(super) fn short_bytes(&mut self, bytes: &[u8], bytes_max: usize) {
        let kept = bytes.get(..bytes_max).unwrap_or(bytes);
        self.bytes(&u16::try_from(kept.len()).unwrap_or(u16::MAX).to_le_bytes());
        self.bytes(kept);
    }

    pub(super) fn text(&mut self, text: &str, bytes_max: usize) {
        let mut end = text.len().min(bytes_max);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.short_bytes(text.as_bytes().get(..end).unwrap_or_default(), bytes_max);
    }

    /// Room of `max` bytes that `fill` may use; it answers how many it used, or `None` to take everything back.
    pub(super) fn fill(&mut self, max: usize, fill: impl FnOnce(&mut [u8]) -> Option<usize>) -> Option<usize> {
        let start = self.bytes.len();
        self.bytes.resize(start + max, 0);
        let used = self.bytes.get_mut(start..).and_then(fill);
        self.bytes.truncate(start + used.unwrap_or_default().min(max));
        used
    }

    /// Overwrites a byte of the body.
    pub(super) fn set_u8(&mut self, body_offset: usize, value: u8) {
        if let Some(place) = self.bytes.get_mut(HEADER_BYTES + body_offset) {
            *place = value;
        }
    }

    /// Ends the message.
    pub(super) fn seal(mut self) -> Bytes {
        let length = u32::try_from(self.bytes.len() - HEADER_BYTES).unwrap_or(u32::MAX);
        if let Some(place) = self.bytes.get_mut(8..HEADER_BYTES) {
            place.copy_from_slice(&length.to_le_bytes());
        }
        let check = check_of(&self.bytes);
        self.bytes.extend_from_slice(&check);
        Bytes::from(self.bytes)
    }
}

/// What is left of a message that is being read.
pub(super) struct Fields<'a> {
    left: &'a [u8],
    bytes: usize,
}

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { left: bytes, bytes: bytes.len() }
    }

    pub(super) fn take(&mut self, bytes: usize) -> Result<&'a [u8], FrameError> {
        let (taken, left) = self.left.split_at_checked(bytes).ok_or(FrameError::Damaged("a field is missing"))?;
        self.left = left;
        Ok(taken)
    }

    /// Bytes read so far.
    pub(super) fn taken(&self) -> usize {
        self.bytes - self.left.len()
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn u8(&mut self) -> Result<u8, FrameError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn flag(&mut self) -> Result<bool, FrameError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(FrameError::Damaged("a flag is neither 0 nor 1")),
        }
    }

    pub(super) fn u16(&mut self) -> Result<u16, FrameError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, FrameError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, FrameError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn u128(&mut self) -> Result<u128, FrameError> {
        self.array().map(u128::from_le_bytes)
    }

    pub(super) fn point(&mut self) -> Result<Point, FrameError> {
        Ok(Point { sequence: self.u64()?, hash: self.array()? })
    }

    pub(super) fn terms(&mut self) -> Result<(u32, u32, Duration), FrameError> {
        Ok((self.u32()?, self.u32()?, Duration::from_millis(u64::from(self.u32()?))))
    }

    pub(super) fn short_bytes(&mut self, bytes_max: usize) -> Result<&'a [u8], FrameError> {
        let bytes = usize::from(self.u16()?);
        if bytes > bytes_max {
            return Err(FrameError::Oversized("a text or name"));
        }
        self.take(bytes)
    }

    pub(super) fn text(&mut self, bytes_max: usize) -> Result<String, FrameError> {
        let bytes = self.short_bytes(bytes_max)?;
        let text = std::str::from_utf8(bytes).map_err(|_| FrameError::Damaged("a text is not UTF-8"))?;
        Ok(text.to_owned())
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Result<(), FrameError> {
        if self.left.is_empty() { Ok(()) } else { Err(FrameError::Damaged("more than its fields")) }
    }
}

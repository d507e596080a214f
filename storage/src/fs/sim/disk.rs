//! The simulated disk's two images, and what a power cut makes of them.

/// What a power cut does to blocks and names that weren't synced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CrashPolicy {
    /// All of it is lost.
    DropUnsynced,
    /// All of it happened to be on disk.
    KeepUnsynced,
    /// Each 512-byte block is kept, lost or (the last one written) torn by chance; names up to some
    /// point of their order.
    Random(u64),
}

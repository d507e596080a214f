//! Bugs planted on purpose, in simulations only: a harness that doesn't find each of them proves nothing. The choice is
//! the thread's own, so that simulations run beside each other. Without the feature there is none, and every question here
//! is answered `false`.

#[cfg(feature = "simulation")]
use std::cell::Cell;

/// Which bug.
#[cfg(feature = "simulation")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// The log says that a group is synced before it is: the sync comes with the next group.
    AnsweredBeforeSync,
    /// What is read from disk is believed, whatever its checksum says.
    ChecksumsIgnored,
}

#[cfg(feature = "simulation")]
thread_local! {
    static PLANTED: Cell<Option<Plant>> = const { Cell::new(None) };
}

/// Plants a bug in whatever this thread does from here on, or takes it out.
#[cfg(feature = "simulation")]
pub fn plant(plant: Option<Plant>) {
    PLANTED.set(plant);
}

#[cfg(feature = "simulation")]
pub(crate) fn answers_before_sync() -> bool {
    PLANTED.get() == Some(Plant::AnsweredBeforeSync)
}

#[cfg(not(feature = "simulation"))]
pub(crate) const fn answers_before_sync() -> bool {
    false
}

#[cfg(feature = "simulation")]
pub(crate) fn ignores_checksums() -> bool {
    PLANTED.get() == Some(Plant::ChecksumsIgnored)
}

#[cfg(not(feature = "simulation"))]
pub(crate) const fn ignores_checksums() -> bool {
    false
}

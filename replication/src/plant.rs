//! Bugs planted on purpose: the simulation has to find each of them, or it proves nothing. Outside of
//! this crate's own unit tests and of simulations there is none to plant, and every question here is answered `false`.

/// Which bug a session has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Plant {
    /// None.
    #[default]
    Nothing,
    /// The sender goes on wherever the centre says it is.
    #[cfg(any(test, feature = "simulation"))]
    NoHashCheck,
    /// The sender believes every acknowledgement.
    #[cfg(any(test, feature = "simulation"))]
    FutureAckBelieved,
    /// The receiver applies groups that it has already.
    #[cfg(any(test, feature = "simulation"))]
    DuplicateApplied,
    /// The receiver acknowledges what has arrived, before the sink has synced it.
    #[cfg(any(test, feature = "simulation"))]
    AckBeforeSync,
}

#[cfg(any(test, feature = "simulation"))]
impl Plant {
    pub(crate) fn skips_hash_check(self) -> bool {
        self == Self::NoHashCheck
    }

    pub(crate) fn believes_acknowledgements(self) -> bool {
        self == Self::FutureAckBelieved
    }

    pub(crate) fn applies_duplicates(self) -> bool {
        self == Self::DuplicateApplied
    }

    pub(crate) fn acknowledges_before_sync(self) -> bool {
        self == Self::AckBeforeSync
    }
}

#[cfg(not(any(test, feature = "simulation")))]
#[expect(clippy::unused_self, reason = "the same questions as in tests")]
impl Plant {
    pub(crate) const fn skips_hash_check(self) -> bool {
        false
    }

    pub(crate) const fn believes_acknowledgements(self) -> bool {
        false
    }

    pub(crate) const fn applies_duplicates(self) -> bool {
        false
    }

    pub(crate) const fn acknowledges_before_sync(self) -> bool {
        false
    }
}

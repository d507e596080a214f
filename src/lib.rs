//! qucan.

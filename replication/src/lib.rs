//! Replication protocol.

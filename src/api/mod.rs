//! The edge.

pub mod catalog_file;

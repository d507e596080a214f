//! The contract, call by call, as tables written by hand from its text: never from our own OpenAPI document.

mod calls;
mod customer;
mod edge;
mod import;
mod orders;
mod refusals;
mod shape;
mod store;
mod tokens;
mod world;

//! Version 1 of every stored shape. Frozen once released: names and order of fields are the format. Each type describes
//! how a domain type is stored (`remote`) and turns back into it (`From`); a field that the domain gains later stands in
//! a `v2`, and `From` of this version says what old records have in its place.

pub(super) mod basics;
pub(super) mod catalog;
pub(super) mod event;
pub(super) mod order;
pub(super) mod state;

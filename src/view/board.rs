//! The pickup board of a store: which codes are being made, which are called.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::id::{PickupCode, StoreId};

/// What a call screen shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Board)]
pub struct BoardView<'a> {
    /// Whose board.
    pub store: &'a str,
    /// Codes of accepted orders.
    pub preparing: Vec<&'a str>,
    /// Codes of orders on the counter.
    pub ready: Vec<&'a str>,
    /// Offset of topic `board/ID`.
    pub offset: u64,
}

impl<'a> BoardView<'a> {
    /// The board of `store` with these codes, in this order.
    pub fn of(store: &'a StoreId, preparing: &'a [PickupCode], ready: &'a [PickupCode], offset: u64) -> Self {
        let texts = |codes: &'a [PickupCode]| codes.iter().map(PickupCode::as_str).collect();
        Self { store: store.as_str(), preparing: texts(preparing), ready: texts(ready), offset }
    }
}

//! A node's document: its calls and what each may refuse.

use std::sync::LazyLock;

use axum::body::Bytes;
use utoipa::OpenApi;

use super::{ProblemDetails, RefusalTable, Refusals, Tokens};
use crate::api::problem::Kind;
use crate::api::{catalog, customer, ops, sandbox, store, tokens};

/// What each call may refuse, beside what every call may. By operation.
const REFUSALS: &RefusalTable = {
    use Kind::{
        CampaignClosed, CouponNotUsable, DiskFull, Fenced, FulfilmentNotOffered, Gone, IdempotencyKeyMissing,
        IdempotencyKeyReused, InvalidCatalog, NotFound, OutOfStock, OverLimit, PickupCodeTaken, PriceChanged,
        ProviderUnavailable, QuotaExhausted, Rebuilding, StockNotCounted, StorageFailed, StoreClosed, StorePaused,
        UnknownItem, UnknownOption, UnknownStore, WrongStatus,
    };
    &[
        ("list_stores", &[]),
        ("get_menu", &[NotFound]),
        ("list_campaigns", &[]),
        ("claim_coupon", &[NotFound, OverLimit, QuotaExhausted, CampaignClosed, DiskFull, StorageFailed, Fenced]),
        ("list_my_coupons", &[Gone]),
        ("list_my_orders", &[Rebuilding]),
        (
            "place_order",
            &[
                IdempotencyKeyMissing,
                IdempotencyKeyReused,
                UnknownItem,
                UnknownStore,
                UnknownOption,
                OutOfStock,
                StoreClosed,
                StorePaused,
                CouponNotUsable,
                PriceChanged,
                OverLimit,
                FulfilmentNotOffered,
                NotFound,
                DiskFull,
                Rebuilding,
                StorageFailed,
                Fenced,
            ],
        ),
        ("get_order", &[NotFound, Gone, Rebuilding]),
        ("pay_order", &[NotFound, Gone, WrongStatus, Rebuilding, ProviderUnavailable]),
        ("cancel_order", &[NotFound, WrongStatus, Rebuilding, StorageFailed, Fenced]),
        ("follow_queue", &[NotFound, Gone, Rebuilding]),
        ("list_store_orders", &[NotFound, Rebuilding]),
        ("get_board", &[NotFound]),
        ("set_accepting", &[NotFound, StorageFailed, Fenced]),
        ("list_stock", &[NotFound]),
        ("set_stock", &[NotFound, OverLimit, StorageFailed, Fenced]),
        (
            "adjust_stock",
            &[
                IdempotencyKeyMissing,
                IdempotencyKeyReused,
                NotFound,
                OutOfStock,
                OverLimit,
                StockNotCounted,
                StorageFailed,
                Fenced,
            ],
        ),
        ("accept_order", &[NotFound, WrongStatus, PickupCodeTaken, Rebuilding, StorageFailed, Fenced]),
        ("reject_order", &[NotFound, WrongStatus, Rebuilding, StorageFailed, Fenced]),
        ("mark_ready", &[NotFound, WrongStatus, Rebuilding, StorageFailed, Fenced]),
        ("mark_collected", &[NotFound, WrongStatus, Rebuilding, StorageFailed, Fenced]),
        ("succeed_payment", &[NotFound, Gone, OverLimit, Rebuilding, StorageFailed, Fenced]),
        ("fail_payment", &[NotFound, Gone, Rebuilding]),
        ("issue_token", &[]),
        ("health", &[]),
        ("readiness", &[]),
        ("metrics", &[]),
        ("status", &[]),
        ("import_catalog", &[InvalidCatalog, DiskFull, StorageFailed, Fenced]),
    ]
};

/// The same as a modifier of the document.
const REFUSED: Refusals = Refusals(REFUSALS);

#[derive(OpenApi)]
#[openapi(
    info(
        title = "qucan",
        description = "Order ahead, region by region: what customers, stores and operators call on a node. Money is in \
                       minor units, times are RFC 3339 in UTC. Requests with unknown fields are refused; tolerate \
                       unknown fields and unknown values in answers. The live side is in /asyncapi.json."
    ),
    paths(
        customer::stores::list_stores,
        customer::menu::get_menu,
        customer::campaigns::list_campaigns,
        customer::campaigns::claim_coupon,
        customer::campaigns::list_my_coupons,
        customer::orders::list_my_orders,
        customer::place::place_order,
        customer::order::get_order,
        customer::order::pay_order,
        customer::order::cancel_order,
        store::queue::follow_queue,
        store::steps::accept_order,
        store::steps::reject_order,
        store::steps::mark_ready,
        store::steps::mark_collected,
        store::stock::list_stock,
        store::stock::set_stock,
        store::stock::adjust_stock,
        store::accepting::set_accepting,
        store::orders::list_store_orders,
        store::board::get_board,
        sandbox::succeed_payment,
        sandbox::fail_payment,
        tokens::issue_token,
        catalog::import_catalog,
        ops::health,
        ops::readiness,
        ops::metrics,
        ops::status,
    ),
    components(schemas(ProblemDetails)),
    modifiers(&REFUSED, &Tokens),
    tags(
        (name = "customer", description = "Look, claim, order, pay"),
        (name = "store", description = "POS, kitchen, call screen; an operator may do all of it"),
        (name = "operations", description = "Health, figures, catalogue"),
        (name = "sandbox", description = "Only in sandbox mode: tokens and payments for trying things out"),
    )
)]
struct Document;

/// The document as it goes out.
pub fn document() -> Bytes {
    static DOCUMENT: LazyLock<Bytes> =
        LazyLock::new(|| serde_json::to_vec_pretty(&Document::openapi()).unwrap_or_default().into());
    DOCUMENT.clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::openapi::check;

    #[test]
    fn every_operation_says_what_it_refuses_and_every_refusal_is_of_an_operation() {
        check::refusals(&Document::openapi(), REFUSALS);
    }

    #[test]
    fn the_document_is_openapi_3_1_and_describes_every_answer() {
        let json: serde_json::Value = serde_json::from_slice(&document()).unwrap();
        assert_eq!(json["openapi"].as_str().unwrap().split('.').take(2).collect::<Vec<_>>(), ["3", "1"]);
        assert_eq!(json["info"]["version"], env!("CARGO_PKG_VERSION"));
        check::descriptions(&Document::openapi());
        let order = &json["components"]["schemas"]["Order"];
        assert_eq!(order["properties"]["pay_by"]["type"].as_str(), Some("string"), "left out, never null: {order}");
    }
}

//! The OpenAPI document, made from the handlers, the views and the problem table. What a call may answer beside its
//! success is said here, once, in words of the problem table. Never here: a shape that no code answers.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::body::Bytes;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Ref, RefOr, Response, ResponseBuilder};
use utoipa::{Modify, OpenApi, ToSchema};

use super::problem::Kind;
use super::{catalog, customer, ops, sandbox, store, tokens};

/// RFC 9457 problem details. Further members help with some types: `field`, `sku`, `available`, `order_status`, …
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used; Problem writes itself")]
struct ProblemDetails {
    /// Stable, such as `/problems/out-of-stock`.
    #[schema(format = "uri-reference")]
    r#type: String,
    /// The same for every problem of the type.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What happened this time, for people.
    detail: String,
    /// When to come again, with 429 and 503.
    #[schema(nullable = false)]
    retry_after_ms: Option<u64>,
}

/// What each call may refuse, beside what every call may. By operation.
const REFUSALS: &[(&str, &[Kind])] = {
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
        ("get_accepting", &[NotFound]),
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

/// What any call may answer.
const ALWAYS: &[Kind] =
    &[Kind::Malformed, Kind::BadRequest, Kind::TooManyRequests, Kind::Overloaded, Kind::ShuttingDown, Kind::Internal];
/// What any call that answers JSON may answer.
const WITH_JSON: &[Kind] = &[Kind::NotAcceptable];
/// What any call that needs a token may answer.
const WITH_TOKEN: &[Kind] = &[Kind::Unauthenticated, Kind::WrongRole];
/// What any call that takes a body may answer.
const WITH_BODY: &[Kind] = &[Kind::TooLarge, Kind::UnsupportedMediaType, Kind::RequestTimeout];

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
        store::accepting::get_accepting,
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
    modifiers(&Refusals, &Tokens),
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

/// Says for every operation which problems it may answer.
struct Refusals;

impl Modify for Refusals {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for item in document.paths.paths.values_mut() {
            for operation in [&mut item.get, &mut item.put, &mut item.post].into_iter().flatten() {
                add_refusals(operation);
            }
        }
    }
}

fn add_refusals(operation: &mut Operation) {
    let id = operation.operation_id.clone().unwrap_or_default();
    let own = REFUSALS.iter().find(|(name, _)| *name == id).map_or(&[][..], |(_, kinds)| kinds);
    let when = |holds: bool, kinds: &'static [Kind]| if holds { kinds } else { &[] };
    let takes_body = operation.request_body.is_some() || is_post(&id);
    let kinds = own
        .iter()
        .chain(ALWAYS)
        .chain(WITH_JSON)
        .chain(when(operation.security.is_some(), WITH_TOKEN))
        .chain(when(takes_body, WITH_BODY));
    let mut by_status: BTreeMap<u16, Vec<Kind>> = BTreeMap::new();
    for kind in kinds {
        let of_status = by_status.entry(kind.row().status).or_default();
        if !of_status.contains(kind) {
            of_status.push(*kind);
        }
    }
    for (status, kinds) in by_status {
        operation.responses.responses.entry(status.to_string()).or_insert_with(|| RefOr::T(refusal(&kinds)));
    }
}

/// Calls without a documented body still look at what comes: an optional empty object.
fn is_post(operation: &str) -> bool {
    matches!(operation, "claim_coupon" | "cancel_order" | "mark_ready" | "mark_collected" | "fail_payment")
}

fn refusal(kinds: &[Kind]) -> Response {
    let lines = kinds.iter().map(|kind| format!("- `{}`: {}", kind.type_uri(), kind.row().when));
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ProblemDetails"))).build();
    let mut response = ResponseBuilder::new()
        .description(lines.collect::<Vec<_>>().join("\n"))
        .content("application/problem+json", content);
    if kinds.iter().any(|kind| kind.row().retry_after > 0) {
        let seconds = ObjectBuilder::new().schema_type(Type::Integer).build();
        let header = HeaderBuilder::new().schema(Some(seconds)).description(Some("Seconds to wait")).build();
        response = response.header("Retry-After", header);
    }
    response.build()
}

/// Says what a token is.
struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let description = "JWT with `sub`, `role` (`customer`, `store`, `operator`), `store` for role `store`, `exp`";
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some(description))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operations() -> Vec<(String, Operation)> {
        let document = Document::openapi();
        let mut found = Vec::new();
        for (path, item) in document.paths.paths {
            for operation in [item.get, item.put, item.post].into_iter().flatten() {
                found.push((path.clone(), operation));
            }
        }
        found
    }

    #[test]
    fn every_operation_says_what_it_refuses_and_every_refusal_is_of_an_operation() {
        let ids: Vec<String> = operations().into_iter().map(|(_, operation)| operation.operation_id.unwrap()).collect();
        for id in &ids {
            assert!(REFUSALS.iter().any(|(name, _)| name == id), "{id} has no line in REFUSALS");
        }
        for (name, _) in REFUSALS {
            assert!(ids.iter().any(|id| id == name), "{name} is no operation");
        }
    }

    #[test]
    fn the_document_is_openapi_3_1_and_describes_every_answer() {
        let json: serde_json::Value = serde_json::from_slice(&document()).unwrap();
        assert_eq!(json["openapi"].as_str().unwrap().split('.').take(2).collect::<Vec<_>>(), ["3", "1"]);
        assert_eq!(json["info"]["version"], env!("CARGO_PKG_VERSION"));
        for (path, operation) in operations() {
            for (status, response) in &operation.responses.responses {
                let RefOr::T(response) = response else { panic!("{path} {status} is a reference") };
                assert!(!response.description.is_empty(), "{path} {status}");
            }
        }
        let order = &json["components"]["schemas"]["Order"];
        assert_eq!(order["properties"]["pay_by"]["type"].as_str(), Some("string"), "left out, never null: {order}");
    }
}

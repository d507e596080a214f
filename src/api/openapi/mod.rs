//! OpenAPI documents, made from the handlers, the views and the problem table. What a call may answer beside its success is
//! said once, in words of the problem table. Never here: a shape that no code answers.

mod node;

use std::collections::BTreeMap;

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Ref, RefOr, Response, ResponseBuilder};
use utoipa::{Modify, ToSchema};

pub use self::node::document;
use super::problem::Kind;

/// RFC 9457 problem details. Further members help with some types: `field`, `sku`, `available`, `order_status`, …
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used; Problem writes itself")]
pub struct ProblemDetails {
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

/// What any call may answer.
const ALWAYS: &[Kind] =
    &[Kind::Malformed, Kind::BadRequest, Kind::TooManyRequests, Kind::Overloaded, Kind::ShuttingDown, Kind::Internal];
/// What any call that answers JSON may answer.
const WITH_JSON: &[Kind] = &[Kind::NotAcceptable];
/// What any call that needs a token may answer.
const WITH_TOKEN: &[Kind] = &[Kind::Unauthenticated, Kind::WrongRole];
/// What any call that takes a body may answer.
const WITH_BODY: &[Kind] = &[Kind::TooLarge, Kind::UnsupportedMediaType, Kind::RequestTimeout];

/// Which problems each operation may answer, beside those that any may. By operation.
pub type RefusalTable = [(&'static str, &'static [Kind])];

/// Says for every operation which problems it may answer.
pub struct Refusals(pub &'static RefusalTable);

impl Modify for Refusals {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for item in document.paths.paths.values_mut() {
            for operation in [&mut item.get, &mut item.put, &mut item.post].into_iter().flatten() {
                add_refusals(operation, self.0);
            }
        }
    }
}

fn add_refusals(operation: &mut Operation, table: &RefusalTable) {
    let id = operation.operation_id.clone().unwrap_or_default();
    let own = table.iter().find(|(name, _)| *name == id).map_or(&[][..], |(_, kinds)| kinds);
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
    matches!(
        operation,
        "claim_coupon" | "cancel_order" | "mark_ready" | "mark_collected" | "fail_payment" | "grant_epoch"
    )
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
pub struct Tokens;

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

/// Says what a region's own token is.
pub struct RegionTokens;

impl Modify for RegionTokens {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The region's token from the aggregator's configuration"))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("region_token", SecurityScheme::Http(scheme));
    }
}

/// What every document has to keep.
#[cfg(test)]
pub(crate) mod check {
    use utoipa::openapi::path::Operation;
    use utoipa::openapi::{OpenApi, RefOr};

    use super::RefusalTable;

    fn operations(document: &OpenApi) -> Vec<(&String, &Operation)> {
        let items = document.paths.paths.iter();
        items
            .flat_map(|(path, item)| {
                [&item.get, &item.put, &item.post].into_iter().flatten().map(move |one| (path, one))
            })
            .collect()
    }

    /// Every operation says what it refuses, and every refusal is of an operation.
    pub(crate) fn refusals(document: &OpenApi, table: &RefusalTable) {
        let ids: Vec<&str> =
            operations(document).into_iter().map(|(_, operation)| operation.operation_id.as_deref().unwrap()).collect();
        for id in &ids {
            assert!(table.iter().any(|(name, _)| name == id), "{id} has no line in REFUSALS");
        }
        for (name, _) in table {
            assert!(ids.contains(name), "{name} is no operation");
        }
    }

    /// Every answer is described.
    pub(crate) fn descriptions(document: &OpenApi) {
        for (path, operation) in operations(document) {
            for (status, response) in &operation.responses.responses {
                let RefOr::T(response) = response else { panic!("{path} {status} is a reference") };
                assert!(!response.description.is_empty(), "{path} {status}");
            }
        }
    }
}

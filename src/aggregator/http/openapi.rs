//! The centre's document: its calls and what each may refuse.

use std::sync::LazyLock;

use axum::body::Bytes;
use utoipa::OpenApi;

use super::{ops, order, orders, regions, seed, series, stores, stream, summary};
use crate::api::openapi::{ProblemDetails, RefusalTable, Refusals, RegionTokens, Tokens};
use crate::api::problem::Kind;
use crate::api::{ops as edge_ops, tokens};

/// What each call may refuse, beside what every call may. By operation.
const REFUSALS: &RefusalTable = {
    use Kind::{Gone, NotFound, Rebuilding, StorageFailed, StoreUnavailable};
    &[
        ("get_summary", &[]),
        ("list_regions", &[]),
        ("list_region_stores", &[NotFound]),
        ("find_stores", &[]),
        ("list_orders", &[Rebuilding, StoreUnavailable]),
        ("get_order", &[NotFound, Rebuilding, StoreUnavailable]),
        ("get_series", &[]),
        ("follow", &[]),
        ("read_log", &[NotFound, Gone, StorageFailed]),
        ("read_snapshot", &[NotFound, StorageFailed]),
        ("grant_epoch", &[NotFound, StorageFailed]),
        ("issue_token", &[]),
        ("health", &[]),
        ("readiness", &[]),
        ("metrics", &[]),
        ("status", &[]),
    ]
};

/// The same as a modifier of the document.
const REFUSED: Refusals = Refusals(REFUSALS);

#[derive(OpenApi)]
#[openapi(
    info(
        title = "qucan aggregator",
        description = "The centre of all regions: what headquarters asks, the public directory of stores, and what a lost \
                       region's node needs. Money is in minor units, times are RFC 3339 in UTC. Requests with unknown \
                       fields are refused; tolerate unknown fields and unknown values in answers. The lines on which \
                       regions ship and the live stream are in /asyncapi.json."
    ),
    paths(
        summary::get_summary,
        regions::list_regions,
        regions::list_region_stores,
        stores::find_stores,
        orders::list_orders,
        order::get_order,
        series::get_series,
        stream::follow,
        seed::read_log,
        seed::read_snapshot,
        seed::grant_epoch,
        tokens::issue_token,
        edge_ops::health,
        ops::readiness,
        edge_ops::metrics,
        ops::status,
    ),
    components(schemas(ProblemDetails)),
    modifiers(&REFUSED, &Tokens, &RegionTokens),
    tags(
        (name = "headquarters", description = "The country, live and looked up"),
        (name = "directory", description = "Which store is where, and at which node it is ordered"),
        (name = "regions", description = "What a region's own node asks, with the region's token"),
        (name = "operations", description = "Health and figures"),
        (name = "sandbox", description = "Only in sandbox mode: tokens for trying things out"),
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
    fn every_answer_is_described() {
        check::descriptions(&Document::openapi());
        let json: serde_json::Value = serde_json::from_slice(&document()).unwrap();
        assert!(json["components"]["securitySchemes"]["region_token"].is_object());
        assert_eq!(
            json["paths"]["/v1/regions/{region}/log"]["get"]["security"][0]["region_token"][0],
            serde_json::Value::Null
        );
    }
}

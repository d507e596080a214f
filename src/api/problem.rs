//! Everything that can go wrong at the HTTP edge, in one table: it feeds the answers, the OpenAPI document and
//! `docs/problems.md`. RFC 9457, `application/problem+json`. Never here: deciding what is wrong.

use std::fmt::Write as _;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use crate::domain::rejection::Rejection;
use crate::engine::answer::{Refusal, Unavailable};
use crate::view::Rfc3339;

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The problem.
    pub kind: Kind,
    /// Last part of `type`: `/problems/SLUG`.
    pub slug: &'static str,
    /// HTTP status.
    pub status: u16,
    /// Short and always the same.
    pub title: &'static str,
    /// When it is answered.
    pub when: &'static str,
    /// What the client had best do.
    pub remedy: &'static str,
    /// Seconds of `Retry-After`; 0 where repeating does not help.
    pub retry_after: u32,
}

macro_rules! table {
    ($($kind:ident $slug:literal $status:literal $title:literal, $when:literal, $remedy:literal $(, retry $retry:literal)?;)*) => {
        /// Names of the problems; the table says the rest.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Kind {
            $(#[doc = $title] $kind,)*
        }

        /// The table.
        pub const TABLE: &[Row] = &[
            $(Row {
                kind: Kind::$kind, slug: $slug, status: $status, title: $title, when: $when, remedy: $remedy,
                retry_after: 0 $(+ $retry)?,
            },)*
        ];
    };
}

table! {
    Malformed "malformed" 400 "The request doesn't match the schema",
        "Syntax, type, a missing or unknown field, a value out of range; `field` names it where it is known.",
        "Correct the request; repeating it is of no use.";
    IdempotencyKeyMissing "idempotency-key-missing" 400 "The idempotency key is missing or not 1 to 64 visible ASCII characters",
        "The call needs an `Idempotency-Key` header.",
        "Make one key for each intention of the user and send it with every repetition.";
    BadRequest "bad-request" 400 "The request is not acceptable HTTP",
        "No or more than one `Host`, `Content-Length` together with `Transfer-Encoding`, a line that ends in a bare LF.",
        "Use an HTTP client that follows RFC 9112; the connection is closed.";
    Unauthenticated "unauthenticated" 401 "A valid token is needed",
        "The token is missing, expired, not yet valid, of another region, or not signed by a key this node trusts.",
        "Get a new token and repeat.";
    WrongRole "wrong-role" 403 "This role may not do that",
        "The call is never allowed to the token's role.",
        "Use a token with the right role.";
    NotFound "not-found" 404 "There is no such thing",
        "It doesn't exist, or it is somebody else's: the answer doesn't tell which.",
        "Check the id and whose token it is.";
    MethodNotAllowed "method-not-allowed" 405 "The method is not allowed here",
        "The path exists, but not with this method.",
        "Use a method of the `Allow` header.";
    NotAcceptable "not-acceptable" 406 "No acceptable representation",
        "`Accept` excludes what this path answers.",
        "Accept `application/json`.";
    RequestTimeout "request-timeout" 408 "The body didn't arrive in time",
        "The body was not complete within the configured time. Nothing was done.",
        "Repeat over a better line; the connection is closed.";
    WrongStatus "wrong-status" 409 "Not possible in the order's status",
        "The order has moved on; `order_status` says where it is.",
        "Show the order as it is now.";
    Gone "gone" 410 "No longer there",
        "A cursor that is too old or of another epoch, an order past its retention, log entries that were trimmed.",
        "Start again with an empty cursor, or with a snapshot.";
    TooLarge "too-large" 413 "The body is too large",
        "The body is larger than the path allows.",
        "Send less.";
    UnsupportedMediaType "unsupported-media-type" 415 "The content type is not supported",
        "A body that is not `application/json`, or any `Content-Encoding`.",
        "Send plain `application/json`.";
    UnknownItem "unknown-item" 422 "Not sold here",
        "`sku` is not on this store's menu now.",
        "Fetch the menu again.";
    UnknownStore "unknown-store" 422 "No such store",
        "The store in the body is not on sale in this region.",
        "Fetch the stores again.";
    UnknownOption "unknown-option" 422 "Options don't fit the item",
        "An option or choice that the item doesn't have, or too few or too many of a group.",
        "Fetch the menu again and let the customer choose anew.";
    OutOfStock "out-of-stock" 422 "Not enough left",
        "Fewer than asked for are left: `available` of `sku`.",
        "Offer what is left.";
    StockNotCounted "stock-not-counted" 422 "This stock is not counted",
        "An adjustment of a line whose `available` is null.",
        "Set the figure first.";
    StoreClosed "store-closed" 422 "The store is closed",
        "Outside its opening hours.",
        "Show the hours or another store.";
    StorePaused "store-paused" 422 "The store takes no orders for now",
        "The store has paused; `until` says for how long where it is known.",
        "Try later or another store.";
    CouponNotUsable "coupon-not-usable" 422 "The coupon can't be used",
        "It is used, expired, somebody else's, or for another item.",
        "Fetch the coupons again.";
    PriceChanged "price-changed" 422 "The price has changed",
        "`expected_total` is not what it costs now: `payable`.",
        "Show the new price and ask again.";
    OverLimit "over-limit" 422 "Over a limit",
        "More than `limit` of something: units, lines, coupons a member, open orders.",
        "Ask for less.";
    QuotaExhausted "quota-exhausted" 422 "All coupons are claimed",
        "The campaign's quota is used up.",
        "Nothing; it is over.";
    CampaignClosed "campaign-closed" 422 "The campaign is not open",
        "Before it starts or after it ends.",
        "Look at `starts_at` and `ends_at`.";
    IdempotencyKeyReused "idempotency-key-reused" 422 "The key was used with another request",
        "The same `Idempotency-Key` came with a different body.",
        "Make a new key for a new intention.";
    FulfilmentNotOffered "fulfilment-not-offered" 422 "This fulfilment is not offered",
        "A `fulfilment.kind` other than `pickup`.",
        "Use `pickup`.";
    PickupCodeTaken "pickup-code-taken" 422 "The pickup code is taken",
        "Another open order of the store holds the POS's code.",
        "Give another code, or none to get the node's.";
    InvalidCatalog "invalid-catalog" 422 "The catalogue has errors",
        "`errors` lists every one with its JSON pointer. Nothing was changed.",
        "Correct the file.";
    UpgradeRequired "upgrade-required" 426 "This is a WebSocket",
        "A plain request, or a handshake of another version than 13, to `/v1/push` or `/v1/replicate`.",
        "Connect as a WebSocket with the path's subprotocol.";
    TooManyRequests "too-many-requests" 429 "Too many requests",
        "This address or this member asks faster than is allowed.",
        "Wait for `retry_after_ms`.", retry 1;
    Internal "internal" 500 "Something is wrong here",
        "A defect; the log has more under the request's id.",
        "Report it with the request's id.";
    Overloaded "overloaded" 503 "Too many requests are waiting",
        "A queue is full. Nothing was done.",
        "Repeat after `Retry-After` with the same key.", retry 1;
    Rebuilding "rebuilding" 503 "Order history is being rebuilt",
        "The answer needs closed orders that are being read from the log anew. Selling goes on.",
        "Repeat after `Retry-After`.", retry 2;
    StoreUnavailable "store-unavailable" 503 "The centre's store is not available",
        "The aggregator's database doesn't answer. What regions send is received all the same.",
        "Repeat after `Retry-After`.", retry 2;
    DiskFull "disk-full" 503 "The disk is full",
        "New orders are not taken until there is room; payments, acceptance and refunds are.",
        "Repeat after `Retry-After` with the same key.", retry 30;
    StorageFailed "storage-failed" 503 "Storage failed",
        "A write failed. The outcome of the request is open.",
        "Repeat with the same key until there is an answer.", retry 5;
    Fenced "fenced" 503 "This node no longer serves its region",
        "Another node has taken over.",
        "Ask the store directory where the region is now.", retry 30;
    ProviderUnavailable "provider-unavailable" 503 "The payment provider does not answer",
        "A payment could not be prepared. The order waits for it as before.",
        "Repeat after `Retry-After`, or offer another provider.", retry 2;
    ShuttingDown "shutting-down" 503 "The node is shutting down",
        "It stops or restarts. Nothing was done.",
        "Repeat after `Retry-After` with the same key.", retry 2;
}

impl Kind {
    /// Its line of the table.
    pub fn row(self) -> &'static Row {
        // The table has a line for every kind in the order of the enum, as both come from one macro.
        TABLE.get(self as usize).unwrap_or(&INTERNAL)
    }

    /// `type` of the answer, such as `/problems/out-of-stock`.
    pub fn type_uri(self) -> String {
        format!("/problems/{}", self.row().slug)
    }
}

const INTERNAL: Row = Row {
    kind: Kind::Internal,
    slug: "internal",
    status: 500,
    title: "Something is wrong here",
    when: "",
    remedy: "",
    retry_after: 0,
};

/// A refusal as it goes out. Also what push sends in its error frames.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// Which.
    pub kind: Kind,
    /// What happened this time.
    pub detail: String,
    members: Vec<(&'static str, Value)>,
}

impl Problem {
    /// A problem with a sentence about this time.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), members: Vec::new() }
    }

    /// 400 `malformed` of one field.
    pub fn malformed(field: &str, why: impl std::fmt::Display) -> Self {
        Self::new(Kind::Malformed, format!("{field}: {why}")).with("field", field)
    }

    /// 404, the same words whether it doesn't exist or is somebody else's.
    pub fn not_found() -> Self {
        Self::new(Kind::NotFound, "there is no such thing, or it is not yours")
    }

    /// 500: a defect of ours. The log says more.
    pub fn defect() -> Self {
        Self::new(Kind::Internal, "something is wrong here; the log says what")
    }

    /// Adds a member that helps, such as `sku`.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.members.push((name, value.into()));
        self
    }

    /// A member added before.
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.members.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// HTTP status of the answer.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.kind.row().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// As for a call that names store, item or campaign in its path: what is unknown there is 404, not 422.
    #[must_use]
    pub fn in_path(self) -> Self {
        match self.kind {
            Kind::UnknownStore | Kind::UnknownItem => Self::not_found(),
            _ => self,
        }
    }

    /// When to come again, in milliseconds, where that helps.
    pub fn retry_after_millis(&self) -> Option<u64> {
        let told = self.member("retry_after_ms").and_then(Value::as_u64);
        told.or_else(|| Some(u64::from(self.kind.row().retry_after) * 1000)).filter(|millis| *millis > 0)
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let row = self.kind.row();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &self.kind.type_uri())?;
        map.serialize_entry("title", row.title)?;
        map.serialize_entry("status", &row.status)?;
        map.serialize_entry("detail", &self.detail)?;
        for (name, value) in &self.members {
            map.serialize_entry(name, value)?;
        }
        if row.retry_after > 0 && self.member("retry_after_ms").is_none() {
            map.serialize_entry("retry_after_ms", &(u64::from(row.retry_after) * 1000))?;
        }
        map.end()
    }
}

/// Says on the response which problem it is, for the metrics.
#[derive(Debug, Clone, Copy)]
pub struct Answered(pub Kind);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(millis) = self.retry_after_millis() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(millis.div_ceil(1000).max(1)));
        }
        match self.kind {
            Kind::Unauthenticated => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            // What is left of such a request is still on the line.
            Kind::RequestTimeout | Kind::TooLarge | Kind::BadRequest => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response.extensions_mut().insert(Answered(self.kind));
        response
    }
}

impl From<Unavailable> for Problem {
    fn from(unavailable: Unavailable) -> Self {
        let kind = match unavailable {
            Unavailable::Overloaded => Kind::Overloaded,
            Unavailable::DiskFull => Kind::DiskFull,
            Unavailable::StorageFailed => Kind::StorageFailed,
            Unavailable::Rebuilding => Kind::Rebuilding,
            Unavailable::ShuttingDown => Kind::ShuttingDown,
            Unavailable::Fenced => Kind::Fenced,
        };
        Self::new(kind, unavailable.to_string())
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Rejected(rejection) => rejection.into(),
            Refusal::Unavailable(unavailable) => unavailable.into(),
        }
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        let detail = rejection.to_string();
        let of = |kind| Self::new(kind, detail.as_str());
        match rejection {
            // Never the rejection's own words: they would name what is not the asker's.
            Rejection::OrderNotFound { .. } | Rejection::UnknownCampaign { .. } => Self::not_found(),
            Rejection::UnknownStore { store } => of(Kind::UnknownStore).with("store", store.as_str()),
            Rejection::UnknownItem { sku } => of(Kind::UnknownItem).with("sku", sku.as_str()),
            Rejection::UnknownOption { sku, option, .. } => {
                of(Kind::UnknownOption).with("sku", sku.as_str()).with("option", option.as_str())
            }
            Rejection::OutOfStock { sku, available } => {
                of(Kind::OutOfStock).with("sku", sku.as_str()).with("available", available)
            }
            Rejection::StockNotCounted { sku, .. } => of(Kind::StockNotCounted).with("sku", sku.as_str()),
            Rejection::StoreClosed { store } => of(Kind::StoreClosed).with("store", store.as_str()),
            Rejection::StorePaused { store, reason, until } => {
                let mut problem = of(Kind::StorePaused).with("store", store.as_str());
                if let Some(reason) = reason {
                    problem = problem.with("reason", reason.as_str());
                }
                match until {
                    Some(until) => problem.with("until", Rfc3339(until).to_string()),
                    None => problem,
                }
            }
            Rejection::CouponNotUsable { coupon, .. } => of(Kind::CouponNotUsable).with("coupon", coupon.to_string()),
            Rejection::PriceChanged { expected, payable } => {
                of(Kind::PriceChanged).with("expected", expected.0).with("payable", payable.0)
            }
            Rejection::OverLimit { what, limit } => of(Kind::OverLimit).with("what", what).with("limit", limit),
            Rejection::QuotaExhausted { campaign } => of(Kind::QuotaExhausted).with("campaign", campaign.as_str()),
            Rejection::CampaignClosed { campaign } => of(Kind::CampaignClosed).with("campaign", campaign.as_str()),
            Rejection::IdempotencyKeyReused => of(Kind::IdempotencyKeyReused),
            Rejection::WrongStatus { status } => of(Kind::WrongStatus).with("order_status", status.as_str()),
            Rejection::PickupCodeTaken { code } => of(Kind::PickupCodeTaken).with("pickup_code", code.as_str()),
            Rejection::QuotaBelowClaimed { campaign, .. } => {
                of(Kind::InvalidCatalog).with("campaign", campaign.as_str())
            }
            // Neither is ever a client's doing: the engine fetches records itself, and a region stands before it serves.
            Rejection::RecordNeeded { .. } | Rejection::WrongRegion { .. } => {
                tracing::error!(%detail, "an internal rejection reached the edge");
                Self::defect()
            }
        }
    }
}

/// The table for people: the text of `docs/problems.md`.
pub fn document() -> String {
    let mut text = String::from(
        "# Problems\n\nEvery error is answered as `application/problem+json` (RFC 9457). `type` is stable; `detail` is for \
         people and may change. A request answered with an error changed nothing, except 503 `storage-failed`: its outcome \
         is open, repeat it with the same key. This page is generated from `src/api/problem.rs`.\n\n\
         | status | `type` | when | what to do |\n|---|---|---|---|\n",
    );
    for row in TABLE {
        let _ = writeln!(text, "| {} | `/problems/{}` | {} | {} |", row.status, row.slug, row.when, row.remedy);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_line_in_its_own_place() {
        let mut slugs = std::collections::BTreeSet::new();
        for row in TABLE {
            assert_eq!(row.kind.row(), row);
            assert!(slugs.insert(row.slug), "{} twice", row.slug);
            assert!(row.slug.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", row.slug);
            assert!((400..600).contains(&row.status) && !row.when.is_empty() && !row.remedy.is_empty());
            let must_say_when = matches!(row.status, 429 | 503);
            assert_eq!(row.retry_after > 0, must_say_when, "{}: Retry-After", row.slug);
        }
    }

    /// Written by hand from the contract: what stands here may not be renamed or change its status.
    #[test]
    fn the_contract_s_problems_are_all_in_the_table() {
        let promised: &[(u16, &[&str])] = &[
            (400, &["malformed", "idempotency-key-missing"]),
            (403, &["wrong-role"]),
            (409, &["wrong-status"]),
            (410, &["gone"]),
            (
                422,
                &[
                    "unknown-item",
                    "unknown-store",
                    "unknown-option",
                    "out-of-stock",
                    "store-closed",
                    "store-paused",
                    "coupon-not-usable",
                    "price-changed",
                    "over-limit",
                    "quota-exhausted",
                    "campaign-closed",
                    "idempotency-key-reused",
                    "fulfilment-not-offered",
                    "pickup-code-taken",
                ],
            ),
            (503, &["overloaded", "rebuilding", "disk-full", "storage-failed", "fenced", "shutting-down"]),
        ];
        for (status, slugs) in promised {
            for slug in *slugs {
                let row = TABLE.iter().find(|row| row.slug == *slug).unwrap_or_else(|| panic!("{slug} is missing"));
                assert_eq!(row.status, *status, "{slug}");
            }
        }
        for status in [401, 404, 405, 406, 413, 415, 429] {
            assert!(TABLE.iter().any(|row| row.status == status), "no problem for {status}");
        }
    }

    #[test]
    fn a_problem_goes_out_as_rfc_9457_with_what_helps() {
        let rejection = Rejection::OutOfStock { sku: "set-1".parse().unwrap(), available: 2 };
        let problem = Problem::from(rejection);
        let json: Value = serde_json::from_slice(&serde_json::to_vec(&problem).unwrap()).unwrap();
        assert_eq!(json["type"], "/problems/out-of-stock");
        assert_eq!(json["status"], 422);
        assert_eq!(json["sku"], "set-1");
        assert_eq!(json["available"], 2);
        let response = Problem::from(Unavailable::DiskFull).into_response();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(response.headers()[header::RETRY_AFTER], "30");
        let response = Problem::new(Kind::TooManyRequests, "wait").with("retry_after_ms", 1_200).into_response();
        assert_eq!(response.headers()[header::RETRY_AFTER], "2", "never earlier than it says");
    }

    #[test]
    fn a_stranger_s_order_and_no_order_are_told_in_the_same_words() {
        let order = "261123-0000000-1-1".parse().unwrap();
        assert_eq!(Problem::from(Rejection::OrderNotFound { order }), Problem::not_found());
    }

    #[test]
    fn the_page_is_what_the_table_says() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/problems.md");
        if std::env::var_os("QUCAN_WRITE_DOCS").is_some() {
            std::fs::write(&path, document()).unwrap();
        }
        let page = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(page == document(), "docs/problems.md is not up to date: run the tests with QUCAN_WRITE_DOCS=1");
    }
}

//! Importing a catalogue over HTTP, as `qucan import` does while the node runs.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::put;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::answer::{self, submit, unexpected};
use super::auth::Operator;
use super::body::{Query, check_content_type, read};
use super::catalog_file::{self, CatalogErrors};
use super::pictures;
use super::problem::{Kind, Problem};
use super::request_id::RequestId;
use crate::domain::catalog::{CatalogImport, ImportSummary};
use crate::domain::command::Command;
use crate::domain::id::Sku;
use crate::engine::answer::Answer;
use crate::engine::views::Views;
use crate::limits::{CATALOG_BODY_TIMEOUT, CATALOG_ERRORS_LISTED_MAX, CATALOG_FILE_BYTES_MAX};
use crate::web::Missing;

/// The catalogue's call.
pub fn routes() -> Router<Arc<AppState>> {
    Router::new().route("/v1/catalog", put(import_catalog))
}

/// How to import.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// Overwrite stock that is already there.
    #[param(default = false)]
    set_stock: Option<bool>,
}

/// What an import changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ImportSummary)]
pub struct ImportSummaryView {
    /// Stores defined or changed.
    pub stores: u32,
    /// Items defined or changed.
    pub items: u32,
    /// Campaigns defined or changed.
    pub campaigns: u32,
    /// Stock declarations applied.
    pub stock: u32,
    /// Stores, items and campaigns withdrawn from sale.
    pub withdrawn: u32,
    /// What is not as it should be but keeps nobody from selling: pictures that can't be had. At most 100 are listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub warnings: Vec<ImportWarning>,
}

/// Something in a catalogue that was imported all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportWarning {
    /// Where in the file, as a JSON pointer.
    #[schema(example = "/items/0/image")]
    pub pointer: String,
    /// What, naming the item.
    pub detail: String,
}

/// Warnings about pictures that can't be had, in the order of the file.
pub fn picture_warnings(items: &[Sku], missing: &[Missing]) -> Vec<ImportWarning> {
    let of = |(index, sku): (usize, &Sku)| {
        let Missing { image, why, .. } = missing.iter().find(|one| one.sku == sku.as_str())?;
        let detail = format!("item {sku} has no picture \"{image}\": {why}");
        Some(ImportWarning { pointer: format!("/items/{index}/image"), detail })
    };
    items.iter().enumerate().filter_map(of).take(CATALOG_ERRORS_LISTED_MAX).collect()
}

impl From<ImportSummary> for ImportSummaryView {
    fn from(summary: ImportSummary) -> Self {
        let ImportSummary { stores, items, campaigns, stock, withdrawn } = summary;
        Self { stores, items, campaigns, stock, withdrawn, warnings: Vec::new() }
    }
}

/// Brings the catalogue to what the file says. A file with any error changes nothing; `errors` lists them.
#[utoipa::path(put, path = "/v1/catalog", tag = "operations", security(("token" = [])), params(ImportQuery),
    request_body(content = Object, description = "A catalogue file, at most 8 MiB"),
    responses((status = 200, description = "What changed", body = ImportSummaryView)))]
pub async fn import_catalog(
    State(state): State<Arc<AppState>>,
    Operator(actor): Operator,
    Query(query): Query<ImportQuery>,
    request_id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    check_content_type(&headers)?;
    let file = read(body, CATALOG_FILE_BYTES_MAX, CATALOG_BODY_TIMEOUT).await?;
    let set_stock = query.set_stock.unwrap_or(false);
    // Megabytes are not parsed on a thread that others wait for.
    let parsed = tokio::task::spawn_blocking(move || catalog_file::parse(&file, set_stock)).await;
    let import = match parsed {
        Ok(Ok(import)) => import,
        Ok(Err(errors)) => return Err(malformed(&errors)),
        Err(error) => {
            tracing::error!(%error, "reading a catalogue ended early");
            return Err(Problem::defect());
        }
    };
    check_quotas(state.engine.views(), &import)?;
    let skus: Vec<Sku> = import.items.iter().map(|item| item.sku.clone()).collect();
    match submit(&state, Command::ImportCatalog(Box::new(import)), actor, request_id).await? {
        Answer::Catalog(summary) => {
            let reading = Arc::clone(&state);
            let read = move || pictures::read(reading.menus.dishes(), reading.engine.views());
            let missing = tokio::task::spawn_blocking(read).await.unwrap_or_else(|error| {
                tracing::error!(%error, "reading the catalogue's pictures ended early");
                Vec::new()
            });
            let warnings = picture_warnings(&skus, &missing);
            Ok(answer::json(StatusCode::OK, &ImportSummaryView { warnings, ..summary.into() }))
        }
        other => Err(unexpected(&other)),
    }
}

fn malformed(errors: &CatalogErrors) -> Problem {
    let listed: Vec<Value> =
        errors.listed.iter().map(|error| json!({"pointer": error.pointer, "detail": error.detail})).collect();
    let first = errors.listed.first().map(|error| format!("{}: {}", error.pointer, error.detail)).unwrap_or_default();
    let detail = format!("{} errors in the catalogue; the first: {first}", errors.total);
    Problem::new(Kind::Malformed, detail).with("errors", listed).with("errors_total", errors.total)
}

/// Every quota below what is claimed already, by pointer. The domain decides again, against what is true then.
fn check_quotas(views: &Views, import: &CatalogImport) -> Result<(), Problem> {
    let wrong = import.campaigns.iter().enumerate().filter_map(|(index, campaign)| {
        let claimed = views.claimed(&campaign.id);
        let detail = format!("{} is below the {claimed} coupons already claimed", campaign.quota);
        (campaign.quota < claimed).then(|| json!({"pointer": format!("/campaigns/{index}/quota"), "detail": detail}))
    });
    let wrong: Vec<Value> = wrong.take(CATALOG_ERRORS_LISTED_MAX).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Problem::new(Kind::InvalidCatalog, "quotas below what is claimed already").with("errors", wrong))
}

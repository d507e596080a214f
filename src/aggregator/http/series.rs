//! Curves: a metric over a window, next to yesterday's or last week's.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{blocking, given, parsed, word};
use crate::aggregator::figures::series::{Compare, Metric, Span, Window, points};
use crate::aggregator::region::Region;
use crate::aggregator::state::Centre;
use crate::api::answer::json;
use crate::api::auth::Operator;
use crate::api::body::Query;
use crate::api::problem::Problem;
use crate::domain::id::RegionId;
use crate::view::Rfc3339;

/// Which curve.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SeriesQuery {
    /// `orders` placed, orders `paid`, `revenue` of the orders paid, orders `rejected`, or mean `wait` from paid to ready.
    metric: String,
    /// `1h` by the minute, `1d` by five minutes, `7d` by the hour.
    window: String,
    /// Next to it the same hours of the `day` before, or of the `week` before.
    compare: Option<String>,
    /// Of one region only.
    region: Option<String>,
}

/// An earlier stretch of the same curve.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ComparedSeries)]
pub struct ComparedView {
    /// `day` or `week`.
    kind: &'static str,
    /// Its first instant.
    #[schema(value_type = String, format = DateTime)]
    from: Rfc3339,
    /// The first instant after it.
    #[schema(value_type = String, format = DateTime)]
    to: Rfc3339,
    /// Its points.
    points: Vec<Option<i64>>,
}

/// A curve.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Series)]
pub struct SeriesView {
    /// What it shows.
    metric: &'static str,
    /// How far back.
    window: &'static str,
    /// Seconds of a point.
    step_seconds: i64,
    /// `orders`, `minor_units` or `seconds`.
    unit: &'static str,
    /// ISO 4217, where it is money.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    currency: Option<String>,
    /// Its first instant.
    #[schema(value_type = String, format = DateTime)]
    from: Rfc3339,
    /// The first instant after it; the last point is of a stretch that is still running.
    #[schema(value_type = String, format = DateTime)]
    to: Rfc3339,
    /// One a step; `null` for a mean of nothing.
    points: Vec<Option<i64>>,
    /// The earlier stretch asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    compare: Option<ComparedView>,
}

/// A metric over time.
#[utoipa::path(get, path = "/v1/series", tag = "headquarters", security(("token" = [])), params(SeriesQuery),
    responses((status = 200, description = "The curve", body = SeriesView)))]
pub async fn get_series(
    State(state): State<Arc<Centre>>,
    _: Operator,
    Query(query): Query<SeriesQuery>,
) -> Result<Response, Problem> {
    let metric = word("metric", &query.metric, &Metric::ALL, Metric::as_str)?;
    let window = word("window", &query.window, &Window::ALL, Window::as_str)?;
    let compare = given(query.compare.as_deref());
    let compare = compare.map(|text| word("compare", text, &Compare::ALL, Compare::as_str)).transpose()?;
    let regions = match parsed::<RegionId>("region", query.region.as_deref())? {
        Some(id) => {
            let unknown = || Problem::malformed("region", format!("there is no region {id}"));
            vec![state.regions.get(&id).ok_or_else(unknown)?]
        }
        None => state.regions.all(),
    };
    let currency = currency_of(&regions, metric)?;
    let now = state.edge.now();
    let made = blocking(move || {
        let figures: Vec<_> = regions.iter().map(|region| region.figures()).collect();
        let points = |span| points(figures.iter().map(|figures| &**figures), metric, span);
        let span = Span::ending(window, now);
        let compare = compare.map(|compare| {
            let span = span.earlier(compare);
            let (from, to) = (Rfc3339(span.from()), Rfc3339(span.to()));
            ComparedView { kind: compare.as_str(), from, to, points: points(span) }
        });
        SeriesView {
            metric: metric.as_str(),
            window: window.as_str(),
            step_seconds: span.step_seconds(),
            unit: metric.unit(),
            currency,
            from: Rfc3339(span.from()),
            to: Rfc3339(span.to()),
            points: points(span),
            compare,
        }
    });
    Ok(json(StatusCode::OK, &made.await?))
}

/// The one currency of money; yuan and dollars are never added up.
fn currency_of(regions: &[Arc<Region>], metric: Metric) -> Result<Option<String>, Problem> {
    if metric != Metric::Revenue {
        return Ok(None);
    }
    let catalogs = regions.iter().map(|region| region.reads().views().catalog());
    let selling = catalogs.filter(|catalog| !catalog.stores.is_empty());
    let mut currencies: Vec<String> = selling.map(|catalog| catalog.currency.as_str().to_owned()).collect();
    currencies.sort();
    currencies.dedup();
    if currencies.len() > 1 {
        let which = currencies.join(", ");
        return Err(Problem::malformed("region", format!("regions have different currencies ({which}): name one")));
    }
    Ok(currencies.pop())
}

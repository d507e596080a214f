//! The HTTP edge in figures: rate, errors and duration by route, and what was shed. Never here: the engine's and the
//! hub's own figures, which are registered beside these.

use std::fmt;

use axum::extract::MatchedPath;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// A route's template. Cheap to clone: the router's own copy, shared.
#[derive(Debug, Clone)]
pub struct Route(Option<MatchedPath>);

impl Route {
    /// Of a request; what has no route is `other`.
    pub fn new(matched: Option<MatchedPath>) -> Self {
        Self(matched)
    }

    /// The template.
    pub fn as_str(&self) -> &str {
        self.0.as_ref().map_or("other", MatchedPath::as_str)
    }
}

impl PartialEq for Route {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Route {}

impl std::hash::Hash for Route {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl EncodeLabelValue for Route {
    fn encode(&self, encoder: &mut LabelValueEncoder) -> Result<(), fmt::Error> {
        self.as_str().encode(encoder)
    }
}

/// Labels of a route.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RouteLabels {
    /// The method; unusual ones are `other`, as clients may invent them.
    pub method: &'static str,
    /// The template.
    pub route: Route,
}

/// Labels of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AnswerLabels {
    /// The method.
    pub method: &'static str,
    /// The template.
    pub route: Route,
    /// HTTP status.
    pub status: u16,
}

/// Labels of a problem.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ProblemLabels {
    /// Its slug.
    pub problem: &'static str,
}

/// What the edge counts.
#[derive(Debug)]
pub struct HttpMetrics {
    /// Requests by route and status.
    pub requests: Family<AnswerLabels, Counter>,
    /// How long the head of the answer took.
    pub duration_seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    /// Problems answered, by type.
    pub problems: Family<ProblemLabels, Counter>,
    /// Requests being worked on.
    pub in_flight: Gauge,
    /// Connections open.
    pub connections: Gauge,
    /// Verified tokens remembered.
    pub tokens_cached: Gauge,
}

impl Default for HttpMetrics {
    fn default() -> Self {
        let buckets: fn() -> Histogram = || Histogram::new(exponential_buckets(0.000_25, 2.0, 16));
        Self {
            requests: Family::default(),
            duration_seconds: Family::new_with_constructor(buckets),
            problems: Family::default(),
            in_flight: Gauge::default(),
            connections: Gauge::default(),
            tokens_cached: Gauge::default(),
        }
    }
}

impl HttpMetrics {
    /// Makes them visible.
    pub fn register(&self, registry: &mut Registry) {
        let http = registry.sub_registry_with_prefix("http");
        http.register("requests", "Requests by route and status", self.requests.clone());
        http.register_with_unit(
            "duration",
            "Time from a request's head to its answer's head",
            Unit::Seconds,
            self.duration_seconds.clone(),
        );
        http.register("problems", "Problems answered, by type", self.problems.clone());
        http.register("in_flight", "Requests being worked on", self.in_flight.clone());
        http.register("connections", "Connections open", self.connections.clone());
        http.register("tokens_cached", "Verified tokens remembered", self.tokens_cached.clone());
    }
}

/// A method as a label.
pub fn method_label(method: &axum::http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

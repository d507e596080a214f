//! What every request passes first and last: its id, admission, the refusal of encoded bodies, figures, a line in the log
//! where a person should look. Never here: routes.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;

use super::admission::{Class, Place};
use super::edge::{AtTheEdge, Edge};
use super::metrics::{AnswerLabels, ProblemLabels, Route, RouteLabels, method_label};
use super::problem::{Answered, Kind, Problem};
use super::request_id::{self, RequestId};
use super::server::{ClientAddress, Peer};

/// Where a request comes from, behind the proxies that are trusted; in every request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client(pub IpAddr);

/// The outermost layer.
pub async fn front<S: AtTheEdge>(State(state): State<Arc<S>>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let edge = state.edge();
    let id = RequestId::of(request.headers());
    let method = method_label(request.method());
    let route = Route::new(request.extensions().get::<MatchedPath>().cloned());
    let client = client(edge, &request);
    request.extensions_mut().insert(id.clone());
    if let Some(client) = client {
        request.extensions_mut().insert(Client(client));
    }
    let mut response = match admit(edge, &request, &route, client) {
        Ok(place) => {
            let response = answered(next.run(request)).await;
            drop(place);
            response
        }
        Err(problem) => problem.into_response(),
    };
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(request_id::HEADER, value);
    }
    let status = response.status().as_u16();
    let metrics = &edge.metrics;
    metrics.requests.get_or_create(&AnswerLabels { method, route: route.clone(), status }).inc();
    if let Some(Answered(kind)) = response.extensions().get() {
        metrics.problems.get_or_create(&ProblemLabels { problem: kind.row().slug }).inc();
    }
    let seconds = began.elapsed().as_secs_f64();
    if status >= 500 && status != 503 {
        tracing::error!(request_id = %id.0, method, route = route.as_str(), status, seconds, "a request failed");
    } else {
        tracing::debug!(request_id = %id.0, method, route = route.as_str(), status, seconds, "request");
    }
    metrics.duration_seconds.get_or_create(&RouteLabels { method, route }).observe(seconds);
    response
}

/// A handler's answer, also where it panics; the panic itself is on stderr already, with its place.
async fn answered(handler: impl Future<Output = Response>) -> Response {
    let ran = AssertUnwindSafe(handler).catch_unwind().await;
    ran.unwrap_or_else(|_| Problem::defect().into_response())
}

fn admit(edge: &Edge, request: &Request, route: &Route, client: Option<IpAddr>) -> Result<Place, Problem> {
    let class = Class::of(request.method(), route.as_str());
    let place = edge.admission.admit(class, client.map(ClientAddress::from))?;
    if request.headers().contains_key(header::CONTENT_ENCODING) {
        return Err(Problem::new(Kind::UnsupportedMediaType, "a content encoding is not taken; send it plain"));
    }
    Ok(place)
}

/// The nearest address that is not one of our own proxies.
fn client(edge: &Edge, request: &Request) -> Option<IpAddr> {
    let peer = request.extensions().get::<Peer>()?.0.ip().to_canonical();
    let trusted = |address: IpAddr| edge.limits.trusted_proxies.iter().any(|network| network.contains(address));
    if !trusted(peer) {
        return Some(peer);
    }
    Some(forwarded(request.headers()).find(|address| !trusted(*address)).unwrap_or(peer))
}

/// The addresses of `X-Forwarded-For`, nearest first; what is not an address ends the list.
fn forwarded(headers: &HeaderMap) -> impl Iterator<Item = IpAddr> {
    let lines: Vec<&str> = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
    lines
        .into_iter()
        .rev()
        .flat_map(|line| line.rsplit(','))
        .map_while(|text| text.trim().parse::<IpAddr>().ok())
        .map(|address| address.to_canonical())
        .collect::<Vec<_>>()
        .into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_in_a_handler_is_an_answer() {
        let response = answered(async { panic!("on purpose") }).await;
        assert_eq!(response.status(), 500);
    }

    #[test]
    fn forwarded_addresses_are_read_from_the_nearest() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "1.1.1.1, 2.2.2.2".parse().unwrap());
        headers.append("x-forwarded-for", "unknown, ::ffff:3.3.3.3,4.4.4.4".parse().unwrap());
        let seen: Vec<String> = forwarded(&headers).map(|address| address.to_string()).collect();
        assert_eq!(seen, ["4.4.4.4", "3.3.3.3"], "nothing behind what is not an address is believed");
    }
}

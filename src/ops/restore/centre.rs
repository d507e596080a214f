//! The aggregator as a restore asks it: an epoch, the log page by page, a snapshot where the log begins later. Everything is
//! asked again a few times when the line breaks.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use qucan_storage::Epoch;
use serde::Deserialize;

use crate::config::ReplicationConfig;
use crate::limits::{RESTORE_PAGE_BYTES_MAX, RESTORE_SNAPSHOT_BYTES_MAX};

/// How often a call is made before a restore gives up.
const ATTEMPTS_MAX: u32 = 5;
/// Between two of them.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the aggregator may say nothing.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// The aggregator does not give what is needed.
#[derive(Debug, thiserror::Error)]
pub(super) enum CentreError {
    #[error("{0}: not an address such as https://aggregator.example")]
    Address(String),
    #[error("{0}")]
    Tls(String),
    #[error("{path}: {why}")]
    Call { path: String, why: String },
    #[error("{path}: the aggregator answered {status}: {detail}")]
    Refused { path: String, status: StatusCode, detail: String },
    #[error("{path}: the answer is not what this version expects: {why}")]
    Answer { path: String, why: &'static str },
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: std::io::Error },
}

/// A piece of the log.
pub(super) enum Fetched {
    /// Groups in order.
    Page { groups: Vec<Bytes>, is_last: bool },
    /// The log begins later: with a snapshot.
    Trimmed,
}

/// The aggregator, for one region.
pub(super) struct Centre {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: String,
    region: String,
    token: String,
}

#[derive(Deserialize)]
struct Granted {
    epoch: u32,
}

impl Centre {
    pub(super) fn new(url: &str, region: &str, replication: &ReplicationConfig) -> Result<Self, CentreError> {
        let is_http = url.parse::<Uri>().is_ok_and(|uri| {
            uri.authority().is_some() && uri.scheme_str().is_some_and(|scheme| ["http", "https"].contains(&scheme))
        });
        if !is_http {
            return Err(CentreError::Address(url.to_owned()));
        }
        let tls = qucan_replication::line::platform_tls(replication.ca.as_deref());
        let tls = tls.map_err(|error| CentreError::Tls(error.to_string()))?;
        let connector =
            HttpsConnectorBuilder::new().with_tls_config((*tls).clone()).https_or_http().enable_http1().build();
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            base: url.trim_end_matches('/').to_owned(),
            region: region.to_owned(),
            token: replication.token.reveal().to_owned(),
        })
    }

    /// The next epoch. Asked once: each grant is another epoch.
    pub(super) async fn grant(&self) -> Result<Epoch, CentreError> {
        let path = format!("/v1/regions/{}/epoch", self.region);
        let response = self.call(Method::POST, &path).await?;
        let body = self.body(&path, response).await?;
        let granted: Granted =
            serde_json::from_slice(&body).map_err(|_| CentreError::Answer { path, why: "no epoch in it" })?;
        Ok(Epoch(granted.epoch))
    }

    /// What follows `after` in the log, up to a page.
    pub(super) async fn log(&self, after: u64) -> Result<Fetched, CentreError> {
        let path = format!("/v1/regions/{}/log?after={after}", self.region);
        self.insist(async || {
            let response = match self.call(Method::GET, &path).await {
                Err(CentreError::Refused { status: StatusCode::GONE, .. }) => return Ok(Fetched::Trimmed),
                answered => answered?,
            };
            let is_last = response.headers().get("qucan-end").is_some_and(|end| end == "true");
            let body = self.body(&path, response).await?;
            Ok(Fetched::Page { groups: cut(&path, body)?, is_last })
        })
        .await
    }

    /// The newest snapshot, in a file of its own in a directory.
    pub(super) async fn snapshot(&self, directory: &Path) -> Result<(), CentreError> {
        let path = format!("/v1/regions/{}/snapshot", self.region);
        self.insist(async || {
            let response = self.call(Method::GET, &path).await?;
            let sequence =
                response.headers().get("qucan-last-sequence").and_then(|value| value.to_str().ok()?.parse().ok());
            let sequence: u64 =
                sequence.ok_or_else(|| CentreError::Answer { path: path.clone(), why: "no sequence in its head" })?;
            // Under the name that a snapshot of this position has.
            let to = directory.join(format!("{sequence:020}.snap"));
            let failed = |error| CentreError::File { path: to.clone(), error };
            std::fs::create_dir_all(directory).map_err(failed)?;
            let mut file = std::fs::File::create(&to).map_err(failed)?;
            let mut body = Limited::new(response.into_body(), RESTORE_SNAPSHOT_BYTES_MAX);
            while let Some(frame) = within(&path, body.frame()).await? {
                let frame = frame.map_err(|error| CentreError::Call { path: path.clone(), why: error.to_string() })?;
                if let Some(bytes) = frame.data_ref() {
                    file.write_all(bytes).map_err(failed)?;
                }
            }
            Ok(())
        })
        .await
    }

    /// Tries again while the line breaks or the aggregator is busy.
    async fn insist<T>(&self, mut attempt: impl AsyncFnMut() -> Result<T, CentreError>) -> Result<T, CentreError> {
        let mut attempts = 1;
        loop {
            match attempt().await {
                Err(CentreError::Call { .. }) if attempts < ATTEMPTS_MAX => {}
                Err(CentreError::Refused { status, .. }) if status.is_server_error() && attempts < ATTEMPTS_MAX => {}
                ended => return ended,
            }
            attempts += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn call(&self, method: Method, path: &str) -> Result<Response<Incoming>, CentreError> {
        let failed = |why: String| CentreError::Call { path: path.to_owned(), why };
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .body(Full::default())
            .map_err(|error| failed(error.to_string()))?;
        let response = within(path, self.client.request(request)).await?.map_err(|error| failed(chain(&error)))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = self.body(path, response).await.unwrap_or_default();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let detail = problem.get("detail").and_then(|detail| detail.as_str()).unwrap_or("no reason given").to_owned();
        Err(CentreError::Refused { path: path.to_owned(), status, detail })
    }

    async fn body(&self, path: &str, response: Response<Incoming>) -> Result<Bytes, CentreError> {
        let body = within(path, Limited::new(response.into_body(), RESTORE_PAGE_BYTES_MAX).collect()).await?;
        let body = body.map_err(|error| CentreError::Call { path: path.to_owned(), why: error.to_string() })?;
        Ok(body.to_bytes())
    }
}

async fn within<T>(path: &str, answer: impl Future<Output = T>) -> Result<T, CentreError> {
    let answered = tokio::time::timeout(SILENCE_MAX, answer).await;
    answered.map_err(|_| CentreError::Call {
        path: path.to_owned(),
        why: format!("no answer within {} s", SILENCE_MAX.as_secs()),
    })
}

/// An error with its causes: "client error (Connect)" alone helps nobody.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Groups, each with its length in four bytes before it.
fn cut(path: &str, mut body: Bytes) -> Result<Vec<Bytes>, CentreError> {
    let wrong = || CentreError::Answer { path: path.to_owned(), why: "a group is cut short" };
    let mut groups = Vec::new();
    while !body.is_empty() {
        let length = body.first_chunk::<4>().map(|bytes| u32::from_le_bytes(*bytes)).ok_or_else(wrong)?;
        let end = usize::try_from(length).ok().and_then(|length| length.checked_add(4)).ok_or_else(wrong)?;
        if end > body.len() {
            return Err(wrong());
        }
        groups.push(body.split_to(end).slice(4..));
    }
    Ok(groups)
}

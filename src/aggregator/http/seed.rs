//! What a lost node needs to begin again: an epoch, the log, a snapshot where the log begins later. With the region's token.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::stream::unfold;
use qucan_storage::Sequence;
use qucan_storage::log::ReadError;
use qucan_storage::snapshot::SnapshotInfo;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use utoipa::{IntoParams, ToSchema};

use super::blocking;
use super::region_token::OwnRegion;
use crate::aggregator::region::Region;
use crate::aggregator::state::Centre;
use crate::api::accept::takes;
use crate::api::answer::json;
use crate::api::body::{NoQuery, Nothing, OptionalJsonBody, Query};
use crate::api::problem::{Kind, Problem};
use crate::limits::{LOG_PAGE_BYTES_DEFAULT, LOG_PAGE_BYTES_MAX, SNAPSHOT_PIECE_BYTES};

const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");
const EPOCH: HeaderName = HeaderName::from_static("qucan-epoch");
const LAST: HeaderName = HeaderName::from_static("qucan-last-sequence");
const END: HeaderName = HeaderName::from_static("qucan-end");

/// From where to read.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogQuery {
    /// The epoch granted last, as the caller knows it: 410 where it is another one by now.
    epoch: Option<u32>,
    /// The last entry that the caller has; 0 begins.
    after: u64,
    /// Bytes after which the page ends; one group always fits.
    #[param(minimum = 1, maximum = 16_777_216, default = 4_194_304)]
    limit_bytes: Option<usize>,
}

/// A page of the region's log: groups as the node wrote them, each with its length before it (u32, little endian).
#[utoipa::path(get, path = "/v1/regions/{region}/log", tag = "regions", security(("region_token" = [])),
    params(("region" = String, Path, description = "The region"), LogQuery),
    responses((status = 200, description = "Groups, each with its length in four bytes before it", body = Vec<u8>,
               content_type = "application/octet-stream",
               headers(("qucan-epoch" = u32, description = "The epoch granted last"),
                       ("qucan-last-sequence" = u64, description = "The last entry on the page; `after` where there is none"),
                       ("qucan-end" = bool, description = "Whether there was no more")))))]
pub async fn read_log(
    State(state): State<Arc<Centre>>,
    OwnRegion(region): OwnRegion,
    Query(query): Query<LogQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    check_accept(&headers)?;
    let bytes_max = query.limit_bytes.unwrap_or(LOG_PAGE_BYTES_DEFAULT);
    if !(1..=LOG_PAGE_BYTES_MAX).contains(&bytes_max) {
        return Err(Problem::malformed(
            "limit_bytes",
            format!("{bytes_max} is not between 1 and {LOG_PAGE_BYTES_MAX}"),
        ));
    }
    let epoch = region.replica().epoch().0;
    if query.epoch.is_some_and(|known| known != epoch) {
        return Err(Problem::new(Kind::Gone, format!("epoch {epoch} was granted meanwhile")));
    }
    let permit = permit(&state.seedings)?;
    let after = Sequence(query.after);
    let page = blocking(move || Page::read(&region, after, bytes_max)).await??;
    let fields = [
        (header::CONTENT_TYPE, OCTETS),
        (EPOCH, HeaderValue::from(epoch)),
        (LAST, HeaderValue::from(page.last)),
        (END, HeaderValue::from_static(if page.is_end { "true" } else { "false" })),
    ];
    // The page is bounded, and so is the number of pages that wait for a slow reader: the permit goes with the body.
    let body = unfold((page.bytes, permit), |(mut rest, permit)| async move {
        let piece = rest.split_to(rest.len().min(SNAPSHOT_PIECE_BYTES));
        (!piece.is_empty()).then_some((Ok::<_, std::convert::Infallible>(piece), (rest, permit)))
    });
    let mut response = Response::new(Body::from_stream(body));
    response.headers_mut().extend(fields);
    Ok(response)
}

struct Page {
    bytes: Bytes,
    last: u64,
    is_end: bool,
}

impl Page {
    fn read(region: &Region, after: Sequence, bytes_max: usize) -> Result<Self, Problem> {
        let replica = region.replica();
        let end = replica.received().sequence;
        if after.next() < replica.first() {
            let first = replica.first();
            return Err(Problem::new(Kind::Gone, format!("the log begins at {first}: begin with the snapshot")));
        }
        if after > end {
            return Err(Problem::new(Kind::Gone, format!("the log ends at {end}")));
        }
        let (mut bytes, mut last) = (Vec::new(), after.0);
        if after < end {
            let failed = |error: ReadError| match error {
                ReadError::Trimmed { .. } => Problem::new(Kind::Gone, error.to_string()),
                _ => {
                    region.replica().could_not_read(&error);
                    tracing::error!(region = %region.id(), %error, "a region's log can't be read");
                    Problem::new(Kind::StorageFailed, error.to_string())
                }
            };
            let mut reader = replica.reader(after).map_err(failed)?;
            while bytes.len() < bytes_max {
                let Some(group) = reader.next(end).map_err(failed)? else { break };
                let raw = group.raw();
                // Room for one more, or the first one whatever its size.
                if !bytes.is_empty() && bytes.len() + raw.len() > bytes_max {
                    break;
                }
                let length = u32::try_from(raw.len()).unwrap_or(u32::MAX);
                bytes.extend_from_slice(&length.to_le_bytes());
                bytes.extend_from_slice(raw);
                last = group.last().0;
            }
        }
        Ok(Self { bytes: bytes.into(), last, is_end: last >= end.0 })
    }
}

/// The region's snapshot to begin with, as the file is: the one with which its log begins, the newest where the log is whole.
#[utoipa::path(get, path = "/v1/regions/{region}/snapshot", tag = "regions", security(("region_token" = [])),
    params(("region" = String, Path, description = "The region")),
    responses((status = 200, description = "The file", body = Vec<u8>, content_type = "application/octet-stream",
               headers(("qucan-epoch" = u32, description = "The snapshot's epoch"),
                       ("qucan-last-sequence" = u64, description = "The last entry that is in it")))))]
pub async fn read_snapshot(
    State(state): State<Arc<Centre>>,
    OwnRegion(region): OwnRegion,
    _: NoQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    check_accept(&headers)?;
    let permit = permit(&state.seedings)?;
    let asked = Arc::clone(&region);
    let newest = blocking(move || asked.replica().seed_file()).await?;
    let newest = newest.map_err(|error| {
        tracing::error!(region = %region.id(), %error, "a region's snapshots can't be read");
        Problem::new(Kind::StorageFailed, error.to_string())
    })?;
    let info = newest.ok_or_else(|| Problem::new(Kind::NotFound, "there is no snapshot of this region"))?;
    let fields = [
        (header::CONTENT_TYPE, OCTETS),
        (header::CONTENT_LENGTH, HeaderValue::from(info.bytes)),
        (EPOCH, HeaderValue::from(info.epoch.0)),
        (LAST, HeaderValue::from(info.position.sequence.0)),
    ];
    let file = Sending { region, info, offset: 0, _permit: permit };
    let body = unfold(file, |mut file| async move {
        let piece = file.next().await?;
        Some((piece, file))
    });
    let mut response = Response::new(Body::from_stream(body));
    response.headers_mut().extend(fields);
    Ok(response)
}

/// A snapshot on its way out, piece by piece.
struct Sending {
    region: Arc<Region>,
    info: SnapshotInfo,
    offset: u64,
    _permit: OwnedSemaphorePermit,
}

impl Sending {
    async fn next(&mut self) -> Option<Result<Bytes, std::io::Error>> {
        if self.offset >= self.info.bytes {
            return None;
        }
        let (region, info, offset) = (Arc::clone(&self.region), self.info.clone(), self.offset);
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = Vec::with_capacity(SNAPSHOT_PIECE_BYTES);
            region.replica().read_snapshot(&info, offset, SNAPSHOT_PIECE_BYTES, &mut piece).map(|()| piece)
        });
        // An answer that breaks off is noticed: its length was told.
        let piece = match read.await {
            Ok(Ok(piece)) if !piece.is_empty() => piece,
            Ok(Ok(_)) => return Some(Err(std::io::ErrorKind::UnexpectedEof.into())),
            Ok(Err(error)) => return Some(Err(std::io::Error::other(error.to_string()))),
            Err(error) => return Some(Err(std::io::Error::other(error))),
        };
        self.offset += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        Some(Ok(piece.into()))
    }
}

/// An epoch that was granted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GrantedEpoch)]
pub struct GrantedView {
    /// The region.
    region: String,
    /// Its epoch from now on.
    epoch: u32,
}

/// Grants the region's next epoch to whoever restores it: nodes of earlier epochs are refused from then on.
#[utoipa::path(post, path = "/v1/regions/{region}/epoch", tag = "regions", security(("region_token" = [])),
    params(("region" = String, Path, description = "The region")),
    responses((status = 200, description = "Granted", body = GrantedView)))]
pub async fn grant_epoch(
    State(_): State<Arc<Centre>>,
    OwnRegion(region): OwnRegion,
    _: NoQuery,
    _: OptionalJsonBody<Nothing>,
) -> Result<Response, Problem> {
    let granting = Arc::clone(&region);
    let granted = blocking(move || granting.grant_next()).await?;
    let epoch = granted.map_err(|error| {
        tracing::error!(region = %region.id(), %error, "an epoch could not be granted");
        Problem::new(Kind::StorageFailed, error.to_string())
    })?;
    Ok(json(StatusCode::OK, &GrantedView { region: region.id().to_string(), epoch: epoch.0 }))
}

fn check_accept(headers: &HeaderMap) -> Result<(), Problem> {
    if takes(headers, "application", "octet-stream") {
        return Ok(());
    }
    Err(Problem::new(Kind::NotAcceptable, "this path answers application/octet-stream only"))
}

fn permit(seedings: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Problem> {
    let taken = Arc::clone(seedings).try_acquire_owned();
    taken.map_err(|_| Problem::new(Kind::Overloaded, "too many logs and snapshots are being sent"))
}

//! `qucan import`: brings a region's catalogue to what a file says, whether its node runs (over HTTP, as an operator) or not
//! (the data directory is opened for a moment). Every error of the file is listed with its JSON pointer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use qucan_storage::DirectoryError;

use super::configuration::{self, Environment};
use super::console;
use crate::api::auth::{Authenticator, Role, TokenRequest, key_set};
use crate::api::catalog::{ImportSummaryView, ImportWarning, picture_warnings};
use crate::api::pictures;
use crate::config::NodeConfig;
use crate::domain::actor::Actor;
use crate::domain::catalog::CatalogImport;
use crate::domain::command::Command;
use crate::domain::id::Sku;
use crate::engine::answer::{self, Answer};
use crate::engine::clock::SystemClock;
use crate::engine::{Engine, OpenError};
use crate::node;
use crate::web::Dishes;

/// Imports a catalogue
#[derive(Debug, Clone, clap::Args)]
pub struct ImportArgs {
    /// The node's configuration
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The catalogue
    #[arg(long, value_name = "FILE")]
    pub catalog: PathBuf,
    /// Overwrite stock that is already there
    #[arg(long)]
    pub set_stock: bool,
    /// Print what changed as JSON
    #[arg(long)]
    pub json: bool,
}

/// Largest answer that is read from the node.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// How long the node may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// Runs the command.
pub fn run(args: &ImportArgs, environment: Environment) -> ExitCode {
    let Some(config) = configuration::load_node(args.config.as_deref(), environment) else { return console::misused() };
    // Read first: a broken file is told the same whether the node runs or not.
    let import = match node::read_catalog(&args.catalog, args.set_stock) {
        Ok(import) => import,
        Err(error) => {
            console::say(error);
            return console::failed();
        }
    };
    match apply(args, &config, import) {
        Ok(summary) => {
            for ImportWarning { pointer, detail } in &summary.warnings {
                console::say(format_args!("warning: {pointer}: {detail}"));
            }
            let text = if args.json { serde_json::to_string(&summary).unwrap_or_default() } else { words(&summary) };
            let _closed = console::result(text);
            console::FINE
        }
        Err(why) => {
            console::say(format_args!("qucan import: {why}"));
            console::failed()
        }
    }
}

fn words(summary: &ImportSummaryView) -> String {
    let ImportSummaryView { stores, items, campaigns, stock, withdrawn, warnings: _ } = summary;
    format!(
        "imported: {stores} stores, {items} items, {campaigns} campaigns and {stock} stock lines are new or changed, \
         {withdrawn} withdrawn"
    )
}

fn apply(args: &ImportArgs, config: &NodeConfig, import: CatalogImport) -> Result<ImportSummaryView, String> {
    let options = node::engine_options(config, Arc::new(SystemClock));
    match Engine::open(options) {
        Ok(engine) => offline(engine, import, config),
        Err(OpenError::Directory(DirectoryError::InUse { .. })) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| error.to_string())?;
            runtime.block_on(over_http(args, config))
        }
        Err(error) => Err(error.to_string()),
    }
}

fn offline(engine: Engine, import: CatalogImport, config: &NodeConfig) -> Result<ImportSummaryView, String> {
    let skus: Vec<Sku> = import.items.iter().map(|item| item.sku.clone()).collect();
    let request = answer::Request {
        command: Command::ImportCatalog(Box::new(import)),
        actor: Actor::Operator { subject: "import".into() },
        request_id: "import".into(),
        device: None,
    };
    let handle = engine.handle();
    let answer = handle.submit_blocking(request);
    // Read only to say what the node won't find when it starts.
    let missing = pictures::read(&Dishes::new(config.pictures_dir.clone()), handle.views());
    engine.stop().map_err(|error| error.to_string())?;
    match answer {
        Ok(Answer::Catalog(summary)) => {
            Ok(ImportSummaryView { warnings: picture_warnings(&skus, &missing), ..summary.into() })
        }
        Ok(_) => Err("the engine answered another question".to_owned()),
        Err(refusal) => Err(refusal.to_string()),
    }
}

async fn over_http(args: &ImportArgs, config: &NodeConfig) -> Result<ImportSummaryView, String> {
    let keys = key_set(&config.auth, config.mode, &config.data_dir).map_err(|error| error.to_string())?;
    let authenticator = Authenticator::new(keys, Some(config.region.clone()), Arc::new(SystemClock), 1);
    let token = authenticator.issue(&TokenRequest {
        role: Role::Operator,
        subject: "import".to_owned(),
        store: None,
        ttl: ANSWER_WITHIN * 2,
    });
    let token = token
        .map_err(|error| format!("the node runs, and {error}; import with an operator's token: PUT /v1/catalog"))?;
    let body = std::fs::read(&args.catalog).map_err(|error| format!("{}: {error}", args.catalog.display()))?;
    let address = config.listen.first().copied().map(reachable).ok_or("the node has no address")?;
    let query = if args.set_stock { "?set_stock=true" } else { "" };
    let request = Request::put(format!("/v1/catalog{query}"))
        .header(header::HOST, address.to_string())
        .header(header::AUTHORIZATION, format!("Bearer {}", token.token))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| error.to_string())?;
    let (status, answer) = tokio::time::timeout(ANSWER_WITHIN, exchange(address, request))
        .await
        .map_err(|_| format!("the node at {address} took more than {} s", ANSWER_WITHIN.as_secs()))?
        .map_err(|error| format!("the node at {address}: {error}"))?;
    if status != StatusCode::OK {
        return Err(format!("the node refused it: {status}: {}", String::from_utf8_lossy(&answer)));
    }
    serde_json::from_slice(&answer).map_err(|error| format!("the node's answer can't be read: {error}"))
}

/// Where a node that listens everywhere is reached from here.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        let loopback =
            if address.is_ipv4() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { IpAddr::V6(Ipv6Addr::LOCALHOST) };
        address.set_ip(loopback);
    }
    address
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn exchange(address: SocketAddr, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), Failure> {
    let socket = tokio::net::TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await?;
    let connection = tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await?.to_bytes();
    connection.abort();
    Ok((status, body))
}

//! A region in process: a real engine on a real directory, a real hub, a real socket. Only tokens are short-hand:
//! `customer:NAME`, `store:STORE`, `operator`, each with an optional life in milliseconds after `@`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use qucan::api::catalog_file;
use qucan::domain::actor::Actor;
use qucan::domain::command::{Command, PlaceOrder, RequestedLine};
use qucan::domain::id::{OrderId, StoreId};
use qucan::domain::order::Order;
use qucan::domain::time::Millis;
use qucan::engine::answer::{Answer, Refusal, Request as Wish};
use qucan::engine::{Engine, EngineOptions, Handle};
use qucan::push::{Authenticate, Authenticated, HandshakeError, Push, PushOptions};
use qucan::websocket::NotASocket;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub const STORE: &str = "sh-001";
pub const OTHER_STORE: &str = "sh-002";

pub struct Region {
    pub engine: Handle,
    pub push: Push,
    pub address: SocketAddr,
    running: Option<Engine>,
    directory: Option<TempDir>,
    server: tokio::task::JoinHandle<()>,
}

/// Options whose times are short enough for a test and long enough for a busy machine.
pub fn options() -> PushOptions {
    PushOptions {
        heartbeat: Duration::from_secs(20),
        drain_linger: Duration::from_millis(50),
        ..PushOptions::default()
    }
}

impl Region {
    pub async fn start(options: PushOptions) -> Self {
        Self::start_in(TempDir::new().unwrap(), options, |_| {}).await
    }

    pub async fn start_with(options: PushOptions, tune: impl FnOnce(&mut EngineOptions)) -> Self {
        Self::start_in(TempDir::new().unwrap(), options, tune).await
    }

    async fn start_in(directory: TempDir, options: PushOptions, tune: impl FnOnce(&mut EngineOptions)) -> Self {
        let mut engine_options = EngineOptions::new(directory.path(), "east".parse().unwrap());
        engine_options.settings.open_orders_per_member_max = None;
        engine_options.grace = Millis(0);
        tune(&mut engine_options);
        let running = tokio::task::spawn_blocking(|| Engine::open(engine_options).unwrap()).await.unwrap();
        let engine = running.handle();
        let push = Push::start(engine.clone(), options);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve(listener, push.clone(), engine.clone()));
        let region = Self { engine, push, address, running: Some(running), directory: Some(directory), server };
        let catalog = catalog_file::parse(include_bytes!("../../examples/catalog-east.json"), false).unwrap();
        region.ask(Actor::Node, Command::ImportCatalog(Box::new(catalog))).await.unwrap();
        region
    }

    /// Stops the node as a restart does: clients are drained, the engine stops cleanly.
    pub async fn stop(mut self) -> TempDir {
        self.push.drain(Duration::from_secs(5)).await;
        self.server.abort();
        let running = self.running.take().unwrap();
        tokio::task::spawn_blocking(|| running.stop().unwrap()).await.unwrap();
        self.directory.take().unwrap()
    }

    pub async fn restart(self, options: PushOptions) -> Self {
        let directory = self.stop().await;
        Self::start_in(directory, options, |_| {}).await
    }

    pub async fn ask(&self, actor: Actor, command: Command) -> Result<Answer, Refusal> {
        self.engine.submit(Wish { command, actor, request_id: "test".into(), device: None }).await
    }

    async fn order(&self, actor: Actor, command: Command) -> Arc<Order> {
        match self.ask(actor, command).await.unwrap() {
            Answer::Order { order, .. } => order,
            other => panic!("{other:?}"),
        }
    }

    pub async fn place(&self, member: &str, store: &str, key: &str) -> Arc<Order> {
        self.place_lines(member, store, key, 1, None).await
    }

    pub async fn place_lines(
        &self,
        member: &str,
        store: &str,
        key: &str,
        lines: usize,
        note: Option<String>,
    ) -> Arc<Order> {
        let line = RequestedLine { sku: "drink-plum".parse().unwrap(), quantity: 1, options: vec![] };
        let order = PlaceOrder {
            member: member.parse().unwrap(),
            store: store.parse().unwrap(),
            lines: vec![line; lines],
            coupon: None,
            note: note.map(Into::into),
            expected_total: None,
            key: key.parse().unwrap(),
        };
        self.order(Actor::Customer(member.parse().unwrap()), Command::PlaceOrder(Box::new(order))).await
    }

    pub async fn pay(&self, order: &Order) -> Arc<Order> {
        let command = Command::RecordPayment {
            order: order.id,
            provider: "sandbox".into(),
            reference: format!("pay-{}", order.id).parse().unwrap(),
            amount: order.payable,
        };
        self.order(Actor::Provider, command).await
    }

    pub async fn accept(&self, order: OrderId) -> Arc<Order> {
        self.order(pos(), Command::AcceptOrder { order, pickup_code: None }).await
    }

    pub async fn ready(&self, order: OrderId) -> Arc<Order> {
        self.order(pos(), Command::MarkReady { order }).await
    }

    pub async fn collected(&self, order: OrderId) -> Arc<Order> {
        self.order(pos(), Command::MarkCollected { order }).await
    }

    /// An order's whole life in five events.
    pub async fn whole_life(&self, member: &str, store: &str, key: &str) -> Arc<Order> {
        let order = self.place(member, store, key).await;
        self.pay(&order).await;
        self.accept(order.id).await;
        self.ready(order.id).await;
        self.collected(order.id).await
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn pos() -> Actor {
    Actor::Operator { subject: "pos".into() }
}

async fn serve(listener: TcpListener, push: Push, engine: Handle) {
    let mut connections = JoinSet::new();
    while let Ok((stream, peer)) = listener.accept().await {
        let tokens: Arc<dyn Authenticate> = Arc::new(Tokens(engine.clone()));
        connections.spawn(connection(stream, peer, push.clone(), tokens));
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, push: Push, tokens: Arc<dyn Authenticate>) {
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        let upgrade = request.extensions_mut().remove();
        let answer = push.upgrade(request.headers(), upgrade, peer.ip(), Arc::clone(&tokens));
        let response = answer.map_or_else(refuse, |response| response.map(|()| Empty::<Bytes>::new()));
        async { Ok::<_, std::convert::Infallible>(response) }
    });
    let http = hyper::server::conn::http1::Builder::new();
    let _ = http.serve_connection(TokioIo::new(stream), service).with_upgrades().await;
}

fn refuse(error: HandshakeError) -> Response<Empty<Bytes>> {
    let status = match error {
        HandshakeError::NotASocket(NotASocket::UpgradeRequired) => StatusCode::UPGRADE_REQUIRED,
        HandshakeError::NotASocket(NotASocket::Malformed(_)) => StatusCode::BAD_REQUEST,
        HandshakeError::NotAuthenticated(_) => StatusCode::UNAUTHORIZED,
        HandshakeError::TooManyOfAddress => StatusCode::TOO_MANY_REQUESTS,
        HandshakeError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut response = Response::new(Empty::new());
    *response.status_mut() = status;
    response
}

struct Tokens(Handle);

impl Authenticate for Tokens {
    fn authenticate(&self, token: &str) -> Result<Authenticated, String> {
        let (token, life) = token.split_once('@').unwrap_or((token, "600000"));
        let life = Millis(life.parse().map_err(|_| "no number".to_owned())?);
        let (role, name) = token.split_once(':').unwrap_or((token, ""));
        let actor = match role {
            "customer" => Actor::Customer(name.parse().map_err(|_| "no member".to_owned())?),
            "store" => {
                let store: StoreId = name.parse().map_err(|_| "no store".to_owned())?;
                Actor::Store { store, subject: "pos-1".into() }
            }
            "operator" => Actor::Operator { subject: "op".into() },
            _ => return Err("no such role".to_owned()),
        };
        Ok(Authenticated { actor, expires_at: self.0.now().plus(life) })
    }
}

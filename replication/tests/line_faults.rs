//! `ship` and `serve` over real sockets: what goes wrong on the way, and how soon it is noticed.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may stop where it fails"
)]

mod doubles;
mod sockets;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use doubles::{Dice, lock};
use futures_util::{SinkExt, StreamExt};
use qucan_replication::Point;
use qucan_replication::frame::Message;
use qucan_replication::line::platform_tls;
use sockets::proxy::Proxy;
use sockets::{Region, TOKEN, World, accept, quick, until};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite;

type Fake = WebSocketStream<TcpStream>;

/// One connection of a centre that the test plays itself.
async fn fake(listener: &TcpListener) -> Fake {
    accept(listener.accept().await.unwrap().0).await.unwrap()
}

async fn hear(socket: &mut Fake) -> Message {
    loop {
        if let tungstenite::Message::Binary(bytes) = socket.next().await.unwrap().unwrap() {
            return Message::decode(&bytes).unwrap();
        }
    }
}

async fn say(socket: &mut Fake, bytes: Bytes) {
    socket.send(tungstenite::Message::Binary(bytes)).await.unwrap();
}

fn welcome() -> Bytes {
    let heartbeat = Duration::from_millis(20);
    Message::Welcome { from: Point::ORIGIN, epoch: 1, window: 8 << 20, heartbeat }.encode()
}

/// A region on its way to a listener of the test's own.
async fn region_and_listener() -> (Region, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut region = Region::new();
    region.ship(quick(listener.local_addr().unwrap().port()));
    (region, listener)
}

async fn error_says(region: &Region, words: &str) {
    until(words, || region.status.read().last_error.is_some_and(|text| text.contains(words))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_token_is_refused_in_words() {
    let mut world = World::new();
    let mut options = quick(world.serve().await);
    options.token = "another".into();
    let mut region = Region::new();
    region.ship(options);
    until("refused", || region.status.read().refused.is_some()).await;
    let reading = region.status.read();
    let expected = "the centre answered HTTP 401 Unauthorized: the region's token is not accepted";
    assert_eq!(reading.refused.as_deref(), Some(expected));
    assert_eq!(reading.connects, 0);
    until("it is tried again", || region.status.read().failed_attempts > 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn urls_that_lead_nowhere_are_said_in_words() {
    for (url, words) in [
        ("http://127.0.0.1:1/", "begins neither with ws:// nor with wss://"),
        ("ws://127.0.0.1:1/", "no connection to 127.0.0.1:1"),
        ("not a url", "is not a URL"),
    ] {
        let mut options = quick(1);
        options.url = url.into();
        let mut region = Region::new();
        region.ship(options);
        error_says(&region, words).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_centre_that_falls_silent_is_left() {
    let (mut region, listener) = region_and_listener().await;
    region.commit(&mut Dice::new(1));
    let mut frozen = fake(&listener).await;
    assert!(matches!(hear(&mut frozen).await, Message::Hello(_)));
    say(&mut frozen, welcome()).await;
    until("connected", || region.status.is_connected()).await;
    error_says(&region, "nothing heard for 60ms").await;
    fake(&listener).await; // it comes again
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_centre_that_lives_and_reads_nothing_is_left_later() {
    let (mut region, listener) = region_and_listener().await;
    let mut dice = Dice::new(2);
    for _ in 0..20 {
        let bytes = dice.bytes(1 << 20);
        region.commit_bytes(1, &bytes);
    }
    let mut choked = fake(&listener).await;
    hear(&mut choked).await;
    say(&mut choked, welcome()).await;
    until("as much has gone as the sockets hold", || region.status.read().bytes_sent > 100_000).await;
    let beating = async {
        loop {
            say(&mut choked, Message::Heartbeat { head: 0, bytes: 4242 }.encode()).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let before = cpu_ticks();
    tokio::select! {
        () = beating => {}
        () = error_says(&region, "the other side has taken in nothing for 600ms") => {}
    }
    // Regression: what could be said woke the driver for ever while nothing could be.
    let ticks = cpu_ticks() - before;
    assert!(ticks < 12, "{ticks} ticks of 10 ms of CPU time for waiting");
}

/// CPU time of this process, which is this test's alone, in ticks of 10 ms.
fn cpu_ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_centre_of_another_version_is_refused_in_one_sentence() {
    let (region, listener) = region_and_listener().await;
    let mut foreign = fake(&listener).await;
    hear(&mut foreign).await;
    let mut bytes = welcome().to_vec();
    bytes.truncate(bytes.len() - 16);
    bytes[4] = 2;
    let check = blake3::hash(&bytes);
    bytes.extend_from_slice(&check.as_bytes()[..16]);
    say(&mut foreign, bytes.into()).await;
    let sentence = "the other side speaks version 2 of the replication protocol, this side speaks version 1";
    until("refused", || region.status.read().refused.as_deref() == Some(sentence)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledgement_from_the_future_ends_the_line_and_changes_nothing() {
    let (mut region, listener) = region_and_listener().await;
    let last = region.commit(&mut Dice::new(3));
    let mut liar = fake(&listener).await;
    hear(&mut liar).await;
    say(&mut liar, welcome()).await;
    assert!(matches!(hear(&mut liar).await, Message::Groups(_)));
    say(&mut liar, Message::Ack(Point { sequence: last.sequence + 1, hash: last.hash }).encode()).await;
    error_says(&region, "which was never sent to it").await;
    assert_eq!(region.status.acknowledged(), Point::ORIGIN);
    assert!(matches!(hear(&mut liar).await, Message::Bye { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_region_is_left_by_the_centre() {
    let mut world = World::new();
    let port = world.serve().await;
    let mut request =
        tungstenite::client::ClientRequestBuilder::new(format!("ws://127.0.0.1:{port}/").parse().unwrap());
    request = request.with_header("Authorization", format!("Bearer {TOKEN}"));
    request = request.with_sub_protocol(qucan_replication::SUBPROTOCOL);
    let silent = tokio_tungstenite::client_async(request, TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    let (_socket, _) = silent.await.unwrap();
    until("the centre left", || lock(&world.ends).len() == 1).await;
    assert_eq!(lock(&world.ends)[0], "nothing heard for 300ms");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_open_line_is_noticed_on_both_sides() {
    let mut world = World::new();
    let proxy = Proxy::to(world.serve().await, 50 << 20).await;
    let mut region = Region::new();
    let mut dice = Dice::new(4);
    region.ship(quick(proxy.port));
    let point = region.commit(&mut dice);
    until("the line works", || region.status.acknowledged() == point).await;
    proxy.open.store(0, Ordering::Relaxed);
    let point = region.commit(&mut dice);
    error_says(&region, "nothing heard for 300ms").await;
    until("the centre left too", || !lock(&world.ends).is_empty()).await;
    assert_eq!(lock(&world.ends)[0], "nothing heard for 300ms");
    proxy.open.store(sockets::proxy::UNBOUNDED, Ordering::Relaxed);
    until("the next line works", || region.status.acknowledged() == point).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_of_1_kib_a_second_is_slow_and_works() {
    let mut world = World::new();
    let proxy = Proxy::to(world.serve().await, 1 << 10).await;
    let mut region = Region::new();
    let mut dice = Dice::new(5);
    let bytes = dice.bytes(1_500);
    region.ship(quick(proxy.port));
    // One message that takes five times as long as silence is borne.
    let point = region.commit_bytes(1, &bytes);
    until("it has arrived", || region.status.acknowledged() == point).await;
    let reading = region.status.read();
    assert_eq!((reading.connects, reading.last_error), (1, None));
}

/// A certificate for `localhost` that signs itself, and a server that shows it.
fn self_signed() -> (String, TlsAcceptor) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let pem = made.cert.pem();
    let chain = vec![CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(made.signing_key.serialize_pem().as_bytes()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    (pem, TlsAcceptor::from(Arc::new(config)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tls_everything_arrives() {
    let (pem, acceptor) = self_signed();
    let mut world = World::new();
    let port = world.serve_on(0, Some(acceptor)).await;
    let mut region = Region::new();
    let mut dice = Dice::new(6);
    for _ in 0..200 {
        region.commit(&mut dice);
    }
    let large = dice.bytes(3 << 20);
    region.commit_bytes(9, &large);
    let mut options = quick(port);
    options.url = format!("wss://localhost:{port}/v1/replicate");
    options.tls = Some(platform_tls(Some(&pem)).unwrap());
    region.ship(options);
    until("all have arrived", || region.status.acknowledged() == region.end()).await;
    assert_eq!(lock(&world.centre).log.groups, lock(&region.log).groups);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_an_unknown_authority_is_refused_in_words() {
    let (_, acceptor) = self_signed();
    let (other, _) = self_signed();
    let mut world = World::new();
    let port = world.serve_on(0, Some(acceptor)).await;
    let mut region = Region::new();
    let mut options = quick(port);
    options.url = format!("wss://localhost:{port}/v1/replicate");
    options.tls = Some(platform_tls(Some(&other)).unwrap());
    region.ship(options);
    until("refused", || region.status.read().refused.is_some()).await;
    let text = region.status.read().refused.unwrap();
    assert!(text.starts_with("the certificate of localhost is not trusted: "), "{text}");
    assert_eq!(world.end(), Point::ORIGIN);
}

#[test]
fn what_is_no_certificate_is_said_in_words() {
    let Err(error) = platform_tls(Some("hello")) else { panic!("taken as a certificate") };
    assert_eq!(error.to_string(), "no certificate in it");
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let Err(error) = platform_tls(Some(broken)) else { panic!("taken as a certificate") };
    assert!(error.to_string().starts_with("not a certificate in PEM form"), "{error}");
}

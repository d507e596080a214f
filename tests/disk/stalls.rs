//! A process that is held up or kept short: stopped for seconds, out of descriptors, in another one's directory. Each has one
//! clear behaviour, and none of them loses anything.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, Signal, prlimit};

use crate::common::Reply;
use crate::common::ports::free_address;
use crate::crowd::{Crowd, order};
use crate::is_long;
use crate::site::{Site, pace, until};

/// Longer than what counts as a jump of the clock; in the long set longer than any patience of a connection's.
fn stall() -> Duration {
    Duration::from_secs(if is_long() { 30 } else { 6 })
}

#[test]
fn a_stall_loses_nothing_and_lets_people_answer_before_deadlines_do() {
    let data = tempfile::tempdir().unwrap();
    let site = Site::at(&data.path().join("data"), "[orders]\npay_within = \"3s\"\ngrace = \"2s\"\n");
    let node = site.start_selling();
    let unpaid = node.customer("slow").post_with_key("/v1/orders", "k", &order()).expect(201);
    let id = unpaid["id"].as_str().unwrap().to_owned();
    let mut provider = node.client(None);
    assert_eq!(provider.get("/healthz").status, 200, "a connection from before the stall");
    let crowd = Crowd::start(&node, "crowd", 4);
    assert!(crowd.hear(50));
    node.signal(Signal::STOP);
    // What is tested is that time passes.
    std::thread::sleep(stall());
    node.signal(Signal::CONT);
    // The order's time was over while nobody could pay: the money still comes before the deadline.
    let paid = provider.post_empty(&format!("/v1/sandbox/payments/{id}/succeed")).expect(200);
    assert_eq!(paid["status"], "paid", "{paid:#}");
    assert!(crowd.hear(50), "it goes on where it was");
    let mut told = crowd.go_home();
    assert!(told.refused.is_empty(), "{:?}", told.refused);
    told.check(&node);
    until("the deadline of an order that nobody paid fires after all", || {
        let orders = node.operator().get("/v1/stores/s1/orders?status=awaiting_payment&limit=1").expect(200);
        orders["orders"].as_array().unwrap().is_empty()
    });
    assert!(node.stop().status.success());
    site.verify();
}

/// Takes every connection that the node gives, again and again, until dropped.
struct Siege {
    over: Arc<AtomicBool>,
    most: Arc<AtomicUsize>,
    besieger: Option<JoinHandle<()>>,
}

impl Siege {
    fn of(address: SocketAddr, connections: usize) -> Self {
        let (over, most) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (until, held) = (Arc::clone(&over), Arc::clone(&most));
        let besieger = std::thread::spawn(move || {
            let mut open: Vec<TcpStream> = Vec::new();
            while !until.load(Ordering::SeqCst) {
                let is_open = |socket: &TcpStream| !matches!(socket.peek(&mut [0]), Ok(0));
                open.retain(is_open);
                while open.len() < connections {
                    let Ok(socket) = TcpStream::connect(address) else { break };
                    socket.set_nonblocking(true).unwrap();
                    open.push(socket);
                }
                held.fetch_max(open.len(), Ordering::SeqCst);
                pace();
            }
        });
        Self { over, most, besieger: Some(besieger) }
    }
}

impl Drop for Siege {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ended = self.besieger.take().map(JoinHandle::join);
    }
}

#[test]
fn connections_never_take_the_descriptors_that_the_log_needs() {
    let data = tempfile::tempdir().unwrap();
    let site = Site::at(&data.path().join("data"), "[orders]\ngrace = \"1h\"\n");
    let mut node = site.spawn(&["prlimit".into(), "--nofile=640:640".into()]);
    assert!(node.serves(), "{:#?}", node.said());
    node.begin_to_sell();
    let crowd = Crowd::start(&node, "crowd", 4);
    let mut operator = node.operator();
    assert!(crowd.hear(50));
    assert_eq!(operator.get("/v1/status").status, 200);
    let siege = Siege::of(node.address(), 900);
    until("more connections than descriptors", || siege.most.load(Ordering::SeqCst) == 900);
    // The log goes on to its next segments: new files, whatever the connections have taken.
    for turn in 1..8 {
        node.swell_as(&mut operator, turn).unwrap().expect(200);
    }
    assert!(crowd.hear(50), "those who are connected are served");
    let mut told = crowd.go_home();
    assert!(told.refused.is_empty(), "{:?}", told.refused);
    drop(siege);
    until("there are places again", || {
        node.client(None).try_send("GET", "/readyz", &[], None).is_ok_and(|reply| reply.status == 200)
    });
    told.check(&node);
    assert!(node.stop().status.success());
    site.verify();
}

#[test]
fn descriptors_taken_away_from_a_running_node_end_it_at_worst() {
    let data = tempfile::tempdir().unwrap();
    let site = Site::at(&data.path().join("data"), "[orders]\ngrace = \"1h\"\n");
    let node = site.start_selling();
    let crowd = Crowd::start(&node, "crowd", 4);
    let mut operator = node.operator();
    assert_eq!(operator.get("/v1/status").status, 200);
    assert!(crowd.hear(50));
    let none = Rlimit { current: Some(4), maximum: Some(4) };
    prlimit(Some(node.pid()), Resource::Nofile, none).unwrap();
    // Up to the next segment everything is open that is needed; there it ends, for the next start.
    let refused = (1..20).map(|turn| node.swell_as(&mut operator, turn)).find(|reply| !is_done(reply)).unwrap();
    // Or it had ended before anybody asked: the log's own thread needs descriptors first.
    if let Ok(refused) = refused {
        assert_eq!((refused.status, refused.problem().as_str()), (503, "storage-failed"), "{refused:?}");
    }
    let mut told = crowd.ask_all();
    let ended = node.ended();
    assert_eq!(ended.status.code(), Some(1), "{:#?}", ended.said);
    assert!(ended.has_said("Too many open files"), "{:#?}", ended.said);
    let again = site.start();
    told.check(&again);
    assert!(again.stop().status.success());
    site.verify();
}

fn is_done(reply: &std::io::Result<Reply>) -> bool {
    reply.as_ref().is_ok_and(|reply| reply.status == 200)
}

#[test]
fn a_second_process_is_refused_and_the_first_goes_on() {
    let data = tempfile::tempdir().unwrap();
    let site = Site::at(&data.path().join("data"), "[orders]\ngrace = \"1h\"\n");
    let node = site.start_selling();
    let crowd = Crowd::start(&node, "crowd", 4);
    assert!(crowd.hear(50));
    let second = site.spawn_at(free_address(), &[]).ended();
    assert_eq!(second.status.code(), Some(1), "{:#?}", second.said);
    assert!(second.has_said("in use by another process"), "{:#?}", second.said);
    let second = site.spawn(&[]).ended();
    assert_eq!(second.status.code(), Some(2), "the address is looked at first: {:#?}", second.said);
    let verified = crate::common::node::qucan(&["verify", "--data", site.data().to_str().unwrap()]);
    assert_eq!(verified.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&verified.stderr).contains("in use by another process"));
    assert!(crowd.hear(50), "the first one noticed nothing");
    let mut told = crowd.go_home();
    assert!(told.refused.is_empty());
    told.check(&node);
    assert!(node.stop().status.success());
    site.verify();
}

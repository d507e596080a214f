//! `qucan node` and `qucan aggregator`: run until they are told to stop or can no longer do what they are there for.

use std::path::PathBuf;
use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::configuration::{self, Environment};
use super::console;
use crate::aggregator::{self, Aggregator};
use crate::config::{AggregatorConfig, EdgeLimits, LogConfig, NodeConfig};
use crate::node::{self, Node};
use crate::telemetry;

/// Runs a region node
#[derive(Debug, Clone, clap::Args)]
pub struct NodeArgs {
    /// Its configuration; without one it is a sandbox on 127.0.0.1:7100
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Runs the central aggregator and its dashboard
#[derive(Debug, Clone, clap::Args)]
pub struct AggregatorArgs {
    /// Its configuration; without one it is a sandbox on 127.0.0.1:7000
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &NodeArgs, environment: Environment) -> ExitCode {
    let Some(config) = configuration::load_node(args.config.as_deref(), environment) else { return console::misused() };
    run_program(config)
}

/// Runs the command.
pub fn run_aggregator(args: &AggregatorArgs, environment: Environment) -> ExitCode {
    let config = configuration::load_aggregator(args.config.as_deref(), environment);
    let Some(config) = config else { return console::misused() };
    run_program(config)
}

/// What the two programs have in common.
trait Program: Sized {
    /// What is started.
    type Running;

    /// The command's name.
    const NAME: &'static str;

    fn log(&self) -> &LogConfig;
    fn limits_mut(&mut self) -> &mut EdgeLimits;

    /// Starts it; an error comes with whether a person has to do something first.
    async fn start(self) -> Result<Self::Running, (String, bool)>;

    /// Waits until it can no longer do what it is there for, and says why.
    async fn failed(running: &Self::Running) -> String;

    /// Stops it.
    async fn stop(running: Self::Running) -> Result<(), String>;
}

impl Program for NodeConfig {
    type Running = Node;
    const NAME: &'static str = "node";

    fn log(&self) -> &LogConfig {
        &self.log
    }

    fn limits_mut(&mut self) -> &mut EdgeLimits {
        &mut self.limits
    }

    async fn start(self) -> Result<Node, (String, bool)> {
        Node::start(self).await.map_err(|error: node::StartError| (error.to_string(), error.needs_a_person()))
    }

    async fn failed(node: &Node) -> String {
        node.handle().failed().await
    }

    async fn stop(node: Node) -> Result<(), String> {
        node.stop().await.map_err(|error| error.to_string())
    }
}

impl Program for AggregatorConfig {
    type Running = Aggregator;
    const NAME: &'static str = "aggregator";

    fn log(&self) -> &LogConfig {
        &self.log
    }

    fn limits_mut(&mut self) -> &mut EdgeLimits {
        &mut self.limits
    }

    async fn start(self) -> Result<Aggregator, (String, bool)> {
        let refused = |error: aggregator::StartError| (error.to_string(), error.needs_a_person());
        Aggregator::start(self).await.map_err(refused)
    }

    async fn failed(aggregator: &Aggregator) -> String {
        aggregator.regions().failed().await
    }

    async fn stop(aggregator: Aggregator) -> Result<(), String> {
        aggregator.stop().await.map_err(|error| error.to_string())
    }
}

fn run_program<P: Program>(mut config: P) -> ExitCode {
    let telemetry = match telemetry::start(config.log().json, &config.log().level) {
        Ok(telemetry) => telemetry,
        Err(error) => {
            console::say(format_args!("qucan {}: {error}", P::NAME));
            return console::misused();
        }
    };
    let limits = config.limits_mut();
    limits.connections = connections_with_descriptors(limits.connections);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            console::say(format_args!("qucan {}: the runtime can't start: {error}", P::NAME));
            return console::failed();
        }
    };
    let code = runtime.block_on(serve(config));
    // Nothing is left that must be waited for: what was acknowledged is on disk.
    runtime.shutdown_background();
    drop(telemetry);
    code
}

async fn serve<P: Program>(config: P) -> ExitCode {
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => {
            console::say(format_args!("qucan {}: signals can't be listened to: {error}", P::NAME));
            return console::failed();
        }
    };
    let started = tokio::select! {
        started = config.start() => started,
        // Recovery may be cut at any point.
        () = signals.received() => return console::FINE,
    };
    let running = match started {
        Ok(running) => running,
        Err((error, needs_a_person)) => {
            console::say(format_args!("qucan {}: {error}", P::NAME));
            return if needs_a_person { console::misused() } else { console::failed() };
        }
    };
    notify(sd_notify::NotifyState::Ready);
    let failure = tokio::select! {
        () = signals.received() => None,
        why = P::failed(&running) => Some(why),
    };
    notify(sd_notify::NotifyState::Stopping);
    if let Some(why) = &failure {
        tracing::error!(%why, "nothing is acknowledged any more; the process ends and starts again from what is on disk");
    }
    let stopped = tokio::select! {
        stopped = P::stop(running) => stopped,
        // Asked twice: somebody is in a hurry. What was acknowledged is on disk all the same.
        () = signals.received() => return console::failed(),
    };
    match (failure, stopped) {
        (None, Ok(())) => console::FINE,
        (None, Err(error)) => {
            tracing::error!(%error, "the stop was not clean; the next start reads the log to its end");
            console::failed()
        }
        (Some(_), _) => console::failed(),
    }
}

/// SIGTERM and SIGINT: both ask for a clean stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// A write beyond a limit on the size of files is an error like any other, and not the end without a word.
    _file_size: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        let file_size = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            _file_size: signal(file_size)?,
        })
    }

    async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn notify(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

/// A socket is a descriptor: the soft limit of a login shell would end at a thousand. Where the hard one is too low as well,
/// connections get less and the log what it needs: a log that can't open its next segment ends the process.
fn connections_with_descriptors(wanted: usize) -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let raised = setrlimit(Resource::Nofile, limit);
    let now = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let left = now.saturating_sub(DESCRIPTORS_BESIDE).max(now / 4);
    let connections = wanted.min(usize::try_from(left).unwrap_or(usize::MAX));
    if connections < wanted {
        tracing::warn!(
            descriptors = now,
            wanted,
            connections,
            ?raised,
            "fewer descriptors than limits.connections needs: fewer connections; raise LimitNOFILE"
        );
    }
    connections
}

/// Descriptors beside connections: log, snapshots, projection, pages of configuration.
const DESCRIPTORS_BESIDE: u64 = 512;

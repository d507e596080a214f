//! `qucan node`: runs a region's node until it is told to stop or can no longer acknowledge anything.

use std::path::PathBuf;
use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::configuration::{self, Environment};
use super::console;
use crate::config::NodeConfig;
use crate::node::{Node, StartError};
use crate::telemetry;

/// Runs a region node
#[derive(Debug, Clone, clap::Args)]
pub struct NodeArgs {
    /// Its configuration; without one it is a sandbox on 127.0.0.1:7100
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &NodeArgs, environment: Environment) -> ExitCode {
    let Some(mut config) = configuration::load_node(args.config.as_deref(), environment) else {
        return console::misused();
    };
    let telemetry = match telemetry::start(config.log.json, &config.log.level) {
        Ok(telemetry) => telemetry,
        Err(error) => {
            console::say(format_args!("qucan node: {error}"));
            return console::misused();
        }
    };
    config.limits.connections = connections_with_descriptors(config.limits.connections);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            console::say(format_args!("qucan node: the runtime can't start: {error}"));
            return console::failed();
        }
    };
    let code = runtime.block_on(serve(config));
    // Nothing is left that must be waited for: what was acknowledged is on disk.
    runtime.shutdown_background();
    drop(telemetry);
    code
}

async fn serve(config: NodeConfig) -> ExitCode {
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => {
            console::say(format_args!("qucan node: signals can't be listened to: {error}"));
            return console::failed();
        }
    };
    let started = tokio::select! {
        started = Node::start(config) => started,
        // Recovery may be cut at any point.
        () = signals.received() => return console::FINE,
    };
    let node = match started {
        Ok(node) => node,
        Err(error) => return refused(&error),
    };
    notify(sd_notify::NotifyState::Ready);
    let handle = node.handle();
    let failure = tokio::select! {
        () = signals.received() => None,
        why = handle.failed() => Some(why),
    };
    notify(sd_notify::NotifyState::Stopping);
    if let Some(why) = &failure {
        tracing::error!(%why, "nothing is acknowledged any more; the process ends and starts again from what is on disk");
    }
    let stopped = tokio::select! {
        stopped = node.stop() => stopped,
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

fn refused(error: &StartError) -> ExitCode {
    console::say(format_args!("qucan node: {error}"));
    if error.needs_a_person() { console::misused() } else { console::failed() }
}

/// SIGTERM and SIGINT: both ask for a clean stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
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

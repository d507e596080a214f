//! `qucan token`: a token that the configured node or aggregator accepts, on stdout and nothing else there.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use super::configuration::{self, Environment};
use super::console;
use crate::api::auth::{Authenticator, Role, TokenRequest, key_set};
use crate::config::AnyConfig;
use crate::config::value::duration;
use crate::engine::clock::SystemClock;

/// Makes a token
#[derive(Debug, Clone, clap::Args)]
pub struct TokenArgs {
    /// Configuration of the node or the aggregator
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// customer, store or operator
    #[arg(long)]
    pub role: Role,
    /// Member id of a customer; name of a device or person otherwise
    #[arg(long, value_name = "ID")]
    pub subject: String,
    /// The store of a token for role store
    #[arg(long)]
    pub store: Option<String>,
    /// How long it holds, such as 12h or 30d
    #[arg(long, value_name = "D", default_value = "12h", value_parser = parse_ttl)]
    pub ttl: std::time::Duration,
}

fn parse_ttl(text: &str) -> Result<std::time::Duration, &'static str> {
    duration(text).filter(|ttl| !ttl.is_zero()).ok_or("not a time such as 12h or 30d")
}

/// Runs the command.
pub fn run(args: &TokenArgs, environment: Environment) -> ExitCode {
    let Some(config) = configuration::load(args.config.as_deref(), environment) else { return console::misused() };
    let (auth, mode, data_dir, region) = match &config {
        AnyConfig::Node(node) => (&node.auth, node.mode, &node.data_dir, Some(node.region.clone())),
        AnyConfig::Aggregator(aggregator) => (&aggregator.auth, aggregator.mode, &aggregator.data_dir, None),
    };
    // A sandbox's own secret is made by the node, once its data directory is.
    if auth.hs256_secret.is_none() && !data_dir.is_dir() {
        console::say(format_args!(
            "qucan token: {}: no data directory there yet; start the node first",
            data_dir.display()
        ));
        return console::misused();
    }
    let keys = match key_set(auth, mode, data_dir) {
        Ok(keys) => keys,
        Err(error) => {
            console::say(format_args!("qucan token: {error}"));
            return console::misused();
        }
    };
    let authenticator = Authenticator::new(keys, region, Arc::new(SystemClock), 1);
    let request =
        TokenRequest { role: args.role, subject: args.subject.clone(), store: args.store.clone(), ttl: args.ttl };
    match authenticator.issue(&request) {
        Ok(issued) => console::result(issued.token).map_or_else(|_| console::failed(), |()| console::FINE),
        Err(error) => {
            console::say(format_args!("qucan token: {error}"));
            console::misused()
        }
    }
}

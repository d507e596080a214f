//! Loading a configuration for a command: mistakes and warnings go to stderr, whichever program it is for.

use std::path::Path;

use super::console;
use crate::aggregator::store::Store;
use crate::config::{
    self, AggregatorConfig, AnyConfig, AuthConfig, ConfigError, Finding, Loaded, LogConfig, NodeConfig, StoreConfig,
};
use crate::telemetry;

/// The process's environment variables.
pub type Environment = Vec<(String, String)>;

/// The process's environment; what is not UTF-8 is not ours.
pub fn environment() -> Environment {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Loads either configuration; `None` when it is wrong, and stderr says why.
pub fn load(file: Option<&Path>, environment: Environment) -> Option<AnyConfig> {
    let loaded = match file {
        Some(file) => config::load_any(file, environment),
        None => config::load_node(None, environment)
            .map(|node| Loaded { config: AnyConfig::Node(Box::new(node.config)), warnings: node.warnings }),
    };
    report(loaded.and_then(|loaded| {
        match &loaded.config {
            AnyConfig::Node(node) => check(&node.auth, &node.log)?,
            AnyConfig::Aggregator(aggregator) => check_aggregator(aggregator)?,
        }
        Ok(loaded)
    }))
}

/// Says warnings and mistakes.
fn report<T>(loaded: Result<Loaded<T>, ConfigError>) -> Option<T> {
    match loaded {
        Ok(loaded) => {
            for warning in &loaded.warnings {
                console::say(format_args!("warning: {warning}"));
            }
            Some(loaded.config)
        }
        Err(error) => {
            console::say(error);
            None
        }
    }
}

/// Loads a node's configuration, or a sandbox's defaults.
pub fn load_node(file: Option<&Path>, environment: Environment) -> Option<NodeConfig> {
    report(config::load_node(file, environment).and_then(|loaded| {
        check(&loaded.config.auth, &loaded.config.log)?;
        Ok(loaded)
    }))
}

/// Loads an aggregator's configuration, or a sandbox's defaults.
pub fn load_aggregator(file: Option<&Path>, environment: Environment) -> Option<AggregatorConfig> {
    report(config::load_aggregator(file, environment).and_then(|loaded| {
        check_aggregator(&loaded.config)?;
        Ok(loaded)
    }))
}

/// The same, and what only the store can judge.
fn check_aggregator(config: &AggregatorConfig) -> Result<(), ConfigError> {
    check(&config.auth, &config.log)?;
    let StoreConfig::Postgres(url) = &config.store else { return Ok(()) };
    Store::check_postgres_url(url.reveal()).map_err(|error| {
        let key = "aggregator.store".to_owned();
        ConfigError { findings: vec![Finding { place: config::Place::Nowhere, key, message: format!("is {error}") }] }
    })
}

/// What only other rooms can judge: keys and log filters.
fn check(auth: &AuthConfig, log: &LogConfig) -> Result<(), ConfigError> {
    let mut findings = Vec::new();
    let mut complain = |message: String| {
        findings.push(Finding { place: config::Place::Nowhere, key: String::new(), message });
    };
    if let Err(error) = telemetry::check_level(&log.level) {
        complain(error.to_string());
    }
    if let Err(error) = crate::api::auth::check_keys(auth) {
        complain(error.to_string());
    }
    if findings.is_empty() { Ok(()) } else { Err(ConfigError { findings }) }
}

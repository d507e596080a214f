//! `qucan check`: whether a configuration can be used. Opens nothing but its own files.

use std::path::PathBuf;
use std::process::ExitCode;

use super::configuration::{self, Environment};
use super::console;
use crate::config::AnyConfig;

/// Validates a configuration
#[derive(Debug, Clone, clap::Args)]
pub struct CheckArgs {
    /// Configuration of a node or an aggregator
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// Runs the command.
pub fn run(args: &CheckArgs, environment: Environment) -> ExitCode {
    let Some(config) = configuration::load(Some(&args.config), environment) else { return console::misused() };
    let (whose, mode) = match &config {
        AnyConfig::Node(node) => (format!("a node of region {}", node.region), node.mode),
        AnyConfig::Aggregator(aggregator) => {
            (format!("an aggregator of {} regions", aggregator.regions.len()), aggregator.mode)
        }
    };
    // Whoever asks by exit code needs no words.
    let _closed = console::result(format_args!("{}: fine: {whose}, mode {}", args.config.display(), mode.as_str()));
    console::FINE
}

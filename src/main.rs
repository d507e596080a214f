//! The command line: parse, call, exit code.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use qucan::ops::{self, configuration::environment};

/// 取餐: orders, payments and pickup codes for a region of a restaurant chain, in one process
#[derive(Debug, Parser)]
#[command(name = "qucan", version, arg_required_else_help = true, disable_help_subcommand = true)]
#[command(after_help = "Exit codes: 0 fine, 1 a check failed, 2 wrong usage or configuration.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a region node
    Node(ops::serve::NodeArgs),
    /// Run the central aggregator and its dashboard
    Aggregator(ops::serve::AggregatorArgs),
    /// Show a region at work, with simulated stores and customers, and compare everything at the end
    Demo(ops::demo::DemoArgs),
    /// Make a token, printed alone on stdout
    Token(ops::token::TokenArgs),
    /// Validate a configuration
    Check(ops::check::CheckArgs),
    /// Check every invariant of a stopped node's data
    Verify(ops::verify::VerifyArgs),
    /// Import a catalogue, the node running or not
    Import(ops::import::ImportArgs),
}

fn main() -> ExitCode {
    // clap ends the process itself: 0 after --help, 2 after wrong usage.
    match Cli::parse().command {
        Command::Node(args) => ops::serve::run(&args, environment()),
        Command::Aggregator(args) => ops::serve::run_aggregator(&args, environment()),
        Command::Demo(args) => ops::demo::run(&args),
        Command::Token(args) => ops::token::run(&args, environment()),
        Command::Check(args) => ops::check::run(&args, environment()),
        Command::Verify(args) => ops::verify::run(&args),
        Command::Import(args) => ops::import::run(&args, environment()),
    }
}

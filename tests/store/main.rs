//! The aggregator's store: one contract, proved on both backends, and the troubles that only a database can have. Real sled, a
//! real PostgreSQL server.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test may stop where it fails"
)]

mod contract;
mod damage;
mod feed;
mod figures;
mod home;
mod lists;
mod lives;
#[path = "../common/ports.rs"]
mod ports;
mod proxy;
mod retention;
mod secrets;
#[path = "../common/postgres.rs"]
mod server;
mod trouble;

/// Runs every part of the contract on both backends.
macro_rules! on_both {
    ($($room:ident: $($name:ident),+;)+) => {
        mod embedded {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    crate::$room::$name(crate::home::Home::embedded()).await;
                }
            )+)+
        }
        mod postgres {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    if let Some(home) = crate::home::Home::postgres() {
                        crate::$room::$name(home).await;
                    }
                }
            )+)+
        }
    };
}

on_both! {
    contract:
        batches_of_any_size_survive_reopening,
        a_repeated_batch_is_harmless,
        a_batch_that_does_not_continue_is_refused_and_changes_nothing,
        a_very_large_batch_comes_whole,
        regions_are_applied_side_by_side,
        every_order_is_answered_as_it_is;
    lists:
        lists_with_every_filter_and_page_size_are_what_a_plain_list_is,
        a_walk_meets_every_order_once_while_orders_come_and_change;
    retention:
        a_forgotten_region_begins_again_and_leaves_the_others_alone,
        figures_before_a_time_are_forgotten;
}

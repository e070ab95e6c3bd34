//! The same assertions for every engine: what [`Engine`](highwater_publisher::engine::Engine) promises.
#![allow(clippy::unwrap_used)] // a test that cannot go on has failed

mod appends;
mod common;
mod leases;
#[path = "../nats/mod.rs"]
mod nats;
mod reads;
mod together;

/// Every test for every engine. `$make` gives two ends of one log, or `None` where it cannot be had.
macro_rules! contract {
    ($($name:ident: $make:path;)*) => {$(
        mod $name {
            contract! { @tests $make;
                appends: first_append_makes_the_topic, refusals_tell_why_and_change_nothing,
                    a_transaction_is_whole, the_topic_can_be_compared_too, versions_only_grow,
                    any_name_will_do, large_transactions, outcomes_are_those_of_a_plain_model;
                reads: reading_goes_on_from_any_place, the_log_is_bounded_and_the_items_are_not,
                    deletions_are_remembered_as_long_as_the_log, what_is_not_there_is_gone;
                together: nothing_is_lost_or_repeated_among_writers, others_are_told;
                leases: only_one_holds_a_lease, a_lost_lease_does_not_write;
            }
        }
    )*};
    (@tests $make:path; $($file:ident: $($test:ident),*;)*) => {$($(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            if let Some(made) = $make(crate::$file::settings(stringify!($test))).await {
                crate::$file::$test(made.ends()).await;
            }
        }
    )*)*};
}

contract! {
    memory: crate::common::memory;
    sqlite: crate::common::sqlite;
    jetstream: crate::common::jetstream;
}

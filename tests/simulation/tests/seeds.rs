//! Many seeds of every world.
//!
//! `HIGHWATER_SEEDS` says how many instead of the usual number.

use highwater_simulation::{WORLDS, failures};

fn check(name: &str) {
    let count = std::env::var("HIGHWATER_SEEDS").ok().and_then(|count| count.parse().ok());
    let (_, world) = WORLDS.iter().find(|(world, _)| *world == name).expect("the world is listed");
    let failures = failures(name, *world, 0..count.unwrap_or(1000));
    assert!(failures.is_empty(), "{} seeds failed\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn a_topic_over_a_faulty_link() {
    check("topic");
}

#[test]
fn flags_that_come_late_twice_and_out_of_order() {
    check("relay");
}

#[test]
fn environments_that_come_late_twice_and_out_of_order() {
    check("autoconfig");
}

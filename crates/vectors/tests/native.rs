//! Every suite, on our own crates. (`sse` is run by the core's own tests.)

use highwater_vectors::{Departures, NATIVE_SUITES, Native, SUITES};

#[test]
fn the_core_does_what_was_recorded() {
    let departures = Departures::load().unwrap();
    for (name, run) in SUITES.iter().chain(NATIVE_SUITES) {
        let outcome = run("native", &mut Native, &departures).unwrap();
        println!("{outcome}");
        assert!(outcome.is_good(), "{outcome}\n{}", outcome.failed.join("\n"));
        assert!(outcome.passed > 0, "{name}: nothing was run");
    }
}

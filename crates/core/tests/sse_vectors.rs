//! The recorded vectors of suite `sse`, every split that they name.

use highwater_vectors::{Departures, sse};

#[test]
fn decodes_the_recorded_vectors() {
    let departures = Departures::load().unwrap();
    let outcome = sse::run("native", &mut sse::Native, true, &departures).unwrap();
    println!("{outcome}");
    assert!(outcome.is_good(), "{outcome}\n{}", outcome.failed.join("\n"));
    assert!(outcome.passed > 0, "{outcome}");
}

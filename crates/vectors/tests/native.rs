//! Every suite, on the core itself.

use highwater_vectors::{
    Departures, Error, Native, Outcome, Subject, fdv2, materializer, receiver, streams, waiter,
};

fn check(run: fn(&str, &mut dyn Subject, &Departures) -> Result<Outcome, Error>) {
    let departures = Departures::load().unwrap();
    let outcome = run("native", &mut Native, &departures).unwrap();
    println!("{outcome}");
    assert!(outcome.is_good(), "{outcome}\n{}", outcome.failed.join("\n"));
    assert!(outcome.passed > 0, "{outcome}");
}

#[test]
fn receiver() {
    check(receiver::run);
}

#[test]
fn fdv2() {
    check(fdv2::run);
}

#[test]
fn streams() {
    check(streams::run);
}

#[test]
fn materializer() {
    check(materializer::run);
}

#[test]
fn waiter() {
    check(waiter::run);
}

//! Queries that are not written as they should be.

use highwater_core::{LiveQuery, Query};

use crate::common::Random;
use crate::world::{input, stream};

#[test]
fn a_bad_query_is_refused_with_its_place() {
    for (spec, at, what) in [
        ("", 0, "ends early"),
        ("[]", 0, "expected an object"),
        ("{\"limit\":1} x", 12, "bytes after"),
        ("{\"limt\":1}", 2, "a query has kind, where"),
        ("{\"limit\":-1}", 9, "expected a count"),
        ("{\"limit\":1.5}", 9, "expected an integer"),
        ("{\"limit\":\"1\"}", 9, "expected an integer"),
        ("{\"offset\":4294967296}", 10, "expected a count"),
        ("{\"kind\":7}", 8, "expected a string"),
        ("{\"where\":[]}", 9, "expected an object"),
        ("{\"where\":{\"a\":1}}", 11, "expected a JSON pointer"),
        ("{\"where\":{\"/a~2\":1}}", 11, "~ is written ~0"),
        ("{\"where\":{\"/a~\":1}}", 11, "~ is written ~0"),
        ("{\"where\":{\"/a\":{\"eqq\":1}}}", 17, "expected eq, ne"),
        ("{\"where\":{\"/a\":{\"eq\":{}}}}", 21, "expected a string, a number"),
        ("{\"where\":{\"/a\":[1]}}", 15, "expected a string, a number"),
        ("{\"where\":{\"/a\":{\"in\":1}}}", 21, "expected an array"),
        ("{\"where\":{\"/a\":{\"prefix\":1}}}", 25, "expected a string"),
        ("{\"where\":{\"/a\":{\"exists\":1}}}", 25, "expected true or false"),
        ("{\"where\":{\"or\":{}}}", 15, "expected an array"),
        ("{\"sort\":[\"name\"]}", 10, "expected a JSON pointer"),
        ("{\"sort\":[\"--/a\"]}", 10, "expected a JSON pointer"),
        ("{\"sort\":\"/a\"}", 8, "expected an array"),
        ("{\"sort\":[{}]}", 9, "expected a string"),
        ("{\"group\":\"-\u{e9}\"}", 10, "expected a JSON pointer"),
        ("{\"group\":[\"/a\"]}", 9, "expected a string"),
        ("{\"kind\":\"\u{1}\"}", 9, "control character"),
    ] {
        let error = Query::parse(spec.as_bytes()).err().unwrap();
        assert!(error.what().contains(what), "{spec}: {error}");
        assert_eq!((error.code(), error.number()), ("bad-query", Some(at)), "{spec}: {error}");
    }
    let deep = format!("{{\"where\":{}{{}}{}}}", "{\"not\":".repeat(40), "}".repeat(40));
    assert!(Query::parse(deep.as_bytes()).err().unwrap().what().contains("nested too deeply"));
}

#[test]
fn no_query_is_fatal() {
    let mut random = Random(12);
    let mut store = stream();
    for _ in 0..5 {
        input(&mut store, &mut random);
    }
    let (mut good, mut bad) = (0, 0);
    for _ in 0..5_000 {
        let spec = random.spec().to_string();
        let spec = random.spoil(spec.as_bytes(), b"{}[]\",:\\/~0129eE+-.ant \x00\xff");
        match Query::parse(&spec) {
            Ok(query) => {
                good += 1;
                let mut live = LiveQuery::new(query, store.state());
                live.update(store.state(), store.changes());
                assert!(live.len() <= live.count());
            }
            Err(error) => {
                bad += 1;
                assert!(error.number().unwrap() <= spec.len() as u64);
            }
        }
    }
    assert!(good > 100 && bad > 1_000, "{good} good, {bad} bad");
}

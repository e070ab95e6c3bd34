//! How values of all sorts are found, compared and sorted.

use highwater_core::{LiveQuery, Query};
use serde_json::json;

use crate::world::{stream, tell};

/// The keys that a query lists of these values, by the names `a`, `b` and so on.
fn listed(spec: &str, values: &[&str]) -> String {
    let mut store = stream();
    for (key, value) in ('a'..).zip(values) {
        let data = format!(r#"{{"kind":"k","key":"{key}","version":1,"object":{value}}}"#);
        tell(&mut store, "put-object", &data);
    }
    tell(&mut store, "payload-transferred", r#"{"state":"s","version":1}"#);
    let live = LiveQuery::new(Query::parse(spec.as_bytes()).unwrap(), store.state());
    live.rows().map(|slot| store.state().name(slot).unwrap().1).collect()
}

#[test]
fn values_of_all_types_have_one_order() {
    let sorted = r#"{"sort":["/v"]}"#;
    let values = [
        r#"{"v":{}}"#,
        r#"{"v":[]}"#,
        r#"{"v":"b"}"#,
        r#"{"v":"a"}"#,
        r#"{"v":1e3}"#,
        r#"{"v":999.5}"#,
        r#"{"v":-1e3}"#,
        r#"{"v":true}"#,
        r#"{"v":false}"#,
        r#"{"v":null}"#,
        "{}",
    ];
    assert_eq!(listed(sorted, &values), "kjihgfedcba");
    assert_eq!(listed(r#"{"where":{"/v":{"lt":0}}}"#, &values), "ghij");
    assert_eq!(listed(r#"{"where":{"/v":{"gte":-1e4,"lt":""}}}"#, &values), "efg");
    assert_eq!(listed(r#"{"where":{"/v":{"ne":"a"}}}"#, &values), "abcefghijk");
    assert_eq!(listed(r#"{"where":{"not":{"/v":{"exists":true}}}}"#, &values), "k");
    // Not by UTF-16, which has the first of them after the second.
    let astral = [r#"{"v":"😀"}"#, r#"{"v":"\uffee"}"#, r#"{"v":"\ud83d\ude00!"}"#];
    assert_eq!(listed(sorted, &astral), "bac");
    let nul = [r#"{"v":"a\u0000b"}"#, r#"{"v":"ab"}"#, r#"{"v":"a"}"#, r#"{"v":"a\u0000"}"#];
    assert_eq!(listed(sorted, &nul), "cdab");
    assert_eq!(listed(r#"{"sort":["-/v"]}"#, &nul), "badc");
}

#[test]
fn numbers_are_equal_however_they_are_spelt() {
    let values = ["1", "1.0", "10e-1", "0.1E1", "1.0000000000000000001", "1.1", "\"1\"", "-0"];
    assert_eq!(listed(r#"{"where":{"":1}}"#, &values), "abcde");
    assert_eq!(listed(r#"{"where":{"":{"in":[0,"1"]}}}"#, &values), "gh");
}

#[test]
fn what_cannot_be_read_is_missing() {
    let bad =
        ["{\"u\":1,\"v\":", "nul", "{\"v\":tru}", "[", "{\"u\" \"v\":1}", "{\"v\":\"\\ud83d\"}"];
    assert_eq!(listed(r#"{"where":{"/v":{"exists":true}}}"#, &bad[..5]), "");
    assert_eq!(listed(r#"{"where":{"/v":"\ufffd"}}"#, &bad), "f");
    let deep = format!("{}1{}", "[".repeat(600), "]".repeat(600));
    assert_eq!(listed(r#"{"where":{"":{"exists":true}}}"#, &[&deep]), "");
}

#[test]
fn pointers_are_those_of_the_standard() {
    let value = [r#"{"":0,"a/b":1,"m~n":2,"~1":3,"l":[5,[6]],"01":7}"#];
    for (pointer, wanted) in
        [("/", 0), ("/a~1b", 1), ("/m~0n", 2), ("/~01", 3), ("/l/0", 5), ("/l/1/0", 6), ("/01", 7)]
    {
        let spec = json!({ "where": { pointer: wanted } });
        assert_eq!(listed(&spec.to_string(), &value), "a", "{pointer}");
    }
    for pointer in ["/l/-", "/l/2", "/l/ 0", "/l/", "/x", "/m~0n/x"] {
        let spec = json!({ "where": { pointer: { "exists": true } } });
        assert_eq!(listed(&spec.to_string(), &value), "", "{pointer}");
    }
}

//! Environments and filters as the wire has them.

use core::time::Duration;

use highwater_relay::{EnvironmentRep, FilterRep, UnixMillis};
use serde_json::{Value, json};

fn parsed(json: &Value) -> EnvironmentRep {
    EnvironmentRep::parse(json.to_string().as_bytes()).unwrap()
}

#[test]
fn an_environment_is_read_whole() {
    let rep = parsed(&json!({
        "envID": "e", "envKey": "dev", "envName": "Dev", "mobKey": "mob", "projKey": "p",
        "projName": "P", "sdkKey": { "value": "sdk", "expiring": { "value": "old", "timestamp": 9 } },
        "defaultTtl": 5, "secureMode": true, "version": 7, "unknown": [1],
    }));
    let params = &*rep.params;
    assert_eq!((params.id.as_str(), &*params.key, &*params.name), ("e", "dev", "Dev"));
    assert_eq!((&*params.project, &*params.project_name), ("p", "P"));
    assert_eq!(params.sdk_key.as_ref().unwrap().reveal(), "sdk");
    assert_eq!(params.mobile_key.as_ref().unwrap().reveal(), "mob");
    let expiring = params.expiring.as_ref().unwrap();
    assert_eq!((expiring.key.reveal(), expiring.until), ("old", UnixMillis(9)));
    assert_eq!(params.ttl(), Duration::from_mins(5));
    assert!(params.secure_mode);
    assert_eq!((rep.version, params.variant().to_string().as_str()), (7, "e"));
}

#[test]
fn what_is_missing_or_null_is_empty() {
    let nothing = parsed(&json!({}));
    for json in [
        Value::Null,
        json!({ "envID": null, "sdkKey": null, "defaultTtl": null, "version": null }),
        json!({ "sdkKey": { "value": null, "expiring": null }, "secureMode": null }),
        json!({ "sdkKey": { "expiring": { "value": "", "timestamp": 5 } } }),
    ] {
        assert_eq!(parsed(&json), nothing, "{json}");
    }
    assert_eq!((nothing.params.sdk_key.as_ref(), nothing.version), (None, 0));
}

#[test]
fn of_a_member_that_is_there_twice_the_last_one_counts() {
    let rep = EnvironmentRep::parse(br#"{"envID":"a","version":1,"envID":"b"}"#).unwrap();
    assert_eq!(rep.params.id.as_str(), "b");
}

#[test]
fn what_is_of_another_type_is_refused() {
    for json in [
        json!([]),
        json!("e"),
        json!({ "envID": 1 }),
        json!({ "version": "1" }),
        json!({ "version": 1.5 }),
        json!({ "sdkKey": "k" }),
        json!({ "sdkKey": [] }),
        json!({ "sdkKey": { "expiring": [] } }),
        json!({ "sdkKeys": "k" }),
        json!({ "sdkKeys": [{ "value": "" }] }),
        json!({ "mobileKeys": [{ "value": "k", "expiry": "1" }] }),
        json!({ "secureMode": 1 }),
    ] {
        assert!(EnvironmentRep::parse(json.to_string().as_bytes()).is_err(), "{json}");
    }
    assert!(FilterRep::parse(b"{\"key\":1}").is_err());
    assert!(FilterRep::parse(b"{} x").is_err());
}

#[test]
fn what_is_written_reads_the_same() {
    let environments = [
        json!({}),
        json!({ "envID": "\u{fc}\n\"", "version": i64::MIN, "defaultTtl": -1 }),
        json!({ "sdkKey": { "value": "k", "expiring": { "value": "o", "timestamp": i64::MAX } } }),
        json!({
            "sdkKeys": [
                { "key": "one", "value": "k1" },
                { "key": "two", "value": "k2", "expiry": 5, "hasViews": true },
            ],
            "mobileKeys": [{ "key": "m", "value": "m1" }],
        }),
    ];
    for rep in environments.iter().map(parsed) {
        assert_eq!(EnvironmentRep::parse(&serde_json::to_vec(&rep).unwrap()).unwrap(), rep);
    }
    let filter = FilterRep::parse(br#"{"projKey":"p","key":"f","version":3}"#).unwrap();
    assert_eq!(FilterRep::parse(&serde_json::to_vec(&filter).unwrap()).unwrap(), filter);
}

//! How keys come and go.

use highwater_relay::{
    Credential, EnvironmentId, EnvironmentRep, ExpiringKey, MobileKey, Rotation, Rotator, SdkKey,
    UnixMillis,
};
use serde_json::json;

fn sdk(text: &str) -> SdkKey {
    SdkKey::new(text).unwrap()
}

fn expiring(key: &str, until: i64) -> ExpiringKey {
    ExpiringKey { key: sdk(key), until: UnixMillis(until) }
}

/// What a step says, as texts.
fn step(rotator: &mut Rotator, now: i64) -> (Vec<String>, Vec<String>) {
    let Rotation { added, removed } = rotator.step(UnixMillis(now));
    let texts = |list: Vec<Credential>| list.iter().map(text).collect();
    (texts(added), texts(removed))
}

fn text(credential: &Credential) -> String {
    match credential {
        Credential::Sdk(key) => key.reveal().into(),
        Credential::Mobile(key) => key.reveal().into(),
        Credential::Environment(id) => id.as_str().into(),
    }
}

fn all(rotator: &Rotator) -> Vec<String> {
    let mut all: Vec<_> = rotator.credentials().map(|credential| text(&credential)).collect();
    all.sort();
    all
}

#[test]
fn without_grace_a_key_of_any_kind_is_replaced_at_once() {
    let kinds = [
        [sdk("a"), sdk("b")].map(Credential::Sdk),
        ["a", "b"].map(|key| Credential::Mobile(MobileKey::new(key).unwrap())),
        ["a", "b"].map(|id| Credential::Environment(EnvironmentId::new(id))),
    ];
    for [a, b] in kinds {
        let mut rotator = Rotator::new([a.clone()]);
        rotator.rotate(&a);
        assert_eq!(rotator.step(UnixMillis(0)), Rotation::default());
        rotator.rotate(&b);
        let rotation = Rotation { added: vec![b], removed: vec![a] };
        assert_eq!(rotator.step(UnixMillis(0)), rotation);
        assert_eq!(rotator.step(UnixMillis(0)), Rotation::default());
    }
}

#[test]
fn of_a_hundred_rotations_one_key_is_left() {
    let mut rotator = Rotator::new([Credential::Sdk(sdk("0"))]);
    for number in 1..=100 {
        rotator.rotate(&Credential::Sdk(sdk(&number.to_string())));
    }
    let (added, removed) = step(&mut rotator, 0);
    assert_eq!((added.len(), removed.len()), (100, 100));
    assert!(!removed.contains(&"100".into()));
    assert_eq!(all(&rotator), ["100"]);
}

#[test]
fn many_keys_may_be_about_to_expire() {
    let mut rotator = Rotator::new([Credential::Sdk(sdk("k000"))]);
    for number in 1..=250 {
        let before = expiring(&format!("k{:03}", number - 1), 1000 + number);
        rotator.rotate_with_grace(&sdk(&format!("k{number:03}")), &before, UnixMillis(0));
    }
    assert_eq!(rotator.deprecated().count(), 250);
    assert_eq!(rotator.next_expiry(), Some(UnixMillis(1001)));
    step(&mut rotator, 1000);
    let (added, removed) = step(&mut rotator, 1125);
    assert_eq!((added.len(), removed.len()), (0, 124));
    assert_eq!(step(&mut rotator, 1251).1.len(), 126);
    assert_eq!(all(&rotator), ["k250"]);
    assert_eq!(rotator.next_expiry(), None);
}

#[test]
fn a_key_expires_after_its_last_moment_and_not_at_it() {
    let mut rotator = Rotator::new([Credential::Sdk(sdk("old"))]);
    rotator.rotate_with_grace(&sdk("new"), &expiring("old", 500), UnixMillis(500));
    assert_eq!(step(&mut rotator, 500), (vec!["new".into()], vec![]));
    assert_eq!(all(&rotator), ["new", "old"]);
    assert_eq!(step(&mut rotator, 501), (vec![], vec!["old".into()]));
}

#[test]
fn a_grace_that_is_over_takes_nothing_in_and_leaves_nothing_behind() {
    let mut rotator = Rotator::new([Credential::Sdk(sdk("now"))]);
    rotator.rotate_with_grace(&sdk("now"), &expiring("never-seen", 10), UnixMillis(11));
    assert_eq!(step(&mut rotator, 11), (vec![], vec![]));
    rotator.rotate_with_grace(&sdk("next"), &expiring("now", 10), UnixMillis(11));
    assert_eq!(step(&mut rotator, 11), (vec!["next".into()], vec!["now".into()]));
    rotator.rotate_with_grace(&sdk("last"), &expiring("never-seen", 10), UnixMillis(11));
    assert_eq!(step(&mut rotator, 11), (vec!["last".into()], vec!["next".into()]));
}

#[test]
fn a_grace_that_was_said_before_says_nothing_new() {
    let mut rotator = Rotator::new([Credential::Sdk(sdk("a"))]);
    rotator.rotate_with_grace(&sdk("b"), &expiring("a", 100), UnixMillis(0));
    rotator.rotate_with_grace(&sdk("c"), &expiring("a", 200), UnixMillis(0));
    assert_eq!(step(&mut rotator, 0), (vec!["b".into(), "c".into()], vec!["b".into()]));
    assert_eq!(step(&mut rotator, 101).1, ["a"]);
}

#[test]
fn a_key_that_is_back_holds_without_end() {
    let mut rotator = Rotator::new([Credential::Sdk(sdk("a"))]);
    rotator.rotate_with_grace(&sdk("b"), &expiring("a", 100), UnixMillis(0));
    step(&mut rotator, 0);
    rotator.rotate(&Credential::Sdk(sdk("a")));
    assert_eq!(step(&mut rotator, 50), (vec![], vec!["b".into()]));
    assert_eq!(step(&mut rotator, 101), (vec![], vec![]));
    // And one that is back before anybody heard that it went has never been away.
    rotator.rotate(&Credential::Sdk(sdk("c")));
    rotator.rotate(&Credential::Sdk(sdk("a")));
    assert_eq!(step(&mut rotator, 102), (vec!["c".into()], vec!["c".into()]));
    assert_eq!(all(&rotator), ["a"]);
}

#[test]
fn a_new_environment_has_its_keys_from_the_start() {
    let json = br#"{"envID":"e","mobKey":"m","sdkKey":
        {"value":"k","expiring":{"value":"old","timestamp":100}}}"#;
    let params = EnvironmentRep::parse(json).unwrap().params;
    let mut rotator = Rotator::of(&params, UnixMillis(100));
    assert_eq!(all(&rotator), ["e", "k", "m", "old"]);
    assert_eq!(step(&mut rotator, 100), (vec![], vec![]));
    rotator.update(&params, UnixMillis(100));
    assert_eq!(step(&mut rotator, 101), (vec![], vec!["old".into()]));
    assert_eq!(all(&Rotator::of(&params, UnixMillis(101))), ["e", "k", "m"]);
}

#[test]
fn where_keys_are_listed_those_hold_and_no_others() {
    let params = |sdk: &str, sdks: &[(&str, Option<i64>)], mobiles: &[&str]| {
        let mut sdks: Vec<_> = sdks
            .iter()
            .map(|(value, expiry)| json!({ "key": value, "value": value, "expiry": expiry }))
            .collect();
        if !sdks.is_empty() {
            sdks.push(json!({ "key": "v", "value": "with-views", "hasViews": true }));
        }
        let mobiles: Vec<_> = mobiles.iter().map(|value| json!({ "value": value })).collect();
        let rep = json!({
            "envID": "e", "sdkKey": { "value": sdk, "expiring": { "value": "old", "timestamp": 9 } },
            "sdkKeys": sdks,
            "mobKey": mobiles.first().map_or(&json!("m"), |first| &first["value"]),
            "mobileKeys": mobiles,
        });
        EnvironmentRep::parse(rep.to_string().as_bytes()).unwrap().params
    };
    let at = UnixMillis;
    // The one at present holds without end, whatever the list says of it.
    let first = params("a", &[("a", Some(1)), ("b", None), ("c", Some(5))], &["m", "n"]);
    let mut rotator = Rotator::of(&first, at(2));
    assert_eq!(all(&rotator), ["a", "b", "c", "e", "m", "n"]);
    assert_eq!(rotator.next_expiry(), Some(at(5)));
    assert_eq!(step(&mut rotator, 6), (vec![], vec!["c".into()]));
    // Another is at present, and one is new; one is listed no longer, and one has expired by now.
    let second = params("b", &[("a", Some(20)), ("b", None), ("c", Some(5)), ("d", None)], &["n"]);
    rotator.update(&second, at(7));
    assert_eq!(step(&mut rotator, 7), (vec!["d".into()], vec!["m".into()]));
    assert_eq!(all(&rotator), ["a", "b", "d", "e", "n"]);
    assert_eq!(step(&mut rotator, 21), (vec![], vec!["a".into()]));
    // Nothing is listed any more: there are no more keys than are told.
    rotator.update(&params("b", &[], &[]), at(8));
    assert_eq!(
        step(&mut rotator, 8),
        (vec!["old".into(), "m".into()], vec!["d".into(), "n".into()])
    );
    assert_eq!(all(&rotator), ["b", "e", "m", "old"]);
    // And again as ever.
    rotator.update(&params("z", &[], &[]), at(10));
    assert_eq!(step(&mut rotator, 10), (vec!["z".into()], vec!["b".into(), "old".into()]));
}

#[test]
fn a_key_that_nobody_speaks_of_any_more_is_still_counted() {
    let mut rotator = Rotator::new([Credential::Sdk(sdk("a"))]);
    rotator.rotate_with_grace(&sdk("b"), &expiring("other", 100), UnixMillis(0));
    assert_eq!(step(&mut rotator, 0), (vec!["b".into(), "other".into()], vec![]));
    // It holds, and so it is among those that are to go with the environment.
    assert_eq!(all(&rotator), ["a", "b", "other"]);
}

//! What is served to relays that follow this one: exact bytes, and who is let in.

use core::time::Duration;
use std::sync::Arc;

use highwater::Endpoint;
use highwater_relay::{
    AutoConfigSource, EnvironmentId, EnvironmentRep, FilterId, Speaks, auto_config_router,
};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::common::{PATIENCE, Served, environment, filter, key};

const REP: &str = concat!(
    r#"{"envID":"e","envKey":"dev","envName":"Dev","mobKey":"mob","projKey":"p","projName":"P","#,
    r#""sdkKey":{"value":"sdk","expiring":{"value":"old","timestamp":1700000000123}},"#,
    r#""defaultTtl":5,"secureMode":true,"version":9007199254740993}"#,
);

/// Reads until so many bytes came.
async fn read(url: &str, wanted: usize) -> String {
    let endpoint = Endpoint::new(url, &[("authorization", "auto-config-key")]).unwrap();
    let mut stream = timeout(PATIENCE, endpoint.open(None)).await.unwrap().unwrap();
    assert_eq!(stream.status(), 200);
    let mut text = String::new();
    while text.len() < wanted {
        let piece = timeout(PATIENCE, stream.next()).await.expect("more comes").unwrap().unwrap();
        text.push_str(core::str::from_utf8(&piece).unwrap());
    }
    text
}

fn source() -> Arc<AutoConfigSource> {
    let source = Arc::new(AutoConfigSource::new());
    let rep = EnvironmentRep::parse(REP.as_bytes()).unwrap();
    source.replace([rep], [(FilterId::new("p.f"), filter("p", "f"))]);
    source
}

#[tokio::test]
async fn events_are_written_as_relay_reads_them() {
    let source = source();
    let mut subscription = source.subscribe(Speaks::Filters).unwrap();
    source.put_filter(FilterId::new("p.g"), filter("p", "g"));
    source.delete_filter(FilterId::new("p.g"), 2);
    source.put_environment(environment("x", "p", 1));
    source.delete_environment(EnvironmentId::new("e"), i64::MAX);
    source.close();
    let mut text = String::new();
    while let Some(event) = subscription.next().await {
        text.push_str(core::str::from_utf8(&event).unwrap());
    }
    let x = serde_json::to_string(&environment("x", "p", 1)).unwrap();
    assert_eq!(
        text,
        format!(
            "event: put\ndata: {{\"path\":\"/\",\"data\":{{\"environments\":{{\"e\":{REP}}},\
             \"filters\":{{\"p.f\":{{\"projKey\":\"p\",\"key\":\"f\",\"version\":1}}}}}}}}\n\n\
             event: patch\ndata: {{\"path\":\"/filters/p.g\",\
             \"data\":{{\"projKey\":\"p\",\"key\":\"g\",\"version\":1}}}}\n\n\
             event: delete\ndata: {{\"path\":\"/filters/p.g\",\"version\":2}}\n\n\
             event: patch\ndata: {{\"path\":\"/environments/x\",\"data\":{x}}}\n\n\
             event: delete\ndata: {{\"path\":\"/environments/e\",\"version\":9223372036854775807}}\n\n"
        )
    );
    assert!(source.subscribe(Speaks::Filters).is_none());
}

#[test]
fn a_change_whose_version_is_not_greater_is_named() {
    let source = AutoConfigSource::new();
    let filters = || [(FilterId::new("p.f"), filter("p", "f"))];
    assert_eq!(source.replace([environment("a", "p", 1)], filters()), [""; 0]);
    assert_eq!(source.replace([environment("a", "p", 1)], filters()), [""; 0]);
    let changed = [(FilterId::new("p.f"), filter("p", "g"))];
    let stale = source.replace([environment("a", "q", 1)], changed);
    assert_eq!(stale, ["environments/a", "filters/p.f"]);
    assert_eq!(source.replace([environment("a", "q", 2)], filters()), [""; 0]);
}

#[tokio::test]
async fn a_follower_of_the_first_protocol_hears_of_no_filter() {
    let source = source();
    let mut subscription = source.subscribe(Speaks::Environments).unwrap();
    source.put_filter(FilterId::new("p.g"), filter("p", "g"));
    source.delete_environment(EnvironmentId::new("e"), i64::MAX);
    let put = subscription.next().await.unwrap();
    assert!(!String::from_utf8_lossy(&put).contains("filter"));
    let next = subscription.next().await.unwrap();
    assert!(next.starts_with(b"event: delete\ndata: {\"path\":\"/environments/e\""));
}

#[tokio::test]
async fn a_follower_that_is_too_far_behind_has_to_begin_again() {
    let source = source();
    let mut slow = source.subscribe(Speaks::Filters).unwrap();
    for version in 2..200 {
        source.put_environment(environment("x", "p", version));
    }
    assert!(slow.next().await.is_some(), "the put");
    assert_eq!(slow.next().await, None);
    let mut again = source.subscribe(Speaks::Filters).unwrap();
    assert!(String::from_utf8_lossy(&again.next().await.unwrap()).contains("\"version\":199"));
}

#[tokio::test]
async fn nobody_is_let_in_without_a_key_and_nobody_waits_in_vain() {
    let source = Arc::new(AutoConfigSource::new());
    let served = Served::new(&source).await;
    let url = format!("http://{}/relay_auto_config?rpacProtocolVersion=2", served.address);
    let status = async |headers: &[(&str, &str)]| {
        let opened = Endpoint::new(&url, headers).unwrap().open(None).await.unwrap();
        opened.status()
    };
    assert_eq!(status(&[]).await, 401);
    for wrong in ["", "auto-config-keys", "auto-config-ke", "Bearer auto-config-key"] {
        assert_eq!(status(&[("authorization", wrong)]).await, 401, "{wrong:?}");
    }
    assert_eq!(status(&[("authorization", "auto-config-key")]).await, 503);
    source.replace([environment("a", "p", 1)], []);
    assert_eq!(status(&[("authorization", "auto-config-key")]).await, 200);
}

#[tokio::test]
async fn silences_are_filled_with_heartbeats() {
    let router = auto_config_router(source(), [key("auto-config-key")], Duration::from_millis(5));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
    let put = format!(
        "event: put\ndata: {{\"path\":\"/\",\"data\":{{\"environments\":{{\"e\":{REP}}}}}}}\n\n"
    );
    let text = read(&format!("http://{address}/relay_auto_config"), put.len() + 6).await;
    assert_eq!(text.strip_prefix(&put).map(|beats| &beats[..6]), Some(":\n:\n:\n"));
    server.abort();
}

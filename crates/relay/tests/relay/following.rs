//! Auto-config over real connections: followed, kept, and served on.

use std::sync::{Arc, Mutex};

use highwater_relay::{
    AutoConfig, AutoConfigSource, Cache, EnvironmentId, FilterId, StreamFault, StreamPhase,
    WhenRefused,
};
use tokio::time::timeout;

use crate::common::{PATIENCE, Served, World, environment, filter, follow, key, options, scripted};

const EMPTY: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";

fn source() -> Arc<AutoConfigSource> {
    let source = Arc::new(AutoConfigSource::new());
    let environments = [environment("a", "p", 1), environment("b", "q", 1)];
    source.replace(environments, [(FilterId::new("p.f"), filter("p", "f"))]);
    source
}

#[tokio::test]
async fn a_stream_is_asked_for_as_relay_asks() {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&heads);
    let (address, _server) = scripted(move |number, head| {
        seen.lock().unwrap().push(head.to_lowercase());
        let body = if number == 0 { "id: 5\nevent: reconnect\ndata: x\n\n" } else { "" };
        async move { format!("{EMPTY}{body}") }
    })
    .await;
    let (relay, _world) = follow(address);
    relay.ready().await.unwrap();
    let mut status = relay.status();
    let again = |status: &highwater_relay::AutoConfigStatus| status.fault.is_some();
    timeout(PATIENCE, status.wait_for(again)).await.unwrap().unwrap();
    let valid = |status: &highwater_relay::AutoConfigStatus| status.phase == StreamPhase::Valid;
    timeout(PATIENCE, status.wait_for(valid)).await.unwrap().unwrap();
    relay.close().await;
    let heads = heads.lock().unwrap();
    for head in heads.iter() {
        assert!(head.starts_with("get /relay_auto_config?rpacprotocolversion=2 http/1.1\r\n"));
        for line in [
            "authorization: auto-config-key",
            "accept: text/event-stream",
            "cache-control: no-cache",
        ] {
            assert!(head.contains(&format!("{line}\r\n")), "{head}");
        }
    }
    assert!(!heads[0].contains("last-event-id"));
    assert!(heads[1].contains("last-event-id: 5\r\n"));
}

#[tokio::test]
async fn a_chain_of_relays_follows_the_source() {
    let source = source();
    let first = Served::new(&source).await;
    let (near, near_world) = follow(first.address);
    near.ready().await.unwrap();
    near_world.until_runs(&["a", "a/f", "b"]).await;
    let second = Served::new(near.source()).await;
    let (far, far_world) = follow(second.address);
    far_world.until_runs(&["a", "a/f", "b"]).await;

    assert!(source.put_environment(environment("a", "p", 2)));
    assert!(!source.put_environment(environment("a", "p", 2)));
    far_world.until("updated", |running, _| running["a/f"] == "sdk-a-2").await;
    source.put_filter(FilterId::new("q.g"), filter("q", "g"));
    source.delete_environment(EnvironmentId::new("a"), 3);
    far_world.until_runs(&["b", "b/g"]).await;
    source.delete_filter(FilterId::new("q.g"), 2);
    source.put_environment(environment("a", "p", 4));
    far_world.until_runs(&["a", "a/f", "b"]).await;
    // What a put leaves out is forgotten along the whole chain, its version with it.
    source.replace([environment("b", "q", 1)], []);
    far_world.until_runs(&["b"]).await;
    source.put_environment(environment("a", "p", 1));
    far_world.until("as at first", |running, _| running.get("a") == Some(&"sdk-a-1".into())).await;
    assert_eq!(near_world.running(), far_world.running());
    assert!(far_world.knows_all());
    assert_eq!(far.status().borrow().environments, 2);
    far.close().await;
    near.close().await;
}

#[tokio::test]
async fn a_chain_converges_while_its_links_are_restarted() {
    let source = source();
    let mut first = Served::new(&source).await;
    let (mut near, mut near_world) = follow(first.address);
    near_world.until_runs(&["a", "a/f", "b"]).await;
    let mut second = Served::new(near.source()).await;
    let (far, far_world) = follow(second.address);
    for round in 2..8 {
        source.put_environment(environment("a", "p", round));
        let address = first.address;
        if round % 2 == 0 {
            drop(first);
            source.put_environment(environment("c", "q", round));
            first = Served::at(address, &source).await;
        } else {
            source.delete_environment(EnvironmentId::new("c"), round);
            let there = second.address;
            drop(second);
            near.close().await;
            (near, near_world) = follow(address);
            second = Served::at(there, near.source()).await;
        }
        let wanted = format!("sdk-a-{round}");
        let names = if round % 2 == 0 { &["a", "a/f", "b", "c"][..] } else { &["a", "a/f", "b"] };
        for world in [&near_world, &far_world] {
            world.until(&wanted, |running, _| running.get("a/f") == Some(&wanted)).await;
            world.until_runs(names).await;
        }
    }
    far.close().await;
}

#[tokio::test]
async fn what_was_kept_is_served_while_the_stream_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("auto-config");
    let source = source();
    let served = Served::new(&source).await;
    let with_cache = |address| {
        let mut options = options(address);
        options.cache = Some(path.clone());
        let world = World::new();
        (AutoConfig::start(options, Arc::clone(&world)).unwrap(), world)
    };
    let (relay, world) = with_cache(served.address);
    world.until_runs(&["a", "a/f", "b"]).await;
    source.put_environment(environment("b", "q", 7));
    world.until("updated", |running, _| running["b"] == "sdk-b-7").await;
    relay.close().await;

    // Nobody is there, and what was last known runs, and is served on.
    let address = served.address;
    drop(served);
    let (relay, world) = with_cache(address);
    world.until_runs(&["a", "a/f", "b"]).await;
    world.until("all known", |running, all| all && running["b"] == "sdk-b-7").await;
    assert!(relay.status().borrow().kept);
    assert!(relay.source().is_complete());
    assert_ne!(relay.status().borrow().phase, StreamPhase::Valid);
    // And when the stream is back, it says what there is.
    source.delete_environment(EnvironmentId::new("a"), 9);
    let served = Served::at(address, &source).await;
    world.until_runs(&["b"]).await;
    assert!(!relay.status().borrow().kept);
    relay.close().await;

    // What cannot be used is passed over.
    let mut kept = std::fs::read(&path).unwrap();
    *kept.last_mut().unwrap() = b'x';
    std::fs::write(&path, &kept).unwrap();
    let (relay, world) = with_cache(served.address);
    world.until_runs(&["b"]).await;
    relay.close().await;
    assert!(Cache::new(&path, key("auto-config-key")).load().unwrap().is_some());
}

#[tokio::test]
async fn a_slow_environment_delays_no_other() {
    let source = source();
    let served = Served::new(&source).await;
    let world = World::new();
    world.hold("a");
    let relay = AutoConfig::start(options(served.address), Arc::clone(&world)).unwrap();
    world.until_runs(&["a/f", "b"]).await;
    source.put_environment(environment("b", "q", 2));
    source.put_environment(environment("a", "p", 2));
    source.put_environment(environment("c", "q", 1));
    world.until_runs(&["a/f", "b", "c"]).await;
    world.until("updated", |running, _| running["b"] == "sdk-b-2").await;
    assert!(!world.knows_all(), "one is not there yet");
    world.let_go("a");
    world.until_runs(&["a", "a/f", "b", "c"]).await;
    world.until("all", |running, all| all && running["a"] == "sdk-a-2").await;
    relay.close().await;
}

#[tokio::test]
async fn a_refused_key_is_asked_about_again_and_what_there_is_runs_on() {
    let (address, _server) = scripted(|number, _| async move {
        match number {
            0 => format!(
                "{EMPTY}event: patch\ndata: {{\"path\":\"/environments/a\",\"data\":\
                 {{\"envID\":\"a\",\"version\":1,\"sdkKey\":{{\"value\":\"k\"}}}}}}\n\n\
                 event: reconnect\ndata: x\n\n"
            ),
            1..4 => "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n".into(),
            _ => format!(
                "{EMPTY}event: put\ndata: {{\"path\":\"/\",\"data\":{{\"environments\":{{\"b\":\
                 {{\"envID\":\"b\",\"version\":1,\"sdkKey\":{{\"value\":\"k\"}}}}}},\
                 \"filters\":{{}}}}}}\n\n"
            ),
        }
    })
    .await;
    let (relay, world) = follow(address);
    let mut status = relay.status();
    let refused = |status: &highwater_relay::AutoConfigStatus| {
        matches!(status.fault.as_deref(), Some(StreamFault::InvalidKey { status: 401 }))
    };
    timeout(PATIENCE, status.wait_for(refused)).await.unwrap().unwrap();
    world.until_runs(&["b"]).await;
    let done = world.done.lock().unwrap().clone();
    assert!(done.contains(&"add a".into()) && done.contains(&"delete a".into()), "{done:?}");
    relay.close().await;
}

#[tokio::test]
async fn a_refused_key_may_end_it() {
    let served = Served::new(&source()).await;
    let mut options = options(served.address);
    options.key = key("another-key");
    options.stream.retry.when_refused = WhenRefused::Stop;
    let relay = AutoConfig::start(options, World::new()).unwrap();
    let fault = timeout(PATIENCE, relay.ready()).await.unwrap().unwrap_err();
    assert_eq!(*fault, StreamFault::InvalidKey { status: 401 });
    assert_eq!(relay.status().borrow().phase, StreamPhase::Off);
}

#[tokio::test]
async fn an_address_or_a_key_that_cannot_be_is_named() {
    let start = |uri: &str, secret: &str| {
        let mut options = options(([127, 0, 0, 1], 1).into());
        (options.stream_uri, options.key) = (uri.into(), key(secret));
        AutoConfig::start(options, World::new()).err().map(|error| error.to_string())
    };
    assert!(start("ftp://h", "k").unwrap().contains("ftp"));
    assert!(start("nonsense", "k").unwrap().contains("nonsense"));
    let error = start("http://h", "bad\nkey-1234").unwrap();
    assert!(error.contains("authorization") && !error.contains("1234"), "{error}");
}

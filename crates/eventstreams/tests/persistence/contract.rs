//! What every storage promises.

use core::pin::Pin;
use highwater_eventstreams::{
    Error, EventStreamSpec, Listed, Persistence, Query, QueryLimits, Status, Timestamp, Update,
};
use serde_json::json;

/// A part of the contract, on a storage that is empty.
pub(crate) type Check = fn(&dyn Persistence) -> Pin<Box<dyn Future<Output = ()> + '_>>;

macro_rules! contract {
    ($($name:ident),* $(,)?) => {
        &[$((stringify!($name), |storage| Box::pin($name(storage)))),*]
    };
}

/// All parts, by name.
pub(crate) const CONTRACT: &[(&str, Check)] = contract![
    a_stream_comes_back_as_it_was,
    storing_again_replaces_everything,
    a_name_belongs_to_one_stream,
    an_update_changes_what_it_names,
    deleting_what_is_not_there_is_no_error,
    checkpoints_stand_by_themselves,
    pages_go_through_all_streams,
    lists_are_as_in_memory,
    what_is_asked_together_is_done,
    what_is_dropped_is_done_before_what_comes_after,
];

pub(crate) fn id(number: u32) -> String {
    format!("c0ffee00-0000-4000-8000-{number:012}")
}

pub(crate) fn named(number: u32, name: &str) -> EventStreamSpec {
    let status = Some("stopped".into());
    EventStreamSpec { id: Some(id(number)), name: Some(name.into()), status, ..Default::default() }
}

async fn stored(storage: &dyn Persistence, number: u32) -> EventStreamSpec {
    storage.by_id(&id(number)).await.unwrap().expect("it is there")
}

async fn names(storage: &dyn Persistence, query: &str) -> Vec<String> {
    let query = Query::from_url(query, &QueryLimits::default()).unwrap();
    let Listed { items, .. } = storage.list(&query).await.unwrap();
    items.into_iter().filter_map(|spec| spec.name).collect()
}

async fn a_stream_comes_back_as_it_was(storage: &dyn Persistence) {
    let spec: EventStreamSpec = serde_json::from_value(json!({
        "id": id(1), "name": "whole", "status": "started", "type": "webhook",
        "initialSequenceId": "000012", "topicFilter": "a'b\"c.*é", "errorHandling": "skip",
        "batchSize": 9_000_000_000_i64, "batchTimeout": "1.5s", "retryTimeout": 10,
        "blockedRetryDelay": "5m", "initialTime": "2026-01-02T03:04:05.000000006Z",
        "deadLetterTopic": "dead", "source": "orders",
        "webhook": { "url": "http://h.example/", "http": { "headers": { "a": "b", "n": 1 }, "retry": true } },
        "websocket": { "distributionMode": "broadcast" },
    }))
    .unwrap();
    let done = storage.upsert(&spec).await.unwrap();
    assert!(done.inserted);
    let expect = EventStreamSpec {
        created: Some(done.created),
        updated: Some(done.updated),
        ..spec.clone()
    };
    assert_eq!(stored(storage, 1).await, expect);
    assert_eq!(storage.by_name("whole").await.unwrap(), Some(expect));

    // What is not given is stored as nothing.
    let bare = named(2, "bare");
    let done = storage.upsert(&bare).await.unwrap();
    let expect =
        EventStreamSpec { created: Some(done.created), updated: Some(done.updated), ..bare };
    assert_eq!(stored(storage, 2).await, expect);

    assert_eq!(storage.by_id(&id(3)).await.unwrap(), None);
    assert_eq!(storage.by_name("other").await.unwrap(), None);
    assert_eq!(storage.id("C0FFEE00000040008000000000000001"), Some(id(1)));
    assert_eq!(storage.id("whole"), None);
}

async fn storing_again_replaces_everything(storage: &dyn Persistence) {
    let first = EventStreamSpec {
        topic_filter: Some("x".into()),
        batch_size: Some(7),
        initial_time: Some(Timestamp::from_nanos(1)),
        ..named(1, "one")
    };
    let first = storage.upsert(&first).await.unwrap();
    let second = storage.upsert(&named(1, "renamed")).await.unwrap();
    assert_eq!((first.inserted, second.inserted), (true, false));
    assert_eq!(second.created, first.created);
    assert!(second.updated > first.updated || second.updated > first.created);
    let expect = EventStreamSpec {
        created: Some(first.created),
        updated: Some(second.updated),
        ..named(1, "renamed")
    };
    assert_eq!(stored(storage, 1).await, expect);
    assert_eq!(storage.by_name("one").await.unwrap(), None);
}

async fn a_name_belongs_to_one_stream(storage: &dyn Persistence) {
    storage.upsert(&named(1, "one")).await.unwrap();
    let taken = Err(Error::NameTaken("one".into()));
    assert_eq!(storage.upsert(&named(2, "one")).await, taken);
    storage.upsert(&named(2, "two")).await.unwrap();
    assert_eq!(storage.upsert(&named(2, "one")).await, taken);
    assert_eq!(names(storage, "sort=name").await, ["one", "two"]);
    storage.upsert(&named(1, "other")).await.unwrap();
    storage.upsert(&named(2, "one")).await.unwrap();
    // Capital letters are other letters.
    storage.upsert(&named(3, "One")).await.unwrap();
}

async fn an_update_changes_what_it_names(storage: &dyn Persistence) {
    let first = EventStreamSpec { initial_sequence_id: Some("5".into()), ..named(1, "one") };
    storage.upsert(&first).await.unwrap();
    let before = stored(storage, 1).await;
    let update = Update { status: Some(Status::Deleted), ..Update::default() };
    storage.update(&id(1), update).await.unwrap();
    let after = stored(storage, 1).await;
    assert_eq!(after.status, Some("deleted".into()));
    assert_eq!(after.initial_sequence_id.as_deref(), Some("5"));
    assert_eq!((&after.name, after.created), (&before.name, before.created));
    assert!(after.updated >= before.updated);

    let moment = Timestamp::from_nanos(7);
    let update =
        Update { status: None, initial_sequence_id: Some(None), initial_time: Some(Some(moment)) };
    storage.update(&id(1), update).await.unwrap();
    let after = stored(storage, 1).await;
    assert_eq!(after.status, Some("deleted".into()));
    assert_eq!((after.initial_sequence_id, after.initial_time), (None, Some(moment)));

    assert_eq!(storage.update(&id(2), Update::default()).await, Err(Error::NotFound));
}

async fn deleting_what_is_not_there_is_no_error(storage: &dyn Persistence) {
    storage.upsert(&named(1, "one")).await.unwrap();
    for _ in 0..2 {
        storage.delete(&id(1)).await.unwrap();
        assert_eq!(storage.by_id(&id(1)).await.unwrap(), None);
    }
    assert!(storage.upsert(&named(2, "one")).await.unwrap().inserted);
}

async fn checkpoints_stand_by_themselves(storage: &dyn Persistence) {
    assert_eq!(storage.checkpoint(&id(1)).await.unwrap(), None);
    storage.put_checkpoint(&id(1), "000001").await.unwrap();
    storage.put_checkpoint(&id(2), "").await.unwrap();
    storage.put_checkpoint(&id(1), "000002").await.unwrap();
    assert_eq!(storage.checkpoint(&id(1)).await.unwrap().as_deref(), Some("000002"));
    assert_eq!(storage.checkpoint(&id(2)).await.unwrap().as_deref(), Some(""));
    for _ in 0..2 {
        storage.delete_checkpoint(&id(1)).await.unwrap();
        assert_eq!(storage.checkpoint(&id(1)).await.unwrap(), None);
    }
}

async fn pages_go_through_all_streams(storage: &dyn Persistence) {
    for number in 0..10 {
        storage.upsert(&named(number, &format!("s{number}"))).await.unwrap();
    }
    // One that is stored again keeps its place.
    storage.upsert(&named(3, "again")).await.unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = storage.page(after, 3).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        assert!(page.len() <= 3);
        after = Some(*last);
        for (_, spec) in page {
            // What is deleted on the way moves nothing.
            storage.delete(spec.id.as_deref().unwrap()).await.unwrap();
            seen.extend(spec.name);
        }
    }
    assert_eq!(seen, ["s0", "s1", "s2", "again", "s4", "s5", "s6", "s7", "s8", "s9"]);
    assert_eq!(storage.page(None, 3).await.unwrap(), []);
}

async fn lists_are_as_in_memory(storage: &dyn Persistence) {
    let rows = [
        ("apple", Some("fruit")),
        ("Apricot", Some("Fruit.*")),
        ("banana", None),
        ("b%n_na", Some("")),
        ("ÄPFEL", Some("äpfel")),
        ("äpple", Some("fruit'; DROP TABLE eventstreams; --")),
    ];
    for (number, (name, filter)) in (1..).zip(rows) {
        let filter = filter.map(str::to_owned);
        storage
            .upsert(&EventStreamSpec { topic_filter: filter, ..named(number, name) })
            .await
            .unwrap();
    }
    let all: Vec<_> = storage.page(None, 100).await.unwrap();
    let newest_first: Vec<_> = all.into_iter().map(|(_, spec)| spec).rev().collect();
    let created = newest_first[2].created.unwrap();
    for query in [
        "",
        "count&limit=2&skip=1",
        "name=apple&name=banana",
        "name=:APPLE",
        "name=!:^A",
        "name=:^%C3%84",
        "name=@%25",
        "name=@_",
        "name=!@a",
        "name=$na",
        "name=!$na",
        "name=$longer-than-any",
        "name=@",
        "name=!$",
        "name=[^a&name=[$e",
        "name=>b",
        "name=<=apple",
        "topicfilter=?",
        "topicfilter=!?",
        "topicfilter=",
        "topicfilter=!fruit",
        "topicfilter=@'; DROP",
        "sort=name",
        "sort=-name&count",
        "sort=topicfilter,-name",
        "sort=-topicfilter",
        "sort=status",
        "status=stopped&type=?",
        "initialsequenceid=!?",
        "id=C0FFEE00000040008000000000000002",
        "created=>2020-01-01T00:00:00Z&updated=<1",
        &format!("created=<{}", created.as_nanos()),
        &format!("created={created}"),
        r#"{"in":[{"field":"name","values":["apple","x"]}],"count":true}"#,
        r#"{"nin":[{"field":"topicfilter","values":["fruit"]}]}"#,
        r#"{"in":[{"field":"name"}]}"#,
        r#"{"nin":[{"field":"topicfilter"}]}"#,
        r#"{"or":[{"null":[{"field":"topicfilter"}]},{"and":[{"lt":[{"field":"name","value":"b"}]},{}]}]}"#,
        r#"{"or":[{}],"gte":[{"field":"created","value":0}]}"#,
    ] {
        let limits = QueryLimits::default();
        let read = if query.starts_with('{') {
            Query::from_json(query, &limits)
        } else {
            Query::from_url(query, &limits)
        };
        let read = read.unwrap();
        let expect = read.page(newest_first.iter().cloned());
        let listed = storage.list(&read).await.unwrap();
        assert_eq!((listed.items, listed.total), (expect.items, expect.total), "{query}");
    }
}

async fn what_is_asked_together_is_done(storage: &dyn Persistence) {
    let streams: Vec<_> = (0..50).map(|number| named(number, &format!("s{number}"))).collect();
    let mut all = Vec::new();
    for spec in &streams {
        all.push(storage.upsert(spec));
    }
    for done in all {
        assert!(done.await.unwrap().inserted);
    }
    assert_eq!(names(storage, "limit=100").await.len(), 50);
}

async fn what_is_dropped_is_done_before_what_comes_after(storage: &dyn Persistence) {
    for number in 0..100 {
        let early = format!("{number:06}");
        let mut dropped = storage.put_checkpoint("s", &early);
        // Begun, and then nobody waits for it.
        core::future::poll_fn(|context| {
            let _ = dropped.as_mut().poll(context);
            core::task::Poll::Ready(())
        })
        .await;
        drop(dropped);
        let late = format!("{number:06}-late");
        storage.put_checkpoint("s", &late).await.unwrap();
        assert_eq!(storage.checkpoint("s").await.unwrap(), Some(late));
    }
}

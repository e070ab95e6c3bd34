//! Consul's health stream over a real connection, and what a view makes of it.

use std::sync::Arc;

use crate::common::{PATIENCE, Server, Socket, hasty};
use highwater::health::{Checks, Instances, ServiceHealth};
use highwater::{Feed, FeedError, Protocol, QueryRequest, QueryStore, Run, Wanted};
use tokio::sync::Notify;
use tokio::time::timeout;

/// The instances of `web` with a tag that are not critical.
struct Web(String);

impl QueryRequest for Web {
    type Key = String;
    type Value = Arc<Instances>;

    fn key(&self) -> String {
        self.0.clone()
    }

    fn materialize(&self, feed: Feed<Self::Value>) -> Result<Run, FeedError> {
        let view = ServiceHealth::new()
            .checks(Checks::NotCritical)
            .tag("Blue")
            .node_meta("rack", "a")
            .filter(|it| it.service.port > 0);
        hasty(&self.0).protocol(Protocol::consul()).view(view).materialize(feed)
    }
}

/// An event's line: an instance, in the words of Consul's canonical JSON.
fn registered(index: u64, node: &str, id: &str, more: &str) -> String {
    format!(
        r#"{{"Index":"{index}","ServiceHealth":{{"CheckServiceNode":{{"Node":{{"Node":"{node}","Address":"10.0.0.9","Meta":{{"rack":"a"}}}},"Service":{{"ID":"{id}","Service":"web","Port":80,"Tags":["BLUE","x"]{more}}},"Checks":[{{"CheckID":"c","Status":"warning"}}]}}}}}}"#
    ) + "\n"
}

fn seen(instances: &Instances) -> Vec<(&str, &str, &str)> {
    instances.iter().map(|it| (&*it.node.name, &*it.service.id, it.address())).collect()
}

#[tokio::test]
async fn instances_come_go_and_stop_to_fit() {
    let step = Arc::new(Notify::new());
    let wait = Arc::clone(&step);
    let server = Server::start(move |_, mut socket: Socket| {
        let wait = Arc::clone(&wait);
        async move {
            socket.write("HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n\r\n").await;
            socket.write(registered(7, "n2", "web-1", "")).await;
            socket.write(registered(7, "n1", "web-2", r#","Address":"10.1.1.1""#)).await;
            socket.write(registered(7, "n1", "web-1", "")).await;
            socket.write(registered(7, "n1", "no-port", "").replace("80", "0")).await;
            socket.write(registered(7, "n1", "red", "").replace("BLUE", "RED")).await;
            socket.write(registered(7, "n1", "down", "").replace("warning", "critical")).await;
            socket.write(registered(7, "n1", "far", "").replace(r#""a""#, r#""b""#)).await;
            socket.write("{\"Index\":\"7\",\"EndOfSnapshot\":true}\n").await;
            wait.notified().await;
            let failing = registered(8, "n1", "web-1", "").replace("warning", "critical");
            socket.write(failing).await;
            wait.notified().await;
            let gone = registered(9, "n2", "web-1", "");
            let gone =
                gone.replace(r#"{"CheckServiceNode""#, r#"{"Op":"Deregister","CheckServiceNode""#);
            socket.write(gone).await;
            socket.gone().await;
        }
    })
    .await;
    let (store, web) = (QueryStore::default(), Web(server.url.clone()));
    let get = async |newer| {
        let answer = timeout(PATIENCE, store.get(&web, Wanted::newer_than(newer))).await;
        answer.expect("in time").expect("an answer")
    };

    let first = get(0).await;
    let all =
        [("n1", "web-1", "10.0.0.9"), ("n1", "web-2", "10.1.1.1"), ("n2", "web-1", "10.0.0.9")];
    assert_eq!((first.index, seen(&first.value)), (7, all.to_vec()), "by node, then by id");
    assert_eq!(&*first.value.iter().next().unwrap().identity, "//n1//web-1");
    step.notify_one();
    let failed = get(7).await;
    assert_eq!((failed.index, seen(&failed.value)), (8, all[1..].to_vec()), "it fits no more");
    step.notify_one();
    let left = get(8).await;
    assert_eq!((left.index, seen(&left.value)), (9, all[1..2].to_vec()));
    assert_eq!(seen(&first.value), all, "what was handed out stays as it was");
}

#[test]
fn gateways_of_a_connect_query_are_asked_for_their_checks_only() {
    use highwater_core::{Instant, Materializer, MaterializerOptions};
    let gateway = registered(3, "n1", "gate", r#","Kind":"terminating-gateway""#);
    let lines = gateway.replace("BLUE", "RED") + "{\"Index\":\"3\",\"EndOfSnapshot\":true}\n";
    let count = |view: ServiceHealth| {
        let view = view.tag("blue");
        let mut stream =
            Materializer::with_view(Protocol::consul(), view, MaterializerOptions::default());
        stream.read_lines(true);
        stream.push(Instant::default(), lines.as_bytes()).unwrap();
        stream.view().instances().len()
    };
    assert_eq!(count(ServiceHealth::new()), 0, "the tag is asked for");
    assert_eq!(count(ServiceHealth::new().connect()), 1);
    assert_eq!(count(ServiceHealth::new().connect().checks(Checks::Passing)), 0);
}

#[test]
fn what_is_no_instance_is_refused_by_name() {
    use highwater_core::{Instant, Materializer, MaterializerOptions};
    for (line, error) in [
        (
            r#"{"Index":"3","ConfigEntry":{"ConfigEntry":{"Name":"x"}}}"#,
            r#"an event of kind "ConfigEntry" among those of ServiceHealth"#,
        ),
        (
            r#"{"Index":"3","ServiceHealth":{"CheckServiceNode":{"Node":{"Node":"n"},"Service":{"ID":"s","Port":"x"}}}}"#,
            "instance //n//s: invalid type: string \"x\", expected u16",
        ),
    ] {
        let mut stream = Materializer::with_view(
            Protocol::consul(),
            ServiceHealth::new(),
            MaterializerOptions::default(),
        );
        stream.read_lines(true);
        let lines = format!("{line}\n{{\"Index\":\"3\",\"EndOfSnapshot\":true}}\n");
        let fault = stream.push(Instant::default(), lines.as_bytes()).unwrap_err();
        assert!(fault.to_string().contains(error), "{fault}");
        assert!(stream.view().instances().is_empty());
    }
}

//! When a session connects, waits, gives up, and what it says meanwhile.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use core::time::Duration;

use highwater_core::{
    ConnectionId, Effect, Failure, Forgive, Input, Instant, Jitter, Phase, Protocol, Request,
    Session, SessionOptions,
};

/// A session and the little that an edge does.
struct Edge {
    session: Session,
    now: Instant,
    wake: Option<Instant>,
    requests: Vec<Request>,
    dropped: Vec<ConnectionId>,
    fetches: usize,
}

impl Edge {
    fn new(protocol: Protocol) -> Self {
        Self::with(protocol, |_| {})
    }

    fn with(protocol: Protocol, set: impl FnOnce(&mut SessionOptions)) -> Self {
        let mut options = SessionOptions::of(&protocol);
        // Tests answer when they come to it, after whatever waits.
        options.connect_timeout = Duration::from_hours(1);
        set(&mut options);
        let mut edge = Self {
            session: Session::new(protocol, (), options),
            now: Instant::from_millis(1000),
            wake: None,
            requests: Vec::new(),
            dropped: Vec::new(),
            fetches: 0,
        };
        edge.input(Input::Start);
        edge
    }

    fn input(&mut self, input: Input<'_>) {
        self.session.handle(self.now, input);
        while let Some(effect) = self.session.poll() {
            match effect {
                Effect::Connect(request) => self.requests.push(request),
                Effect::Disconnect(id) => self.dropped.push(id),
                Effect::WakeAt(at) => self.wake = Some(at),
                Effect::Fetch(_) => self.fetches += 1,
                _ => {}
            }
        }
    }

    fn connection(&self) -> ConnectionId {
        self.requests.last().unwrap().connection
    }

    fn open(&mut self) {
        self.answer(200, Some("text/event-stream"), None);
    }

    fn answer(&mut self, status: u16, content_type: Option<&str>, wait: Option<u64>) {
        let connection = self.connection();
        let retry_after = wait.map(Duration::from_secs);
        self.input(Input::Opened { connection, status, content_type, retry_after });
    }

    fn bytes(&mut self, text: &str) {
        let connection = self.connection();
        self.input(Input::Bytes { connection, bytes: text.as_bytes() });
    }

    fn end(&mut self) {
        let connection = self.connection();
        self.input(Input::Ended { connection });
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(wake) = self.wake.filter(|&wake| wake <= end) {
            self.wake = None;
            self.now = self.now.max(wake);
            self.input(Input::Wake);
        }
        self.now = end;
    }

    fn phase(&self) -> Phase {
        self.session.status().phase
    }

    fn error(&self) -> Option<String> {
        self.session.status().error.map(ToString::to_string)
    }
}

const PUT: &str = "event: put\ndata: {\"data\":{\"flags\":{\"a\":{\"version\":1}}}}\n\n";
const FULL: &str = "event: server-intent\ndata: {\"payloads\":[{\"intentCode\":\"xfer-full\",\
    \"target\":7}],\"highwater\":{\"version\":1,\"heartbeat\":1000}}\n\n";
const DONE: &str = "event: payload-transferred\nid: e.7\n\
    data: {\"state\":\"e.7\",\"version\":7}\n\n";
const LONG: Duration = Duration::from_secs(100);

#[test]
fn it_goes_from_connecting_to_live_and_back() {
    let mut edge = Edge::new(Protocol::relay());
    assert_eq!(edge.phase(), Phase::Connecting);
    assert_eq!(edge.session.status().attempt, 1);
    edge.open();
    assert_eq!(edge.phase(), Phase::Syncing);
    edge.bytes(PUT);
    assert_eq!(edge.phase(), Phase::Live);
    assert_eq!(edge.session.status().attempt, 0);
    edge.end();
    assert_eq!(edge.phase(), Phase::Stale);
    assert_eq!(edge.error().as_deref(), Some("the server closed the stream"));
    assert_eq!(edge.session.state().len(), 1, "what was there stays");
    edge.pass(LONG);
    assert_eq!(edge.requests.len(), 2);
    edge.open();
    assert_eq!(edge.phase(), Phase::Stale);
    edge.bytes(PUT);
    assert_eq!((edge.phase(), edge.error()), (Phase::Live, None));
}

#[test]
fn a_resume_asks_for_what_follows_the_cursor_and_tells_the_verdict() {
    let mut edge = Edge::new(Protocol::fdv2());
    assert_eq!(edge.requests[0].query, []);
    edge.open();
    edge.bytes(&[FULL, DONE].concat());
    assert_eq!(edge.session.status().resumed, Some(false));
    assert_eq!(edge.session.status().target, Some(7));
    edge.end();
    edge.pass(LONG);
    assert_eq!(edge.requests[1].query, [("basis", "e.7".to_owned())]);
    assert_eq!(edge.requests[1].last_event_id.as_deref(), Some("e.7"));
    edge.open();
    edge.bytes("event: server-intent\ndata: {\"payloads\":[{\"intentCode\":\"none\"}]}\n\n");
    assert_eq!((edge.phase(), edge.session.status().resumed), (Phase::Live, Some(true)));
}

#[test]
fn silence_is_noticed_and_any_byte_is_a_sign_of_life() {
    let mut edge = Edge::with(Protocol::relay(), |o| o.idle = Some(Duration::from_secs(10)));
    edge.open();
    edge.bytes(PUT);
    for _ in 0..5 {
        edge.pass(Duration::from_secs(9));
        edge.bytes(":\n");
    }
    assert_eq!(edge.phase(), Phase::Live);
    let last = edge.connection();
    edge.pass(Duration::from_secs(10));
    assert_eq!(edge.dropped, [last]);
    assert_eq!(edge.error().as_deref(), Some("nothing came for 10000 ms"));
    assert_eq!(edge.phase(), Phase::Stale);
}

#[test]
fn the_server_says_how_long_a_silence_means_something() {
    let mut edge = Edge::new(Protocol::fdv2());
    edge.open();
    edge.bytes(&[FULL, DONE].concat());
    edge.pass(Duration::from_millis(2999));
    assert_eq!(edge.phase(), Phase::Live);
    edge.pass(Duration::from_millis(1));
    assert_eq!(edge.error().as_deref(), Some("nothing came for 3000 ms"));
}

#[test]
fn a_snapshot_without_end_is_given_up() {
    let mut edge = Edge::with(Protocol::fdv2(), |o| {
        o.snapshot_timeout = Duration::from_secs(5);
    });
    edge.open();
    edge.bytes(FULL);
    for _ in 0..4 {
        edge.pass(Duration::from_secs(1));
        edge.bytes("event: heart-beat\ndata: {}\n\n");
    }
    assert_eq!(edge.phase(), Phase::Syncing);
    edge.pass(Duration::from_secs(1));
    assert_eq!(edge.error().as_deref(), Some("the snapshot did not end within 5000 ms"));
    assert_eq!(edge.phase(), Phase::Connecting);
}

#[test]
fn a_fetch_without_end_is_given_up() {
    let ping = "event: ping\ndata:  \n\n";
    let mut edge = Edge::with(Protocol::ping(), |o| o.snapshot_timeout = Duration::from_secs(5));
    edge.open();
    edge.bytes(ping);
    edge.pass(Duration::from_secs(4));
    edge.bytes(ping);
    edge.pass(Duration::from_secs(1));
    assert_eq!(edge.error().as_deref(), Some("the snapshot did not end within 5000 ms"));
    assert_eq!((edge.dropped.len(), edge.fetches), (1, 1));

    // Another one has its own time.
    edge.pass(LONG);
    edge.open();
    edge.bytes(ping);
    let connection = edge.connection();
    edge.pass(Duration::from_secs(4));
    edge.bytes(ping);
    edge.input(Input::Fetched { connection, status: 200, body: b"{}" });
    edge.pass(Duration::from_secs(4));
    assert_eq!((edge.fetches, edge.phase()), (3, Phase::Live));
    edge.input(Input::Fetched { connection, status: 200, body: b"{}" });
    edge.pass(Duration::from_mins(1));
    assert_eq!((edge.dropped.len(), edge.phase()), (1, Phase::Live));
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let mut edge = Edge::with(Protocol::relay(), |o| o.connect_timeout = Duration::from_secs(30));
    edge.pass(Duration::from_secs(30));
    assert_eq!(edge.error().as_deref(), Some("no answer within 30000 ms"));
    edge.pass(Duration::from_secs(2));
    assert_eq!(edge.requests.len(), 2);
}

#[test]
fn statuses_stop_or_are_tried_again_as_the_protocol_says() {
    let stops = |protocol: fn() -> Protocol, status: u16| {
        let mut edge = Edge::new(protocol());
        edge.answer(status, None, None);
        let stopped = edge.phase() == Phase::Stopped;
        edge.pass(LONG);
        assert_eq!(edge.requests.len() == 1, stopped, "{status}");
        assert!(edge.error().unwrap().contains(&status.to_string()));
        stopped
    };
    for status in [401, 403] {
        assert!(stops(Protocol::autoconfig, status) && stops(Protocol::relay, status));
    }
    for status in [404, 410] {
        assert!(!stops(Protocol::autoconfig, status) && stops(Protocol::fdv2, status));
    }
    for status in [204, 400, 408, 429, 500, 503] {
        assert!(!stops(Protocol::autoconfig, status) && !stops(Protocol::relay, status));
    }
    assert!(stops(|| Protocol::json(highwater_core::JsonSpec::default()), 204));
}

#[test]
fn retry_after_is_the_least_wait_and_chance_comes_on_top() {
    let wakes = [1, 2].map(|seed| {
        let mut edge = Edge::with(Protocol::relay(), |o| o.seed = seed);
        edge.answer(503, None, Some(45));
        edge.pass(Duration::from_secs(45));
        assert_eq!(edge.requests.len(), 1);
        let wake = edge.wake;
        edge.pass(Duration::from_secs(1));
        assert_eq!(edge.requests.len(), 2);
        wake
    });
    assert_ne!(wakes[0], wakes[1], "those who were told the same do not come at the same time");
}

#[test]
fn a_wait_that_no_timer_can_hold_is_cut() {
    let mut edge = Edge::new(Protocol::relay());
    edge.answer(503, None, Some(u64::MAX / 1000));
    edge.pass(Duration::from_millis(1 << 31));
    assert_eq!(edge.requests.len(), 2);
}

#[test]
fn connections_that_end_at_once_are_waited_for_ever_longer_and_told() {
    for forgive in [Forgive::Update, Forgive::Healthy(Duration::ZERO)] {
        let ended = |edge: &mut Edge, live: Duration| {
            edge.open();
            edge.bytes(PUT);
            edge.pass(live);
            edge.end();
            let before = edge.now;
            let count = edge.requests.len();
            while edge.requests.len() == count {
                edge.pass(Duration::from_millis(100));
            }
            edge.now.since(before)
        };
        let mut edge = Edge::with(Protocol::relay(), |o| {
            o.profile.jitter = Jitter::None;
            o.profile.forgive = forgive;
        });
        let moment = Duration::from_millis(10);
        let waits: Vec<Duration> = (0..12).map(|_| ended(&mut edge, moment)).collect();
        assert!(waits[..4].iter().all(|&wait| wait <= waits[0]), "{waits:?}");
        assert!(waits[11] >= Duration::from_secs(10), "{waits:?}");
        let error = edge.session.status().error.unwrap();
        assert_eq!((error.code(), error.what(), error.number()), ("loop", "closed", Some(12)));
        // One that lasts is the end of it.
        ended(&mut edge, Duration::from_secs(2));
        assert_ne!(edge.session.status().error.unwrap().code(), "loop");
        ended(&mut edge, Duration::from_secs(2));
        assert!(ended(&mut edge, Duration::from_secs(2)) <= waits[0]);
    }
}

#[test]
fn a_pause_is_no_way_round_a_wait() {
    let mut edge = Edge::new(Protocol::relay());
    edge.answer(503, None, Some(45));
    for _ in 0..5 {
        edge.input(Input::Pause { reason: "hidden" });
        edge.input(Input::Pause { reason: "app" });
        edge.pass(Duration::from_secs(1));
        edge.input(Input::Unpause { reason: "hidden" });
        edge.input(Input::Unpause { reason: "app" });
        edge.input(Input::Unpause { reason: "hidden" });
    }
    edge.pass(Duration::from_secs(39));
    assert_eq!((edge.requests.len(), edge.phase()), (1, Phase::Connecting));
    edge.pass(Duration::from_secs(3));
    assert_eq!(edge.requests.len(), 2);
    // Nor is there a wait when it is over meanwhile; and the application may always ask.
    edge.answer(503, None, Some(45));
    edge.input(Input::Pause { reason: "app" });
    edge.pass(LONG);
    edge.input(Input::Unpause { reason: "app" });
    assert_eq!(edge.requests.len(), 3);
    edge.answer(503, None, Some(45));
    edge.input(Input::Reconnect);
    assert_eq!(edge.requests.len(), 4);
}

#[test]
fn what_was_not_paused_is_not_begun_by_an_end_of_a_pause() {
    let protocol = Protocol::relay();
    let options = SessionOptions::of(&protocol);
    let mut session = Session::new(protocol, (), options);
    session.handle(Instant::from_millis(0), Input::Unpause { reason: "none" });
    assert!(!session.has_effects());
}

#[test]
fn something_else_than_a_stream_is_refused_by_name() {
    let mut edge = Edge::new(Protocol::relay());
    edge.answer(200, Some("text/html; charset=utf-8"), None);
    assert_eq!(edge.error().as_deref(), Some("the answer is no event stream but 'text/html'"));
    assert_eq!(edge.dropped.len(), 1);
    for good in ["Text/Event-Stream;charset=utf-8", "text/html, text/event-stream ;x=y"] {
        edge.end();
        edge.pass(LONG);
        edge.answer(200, Some(good), None);
        edge.bytes(PUT);
        assert_eq!(edge.phase(), Phase::Live, "{good}");
    }
    edge.end();
    edge.pass(LONG);
    edge.answer(200, Some("text/event-stream, text/plain"), None);
    assert_eq!(edge.error().as_deref(), Some("the answer is no event stream but 'text/plain'"));
}

#[test]
fn bad_data_restarts_the_connection_and_keeps_the_state() {
    let mut edge = Edge::new(Protocol::relay());
    edge.open();
    edge.bytes(PUT);
    edge.bytes("event: patch\ndata: {\n\n");
    assert_eq!(edge.dropped.len(), 1);
    assert_eq!((edge.phase(), edge.session.state().len()), (Phase::Stale, 1));
    assert_eq!(
        edge.error().as_deref(),
        Some("the data of event 'patch': the text ends early at byte 1")
    );
}

#[test]
fn a_position_that_nothing_readable_follows_is_given_up() {
    let mut edge = Edge::new(Protocol::fdv2());
    edge.open();
    edge.bytes(&[FULL, DONE].concat());
    for _ in 0..2 {
        edge.bytes("event: server-intent\ndata: {\n\n");
        edge.pass(LONG);
        edge.open();
    }
    let asked: Vec<usize> = edge.requests.iter().map(|request| request.query.len()).collect();
    assert_eq!(asked, [0, 1, 0], "after two faults in a row everything is asked for");
    assert_eq!(edge.session.status().phase, Phase::Stale);
}

#[test]
fn what_an_old_connection_delivers_is_not_read() {
    let mut edge = Edge::new(Protocol::relay());
    edge.open();
    let old = edge.connection();
    edge.input(Input::Reconnect);
    assert_eq!(edge.dropped, [old]);
    edge.input(Input::Bytes { connection: old, bytes: PUT.as_bytes() });
    edge.input(Input::Ended { connection: old });
    edge.input(Input::Opened {
        connection: old,
        status: 401,
        content_type: None,
        retry_after: None,
    });
    assert!(edge.session.state().is_empty());
    assert_eq!((edge.phase(), edge.requests.len()), (Phase::Connecting, 2));
}

#[test]
fn pauses_add_up_and_the_last_to_go_connects() {
    let mut edge = Edge::new(Protocol::relay());
    edge.open();
    edge.bytes(PUT);
    edge.input(Input::Pause { reason: "hidden" });
    edge.input(Input::Pause { reason: "app" });
    assert_eq!((edge.phase(), edge.dropped.len()), (Phase::Paused, 1));
    edge.input(Input::Unpause { reason: "hidden" });
    edge.pass(LONG);
    assert_eq!(edge.requests.len(), 1);
    edge.input(Input::Unpause { reason: "app" });
    assert_eq!((edge.phase(), edge.requests.len()), (Phase::Stale, 2));
}

#[test]
fn without_a_network_nothing_is_tried_and_with_it_everything_at_once() {
    let mut edge = Edge::new(Protocol::relay());
    edge.input(Input::Offline);
    assert_eq!(edge.phase(), Phase::Offline);
    edge.pass(LONG);
    assert_eq!(edge.requests.len(), 1);
    edge.input(Input::Online);
    assert_eq!(edge.requests.len(), 2);
    // A long wait is cut short by news of the network.
    edge.answer(503, None, Some(1000));
    edge.input(Input::Online);
    assert_eq!(edge.requests.len(), 3);
}

#[test]
fn a_first_failure_that_will_pass_is_not_told() {
    let mut edge = Edge::new(Protocol::consul());
    let failure = Failure::Network { what: "reset", temporary: Some(true) };
    let connection = edge.connection();
    edge.input(Input::Failed { connection, failure });
    assert_eq!(edge.error(), None);
    edge.pass(LONG);
    let connection = edge.connection();
    edge.input(Input::Failed { connection, failure });
    assert_eq!(edge.error().as_deref(), Some("the connection failed: reset"));
}

#[test]
fn enough_failures_are_enough() {
    let mut edge = Edge::with(Protocol::relay(), |o| o.give_up_after = Some(3));
    for _ in 0..3 {
        edge.end();
        edge.pass(LONG);
    }
    assert_eq!((edge.phase(), edge.requests.len()), (Phase::Stopped, 3));
    edge.input(Input::Reconnect);
    assert_eq!(edge.requests.len(), 3, "stopped is stopped");
}

#[test]
fn a_goodbye_and_a_request_to_reconnect_are_no_faults_but_are_waited_for() {
    for (protocol, event) in [
        (Protocol::fdv2(), "event: goodbye\ndata: {\"reason\":\"draining\"}\n\n"),
        (Protocol::autoconfig(), "event: reconnect\ndata: \n\n"),
    ] {
        let mut edge = Edge::new(protocol);
        edge.open();
        edge.bytes(event);
        assert_eq!((edge.error(), edge.dropped.len(), edge.requests.len()), (None, 1, 1));
        assert_eq!(edge.session.status().failures, 1);
        edge.pass(LONG);
        assert_eq!(edge.requests.len(), 2);
    }
}

#[test]
fn pings_during_a_fetch_lead_to_one_more() {
    let mut edge = Edge::new(Protocol::ping());
    edge.open();
    for _ in 0..3 {
        edge.bytes("event: ping\ndata:  \n\n");
    }
    assert_eq!(edge.fetches, 1);
    let connection = edge.connection();
    edge.input(Input::Fetched { connection, status: 200, body: b"{}" });
    assert_eq!((edge.fetches, edge.phase()), (2, Phase::Live));
    edge.input(Input::Fetched { connection, status: 500, body: b"" });
    assert_eq!((edge.fetches, edge.phase()), (2, Phase::Stale));
    assert_eq!(edge.error().as_deref(), Some("the server answered 500"));
}

#[test]
fn a_kept_state_is_stale_until_the_server_has_spoken() {
    let protocol = Protocol::fdv2();
    let options = SessionOptions::of(&protocol);
    let mut session = Session::new(protocol, (), options);
    let item = highwater_core::Item { kind: "k", key: "a", version: 3, value: b"1" };
    session.restore(Instant::from_millis(0), Some("e.3"), [item].into_iter());
    assert_eq!((session.status().phase, session.status().cursor), (Phase::Stale, Some("e.3")));
    session.handle(Instant::from_millis(0), Input::Start);
    let Some(Effect::Connect(request)) = session.poll() else { panic!("connects") };
    assert_eq!(request.query, [("basis", "e.3".to_owned())]);
}

#[test]
fn lines_of_json_are_read_where_the_server_says_so() {
    let mut edge = Edge::new(Protocol::consul());
    edge.answer(200, Some("application/x-ndjson"), None);
    edge.bytes(
        "{\"Index\":\"7\",\"EndOfSnapshot\":true}\n{\"Index\":8,\"Service\":{\"Name\":\"web\"}}\n",
    );
    assert_eq!((edge.phase(), edge.session.status().cursor), (Phase::Live, Some("8")));
    assert!(edge.session.state().get("Service", "web").is_some());
}

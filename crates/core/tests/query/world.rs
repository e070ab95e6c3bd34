//! Random states, and random queries of them.

use highwater_core::{Event, Instant, Materializer, Protocol};
use serde_json::{Value, json};

use crate::common::Random;

impl Random {
    /// A JSON value out of few, so that they meet again.
    fn value(&mut self) -> String {
        let scalars = [
            "null",
            "true",
            "false",
            "0",
            "-0",
            "1",
            "1.0",
            "10",
            "2",
            "-1.5",
            "1e2",
            "100",
            "\"\"",
            "\"a\"",
            "\"ab\"",
            "\"b\"",
            "\"\\u0061\"",
            "\"a\\u0000\"",
            "\"a\\u0000b\"",
            "\"é\"",
            "\"\\ud83d\\ude00\"",
            "\"\u{ffee}\"",
            "\"1\"",
        ];
        match self.below(12) {
            0 => format!("[{},{}]", self.canonical(), self.canonical()),
            1 => format!("{{\"x\":{}}}", self.canonical()),
            _ => (*self.pick(&scalars)).into(),
        }
    }

    /// A value that the model spells as the wire does: within arrays and objects the text counts.
    fn canonical(&mut self) -> &'static str {
        ["null", "true", "false", "0", "1", "2", "10", "-1.5", "\"\"", "\"a\"", "\"é\""]
            [self.below(11)]
    }

    fn object(&mut self) -> String {
        match self.below(20) {
            0 => return self.value(),
            1 => return "{\"x\":1,\"a\":".into(), // not JSON
            _ => {}
        }
        let mut members = Vec::new();
        for name in ["a", "b", "c~/d"] {
            if !self.one_in(5) {
                members.push(format!("\"{name}\":{}", self.value()));
            }
        }
        if self.one_in(2) {
            members.push(format!(
                "\"in\":{{\"b\":{},\"n\":[{}]}}",
                self.canonical(),
                self.canonical()
            ));
        }
        format!("{{{}}}", members.join(","))
    }

    fn field(&mut self) -> &'static str {
        ["/a", "/b", "/c~0~1d", "/in", "/in/b", "/in/n/0", "/in/n/1", "", "key", "kind"]
            [self.below(10)]
    }

    fn scalar(&mut self) -> Value {
        loop {
            let value: Value = serde_json::from_str(&self.value()).unwrap();
            if !value.is_array() && !value.is_object() {
                return value;
            }
        }
    }

    fn condition(&mut self, depth: usize) -> Value {
        let mut condition = json!({});
        for _ in 0..=self.below(2) {
            match self.below(if depth == 0 { 5 } else { 8 }) {
                0 => condition[self.field()] = self.scalar(),
                5 => condition["not"] = self.condition(depth - 1),
                6 => {
                    condition["or"] = json!([self.condition(depth - 1), self.condition(depth - 1)]);
                }
                7 => {
                    condition["and"] =
                        json!([self.condition(depth - 1), self.condition(depth - 1)]);
                }
                _ => {
                    let mut tests = json!({});
                    for _ in 0..=self.below(2) {
                        let test = *self.pick(&["eq", "ne", "lt", "lte", "gt", "gte", "contains"]);
                        tests[test] = self.scalar();
                    }
                    match self.below(6) {
                        0 => tests["in"] = json!([self.scalar(), self.scalar(), self.scalar()]),
                        1 => tests["exists"] = json!(self.one_in(2)),
                        2 => tests["prefix"] = json!(["", "a", "k1"][self.below(3)]),
                        _ => {}
                    }
                    condition[self.field()] = tests;
                }
            }
        }
        condition
    }

    fn order(&mut self) -> Value {
        // Not the whole value: its text is not the model's.
        loop {
            let field = self.field();
            if !field.is_empty() {
                return json!(format!("{}{field}", ["", "-"][self.below(2)]));
            }
        }
    }

    pub(crate) fn spec(&mut self) -> Value {
        let mut spec = json!({});
        if self.one_in(4) {
            spec["kind"] = json!(["k", "l"][self.below(2)]);
        }
        if !self.one_in(3) {
            spec["where"] = self.condition(2);
        }
        if !self.one_in(4) {
            let sort: Vec<_> = (0..self.below(4)).map(|_| self.order()).collect();
            spec["sort"] = json!(sort);
        }
        if self.one_in(3) {
            spec["group"] = self.order();
        }
        if self.one_in(2) {
            spec["limit"] = json!(self.below(12));
        }
        if self.one_in(3) {
            spec["offset"] = json!(self.below(12));
        }
        spec
    }
}

/// A stream whose server promises the order of members, so that values come through unseen.
pub(crate) fn stream() -> Materializer {
    let mut store = Materializer::new(Protocol::fdv2());
    snapshot(&mut store);
    store
}

fn snapshot(store: &mut Materializer) {
    let intent = r#"{"payloads":[{"intentCode":"xfer-full"}],"highwater":{}}"#;
    tell(store, "server-intent", intent);
}

pub(crate) fn tell(store: &mut Materializer, kind: &str, data: &str) {
    let event = Event { kind, data: data.as_bytes(), id: "" };
    store.event(Instant::default(), &event).unwrap();
}

/// One input: some transactions, at times a snapshot.
pub(crate) fn input(store: &mut Materializer, random: &mut Random) {
    store.begin();
    for _ in 0..random.below(3) {
        let snapshot = random.one_in(12);
        if snapshot {
            self::snapshot(store);
        }
        for _ in 0..random.below(if snapshot { 60 } else { 8 }) {
            let (kind, key) = (*random.pick(&["k", "l"]), random.below(30));
            let version = random.below(1000);
            if random.one_in(4) && !snapshot {
                let data = format!(r#"{{"kind":"{kind}","key":"k{key}","version":{version}}}"#);
                tell(store, "delete-object", &data);
            } else {
                let object = random.object();
                let data = format!(
                    r#"{{"kind":"{kind}","key":"k{key}","version":{version},"object":{object}}}"#
                );
                tell(store, "put-object", &data);
            }
        }
        tell(store, "payload-transferred", r#"{"state":"s","version":1}"#);
    }
}

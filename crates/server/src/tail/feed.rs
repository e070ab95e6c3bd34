//! The transactions that wait to be printed.

use super::line::Line;
use super::rows::Rows;
use core::time::Duration;
use highwater::{Change, State, View};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Notify;

/// A queue of lines. It never grows much beyond the state itself: when nobody takes lines for a
/// while, those that wait become one, which says what they come to.
pub(super) struct Feed {
    rows: Rows,
    only: bool,
    queue: VecDeque<Line>,
    bytes: usize,
    limit: usize,
    news: Arc<Notify>,
    cursor: Option<Box<str>>,
    snapshot: bool,
}

impl Feed {
    /// The transactions, as far as they concern this kind.
    pub(super) fn new(kind: Option<Box<str>>) -> Self {
        Self {
            only: kind.is_some(),
            rows: Rows::new(kind),
            queue: VecDeque::new(),
            bytes: 0,
            limit: BYTES,
            news: Arc::new(Notify::new()),
            cursor: None,
            snapshot: false,
        }
    }

    /// Told whenever there is a line.
    pub(super) fn news(&self) -> Arc<Notify> {
        Arc::clone(&self.news)
    }

    /// The next line.
    pub(super) fn pop(&mut self) -> Option<Line> {
        let line = self.queue.pop_front()?;
        self.bytes -= line.bytes;
        Some(line)
    }

    fn push(&mut self, line: Line) {
        self.bytes += line.bytes;
        self.queue.push_back(line);
        if self.queue.len() > LINES || self.bytes > self.limit {
            let all = self.queue.drain(..).reduce(|mut all, line| {
                all.append(line);
                all
            });
            self.queue.extend(all);
            self.bytes = self.queue.iter().map(|line| line.bytes).sum();
            // Not again at the next line, however much it has come to.
            self.limit = BYTES.max(2 * self.bytes);
        }
        self.news.notify_one();
    }
}

impl View for Feed {
    fn update(&mut self, changes: &[Change], state: &State) -> Result<(), Box<str>> {
        let mut line = Line::new(self.cursor.clone(), state.revision(), self.snapshot);
        let now = Instant::now();
        self.rows.take(changes, state, now, |told| line.push(&told));
        self.rows.sweep(Duration::ZERO, now); // here nobody looks at marks
        let is_foreign = self.only && line.is_empty() && !line.snapshot;
        if !is_foreign {
            self.push(line);
        }
        Ok(())
    }

    fn moves_to(&mut self, cursor: Option<&str>) {
        self.cursor = cursor.map(Box::from);
    }

    fn begins(&mut self, snapshot: bool) {
        self.snapshot = snapshot;
    }

    fn reset(&mut self) {
        self.rows.reset();
    }
}

/// How many lines wait, at most.
const LINES: usize = 1024;

/// How many bytes wait, at most, unless all that waits has come to more.
const BYTES: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tail::samples::{change, put, snapshot, stream};
    use serde_json::{Value, json};

    fn lines(feed: &mut Feed) -> Vec<Value> {
        let lines = core::iter::from_fn(|| feed.pop()).map(|line| line.to_json().unwrap());
        let read = |line: String| serde_json::from_str(&line).unwrap();
        let lines = lines.map(read).collect();
        assert_eq!(feed.bytes, 0);
        lines
    }

    #[test]
    fn transactions_that_arrive_together_are_told_apart() {
        let (_, feed) = stream(
            Feed::new(None),
            &(snapshot(&put("a", "x", 1, "1"), 1)
                + &change(&put("a", "x", 2, "2"), 2)
                + &change(&(put("b", "y", 3, "3") + &put("b", "y", 4, "4")), 3)),
        );
        let lines = lines(&mut feed.lock());
        let told = |line: &Value| (line["cursor"].clone(), line["version"].clone());
        let told: Vec<_> = lines.iter().map(told).collect();
        assert_eq!(told, [1, 2, 3].map(|n| (json!(format!("e.{n}")), json!(n))));
        let changes: Vec<_> = lines.iter().map(|line| &line["changes"]).collect();
        assert_eq!(
            changes,
            [
                &json!([{ "action": "insert", "kind": "a", "key": "x", "version": 1, "value": 1 }]),
                &json!([{ "action": "updated", "kind": "a", "key": "x", "version": 2, "value": 2 }]),
                &json!([{ "action": "insert", "kind": "b", "key": "y", "version": 4, "value": 4 }]),
            ]
        );
    }

    #[test]
    fn what_nobody_takes_becomes_one_line() {
        let mut text = snapshot("", 0);
        for index in 1..=5000 {
            text += &change(&put("a", &format!("k{}", index % 7), index, "0"), index);
        }
        let (_, feed) = stream(Feed::new(None), &text);
        let lines = lines(&mut feed.lock());
        assert!(lines.len() <= LINES, "{}", lines.len());
        let count = |line: &Value| line["transactions"].as_u64().unwrap_or(1);
        assert_eq!(lines.iter().map(count).sum::<u64>(), 5001);
        let first = &lines[0];
        assert_eq!(
            (first["snapshot"].as_bool(), first["changes"].as_array().unwrap().len()),
            (Some(true), 7)
        );
        assert_eq!(lines.last().unwrap()["cursor"], "e.5000");
    }

    #[test]
    fn large_values_count_too() {
        let large = format!("\"{}\"", "v".repeat(1 << 20));
        let mut text = snapshot("", 0);
        for index in 1..=20 {
            text += &change(&put("a", "k", index, &large), index);
        }
        let (_, feed) = stream(Feed::new(None), &text);
        let feed = feed.lock();
        assert!(feed.bytes < BYTES && feed.queue.len() < 20, "{}", feed.bytes);
    }

    #[test]
    fn after_a_reset_only_what_differs_is_told() {
        let all = put("a", "gone", 1, "1") + &put("a", "new", 1, "1") + &put("a", "same", 1, "1");
        let (mut store, feed) = stream(Feed::new(None), &snapshot(&all, 1));
        lines(&mut feed.lock());
        store.reset();
        let all = put("a", "back", 1, "1") + &put("a", "new", 2, "2") + &put("a", "same", 1, "1");
        store.connected();
        store.push(highwater_core::Instant::default(), snapshot(&all, 2).as_bytes()).unwrap();
        let lines = lines(&mut feed.lock());
        let [line] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!(
            line["changes"],
            json!([
                { "action": "insert", "kind": "a", "key": "back", "version": 1, "value": 1 },
                { "action": "delete", "kind": "a", "key": "gone", "version": 1 },
                { "action": "updated", "kind": "a", "key": "new", "version": 2, "value": 2 },
            ])
        );
        assert_eq!((&line["snapshot"], &line["cursor"]), (&json!(true), &json!("e.2")));
    }

    #[test]
    fn another_kind_makes_no_line() {
        let (_, feed) = stream(
            Feed::new(Some("b".into())),
            &(snapshot(&put("a", "x", 1, "1"), 1)
                + &change(&put("a", "x", 2, "2"), 2)
                + &change(&(put("a", "x", 3, "3") + &put("b", "y", 3, "3")), 3)),
        );
        let lines = lines(&mut feed.lock());
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["changes"], json!([]));
        assert_eq!(lines[1]["changes"][0]["kind"], "b");
    }
}

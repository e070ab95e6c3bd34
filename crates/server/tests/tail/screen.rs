//! The live screen.

use crate::common::{Answer, Script, Server, change, put, resumed, snapshot};
use crate::pty::Terminal;
use core::fmt::Write as _;
use std::process::Command;

fn has(text: &str) -> impl Fn(&[String]) -> bool {
    move |lines| lines.iter().any(|line| line.contains(text))
}

fn row<'a>(lines: &'a [String], key: &str) -> Option<&'a String> {
    lines.iter().find(|line| line.contains(key))
}

/// A stream of items from `k000` on.
fn many(count: usize) -> Script {
    let mut items = String::new();
    for number in 0..count {
        write!(items, "{}", put(&format!("k{number:03}"), 1, "1")).unwrap();
    }
    Script::start(vec![Answer::Hold(snapshot(&items, "e.1"))])
}

#[test]
fn items_and_status_are_live() {
    let server = Server::start(&["serve"]);
    server.put("/v1/topics/t/flag/dark", r#"{"on":true}"#);
    let url = server.url("/v1/topics/t/stream");
    let mut terminal = Terminal::tail((24, 100), &[&url]);
    let lines = terminal.until("item", has("dark"));
    assert!(lines[0].contains(&format!("highwater tail  {url}")), "{}", lines[0]);
    let cursor = server.send("GET", "/v1/topics/t", "")["cursor"].as_str().unwrap().to_owned();
    let standing = format!(" live  version 1  items 1  attempt 0  not resumed  cursor {cursor}");
    assert_eq!(lines[1], standing);
    assert_eq!(lines[2].trim(), "no error so far");
    assert_eq!(
        lines[3].split_whitespace().collect::<Vec<_>>(),
        ["KIND", "KEY", "VERSION", "VALUE"]
    );
    assert_eq!(lines[4], "  flag  dark        1  {\"on\":true}");
    assert!(lines[23].contains("q quit") && lines[23].ends_with("1-1 of 1"), "{}", lines[23]);
    terminal.look(|screen| assert!(screen.alternate_screen() && screen.hide_cursor()));

    // What changes is marked for a while.
    server.put("/v1/topics/t/flag/light", "{}");
    terminal.until("new item", |lines| {
        row(lines, "light").is_some_and(|row| row.starts_with("+ flag"))
    });
    terminal
        .until("item", |lines| row(lines, "light").is_some_and(|row| row.starts_with("  flag")));
    server.put("/v1/topics/t/flag/dark", "{}");
    terminal
        .until("update", |lines| row(lines, "dark").is_some_and(|row| row.starts_with("~ flag")));
    server.send("DELETE", "/v1/topics/t/flag/dark", "");
    terminal.until("deletion", |lines| {
        row(lines, "dark").is_some_and(|row| row.starts_with('-') && row.ends_with("deleted"))
    });
    terminal.until("rest", |lines| row(lines, "dark").is_none() && row(lines, "light").is_some());
    terminal.press("q");
    assert_eq!(terminal.ended(), Some(0));
}

#[test]
fn it_follows_the_window() {
    let server = many(100);
    let mut terminal = Terminal::tail((24, 80), &[&server.url]);
    terminal.until("19 rows", |lines| lines[23].ends_with("1-19 of 100"));
    for (rows, columns, shown) in [(40, 120, 35), (10, 30, 5), (4, 40, 2), (30, 80, 25)] {
        terminal.resize(rows, columns);
        let lines = terminal.until("all rows", |lines| {
            lines.iter().filter(|line| line.starts_with("  a")).count() == shown
        });
        let place = format!("1-{shown} of 100");
        assert!(lines.last().unwrap().ends_with(&place), "{lines:#?}");
    }
    terminal.press("\u{3}");
    assert_eq!(terminal.ended(), Some(0));
}

#[test]
fn it_scrolls() {
    let server = many(100);
    let terminal = Terminal::tail((25, 80), &[&server.url]);
    let place = |place: &str| {
        let place = format!("{place} of 100");
        terminal.until(&place, |lines| lines[24].ends_with(&place))
    };
    place("1-20");
    terminal.press("\u{1b}[B\u{1b}[B"); // down
    assert!(place("3-22")[4].contains("k002"));
    terminal.press("\u{1b}[A"); // up
    place("2-21");
    terminal.press("\u{1b}[6~"); // page down
    assert!(place("22-41")[4].contains("k021"));
    terminal.press("\u{1b}[5~"); // page up
    place("2-21");
    terminal.press("\u{1b}[F"); // end
    assert!(place("81-100")[23].contains("k099"));
    terminal.press("\u{1b}[B");
    terminal.press("\u{1b}[H"); // home
    place("1-20");
}

#[test]
fn it_filters() {
    let server = many(100);
    let mut terminal = Terminal::tail((24, 80), &[&server.url]);
    terminal.until("rows", has("k018"));
    terminal.press("/k09q"); // within a filter q is a letter
    terminal.until("nothing", |lines| lines[23].ends_with("0-0 of 0"));
    terminal.press("\u{7f}");
    let lines = terminal.until("filtered rows", |lines| lines[23].ends_with("1-10 of 10"));
    assert!(lines[4].contains("k090") && lines[23].starts_with(" /k09_"), "{lines:#?}");
    terminal.press("\r");
    terminal.until("kept filter", |lines| lines[23].contains("filter: k09"));
    terminal.press("\u{1b}");
    terminal.until("all rows", |lines| lines[23].ends_with("1-19 of 100"));
    terminal.press("q");
    assert_eq!(terminal.ended(), Some(0));
}

#[test]
fn trouble_is_shown_while_it_lasts_and_after() {
    let first = snapshot(&put("x", 1, "1"), "e.1");
    let server = Script::start(vec![
        Answer::Cut(first + "event: put-object\ndata: {\"kind\":\n\n"),
        Answer::Status("503 Service Unavailable\r\nretry-after: 3"),
        Answer::Hold(resumed().to_owned() + &change(&put("x", 2, "[2]"), "e.2")),
    ]);
    let terminal = Terminal::tail((24, 120), &[&server.url]);
    let lines = terminal.until("trouble", |lines| lines[2].contains("503"));
    assert!(lines[1].starts_with(" stale "), "{lines:#?}");
    assert!(lines[2].contains("stale for") && lines[2].contains("next attempt in"), "{lines:#?}");
    assert!(has("x")(&lines), "the old state stays: {lines:#?}");
    let lines = terminal.until("a live stream", has("[2]"));
    assert!(
        lines[1].starts_with(" live ") && lines[1].contains("  resumed  cursor e.2"),
        "{lines:#?}"
    );
    assert!(lines[2].contains("last error, ") && lines[2].contains("503"), "{lines:#?}");
}

#[test]
fn a_stream_that_is_over_can_still_be_read() {
    let server = Script::start(vec![
        Answer::Cut(snapshot(&put("x", 1, "[1]"), "e.1")),
        Answer::Status("403 Forbidden"),
    ]);
    let mut terminal = Terminal::tail((24, 80), &[&server.url]);
    let lines = terminal.until("the end", |lines| lines[1].starts_with(" stopped "));
    assert!(lines[2].contains("403") && has("[1]")(&lines), "{lines:#?}");
    terminal.press("q");
    assert_eq!(terminal.ended(), Some(1));
    terminal.until("why", has("over for good"));
}

#[test]
fn no_state_in_time_gives_the_terminal_back() {
    let server = Script::start(vec![Answer::Hold(String::new())]);
    let mut terminal = Terminal::tail((24, 80), &["--timeout", "500ms", &server.url]);
    assert_eq!(terminal.ended(), Some(1));
    terminal.until("why", has("no whole state within 500ms"));
}

#[test]
fn a_signal_gives_the_terminal_back() {
    let server = many(1);
    let mut terminal = Terminal::tail((24, 80), &[&server.url]);
    terminal.until("item", has("k000"));
    let id = terminal.process.0.id().to_string();
    Command::new("kill").args(["-TERM", &id]).status().unwrap();
    assert_eq!(terminal.ended(), Some(0));
}

#[test]
fn nothing_in_a_stream_steers_the_terminal() {
    let evil = "\u{1b}]0;title\u{7}\u{1b}[2J\u{9b}2J";
    let value = serde_json::json!(evil).to_string();
    let items = put(evil, 1, &value) + &put("raw", 1, "\"\u{9b}2J\u{202e}\"");
    let bad = format!("event: put-object{evil}\ndata: {{\"kind\":{evil}\n\n");
    let answers = vec![
        Answer::Cut(snapshot(&items, "e.1") + &bad + "event: put-object\ndata: \u{1b}[2J\n\n"),
        Answer::Status("403 Forbidden"),
    ];
    for arguments in [&[][..], &["--json"], &["--once"], &["--once", "--json"]] {
        let server = Script::start(answers.clone());
        let terminal = Terminal::tail((24, 120), &[arguments, &[&server.url]].concat());
        terminal.until("item", has("raw"));
        let written = terminal.written();
        for wrong in ["\u{1b}]", "\u{7}", "\u{9b}", "\u{202e}"] {
            assert!(!written.contains(wrong), "{arguments:?}: {written:?}");
        }
        if !arguments.is_empty() {
            assert!(!written.contains('\u{1b}'), "{arguments:?}: {written:?}");
        }
    }
}

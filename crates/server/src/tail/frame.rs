//! What the screen shows: a pure function of the state, the status and the size.

use super::rows::{Row, Rows};
use super::text::{cells, clean, fit, pad, value};
use super::words;
use highwater::{Action, Phase, State, Status};
use std::time::Instant;

/// How a piece of text is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Dim,
    Bar,
    Good,
    Warn,
    Bad,
}

/// One line of the screen, no wider than it.
pub(super) type Line = Vec<(Style, String)>;

/// What whoever looks has chosen to see.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// The first row shown.
    pub(super) top: usize,
    /// Only rows that hold this, in kind, key or value.
    pub(super) filter: String,
    /// The filter is being typed.
    pub(super) typing: bool,
    /// How many rows were shown the last time.
    pub(super) page: usize,
}

/// What is shown around the rows.
pub(super) struct Around<'a> {
    pub(super) url: &'a str,
    pub(super) status: &'a Status,
    /// The last fault there was, also when it has healed.
    pub(super) fault: Option<&'a (String, Instant)>,
    pub(super) now: Instant,
}

/// Draws. `choice.top` is put right where it points beyond the rows.
pub(super) fn frame(
    (width, height): (u16, u16),
    around: &Around<'_>,
    choice: &mut Choice,
    rows: &Rows,
    state: &State,
) -> Vec<Line> {
    let (width, height) = (usize::from(width), usize::from(height));
    // What a small window does without, the least wanted first.
    let (has_title, has_header) = (height >= 8, height >= 7);
    let (has_fault, has_foot) = (height >= 5, height >= 4);
    let parts = [has_title, true, has_fault, has_header, has_foot];
    let room = height.saturating_sub(parts.into_iter().filter(|&part| part).count());
    choice.page = room;

    let (shown, total) = pick(choice, rows, state, room);
    let columns = Columns::of(&shown, width);
    let mut lines = Vec::with_capacity(height);
    if has_title {
        let title = format!(" highwater tail  {}", clean(around.url));
        lines.push(vec![(Style::Bar, pad(&title, width))]);
    }
    lines.push(cut(standing(around.status, rows), width));
    if has_fault {
        lines.push(cut(trouble(around), width));
    }
    if has_header {
        lines.push(cut(columns.header(), width));
    }
    let count = shown.len();
    lines.extend(shown.iter().map(|row| cut(columns.row(row, state), width)));
    lines.resize(height - usize::from(has_foot), Line::new());
    if has_foot {
        lines.push(cut(foot(choice, count, total, width), width));
    }
    lines.truncate(height);
    lines
}

type Shown<'a> = (&'a str, &'a str, &'a Row);

/// The rows that are in sight, and how many there are in all.
fn pick<'a>(
    choice: &mut Choice,
    rows: &'a Rows,
    state: &State,
    room: usize,
) -> (Vec<Shown<'a>>, usize) {
    let filter = &*choice.filter;
    let is_wanted = |(kind, key, row): &Shown<'_>| {
        let raw = || row.slot.and_then(|slot| state.item(slot)).map(|item| item.value);
        let text = || core::str::from_utf8(raw()?).ok();
        kind.contains(filter)
            || key.contains(filter)
            || text().is_some_and(|text| text.contains(filter))
    };
    let wanted = || rows.iter().filter(|row| filter.is_empty() || is_wanted(row));
    let total = wanted().count();
    choice.top = choice.top.min(total.saturating_sub(room));
    (wanted().skip(choice.top).take(room).collect(), total)
}

/// How wide the columns are.
struct Columns {
    kind: usize,
    key: usize,
    version: usize,
    value: usize,
}

impl Columns {
    fn of(rows: &[Shown<'_>], width: usize) -> Self {
        let widest = |label: &str, cells: &dyn Fn(&Shown<'_>) -> usize| {
            rows.iter().map(cells).max().unwrap_or(0).max(label.len())
        };
        let kind = widest(KIND, &|row| cells(&fit(&clean(row.0), width))).min(width / 5);
        let key = widest(KEY, &|row| cells(&fit(&clean(row.1), width))).min(width / 3);
        let version = widest(VERSION, &|row| row.2.version.to_string().len());
        let value = width.saturating_sub(MARK + kind + key + version + 3 * GAP.len());
        Self { kind, key, version, value }
    }

    fn header(&self) -> Line {
        let (kind, key) = (pad(KIND, self.kind), pad(KEY, self.key));
        let version = self.version;
        vec![(Style::Dim, format!("  {kind}{GAP}{key}{GAP}{VERSION:>version$}{GAP}VALUE"))]
    }

    fn row(&self, &(kind, key, row): &Shown<'_>, state: &State) -> Line {
        let (kind, key) = (pad(&clean(kind), self.kind), pad(&clean(key), self.key));
        let (number, version) = (row.version, self.version);
        let item = row.slot.and_then(|slot| state.item(slot));
        let value = item.map_or("deleted".into(), |item| value(item.value, self.value));
        let (sign, style) = match row.mark {
            Some((Action::Insert, _)) => ('+', Style::Good),
            Some((Action::Update, _)) => ('~', Style::Warn),
            Some((Action::Delete, _)) => ('-', Style::Bad),
            _ => (' ', Style::Plain),
        };
        let fixed = format!("{sign} {kind}{GAP}{key}{GAP}{number:>version$}{GAP}");
        vec![(style, fixed), (if item.is_some() { style } else { Style::Dim }, value)]
    }
}

/// The status line. The cursor comes last: some protocols' are long.
fn standing(status: &Status, rows: &Rows) -> Line {
    let style = match status.phase {
        Phase::Live => Style::Good,
        Phase::Stopped | Phase::Offline => Style::Bad,
        _ => Style::Warn,
    };
    let mut words = vec![
        format!("version {}", status.version),
        format!("items {}", rows.live()),
        format!("attempt {}", status.attempt),
    ];
    words.extend(words::verdict(status).map(str::to_owned));
    words.extend(status.cursor.as_ref().map(|cursor| format!("cursor {}", clean(cursor))));
    words.extend((status.staged > 0).then(|| format!("receiving: {}", status.staged)));
    let rest = format!("  {}", words.join("  "));
    vec![(style, format!(" {}", status.phase.as_str())), (Style::Plain, rest)]
}

/// What is wrong, or was.
fn trouble(around: &Around<'_>) -> Line {
    let status = around.status;
    let mut line = Line::new();
    if let Some(since) = status.stale_since {
        line.push((Style::Warn, format!(" stale for {} ", words::time(since.elapsed()))));
    }
    if let Some(at) = status.retry_at {
        let left = at.saturating_duration_since(tokio::time::Instant::now());
        line.push((Style::Warn, format!(" next attempt in {} ", words::time(left))));
    }
    match around.fault {
        Some((fault, _)) if status.fault.is_some() => {
            line.push((Style::Bad, format!(" error: {}", clean(fault))));
        }
        Some((fault, at)) => {
            let ago = words::time(around.now.saturating_duration_since(*at));
            line.push((Style::Dim, format!(" last error, {ago} ago: {}", clean(fault))));
        }
        None => line.push((Style::Dim, " no error so far".into())),
    }
    line
}

/// What the keys do, and which rows are in sight.
fn foot(choice: &Choice, shown: usize, total: usize, width: usize) -> Line {
    let first = choice.top + usize::from(shown > 0);
    let place = format!("{first}-{} of {total} ", choice.top + shown);
    let filter = clean(&choice.filter);
    let help = match (choice.typing, filter.is_empty()) {
        (true, _) => format!(" /{filter}_  Enter keeps, Esc clears"),
        (false, false) => format!(" q quit  / filter: {filter}  Esc clears"),
        (false, true) => " q quit  ↑↓ PgUp PgDn Home End  / filter".to_owned(),
    };
    let room = width.saturating_sub(place.len());
    vec![(Style::Bar, pad(&help, room)), (Style::Bar, place)]
}

/// The line, cut to the width.
fn cut(line: Line, width: usize) -> Line {
    let mut left = width;
    let pieces = line.into_iter().map(|(style, text)| {
        let text = fit(&text, left);
        left -= cells(&text);
        (style, text)
    });
    pieces.filter(|(_, text)| !text.is_empty()).collect()
}

const KIND: &str = "KIND";
const KEY: &str = "KEY";
const VERSION: &str = "VERSION";
const GAP: &str = "  ";

/// The column of marks.
const MARK: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tail::samples::{change, delete, put, snapshot, stream};
    use crate::tail::view::Kept;
    use core::time::Duration;
    use highwater::Store;
    use highwater_core::Materializer;

    /// A status, as only a store can make one, and that within a runtime.
    fn status() -> Status {
        Store::builder("http://127.0.0.1:9/").connect().unwrap().status()
    }

    fn text(line: &Line) -> String {
        line.iter().map(|(_, text)| &**text).collect()
    }

    fn draw(
        size: (u16, u16),
        status: &Status,
        fault: Option<&(String, Instant)>,
        choice: &mut Choice,
        (store, rows): &(Materializer<Kept<Rows>>, Kept<Rows>),
    ) -> Vec<Line> {
        let around = Around { url: "http://h/s", status, fault, now: Instant::now() };
        frame(size, &around, choice, &rows.lock(), store.state())
    }

    fn rows(text: &str) -> (Materializer<Kept<Rows>>, Kept<Rows>) {
        stream(Rows::new(None), text)
    }

    fn items(count: i64) -> String {
        let items: String = (0..count).map(|n| put("a", &format!("k{n:03}"), n, "{}")).collect();
        snapshot(&items, 1)
    }

    #[tokio::test]
    async fn it_fits_every_window() {
        let mut status = status();
        status.cursor = Some("語".repeat(40).into());
        let fault = ("x".repeat(300), Instant::now());
        let wide = put("語語語", &"語".repeat(200), i64::MIN, "\"語\u{301}\u{1f600}\"");
        let stream = rows(&(items(30) + &change(&wide, 2)));
        for height in 0..40 {
            for width in 0..100 {
                let mut choice = Choice { top: usize::MAX, ..Choice::default() };
                let lines = draw((width, height), &status, Some(&fault), &mut choice, &stream);
                assert_eq!(lines.len(), usize::from(height));
                for line in &lines {
                    let text = text(line);
                    assert!(cells(&text) <= usize::from(width), "{width}x{height}: {text}");
                }
            }
        }
    }

    #[tokio::test]
    async fn changes_are_marked_until_they_are_swept() {
        let status = status();
        let first = put("a", "one", 1, "1") + &put("a", "three", 1, "1") + &put("a", "two", 1, "1");
        let next = put("a", "four", 2, "[4]") + &put("a", "one", 2, "[1]") + &delete("a", "two", 2);
        let (store, rows) = rows(&(snapshot(&first, 1) + &change(&next, 2)));
        let around =
            Around { url: "http://h/s", status: &status, fault: None, now: Instant::now() };
        let shown = |rows: &Rows| -> Vec<String> {
            let mut choice = Choice::default();
            let lines = frame((50, 20), &around, &mut choice, rows, store.state());
            lines[4..].iter().map(text).take_while(|line| !line.is_empty()).collect()
        };
        let mut rows = rows.lock();
        assert_eq!(
            shown(&rows),
            [
                "+ a     four         2  [4]",
                "~ a     one          2  [1]",
                "  a     three        1  1",
                "- a     two          2  deleted",
            ]
        );
        rows.sweep(Duration::ZERO, Instant::now());
        assert_eq!(
            shown(&rows),
            [
                "  a     four         2  [4]",
                "  a     one          2  [1]",
                "  a     three        1  1",
            ]
        );
        assert_eq!(rows.live(), 3);
    }

    #[tokio::test]
    async fn scrolling_ends_at_the_last_row() {
        let status = status();
        let mut choice = Choice { top: usize::MAX, ..Choice::default() };
        let lines = draw((60, 15), &status, None, &mut choice, &rows(&items(100)));
        assert_eq!((choice.page, choice.top), (10, 90));
        assert!(text(&lines[4]).contains("k090") && text(&lines[13]).contains("k099"));
        assert!(text(&lines[14]).ends_with("91-100 of 100 "), "{:?}", lines[14]);
        let none = draw((60, 15), &status, None, &mut choice, &rows(&snapshot("", 1)));
        assert_eq!(choice.top, 0);
        assert!(text(&none[14]).ends_with("0-0 of 0 "), "{:?}", none[14]);
    }

    #[tokio::test]
    async fn a_filter_looks_at_kind_key_and_value() {
        let status = status();
        let all = put("flag", "x", 1, "1") + &put("a", "a flag", 1, "2");
        let all = all + &put("a", "y", 1, "\"flag\"") + &put("a", "z", 1, "0");
        let stream = rows(&snapshot(&all, 1));
        let mut choice = Choice { filter: "flag".into(), ..Choice::default() };
        let lines = draw((60, 15), &status, None, &mut choice, &stream);
        assert!(text(&lines[14]).ends_with("1-3 of 3 "), "{:?}", lines[14]);
        assert!(text(&lines[14]).contains("filter: flag"));
    }

    #[tokio::test]
    async fn a_stream_does_not_steer_the_terminal() {
        let mut status = status();
        let evil = "\u{1b}]0;\u{7}\u{9b}2J\u{202e}\n";
        status.cursor = Some(evil.into());
        let fault = (evil.to_owned(), Instant::now());
        let item = put(evil, evil, 1, &serde_json::json!(evil).to_string());
        let raw = put("a", "raw", 1, "\"\u{9b}2J\u{7f}\u{202e}\"");
        let mut choice = Choice { filter: String::new(), ..Choice::default() };
        let lines =
            draw((90, 15), &status, Some(&fault), &mut choice, &rows(&snapshot(&(item + &raw), 1)));
        let text: String = lines.iter().map(text).collect();
        assert!(!text.chars().any(crate::replay::text::is_odd), "{text:?}");
    }
}

//! A live query over a large state, beside asking the query anew; and the state's checkpoint.

use core::fmt::Write as _;

use highwater_core::{Event, Instant, LiveQuery, Materializer, Protocol, Query};

use crate::clock::Clock;
use crate::table::{Table, quartiles};

/// Items in the state, about 300 bytes each.
pub const ITEMS: u32 = 100_000;
/// Changes in a transaction.
pub const CHANGES: u32 = 1_000;

/// What is asked: all of the rows in order, the first of them, and how many there are of each sort.
const QUERIES: [(&str, &str); 3] = [
    ("all, sorted by two fields", r#"{"sort":["-/score","/name"]}"#),
    (
        "half, sorted, the first 50",
        r#"{"where":{"/on":true,"/score":{"gte":0}},"sort":["-/score"],"limit":50}"#,
    ),
    ("grouped, counted", r#"{"group":"/team","limit":0}"#),
];

/// Measures an update of each query, in milliseconds; a table in Markdown.
///
/// A cell has the median, half the distance of the quartiles in percent of it, and for *anew* in
/// brackets how many times longer that took.
///
/// # Panics
/// If the two do not give the same rows: their times would mean nothing.
pub fn compare(rounds: usize) -> String {
    let mut random = 1;
    let mut store = Materializer::new(Protocol::fdv2());
    tell(
        &mut store,
        "server-intent",
        r#"{"payloads":[{"intentCode":"xfer-full"}],"highwater":{}}"#,
    );
    for key in 0..ITEMS {
        put(&mut store, key, &mut random);
    }
    commit(&mut store);

    let query = |spec: &str| Query::parse(spec.as_bytes()).expect("the queries above are good");
    let mut live: Vec<_> =
        QUERIES.iter().map(|(_, spec)| LiveQuery::new(query(spec), store.state())).collect();
    let mut times = vec![[Vec::new(), Vec::new()]; QUERIES.len()];
    let mut kept = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        store.begin();
        for _ in 0..CHANGES {
            let key = next(&mut random) % ITEMS;
            put(&mut store, key, &mut random);
        }
        commit(&mut store);
        for (((_, spec), live), times) in QUERIES.iter().zip(&mut live).zip(&mut times) {
            times[0].push(millis(|| _ = live.update(store.state(), store.changes())));
            let mut anew = None;
            times[1].push(millis(|| anew = Some(LiveQuery::new(query(spec), store.state()))));
            let anew = anew.expect("it was just made");
            assert!(anew.rows().eq(live.rows()) && anew.groups().eq(live.groups()), "{spec}");
        }
        let mut bytes = Vec::new();
        kept[0].push(millis(|| bytes = store.checkpoint()));
        let mut other = Materializer::new(Protocol::fdv2());
        kept[1].push(millis(|| {
            other.restore_checkpoint(Instant::default(), &bytes).expect("it was just written");
        }));
        assert_eq!(other.state().len(), store.state().len());
    }

    let mut table = Table::new("query", ["live", "anew"].into_iter());
    for ((name, _), [live, anew]) in QUERIES.iter().zip(&times) {
        let ratio = quartiles(anew.iter().zip(live).map(|(anew, live)| anew / live))[1];
        table.row(name, vec![cell(live), format!("{} ({ratio:.0})", cell(anew))]);
    }
    let mut text = table.to_string();
    let [written, restored] = kept;
    let _ = writeln!(text, "\ncheckpoint: {} ms; restored: {} ms", cell(&written), cell(&restored));
    text
}

fn cell(times: &[f64]) -> String {
    let [low, middle, high] = quartiles(times.iter().copied());
    format!("{middle:.2} ±{:.0} %", 50.0 * (high - low) / middle)
}

fn millis(work: impl FnOnce()) -> f64 {
    let clock = Clock::new();
    let begun = clock.now();
    work();
    clock.now().saturating_sub(begun).as_secs_f64() * 1e3
}

fn put(store: &mut Materializer, key: u32, random: &mut u64) {
    let (points, team, name) = (next(random) % 20_000, next(random) % 20, next(random));
    let on = name % 2 == 0;
    let points = f64::from(points) - 10_000.0;
    let data = format!(
        r#"{{"kind":"k","key":"item-{key}","version":1,"object":{{"name":"name {name}","on":{on},"team":"team {team}","tags":["a","b","c"],"score":{points},"note":"{:200}"}}}}"#,
        ""
    );
    tell(store, "put-object", &data);
}

fn commit(store: &mut Materializer) {
    tell(store, "payload-transferred", r#"{"state":"s","version":1}"#);
}

fn tell(store: &mut Materializer, kind: &str, data: &str) {
    let event = Event { kind, data: data.as_bytes(), id: "" };
    store.event(Instant::default(), &event).expect("the events above are good");
}

/// xorshift64*.
fn next(random: &mut u64) -> u32 {
    *random ^= *random >> 12;
    *random ^= *random << 25;
    *random ^= *random >> 27;
    (random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
}

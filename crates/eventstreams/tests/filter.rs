//! The language of lists: what it means in memory, and that SQL means the same.
#![allow(clippy::unwrap_used)] // a test that cannot go on has failed

use highwater_eventstreams::{
    Dialect, Field, Parameter, Query, QueryLimits, Row, Timestamp, Value,
};
use rusqlite::Connection;
use rusqlite::types::Value as Sqlite;

/// A stream with just these fields.
#[derive(Clone, Debug)]
struct Stream {
    id: String,
    created: i64,
    name: String,
    filter: Option<String>,
}

impl Row for Stream {
    fn value(&self, field: Field) -> Option<Value> {
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        match field {
            Field::Id => text(&self.id),
            Field::Created | Field::Updated => {
                Some(Value::Time(Timestamp::from_nanos(self.created)))
            }
            Field::Name => text(&self.name),
            Field::Status => text("stopped"),
            Field::Type => text("websocket"),
            Field::TopicFilter => self.filter.clone().map(Value::Text),
            Field::InitialSequenceId => None,
        }
    }
}

/// Six streams, the oldest first, each made a second after the other, at the start of 2026.
fn streams() -> Vec<Stream> {
    let rows = [
        ("apple", Some("fruit")),
        ("Apricot", Some("Fruit.*")),
        ("banana", None),
        ("b%n_na", Some("")),
        ("ÄPFEL", Some("äpfel")),
        ("äpple", Some("fruit")),
    ];
    let stream = |(at, (name, filter)): (u32, (&str, Option<&str>))| Stream {
        id: format!("00000000-0000-4000-8000-00000000000{at}"),
        created: (START + i64::from(at)) * 1_000_000_000,
        name: name.to_owned(),
        filter: filter.map(str::to_owned),
    };
    (0..).zip(rows).map(stream).collect()
}

/// What the query finds in memory, and that SQLite finds the same.
fn find(query: &Query) -> Vec<String> {
    let mut newest_first = streams();
    newest_first.reverse();
    let page = query.page(newest_first);
    let names: Vec<_> = page.items.iter().map(|stream| stream.name.clone()).collect();
    assert_eq!(in_sqlite(query), names, "{query:?} in SQLite");
    names
}

fn in_sqlite(query: &Query) -> Vec<String> {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(
        "CREATE TABLE eventstreams (seq INTEGER PRIMARY KEY, id TEXT, created INTEGER, updated INTEGER,
         name TEXT, status TEXT, type TEXT, topic_filter TEXT, initial_sequence_id TEXT)",
    )
    .unwrap();
    for Stream { id, created, name, filter } in streams() {
        let insert =
            "INSERT INTO eventstreams (id, created, updated, name, status, type, topic_filter)
                      VALUES (?1, ?2, ?2, ?3, 'stopped', 'websocket', ?4)";
        db.execute(insert, (id, created, name, filter)).unwrap();
    }
    let sql = query.to_sql(Dialect::Sqlite);
    let text = format!(
        "SELECT name FROM eventstreams WHERE {} ORDER BY {} LIMIT {} OFFSET {}",
        sql.condition, sql.order, query.limit, query.skip
    );
    let parameters = sql.parameters.into_iter().map(|parameter| match parameter {
        Parameter::Text(text) => Sqlite::Text(text),
        Parameter::Integer(integer) => Sqlite::Integer(integer),
    });
    let mut statement = db.prepare(&text).unwrap();
    let rows = statement.query_map(rusqlite::params_from_iter(parameters), |row| row.get(0));
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}

#[track_caller]
fn check(query: &str, expect: &[&str]) {
    let read = if query.starts_with('{') {
        Query::from_json(query, &QueryLimits::default())
    } else {
        Query::from_url(query, &QueryLimits::default())
    };
    let query = read.unwrap_or_else(|error| panic!("{query}: {error}"));
    assert_eq!(find(&query), expect);
}

#[track_caller]
fn refused(query: &str, code: &str) {
    let read = if query.starts_with(['{', '[']) {
        Query::from_json(query, &QueryLimits::default())
    } else {
        Query::from_url(query, &QueryLimits::default())
    };
    assert_eq!(read.map_err(|error| error.code()), Err(code), "{query}");
}

const ALL: &[&str] = &["äpple", "ÄPFEL", "b%n_na", "banana", "Apricot", "apple"];

#[test]
fn a_value_is_equal_unless_it_says_otherwise() {
    check("", ALL);
    check("name=apple", &["apple"]);
    check("NAME==apple", &["apple"]);
    check("name=Apple", &[]);
    check("name=:APPLE", &["apple"]);
    check("name=!apple&name=", &["äpple", "ÄPFEL", "b%n_na", "banana", "Apricot"]);
    check("name=!:APPLE", &["äpple", "ÄPFEL", "b%n_na", "banana", "Apricot"]);
    check("bogus=1&name=banana", &["banana"]);
    check("id=00000000000040008000000000000002", &["banana"]);
    check("id={00000000-0000-4000-8000-000000000002}", &["banana"]);
    check("id=nobody", &[]);
}

#[test]
fn parts_of_texts_are_parts_of_texts() {
    check("name=@pp", &["äpple", "apple"]);
    check("name=^ap", &["apple"]);
    check("name=:^AP", &["Apricot", "apple"]);
    check("name=$na", &["b%n_na", "banana"]);
    check("name=$longer+than+any+of+them", &[]);
    check("name=!$na", &["äpple", "ÄPFEL", "Apricot", "apple"]);
    check("name=!@a", &["äpple", "ÄPFEL", "Apricot"]);
    check("name=!^b", &["äpple", "ÄPFEL", "Apricot", "apple"]);
    // No wildcards, and no letters but ASCII's in both cases.
    check("name=@%25", &["b%n_na"]);
    check("name=^b_n", &[]);
    check("name=:^%C3%A4", &["äpple"]);
    check("name=$", ALL);
    check("topicfilter=@", &["äpple", "ÄPFEL", "b%n_na", "Apricot", "apple"]);
}

#[test]
fn null_is_like_null_only() {
    check("topicfilter=?", &["banana"]);
    check("topicfilter=!?", &["äpple", "ÄPFEL", "b%n_na", "Apricot", "apple"]);
    check("topicfilter=", &["b%n_na"]);
    check("topicfilter=?=", &["banana"]);
    check("topicfilter=?fruit", &["äpple", "apple"]);
    check("topicfilter=!fruit", &["ÄPFEL", "b%n_na", "Apricot"]);
    check("topicfilter=<Fruit", &["b%n_na"]);
}

#[test]
fn repeats_are_alternatives_or_all_of_them() {
    check("name=apple&name=banana", &["banana", "apple"]);
    check("name=apple&topicfilter=fruit", &["apple"]);
    check("name=[^a&name=$e", &["apple"]);
    check("name=[]^b&name=$e", &["äpple", "b%n_na", "banana", "apple"]);
}

#[test]
fn texts_and_times_have_an_order() {
    check("name=>b", &["äpple", "ÄPFEL", "b%n_na", "banana"]);
    check("name=<=apple", &["Apricot", "apple"]);
    check("name=<<apple", &["Apricot"]);
    check("created=>2026-01-01T00:00:03Z", &["äpple", "ÄPFEL"]);
    check("created=>=1767225603", &["äpple", "ÄPFEL", "b%n_na"]);
    check("created=<1767225601000", &["apple"]);
    check("created=1767225601000000000", &["Apricot"]);
    check("created=!1767225601000000000&limit=1", &["äpple"]);
    check("name=<>x", &[]);
}

#[test]
fn pages_are_sorted_and_cut() {
    check("limit=2&skip=1", &["ÄPFEL", "b%n_na"]);
    check("sort=name", &["Apricot", "apple", "b%n_na", "banana", "ÄPFEL", "äpple"]);
    check("sort=name&descending", &["äpple", "ÄPFEL", "banana", "b%n_na", "apple", "Apricot"]);
    check("sort=-name&ascending=true&limit=1", &["Apricot"]);
    check("sort=topicfilter,-name", &["banana", "b%n_na", "Apricot", "äpple", "apple", "ÄPFEL"]);
    check("sort=-topicfilter", &["ÄPFEL", "äpple", "apple", "Apricot", "b%n_na", "banana"]);
    check("sort=bogus&ascending", ALL);
    check("limit=abc&skip=-1", ALL);
    check("limit=0", ALL);
    check("skip=1000", &[]);
}

#[test]
fn the_json_form_says_the_same() {
    check("{}", ALL);
    check(r#"{"eq":[{"field":"NAME","value":"apple"}]}"#, &["apple"]);
    check(r#"{"equal":[{"field":"name","value":"APPLE","caseInsensitive":true}]}"#, &["apple"]);
    check(r#"{"neq":[{"field":"topicfilter","value":"fruit"}]}"#, &["ÄPFEL", "b%n_na", "Apricot"]);
    check(r#"{"contains":[{"field":"name","value":"pp","not":true}],"limit":1}"#, &["ÄPFEL"]);
    check(r#"{"startsWith":[{"field":"name","value":"ap"}]}"#, &["apple"]);
    check(
        r#"{"endsWith":[{"field":"name","value":"NA","caseInsensitive":true}]}"#,
        &["b%n_na", "banana"],
    );
    check(
        r#"{"gte":[{"field":"created","value":1767225601}],"lessThan":[{"field":"created","value":"1767225603"}]}"#,
        &["banana", "Apricot"],
    );
    check(r#"{"in":[{"field":"name","values":["apple","banana","x"]}]}"#, &["banana", "apple"]);
    check(r#"{"nin":[{"field":"topicfilter","values":["fruit",""]}]}"#, &["ÄPFEL", "Apricot"]);
    check(r#"{"in":[{"field":"name"}]}"#, &[]);
    check(r#"{"nin":[{"field":"topicfilter"}]}"#, ALL);
    check(r#"{"null":[{"field":"topicfilter"}]}"#, &["banana"]);
    check(
        r#"{"null":[{"field":"topicfilter","not":true}],"sort":["name"],"limit":2}"#,
        &["Apricot", "apple"],
    );
    check(
        r#"{"or":[{"eq":[{"field":"name","value":"apple"}]},{"and":[{"null":[{"field":"topicfilter"}]},{}]}]}"#,
        &["banana", "apple"],
    );
    check(r#"{"skip":4.0,"sort":["-created"],"count":true,"bogus":[]}"#, &["Apricot", "apple"]);
}

#[test]
fn what_is_wrong_has_a_code() {
    refused("limit=251", "FF00192");
    refused("limit=99999999999999999999999", "FF00192");
    refused("skip=1001", "FF00191");
    refused("created=", "FF00143");
    refused("created=yesterday", "FF00143");
    refused("name=%00", "FF00143");
    refused("created=@2026", "FF00145");
    refused("created=!:2026-01-01T00:00:00Z", "FF00145");
    for query in ["name=!>a", "name=>!a", "name=[<a", "name=?>", "name=:>=a"] {
        refused(query, "FF00193");
    }
    for query in ["name=?@", "name=:?", "name=!:?", "name=?$"] {
        refused(query, "FF00144");
    }
    refused("{", "FF00127");
    refused("[]", "FF00127");
    for limit in ["\"many\"", "null", "-1", "1.5"] {
        refused(&format!("{{\"limit\":{limit}}}"), "FF00127");
    }
    refused(r#"{"eq":[{"field":"bogus","value":1}]}"#, "FF00142");
    refused(r#"{"eq":[{"value":1}]}"#, "FF00142");
    refused(r#"{"eq":[{"field":"name","value":null}]}"#, "FF00241");
    refused(r#"{"eq":[{"field":"name","value":[]}]}"#, "FF00241");
    refused(r#"{"lt":[{"field":"name","value":"a","not":true}]}"#, "FF00240");
    refused(r#"{"in":[{"field":"name","values":["a"],"caseInsensitive":true}]}"#, "FF00240");
    refused(r#"{"in":[{"field":"id","values":["a"]}]}"#, "FF00143");
    refused(r#"{"contains":[{"field":"updated","value":"2026"}]}"#, "FF00145");
    refused(r#"{"limit":251}"#, "FF00192");
    refused(&"name=a&".repeat(501), "FF00134");
}

#[test]
fn members_are_chosen_where_that_is_allowed() {
    let query = |fields| {
        Query::from_url(
            "fields=id,%20name&fields=status",
            &QueryLimits { fields, ..QueryLimits::default() },
        )
        .unwrap()
    };
    assert_eq!(query(true).members, ["id", "name", "status"]);
    assert!(query(false).members.is_empty());
}

#[test]
fn what_is_counted_is_on_all_pages() {
    let query = Query::from_url("count&limit=1&name=^a", &QueryLimits::default()).unwrap();
    let page = query.page(streams());
    assert_eq!((page.items.len(), page.total), (1, Some(1)));
    let query = Query::from_url("count=true&limit=1", &QueryLimits::default()).unwrap();
    assert_eq!(query.page(streams()).total, Some(6));
    let query = Query::from_url("count=false", &QueryLimits::default()).unwrap();
    assert_eq!(query.page(streams()).total, None);
}

/// Seconds to the first of 2026.
const START: i64 = 1_767_225_600;

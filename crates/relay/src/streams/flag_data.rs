//! Flags and segments in a file, as SDKs read them in tests and without a network.

use super::update::{Collections, Item, ItemError, Kind};
use core::fmt;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};

/// Reads flag data: `{"flags":{KEY:FLAG},"flagValues":{KEY:VALUE},"segments":{KEY:SEGMENT}}`, each
/// member optional.
///
/// Members that SDKs insist on and people leave out are added. An item without a version gets one,
/// greater by one each time that the item is read and has changed. A flag value is a flag that is
/// on and always has this value.
///
/// ```
/// use highwater_relay::FlagData;
/// let all = FlagData::default().read(r#"{"flagValues":{"dark-mode":true}}"#)?;
/// let flag = all.items().next().unwrap();
/// assert_eq!((&*flag.key, flag.version), ("dark-mode", 1));
/// # Ok::<(), highwater_relay::FlagDataError>(())
/// ```
#[derive(Debug, Default)]
pub struct FlagData {
    /// The versions that were given to items without one, and to which text.
    given: HashMap<(Kind, String), (i64, Box<str>)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File<'a> {
    #[serde(borrow, default)]
    flags: BTreeMap<String, &'a RawValue>,
    #[serde(borrow, default)]
    flag_values: BTreeMap<String, &'a RawValue>,
    #[serde(borrow, default)]
    segments: BTreeMap<String, &'a RawValue>,
}

impl FlagData {
    /// Reads a text. After an error everything is as before.
    pub fn read(&mut self, text: &str) -> Result<Collections, FlagDataError> {
        let File { flags, flag_values, segments } = serde_json::from_str(text)
            .map_err(|error| FlagDataError::of(&error, Place { line: 1, column: 0 }))?;
        if let Some(key) = flag_values.keys().find(|key| flags.contains_key(*key)) {
            let place = Place::of(text, flag_values[key].get()).first();
            let what = format!("{key:?} is a flag and a flag value");
            return Err(FlagDataError { place, what: what.into() });
        }
        let mut items = Vec::new();
        for (kind, key, raw) in [(Kind::Flag, flags), (Kind::Segment, segments)]
            .into_iter()
            .flat_map(|(kind, items)| items.into_iter().map(move |(key, raw)| (kind, key, raw)))
        {
            let place = Place::of(text, raw.get());
            let members: HashMap<String, &RawValue> = serde_json::from_str(raw.get())
                .map_err(|error| FlagDataError::of(&error, place).of_item(kind, &key))?;
            let has_version = members.contains_key("version");
            let whole = whole(kind, &key, raw.get());
            items.push((kind, key, whole, has_version, place));
        }
        for (key, raw) in flag_values {
            let name = serde_json::Value::from(&*key);
            let whole = format!(
                r#"{{"key":{name},"on":true,"variations":[{}],"fallthrough":{{"variation":0}}"#,
                raw.get()
            );
            let whole = complete(&(whole + "}"), defaults(Kind::Flag));
            items.push((Kind::Flag, key, whole, false, Place::of(text, raw.get())));
        }

        let mut given = HashMap::new();
        let (mut flags, mut segments) = (Vec::new(), Vec::new());
        for (kind, key, whole, has_version, place) in items {
            let whole = if has_version {
                whole
            } else {
                let before = self.given.get(&(kind, key.clone()));
                let version = match before {
                    Some((version, text)) if **text == *whole => *version,
                    Some((version, _)) => version + 1,
                    None => 1,
                };
                let with = complete(&whole, &[("version", &*version.to_string())]);
                given.insert((kind, key.clone()), (version, whole.into()));
                with
            };
            let raw: &RawValue = serde_json::from_str(&whole)
                .map_err(|error| FlagDataError::of(&error, place).of_item(kind, &key))?;
            let item = Item::read(kind, &key, raw).map_err(|error| FlagDataError {
                place: place.first(),
                what: format!("{} {key:?}: {error}", kind.as_str()).into(),
            })?;
            match kind {
                Kind::Flag => flags.push(item),
                Kind::Segment => segments.push(item),
            }
        }
        // Of what is gone the version is remembered: it may come back.
        self.given.extend(given);
        Ok(Collections { flags: Some(flags), segments: Some(segments) })
    }
}

impl Item {
    /// An item of a topic, whose version is the topic's, whatever its JSON says; members that SDKs
    /// insist on are added.
    ///
    /// ```
    /// use highwater_relay::{Item, Kind};
    /// let item = Item::of_topic(Kind::Segment, "staff", 7, r#"{"version":1,"included":["ann"]}"#)?;
    /// assert!(item.object.unwrap().as_str().starts_with(r#"{"version":7,"included":["ann"],"#));
    /// # Ok::<(), highwater_relay::ItemError>(())
    /// ```
    pub fn of_topic(kind: Kind, key: &str, version: i64, json: &str) -> Result<Self, ItemError> {
        let number = version.to_string();
        let whole = whole(kind, key, json);
        let whole = replace(&whole, "version", |_| Some(number.clone()));
        let whole = complete(&whole, &[("version", &*number)]);
        let raw: &RawValue = serde_json::from_str(&whole).map_err(ItemError::Head)?;
        Self::read(kind, key, raw)
    }
}

/// An item with all that SDKs insist on, but for its version.
fn whole(kind: Kind, key: &str, json: &str) -> String {
    let name = serde_json::Value::from(key).to_string();
    let whole = complete(json, &[&[("key", &*name)], defaults(kind)].concat());
    if kind == Kind::Segment {
        return whole;
    }
    let whole = replace(&whole, "clientSideAvailability", |who| Some(complete(who, AVAILABILITY)));
    each(&whole, "rules", |rule| {
        each(&complete(rule, RULE), "clauses", |clause| complete(clause, CLAUSE))
    })
}

/// Adds the members that are missing at the end of an object; anything else stays as it is.
fn complete(object: &str, members: &[(&str, &str)]) -> String {
    let Ok(there) = serde_json::from_str::<HashMap<String, &RawValue>>(object) else {
        return object.to_owned();
    };
    let end = object.rfind('}').unwrap_or(object.len());
    let mut out = object[..end].to_owned();
    let missing = members.iter().filter(|(name, _)| !there.contains_key(*name));
    for (position, (name, value)) in missing.enumerate() {
        let comma = if position == 0 && there.is_empty() { "" } else { "," };
        out.extend([comma, "\"", name, "\":", value]);
    }
    out.push('}');
    out
}

/// Does something to each element of the list that a member is, if it is one.
fn each(object: &str, member: &str, change: impl Fn(&str) -> String) -> String {
    replace(object, member, |list| {
        let elements = serde_json::from_str::<Vec<&RawValue>>(list).ok()?;
        let changed: Vec<_> = elements.into_iter().map(|element| change(element.get())).collect();
        Some(format!("[{}]", changed.join(",")))
    })
}

/// Puts another value in the place of a member's, if it is there.
fn replace(object: &str, member: &str, change: impl Fn(&str) -> Option<String>) -> String {
    let members = serde_json::from_str::<HashMap<String, &RawValue>>(object).unwrap_or_default();
    let value = members.get(member).map(|value| value.get());
    let Some((value, anew)) = value.and_then(|value| Some((value, change(value)?))) else {
        return object.to_owned();
    };
    let start = value.as_ptr().addr() - object.as_ptr().addr();
    format!("{}{anew}{}", &object[..start], &object[start + value.len()..])
}

const RULE: &[(&str, &str)] = &[("clauses", "[]"), ("trackEvents", "false")];
const AVAILABILITY: &[(&str, &str)] =
    &[("usingMobileKey", "false"), ("usingEnvironmentId", "false")];
const CLAUSE: &[(&str, &str)] = &[("attribute", "\"\""), ("values", "[]"), ("negate", "false")];

/// What SDKs insist on.
fn defaults(kind: Kind) -> &'static [(&'static str, &'static str)] {
    match kind {
        Kind::Flag => &[
            ("on", "false"),
            ("prerequisites", "[]"),
            ("targets", "[]"),
            ("contextTargets", "[]"),
            ("rules", "[]"),
            ("fallthrough", "{}"),
            ("offVariation", "null"),
            ("variations", "[]"),
            ("salt", "\"\""),
        ],
        Kind::Segment => &[
            ("included", "[]"),
            ("excluded", "[]"),
            ("includedContexts", "[]"),
            ("excludedContexts", "[]"),
            ("rules", "[]"),
            ("salt", "\"\""),
        ],
    }
}

/// Why a text is no flag data, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagDataError {
    place: Place,
    what: Box<str>,
}

/// A place in a text: the line from 1, and how many of its characters are before it, or which one it
/// is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    line: usize,
    column: usize,
}

impl Place {
    /// That of a part of the text, before its first character.
    fn of(text: &str, part: &str) -> Self {
        let at = part.as_ptr().addr().saturating_sub(text.as_ptr().addr());
        let before = text.get(..at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count());
        Self { line, column }
    }

    /// That of the first character.
    fn first(self) -> Self {
        Self { column: self.column + 1, ..self }
    }
}

impl FlagDataError {
    /// An error of a part that begins after a place.
    fn of(error: &serde_json::Error, Place { line, column }: Place) -> Self {
        let place = if error.line() <= 1 {
            Place { line, column: column + error.column() }
        } else {
            Place { line: line + error.line() - 1, column: error.column() }
        };
        let said = error.to_string();
        let what = said.rsplit_once(" at line ").map_or(&*said, |(what, _)| what);
        Self { place, what: what.into() }
    }

    fn of_item(self, kind: Kind, key: &str) -> Self {
        Self { what: format!("{} {key:?}: {}", kind.as_str(), self.what).into(), ..self }
    }
}

impl fmt::Display for FlagDataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place: Place { line, column }, what } = self;
        write!(f, "line {line} column {column}: {what}")
    }
}

impl core::error::Error for FlagDataError {}

#[cfg(test)]
mod tests {
    use super::*;
    use highwater_publisher::Object;

    fn texts(all: &Collections) -> Vec<(String, i64, String)> {
        let text =
            |object: &Option<Object>| object.as_ref().map_or(String::new(), |o| o.as_str().into());
        all.items().map(|item| (item.key.to_string(), item.version, text(&item.object))).collect()
    }

    #[test]
    fn what_sdks_insist_on_is_added_and_the_rest_stays() {
        let all = FlagData::default()
            .read(
                "{\"flags\": {\"a\": {}, \"b\": {\"on\": true, \"version\": 4, \"mine\": [1.50]}}}",
            )
            .unwrap();
        let [(a, 1, first), (b, 4, second)] = &texts(&all)[..] else { panic!("{all:?}") };
        assert_eq!((&**a, &**b), ("a", "b"));
        assert!(
            first.starts_with(r#"{"key":"a","on":false,"#) && first.ends_with(r#""version":1}"#)
        );
        assert!(second.starts_with(r#"{"on":true,"version":4,"mine":[1.50],"key":"b","#));
    }

    #[test]
    fn an_item_without_a_version_gets_a_new_one_when_it_changes() {
        let mut data = FlagData::default();
        let mut read = |text: &str| {
            let all = data.read(text).unwrap();
            all.items().map(|item| item.version).collect::<Vec<_>>()
        };
        assert_eq!(read(r#"{"flagValues":{"a":1},"segments":{"s":{}}}"#), [1, 1]);
        assert_eq!(read(r#"{"flagValues":{"a":2},"segments":{"s":{}}}"#), [2, 1]);
        assert!(read("{}").is_empty());
        assert_eq!(read(r#"{"flagValues":{"a":2}}"#), [2]);
        assert_eq!(read(r#"{"flagValues":{"a":1}}"#), [3]);
    }

    #[test]
    fn an_error_names_its_place_and_changes_nothing() {
        let mut data = FlagData::default();
        data.read(r#"{"flagValues":{"a":1}}"#).unwrap();
        let mut error = |text: &str| data.read(text).unwrap_err().to_string();
        assert_eq!(error("{\n  \"flags\": {,}\n}"), "line 2 column 13: key must be a string");
        assert_eq!(
            error("{\"flags\":\n {\"a\": {\"version\":\n \"x\"}}}"),
            "line 2 column 8: flag \"a\": invalid type: string \"x\", expected i64"
        );
        assert!(
            error("{\"flags\":\n {\"a\": 7}}")
                .starts_with("line 2 column 8: flag \"a\": invalid type")
        );
        assert!(error("{\"flag\":{}}").starts_with("line 1 column 7: unknown field `flag`"));
        assert!(
            error(r#"{"flags":{"a":{}},"flagValues":{"a":1}}"#).contains("\"a\" is a flag and")
        );
        assert_eq!(
            data.read(r#"{"flagValues":{"a":1}}"#).unwrap().items().next().unwrap().version,
            1
        );
    }
}

//! One file: its items as they stand in it.

use super::complete::{complete, defaults};
use super::error::{FlagDataError, Place};
use super::{FlagFile, whole};
use crate::streams::update::Kind;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use serde_saphyr::{Spanned, options};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// An item as a file has it, with all that SDKs insist on but perhaps a version.
pub(super) struct Entry {
    pub(super) kind: Kind,
    pub(super) key: String,
    pub(super) json: String,
    pub(super) has_version: bool,
    pub(super) place: Place,
}

/// The three members, by key.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
struct Members<T> {
    #[serde(default = "BTreeMap::new")]
    flags: BTreeMap<String, T>,
    #[serde(default = "BTreeMap::new")]
    flag_values: BTreeMap<String, T>,
    #[serde(default = "BTreeMap::new")]
    segments: BTreeMap<String, T>,
}

/// A JSON, and where it stands.
struct Found {
    json: String,
    place: Place,
}

/// Reads all items of a file: flags, flag values, segments.
pub(super) fn entries(FlagFile { name, text }: &FlagFile<'_>) -> Result<Vec<Entry>, FlagDataError> {
    let is_yaml = Path::new(name)
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("yaml") || end.eq_ignore_ascii_case("yml"));
    let members = if is_yaml { yaml(text)? } else { json(text)? };
    let flags = members.flags.into_iter().map(|(key, found)| item(Kind::Flag, key, found));
    let values = members.flag_values.into_iter().map(|(key, found)| Ok(value(key, &found)));
    let segments = members.segments.into_iter().map(|(key, found)| item(Kind::Segment, key, found));
    flags.chain(values).chain(segments).collect()
}

fn json(text: &str) -> Result<Members<Found>, FlagDataError> {
    let members: Members<&RawValue> =
        serde_json::from_str(text).map_err(|error| FlagDataError::json(&error, Place::START))?;
    Ok(members.map(|raw| Found { json: raw.get().into(), place: Place::of(text, raw.get()) }))
}

fn yaml(text: &str) -> Result<Members<Found>, FlagDataError> {
    // `on` is a member of flags, and no other word for true; and a file is as large as it is.
    let options = options! { strict_booleans: true, with_snippet: false, budget: None };
    let members: Option<Members<Spanned<Value>>> =
        serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| FlagDataError::yaml(&error))?;
    let place = |at: &serde_saphyr::Location| {
        let number = |of: u64| usize::try_from(of).unwrap_or(usize::MAX);
        Place { line: number(at.line()), column: number(at.column()).saturating_sub(1) }
    };
    let found = |spanned: Spanned<Value>| Found {
        json: spanned.value.to_string(),
        place: place(&spanned.referenced),
    };
    Ok(members.unwrap_or_default().map(found))
}

fn item(kind: Kind, key: String, Found { json, place }: Found) -> Result<Entry, FlagDataError> {
    let members: HashMap<String, &RawValue> = serde_json::from_str(&json).map_err(|error| {
        let FlagDataError { place, what, .. } = FlagDataError::json(&error, place);
        FlagDataError::new(place, format!("{} {key:?}: {what}", kind.as_str()))
    })?;
    let has_version = members.contains_key("version");
    let json = whole(kind, &key, &json);
    Ok(Entry { kind, key, json, has_version, place })
}

/// A flag that is on, and always has this value.
fn value(key: String, Found { json, place }: &Found) -> Entry {
    let name = Value::from(&*key);
    let flag = format!(
        r#"{{"key":{name},"on":true,"variations":[{json}],"fallthrough":{{"variation":0}}}}"#
    );
    let json = complete(&flag, defaults(Kind::Flag));
    Entry { kind: Kind::Flag, key, json, has_version: false, place: *place }
}

impl<T> Members<T> {
    fn map<U>(self, change: impl Fn(T) -> U) -> Members<U> {
        let all = |of: BTreeMap<String, T>| {
            of.into_iter().map(|(key, value)| (key, change(value))).collect()
        };
        let Self { flags, flag_values, segments } = self;
        Members { flags: all(flags), flag_values: all(flag_values), segments: all(segments) }
    }
}

impl<T> Default for Members<T> {
    fn default() -> Self {
        let (flags, flag_values, segments) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { flags, flag_values, segments }
    }
}

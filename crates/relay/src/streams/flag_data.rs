//! Flags and segments in files, as SDKs read them in tests and without a network.

mod complete;
mod error;
mod file;

use super::update::{Collections, Item, ItemError, Kind};
use complete::{complete, replace, whole};
pub use error::FlagDataError;
use file::Entry;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};

/// Reads flag data: `{"flags":{KEY:FLAG},"flagValues":{KEY:VALUE},"segments":{KEY:SEGMENT}}`, each
/// member optional, in JSON or in YAML.
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

/// A file of flag data.
#[derive(Clone, Copy, Debug)]
pub struct FlagFile<'a> {
    /// Its name: one that ends in `.yaml` or `.yml` is YAML, any other JSON.
    pub name: &'a str,
    /// What is in it.
    pub text: &'a str,
}

/// What becomes of a key that is there more than once, in one file or in several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DuplicateKeys {
    /// Nothing is taken: it is an error.
    #[default]
    Fail,
    /// The first counts, in the order of the files; within one, a flag counts before a flag value.
    Ignore,
}

impl FlagData {
    /// Reads a text in JSON. After an error everything is as before.
    pub fn read(&mut self, text: &str) -> Result<Collections, FlagDataError> {
        self.read_files(&[FlagFile { name: "", text }], DuplicateKeys::Fail)
    }

    /// Reads files as one. After an error, which names the file, everything is as before.
    ///
    /// ```
    /// use highwater_relay::{DuplicateKeys, FlagData, FlagFile};
    /// let yaml = FlagFile { name: "flags.yaml", text: "flagValues:\n  dark-mode: true\n" };
    /// let more = FlagFile { name: "more.json", text: r#"{"flagValues":{"dark-mode":false}}"# };
    /// let mut data = FlagData::default();
    /// assert_eq!(data.read_files(&[yaml, more], DuplicateKeys::Ignore)?.items().count(), 1);
    /// let error = data.read_files(&[yaml, more], DuplicateKeys::Fail).unwrap_err();
    /// assert!(error.to_string().starts_with("more.json line 1 column 28: flag \"dark-mode\""));
    /// # Ok::<(), highwater_relay::FlagDataError>(())
    /// ```
    pub fn read_files(
        &mut self,
        files: &[FlagFile<'_>],
        duplicates: DuplicateKeys,
    ) -> Result<Collections, FlagDataError> {
        let mut all: BTreeMap<(Kind, String), Item> = BTreeMap::new();
        let mut given = HashMap::new();
        for file in files {
            let of_file = |error: FlagDataError| error.in_file(file.name);
            for entry in file::entries(file).map_err(of_file)? {
                let (place, id) = (entry.place.first(), (entry.kind, entry.key.clone()));
                if all.contains_key(&id) {
                    if duplicates == DuplicateKeys::Ignore {
                        continue;
                    }
                    let what = format!("{} {:?} is there already", id.0.as_str(), id.1);
                    return Err(of_file(FlagDataError::new(place, what)));
                }
                let item = self.item(entry, &mut given).map_err(|error| {
                    let what = format!("{} {:?}: {error}", id.0.as_str(), id.1);
                    of_file(FlagDataError::new(place, what))
                })?;
                all.insert(id, item);
            }
        }
        // Of what is gone the version is remembered: it may come back.
        self.given.extend(given);
        let (mut flags, mut segments) = (Vec::new(), Vec::new());
        for item in all.into_values() {
            match item.kind {
                Kind::Flag => flags.push(item),
                Kind::Segment => segments.push(item),
            }
        }
        Ok(Collections { flags: Some(flags), segments: Some(segments) })
    }

    /// The item of an entry, with a version of our own if it has none.
    fn item(
        &self,
        Entry { kind, key, json, has_version, .. }: Entry,
        given: &mut HashMap<(Kind, String), (i64, Box<str>)>,
    ) -> Result<Item, ItemError> {
        let json = if has_version {
            json
        } else {
            let version = match self.given.get(&(kind, key.clone())) {
                Some((version, text)) if **text == *json => *version,
                Some((version, _)) => version + 1,
                None => 1,
            };
            let with = complete(&json, &[("version", &*version.to_string())]);
            given.insert((kind, key.clone()), (version, json.into()));
            with
        };
        let raw: &RawValue = serde_json::from_str(&json).map_err(ItemError::Head)?;
        Item::read(kind, &key, raw)
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
        assert_eq!(
            error(r#"{"flags":{"a":{}},"flagValues":{"a":1}}"#),
            "line 1 column 37: flag \"a\" is there already"
        );
        assert_eq!(
            data.read(r#"{"flagValues":{"a":1}}"#).unwrap().items().next().unwrap().version,
            1
        );
    }

    #[test]
    fn yaml_says_what_json_says() {
        let yaml = "# Ours.\nflags:\n  a: {version: 3, on: true, variations: [no, 'yes', 1.5]}\n\
                    flagValues:\n  b: &b\n    deep: [1, null]\n  c: *b\nsegments:\n  s:\n    included: [ann]\n";
        let json = r#"{"flags":{"a":{"version":3,"on":true,"variations":["no","yes",1.5]}},
            "flagValues":{"b":{"deep":[1,null]},"c":{"deep":[1,null]}},
            "segments":{"s":{"included":["ann"]}}}"#;
        let read = |name: &str, text: &str| {
            let file = FlagFile { name, text };
            let all = FlagData::default().read_files(&[file], DuplicateKeys::Fail).unwrap();
            let parsed = |(key, version, text): (String, i64, String)| {
                (key, version, serde_json::from_str::<serde_json::Value>(&text).unwrap())
            };
            texts(&all).into_iter().map(parsed).collect::<Vec<_>>()
        };
        assert_eq!(read("flags.YML", yaml), read("flags.json", json));
        assert!(read("empty.yaml", "").is_empty());
    }

    #[test]
    fn an_error_in_yaml_names_its_place() {
        let error = |text: &str| {
            let file = FlagFile { name: "f.yaml", text };
            let read = FlagData::default().read_files(&[file], DuplicateKeys::Fail);
            read.unwrap_err().to_string()
        };
        for (text, place) in [
            ("flags:\n  a: [1\n", "f.yaml line "),
            ("flags:\n  a: {}\n  a: {}\n", "f.yaml line 3 column 3: "),
            ("flag: {}\n", "f.yaml line 1 column 1: "),
            (
                "flags:\n  a:\n    version: x\n",
                "f.yaml line 3 column 5: flag \"a\": invalid type: string",
            ),
            ("flags:\n  a: 7\n", "f.yaml line 2 column 6: flag \"a\": invalid type: integer"),
            (
                "flags: {a: {}}\nflagValues:\n  a: 1\n",
                "f.yaml line 3 column 6: flag \"a\" is there already",
            ),
        ] {
            assert!(error(text).starts_with(place), "{text:?}: {}", error(text));
        }
    }
}

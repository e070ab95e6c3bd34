//! What an environment has: its flags and segments, each at its version.

use super::encode;
use super::update::{Collections, Item, Kind};
use bytes::Bytes;
use highwater_publisher::{Epoch, Id, NameError, Object, Operation, Options, Topic, Transaction};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// The items of one moment: keys and JSON, sorted by key. They are shared with the store, and stay
/// as they are when it moves on.
#[derive(Clone, Debug, Default)]
pub struct Items {
    /// The flags.
    pub flags: Vec<(Arc<str>, Bytes)>,
    /// The segments.
    pub segments: Vec<(Arc<str>, Bytes)>,
}

impl Items {
    /// Both as one JSON: `{"flags":{KEY:FLAG},"segments":{KEY:SEGMENT}}`.
    pub fn to_json(&self) -> Bytes {
        let mut out = Vec::new();
        encode::latest(&mut out, &self.flags, &self.segments);
        out.into()
    }

    /// Those of a kind as one JSON: `{KEY:FLAG}`.
    pub fn collection(&self, kind: Kind) -> Bytes {
        let mut out = Vec::new();
        let items = match kind {
            Kind::Flag => &self.flags,
            Kind::Segment => &self.segments,
        };
        encode::values(&mut out, items);
        out.into()
    }
}

/// Flags and segments, and whether they were ever told.
///
/// They are the items of a [`Topic`], whose readers are the `FDv2` streams; the older protocols are
/// other words for the same.
///
/// - R7: a single item counts only if its version is greater than the one that is known, that of a
///   deletion included; all items at once replace everything, versions and deletions included.
#[derive(Debug)]
pub struct Store {
    topic: Topic,
    options: Options,
    initialised: bool,
    /// Versions of what was deleted since everything was told last.
    tombstones: HashMap<(Kind, Arc<str>), i64>,
}

impl Store {
    /// An environment of this name that nothing is known of.
    pub fn new(name: &str, options: Options) -> Self {
        let topic = Topic::new(name, Epoch::fresh(), options);
        Self { topic, options, initialised: false, tombstones: HashMap::new() }
    }

    /// Whether everything was told once.
    pub fn is_initialised(&self) -> bool {
        self.initialised
    }

    /// The items, and their readers.
    pub fn topic(&mut self) -> &mut Topic {
        &mut self.topic
    }

    /// The JSON of an item.
    pub fn get(&self, kind: Kind, key: &str) -> Option<&[u8]> {
        self.topic.item(kind.as_str(), key).map(|item| item.object)
    }

    /// All items.
    pub fn items(&self) -> Items {
        let items = |kind: Kind| self.topic.objects(kind.as_str()).collect();
        Items { flags: items(Kind::Flag), segments: items(Kind::Segment) }
    }

    /// How many bytes there are of it all, about.
    pub fn bytes(&self) -> usize {
        self.topic.bytes()
    }

    /// Makes the given items the only ones, in one transaction of what differs.
    ///
    /// Refused as a whole if a key is none.
    pub fn replace(&mut self, given: &Collections) -> Result<(), NameError> {
        let mut live = HashMap::new();
        let mut gone = HashMap::new();
        for item in given.items() {
            let id = Id::new(item.kind.as_str(), &item.key)?;
            match &item.object {
                Some(object) => drop(live.insert(id, (item.version, object))),
                None => drop(gone.insert((item.kind, Arc::clone(&item.key)), item.version)),
            }
        }
        let mut kept = HashSet::new();
        let mut changes = Vec::new();
        for item in self.topic.items(None) {
            let id = Id::new(item.kind, item.key)?;
            match live.get(&id) {
                Some((version, object)) => {
                    if *version == item.version && object.as_str().as_bytes() == item.object {
                        kept.insert(id);
                    }
                }
                None => changes.push((id, item.version.saturating_add(1), None)),
            }
        }
        let news = live.into_iter().filter(|(id, _)| !kept.contains(id));
        changes.extend(news.map(|(id, (version, object))| (id, version, Some(object.clone()))));
        self.commit(changes)?;
        self.tombstones = gone;
        self.initialised = true;
        Ok(())
    }

    /// What leads one by one to these items, by the rule for single items; none if that rule does
    /// not lead there, or nothing was told before.
    pub fn steps_to(&self, all: &Collections) -> Option<Vec<Item>> {
        if !self.initialised {
            return None;
        }
        let mut steps = Vec::new();
        let mut given = HashSet::new();
        for item in all.items() {
            let Item { kind, key, version, object } = item;
            given.insert((kind.as_str(), &**key));
            let live = self.topic.item(kind.as_str(), key);
            let is_known = live.is_some_and(|live| {
                live.version == *version
                    && object
                        .as_ref()
                        .is_some_and(|object| object.as_str().as_bytes() == live.object)
            });
            let gone = || self.tombstones.get(&(*kind, Arc::clone(key))).copied();
            match live.map(|live| live.version).or_else(gone) {
                _ if is_known => {}
                None if object.is_none() => {}
                Some(of) if live.is_none() && object.is_none() && of == *version => {}
                Some(of) if of >= *version => return None,
                _ => steps.push(item.clone()),
            }
        }
        for kind in Kind::ALL {
            let live = self.topic.items(Some(kind.as_str()));
            for live in live.filter(|live| !given.contains(&(live.kind, live.key))) {
                let version = live.version.checked_add(1)?;
                steps.push(Item { kind, key: live.key.into(), version, object: None });
            }
        }
        Some(steps)
    }

    /// As [`replace`](Self::replace), by [steps](Self::steps_to): deletions stay remembered.
    pub fn advance(&mut self, all: &Collections, steps: &[Item]) -> Result<(), NameError> {
        let before = self.tombstones.clone();
        self.replace(all)?;
        let gone = steps.iter().filter(|item| item.object.is_none());
        let gone = gone.map(|item| ((item.kind, Arc::clone(&item.key)), item.version));
        let live = |(kind, key): &(Kind, Arc<str>)| self.topic.item(kind.as_str(), key).is_some();
        let kept = before.into_iter().chain(gone).filter(|(place, _)| !live(place));
        self.tombstones = kept.collect();
        Ok(())
    }

    /// Whether an item is newer than what is known of it.
    pub fn is_news(&self, Item { kind, key, version, .. }: &Item) -> bool {
        let live = self.topic.item(kind.as_str(), key).map(|item| item.version);
        let gone = || self.tombstones.get(&(*kind, Arc::clone(key))).copied();
        live.or_else(gone).is_none_or(|of| of < *version)
    }

    /// Takes in those items that are newer than what is known of them, in one transaction; says
    /// whether any is.
    pub fn apply(&mut self, items: &[Item]) -> Result<bool, NameError> {
        let mut news: BTreeMap<(Kind, &str), (Id, &Item)> = BTreeMap::new();
        for item in items {
            let id = Id::new(item.kind.as_str(), &item.key)?;
            let place = (item.kind, &*item.key);
            let is_newest = news.get(&place).is_none_or(|(_, other)| other.version < item.version);
            if is_newest && self.is_news(item) {
                news.insert(place, (id, item));
            }
        }
        let mut changes = Vec::new();
        let has_news = !news.is_empty();
        for (id, Item { kind, key, version, object }) in news.into_values() {
            let place = (*kind, Arc::clone(key));
            if object.is_some() {
                self.tombstones.remove(&place);
            } else {
                self.tombstones.insert(place, *version);
                if self.topic.item(kind.as_str(), key).is_none() {
                    continue;
                }
            }
            changes.push((id, *version, object.clone()));
        }
        self.commit(changes)?;
        Ok(has_news)
    }

    /// Does all of it in one transaction. Where a version goes back, in a new life of the topic:
    /// not every reader of changes would believe it.
    fn commit(&mut self, changes: Vec<Change>) -> Result<(), NameError> {
        let goes_back = |(id, version, _): &Change| {
            self.topic.last_version(id).is_some_and(|last| last >= *version)
        };
        if !changes.iter().any(goes_back) {
            write(&mut self.topic, changes);
            return Ok(());
        }
        let anew: HashSet<_> = changes.iter().map(|(id, ..)| id).collect();
        let mut all = Vec::new();
        for item in self.topic.items(None) {
            let id = Id::new(item.kind, item.key)?;
            if !anew.contains(&id) {
                let text = core::str::from_utf8(item.object).unwrap_or_default(); // it was a text
                all.extend(Object::parse(text).ok().map(|object| (id, item.version, Some(object))));
            }
        }
        all.extend(changes.into_iter().filter(|(_, _, object)| object.is_some()));
        self.topic = Topic::new(self.topic.name(), Epoch::fresh(), self.options);
        write(&mut self.topic, all);
        Ok(())
    }
}

/// What becomes of an item, at which version; deleted without a value.
type Change = (Id, i64, Option<Object>);

fn write(topic: &mut Topic, changes: Vec<Change>) {
    let operation = |(id, version, object)| match object {
        Some(object) => Operation::put(id, object).imposed(version),
        None => Operation::delete(id).imposed(version),
    };
    let transaction: Transaction = changes.into_iter().map(operation).collect();
    if !transaction.is_empty() {
        topic.commit(transaction).expect("imposed operations are not refused");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(key: &str, version: i64, json: Option<&str>) -> Item {
        let object = json.map(|json| Object::parse(json).unwrap());
        Item { kind: Kind::Flag, key: key.into(), version, object }
    }

    fn put(items: &[Item]) -> Collections {
        Collections { flags: Some(items.to_vec()), segments: None }
    }

    fn flags(store: &Store) -> Vec<String> {
        let text = |(key, value): (Arc<str>, Bytes)| {
            format!("{key}={}", String::from_utf8(value.to_vec()).unwrap())
        };
        store.items().flags.into_iter().map(text).collect()
    }

    #[test]
    fn an_item_counts_only_if_it_is_newer() {
        let mut store = Store::new("e", Options::default());
        let mut apply = |key, version, json| {
            let done = store.apply(&[item(key, version, json)]).unwrap();
            (done, flags(&store).join(" "))
        };
        let at = |done, text: &str| (done, text.to_owned());
        assert_eq!(apply("a", 3, Some("{}")), at(true, "a={}"));
        assert_eq!(apply("a", 3, Some(r#"{"x":1}"#)), at(false, "a={}"));
        assert_eq!(apply("a", 3, None), at(false, "a={}"));
        assert_eq!(apply("a", 5, None), at(true, ""));
        assert_eq!(apply("a", 5, Some("{}")), at(false, ""));
        assert_eq!(apply("a", 6, Some("{}")), at(true, "a={}"));
        assert_eq!(apply("b", -4, None), at(true, "a={}"));
        assert_eq!(apply("b", -4, Some("{}")), at(false, "a={}"));
        assert_eq!(apply("b", 0, Some("{}")), at(true, "a={} b={}"));
    }

    #[test]
    fn everything_at_once_replaces_versions_and_deletions_too() {
        let mut store = Store::new("e", Options::default());
        store.replace(&put(&[item("a", 9, Some("{}")), item("b", 9, Some("{}"))])).unwrap();
        store.apply(&[item("c", 9, None)]).unwrap();
        store.replace(&put(&[item("a", 2, Some(r#"{"old":1}"#)), item("d", 7, None)])).unwrap();
        assert_eq!(flags(&store), [r#"a={"old":1}"#]);
        assert!(store.apply(&[item("b", 1, Some("{}"))]).unwrap(), "left out is forgotten");
        assert!(store.apply(&[item("c", 1, Some("{}"))]).unwrap());
        assert!(!store.apply(&[item("d", 7, Some("{}"))]).unwrap(), "deleted is remembered");
        assert!(store.is_initialised());
    }

    #[test]
    fn what_did_not_change_is_not_told_again() {
        let mut store = Store::new("e", Options::default());
        let all = put(&[item("a", 1, Some("{}")), item("b", 1, Some("{}"))]);
        store.replace(&all).unwrap();
        let mut reader = store.topic().follow();
        store.replace(&all).unwrap();
        assert!(reader.take(usize::MAX).unwrap().frames.is_empty());
        store.replace(&put(&[item("a", 1, Some("{}"))])).unwrap();
        let frames = reader.take(usize::MAX).unwrap().frames;
        assert_eq!(frames.len(), 1);
        assert!(
            frames[0].starts_with(b"event: delete-object\ndata: {\"kind\":\"flag\",\"key\":\"b\"")
        );
    }

    #[test]
    fn where_a_version_goes_back_another_life_begins() {
        let mut store = Store::new("e", Options::default());
        store.replace(&put(&[item("a", 5, Some("{}")), item("b", 5, Some("{}"))])).unwrap();
        let mut reader = store.topic().follow();
        store.apply(&[item("a", 6, Some("{}"))]).unwrap();
        store.replace(&put(&[item("a", 6, Some("{}"))])).unwrap();
        assert_eq!(reader.take(usize::MAX).unwrap().frames.len(), 2, "the same life");
        // `b` was deleted at a version of our own making, and everything at once may bring it back.
        store.apply(&[item("b", 5, Some("{}"))]).unwrap();
        assert!(reader.take(usize::MAX).is_err());
        assert_eq!(flags(&store), ["a={}", "b={}"]);
        let mut reader = store.topic().follow();
        store.replace(&put(&[item("a", 1, Some("{}"))])).unwrap();
        assert!(reader.take(usize::MAX).is_err());
        assert_eq!(flags(&store), ["a={}"]);
    }

    #[test]
    fn a_key_that_is_none_changes_nothing() {
        let mut store = Store::new("e", Options::default());
        assert!(store.apply(&[item("", 1, Some("{}"))]).is_err());
        assert!(store.replace(&put(&[item("a", 1, Some("{}")), item("", 1, Some("{}"))])).is_err());
        assert!(flags(&store).is_empty() && !store.is_initialised());
    }
}

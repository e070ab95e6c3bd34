//! What flags come to for a context, as clients are told it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use launchdarkly_server_sdk_evaluation::{Detail, Flag, Reason, Segment, Store, evaluate};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::context::EvaluationContext;
use crate::streams::{Items, Kind};

/// The rules of an environment at one moment, ready to be evaluated.
#[derive(Debug, Default)]
pub struct Rules {
    flags: BTreeMap<String, Readable>,
    segments: HashMap<String, Segment>,
    /// What could not be read, and why.
    unreadable: Vec<(Kind, Arc<str>, serde_json::Error)>,
}

/// A flag, and its values as they came: evaluation has all numbers as floating ones.
#[derive(Debug)]
struct Readable {
    flag: Flag,
    values: Vec<Value>,
}

#[derive(Deserialize)]
struct Values {
    variations: Vec<Value>,
}

/// Which flags a client may know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Who shows an environment's id: browsers.
    Browser,
    /// Who shows a mobile key.
    Mobile,
}

/// What a flag comes to, in the words of SDKs of clients.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evaluated {
    /// The value; null if there is none.
    pub value: Value,
    /// Which of the flag's values it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variation: Option<i64>,
    /// The flag's version.
    pub version: u64,
    /// The same, for events.
    pub flag_version: u64,
    /// Whether each use of it is an event.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub track_events: bool,
    /// Whether its events carry the reason.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub track_reason: bool,
    /// Until when its events are told one by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debug_events_until_date: Option<u64>,
    /// How it came to this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

impl Rules {
    /// Reads what a store had. What cannot be read is left out, and [told](Self::unreadable).
    pub fn read(items: &Items) -> Self {
        let mut rules = Self::default();
        for (key, json) in &items.flags {
            match Readable::read(json) {
                Ok(flag) => drop(rules.flags.insert(key.as_ref().to_owned(), flag)),
                Err(error) => rules.unreadable.push((Kind::Flag, Arc::clone(key), error)),
            }
        }
        for (key, json) in &items.segments {
            match serde_json::from_slice(json) {
                Ok(segment) => drop(rules.segments.insert(key.as_ref().to_owned(), segment)),
                Err(error) => rules.unreadable.push((Kind::Segment, Arc::clone(key), error)),
            }
        }
        rules
    }

    /// What could not be read, and why.
    pub fn unreadable(&self) -> &[(Kind, Arc<str>, serde_json::Error)] {
        &self.unreadable
    }

    /// What every flag that the client may know of comes to.
    pub fn evaluate(
        &self,
        context: &EvaluationContext,
        audience: Audience,
        with_reasons: bool,
    ) -> BTreeMap<&str, Evaluated> {
        let is_for = |readable: &Readable| match audience {
            Audience::Browser => readable.flag.using_environment_id(),
            Audience::Mobile => readable.flag.using_mobile_key(),
        };
        let flags = self.flags.iter().filter(|(_, readable)| is_for(readable));
        flags.map(|(key, flag)| (&**key, self.one(flag, context, with_reasons))).collect()
    }

    fn one(&self, of: &Readable, context: &EvaluationContext, with_reasons: bool) -> Evaluated {
        let Readable { flag, values } = of;
        let Detail { variation_index, reason, .. } =
            evaluate(self, flag, context.as_context(), None);
        let tracked = flag.is_experimentation_enabled(&reason);
        Evaluated {
            value: variation_index
                .and_then(|index| values.get(usize::try_from(index).ok()?))
                .cloned()
                .unwrap_or_default(),
            variation: variation_index.map(|index| index as i64),
            version: flag.version,
            flag_version: flag.version,
            track_events: flag.track_events || tracked,
            track_reason: tracked,
            debug_events_until_date: flag.debug_events_until_date,
            reason: (with_reasons || tracked).then_some(reason),
        }
    }
}

impl Store for Rules {
    fn flag(&self, flag_key: &str) -> Option<Flag> {
        self.flags.get(flag_key).map(|readable| readable.flag.clone())
    }

    fn segment(&self, segment_key: &str) -> Option<Segment> {
        self.segments.get(segment_key).cloned()
    }
}

impl Readable {
    fn read(json: &[u8]) -> Result<Self, serde_json::Error> {
        let Values { variations: values } = serde_json::from_slice(json)?;
        Ok(Self { flag: serde_json::from_slice(json)?, values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::FlagData;
    use highwater_publisher::Options;
    use serde_json::json;

    fn rules(data: &serde_json::Value) -> Rules {
        let mut store = crate::streams::Store::new("e", Options::default());
        store.replace(&FlagData::default().read(&data.to_string()).unwrap()).unwrap();
        Rules::read(&store.items())
    }

    fn seen(rules: &Rules, context: &str, audience: Audience) -> serde_json::Value {
        let context = EvaluationContext::parse(context.as_bytes()).unwrap();
        serde_json::to_value(rules.evaluate(&context, audience, true)).unwrap()
    }

    #[test]
    fn flags_and_segments_come_to_what_sdks_say() {
        let rules = rules(&json!({
            "flags": {
                "beta": {
                    "on": true, "variations": ["no", "yes"], "version": 7,
                    "clientSideAvailability": { "usingEnvironmentId": true },
                    "fallthrough": { "variation": 0 }, "offVariation": 0,
                    "rules": [{ "variation": 1, "id": "r", "clauses": [
                        { "op": "segmentMatch", "values": ["staff"] }
                    ]}],
                },
                "off": { "on": false, "variations": [1, 2], "offVariation": 1, "clientSide": true },
                "secret": { "on": true, "variations": [1], "fallthrough": { "variation": 0 } },
            },
            "segments": { "staff": { "included": ["ann"] } },
        }));
        assert!(rules.unreadable().is_empty(), "{:?}", rules.unreadable());
        let ann = seen(&rules, r#"{"key":"ann"}"#, Audience::Browser);
        assert_eq!(ann["beta"]["value"], "yes");
        assert_eq!(ann["beta"]["variation"], 1);
        assert_eq!(ann["beta"]["version"], 7);
        assert_eq!(ann["beta"]["reason"]["kind"], "RULE_MATCH");
        assert_eq!(ann["off"]["value"], 2);
        assert_eq!(ann["secret"], json!(null), "not for browsers");
        assert_eq!(seen(&rules, r#"{"key":"bob"}"#, Audience::Browser)["beta"]["value"], "no");
        let bob = seen(&rules, r#"{"key":"bob"}"#, Audience::Mobile);
        assert_eq!(bob["beta"], json!(null), "not for mobiles");
        assert_eq!(bob["secret"]["value"], 1);
    }

    #[test]
    fn a_flag_that_cannot_be_read_does_not_take_the_others_with_it() {
        let rules = rules(&json!({
            "flags": { "good": { "on": true, "variations": [true], "fallthrough": { "variation": 0 } },
                       "bad": { "on": "yes" } },
        }));
        assert_eq!(seen(&rules, r#"{"key":"a"}"#, Audience::Mobile)["good"]["value"], true);
        let [(Kind::Flag, key, _)] = rules.unreadable() else { panic!("one is unreadable") };
        assert_eq!(&**key, "bad");
    }
}

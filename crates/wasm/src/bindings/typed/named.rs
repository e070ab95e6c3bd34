//! Options by name: one object instead of a list of numbers.

use core::time::Duration;

use highwater_core::{
    Forgive, Jitter, Judge, Materializer as CoreMaterializer, MaterializerOptions,
};
use highwater_core::{Refill, Session as CoreSession, SessionOptions};
use js_sys::{Array, Function, Object, Reflect};
use serde::Deserialize;
use serde_wasm_bindgen::Deserializer;
use wasm_bindgen::prelude::*;

use crate::bindings::view::JsView;
use crate::{Materializer, Protocol, Session};

#[wasm_bindgen(typescript_custom_section)]
const OPTIONS: &str = "
/** The choices that a materializer leaves open. What is left out is as the protocol has it. */
export interface MaterializerOptions {
  /** When values are checked to be JSON: when somebody reads them, or as they arrive. Default: `read`. */
  validate?: 'read' | 'ingest'
  /** Whether a snapshot empties the view before it fills it. Default: `aside`, which tells only what differs. */
  refill?: 'aside' | 'empty-first'
  /** The largest event, in bytes. */
  maxBytes?: number
  /** How deletions are remembered: how many at most, and for how many milliseconds. */
  tombstones?: { count?: number; age?: number }
}

/** The choices that a session leaves open. Times are milliseconds. */
export interface SessionOptions extends MaterializerOptions {
  /** A connection on which nothing comes for so long is given up; `false`: never. */
  idle?: number | false
  /** A snapshot must end within this. */
  snapshotTimeout?: number
  /** A connection must be answered within this. */
  connectTimeout?: number
  /** How failures are waited out. */
  retry?: {
    /** The wait after the first failure; it doubles with each one after it. */
    first?: number
    /** No wait is shorter. */
    min?: number
    /** No wait is longer; 0: no bound. */
    max?: number
    /** Up to what share of a wait is taken away by chance, from 0 to 1; below 0: added. */
    jitter?: number
    /** How many failures cost no more than `min`. */
    freeFailures?: number
    /** A connection that lived so long wipes the slate clean; `update`: the first update does. */
    healthy?: number | 'update'
    /** After so many failures in a row the session stops. Default: never. */
    attempts?: number
  }
}
";

#[wasm_bindgen]
extern "C" {
    /// A materializer's options: an object, see its TypeScript interface.
    #[wasm_bindgen(typescript_type = "MaterializerOptions")]
    pub type NamedMaterializerOptions;
    /// A session's options: an object, see its TypeScript interface.
    #[wasm_bindgen(typescript_type = "SessionOptions")]
    pub type NamedSessionOptions;
}

#[wasm_bindgen]
impl Materializer {
    /// A materializer that has seen nothing, with options by name. A mistake in them is thrown as
    /// a `TypeError` that names it.
    #[wasm_bindgen(js_name = withOptions)]
    pub fn with_options(
        protocol: Protocol,
        options: &NamedMaterializerOptions,
        view: Option<Function>,
    ) -> Result<Self, JsValue> {
        let mut choices = MaterializerOptions::default();
        read(options, MATERIALIZER)?.materializer(&mut choices);
        Ok(Self::of(CoreMaterializer::with_view(protocol.0, JsView::new(view), choices)))
    }
}

#[wasm_bindgen]
impl Session {
    /// A session that has not started, with options by name. A mistake in them is thrown as a
    /// `TypeError` that names it.
    #[wasm_bindgen(js_name = withOptions)]
    pub fn with_options(
        protocol: Protocol,
        options: &NamedSessionOptions,
        view: Option<Function>,
    ) -> Result<Self, JsValue> {
        let mut choices = SessionOptions::of(&protocol.0);
        choices.seed ^= js_sys::Math::random().to_bits();
        read(options, SESSION)?.session(&mut choices);
        Ok(Self::of(CoreSession::new(protocol.0, JsView::new(view), choices)))
    }
}

const MATERIALIZER: &[&str] = &["validate", "refill", "maxBytes", "tombstones"];
const SESSION: &[&str] = &[
    "validate",
    "refill",
    "maxBytes",
    "tombstones",
    "idle",
    "snapshotTimeout",
    "connectTimeout",
    "retry",
];
const TOMBSTONES: &[&str] = &["count", "age"];
const RETRY: &[&str] = &["first", "min", "max", "jitter", "freeFailures", "healthy", "attempts"];

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    validate: Option<Validate>,
    refill: Option<Refilled>,
    max_bytes: Option<Number>,
    tombstones: Option<NamedTombstones>,
    idle: Option<Or<bool>>,
    snapshot_timeout: Option<Number>,
    connect_timeout: Option<Number>,
    retry: Option<Retry>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Validate {
    Read,
    Ingest,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Refilled {
    Aside,
    EmptyFirst,
}

#[derive(Deserialize)]
struct NamedTombstones {
    count: Option<Number>,
    age: Option<Number>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Retry {
    first: Option<Number>,
    min: Option<Number>,
    max: Option<Number>,
    jitter: Option<f64>,
    free_failures: Option<Number>,
    healthy: Option<Or<String>>,
    attempts: Option<Number>,
}

/// A number that is not below zero.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "f64")]
struct Number(f64);

impl TryFrom<f64> for Number {
    type Error = String;

    fn try_from(number: f64) -> Result<Self, String> {
        if number.is_finite() && number >= 0.0 {
            Ok(Self(number))
        } else {
            Err(format!("{number} is not a number from 0 on"))
        }
    }
}

impl Number {
    fn millis(self) -> Duration {
        crate::settings::millis(self.0)
    }
}

/// A number, or something else that means a case of its own.
#[derive(Deserialize)]
#[serde(untagged, expecting = "neither a number from 0 on nor the word for none")]
enum Or<W> {
    Number(Number),
    Word(W),
}

/// Reads the object; with serde's words, and the place that they are about.
fn read(options: &JsValue, allowed: &[&str]) -> Result<Named, JsValue> {
    if options.is_undefined() {
        return Ok(Named::default());
    }
    // Serde asks an object of JavaScript only for the members that it knows.
    refuse_unknown(options, "", allowed)?;
    for (name, known) in [("tombstones", TOMBSTONES), ("retry", RETRY)] {
        let part = Reflect::get(options, &name.into())?;
        if !part.is_undefined() {
            refuse_unknown(&part, name, known)?;
        }
    }
    let outcome: Result<Named, _> =
        serde_path_to_error::deserialize(Deserializer::from(options.clone()));
    let named = outcome
        .map_err(|error| mistake(&format!("option {}: {}", error.path(), words(error.inner()))))?;
    if let Some(Or::Word(true)) = named.idle {
        return Err(mistake("option idle: true is neither a number nor false"));
    }
    if let Some(Or::Word(word)) = named.retry.as_ref().and_then(|retry| retry.healthy.as_ref())
        && word != "update"
    {
        return Err(mistake(&format!(
            "option retry.healthy: '{word}' is neither a number nor 'update'"
        )));
    }
    Ok(named)
}

fn refuse_unknown(object: &JsValue, place: &str, known: &[&str]) -> Result<(), JsValue> {
    let of = if place.is_empty() { "options".into() } else { format!("option {place}") };
    let object = object.dyn_ref::<Object>().filter(|object| !Array::is_array(object));
    let Some(object) = object else {
        return Err(mistake(&format!("{of}: not an object")));
    };
    for name in Object::keys(object).iter().filter_map(|name| name.as_string()) {
        if !known.contains(&&*name) {
            return Err(mistake(&format!("{of}: '{name}' is none of {}", known.join(", "))));
        }
    }
    Ok(())
}

/// What serde says, without the name of JavaScript's error class before it.
fn words(error: &serde_wasm_bindgen::Error) -> String {
    let words = error.to_string();
    words.strip_prefix("Error: ").unwrap_or(&words).to_owned()
}

fn mistake(words: &str) -> JsValue {
    js_sys::TypeError::new(words).into()
}

impl Named {
    fn materializer(&self, options: &mut MaterializerOptions) {
        if let Some(validate) = self.validate {
            options.judge = match validate {
                Validate::Read => Judge::WhenRead,
                Validate::Ingest => Judge::OnArrival,
            };
        }
        if let Some(refill) = self.refill {
            options.refill = match refill {
                Refilled::Aside => Refill::Aside,
                Refilled::EmptyFirst => Refill::EmptyFirst,
            };
        }
        if let Some(Number(limit)) = self.max_bytes {
            options.max_event_bytes = limit as usize;
        }
        if let Some(tombstones) = &self.tombstones {
            if let Some(Number(count)) = tombstones.count {
                options.tombstones.count = count as usize;
            }
            if let Some(age) = tombstones.age {
                options.tombstones.age = age.millis();
            }
        }
    }

    fn session(&self, options: &mut SessionOptions) {
        self.materializer(&mut options.materializer);
        match self.idle {
            Some(Or::Number(idle)) => options.idle = Some(idle.millis()),
            Some(Or::Word(_)) => options.idle = None,
            None => {}
        }
        if let Some(timeout) = self.snapshot_timeout {
            options.snapshot_timeout = timeout.millis();
        }
        if let Some(timeout) = self.connect_timeout {
            options.connect_timeout = timeout.millis();
        }
        if let Some(retry) = &self.retry {
            retry.profile(options);
        }
    }
}

impl Retry {
    fn profile(&self, options: &mut SessionOptions) {
        let profile = &mut options.profile;
        if let Some(first) = self.first {
            profile.factor = first.millis();
        }
        if let Some(min) = self.min {
            profile.min = min.millis();
        }
        if let Some(max) = self.max {
            profile.max = max.millis();
        }
        if let Some(share) = self.jitter {
            let percent = (share.abs() * 100.0).round() as u32;
            profile.jitter = match percent {
                0 => Jitter::None,
                _ if share > 0.0 => Jitter::Subtract(percent),
                _ => Jitter::Add(percent),
            };
        }
        if let Some(Number(failures)) = self.free_failures {
            profile.min_failures = failures as u32;
        }
        match &self.healthy {
            Some(Or::Number(life)) => profile.forgive = Forgive::Healthy(life.millis()),
            Some(Or::Word(_)) => profile.forgive = Forgive::Update,
            None => {}
        }
        if let Some(Number(failures)) = self.attempts {
            options.give_up_after = Some(failures as u32);
        }
    }
}

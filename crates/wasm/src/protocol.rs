//! A protocol: its name or its description, and what it makes of events.

use highwater_core::{Event, JsonSpec, Mode, Protocol as Core};
use js_sys::Array;
use wasm_bindgen::prelude::*;

use crate::report;

/// One of the protocols that a stream may speak.
#[wasm_bindgen]
pub struct Protocol(pub(crate) Core);

#[wasm_bindgen]
impl Protocol {
    /// The protocol of this name with its defaults, or `undefined`.
    pub fn named(name: &str) -> Option<Self> {
        Some(Self(match name {
            // Framing out of place reaches the view, as in Consul's own client.
            "consul-recorded" => Core::consul_recorded(),
            _ => Core::named(name)?,
        }))
    }

    /// FDv2 with put objects of other kinds than these left out.
    #[wasm_bindgen(js_name = fdv2Of)]
    pub fn fdv2_of(kinds: &Array) -> Self {
        let kinds = strings(kinds);
        let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
        Self(Core::fdv2_of(&kinds))
    }

    /// Any stream of JSON: the lists of types `upsert`, `delete` and `snapshot`, then the paths
    /// `items`, `key`, `kind`, `version`, `value` and `deleted`, `undefined` for the default; then
    /// whether values are promised to be last.
    pub fn json(spec: &Array) -> Self {
        let default = JsonSpec::default();
        let types = |at: u32| spec.get(at).dyn_into::<Array>().ok().map(|list| strings(&list));
        let path = |at: u32| spec.get(at).as_string();
        Self(Core::json(JsonSpec {
            upsert: types(0).unwrap_or(default.upsert),
            delete: types(1).unwrap_or_default(),
            snapshot: types(2).unwrap_or_default(),
            items: path(3).unwrap_or_default(),
            key: path(4).unwrap_or(default.key),
            kind: path(5),
            version: path(6),
            value: path(7).unwrap_or_default(),
            deleted: path(8),
            value_last: spec.get(9).is_truthy(),
        }))
    }

    /// Where an FDv2 stream stands: `inactive`, `changes` or `full`; `undefined` for others.
    pub fn mode(&self) -> Option<String> {
        mode(&self.0).map(Into::into)
    }

    /// A new connection begins, which asks for what follows the cursor.
    pub fn connected(&mut self, cursor: Option<String>) {
        self.0.connected(cursor.as_deref());
    }

    /// Decodes one event to `[error, [message, …]]`, each message an array that begins with its
    /// type.
    pub fn decode(&mut self, kind: &str, data: &str, id: &str) -> Array {
        let messages = Array::new();
        let event = Event { kind, data: data.as_bytes(), id };
        let result = self.0.decode(&event, &mut |message| {
            messages.push(&report::message(&message));
            Ok(())
        });
        Array::of2(&report::outcome(&result), &messages)
    }
}

pub(crate) fn mode(protocol: &Core) -> Option<&'static str> {
    Some(match protocol.mode()? {
        Mode::Full => "full",
        Mode::Changes => "changes",
        Mode::Inactive => "inactive",
    })
}

fn strings(list: &Array) -> Vec<String> {
    list.iter().filter_map(|text| text.as_string()).collect()
}

//! The decoder of server-sent events by itself, one crossing a chunk.

use highwater_core::{SseDecoder as Core, SseItem};
use wasm_bindgen::prelude::*;

/// Turns the bytes of an event stream into events.
///
/// Each [`push`](Self::push) answers with a table that says how to cut [`text`](Self::text), in
/// which the texts of all its events lie end to end.
#[wasm_bindgen]
pub struct SseDecoder {
    core: Core,
    text: String,
}

#[wasm_bindgen]
impl SseDecoder {
    /// A decoder that drops events larger than so many bytes.
    #[wasm_bindgen(constructor)]
    pub fn new(limit: Option<u32>) -> Self {
        let core = limit.map_or_else(Core::new, |limit| Core::with_limit(limit as usize));
        Self { core, text: String::new() }
    }

    /// Reads the next bytes, and answers with the table of what is in them. Its rows have four
    /// numbers: `0, length of type, of data, of id` for an event (in UTF-16 units of the text);
    /// `1, milliseconds, 0, 0` for a reconnection time; `2, 0, 0, 0` for comments; `3, limit,
    /// offset, 0` for an event that was too large.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<f64> {
        self.text.clear();
        let mut table = Vec::new();
        let mut rest = bytes;
        while let Some(item) = self.core.next(&mut rest) {
            let row = match item {
                SseItem::Event(event) => {
                    let (kind, data) = (event.kind_text(), event.data_text());
                    for part in [&*kind, &*data, event.id] {
                        self.text.push_str(part);
                    }
                    [0.0, units(&kind), units(&data), units(event.id)]
                }
                SseItem::Retry(millis) => [1.0, millis as f64, 0.0, 0.0],
                SseItem::TooLarge { limit, offset } => [3.0, limit as f64, offset as f64, 0.0],
                _ => [2.0, 0.0, 0.0, 0.0],
            };
            table.extend(row);
        }
        table
    }

    /// Takes the texts of the last push.
    pub fn text(&mut self) -> String {
        core::mem::take(&mut self.text)
    }

    /// The connection ended: what is incomplete is dropped, the last event id is kept.
    pub fn end(&mut self) {
        self.core.finish();
    }

    /// The last event id of the stream.
    #[wasm_bindgen(getter, js_name = lastEventId)]
    pub fn last_event_id(&self) -> String {
        self.core.last_event_id().into()
    }

    /// Sets it, for a stream that goes on from elsewhere.
    #[wasm_bindgen(setter, js_name = lastEventId)]
    pub fn set_last_event_id(&mut self, id: &str) {
        self.core.set_last_event_id(id);
    }
}

/// How long the text is in JavaScript.
fn units(text: &str) -> f64 {
    if text.is_ascii() { text.len() as f64 } else { text.encode_utf16().count() as f64 }
}

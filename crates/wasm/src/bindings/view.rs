//! A view that is written in JavaScript.

use highwater_core::{Change, State, View};
use js_sys::{Array, Function};
use wasm_bindgen::JsValue;

use super::report;

/// Calls a function with each transaction, or does nothing.
///
/// The function is given `[action, kind, key, version, value, …]` (a value as JSON text) and the
/// cursor; or `undefined`, to reset. It answers with text if it refuses.
#[derive(Default)]
pub(crate) struct JsView {
    hook: Option<Function>,
    cursor: JsValue,
}

impl JsView {
    pub(crate) fn new(hook: Option<Function>) -> Self {
        Self { hook, cursor: JsValue::UNDEFINED }
    }
}

impl View for JsView {
    fn moves_to(&mut self, cursor: Option<&str>) {
        if self.hook.is_some() {
            self.cursor = cursor.map_or(JsValue::UNDEFINED, JsValue::from_str);
        }
    }

    fn update(&mut self, changes: &[Change], state: &State) -> Result<(), Box<str>> {
        let Some(hook) = &self.hook else {
            return Ok(());
        };
        let list = Array::new();
        for change in changes {
            let (kind, key) = state.name(change.slot).unwrap_or_default();
            list.push(&report::action(change.action).into());
            list.push(&kind.into());
            list.push(&key.into());
            list.push(&change.version.into());
            list.push(
                &state
                    .item(change.slot)
                    .map_or(JsValue::UNDEFINED, |item| report::text(item.value)),
            );
        }
        match hook.call2(&JsValue::UNDEFINED, &list, &self.cursor) {
            Ok(answer) => answer.as_string().map_or(Ok(()), |refusal| Err(refusal.into())),
            Err(_) => Err("it threw".into()),
        }
    }

    fn reset(&mut self) {
        if let Some(hook) = &self.hook {
            // The function does not throw: it is ours, and catches what the view throws.
            drop(hook.call1(&JsValue::UNDEFINED, &JsValue::UNDEFINED));
        }
    }
}

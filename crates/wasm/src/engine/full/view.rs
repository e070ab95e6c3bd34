//! A view that is written in JavaScript.
#![expect(unsafe_code, reason = "an import is declared so")]

use alloc::boxed::Box;
use alloc::string::String;

use highwater_core::{Change, State, View};

use crate::engine::input::Input;
use crate::engine::output::Output;

/// Tells JavaScript of each transaction, or does nothing.
#[derive(Default)]
pub(in crate::engine) struct Hook {
    wanted: bool,
    cursor: Option<String>,
}

#[link(wasm_import_module = "view")]
unsafe extern "C" {
    /// Tells a view of a transaction (the length of its text, in the output), or to reset
    /// itself (0). Answers with 1 if it refuses; why is then in the input.
    safe fn tell(length: u32) -> u32;
}

impl Hook {
    pub(in crate::engine) fn new(wanted: bool) -> Self {
        Self { wanted, cursor: None }
    }
}

impl View for Hook {
    fn moves_to(&mut self, cursor: Option<&str>) {
        if self.wanted {
            self.cursor = cursor.map(Into::into);
        }
    }

    /// `[cursor, action, kind, key, version, value, …]`; a value as JSON text.
    fn update(&mut self, changes: &[Change], state: &State) -> Result<(), Box<str>> {
        if !self.wanted {
            return Ok(());
        }
        let length = Output::write(&mut |out| {
            out.maybe_text(self.cursor.as_deref());
            for change in changes {
                let (kind, key) = state.name(change.slot).unwrap_or_default();
                out.text(change.action.as_str());
                out.text(kind);
                out.text(key);
                out.exact(change.version);
                match state.value(change.slot) {
                    Some((_, value)) => out.bytes(value),
                    None => out.none(),
                }
            }
        });
        if tell(length) == 0 {
            return Ok(());
        }
        let mut input = Input::take();
        let words = input.next();
        Err(input.text(words).into())
    }

    fn reset(&mut self) {
        if self.wanted {
            tell(0);
        }
    }
}

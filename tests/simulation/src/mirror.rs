//! A view that keeps what it was told, to be compared with the state itself.

use std::collections::BTreeMap;

use highwater_core::{Action, Change, State, View};

/// What is there: versions and values by kind and key.
pub(crate) type Picture = BTreeMap<(String, String), (i64, String)>;

/// Folds changes alone; it never looks at the whole state.
#[derive(Default)]
pub(crate) struct Mirror(Picture);

impl Mirror {
    pub(crate) const fn picture(&self) -> &Picture {
        &self.0
    }
}

impl View for Mirror {
    fn update(&mut self, changes: &[Change], state: &State) -> Result<(), Box<str>> {
        for change in changes {
            let (kind, key) = state.name(change.slot).ok_or("a change of a slot without name")?;
            let id = (kind.to_owned(), key.to_owned());
            let had = self.0.contains_key(&id);
            // An item is updated or deleted only after it was inserted.
            if had == (change.action == Action::Insert) {
                return Err(format!("{} of {id:?}, known: {had}", change.action).into());
            }
            match state.item(change.slot) {
                Some(item) if change.action != Action::Delete => {
                    self.0.insert(id, (item.version, text(item.value)));
                }
                _ => drop(self.0.remove(&id)),
            }
        }
        Ok(())
    }

    fn reset(&mut self) {
        self.0.clear();
    }
}

/// What a state holds.
pub(crate) fn picture(state: &State) -> Picture {
    let entry = |item: highwater_core::Item<'_>| {
        ((item.kind.to_owned(), item.key.to_owned()), (item.version, text(item.value)))
    };
    state.iter().map(|(_, item)| entry(item)).collect()
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

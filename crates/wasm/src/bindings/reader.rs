//! Reading a state: slots, places in memory, and what has changed.

use core::cell::RefCell;
use std::rc::Rc;

use highwater_core::{Action, Known, Materializer, Session, Slot};
use wasm_bindgen::prelude::*;

use super::view::JsView;

pub(crate) enum Source {
    Session(Rc<RefCell<Session<JsView>>>),
    Materializer(Rc<RefCell<Materializer<JsView>>>),
}

/// Reads the state of a session or a materializer.
///
/// Items are addressed by slots: an item keeps its slot for as long as it is there. A slot's
/// epoch moves exactly when its value does, also when the slot is another item's by then.
/// Pointers hold until the next call that takes something in. While a view is being told of a
/// transaction there is nothing to read here: it has what it was told.
#[wasm_bindgen]
pub struct Reader(pub(crate) Source);

#[wasm_bindgen]
impl Reader {
    /// The slot of an item that is there.
    pub fn find(&self, kind: &str, key: &str) -> Option<u32> {
        self.read(|m| {
            let slot = m.state().find(kind, key)?;
            m.state().item(slot).map(|_| slot.index() as u32)
        })
    }

    /// Where the JSON of an item begins in memory; 0 if the item is not there.
    #[wasm_bindgen(js_name = valuePtr)]
    pub fn value_ptr(&self, slot: u32) -> u32 {
        self.read(|m| {
            let item = m.state().item(Slot::from_index(slot));
            item.map_or(0, |item| item.value.as_ptr() as u32)
        })
    }

    /// How many bytes it has.
    #[wasm_bindgen(js_name = valueLen)]
    pub fn value_len(&self, slot: u32) -> u32 {
        self.read(|m| {
            let item = m.state().item(Slot::from_index(slot));
            item.map_or(0, |item| item.value.len() as u32)
        })
    }

    /// The item's version.
    pub fn version(&self, slot: u32) -> Option<i64> {
        self.read(|m| m.state().item(Slot::from_index(slot)).map(|item| item.version))
    }

    /// The kind of the item that the slot belongs to, or did before the last input deleted it.
    pub fn kind(&self, slot: u32) -> String {
        self.read(|m| m.state().name(Slot::from_index(slot)).unwrap_or_default().0.into())
    }

    /// Its key.
    pub fn key(&self, slot: u32) -> String {
        self.read(|m| m.state().name(Slot::from_index(slot)).unwrap_or_default().1.into())
    }

    /// Where the epochs of all slots begin in memory: 32 bits each.
    #[wasm_bindgen(js_name = epochsPtr)]
    pub fn epochs_ptr(&self) -> u32 {
        self.read(|m| m.state().epochs().as_ptr() as u32)
    }

    /// How many slots there are.
    #[wasm_bindgen(js_name = epochsLen)]
    pub fn epochs_len(&self) -> u32 {
        self.read(|m| m.state().epochs().len() as u32)
    }

    /// The slots of all items, or of those of one kind.
    pub fn slots(&self, kind: Option<String>) -> Vec<u32> {
        let kind = kind.as_deref();
        self.read(|m| {
            let items = m.state().iter();
            let wanted = items.filter(|(_, item)| kind.is_none_or(|kind| kind == item.kind));
            wanted.map(|(slot, _)| slot.index() as u32).collect()
        })
    }

    /// How many items there are.
    pub fn len(&self) -> u32 {
        self.read(|m| m.state().len() as u32)
    }

    /// Whether there is none.
    #[wasm_bindgen(js_name = isEmpty)]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Deletions that are remembered: kind, key and version of each, flat.
    pub fn tombstones(&self) -> js_sys::Array {
        self.read(|m| {
            let flat = js_sys::Array::new();
            for (kind, key, known) in m.state().iter_known() {
                if let Known::Tombstone(version) = known {
                    flat.push(&kind.into());
                    flat.push(&key.into());
                    flat.push(&version.into());
                }
            }
            flat
        })
    }

    /// Moves with every transaction that changed anything.
    pub fn revision(&self) -> f64 {
        self.read(|m| m.state().revision() as f64)
    }

    /// Where the stream was last whole.
    pub fn cursor(&self) -> Option<String> {
        self.read(|m| m.cursor().map(Into::into))
    }

    /// Where an FDv2 stream stands: `inactive`, `changes` or `full`; `undefined` for others.
    pub fn mode(&self) -> Option<String> {
        self.read(|m| super::protocol::mode(m.protocol()).map(Into::into))
    }

    /// What the last input changed. For each transaction a header, `count * 2`, plus one if it
    /// was a snapshot, and then that many changes, `slot * 4 + action`: 0 for an insertion, 1 for
    /// an update, 2 for a deletion.
    pub fn changes(&self) -> Vec<u32> {
        self.read(|m| {
            let changes = m.changes();
            let mut packed = Vec::with_capacity(changes.len() + m.commits().len());
            let mut begin = 0;
            for commit in m.commits() {
                let own = changes.get(begin..commit.end).unwrap_or_default();
                begin = commit.end;
                packed.push(((own.len() as u32) << 1) | u32::from(commit.snapshot));
                packed.extend(own.iter().map(|change| {
                    let action = match change.action {
                        Action::Insert => 0,
                        Action::Update => 1,
                        Action::Delete | Action::Noop => 2,
                    };
                    ((change.slot.index() as u32) << 2) | action
                }));
            }
            packed
        })
    }

    fn read<R: Default>(&self, read: impl FnOnce(&Materializer<JsView>) -> R) -> R {
        match &self.0 {
            Source::Session(session) => {
                session.try_borrow().map_or_else(|_| R::default(), |s| read(s.materializer()))
            }
            Source::Materializer(materializer) => {
                materializer.try_borrow().map_or_else(|_| R::default(), |m| read(&m))
            }
        }
    }
}

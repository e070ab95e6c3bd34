//! What stands for the protocols of others where they are left out: there is none.

use crate::bytes::Text;
use crate::item::Gate;
use crate::message::Version;

#[derive(Debug)]
pub(super) enum Other {}

impl Other {
    pub(super) const fn named(_: &str) -> Option<Self> {
        None
    }

    pub(super) const fn name(&self) -> &'static str {
        match *self {}
    }

    pub(super) const fn gate(&self) -> Gate {
        match *self {}
    }

    pub(super) const fn is_terminal(&self, _: u16) -> bool {
        match *self {}
    }

    pub(super) const fn has_snapshots(&self) -> bool {
        match *self {}
    }

    pub(super) const fn resets_on_fault(&self) -> bool {
        match *self {}
    }

    pub(super) const fn connected(&mut self, _: Option<&Text>) {
        match *self {}
    }

    pub(super) const fn restored(&mut self, _: Version) {
        match *self {}
    }
}

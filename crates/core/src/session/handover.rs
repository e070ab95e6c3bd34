//! A session that goes on in another process of the same build: in the module with everything,
//! where the lean one cannot read on, or is asked for what it does not have.
//!
//! What it takes along: the reasons to pause, whether there is a network, the places of all items
//! (slots, epochs, revision: what was noted of them holds on the other side), and a checkpoint.
//! What was under way of a transfer is not among it: the stream resumes behind the last one.

use alloc::vec::Vec;

use super::Session;
use crate::bytes::{number, text};
#[cfg(feature = "full")]
use crate::{bytes::Bytes, error::Error, state::Places, time::Instant};
use crate::view::View;

impl<V: View> Session<V> {
    /// Writes what the other session is to know. This one is of no use from now on.
    ///
    /// If `keeps_connection`, the first connection that the other asks for is the one at hand.
    pub fn leave(&self, keeps_connection: bool) -> Vec<u8> {
        let mut out = Vec::new();
        number(&mut out, u64::from(self.connections) - u64::from(keeps_connection));
        number(&mut out, u64::from(self.offline));
        number(&mut out, self.pauses.len() as u64);
        for reason in &self.pauses {
            text(&mut out, reason.as_bytes());
        }
        self.state().write_places(&mut out);
        out.append(&mut self.materializer.checkpoint());
        out
    }

    /// Takes over what another session left. This one must be new; it starts as any other.
    #[cfg(feature = "full")]
    pub fn arrive(&mut self, now: Instant, left: &[u8]) -> Result<(), Error> {
        let mut bytes = Bytes { all: left, at: 0, what: "" };
        let Some(places) = self.arrived(&mut bytes) else {
            return Err(bytes.error());
        };
        self.materializer.begin();
        let checkpoint = left.get(bytes.at..).unwrap_or_default();
        self.materializer.take_over(now, checkpoint, places)?;
        if self.materializer.cursor().is_some() {
            self.took_up(now);
        }
        Ok(())
    }

    #[cfg(feature = "full")]
    fn arrived(&mut self, bytes: &mut Bytes<'_>) -> Option<Places> {
        self.connections = bytes.number()? as u32;
        self.offline = bytes.number()? != 0;
        for _ in 0..bytes.number()? {
            self.pauses.push(bytes.text()?.into());
        }
        Places::read(bytes)
    }
}

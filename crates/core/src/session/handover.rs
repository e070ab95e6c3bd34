//! A session that goes on in another process of the same build: in the module with everything,
//! where the lean one cannot read on, or is asked for what it does not have.
//!
//! What it takes along: how many connections there were, the event that could not be read, the
//! places of all items (slots, epochs, revision, kinds: what was noted of them holds on the other
//! side), and a checkpoint. Reasons to pause, and whether there is a network, are told to it before.
//! What was under way of a transfer is not among it: the stream resumes behind the last one.
//!
//! All this is read and written by the edge of the lean module, `handover.ts`.

#[cfg(feature = "full")]
use crate::{bytes::Bytes, message::Event, protocol::Protocol, state::Places, time::Instant};

use super::Session;
#[cfg(not(feature = "full"))]
use crate::bytes::Text;
use crate::error::Error;
use crate::view::View;

#[cfg(not(feature = "full"))]
impl<V: View> Session<V> {
    /// How many connections there were.
    pub const fn connections(&self) -> u32 {
        self.connections
    }

    /// The event that could not be read: its type and its data.
    pub fn unread(&self) -> Option<(&Text, &[u8])> {
        match &self.unread {
            Some(Error::Foreign { event, data }) => Some((event, data)),
            _ => None,
        }
    }
}

#[cfg(feature = "full")]
impl<V: View> Session<V> {
    /// Takes over what another session left. This one must be new. If it `connects`, it starts at
    /// once; or, if there was something wrong with what could not be read, after a wait.
    pub fn arrive(&mut self, now: Instant, left: &[u8], connects: bool) -> Result<(), Error> {
        let mut bytes = Bytes { all: left, at: 0, what: "" };
        let Some((fault, places)) = self.arrived(&mut bytes) else {
            return Err(bytes.error());
        };
        self.materializer.begin();
        let checkpoint = left.get(bytes.at..).unwrap_or_default();
        self.materializer.take_over(now, checkpoint, places)?;
        // Nobody is to hear of it.
        self.materializer.begin();
        if self.materializer.cursor().is_some() {
            self.took_up(now);
        }
        if let Some(fault) = fault {
            self.fail(now, fault, 0);
        } else if connects {
            self.resume(now);
        }
        self.arm(now);
        Ok(())
    }

    fn arrived<'a>(&mut self, bytes: &mut Bytes<'a>) -> Option<(Option<Error>, Places<'a>)> {
        self.connections = bytes.number()? as u32;
        let (kind, data) = (bytes.text()?, bytes.string()?);
        let event = Event { kind, data, id: "" };
        let fault = if kind.is_empty() { None } else { Protocol::fault_of(&event) };
        Some((fault, Places::read(bytes)?))
    }
}

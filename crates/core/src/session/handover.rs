//! A session that goes on in another process of the same build: in the module with everything,
//! where the lean one cannot read on, or is asked for what it does not have.
//!
//! What it takes along: the reasons to pause, whether there is a network, the event that could not
//! be read, the places of all items (slots, epochs, revision, kinds: what was noted of them holds on the
//! other side), and a checkpoint. What was under way of a transfer is not among it: the stream
//! resumes behind the last one.

use alloc::vec::Vec;

use super::Session;
use crate::bytes::{number, text};
#[cfg(not(feature = "full"))]
use crate::error::Error;
use crate::view::View;
#[cfg(feature = "full")]
use crate::{
    bytes::Bytes, error::Error, message::Event, protocol::Protocol, state::Places, time::Instant,
};

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
        let (event, data) = self.unread().filter(|_| !keeps_connection).unwrap_or_default();
        text(&mut out, event.as_bytes());
        text(&mut out, data);
        self.state().write_places(&mut out);
        out.append(&mut self.materializer.checkpoint());
        out
    }

    /// The event that could not be read.
    #[cfg_attr(feature = "full", expect(clippy::unused_self, reason = "every event can be read"))]
    const fn unread(&self) -> Option<(&str, &[u8])> {
        #[cfg(not(feature = "full"))]
        if let Some(Error::Foreign { event, data }) = &self.unread {
            return Some((event, data));
        }
        None
    }

    /// Takes over what another session left. This one must be new. If it `connects`, it starts at
    /// once; or, if there was something wrong with what could not be read, after a wait.
    #[cfg(feature = "full")]
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

    #[cfg(feature = "full")]
    fn arrived<'a>(&mut self, bytes: &mut Bytes<'a>) -> Option<(Option<Error>, Places<'a>)> {
        self.connections = bytes.number()? as u32;
        self.offline = bytes.number()? != 0;
        for _ in 0..bytes.number()? {
            self.pauses.push(bytes.text()?.into());
        }
        let (kind, data) = (bytes.text()?, bytes.string()?);
        let event = Event { kind, data, id: "" };
        let fault = if kind.is_empty() { None } else { Protocol::fault_of(&event) };
        Some((fault, Places::read(bytes)?))
    }
}

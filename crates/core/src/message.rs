//! The words that every protocol is translated into.

/// A version of an item. Only "strictly greater" has a meaning; zero and below are legal.
pub type Version = i64;

/// An event as a transport hands it over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Event<'a> {
    /// The event's type; `message` when the stream gave none.
    pub kind: &'a str,
    /// Its data: UTF-8, as yet unchecked.
    pub data: &'a [u8],
    /// The last event id at the time of the event; empty when the stream set none.
    pub id: &'a str,
}

/// What a transfer does with the state that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// All that there is follows: it takes the place of everything.
    Snapshot,
    /// Changes follow.
    Changes,
}

/// What an event of a protocol means.
///
/// A transfer is collected from [`Message::Begin`] on and takes effect, whole, at
/// [`Message::Commit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message<'a> {
    /// A transfer begins. What was collected and not committed is dropped.
    Begin(Transfer),
    /// The item is there, with this version and this value (JSON, as it stood on the wire).
    Upsert {
        /// The item's kind.
        kind: &'a str,
        /// The item's key.
        key: &'a str,
        /// The item's version.
        version: Version,
        /// The item's value.
        value: &'a [u8],
    },
    /// The item is gone, as of this version.
    Delete {
        /// The item's kind.
        kind: &'a str,
        /// The item's key.
        key: &'a str,
        /// The version of the deletion.
        version: Version,
    },
    /// The snapshot lists the item but its entry is refused: what is known of it stays.
    Keep {
        /// The item's kind.
        kind: &'a str,
        /// The item's key.
        key: &'a str,
    },
    /// The snapshot's list of one kind is complete: items of it that were not listed are gone.
    /// (At the commit of a snapshot the same holds for all kinds.)
    Listed {
        /// The kind.
        kind: &'a str,
    },
    /// The transfer is whole.
    Commit {
        /// Where the stream now stands; `None` where the protocol has no position.
        cursor: Option<&'a str>,
        /// The version of the whole state, where the server gives it one.
        version: Option<Version>,
        /// The position that the transfer builds on, where the server says.
        basis: Option<&'a str>,
        /// The server promises that its cursors grow: one that does not was seen before.
        ordered: bool,
    },
    /// There was nothing to transfer: the state is that of the server.
    UpToDate,
    /// The server's word on the resume: whether it goes on from the cursor that was asked for.
    Resumed(bool),
    /// The server's word on how often it sends something when nothing happens, in milliseconds.
    HeartbeatEvery(u64),
    /// The position that the transfer leads to, for showing progress.
    Target(u64),
    /// The server gave up the transfer: drop what was collected. It goes on with another.
    Failed {
        /// The transfer's id, where the server names one.
        payload: &'a str,
        /// The server's words.
        reason: &'a str,
    },
    /// The state is out of date; the new one is to be fetched from the poll address.
    Invalidate,
    /// The server asks for a new connection.
    Reconnect,
    /// The server will close the connection.
    Goodbye {
        /// The server's words.
        reason: &'a str,
    },
    /// A sign of life.
    Heartbeat,
    /// The event has no effect.
    Ignored(&'static str),
}

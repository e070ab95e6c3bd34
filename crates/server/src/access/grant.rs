//! What somebody may do.

use super::glob::Glob;

/// The topics that somebody may read and write, the event streams that they may consume and manage,
/// and whether they may look at the metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// Topics whose items, streams and exports may be read.
    pub read: Vec<Glob>,
    /// Topics that may be written to. To write is not to read.
    pub write: Vec<Glob>,
    /// Event streams, by name, whose batches may be taken over `/ws`, and answered for.
    pub consume: Vec<Glob>,
    /// Event streams, by name, that may be made, changed and deleted; of topics that may be read, and
    /// with dead letters for those that may be written to.
    pub manage: Vec<Glob>,
    /// Whether `/metrics` may be read.
    pub metrics: bool,
}

/// What a request is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act<'a> {
    /// Read this topic.
    Read(&'a str),
    /// Write to this topic.
    Write(&'a str),
    /// Read the metrics.
    Metrics,
    /// Take the batches of this event stream; or of any at all.
    Consume(Option<&'a str>),
    /// Manage this event stream; or any at all.
    Manage(Option<&'a str>),
    /// What only the administrator may.
    Administer,
}

impl Grant {
    pub(crate) fn allows(&self, act: Act<'_>) -> bool {
        let any = |globs: &[Glob], topic| globs.iter().any(|glob| glob.matches(topic));
        match act {
            Act::Read(topic) => any(&self.read, topic),
            Act::Write(topic) => any(&self.write, topic),
            Act::Metrics => self.metrics,
            Act::Consume(Some(stream)) => any(&self.consume, stream),
            Act::Consume(None) => !self.consume.is_empty(),
            Act::Manage(Some(stream)) => any(&self.manage, stream),
            Act::Manage(None) => !self.manage.is_empty(),
            Act::Administer => false,
        }
    }
}

impl core::fmt::Display for Act<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Read(topic) => write!(f, "read topic {topic:?}"),
            Self::Write(topic) => write!(f, "write to topic {topic:?}"),
            Self::Metrics => f.write_str("read the metrics"),
            Self::Consume(Some(stream)) => write!(f, "consume event stream {stream:?}"),
            Self::Consume(None) => f.write_str("consume event streams"),
            Self::Manage(Some(stream)) => write!(f, "manage event stream {stream:?}"),
            Self::Manage(None) => f.write_str("manage event streams"),
            Self::Administer => f.write_str("administer this server"),
        }
    }
}

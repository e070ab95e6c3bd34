//! What somebody may do.

use super::glob::Glob;

/// The topics that somebody may read and write, and whether they may look at the metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// Topics whose items, streams and exports may be read.
    pub read: Vec<Glob>,
    /// Topics that may be written to. To write is not to read.
    pub write: Vec<Glob>,
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
    /// Manage event streams, which read any topic and call any URL: the administrator's, where there is one.
    ManageStreams,
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
            Act::ManageStreams | Act::Administer => false,
        }
    }
}

impl core::fmt::Display for Act<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Read(topic) => write!(f, "read topic {topic:?}"),
            Self::Write(topic) => write!(f, "write to topic {topic:?}"),
            Self::Metrics => f.write_str("read the metrics"),
            Self::ManageStreams => f.write_str("manage event streams"),
            Self::Administer => f.write_str("administer this server"),
        }
    }
}

//! What can be filtered and sorted by.

use core::fmt;

/// A field of an event stream that a query may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// The stream's id.
    Id,
    /// When it was made.
    Created,
    /// When it was last changed.
    Updated,
    /// Its name.
    Name,
    /// Its stored status.
    Status,
    /// Its type.
    Type,
    /// Its topic filter.
    TopicFilter,
    /// Where it starts without a checkpoint.
    InitialSequenceId,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Text,
    Uuid,
    Time,
}

impl Field {
    pub(super) const ALL: [Self; 8] = [
        Self::Id,
        Self::Created,
        Self::Updated,
        Self::Name,
        Self::Status,
        Self::Type,
        Self::TopicFilter,
        Self::InitialSequenceId,
    ];

    /// The field of a name in whatever case.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name().eq_ignore_ascii_case(name))
    }

    /// The field of a name as it is written when sorting.
    pub(super) fn exact(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }

    /// As queries write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Name => "name",
            Self::Status => "status",
            Self::Type => "type",
            Self::TopicFilter => "topicfilter",
            Self::InitialSequenceId => "initialsequenceid",
        }
    }

    /// As the tables have it.
    pub fn column(self) -> &'static str {
        match self {
            Self::TopicFilter => "topic_filter",
            Self::InitialSequenceId => "initial_sequence_id",
            other => other.name(),
        }
    }

    pub(super) fn holds(self) -> Holds {
        match self {
            Self::Id => Holds::Uuid,
            Self::Created | Self::Updated => Holds::Time,
            _ => Holds::Text,
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

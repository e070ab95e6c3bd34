//! The kinds of streams that SDKs open.

use crate::credentials::Credential;

/// What is served under one path, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StreamProvider {
    /// `/all`: flags and segments, for servers.
    All,
    /// `/flags`: flags only, for the servers of long ago.
    Flags,
    /// `/mping` and `/meval`: a ping whenever anything changes, for mobile applications.
    MobilePing,
    /// `/ping` and `/eval`: the same for browsers.
    JsPing,
}

impl StreamProvider {
    /// All that there are.
    pub const ALL: [Self; 4] = [Self::All, Self::Flags, Self::MobilePing, Self::JsPing];

    /// Whether its streams say only that something has changed.
    pub fn pings(self) -> bool {
        matches!(self, Self::MobilePing | Self::JsPing)
    }

    /// Whether its streams are opened with credentials of this kind.
    pub fn accepts(self, credential: &Credential) -> bool {
        matches!(
            (self, credential),
            (Self::All | Self::Flags, Credential::Sdk(_))
                | (Self::MobilePing, Credential::Mobile(_))
                | (Self::JsPing, Credential::Environment(_))
        )
    }
}

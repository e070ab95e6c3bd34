//! Who may do what: tokens, and what those without one may.

mod admin;
mod arguments;
mod caller;
mod file;
mod glob;
mod grant;
mod guard;
mod secret;
mod tokens;

pub use glob::{BadGlob, Glob};
pub use grant::Grant;
pub use secret::{BadSecret, Digest, Secret};
pub use tokens::{Access, Minted, NoAccess, Rules, Token};

pub(crate) use admin::routes;
pub(crate) use arguments::AccessArguments;
pub(crate) use caller::Caller;
pub(crate) use grant::Act;
pub(crate) use guard::guard;

//! The part of a materializer behind its protocol, as the lean module has it: a first snapshot, and
//! brief transactions after it. Anything else is for the module with everything.

#[cfg(not(feature = "full"))]
pub(crate) mod decode;
pub(crate) mod fold;
pub(crate) mod state;

#[cfg(test)]
mod tests;

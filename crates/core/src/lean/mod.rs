//! What events mean, and the part of a materializer behind that, as the lean module has it: a first snapshot,
//! and brief transactions after it. Anything else is for the module with everything.

pub(crate) mod decode;
pub(crate) mod fold;
pub(crate) mod state;

#[cfg(test)]
mod tests;

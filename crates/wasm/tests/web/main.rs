//! The bindings and the edge, in Node and in a browser: the same tests in both.
#![cfg(target_arch = "wasm32")]
#![expect(
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "JavaScript's numbers, that are small and whole"
)]

mod events;
mod parts;
mod poll;
mod stream;
#[cfg(feature = "typed")]
mod typed;
mod world;

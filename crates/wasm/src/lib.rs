//! The Highwater client for JavaScript: [`highwater_core`] behind a boundary.
//!
//! There are two boundaries, one for each way in which the crate is built.
//!
//! - With the feature `bindings` (a default, and so in a plain `wasm-pack build`): classes by
//!   wasm-bindgen, and the platform's own transports driven from Rust. For web applications in
//!   Rust, and for whoever wants the glue of wasm-pack.
//!   With `typed` (also by default) values cross as types: `Store<T>` for the former, options by
//!   name and `inspect()` for the latter.
//! - Without it: `engine`, plain functions over one buffer. This is the module of the npm package
//!   `highwater`, whose TypeScript (in `js/`) makes the API and drives the transports. It has no
//!   standard library, no formatting and no glue, and is a fifth of the size.
#![cfg_attr(not(feature = "bindings"), no_std)]
#![deny(unsafe_code)]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::needless_pass_by_value,
    reason = "JavaScript's numbers are f64, and its strings come owned: the boundary is made of such casts"
)]

#[cfg(not(feature = "bindings"))]
extern crate alloc;

#[cfg(feature = "bindings")]
mod bindings;
#[cfg(not(feature = "bindings"))]
mod engine;
#[cfg(feature = "full")]
mod settings;

#[cfg(feature = "bindings")]
pub use bindings::*;

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

//! `highwater tail`, the program itself.
#![allow(clippy::unwrap_used)] // a test stops at the first surprise

mod common;
mod lines;
mod misuse;
mod once;
#[cfg(target_os = "linux")]
mod pty;
#[cfg(target_os = "linux")]
mod screen;

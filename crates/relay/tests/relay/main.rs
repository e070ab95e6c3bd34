//! A relay's parts, each by what it does.
#![allow(clippy::unwrap_used)] // a test stops at the first surprise

mod autoconfig;
mod common;
mod environment;
mod following;
mod projects;
mod rotator;
mod serving;

//! Where an environment's flags come from.

mod file;
mod server;
mod topic;

use super::environment::Environment;
use crate::app::App;
use std::sync::Arc;

/// Where to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Flag data in files.
    Files(Files),
    /// Another server's streams.
    Server(server::Upstream),
    /// A topic of our own.
    Topic(Arc<str>),
}

pub(crate) use file::Files;
pub(crate) use server::{Upstream, Words};

/// Keeps an environment up, until the end.
pub(crate) async fn follow(environment: Arc<Environment>, plan: Plan, app: App) {
    match plan {
        Plan::Files(files) => file::follow(&environment, &files).await,
        Plan::Server(upstream) => server::follow(&environment, &upstream).await,
        Plan::Topic(topic) => topic::follow(&environment, &app, &topic).await,
    }
}

//! The `backup` and `restore` sub-commands, of a folder that `serve --data` keeps topics in.

use crate::serve::Failure;
use clap::Args;
use highwater_engines::Sqlite;
use std::path::{Path, PathBuf};

/// `highwater backup`.
#[derive(Args, Clone, Debug)]
pub struct BackupArguments {
    /// The folder with the topics
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The file to make
    file: PathBuf,
}

/// `highwater restore`.
#[derive(Args, Clone, Debug)]
pub struct RestoreArguments {
    /// The folder to put the topics in, in the place of those that are there
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// A file that `backup` made
    file: PathBuf,
}

impl BackupArguments {
    /// Comes back when the file is on the disk.
    pub fn run(self) -> Result<(), Failure> {
        of(&self.data, Sqlite::backup(&self.data, &self.file))
    }
}

impl RestoreArguments {
    /// Comes back when the topics are on the disk.
    pub fn run(self) -> Result<(), Failure> {
        of(&self.data, Sqlite::restore(&self.data, &self.file))
    }
}

fn of(
    folder: &Path,
    done: Result<(), highwater_publisher::engine::Failure>,
) -> Result<(), Failure> {
    done.map_err(|failure| format!("{}: {failure}", folder.display()).into())
}

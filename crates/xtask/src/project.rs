//! Where things lie: the repository, cargo's target folder, the cache outside of both.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::{Result, sh};

/// The folders that every command works in.
pub(crate) struct Project {
    pub(crate) root: PathBuf,
    /// Cargo's target folder, wherever the user's settings put it.
    pub(crate) target: PathBuf,
    /// What set-up made, kept for every clone of the project.
    pub(crate) cache: PathBuf,
}

impl Project {
    /// Finds them, and makes the repository's root the working directory.
    pub(crate) fn find() -> Result<Self> {
        // Asked at run time first: a shared target folder may hold an xtask that was built elsewhere.
        let manifest =
            env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = fs::canonicalize(Path::new(&manifest).join("../.."))?;
        let cache = match env::var_os("XDG_CACHE_HOME") {
            Some(folder) if !folder.is_empty() => PathBuf::from(folder),
            _ => env::home_dir()
                .ok_or("no home directory, so no place for the cache")?
                .join(".cache"),
        };
        // Before the working directory changes: CARGO_TARGET_DIR may be relative to it.
        let metadata = metadata(&root, &["--no-deps"])?;
        let target =
            metadata["target_directory"].as_str().ok_or("cargo metadata names no target folder")?;
        env::set_current_dir(&root)?;
        Ok(Self { root, target: target.into(), cache: cache.join("highwater") })
    }

    /// The server program that `build` made.
    pub(crate) fn server(&self, profile: &str) -> PathBuf {
        self.target.join(profile).join("highwater").with_extension(env::consts::EXE_EXTENSION)
    }

    /// The version of a crate in Cargo.lock.
    pub(crate) fn locked_version(&self, name: &str) -> Result<String> {
        let lock: toml::Table = toml::from_str(&fs::read_to_string(self.root.join("Cargo.lock"))?)?;
        let packages = lock
            .get("package")
            .and_then(toml::Value::as_array)
            .ok_or("Cargo.lock lists no packages")?;
        packages
            .iter()
            .find(|package| package.get("name").and_then(toml::Value::as_str) == Some(name))
            .and_then(|package| package.get("version")?.as_str())
            .map(str::to_owned)
            .ok_or_else(|| format!("no {name} in Cargo.lock").into())
    }
}

/// `cargo` of the toolchain that xtask itself runs under.
pub(crate) fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// What `cargo metadata` says of the workspace at `root`.
pub(crate) fn metadata(root: &Path, options: &[&str]) -> Result<Value> {
    let mut command = cargo();
    command
        .args(["metadata", "--format-version=1", "--manifest-path"])
        .arg(root.join("Cargo.toml"))
        .args(options);
    Ok(serde_json::from_str(&sh::read(&mut command)?)?)
}

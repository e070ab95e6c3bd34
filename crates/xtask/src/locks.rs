//! Lock files must serve everyone: no address of the mirror or registry proxy that wrote them.

use std::fs;

use serde_json::Value;

use crate::Result;
use crate::project::Project;

/// The one source that Cargo.lock may name: crates.io by its identity, wherever it is fetched from.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The package's own, and those of the peers it is measured beside, of what makes its reference, the
/// SDKs that our server is tried with, and the tools it is tried in.
const NPM: [&str; 5] = [
    "package-lock.json",
    "crates/bench/client/package-lock.json",
    "docs/api/package-lock.json",
    "tests/interop/package-lock.json",
    "tests/package/tools/package-lock.json",
];

/// Fails with the entries that do.
pub(crate) fn check(project: &Project) -> Result {
    let mut wrong = cargo_sources(&fs::read_to_string(project.root.join("Cargo.lock"))?)?;
    for lock in NPM {
        let addresses = npm_addresses(&fs::read_to_string(project.root.join(lock))?)?;
        wrong.extend(addresses.into_iter().map(|address| format!("{lock}: {address}")));
    }
    if wrong.is_empty() {
        println!("Cargo.lock, {} hold no download addresses", NPM.join(", "));
        return Ok(());
    }
    Err(format!("lock files hold addresses:\n  {}", wrong.join("\n  ")).into())
}

fn cargo_sources(lock: &str) -> Result<Vec<String>> {
    let lock: toml::Table = toml::from_str(lock)?;
    let packages = lock
        .get("package")
        .and_then(toml::Value::as_array)
        .ok_or("Cargo.lock lists no packages")?;
    Ok(packages
        .iter()
        .filter_map(|package| package.get("source")?.as_str())
        .filter(|source| *source != CRATES_IO)
        .map(|source| format!("Cargo.lock: {source}"))
        .collect())
}

fn npm_addresses(lock: &str) -> Result<Vec<String>> {
    let lock: Value = serde_json::from_str(lock)?;
    let packages = lock["packages"].as_object().ok_or("package-lock.json lists no packages")?;
    Ok(packages
        .iter()
        .filter_map(|(name, package)| Some((name, package.get("resolved")?.as_str()?)))
        .map(|(name, address)| format!("{name}: {address}"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::{cargo_sources, npm_addresses};

    #[test]
    fn an_address_is_found_and_an_identity_is_none() {
        let good = "[[package]]\nname='a'\nsource='registry+https://github.com/rust-lang/crates.io-index'\n[[package]]\nname='ours'";
        assert!(cargo_sources(good).unwrap().is_empty());
        let mirror = "[[package]]\nname='a'\nsource='registry+https://mirror.example/index'";
        assert_eq!(cargo_sources(mirror).unwrap().len(), 1);
        assert!(
            npm_addresses(r#"{"packages":{"":{},"node_modules/a":{"integrity":"x"}}}"#)
                .unwrap()
                .is_empty()
        );
        let mirror =
            r#"{"packages":{"node_modules/a":{"resolved":"https://mirror.example/a.tgz"}}}"#;
        assert_eq!(npm_addresses(mirror).unwrap().len(), 1);
    }
}

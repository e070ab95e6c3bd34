//! Licences: every crate and npm package under one that deny.toml allows.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use spdx::{Expression, LicenseReq, Licensee, ParseMode};

use crate::Result;
use crate::project::{self, Project};

/// Fails with every package whose licence is missing, unreadable or not allowed.
pub(crate) fn check(project: &Project) -> Result {
    let allowed = allowed(&fs::read_to_string(project.root.join("deny.toml"))?)?;
    let mut packages = crates(&project::metadata(&project.root, &["--all-features"])?)?;
    packages.append(&mut npm(&fs::read_to_string(project.root.join("package-lock.json"))?)?);

    let mut wrong = Vec::new();
    for (name, licence) in &packages {
        if let Err(why) = judge(licence.as_deref(), &allowed) {
            wrong.push(format!("{name}: {why}"));
        }
    }
    if wrong.is_empty() {
        println!("{} packages, every licence allowed", packages.len());
        return Ok(());
    }
    Err(format!("not allowed by deny.toml:\n  {}", wrong.join("\n  ")).into())
}

type Licences = BTreeMap<String, Option<String>>;

fn allowed(deny: &str) -> Result<Vec<Licensee>> {
    let deny: toml::Table = toml::from_str(deny)?;
    let list = deny.get("licenses").and_then(|table| table.get("allow")?.as_array());
    let list = list.ok_or("deny.toml has no licenses.allow")?;
    list.iter()
        .map(|entry| {
            let text =
                entry.as_str().ok_or("deny.toml: licenses.allow holds something else than text")?;
            Licensee::parse(text).map_err(|error| format!("deny.toml: {text}: {error}").into())
        })
        .collect()
}

/// Those of others: our own have no source.
fn crates(metadata: &Value) -> Result<Licences> {
    let packages = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    Ok(packages
        .iter()
        .filter(|package| !package["source"].is_null())
        .map(|package| {
            let name = format!("{} {}", text(&package["name"]), text(&package["version"]));
            (name, package["license"].as_str().map(str::to_owned))
        })
        .collect())
}

/// All of them, development's too: what bundles leave in the page comes from there.
fn npm(lock: &str) -> Result<Licences> {
    let lock: Value = serde_json::from_str(lock)?;
    let packages = lock["packages"].as_object().ok_or("package-lock.json lists no packages")?;
    Ok(packages
        .iter()
        .filter(|(path, _)| !path.is_empty())
        .map(|(path, package)| {
            let name = format!(
                "{} {}",
                path.trim_start_matches("node_modules/"),
                text(&package["version"])
            );
            (name, package["license"].as_str().map(str::to_owned))
        })
        .collect())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

fn judge(licence: Option<&str>, allowed: &[Licensee]) -> core::result::Result<(), String> {
    let licence = licence.ok_or("names no licence")?;
    // Lax: older crates write `MIT/Apache-2.0`.
    let expression = Expression::parse_mode(licence, ParseMode::LAX)
        .map_err(|error| format!("{licence}: {}", error.reason))?;
    let is_allowed =
        |required: &LicenseReq| allowed.iter().any(|licensee| licensee.satisfies(required));
    if expression.evaluate(is_allowed) { Ok(()) } else { Err(licence.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::{allowed, judge};

    #[test]
    fn an_expression_is_judged_as_a_whole() {
        let list =
            allowed("[licenses]\nallow = ['MIT', 'Unicode-3.0', 'Apache-2.0 WITH LLVM-exception']")
                .unwrap();
        let is_allowed = |licence| judge(Some(licence), &list).is_ok();
        assert!(is_allowed("MIT"));
        assert!(is_allowed("MIT/Apache-2.0"));
        assert!(is_allowed("(GPL-3.0-only OR MIT) AND Unicode-3.0"));
        assert!(is_allowed("Apache-2.0 WITH LLVM-exception"));
        assert!(!is_allowed("Apache-2.0"));
        assert!(!is_allowed("MIT AND GPL-3.0-only"));
        assert!(!is_allowed("do as you like"));
        assert!(judge(None, &list).is_err());
    }
}

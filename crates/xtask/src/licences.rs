//! Licences: every crate and npm package under one that deny.toml allows.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use spdx::{Expression, LicenseReq, Licensee, ParseMode};

use crate::Result;
use crate::project::{self, Project};

/// Fails with every package whose licence is missing, unreadable or not allowed.
pub(crate) fn check(project: &Project) -> Result {
    let rules = Rules::read(&fs::read_to_string(project.root.join("deny.toml"))?)?;
    let mut packages = crates(&project::metadata(&project.root, &["--all-features"])?)?;
    packages.append(&mut npm(&fs::read_to_string(project.root.join("package-lock.json"))?)?);

    let mut wrong = Vec::new();
    for (package, licence) in &packages {
        if let Err(why) = rules.judge(package, licence.as_deref()) {
            wrong.push(format!("{package}: {why}"));
        }
    }
    if wrong.is_empty() {
        println!("{} packages, every licence allowed", packages.len());
        return Ok(());
    }
    Err(format!("not allowed by deny.toml:\n  {}", wrong.join("\n  ")).into())
}

type Licences = BTreeMap<String, Option<String>>;

/// What deny.toml allows: to all packages, and beyond that to one by its name.
struct Rules {
    allow: Vec<Licensee>,
    exceptions: BTreeMap<String, Vec<Licensee>>,
}

impl Rules {
    fn read(deny: &str) -> Result<Self> {
        let deny: toml::Table = toml::from_str(deny)?;
        let licenses = deny.get("licenses").ok_or("deny.toml has no licenses")?;
        let mut exceptions = BTreeMap::new();
        for exception in
            licenses.get("exceptions").and_then(toml::Value::as_array).into_iter().flatten()
        {
            let package = exception.get("crate").and_then(toml::Value::as_str);
            let package = package.ok_or("deny.toml: an exception names no crate")?;
            exceptions.insert(package.to_owned(), licensees(exception)?);
        }
        Ok(Self { allow: licensees(licenses)?, exceptions })
    }

    fn judge(&self, package: &str, licence: Option<&str>) -> core::result::Result<(), String> {
        let licence = licence.ok_or("names no licence")?;
        // Lax: older crates write `MIT/Apache-2.0`.
        let expression = Expression::parse_mode(licence, ParseMode::LAX)
            .map_err(|error| format!("{licence}: {}", error.reason))?;
        let name = package.split_once(' ').map_or(package, |(name, _)| name);
        let exceptions = self.exceptions.get(name).into_iter().flatten();
        let allowed: Vec<_> = self.allow.iter().chain(exceptions).collect();
        let is_allowed =
            |required: &LicenseReq| allowed.iter().any(|licensee| licensee.satisfies(required));
        if expression.evaluate(is_allowed) { Ok(()) } else { Err(licence.to_owned()) }
    }
}

/// The licences in a list `allow`.
fn licensees(table: &toml::Value) -> Result<Vec<Licensee>> {
    let list = table.get("allow").and_then(toml::Value::as_array);
    let list = list.ok_or("deny.toml: a list `allow` is missing")?;
    list.iter()
        .map(|entry| {
            let text =
                entry.as_str().ok_or("deny.toml: a list `allow` holds something else than text")?;
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

#[cfg(test)]
mod tests {
    use super::Rules;

    const DENY: &str = "[licenses]
        allow = ['MIT', 'Unicode-3.0', 'Apache-2.0 WITH LLVM-exception']
        exceptions = [{ allow = ['MPL-2.0'], crate = 'axe' }]";

    #[test]
    fn an_expression_is_judged_as_a_whole() {
        let rules = Rules::read(DENY).unwrap();
        let is_allowed = |licence| rules.judge("some 1.0.0", Some(licence)).is_ok();
        assert!(is_allowed("MIT"));
        assert!(is_allowed("MIT/Apache-2.0"));
        assert!(is_allowed("(GPL-3.0-only OR MIT) AND Unicode-3.0"));
        assert!(is_allowed("Apache-2.0 WITH LLVM-exception"));
        assert!(!is_allowed("Apache-2.0"));
        assert!(!is_allowed("MIT AND GPL-3.0-only"));
        assert!(!is_allowed("do as you like"));
        assert!(rules.judge("some 1.0.0", None).is_err());
    }

    #[test]
    fn an_exception_is_for_one_package() {
        let rules = Rules::read(DENY).unwrap();
        assert!(rules.judge("axe 4.0.0", Some("MPL-2.0")).is_ok());
        assert!(rules.judge("axe 4.0.0", Some("MIT")).is_ok());
        assert!(rules.judge("axe-core 4.0.0", Some("MPL-2.0")).is_err());
    }
}

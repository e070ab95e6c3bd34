//! `cargo xtask docs`: the API reference, made of what types and crates say of themselves.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::project::{self, Project, cargo};
use crate::{Result, setup, sh};

/// What makes the part for JavaScript, with a TypeScript of its own; and the page before both parts.
const SOURCE: &str = "docs/api";

/// Where it goes: served at /api/ by whoever serves the page.
const OUT: &str = "www/dist/api";

/// Makes it of dist/ and of the crates. A public name that says nothing of itself, or a link that
/// leads nowhere, is a failure.
pub(crate) fn command(project: &Project) -> Result {
    if !project.root.join("dist/browser.d.ts").is_file() {
        return Err("dist/browser.d.ts is missing: `cargo xtask build` makes it".into());
    }
    setup::for_docs(project, SOURCE)?;
    let out = project.root.join(OUT);
    if out.is_dir() {
        fs::remove_dir_all(&out)?;
    }
    let source = project.root.join(SOURCE);
    let mut typedoc = Command::new(source.join("node_modules/.bin/typedoc"));
    sh::run(typedoc.current_dir(&source))?;
    sh::run(Command::new("node").arg(source.join("check.mjs")).arg(out.join("js.json")))?;
    // The index of a folder that has been written to has all crates that ever were.
    let doc = project.target.join("doc");
    if doc.is_dir() {
        fs::remove_dir_all(&doc)?;
    }
    let metadata = project::metadata(&project.root, &["--no-deps"])?;
    rustdoc(internal(&metadata).into_iter().flat_map(|name| ["--exclude", name]))?;
    copy(&doc, &out.join("rust"))?;
    fs::copy(source.join("index.html"), out.join("index.html"))?;
    led_to(&out.join("index.html"))?;
    println!("{OUT}/index.html");
    Ok(())
}

/// What rustdoc makes of all crates, also of those that nobody is given. That every public item has a
/// word said of it, clippy sees to.
pub(crate) fn rust() -> Result {
    rustdoc([])
}

fn rustdoc<'a>(more: impl IntoIterator<Item = &'a str>) -> Result {
    let mut doc = cargo();
    doc.args(["doc", "--workspace", "--no-deps", "--lib"]).args(more);
    sh::run(doc.env("RUSTDOCFLAGS", "-Dwarnings"))
}

/// The crates of the workspace that are not published: `publish = false` is an empty list of registries.
fn internal(metadata: &Value) -> Vec<&str> {
    metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|package| package["publish"].as_array().is_some_and(Vec::is_empty))
        .filter_map(|package| package["name"].as_str())
        .collect()
}

fn copy(from: &Path, to: &Path) -> Result {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let there = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &there)?;
        } else {
            fs::copy(entry.path(), there)?;
        }
    }
    Ok(())
}

/// Whether what a page links to is there.
fn led_to(page: &Path) -> Result {
    let text = fs::read_to_string(page)?;
    let links: Vec<&str> = links(&text).collect();
    let folder = page.parent().unwrap_or(Path::new("."));
    match links.iter().find(|link| !folder.join(link).is_file()) {
        _ if links.is_empty() => Err(format!("{} links to nothing", page.display()).into()),
        Some(link) => Err(format!("{} links to {link}, which is not there", page.display()).into()),
        None => Ok(()),
    }
}

fn links(page: &str) -> impl Iterator<Item = &str> {
    page.split("<a href=\"").skip(1).filter_map(|rest| rest.split('"').next())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{internal, links};

    #[test]
    fn links_of_a_page() {
        let page = r#"<link href="no"><a href="a/b.html">b</a> <a href="c">c</a>"#;
        assert_eq!(links(page).collect::<Vec<_>>(), ["a/b.html", "c"]);
    }

    #[test]
    fn crates_that_are_not_published() {
        let packages = json!([
            { "name": "client", "publish": null },
            { "name": "bench", "publish": [] },
            { "name": "elsewhere", "publish": ["registry"] },
        ]);
        assert_eq!(internal(&json!({ "packages": packages })), ["bench"]);
    }
}

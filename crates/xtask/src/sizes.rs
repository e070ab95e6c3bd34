//! What a browser has to load, and how much that may be.

use std::path::PathBuf;
use std::process::Command;

use crate::project::Project;
use crate::{Result, sh};

/// What an application imports, and what else is loaded with it.
struct Load {
    name: &'static str,
    /// A script that is bundled.
    import: Option<&'static str>,
    /// What the script imports later counts, too.
    later: bool,
    /// Files of dist/ that come with it.
    files: &'static [&'static str],
    /// How large all of it may be after gzip, in bytes: what it was when this was last looked at. More
    /// is a decision, to be made here.
    ceiling: u64,
    /// How large it is meant to be.
    budget: u64,
}

const LOADS: [Load; 6] = [
    Load {
        name: "wasm",
        import: None,
        later: false,
        files: &["core.wasm"],
        ceiling: 15_600,
        budget: 16_000,
    },
    Load {
        name: "highwater",
        import: Some("export { connect } from './dist/browser.js'"),
        later: false,
        files: &["core.wasm"],
        ceiling: 29_200,
        budget: 25_000,
    },
    Load {
        name: "highwater/inline",
        import: Some("export { connect } from './dist/inline.js'"),
        later: false,
        files: &[],
        ceiling: 28_600,
        budget: 30_000,
    },
    Load {
        name: "highwater/react",
        import: Some("export * from './dist/adapters/react.js'"),
        later: false,
        files: &[],
        ceiling: 1000,
        budget: 1000,
    },
    // With the panel, which is loaded when it is opened first.
    Load {
        name: "highwater/devtools",
        import: Some(
            "export * from './dist/devtools/index.js'; export * from './dist/devtools/view/panel.js'",
        ),
        later: true,
        files: &[],
        ceiling: 31_800,
        budget: 40_000,
    },
    // Loaded only by who asks for what is in it.
    Load {
        name: "full.wasm",
        import: None,
        later: false,
        files: &["full.wasm"],
        ceiling: 73_000,
        budget: 60_000,
    },
];

/// Prints the table.
pub(crate) fn print(project: &Project) -> Result {
    println!("{}", table(project)?);
    Ok(())
}

/// The same; fails if anything is larger than it may be.
pub(crate) fn check(project: &Project) -> Result {
    let table = table(project)?;
    println!("{table}");
    let over: Vec<&str> = table.lines().filter(|line| line.ends_with("too large")).collect();
    if over.is_empty() {
        Ok(())
    } else {
        Err(format!("grown over its ceiling:\n{}", over.join("\n")).into())
    }
}

/// Node compresses, so that we need no crates for it.
fn table(project: &Project) -> Result<String> {
    let program = project.root.join("crates/xtask/scripts/sizes.mjs");
    let mut sizes = Command::new("node");
    sizes.arg(program);
    for load in &LOADS {
        let mut files = Vec::new();
        if let Some(import) = load.import {
            files.extend(bundle(project, load, import)?);
        }
        files.extend(load.files.iter().map(|file| project.root.join("dist").join(file)));
        let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        sizes.arg(format!("{}={}={}={}", load.name, load.ceiling, load.budget, files.join(",")));
    }
    sh::read(&mut sizes)
}

/// What an application loads to begin with, bundled and minified: a file, and those that it imports at
/// once. What it imports later is in others, unless that counts.
fn bundle(project: &Project, load: &Load, import: &str) -> Result<Vec<PathBuf>> {
    let folder = project.target.join("sizes").join(load.name.replace('/', "-"));
    let entry = project.root.join("dist").join(".size.js");
    std::fs::write(&entry, import.replace("./dist/", "./"))?;
    let bundled = sh::read(
        sh::node_tool(&project.root, "esbuild")
            .arg(&entry)
            .args(if load.later { &["--bundle"][..] } else { &["--bundle", "--splitting"] })
            .args(["--minify", "--format=esm", "--target=es2022"])
            .args(["--external:react", "--log-level=error", "--entry-names=main"])
            .arg(format!("--outdir={}", folder.display())),
    );
    std::fs::remove_file(&entry)?;
    bundled?;
    let mut files = vec![folder.join("main.js")];
    let mut read = 0;
    while let Some(file) = files.get(read) {
        let script = std::fs::read_to_string(file)?;
        // `import("./…")` is what comes later.
        let imports = script.split_inclusive([';', '}']).filter_map(|part| {
            let (word, file) = part.split_once("\"./")?;
            let at_once = word.ends_with("from") || word.ends_with("import");
            at_once.then(|| folder.join(file.split('"').next().unwrap_or_default()))
        });
        let imports: Vec<PathBuf> = imports.filter(|file| !files.contains(file)).collect();
        files.extend(imports);
        read += 1;
    }
    Ok(files)
}

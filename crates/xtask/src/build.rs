//! `cargo xtask build`: the module and its glue, the TypeScript around them, the page, the server.

use core::num::NonZeroU64;
use std::fs;
use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::project::{Project, cargo};
use crate::setup::{self, WASM, WasmTools};
use crate::sizes;
use crate::{Result, sh};

/// How much the compilers are asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// What is published.
    Release,
    /// Quick to build: unoptimised and not minified.
    Dev,
}

impl Mode {
    /// The folder in cargo's target folder that the server is built to.
    pub(crate) fn server_profile(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dev => "debug",
        }
    }

    fn wasm_profile(self) -> (&'static str, &'static str) {
        match self {
            Self::Release => ("wasm", "wasm"),
            Self::Dev => ("dev", "debug"),
        }
    }
}

/// One thing to build, and how.
type Part = (&'static str, fn(&Project, &WasmTools, Mode) -> Result);

/// In the order in which they need each other.
const PARTS: [Part; 5] =
    [("wasm", wasm), ("js", js), ("page", page), ("extension", extension), ("server", server)];

/// `cargo xtask build [--dev] [wasm] [js] [page] [extension] [server]`
pub(crate) fn command(project: &Project, arguments: &[String]) -> Result {
    let mut mode = Mode::Release;
    let mut chosen = Vec::new();
    for argument in arguments {
        match argument.as_str() {
            "--dev" => mode = Mode::Dev,
            "--release" => mode = Mode::Release,
            part if PARTS.iter().any(|(name, ..)| *name == part) => chosen.push(part),
            other => return Err(format!("build: no part or option `{other}`").into()),
        }
    }
    let tools = setup::for_build(project)?;
    parts(project, &tools, mode, &chosen)
}

/// Builds dist/.
pub(crate) fn package(project: &Project, tools: &WasmTools, mode: Mode) -> Result {
    parts(project, tools, mode, &["wasm", "js"])
}

/// Builds dist/ and www/extension.
pub(crate) fn package_and_extension(project: &Project, tools: &WasmTools, mode: Mode) -> Result {
    parts(project, tools, mode, &["wasm", "js", "extension"])
}

/// Builds everything.
pub(crate) fn everything(project: &Project, tools: &WasmTools, mode: Mode) -> Result {
    parts(project, tools, mode, &[])
}

fn parts(project: &Project, tools: &WasmTools, mode: Mode, chosen: &[&str]) -> Result {
    for (name, build) in PARTS {
        if chosen.is_empty() || chosen.contains(&name) {
            sh::timed(&format!("build {name}"), || {
                build(project, tools, mode).map(|()| "done".to_owned())
            })?;
        }
    }
    if mode == Mode::Release && project.root.join("dist/browser.js").is_file() {
        sizes::print(project)?;
    }
    Ok(())
}

/// A module in dist/, there as NAME.wasm, and as compressed text in NAME.base64.js.
struct Module {
    name: &'static str,
    features: &'static [&'static str],
    /// What makes it smaller, and not the other.
    first: &'static [&'static str],
}

/// What `connect` begins with, and everything. In the small one functions that differ in a number are
/// made one, and hints at alignment, which nobody takes, all say the same.
const MODULES: [Module; 2] = [
    Module { name: "core", features: &[], first: &["--dealign", "--merge-similar-functions"] },
    Module { name: "full", features: &["--features", "full"], first: &["-Oz"] },
];

fn wasm(project: &Project, tools: &WasmTools, mode: Mode) -> Result {
    let (profile, folder) = mode.wasm_profile();
    // Made aside: dist/ changes only when all of it was made.
    let aside = project.target.join("module");
    fs::create_dir_all(&aside)?;
    let mut ready = Vec::new();
    for Module { name, features, first } in MODULES {
        sh::run(
            tools
                .command("cargo")?
                .args(["build", "--package", "highwater-wasm", "--no-default-features"])
                .args(features)
                .args(["--target", WASM, "--profile", profile]),
        )?;
        let module = project.target.join(WASM).join(folder).join("highwater_wasm.wasm");
        let wasm = aside.join(format!("{name}.wasm"));
        match mode {
            Mode::Release => {
                sh::run(
                    tools
                        .command("wasm-opt")?
                        .args(first)
                        .args(OPTIMISE)
                        .arg(module)
                        .arg("-o")
                        .arg(&wasm),
                )?;
            }
            Mode::Dev => drop(fs::copy(module, &wasm)?),
        }
        let files = ["wasm", "base64.js", "base64.d.ts"].map(|end| format!("{name}.{end}"));
        let [_, script, types] = files.each_ref().map(|file| aside.join(file));
        embed(&fs::read(&wasm)?, mode, &script, &types)?;
        ready.extend(files);
    }

    let dist = project.root.join("dist");
    fs::create_dir_all(&dist)?;
    for name in ready {
        fs::copy(aside.join(&name), dist.join(&name))?;
    }
    Ok(())
}

/// A module as text in a script, and the script's types. It is compressed once and read often: zopfli
/// looks longer than gzip does, and finds a twentieth less.
fn embed(module: &[u8], mode: Mode, script: &Path, types: &Path) -> Result {
    let mut options = zopfli::Options::default();
    if mode == Mode::Dev {
        options.iteration_count = NonZeroU64::MIN;
    }
    let mut zipped = Vec::new();
    zopfli::compress(options, zopfli::Format::Gzip, module, &mut zipped)?;
    let text = BASE64_STANDARD.encode(zipped);
    fs::write(script, format!("export const base64 = \"{text}\"\n"))?;
    fs::write(types, "export declare const base64: string\n")?;
    Ok(())
}

/// Sections that nobody reads are left out as well, and what the linker exports. What has one caller
/// stays by itself unless it is small, and functions stand in the order of their names: so it compresses better. The lowest
/// kilobyte is the end of the stack, and no place that a pointer leads to.
const OPTIMISE: [&str; 7] = [
    "--remove-exports=__*",
    "-Oz",
    "--one-caller-inline-max-function-size=50",
    "--low-memory-unused",
    "--reorder-functions-by-name",
    "--strip-producers",
    "--strip-target-features",
];

/// dist/*.js and dist/*.d.ts from crates/wasm/js/*.ts.
fn js(project: &Project, _: &WasmTools, _: Mode) -> Result {
    let dist = project.root.join("dist");
    if !dist.join("full.base64.d.ts").is_file() {
        return Err("dist/full.base64.d.ts is missing: build wasm first".into());
    }
    // What an earlier source file left behind must not be published.
    for entry in fs::read_dir(&dist)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else if !is_module(&entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
        }
    }
    sh::run(sh::node_tool(&project.root, "tsc").args(["--project", "."]))?;
    // What it imports of others is put into it: the package depends on nothing, and a page that has
    // no bundler finds all there is.
    sh::run(sh::node_tool(&project.root, "esbuild").arg("dist/persist.js").args([
        "--bundle",
        "--format=esm",
        "--target=es2022",
        "--banner:js=/*! Has in it: idb-keyval, Copyright 2016 Jake Archibald, Apache-2.0 */",
        "--outfile=dist/persist.js",
        "--allow-overwrite",
        "--log-level=warning",
    ]))
}

/// Whether a file in dist/ is one of [`MODULES`].
fn is_module(file: &str) -> bool {
    MODULES.iter().any(|module| file.split('.').next() == Some(module.name))
}

/// www/dist: the scripts and styles of the pages bundled, what the pages have in common put into each,
/// everything else as it is.
fn page(project: &Project, _: &WasmTools, mode: Mode) -> Result {
    let www = project.root.join("www");
    let out = www.join("dist");
    if out.is_dir() {
        fs::remove_dir_all(&out)?;
    }
    let mut esbuild = sh::node_tool(&project.root, "esbuild");
    esbuild.args(PAGES.map(|page| format!("www/src/{page}.ts")));
    esbuild.args(["www/style.css", "--bundle", "--outdir=www/dist", "--entry-names=[name]"]);
    // The pages share the client: whoever goes from one to the next has it already.
    esbuild.args(["--format=esm", "--splitting", "--target=es2022", "--loader:.txt=text"]);
    esbuild.args(["--sourcemap", "--log-level=warning"]);
    if mode == Mode::Release {
        esbuild.arg("--minify");
    }
    sh::run(&mut esbuild)?;
    let header = fs::read_to_string(www.join("parts/header.html"))?;
    for entry in fs::read_dir(&www)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().extension().is_some_and(|end| end == "html") {
            let page = fs::read_to_string(entry.path())?;
            fs::write(out.join(&name), with_header(&name, &page, &header)?)?;
        } else if entry.file_type()?.is_file() && !["style.css", "tsconfig.json"].contains(&&*name)
        {
            fs::copy(entry.path(), out.join(name))?;
        }
    }
    // esbuild leaves `new URL('./core.wasm', import.meta.url)` as it is: the files have to lie beside the bundle.
    for file in ["core.wasm", "full.wasm"] {
        fs::copy(project.root.join("dist").join(file), out.join(file))?;
    }
    Ok(())
}

/// The scripts of the pages.
const PAGES: [&str; 5] = ["main", "flags", "orders", "items", "playground"];

/// A page with the header that all have, in which its own link is marked.
fn with_header(name: &str, page: &str, header: &str) -> Result<String> {
    let link = format!("href=\"{name}\"");
    if !page.contains(HEADER) || !header.contains(&link) {
        return Err(format!("www/{name} has no {HEADER}, or the header no link to it").into());
    }
    Ok(page.replace(HEADER, &header.replace(&link, &format!("{link} aria-current=\"page\""))))
}

/// Where the header belongs.
const HEADER: &str = "<!-- header -->";

/// www/extension: what a browser loads as an extension.
fn extension(project: &Project, _: &WasmTools, mode: Mode) -> Result {
    let source = project.root.join("crates/wasm/extension");
    let out = project.root.join("www/extension");
    if out.is_dir() {
        fs::remove_dir_all(&out)?;
    }
    // What is put into pages shares their names: nothing of it may be seen there.
    for (format, scripts) in
        [("iife", &["agent", "relay", "background", "devtools"][..]), ("esm", &["panel"])]
    {
        let mut esbuild = sh::node_tool(&project.root, "esbuild");
        esbuild.args(scripts.iter().map(|name| format!("crates/wasm/extension/src/{name}.ts")));
        esbuild.args(["--bundle", "--outdir=www/extension", "--target=es2022"]);
        esbuild.args([&format!("--format={format}"), "--log-level=warning"]);
        if mode == Mode::Release {
            esbuild.arg("--minify");
        }
        sh::run(&mut esbuild)?;
    }
    for entry in fs::read_dir(&source)? {
        let entry = entry?;
        let name = entry.file_name();
        if entry.file_type()?.is_file() && name != *"tsconfig.json" {
            fs::copy(entry.path(), out.join(name))?;
        }
    }
    fs::copy(project.root.join("dist/full.wasm"), out.join("full.wasm"))?;
    Ok(())
}

/// The program `highwater`.
fn server(_: &Project, _: &WasmTools, mode: Mode) -> Result {
    let mut build = cargo();
    build.args(["build", "--package", "highwater-server"]);
    if mode == Mode::Release {
        build.arg("--release");
    }
    sh::run(&mut build)
}

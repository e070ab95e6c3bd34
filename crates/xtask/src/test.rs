//! `cargo xtask test`: everything that must hold, the quickest to fail first.

mod browsers;

use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::build::{self, Mode};
use crate::project::{Project, cargo};
use crate::setup::{self, BARE, Everything, WASM};
use crate::{Result, api, docs, licences, locks, sh, sizes};

/// One thing that must hold.
struct Step {
    name: &'static str,
    what: &'static str,
    run: fn(&Context) -> Result,
}

struct Context<'a> {
    project: &'a Project,
    setup: &'a Everything,
}

const STEPS: &[Step] = &[
    Step { name: "fmt", what: "rustfmt has nothing to change", run: fmt },
    Step {
        name: "locks",
        what: "lock files hold no download addresses",
        run: |c| locks::check(c.project),
    },
    Step {
        name: "licences",
        what: "deny.toml allows every licence",
        run: |c| licences::check(c.project),
    },
    Step { name: "no-std", what: "core builds where there is no std", run: no_std },
    Step { name: "clippy", what: "clippy finds nothing, on the host", run: clippy },
    Step { name: "clippy-wasm", what: "clippy finds nothing, for wasm32", run: clippy_wasm },
    Step { name: "lean", what: "the package's module has no serde and no glue", run: lean },
    Step { name: "cargo-test", what: "unit, integration and doc tests", run: cargo_test },
    Step { name: "loom", what: "every order of the publisher's threads", run: loom },
    Step { name: "doc", what: "rustdoc finds nothing", run: |_| docs::rust() },
    Step { name: "build", what: "module, package, page and server", run: build_all },
    Step {
        name: "reference",
        what: "all that is public is in the API reference",
        run: |c| docs::command(c.project),
    },
    Step {
        name: "size",
        what: "what browsers load has not grown",
        run: |c| sizes::check(c.project),
    },
    Step { name: "api", what: "the server does what its API file says", run: api },
    Step { name: "vectors", what: "recorded vectors, natively and in wasm", run: vectors },
    Step { name: "types", what: "tsc finds nothing in the page and the extension", run: types },
    Step { name: "wasm-node", what: "wasm tests in Node", run: wasm_node },
    Step {
        name: "wasm-browser",
        what: "wasm tests in Chromium, Firefox and WebKit",
        run: browsers::wasm,
    },
    Step { name: "node", what: "the package in Node", run: |c| node_tests(c, "tests/node") },
    Step { name: "package", what: "the package packed, installed, bundled and run", run: package },
    Step {
        name: "browser",
        what: "the page, driven in Chromium",
        run: |c| node_tests(c, "tests/browser"),
    },
    Step {
        name: "browsers",
        what: "client and page in Chromium, Firefox and WebKit",
        run: browsers::pages,
    },
    Step {
        name: "adapters",
        what: "adapters and examples: in Node, and built and driven in Chromium",
        run: |c| node_tests(c, "tests/adapters"),
    },
    Step { name: "interop", what: "clients that others wrote, on our server", run: interop },
    Step { name: "wasm-pack", what: "wasm-pack builds the crate by itself", run: wasm_pack },
];

/// How a step ended.
enum Outcome {
    Passed(Duration),
    Failed(Duration),
    Skipped,
}

/// `cargo xtask test [--keep-going] [--list] [STEP…]`
pub(crate) fn command(project: &Project, arguments: &[String]) -> Result<ExitCode> {
    // Who waits for a machine elsewhere wants to hear of every failure at once.
    let mut keep_going = sh::in_ci();
    let mut chosen = Vec::new();
    for argument in arguments {
        match argument.as_str() {
            "--keep-going" => keep_going = true,
            "--list" => {
                for step in STEPS {
                    println!("{:14}{}", step.name, step.what);
                }
                return Ok(ExitCode::SUCCESS);
            }
            name if STEPS.iter().any(|step| step.name == name) => chosen.push(name),
            other => {
                return Err(
                    format!("test: no step or option `{other}`; `--list` names the steps").into()
                );
            }
        }
    }

    let begun = Instant::now();
    let setup = setup::everything(project)?;
    let set_up = begun.elapsed();
    let context = Context { project, setup: &setup };
    let steps: Vec<&Step> =
        STEPS.iter().filter(|step| chosen.is_empty() || chosen.contains(&step.name)).collect();
    let outcomes = run(&steps, &context, keep_going);
    Ok(summary(&steps, &outcomes, set_up, begun.elapsed()))
}

fn run(steps: &[&Step], context: &Context, keep_going: bool) -> Vec<Outcome> {
    let mut stopped = false;
    steps
        .iter()
        .map(|step| {
            if stopped {
                return Outcome::Skipped;
            }
            println!("\n{}", sh::bold(&format!("== {}: {}", step.name, step.what)));
            let begun = Instant::now();
            match (step.run)(context) {
                Ok(()) => {
                    let time = begun.elapsed();
                    println!("{} {} ({})", sh::green("✓"), step.name, sh::seconds(time));
                    Outcome::Passed(time)
                }
                Err(failure) => {
                    let time = begun.elapsed();
                    println!("{} {} ({}): {failure}", sh::red("✗"), step.name, sh::seconds(time));
                    stopped = !keep_going;
                    Outcome::Failed(time)
                }
            }
        })
        .collect()
}

fn summary(steps: &[&Step], outcomes: &[Outcome], set_up: Duration, whole: Duration) -> ExitCode {
    println!("\n{:14}{:>9}", "set-up", sh::seconds(set_up));
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for (step, outcome) in steps.iter().zip(outcomes) {
        let (time, word) = match outcome {
            Outcome::Passed(time) => {
                passed += 1;
                (sh::seconds(*time), sh::green("passed"))
            }
            Outcome::Failed(time) => {
                failed += 1;
                (sh::seconds(*time), sh::red("failed"))
            }
            Outcome::Skipped => {
                skipped += 1;
                (String::new(), "not run".to_owned())
            }
        };
        println!("{:14}{time:>9}  {word}", step.name);
    }
    println!("{:14}{:>9}\n", "altogether", sh::seconds(whole));
    if skipped == 0 {
        println!("{passed} passed, {failed} failed");
    } else {
        println!("{passed} passed, {failed} failed, {skipped} skipped");
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn fmt(_: &Context) -> Result {
    sh::run(cargo().args(["fmt", "--all", "--check"]))
}

fn clippy(_: &Context) -> Result {
    sh::run(cargo().args(["clippy", "--workspace", "--all-targets", "--", "-Dwarnings"]))
}

/// The crate as it is by itself, and as the two modules of the npm package.
fn clippy_wasm(context: &Context) -> Result {
    let modules = ["--no-default-features", "--no-default-features --features full"];
    for kind in ["--all-targets"].iter().chain(&modules) {
        let mut clippy = context.setup.wasm.command("cargo")?;
        clippy.args(["clippy", "--package", "highwater-wasm", "--target", WASM]);
        sh::run(clippy.args(kind.split(' ')).args(["--", "-Dwarnings"]))?;
    }
    Ok(())
}

fn no_std(context: &Context) -> Result {
    for target in [BARE, WASM] {
        let mut build = context.setup.wasm.command("cargo")?;
        sh::run(build.args(["build", "--package", "highwater-core", "--target", target]))?;
    }
    Ok(())
}

/// What serves a plain `wasm-pack build` must not find its way into the package's module.
fn lean(_: &Context) -> Result {
    let tree = sh::read(
        cargo()
            .args(["tree", "--package", "highwater-wasm", "--target", WASM, "--edges", "normal"])
            .args(["--no-default-features", "--features", "full", "--prefix", "none"]),
    )?;
    only_lean(&tree)
}

fn only_lean(tree: &str) -> Result {
    let names = || tree.lines().filter_map(|line| line.split(' ').next());
    if !names().any(|name| name == "highwater-core") {
        return Err(format!("cargo tree does not name highwater-core:\n{tree}").into());
    }
    let heavy = |name: &&str| {
        ["serde", "wasm-bindgen", "js-sys", "web-sys"].iter().any(|heavy| name.starts_with(heavy))
    };
    match names().find(heavy) {
        Some(name) => Err(format!("the package's module would have `{name}` in it").into()),
        None => Ok(()),
    }
}

fn cargo_test(context: &Context) -> Result {
    let mut test = cargo();
    if let Some(nats) = &context.setup.nats {
        test.env("NATS_SERVER", nats);
    }
    if let Some(postgres) = &context.setup.postgres {
        test.env("POSTGRES_BIN", postgres);
    }
    sh::run(test.args(["test", "--workspace"]))
}

/// In a folder of its own: the flag means another build of everything.
fn loom(context: &Context) -> Result {
    let mut test = cargo();
    test.args(["test", "--release", "--package", "highwater-publisher", "--lib", "model"]);
    test.env("RUSTFLAGS", "--cfg loom");
    ran(&sh::run_and_keep(test.env("CARGO_TARGET_DIR", context.project.target.join("loom")))?)
}

fn build_all(context: &Context) -> Result {
    build::everything(context.project, &context.setup.wasm, Mode::Release)
}

fn api(context: &Context) -> Result {
    let server = context.project.server(Mode::Release.server_profile());
    api::check(context.project, context.setup.schemathesis.as_deref(), &server)
}

fn vectors(context: &Context) -> Result {
    match crate::vectors::command(context.project, &[])? {
        ExitCode::SUCCESS => Ok(()),
        _ => Err("a vector failed".into()),
    }
}

fn types(context: &Context) -> Result {
    for folder in ["www", "crates/wasm/extension"] {
        let mut tsc = sh::node_tool(&context.project.root, "tsc");
        sh::run(tsc.args(["--noEmit", "--project", folder]))?;
    }
    Ok(())
}

fn wasm_node(context: &Context) -> Result {
    let mut test = context.setup.wasm.command("wasm-pack")?;
    ran(&sh::run_and_keep(test.args(["test", "--mode", "no-install", "--node", "crates/wasm"]))?)
}

/// The runner is content when it finds no test for the place it runs in; we are not.
fn ran(output: &str) -> Result {
    let none = output
        .lines()
        .filter_map(|line| line.strip_prefix("test result: ok. "))
        .all(|counts| counts.starts_with("0 passed"));
    if none { Err("no test ran".into()) } else { Ok(()) }
}

/// Node's own runner over FOLDER/*.test.mjs. They are told where the browser and the server are.
fn node_tests(context: &Context, folder: &str) -> Result {
    node_tests_with(context, folder, &[])
}

fn node_tests_with(context: &Context, folder: &str, more: &[(&str, PathBuf)]) -> Result {
    let mut files: Vec<_> = fs::read_dir(context.project.root.join(folder))
        .map_err(|error| format!("{folder}: {error}"))?
        .flatten()
        .map(|entry| Path::new(folder).join(entry.file_name()))
        .filter(|file| file.to_string_lossy().ends_with(".test.mjs"))
        .collect();
    if files.is_empty() {
        return Err(format!("no *.test.mjs in {folder}").into());
    }
    files.sort();
    let mut node = Command::new("node");
    // A test that leaves a browser or a socket open must not keep us waiting for ever.
    node.args(["--test", "--test-reporter=spec", "--test-timeout=300000", "--test-force-exit"])
        .args(files);
    node.env("CHROME", &context.setup.browser.chrome);
    node.env("HIGHWATER_BIN", context.project.server(Mode::Release.server_profile()));
    if let Some(nats) = &context.setup.nats {
        node.env("NATS_SERVER", nats);
    }
    sh::run(node.envs(more.iter().map(|(name, value)| (name, value))))
}

/// In the bundlers and runtimes that a lock file of its own pins: nothing else needs them.
fn package(context: &Context) -> Result {
    setup::for_package(context.project, "tests/package/tools")?;
    node_tests(context, "tests/package")
}

/// Unmodified, and pinned by a lock file of their own.
fn interop(context: &Context) -> Result {
    let folder = "tests/interop";
    let pythons = setup::for_interop(context.project, folder)?;
    sh::run(cargo().args(["build", "--quiet", "--package", "highwater-interop"]))?;
    let rust = context.project.target.join("debug/highwater-interop");
    let rust = rust.with_extension(std::env::consts::EXE_EXTENSION);
    let mut more = vec![("INTEROP_RUST", rust)];
    more.extend(pythons.launchdarkly.map(|python| ("INTEROP_PYTHON", python)));
    more.extend(pythons.websockets.map(|python| ("INTEROP_PYTHON_WEBSOCKETS", python)));
    node_tests_with(context, folder, &more)
}

/// As someone does who uses the crate without the npm package.
fn wasm_pack(context: &Context) -> Result {
    for target in ["web", "bundler", "nodejs"] {
        let out = context.project.target.join("wasm-pack").join(target);
        let mut build = context.setup.wasm.command("wasm-pack")?;
        build.args([
            "build",
            "crates/wasm",
            "--mode",
            "no-install",
            "--target",
            target,
            "--out-dir",
        ]);
        sh::run(build.arg(&out))?;
        for file in
            ["highwater_wasm.js", "highwater_wasm.d.ts", "highwater_wasm_bg.wasm", "package.json"]
        {
            if !out.join(file).is_file() {
                return Err(format!("wasm-pack for {target} left no {file}").into());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{only_lean, ran};

    #[test]
    fn a_module_with_serde_is_not_lean() {
        assert!(only_lean("highwater-wasm v0.1.0\nhighwater-core v0.1.0\nrlsf v0.2.3").is_ok());
        assert!(only_lean("highwater-core v0.1.0\nserde_core v1.0.0").is_err());
        assert!(only_lean("").is_err());
    }

    #[test]
    fn a_run_without_tests_is_a_failure() {
        assert!(ran("no tests to run!\ntest result: ok. 0 passed; 0 failed").is_err());
        assert!(
            ran("test result: ok. 0 passed; 0 failed\ntest result: ok. 3 passed; 0 failed").is_ok()
        );
    }
}

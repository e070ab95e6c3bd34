//! Options from the command line, the environment and a file.

use crate::common::Process;
use reqwest::{Client, StatusCode};
use std::path::PathBuf;
use std::process::Command;

struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("highwater-{name}-{}.toml", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

async fn put(process: &Process, size: usize) -> StatusCode {
    let url = format!("{}/v1/topics/t/a/1", process.url);
    let body = format!("{{\"a\":\"{}\"}}", "x".repeat(size));
    let request = Client::new().put(url).bearer_auth("the-writers-secret").body(body);
    request.send().await.unwrap().status()
}

const TOKENS: &str = "\
max-body = 1000
admin-token = \"the-administrators-secret\"
cors-origin = [\"https://a.example\", \"https://b.example\"]
log-format = \"json\"

[anonymous]
read = [\"public-*\"]

[[tokens]]
name = \"writer\"
secret = \"the-writers-secret\"
write = [\"*\"]

[[tokens]]
name = \"reader\"
sha256 = \"0b2a8d7a2bdd0f6c9a1b9a8a3fc5ce5f7a1b1a5f1c3a0d9a5c1d7f3e2b4a6c8d\"
read = [\"*\"]
metrics = true
";

#[tokio::test]
async fn the_line_wins_over_the_environment_and_that_over_the_file() {
    let file = File::new("order", TOKENS);
    let serve = ["serve", "--config", file.path()];
    let from_file = Process::logged(&serve, &[]);
    assert_eq!(put(&from_file, 900).await, 201);
    assert_eq!(put(&from_file, 1900).await, 413);
    let environment = [("HIGHWATER_MAX_BODY", "2000"), ("HIGHWATER_CONFIG", file.path())];
    let from_environment = Process::logged(&["serve"], &environment);
    assert_eq!(put(&from_environment, 1900).await, 201);
    assert_eq!(put(&from_environment, 2900).await, 413);
    let line = [&serve[..], &["--max-body", "3000"]].concat();
    let from_line = Process::logged(&line, &environment);
    assert_eq!(put(&from_line, 2900).await, 201);

    let admin = Client::new().get(format!("{}/v1/admin/tokens", from_line.url));
    let admin = admin.bearer_auth("the-administrators-secret").send().await.unwrap();
    assert_eq!(admin.status(), 200);
    let anonymous = reqwest::get(format!("{}/v1/topics/public-a", from_line.url)).await.unwrap();
    assert_eq!(anonymous.status(), 404);
    let preflight =
        Client::new().request(reqwest::Method::OPTIONS, format!("{}/v1/topics/t", from_line.url));
    let preflight = preflight
        .header("origin", "https://b.example")
        .header("access-control-request-method", "GET");
    let answer = preflight.send().await.unwrap();
    assert_eq!(answer.headers()["access-control-allow-origin"], "https://b.example");
}

#[test]
fn a_file_that_makes_no_sense_is_said_with_its_place_and_without_its_secrets() {
    for (name, text, said) in [
        ("syntax", "max-body = 1\nadmin-token = \"hush-hush-hush\n", "line 2 column 30"),
        ("syntax-key", "\n\nadmin-token == \"hush-hush-hush\"\n", "line 3 column 14"),
        ("unknown", "max-bodies = 1\n", "there is no option \"max-bodies\""),
        ("config", "config = \"other.toml\"\n", "there is no option \"config\""),
        ("table", "[listen]\nport = 1\n", "there is no table [listen]"),
        ("value", "max-body = \"much\"\n", "invalid value 'much' for '--max-body"),
        ("list", "max-body = [1]\n", "max-body: one value is expected, not a list"),
        ("range", "heartbeat-ms = 0\n", "invalid value '0' for '--heartbeat-ms"),
        ("short", "admin-token = \"hush-hush\"\n", "the admin token: a secret has from 16"),
        (
            "token",
            "[[tokens]]\nname = \"a\"\nsecret = \"hush-hush\"\n",
            "tokens[0]: a secret has from 16",
        ),
        (
            "neither",
            "[[tokens]]\nname = \"a\"\n",
            "tokens[0]: a token has either a secret or its sha256",
        ),
        (
            "digest",
            "[[tokens]]\nname = \"a\"\nsha256 = \"hush-hush\"\n",
            "tokens[0]: a sha256 has 64",
        ),
        ("member", "[[tokens]]\nname = \"a\"\nhush = \"hush-hush\"\n", "tokens[0]: unknown field"),
        ("one", "[tokens]\nname = \"a\"\n", "tokens are given as [[tokens]]"),
        (
            "twice",
            "[[tokens]]\nname = \"a\"\nsecret = \"hush-hush-hush-hush\"\n[[tokens]]\nname = \"b\"\nsecret = \"hush-hush-hush-hush\"\n",
            "the tokens \"a\" and \"b\" have the same secret",
        ),
    ] {
        let file = File::new(name, text);
        let mut command = Command::new(env!("CARGO_BIN_EXE_highwater"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--config", file.path()]);
        let output = command.output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && stderr.contains(said), "{name}: {stderr}");
        assert!(
            name == "twice" || stderr.contains(file.path()) || name == "short",
            "{name}: {stderr}"
        );
        assert!(!stderr.contains("hush-hush"), "{name}: {stderr}");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_highwater"))
        .args(["serve", "--config", "/nowhere/highwater.toml"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("/nowhere/highwater.toml"));
}

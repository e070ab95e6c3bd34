//! The API file. (`cargo xtask test api` asks much more of it.)

use crate::access::{ADMIN, guarded};
use reqwest::Method;
use serde_json::Value;

#[tokio::test]
async fn what_the_file_names_is_there() {
    let server = guarded().await;
    let (status, file) = server.get("/v1/openapi.json").await;
    assert_eq!((status.as_u16(), file["openapi"].as_str()), (200, Some("3.1.0")));
    let mut asked = 0;
    for (pattern, operations) in file["paths"].as_object().unwrap() {
        let path = ["topic", "kind", "key", "id", "stream"]
            .iter()
            .fold(pattern.clone(), |path, name| path.replace(&format!("{{{name}}}"), "none"));
        for (method, operation) in operations.as_object().unwrap() {
            if method == "parameters" {
                continue;
            }
            let method: Method = method.to_uppercase().parse().unwrap();
            let (status, body) = server.send_as(ADMIN, method.clone(), &path, "?").await;
            let code = body["error"]["code"].as_str().unwrap_or_default();
            assert!(!matches!(code, "unknown-path" | "wrong-method"), "{method} {pattern}: {code}");
            let known = &operation["responses"][status.as_str()];
            assert!(known.is_object(), "{method} {pattern} answers {status}");
            asked += 1;
        }
    }
    assert!(asked >= 15);
}

/// Each code that stands in the sources, so that none is forgotten there.
#[test]
fn every_error_code_is_explained() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = std::fs::read_to_string(folder.join("openapi.json")).unwrap();
    let _: Value = serde_json::from_str(&file).unwrap();
    let mut sources = Vec::new();
    for folder in ["src", "src/access", "src/durable"].map(|name| folder.join(name)) {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        sources.extend(entries.filter(|path| {
            path.extension().is_some_and(|end| end == "rs") && !path.ends_with("demo.rs")
        }));
    }
    let mut codes = 0;
    for path in sources {
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        let makers = ["bad_request(", "busy(", "later(", "unauthorized(", "StatusCode::"];
        for rest in makers.iter().flat_map(|makes| text.split(makes).skip(1)) {
            // A status has a name before its code.
            let rest = rest.trim_start_matches(|c: char| c.is_ascii_uppercase() || c == '_');
            let Some(rest) = rest.trim_start_matches([',', ' ', '\n']).strip_prefix('"') else {
                continue;
            };
            let code = rest.split('"').next().unwrap();
            if code.contains(' ') {
                continue; // words
            }
            assert!(file.contains(&format!("`{code}`")), "{code} of {}", path.display());
            codes += 1;
        }
    }
    assert!(codes > 30, "{codes}");
}

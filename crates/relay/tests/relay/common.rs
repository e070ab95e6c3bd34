//! Environments and filters to test with.

use highwater_relay::{EnvironmentRep, FilterRep};
use serde_json::json;

/// An environment of a project, at a version, with keys that tell the version.
pub(crate) fn environment(id: &str, project: &str, version: i64) -> EnvironmentRep {
    let json = json!({
        "envID": id, "envKey": format!("{id}-key"), "projKey": project, "version": version,
        "sdkKey": { "value": format!("sdk-{id}-{version}") },
        "mobKey": format!("mob-{id}-{version}"),
    });
    EnvironmentRep::parse(json.to_string().as_bytes()).unwrap()
}

/// A filter of a project.
pub(crate) fn filter(project: &str, key: &str) -> FilterRep {
    let json = json!({ "projKey": project, "key": key, "version": 1 });
    FilterRep::parse(json.to_string().as_bytes()).unwrap()
}

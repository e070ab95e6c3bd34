//! What a relay's configuration file says beside options.

use super::source::{Plan, Upstream, Words};
use crate::config;
use highwater_relay::{EnvironmentId, EnvironmentParams, FilterKey, MobileKey, SdkKey};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// An environment, and where its flags come from.
pub(super) type Configured = (EnvironmentParams, Plan);

/// `[[environments]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Environment {
    id: String,
    #[serde(default)]
    name: String,
    sdk_key: Option<String>,
    mobile_key: Option<String>,
    #[serde(default)]
    secure_mode: bool,
    #[serde(default)]
    filters: Vec<String>,
    file: Option<PathBuf>,
    topic: Option<String>,
    upstream: Option<String>,
    upstream_key: Option<String>,
    upstream_protocol: Option<Words>,
}

/// The environments that the file names, at least one. Relative paths are those of the file's
/// folder. Messages do not quote the file: secrets stand there.
pub(super) fn read(file: &Path) -> Result<Vec<Configured>, String> {
    let tables = config::tables(file)?;
    let Some(toml::Value::Array(list)) = tables.get(ENVIRONMENTS) else {
        return Err(format!("no [[{ENVIRONMENTS}]]: there is nothing to serve"));
    };
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut all = Vec::new();
    for (position, value) in list.iter().enumerate() {
        let place = format!("{ENVIRONMENTS}[{position}]");
        let environment: Environment = value
            .clone()
            .try_into()
            .map_err(|error: toml::de::Error| format!("{place}: {}", error.message()))?;
        all.extend(environment.take(folder).map_err(|what| format!("{place}: {what}"))?);
    }
    Ok(all)
}

impl Environment {
    /// The environment, and its filtered variants.
    fn take(self, folder: &Path) -> Result<Vec<Configured>, String> {
        let key = |name: &str, given: Option<String>| match given {
            Some(empty) if empty.is_empty() => Err(format!("{name} is empty")),
            given => Ok(given),
        };
        let sdk_key = key("sdk-key", self.sdk_key)?.and_then(SdkKey::new);
        let upstream_key = key("upstream-key", self.upstream_key)?.and_then(SdkKey::new);
        let upstream_key = upstream_key.or_else(|| sdk_key.clone());
        let plan = match (self.file, self.topic, self.upstream) {
            (Some(file), None, None) => Plan::File(folder.join(file)),
            (None, Some(topic), None) => Plan::Topic(topic.into()),
            (None, None, Some(url)) => Plan::Server(Upstream {
                url: url.into(),
                key: upstream_key.ok_or("upstream needs an upstream-key or an sdk-key")?,
                words: self.upstream_protocol.unwrap_or(Words::FDv1),
            }),
            _ => return Err("it has one of file, topic and upstream".into()),
        };
        if !self.filters.is_empty() && !matches!(plan, Plan::Server(_)) {
            return Err("filters are the upstream's: there is none".into());
        }
        let params = EnvironmentParams {
            id: EnvironmentId::new(self.id),
            name: self.name.into(),
            sdk_key,
            mobile_key: key("mobile-key", self.mobile_key)?.and_then(MobileKey::new),
            secure_mode: self.secure_mode,
            ..EnvironmentParams::default()
        };
        let filtered = self.filters.iter().map(|filter| params.filtered(FilterKey::new(&**filter)));
        let all = [params.clone()].into_iter().chain(filtered);
        Ok(all.map(|params| (params, plan.clone())).collect())
    }
}

pub(super) const ENVIRONMENTS: &str = "environments";

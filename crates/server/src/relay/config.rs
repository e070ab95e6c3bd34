//! What a relay's configuration file says beside options.

use super::hub::Flags;
use super::source::{Files, Plan, Upstream, Words};
use crate::config;
use highwater_relay::{
    AutoConfigKey, AutoConfigOptions, DuplicateKeys, EnvironmentId, EnvironmentParams, FilterKey,
    MobileKey, Retry, SdkKey, StreamOptions, Strictness, WhenRefused,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
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
    project: String,
    #[serde(default)]
    secure_mode: bool,
    #[serde(default)]
    filters: Vec<String>,
    file: Option<PathBuf>,
    #[serde(default)]
    files: Vec<PathBuf>,
    #[serde(default)]
    duplicate_keys: DuplicateKeys,
    topic: Option<String>,
    upstream: Option<String>,
    upstream_key: Option<String>,
    upstream_protocol: Option<Words>,
    #[serde(default)]
    strictness: Strictness,
}

/// `[auto-config]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Told {
    /// Without one, others are told of the environments here.
    key: Option<String>,
    #[serde(default = "launch_darkly")]
    stream_uri: String,
    /// Where the flags are, if not there, too.
    upstream: Option<String>,
    upstream_protocol: Option<Words>,
    cache: Option<PathBuf>,
    #[serde(default)]
    strictness: Strictness,
    #[serde(default)]
    when_refused: WhenRefused,
    #[serde(default)]
    serve_to: Vec<String>,
}

fn launch_darkly() -> String {
    "https://stream.launchdarkly.com".to_owned()
}

/// What a relay serves.
#[derive(Default)]
pub(super) struct Relayed {
    pub(super) environments: Vec<Configured>,
    pub(super) told: Option<AutoConfigured>,
}

/// Environments that somebody tells somebody else of.
pub(super) struct AutoConfigured {
    /// Who tells us; if nobody does, we are the source.
    pub(super) options: Option<AutoConfigOptions>,
    pub(super) flags: Flags,
    /// By which keys others may follow.
    pub(super) serve_to: Vec<AutoConfigKey>,
}

/// The environments that the file names, or who tells of them. Relative paths are those of the
/// file's folder. Messages do not quote the file: secrets stand there.
pub(super) fn read(file: &Path) -> Result<Relayed, String> {
    let mut tables = config::tables(file)?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut environments = Vec::new();
    let list = match tables.remove(ENVIRONMENTS) {
        Some(toml::Value::Array(list)) => list,
        Some(_) => return Err(format!("{ENVIRONMENTS} are given as [[{ENVIRONMENTS}]]")),
        None => Vec::new(),
    };
    for (position, value) in list.into_iter().enumerate() {
        let place = format!("{ENVIRONMENTS}[{position}]");
        let environment: Environment = shaped(&place, value)?;
        environments.extend(environment.take(folder).map_err(|what| format!("{place}: {what}"))?);
    }
    let told = tables.remove(AUTO_CONFIG).map(|value| {
        shaped::<Told>(AUTO_CONFIG, value)?
            .take(folder)
            .map_err(|what| format!("{AUTO_CONFIG}: {what}"))
    });
    Ok(Relayed { environments, told: told.transpose()? })
}

impl Relayed {
    /// Whether there is anything to serve.
    pub(super) fn is_empty(&self) -> bool {
        let is_told = self.told.as_ref().is_some_and(|told| told.options.is_some());
        self.environments.is_empty() && !is_told
    }
}

fn shaped<T: DeserializeOwned>(place: &str, value: toml::Value) -> Result<T, String> {
    // Its message alone: the rest would quote the file, and secrets stand there.
    value.try_into().map_err(|error: toml::de::Error| format!("{place}: {}", error.message()))
}

impl Told {
    fn take(self, folder: &Path) -> Result<AutoConfigured, String> {
        let key = |text: String| AutoConfigKey::new(text).ok_or("a key is empty".to_owned());
        let url = self.upstream.unwrap_or_else(|| self.stream_uri.clone()).into();
        let words = self.upstream_protocol.unwrap_or(Words::FDv1);
        let (strictness, when_refused) = (self.strictness, self.when_refused);
        let serve_to: Vec<_> = self.serve_to.into_iter().map(key).collect::<Result<_, _>>()?;
        let options = match self.key {
            Some(given) => Some(AutoConfigOptions {
                stream_uri: self.stream_uri,
                key: key(given)?,
                cache: self.cache.map(|cache| folder.join(cache)),
                stream: StreamOptions {
                    strictness,
                    retry: Retry { when_refused, ..Retry::default() },
                    ..StreamOptions::default()
                },
            }),
            None if serve_to.is_empty() => return Err("it has a key, or keys to serve-to".into()),
            None => None,
        };
        Ok(AutoConfigured { options, flags: Flags { url, words, strictness }, serve_to })
    }
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
        let paths: Vec<_> =
            self.file.iter().chain(&self.files).map(|file| folder.join(file)).collect();
        let plan = match (&paths[..], self.topic, self.upstream) {
            ([_, ..], None, None) => Plan::Files(Files { paths, duplicates: self.duplicate_keys }),
            ([], Some(topic), None) => Plan::Topic(topic.into()),
            ([], None, Some(url)) => Plan::Server(Upstream {
                url: url.into(),
                key: upstream_key.ok_or("upstream needs an upstream-key or an sdk-key")?,
                words: self.upstream_protocol.unwrap_or(Words::FDv1),
                strictness: self.strictness,
            }),
            _ => return Err("it has one of file (or files), topic and upstream".into()),
        };
        if !self.filters.is_empty() && !matches!(plan, Plan::Server(_)) {
            return Err("filters are the upstream's: there is none".into());
        }
        let params = EnvironmentParams {
            id: EnvironmentId::new(self.id),
            name: self.name.into(),
            project: self.project.into(),
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
pub(super) const AUTO_CONFIG: &str = "auto-config";

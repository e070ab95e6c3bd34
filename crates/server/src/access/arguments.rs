//! Access as the command line, the environment and the configuration file say it.

use super::glob::Glob;
use super::grant::Grant;
use super::secret::{Digest, Secret};
use super::tokens::{Access, Rules};
use crate::config;
use crate::serve::{Failure, Misuse};
use clap::Args;
use core::convert::Infallible;
use core::fmt;
use core::str::FromStr;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// Who may do what.
#[derive(Args, Clone, Debug)]
pub(crate) struct AccessArguments {
    /// A file of these options by their long names, and of tokens; the environment, and what is
    /// said here, win over it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The administrator's token; better in the environment or in the file, since others of this
    /// machine see what is said here
    #[arg(long, value_name = "SECRET", hide_env_values = true)]
    admin_token: Option<Given>,
    /// Where tokens are kept that the administrator makes [default: in memory]
    #[arg(long, value_name = "FILE")]
    tokens_file: Option<PathBuf>,
}

impl AccessArguments {
    /// The configuration file.
    pub(crate) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// Reads what the configuration says of tokens, and those that were made before.
    ///
    /// `data` is where the engine keeps what it keeps, if it does; tables of these names are read by
    /// others.
    pub(crate) fn access(self, data: Option<&Path>, others: &[&str]) -> Result<Access, Failure> {
        let Tables { anonymous, tokens } = match &self.config {
            Some(file) => config::tables(file)
                .and_then(|tables| Tables::of(tables, others))
                .map_err(|error| Misuse(format!("{}: {error}", file.display()).into()))?,
            None => Tables::default(),
        };
        let admin = self.admin_token.map(|Given(text)| {
            let secret = text.parse::<Secret>();
            secret.map_err(|error| Misuse(format!("the admin token: {error}").into()))
        });
        let admin = admin.transpose()?.map(|secret| secret.digest());
        let file = self.tokens_file.or_else(|| data.map(|folder| folder.join("tokens.json")));
        let access = Access::open(Rules { admin, anonymous, tokens, file })
            .map_err(|error| format!("tokens: {error}"))?;
        Ok(access)
    }
}

/// A secret as it was given: not looked at here, so that no message repeats it.
#[derive(Clone)]
struct Given(String);

impl FromStr for Given {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.into()))
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given(not shown)")
    }
}

/// What the file says beside options.
#[derive(Debug, Default)]
struct Tables {
    anonymous: Option<Grant>,
    tokens: Vec<(Box<str>, Digest, Grant)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Anonymous {
    #[serde(default)]
    read: Vec<Glob>,
    #[serde(default)]
    write: Vec<Glob>,
    #[serde(default)]
    consume: Vec<Glob>,
    #[serde(default)]
    manage: Vec<Glob>,
    #[serde(default)]
    metrics: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    name: Box<str>,
    secret: Option<Secret>,
    sha256: Option<Digest>,
    #[serde(default)]
    read: Vec<Glob>,
    #[serde(default)]
    write: Vec<Glob>,
    #[serde(default)]
    consume: Vec<Glob>,
    #[serde(default)]
    manage: Vec<Glob>,
    #[serde(default)]
    metrics: bool,
}

impl Tables {
    fn of(tables: toml::Table, others: &[&str]) -> Result<Self, String> {
        let mut read = Self::default();
        for (name, value) in tables {
            match (&*name, value) {
                ("anonymous", value) => {
                    let Anonymous { read: may_read, write, consume, manage, metrics } =
                        shaped("anonymous", value)?;
                    let grant = Grant { read: may_read, write, consume, manage, metrics };
                    read.anonymous = Some(grant);
                }
                ("tokens", toml::Value::Array(list)) => {
                    for (position, value) in list.into_iter().enumerate() {
                        let place = format!("tokens[{position}]");
                        read.tokens.push(shaped::<Token>(&place, value)?.take(&place)?);
                    }
                }
                ("tokens", _) => return Err("tokens are given as [[tokens]]".into()),
                (other, _) if others.contains(&other) => {}
                (other, _) => return Err(format!("there is no table [{other}]")),
            }
        }
        Ok(read)
    }
}

impl Token {
    fn take(self, place: &str) -> Result<(Box<str>, Digest, Grant), String> {
        let Self { name, secret, sha256, read, write, consume, manage, metrics } = self;
        let digest = match (secret, sha256) {
            (Some(secret), None) => secret.digest(),
            (None, Some(digest)) => digest,
            _ => return Err(format!("{place}: a token has either a secret or its sha256")),
        };
        Ok((name, digest, Grant { read, write, consume, manage, metrics }))
    }
}

fn shaped<T: DeserializeOwned>(place: &str, value: toml::Value) -> Result<T, String> {
    // Its message alone: the rest would quote the file, and secrets stand there.
    value.try_into().map_err(|error: toml::de::Error| format!("{place}: {}", error.message()))
}

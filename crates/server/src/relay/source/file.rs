//! Flag data in files, read again when one changes.

use crate::relay::environment::Environment;
use core::time::Duration;
use highwater_relay::{DuplicateKeys, FlagData, FlagFile};
use std::path::PathBuf;
use tokio::time::sleep;

/// Files that are read as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Files {
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) duplicates: DuplicateKeys,
}

/// Looks at the files from time to time. What cannot be read leaves everything as it is.
pub(super) async fn follow(environment: &Environment, files: &Files) {
    let (mut data, mut seen) = (FlagData::default(), None);
    loop {
        let texts = files.read().await;
        if seen.as_ref() != Some(&texts) {
            let variant = environment.params().variant();
            let done = texts.as_ref().map_err(Clone::clone).and_then(|texts| {
                let texts = texts.iter().map(|(name, text)| FlagFile { name, text });
                let all = data.read_files(&texts.collect::<Vec<_>>(), files.duplicates);
                let all = all.map_err(|error| error.to_string())?;
                environment.change_to(&all).map_err(|error| error.to_string())?;
                Ok(all.items().count())
            });
            match done {
                Ok(items) => tracing::info!(environment = %variant, items, "flag data read"),
                Err(error) => {
                    tracing::error!(environment = %variant, %error, "flag data not read");
                    environment.heard();
                }
            }
            seen = Some(texts);
        }
        sleep(BETWEEN_LOOKS).await;
    }
}

impl Files {
    /// Their names and what is in them.
    async fn read(&self) -> Result<Vec<(String, String)>, String> {
        let mut texts = Vec::new();
        for path in &self.paths {
            let name = path.display().to_string();
            let text = tokio::fs::read_to_string(path).await;
            texts.push((name.clone(), text.map_err(|error| format!("{name}: {error}"))?));
        }
        Ok(texts)
    }
}

const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

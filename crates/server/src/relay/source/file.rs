//! Flag data in a file, read again when it changes.

use crate::relay::environment::Environment;
use core::time::Duration;
use highwater_relay::FlagData;
use std::path::Path;
use tokio::time::sleep;

/// Looks at the file from time to time. What cannot be read leaves everything as it is.
pub(super) async fn follow(environment: &Environment, path: &Path) {
    let (mut data, mut seen) = (FlagData::default(), None);
    loop {
        let read = tokio::fs::read_to_string(path).await.map_err(|error| error.to_string());
        if seen.as_ref() != Some(&read) {
            let variant = environment.params().variant();
            let done = read.clone().and_then(|text| {
                let all = data.read(&text).map_err(|error| error.to_string())?;
                environment.change_to(&all).map_err(|error| error.to_string())?;
                Ok(all.items().count())
            });
            match done {
                Ok(items) => tracing::info!(environment = %variant, items, "flag data read"),
                Err(error) => {
                    let file = path.display();
                    tracing::error!(environment = %variant, %file, %error, "flag data not read");
                    environment.heard();
                }
            }
            seen = Some(read);
        }
        sleep(BETWEEN_LOOKS).await;
    }
}

const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

//! How a stream stands, in words.

use super::text::clean;
use core::time::Duration;
use highwater::Status;

/// A status on one line.
pub(super) fn status(status: &Status) -> String {
    let mut words = vec![status.phase.as_str().to_owned()];
    words.extend(status.cursor.as_deref().map(|cursor| format!("at {}", clean(cursor))));
    words.extend(verdict(status).map(str::to_owned));
    if status.attempt > 0 {
        words.push(format!("attempt {}", status.attempt));
    }
    let line = words.join(", ");
    match &status.fault {
        Some(fault) => format!("{line}: {}", clean(&fault.to_string())),
        None => line,
    }
}

/// What became of the last resume.
pub(super) fn verdict(status: &Status) -> Option<&'static str> {
    status.resumed.map(|resumed| if resumed { "resumed" } else { "not resumed" })
}

/// A time in its greatest unit.
pub(super) fn time(time: Duration) -> String {
    match time.as_secs() {
        0..60 => format!("{} s", time.as_secs()),
        60..3600 => format!("{} min", time.as_secs() / 60),
        _ => format!("{} h", time.as_secs() / 3600),
    }
}

//! Suite `streams`: recorded connections of the auto-configuration stream and of `/all`.
//!
//! Script: `{"suite":"streams","protocol","connections":[{"status","chunks":[BASE64],"after"}]}`.
//! Observed: `{"requests":[{"query"}],"connections":[{"chunks":[{"commits":[{"snapshot","changes",
//! "known"}]}],"dropped"}],"known","phase","opened"}`: what each piece of a body committed, and what
//! is known after it (`{KIND:{KEY:{"version","tombstone","value"?}}}`, versions and values as text).

mod calls;
mod native;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::subject::{array, same, tags, text};
use crate::{Departures, Error, Outcome, Subject, Verdict, suite};

pub(crate) use calls::sorted;
pub(crate) use native::observe;

const SUITE: &str = "streams";

/// The kind of those transcripts that are of auto-config.
pub(crate) const AUTOCONFIG: &str = "autoconfig";

/// Runs every transcript, and those that say what we do where we depart from one.
pub fn run(
    runner: &str,
    subject: &mut dyn Subject,
    departures: &Departures,
) -> Result<Outcome, Error> {
    let mut outcome = Outcome::new(SUITE, runner);
    for path in suite::files(SUITE)? {
        let transcript: Value = suite::read(&path)?;
        let verdict = match text(&transcript, "kind")? {
            AUTOCONFIG | "all" => {
                let body = |name: &str| suite::bytes(&path.with_file_name(name));
                Verdict::of(check(subject, &transcript, &body))
            }
            _ => Verdict::Skipped,
        };
        outcome.record(text(&transcript, "name")?, tags(&transcript), verdict, departures);
    }
    Ok(outcome)
}

fn check(
    subject: &mut dyn Subject,
    transcript: &Value,
    body: &dyn Fn(&str) -> Result<Vec<u8>, Error>,
) -> Result<(), Error> {
    let autoconfig = text(transcript, "kind")? == AUTOCONFIG;
    let recorded = array(transcript, "connections")?;
    let observed = subject.observe(&json!({
        "suite": SUITE,
        "protocol": if autoconfig { AUTOCONFIG } else { "relay" },
        "connections": recorded
            .iter()
            .map(|connection| script(connection, body))
            .collect::<Result<Vec<_>, _>>()?,
    }))?;

    let queries: Vec<&Value> = array(&observed, "requests")?.iter().map(|r| &r["query"]).collect();
    let requests = array(transcript, "requests")?;
    same("the number of requests", &queries.len().into(), &requests.len().into())?;
    for (at, (query, request)) in queries.iter().zip(requests).enumerate() {
        // A payload filter is a part of the address that the application gives.
        let filter = request["query"].as_str().is_some_and(|query| query.starts_with("filter="));
        let wanted = if filter { json!("") } else { request["query"].clone() };
        same(&format!("the query of request {at}"), query, &wanted)?;
    }

    let connections = array(&observed, "connections")?;
    same("the number of connections", &connections.len().into(), &recorded.len().into())?;
    for (at, (connection, ran)) in recorded.iter().zip(connections).enumerate() {
        let steps = connection["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
        let chunks = array(ran, "chunks")?;
        let pieces = format!("the number of pieces of connection {at}");
        same(&pieces, &chunks.len().into(), &steps.len().into())?;
        for (step, (wanted, chunk)) in steps.iter().zip(chunks).enumerate() {
            let place = format!("connection {at}, piece {step}, calls");
            let calls = if autoconfig { calls::autoconfig(chunk)? } else { calls::all(chunk)? };
            same(&place, &calls::sorted(calls), &calls::sorted(array(wanted, "calls")?.to_vec()))?;
        }
        let drop = connection["after"] == "client must drop the connection";
        same(&format!("whether connection {at} was dropped"), &ran["dropped"], &drop.into())?;
    }

    let wanted = &transcript["final"];
    if autoconfig {
        same(
            "environments known",
            &calls::table(&observed["known"], "environments")?,
            &wanted["env_receiver"],
        )?;
        same(
            "filters known",
            &calls::table(&observed["known"], "filters")?,
            &wanted["filter_receiver"],
        )?;
        let ready = transcript["ready"] == "ok";
        return same("whether it became ready", &observed["opened"], &ready.into());
    }
    same("flags", &calls::models(&observed["known"], "flags")?, &wanted["flags"])?;
    same("segments", &calls::models(&observed["known"], "segments")?, &wanted["segments"])?;
    let state = match text(&observed, "phase")? {
        "live" => "VALID",
        "stopped" => "OFF",
        "stale" => "INTERRUPTED",
        _ => "INITIALIZING",
    };
    same("the data source's state", &state.into(), &wanted["data_source_state"])?;
    let initialized = calls::has_snapshot(connections);
    same("whether there was a put", &initialized.into(), &wanted["initialized"])
}

/// A recorded connection as it is fed.
pub(crate) fn script(
    connection: &Value,
    body: &dyn Fn(&str) -> Result<Vec<u8>, Error>,
) -> Result<Value, Error> {
    let mut chunks = Vec::new();
    if let Some(file) = connection["file"].as_str() {
        let body = body(file)?;
        let mut start = 0;
        for end in array(connection, "chunks")? {
            let end = end.as_u64().and_then(|end| usize::try_from(end).ok());
            let chunk = end.and_then(|end| Some((end, body.get(start..end)?)));
            let (end, chunk) = chunk.ok_or_else(|| Error::new(format!("{file}: bad chunks")))?;
            chunks.push(STANDARD.encode(chunk));
            start = end;
        }
    }
    let closes = connection["after"] == "server closes";
    Ok(json!({ "status": connection["status"], "chunks": chunks, "closes": closes }))
}

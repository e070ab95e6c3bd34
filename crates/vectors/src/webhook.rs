//! Suite `webhook`: what a receiver gets, and which of its answers deliver. Against a real receiver.
//!
//! Scripts: `{suite, do, …}` with what the entries of the recording have. Observed: the same members
//! as are recorded.

#[path = "../../eventstreams/tests/receiver/mod.rs"]
mod receiver;

use highwater_eventstreams::{
    Attempt, Batch, Configuration, DispatcherFactory as _, Event, EventStreamSpec, Outcome as Came,
    WebhookFactory, is_public_address,
};
use receiver::Receiver;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::subject::{same, text};
use crate::{Departures, Error, Outcome, Subject, Verdict, suite};

const SUITE: &str = "webhook";

/// Runs the suite.
pub fn run(
    runner: &str,
    subject: &mut dyn Subject,
    departures: &Departures,
) -> Result<Outcome, Error> {
    let mut outcome = Outcome::new(SUITE, runner);
    for path in suite::files(SUITE)? {
        let file: Value = suite::read(&path)?;
        if file["request"].is_object() {
            let script = json!({ "suite": SUITE, "do": "request" });
            let verdict = Verdict::of(subject.observe(&script).and_then(|observed| {
                for member in ["method", "body"] {
                    same(member, &observed[member], &file["request"][member])?;
                }
                for name in ["Content-Type", "Accept", "Accept-Encoding"] {
                    let recorded = &file["request"]["headers"][name];
                    same(name, &observed["headers"][name.to_lowercase()], recorded)?;
                }
                Ok(())
            }));
            outcome.record("request", [], verdict, departures);
        }
        for (section, member) in SECTIONS {
            for entry in file[section].as_array().into_iter().flatten() {
                let recorded = entry[member].to_string();
                let id = entry["name"].as_str().map_or_else(
                    || format!("{section} {}", recorded.trim_matches('"')),
                    str::to_owned,
                );
                let verdict = judge(subject, section, entry);
                outcome.record(&id, tag(section, entry), verdict, departures);
            }
        }
    }
    Ok(outcome)
}

/// The sections of a recording, and what their entries are known by.
const SECTIONS: [(&str, &str); 5] = [
    ("statuses", "status"),
    ("redirects", "status"),
    ("privateAddressFilter", "ip"),
    ("privateHosts", "url"),
    ("other", "case"),
];

fn judge(subject: &mut dyn Subject, section: &str, entry: &Value) -> Verdict {
    let mut script = entry.clone();
    script["suite"] = SUITE.into();
    script["do"] = section.into();
    match subject.observe(&script) {
        Ok(Value::Null) => Verdict::Skipped,
        Err(error) => Verdict::of(Err(error)),
        Ok(observed) => {
            let members = [
                "outcome",
                "followedWithMethod",
                "bodyResent",
                "blocked",
                "error",
                "sent",
                "shown",
            ];
            let recorded = members.iter().filter(|member| !entry[**member].is_null());
            let mut all = recorded.map(|member| same(member, &observed[*member], &entry[*member]));
            // What is only told in words is judged where it is observed.
            let told = same("as told", &observed["differs"], &Value::Null);
            Verdict::of(told.and_then(|()| all.try_for_each(|judged| judged)))
        }
    }
}

/// The recording's own entries have no tags: these are what the specification calls defects.
fn tag(section: &str, entry: &Value) -> Option<&'static str> {
    let case = entry["case"].as_str().unwrap_or_default();
    let defect = match section {
        "statuses" => entry["status"].as_u64().is_some_and(|status| (300..400).contains(&status)),
        "redirects" => true,
        "privateAddressFilter" => entry["blocked"] == false,
        "other" => ["IPv6-only", "stream-level http", "URL that cannot"]
            .iter()
            .any(|c| case.starts_with(c)),
        _ => false,
    };
    defect.then_some("upstream-deviation")
}

/// Runs a script on the dispatcher.
pub(crate) fn observe(script: &Value) -> Result<Value, Error> {
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let executor = executor.map_err(|error| Error::new(error.to_string()))?;
    executor.block_on(async {
        match text(script, "do")? {
            "request" => Ok(request(json!({})).await),
            "statuses" => status(script, "").await,
            "redirects" => redirect(script).await,
            "privateAddressFilter" => {
                let address = text(script, "ip")?.parse();
                let address = address.map_err(|_| Error::new("an address that is none"))?;
                Ok(json!({ "blocked": !is_public_address(address) }))
            }
            "privateHosts" => Ok(attempted(true, json!({ "url": script["url"] })).await),
            "other" => other(text(script, "case")?).await,
            unknown => Err(Error::new(format!("nothing is known of {unknown}"))),
        }
    })
}

/// What a receiver gets from a stream with these options.
async fn request(mut options: Value) -> Value {
    let mut receiver = Receiver::answering(200, "").await;
    options["url"] = receiver.url("/hook?a=b").into();
    attempted(false, options).await;
    let Some(request) = receiver.came() else { return json!({ "differs": "nothing came" }) };
    let headers: serde_json::Map<_, _> =
        request.headers.into_iter().map(|(name, value)| (name, value.into())).collect();
    let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
    json!({ "method": request.method, "path": request.path, "headers": headers, "body": body })
}

async fn status(script: &Value, headers: &str) -> Result<Value, Error> {
    let status = script["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    let status = status.ok_or_else(|| Error::new("a status is a number"))?;
    let receiver = Receiver::answering(status, headers).await;
    Ok(attempted(false, json!({ "url": receiver.url("/") })).await)
}

async fn redirect(script: &Value) -> Result<Value, Error> {
    let mut elsewhere = Receiver::answering(200, "").await;
    let to = format!("location: {}\r\n", elsewhere.url("/"));
    let mut observed = status(script, &to).await?;
    let followed = elsewhere.came();
    let method = followed.as_ref().map_or("none", |request| &request.method);
    observed["followedWithMethod"] = method.into();
    observed["bodyResent"] = followed.is_some_and(|request| !request.body.is_empty()).into();
    Ok(observed)
}

/// Null for a case that is not known here.
async fn other(case: &str) -> Result<Value, Error> {
    let told = |holds: bool| if holds { json!({}) } else { json!({ "differs": case }) };
    let starts = |with: &str| case.starts_with(with);
    Ok(if starts("lower-case method") {
        json!({ "sent": request(json!({ "method": "post" })).await["method"] })
    } else if starts("GET sends no body") {
        told(request(json!({ "method": "GET" })).await["body"].is_null())
    } else if starts("headers map") {
        let headers = json!({ "X-Text": "a", "X-Number": 1, "Content-Type": "text/plain" });
        let headers = request(json!({ "http": { "headers": headers } })).await["headers"].take();
        let number = headers["x-number"].is_null();
        told(headers["x-text"] == "a" && number && headers["content-type"] == "application/json")
    } else if starts("authUsername") {
        let http = json!({ "authUsername": "u", "authPassword": "p" });
        let request = request(json!({ "http": http })).await;
        told(request["headers"]["authorization"] == "Basic dTpw")
    } else if starts("query string") {
        told(request(json!({})).await["path"] == "/hook?a=b")
    } else if starts("IPv6-only host") {
        attempted(true, json!({ "url": "http://[::1]/" })).await
    } else if starts("connection refused") {
        let nobody = Receiver::answering(200, "").await.url("/");
        attempted(false, json!({ "url": nobody })).await
    } else if starts("stream-level http object") {
        let mut spec = spec(json!({ "url": "http://h.example/", "http": { "headers": {} } }));
        factory(false).fill_in(&mut spec);
        let shown = spec.webhook.and_then(|webhook| webhook.http?.request_timeout);
        let shown = shown.map(|shown| shown.to_string());
        // The recording has no defaults there at all.
        json!({ "shown": shown, "differs": case.contains("no request timeout").then_some("there is one") })
    } else if starts("URL that cannot be parsed") {
        let refused = factory(false).validate(&spec(json!({ "url": "http://[" }))).err();
        let differs = case.contains("accepted").then_some("it is refused");
        json!({ "error": refused.map(|error| error.code()), "differs": differs })
    } else {
        Value::Null
    })
}

/// What one attempt of a stream with these options comes to.
async fn attempted(only_public: bool, webhook: Value) -> Value {
    let (factory, mut spec) = (factory(only_public), spec(webhook));
    factory.fill_in(&mut spec);
    let came = match factory.dispatcher(&spec) {
        Err(error) => error.into(),
        Ok(dispatcher) => {
            let event = Event::new("t", "1", r#"{"field1":5}"#).expect("it is an object");
            let (batch, cancel) = (Batch::new(vec![event]), CancellationToken::new());
            dispatcher.attempt(Attempt { number: 0, batch, cancel }).await
        }
    };
    match came {
        Came::Delivered => json!({ "outcome": "ok" }),
        Came::Failed(failure) => json!({ "outcome": "fail", "error": failure.error.code() }),
    }
}

fn factory(only_public: bool) -> WebhookFactory {
    let configuration =
        Configuration { disable_private_ips: only_public, ..Configuration::default() };
    WebhookFactory::new(&configuration).expect("the defaults make sense")
}

fn spec(webhook: Value) -> EventStreamSpec {
    let webhook = serde_json::from_value(webhook).expect("they are a webhook's options");
    EventStreamSpec { webhook: Some(webhook), ..EventStreamSpec::default() }
}

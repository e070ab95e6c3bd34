//! The demo's flags: a topic, and what LaunchDarkly's SDKs connect to.

use crate::app::App;
use crate::relay;
use crate::serve::Failure;
use axum::Router;
use highwater_publisher::{Id, Object, Operation, Transaction};

/// Puts some flags into a topic, and serves it to SDKs.
pub(super) async fn serve(app: &App) -> Result<Router, Failure> {
    let mut flags = Transaction::new();
    for (key, values, on) in FLAGS {
        let flag = format!(
            r#"{{"on":{on},"variations":{values},"fallthrough":{{"variation":1}},"offVariation":0,
                "clientSideAvailability":{{"usingEnvironmentId":true,"usingMobileKey":true}}}}"#
        );
        flags.push(Operation::put(Id::new("flag", key)?, Object::parse(&flag)?));
    }
    let done = app.topics().commit(TOPIC, flags).await;
    done.map_err(|error| error.of_list("flags").message().to_owned())?;
    Ok(relay::of_topic(app, TOPIC, ENVIRONMENT))
}

const TOPIC: &str = "flags";
/// The environment's id and keys: here is nothing to keep secret.
const ENVIRONMENT: &str = "demo";
/// Each with its values, off and on.
const FLAGS: [(&str, &str, bool); 3] = [
    ("dark-mode", "[false,true]", false),
    ("greeting", r#"["hello","good evening"]"#, true),
    ("page-size", "[25,100]", false),
];

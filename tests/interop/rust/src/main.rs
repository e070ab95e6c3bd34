//! LaunchDarkly's SDK for Rust, told what to do line by line: `highwater-interop RELAY SDK-KEY`.

use core::error::Error;
use core::time::Duration;

use launchdarkly_sdk_transport::HyperTransport;
use launchdarkly_server_sdk::{
    Client, ConfigBuilder, ContextBuilder, EventProcessorBuilder, FlagDetailConfig, FlagValue,
    ServiceEndpointsBuilder, StreamingDataSourceBuilder,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, stdin};

/// What is asked for.
#[derive(Deserialize)]
struct Line {
    id: u64,
    user: String,
    #[serde(default)]
    flag: String,
    #[serde(default)]
    all: bool,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    env_logger::Builder::new().filter_level(log::LevelFilter::Info).init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [relay, key] = &arguments[..] else { return Err("RELAY and SDK-KEY are missing".into()) };
    let transport = HyperTransport::new()?;
    let mut source = StreamingDataSourceBuilder::new();
    source.transport(transport.clone()).initial_reconnect_delay(Duration::from_millis(100));
    let mut events = EventProcessorBuilder::new();
    events.transport(transport);
    let config = ConfigBuilder::new(key)
        .service_endpoints(ServiceEndpointsBuilder::new().relay_proxy(relay))
        .data_source(&source)
        .event_processor(&events)
        .build()?;
    let client = Client::build(config)?;
    client.start_with_default_executor();
    match client.wait_for_initialization(Duration::from_secs(30)).await {
        Some(true) => println!("{}", json!({ "ready": true })),
        Some(false) => println!("{}", json!({ "failed": "it failed" })),
        None => println!("{}", json!({ "failed": "not in time" })),
    }
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let Line { id, user, flag, all } = serde_json::from_str(&line)?;
        let context = ContextBuilder::new(user).build()?;
        let said = if all {
            let detail = client.all_flags_detail(&context, FlagDetailConfig::new());
            json!({ "id": id, "all": detail })
        } else {
            let none = FlagValue::Str("none".into());
            let value = client.variation_detail(&context, &flag, none).value;
            json!({ "id": id, "value": value.map_or(Value::Null, |value| json!(value)) })
        };
        println!("{said}");
    }
    client.close();
    Ok(())
}

//! Streams that have nothing to deliver.

use super::ours::{Ours, call};
use crate::Result;
use core::fmt;
use core::time::Duration;
use futures_util::SinkExt as _;
use serde::Serialize;
use serde_json::json;
use std::path::Path;
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::Message;

/// What so many of them cost.
#[derive(Debug, Serialize)]
pub(super) struct Idle {
    streams: usize,
    kib_each: f64,
    /// Of a core, beyond what the server takes without them.
    cpu_share: f64,
    cpu_share_without: f64,
}

/// Half of the streams are WebSocket's, with a worker that takes part in all of them, and half are webhooks.
pub(super) async fn measure(program: &Path, count: usize, seconds: f64) -> Result<Idle> {
    let ours = Ours::start(program)?;
    let url = format!("ws://{}/ws", ours.address);
    let socket = TcpStream::connect(ours.address).await?;
    let (mut worker, _) = tokio_tungstenite::client_async(url, socket).await?;
    // A few before, so that what is needed once is there.
    make(&ours, &mut worker, 0..WARM).await?;
    let cpu_share_without = share(&ours, seconds).await?;
    let before = ours.process.memory()?;
    make(&ours, &mut worker, WARM..WARM + count).await?;
    let cpu_share = share(&ours, seconds).await? - cpu_share_without;
    let more = ours.process.memory()? - before;
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53")]
    let kib_each = more / count as f64;
    Ok(Idle { streams: count, kib_each, cpu_share, cpu_share_without })
}

/// Each has a topic of its own that was written to, and has delivered what was there to a worker or not.
async fn make(
    ours: &Ours,
    worker: &mut tokio_tungstenite::WebSocketStream<TcpStream>,
    which: core::ops::Range<usize>,
) -> Result {
    for number in which {
        let (name, topic) = (format!("idle-{number}"), format!("topic-{}", number % TOPICS));
        let mut stream = json!({ "source": topic, "topicFilter": "order/.*" });
        if number % 2 == 0 {
            let start = json!({ "type": "start", "stream": name }).to_string();
            worker.send(Message::text(start)).await?;
        } else {
            stream["type"] = "webhook".into();
            stream["webhook"] = json!({ "url": "http://127.0.0.1:9/" });
        }
        call(ours.address, "PUT", &format!("/v1/topics/{topic}/other/1"), &json!({})).await?;
        call(ours.address, "PUT", &format!("/v1/eventstreams/{name}"), &stream).await?;
    }
    Ok(())
}

/// How much of a core the server takes.
async fn share(ours: &Ours, seconds: f64) -> Result<f64> {
    sleep(Duration::from_secs(2)).await; // what was begun ends
    let before = ours.process.cpu()?;
    sleep(Duration::from_secs_f64(seconds)).await;
    Ok(ours.process.cpu()?.saturating_sub(before).as_secs_f64() / seconds)
}

impl fmt::Display for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { streams, kib_each, cpu_share, cpu_share_without } = self;
        let said = |reached: bool| if reached { '✓' } else { '✗' };
        write!(
            f,
            "{streams} streams that have nothing to deliver: {kib_each:.1} KiB each (≤ 16 {}), {:.2} % of a core (none {}; {:.2} % without them)",
            said(*kib_each <= 16.0),
            cpu_share * 100.0,
            said(*cpu_share <= 0.001),
            cpu_share_without * 100.0,
        )
    }
}

const WARM: usize = 50;
const TOPICS: usize = 100;

//! A reader that takes nothing for a while.

use crate::common::{PATIENCE, Server, unread};
use highwater_publisher::Options;
use highwater_server::Settings;
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_is_cut_over_on_the_same_connection() {
    let topic = Options { log_transactions: 4, ..Options::default() };
    let server = Server::with(Settings { topic, ..Settings::default() }).await;
    server.put("/v1/topics/t/a/1", "{}").await;

    let mut socket = unread(&server).await;

    // Far more than the buffers between take, and far more transactions than the log keeps.
    let filler = "x".repeat(512 << 10);
    for n in 2..=100 {
        let (status, _) =
            server.put("/v1/topics/t/a/1", &format!("{{\"n\":{n},\"filler\":\"{filler}\"}}")).await;
        assert_eq!(status, 200);
    }

    let (mut text, mut chunk) = (Vec::new(), vec![0; 1 << 20]);
    let tail = |text: &[u8]| {
        String::from_utf8_lossy(&text[text.len().saturating_sub(1000)..]).into_owned()
    };
    while !tail(&text).contains("\"version\":100}\n\n") {
        let read = timeout(PATIENCE, socket.read(&mut chunk)).await.expect("it goes on").unwrap();
        assert_ne!(read, 0, "it stays open");
        text.extend_from_slice(&chunk[..read]);
    }
    let text = String::from_utf8_lossy(&text);
    let intent =
        text.find("\"intentCode\":\"xfer-full\",\"reason\":\"too-slow\"").expect("it is cut over");
    let told = text[..intent].matches("event: payload-transferred").count();
    assert!(told < 95, "the rest of {told} was not queued for it");
    assert!(text[intent..].contains("\"n\":100,"), "and ends at the newest state");
}

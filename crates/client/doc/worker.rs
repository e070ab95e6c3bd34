/// A tiny server for the examples: to whoever starts a stream, a batch of two orders; and the same
/// again until somebody takes it.
async fn serve_batches() -> String {
    use futures_util::{SinkExt as _, StreamExt as _};
    use tokio_tungstenite::tungstenite::Message;
    const BATCH: &str = concat!(
        r#"{"batchNumber":1,"stream":"billing","type":"event_batch","events":["#,
        r#"{"key":"1","kind":"order","object":{"total":3},"sequenceId":"01","topic":"order/1","version":1},"#,
        r#"{"key":"2","kind":"order","object":{"total":2},"sequenceId":"02","topic":"order/2","version":2}]}"#,
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/ws", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let mut socket = tokio_tungstenite::accept_async(socket).await.unwrap();
            while let Some(Ok(Message::Text(said))) = socket.next().await {
                if !said.contains("\"ack\"") {
                    socket.send(Message::text(BATCH)).await.unwrap();
                }
            }
        }
    });
    url
}

//! What one writes with axum and tokio in an afternoon: frames encoded once, a broadcast channel,
//! a body that streams.

use crate::Result;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use core::convert::Infallible;
use futures_util::stream::unfold;
use std::io::Write as _;
use tokio::net::TcpListener;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Sender, channel};

pub(crate) fn serve(address: &str) -> Result {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await?;
        println!("listening on http://{}", listener.local_addr()?);
        std::io::stdout().flush()?;
        let router = Router::new()
            .route("/pub", post(publish))
            .route("/sub", get(subscribe))
            .with_state(channel(1024).0);
        let listener = axum::serve::ListenerExt::tap_io(listener, |socket| {
            let _ = socket.set_nodelay(true);
        });
        axum::serve(listener, router).await?;
        Ok(())
    })
}

async fn publish(State(sender): State<Sender<Bytes>>, body: Bytes) {
    let frame = [b"data: ", &*body, b"\n\n"].concat();
    let _ = sender.send(frame.into()); // nobody may be there
}

async fn subscribe(State(sender): State<Sender<Bytes>>) -> impl IntoResponse {
    let frames = unfold(sender.subscribe(), async |mut receiver| {
        loop {
            match receiver.recv().await {
                Ok(frame) => return Some((Ok::<_, Infallible>(frame), receiver)),
                Err(RecvError::Lagged(_)) => {} // and what was missed is missed
                Err(RecvError::Closed) => return None,
            }
        }
    });
    ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(frames))
}

//! Event streams: batches, checkpoints, and delivery by WebSocket and webhook.
#![forbid(unsafe_code)]

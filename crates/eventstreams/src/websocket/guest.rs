//! What a client of the WebSocket server may.

/// A client, as the server around this one knows it.
pub trait Guest: Send + Sync + 'static {
    /// Whether it may be here, still; if not, the words that it is told when it is shown out.
    fn may_stay(&self) -> Result<(), String>;

    /// Whether it may take part in a stream, and answer for its batches.
    fn may_consume(&self, stream: &str) -> Result<(), String>;
}

/// Anybody, on a server that is open to everybody.
#[derive(Debug)]
pub(super) struct Anybody;

impl Guest for Anybody {
    fn may_stay(&self) -> Result<(), String> {
        Ok(())
    }

    fn may_consume(&self, _: &str) -> Result<(), String> {
        Ok(())
    }
}

//! Where a server is, and how it is asked: the same for every sub-command that is a client of one.

use crate::serve::Misuse;
use clap::Args;

/// The server that a topic is of.
#[derive(Args, Clone, Debug)]
pub(crate) struct ServerArgument {
    /// The server that has the topic
    #[arg(long, default_value = "http://127.0.0.1:7070", value_name = "URL")]
    server: String,
}

impl ServerArgument {
    /// The address of something of a topic.
    pub(crate) fn address(&self, topic: &str, what: &str) -> String {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        let escaped = |byte: u8| match byte {
            byte if plain(byte) => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        };
        let name: String = topic.bytes().map(escaped).collect();
        format!("{}/v1/topics/{name}/{what}", self.server.trim_end_matches('/'))
    }
}

/// A header as it is given on the command line.
pub(crate) fn header(text: &str) -> Result<(&str, &str), Misuse> {
    // The header is not repeated in the message: it may be a secret.
    let wrong = || Misuse("a --header is a name, a colon and a value: 'Name: value'".into());
    let (name, value) = text.split_once(':').ok_or_else(wrong)?;
    Ok((name.trim(), value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_can_be_a_topic_s() {
        let server = ServerArgument { server: "http://localhost:7070/".into() };
        let check = |topic, path: &str| {
            let expect = format!("http://localhost:7070/v1/topics/{path}/stream");
            assert_eq!(server.address(topic, "stream"), expect);
        };
        check("flags", "flags");
        check("a b/c?d#e", "a%20b%2Fc%3Fd%23e");
        check("ü", "%C3%BC");
    }
}

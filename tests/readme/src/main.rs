//! README's Rust as a program: `highwater-readme ADDRESS`.

/// What README leaves to the reader: a type of values.
#[derive(serde::Deserialize)]
#[expect(dead_code, reason = "README reads it, and looks no further")]
struct Process {
    name: String,
}

#[expect(unused_variables, reason = "README shows how to read a value, not what to do then")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), highwater::Error> {
    let address = std::env::args().nth(1).unwrap_or_default();
    include!(concat!(env!("OUT_DIR"), "/readme.rs"));
    Ok(())
}

//! Takes README's Rust out of it. Nothing of it is changed but the address, which the test chooses.

use core::error::Error;
use std::path::Path;
use std::{env, fs};

const README: &str = "../../README.md";
const ADDRESS: &str = "\"http://127.0.0.1:7070/v1/topics/machine/stream\"";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={README}");
    let readme = fs::read_to_string(README)?;
    let mut blocks = readme.split("```rust\n").skip(1);
    let (Some(block), None) = (blocks.next(), blocks.next()) else {
        return Err("README has not exactly one block of Rust".into());
    };
    let (code, _) = block.split_once("```").ok_or("README's Rust does not end")?;
    if code.matches(ADDRESS).count() != 1 {
        return Err(format!("README's Rust does not connect to {ADDRESS}, once").into());
    }
    let code = format!("{{\n{}}}\n", code.replace(ADDRESS, "address"));
    fs::write(Path::new(&env::var("OUT_DIR")?).join("readme.rs"), code)?;
    Ok(())
}

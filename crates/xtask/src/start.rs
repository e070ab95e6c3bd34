//! `cargo xtask start`: from nothing to a page in the browser.

use std::process::{Command, ExitCode};

use crate::build::{self, Mode};
use crate::project::Project;
use crate::{Result, setup, sh};

const ADDRESS: &str = "127.0.0.1:7070";

/// Sets up, builds, and becomes `highwater demo`; `arguments` are added to its own.
pub(crate) fn command(project: &Project, arguments: &[String]) -> Result<ExitCode> {
    let arguments = arguments.strip_prefix(&["--".to_owned()]).unwrap_or(arguments);
    let tools = setup::for_build(project)?;
    build::everything(project, &tools, Mode::Release)?;

    let mut demo = Command::new(project.server(Mode::Release.server_profile()));
    demo.args(["demo", "--www", "www/dist"]).args(arguments);
    let address = listen_address(arguments).unwrap_or_else(|| {
        demo.args(["--listen", ADDRESS]);
        ADDRESS
    });
    println!("\n{}\n", sh::bold(&format!("The page: http://{address}/   (Ctrl-C ends it)")));
    become_program(&mut demo)
}

/// The address that the user asked for, in either way of writing an option.
fn listen_address(arguments: &[String]) -> Option<&str> {
    arguments.iter().enumerate().find_map(|(place, argument)| {
        match argument.strip_prefix("--listen") {
            Some("") => arguments.get(place + 1).map(String::as_str),
            Some(rest) => rest.strip_prefix('='),
            None => None,
        }
    })
}

/// In our place, so that Ctrl-C reaches the server alone and its exit code is ours.
#[cfg(unix)]
fn become_program(program: &mut Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    let error = program.exec();
    Err(format!("cannot run {}: {error}", program.get_program().display()).into())
}

#[cfg(not(unix))]
fn become_program(program: &mut Command) -> Result<ExitCode> {
    sh::run(program).map(|()| ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::listen_address;

    #[test]
    fn the_users_own_address_is_found() {
        let words = |line: &str| -> Vec<String> { line.split(' ').map(str::to_owned).collect() };
        assert_eq!(listen_address(&words("--every 2")), None);
        assert_eq!(listen_address(&words("--every 2 --listen 127.0.0.1:0")), Some("127.0.0.1:0"));
        assert_eq!(listen_address(&words("--listen=[::1]:80 --every 2")), Some("[::1]:80"));
    }
}

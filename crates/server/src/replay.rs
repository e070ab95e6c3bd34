//! The `replay` sub-command: recorded streams, materialized offline.

mod player;
mod protocol;
mod recorded;
mod recording;
mod report;
mod session;
pub(crate) mod text;

use crate::serve::Failure;
use clap::Args;
use highwater::{Fault, Phase};
use player::Player;
pub(crate) use protocol::ProtocolArguments;
use recording::{Format, Piece, Recording};
use report::Report;
use session::Mark;
use std::io::{BufWriter, ErrorKind, Write, stdout};

/// `highwater replay`.
#[derive(Args, Clone, Debug)]
pub struct ReplayArguments {
    #[command(flatten)]
    protocol: ProtocolArguments,
    /// Recorded response bodies, one a connection, in order, or sessions that the devtools exported; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Print one JSON document: `events` (what each did), `final` (the state) and `status`
    #[arg(long)]
    json: bool,
    /// The files are lines of JSON (assumed of `.ndjson` and `.jsonl`)
    #[arg(long)]
    ndjson: bool,
}

impl ReplayArguments {
    /// Replays, and fails if the recording ends in a fault that nothing after it healed.
    pub fn run(self) -> Result<(), Failure> {
        let files = self.files.iter().map(|name| {
            let lines = self.ndjson || is_lines(name);
            Recording::open(name, if lines { Format::Lines } else { Format::Events })
        });
        // A name that is wrong is told before anything is printed.
        let files: Vec<Recording> = files.collect::<Result<_, _>>()?;
        let json = self.json;
        let out = BufWriter::new(stdout().lock());
        let said =
            files.iter().find_map(Recording::session).map(|session| session.protocol.clone());
        let player = Player::new(Box::new(move || self.protocol.protocol_of(said.as_ref())))?;
        match replay(player, files, Report::new(out, json)) {
            Err(error) if is_closed_pipe(&*error) => Ok(()), // whoever read has seen enough
            done => done,
        }
    }
}

fn replay(
    mut player: Player,
    files: Vec<Recording>,
    mut report: Report<impl Write>,
) -> Result<(), Failure> {
    let mut total = 0;
    let mut understood = 0;
    let mut empty = None;
    report.begin(player.protocol())?;
    for mut file in files {
        let is_session = file.session().is_some();
        let name = file.name().to_owned();
        if !is_session && !connect(&mut player, file.format(), &name, &mut report)? {
            continue;
        }
        file.read(|piece| {
            let happened = match piece {
                Piece::Event { event, .. } if is_session && let Some(mark) = Mark::read(&event) => {
                    if let Mark::Connection(base) = mark? {
                        if let Some(base) = &base {
                            player.take_up(base)?;
                        }
                        connect(&mut player, Format::Events, &name, &mut report)?;
                        if let Some(base) = &base {
                            player.join(base)?;
                        }
                    }
                    return Ok(true);
                }
                Piece::Event { event, at } => player.event(&event, at),
                Piece::TooLarge { limit, at } => player.too_large(limit, at),
                Piece::Sign => return Ok(true),
            };
            total += 1;
            understood += usize::from(!happened.is_ignored());
            report.happened(&happened)?;
            // In a session the next connection is in the same file.
            Ok(is_session || player.is_connected())
        })?;
        report.ended(player.is_connected(), file.bytes(), file.pending())?;
        if file.pieces() == 0 && file.bytes() > 0 {
            empty.get_or_insert_with(|| file.name().to_owned());
        }
    }
    report.end(&player)?;
    if total > 0 && understood == 0 {
        let protocol = player.protocol();
        eprintln!("highwater: none of {total} events is known to protocol {protocol}");
    }
    if let Some(name) = empty {
        return Err(format!("{name} holds no event: is it the body of a stream?").into());
    }
    match player.status().error {
        // A recording ends somewhere, and the next connection may be missing.
        None | Some(Fault::Closed) => Ok(()),
        Some(fault) if player.status().phase == Phase::Stopped => {
            Err(format!("the recording ends for good: {fault}").into())
        }
        Some(fault) => Err(format!("the recording ends in a fault: {fault}").into()),
    }
}

/// Makes the next connection; false if the session wants none.
fn connect(
    player: &mut Player,
    format: Format,
    name: &str,
    report: &mut Report<impl Write>,
) -> Result<bool, Failure> {
    let Some(query) = player.connect(format) else {
        report.unread(name, "the stream was over for good before this")?;
        return Ok(false);
    };
    report.connection(name, &query)?;
    Ok(true)
}

fn is_closed_pipe(error: &(dyn core::error::Error + Send + Sync + 'static)) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// Whether a file's name says that it holds lines of JSON.
fn is_lines(name: &str) -> bool {
    let extension = std::path::Path::new(name).extension();
    extension
        .is_some_and(|it| it.eq_ignore_ascii_case("ndjson") || it.eq_ignore_ascii_case("jsonl"))
}

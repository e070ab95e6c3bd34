//! Options from three places: the command line wins over the environment, and that over a file.

use clap::error::ErrorKind;
use clap::{ArgAction, Command, Parser};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Reads the command line of a program, whose sub-commands `serve` and `relay` take each of their options also
/// from the environment (`--heartbeat-ms` as `HIGHWATER_HEARTBEAT_MS`), and from the TOML file
/// that its option `config` names, if any (`heartbeat-ms = 500`).
///
/// A file's value goes through the same reader as one that was typed, and an option that there is
/// not is an error there, too.
pub fn parse<P: Parser>(line: impl IntoIterator<Item = OsString>) -> Result<P, clap::Error> {
    let line: Vec<_> = line.into_iter().collect();
    let command = P::command();
    let configured: Vec<_> =
        command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let configured = CONFIGURED.into_iter().filter(|name| configured.iter().any(|sub| sub == name));
    let command = configured.fold(command, |command, name| {
        command.mut_subcommand(name, |sub| sub.mut_args(environment))
    });
    let typed = command.clone().try_get_matches_from(&line)?;
    let sub = typed.subcommand().filter(|(name, _)| CONFIGURED.contains(name));
    let file = sub.and_then(|(name, sub)| Some((name, sub.get_one::<PathBuf>("config")?)));
    let Some((sub, file)) = file else { return P::from_arg_matches(&typed) };

    let mut with_file = command.clone();
    let wrong = |what: String| {
        let what = format!("{}: {what}\n", file.display());
        command.clone().error(ErrorKind::ValueValidation, what)
    };
    for (name, value) in options(file).map_err(wrong)? {
        let own = command.find_subcommand(sub).into_iter().flat_map(Command::get_arguments);
        let mut all = own.chain(command.get_arguments());
        let known = all.find(|argument| argument.get_long() == Some(&name) && name != "config");
        let Some(known) = known else {
            return Err(wrong(format!("there is no option {name:?}")));
        };
        let many = matches!(known.get_action(), ArgAction::Append);
        let values = texts(value, many).map_err(|what| wrong(format!("{name}: {what}")))?;
        let (id, everywhere) = (known.get_id().clone(), known.is_global_set());
        let set = |argument: clap::Arg| argument.default_values(values).required(false);
        with_file = if everywhere {
            with_file.mut_arg(id, set)
        } else {
            with_file.mut_subcommand(sub, |sub| sub.mut_arg(id, set))
        };
    }
    // What was typed was right by itself: what is wrong now is the file's.
    let mut matches =
        with_file.try_get_matches_from(&line).map_err(|error| wrong(what_is_wrong(&error)))?;
    P::from_arg_matches_mut(&mut matches)
}

/// The tables of the file, which are no options.
pub(crate) fn tables(file: &Path) -> Result<toml::Table, String> {
    Ok(read(file)?.into_iter().filter(|(_, value)| is_table(value)).collect())
}

fn options(file: &Path) -> Result<toml::Table, String> {
    Ok(read(file)?.into_iter().filter(|(_, value)| !is_table(value)).collect())
}

/// Messages say where, and do not quote the file: secrets stand there.
fn read(file: &Path) -> Result<toml::Table, String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    text.parse::<toml::Table>().map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let (line, column) = (before.lines().count().max(1), before.rsplit('\n').next());
        let line = if before.ends_with('\n') { line + 1 } else { line };
        let column = column.unwrap_or_default().chars().count() + 1;
        format!("line {line} column {column}: {}", error.message())
    })
}

fn is_table(value: &toml::Value) -> bool {
    match value {
        toml::Value::Table(_) => true,
        toml::Value::Array(list) => list.iter().any(toml::Value::is_table),
        _ => false,
    }
}

/// The value as it would be typed.
fn texts(value: toml::Value, many: bool) -> Result<Vec<String>, &'static str> {
    match value {
        toml::Value::String(text) => Ok(vec![text]),
        toml::Value::Integer(number) => Ok(vec![number.to_string()]),
        toml::Value::Float(number) => Ok(vec![number.to_string()]),
        toml::Value::Boolean(yes) => Ok(vec![yes.to_string()]),
        toml::Value::Array(list) if many => {
            let each = list.into_iter().map(|value| texts(value, false));
            Ok(each.collect::<Result<Vec<_>, _>>()?.concat())
        }
        toml::Value::Array(_) => Err("one value is expected, not a list"),
        _ => Err("a text, a number or true or false is expected"),
    }
}

fn environment(argument: clap::Arg) -> clap::Arg {
    let Some(long) = argument.get_long().map(str::to_owned) else { return argument };
    argument.env(format!("HIGHWATER_{}", long.replace('-', "_").to_ascii_uppercase()))
}

/// The first line of a message, without what leads to it.
fn what_is_wrong(error: &clap::Error) -> String {
    let said = error.to_string();
    let first = said.lines().next().unwrap_or_default();
    first.trim_start_matches("error: ").to_owned()
}

const CONFIGURED: [&str; 2] = ["serve", "relay"];

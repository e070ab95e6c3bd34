//! A terminal for the program, and what it would show.

use crate::common::{PATIENCE, Running};
use core::num::NonZero;
use core::time::Duration;
use pty_process::Size;
use pty_process::blocking::{Command, Pts, Pty, open};
use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;
use vt100::Parser;

pub(crate) struct Terminal {
    pty: Arc<Pty>,
    /// Kept, so that the terminal outlives the program.
    _pts: Pts,
    shown: Arc<Mutex<(Parser, Vec<u8>)>>,
    pub(crate) process: Running,
}

impl Terminal {
    /// `highwater tail` on a terminal of this height and width.
    pub(crate) fn tail((rows, columns): (u16, u16), arguments: &[&str]) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(rows, columns)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_highwater"))
            .arg("tail")
            .args(arguments)
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR");
        let process = Running(command.spawn_borrowed(&pts).unwrap());
        let pty = Arc::new(pty);
        let shown = Arc::new(Mutex::new((parser(rows, columns), Vec::new())));
        let (from, to) = (Arc::clone(&pty), Arc::clone(&shown));
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = (&*from).read(&mut chunk) {
                let mut shown = to.lock().unwrap();
                shown.0.process(&chunk[..count]);
                shown.1.extend_from_slice(&chunk[..count]);
            }
        });
        Self { pty, _pts: pts, shown, process }
    }

    pub(crate) fn press(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).unwrap();
    }

    pub(crate) fn resize(&self, rows: u16, columns: u16) {
        let (height, width) = (cells(rows), cells(columns));
        self.shown.lock().unwrap().0.screen_mut().set_size(height, width);
        self.pty.resize(Size::new(rows, columns)).unwrap();
    }

    /// Waits until the screen is as wanted, and gives its lines,
    /// without what is blank at their ends.
    pub(crate) fn until(&self, what: &str, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
        let start = Instant::now();
        loop {
            let lines = self.look(|screen| {
                let (_, width) = screen.size();
                let rows = screen.rows(0, width.get());
                rows.map(|row| row.trim_end().to_owned()).collect::<Vec<_>>()
            });
            if wanted(&lines) {
                return lines;
            }
            assert!(start.elapsed() < PATIENCE, "no {what}:\n{}", lines.join("\n"));
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn look<R>(&self, look: impl FnOnce(&vt100::Screen) -> R) -> R {
        look(self.shown.lock().unwrap().0.screen())
    }

    /// Everything that was written.
    pub(crate) fn written(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap().1).into_owned()
    }

    /// The program's end: it has left the terminal as it found it.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        let code = self.process.ended();
        // What is typed shows again, a line at a time: the terminal is no longer raw.
        self.press("echo?\n");
        self.until("echo", |lines| lines.iter().any(|line| line.contains("echo?")));
        self.look(|screen| {
            assert!(!screen.alternate_screen() && !screen.hide_cursor());
        });
        code
    }
}

fn parser(rows: u16, columns: u16) -> Parser {
    Parser::new(cells(rows), cells(columns), 0)
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap()
}

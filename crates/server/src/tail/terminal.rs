//! The terminal: taken over, drawn on, and given back as it was.

use super::frame::{Line, Style};
use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{Event, read};
use crossterm::style::{Attribute, Color, Print, ResetColor, SetAttribute, SetForegroundColor};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, DisableLineWrap, EnableLineWrap,
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode, size,
};
use crossterm::{execute, queue};
use std::io::{BufWriter, Result, Stdout, Write, stdout};
use tokio::sync::mpsc;

/// The terminal of this process, while a screen has it.
pub(super) struct Terminal {
    out: BufWriter<Stdout>,
    shown: Vec<Line>,
}

impl Terminal {
    /// Takes it over. Dropping gives it back.
    pub(super) fn take() -> Result<Self> {
        enable_raw_mode()?;
        // From here on there is something to give back, whatever happens.
        let mut terminal = Self { out: BufWriter::new(stdout()), shown: Vec::new() };
        execute!(terminal.out, EnterAlternateScreen, DisableLineWrap, Hide)?;
        terminal.clear()?;
        Ok(terminal)
    }

    /// Width and height.
    pub(super) fn size() -> Result<(u16, u16)> {
        size()
    }

    /// Draws the lines that differ from what is shown.
    pub(super) fn draw(&mut self, lines: Vec<Line>) -> Result<()> {
        queue!(self.out, BeginSynchronizedUpdate)?;
        for (row, line) in (0..).zip(&lines) {
            if self.shown.get(usize::from(row)) == Some(line) {
                continue;
            }
            queue!(self.out, MoveTo(0, row))?;
            for (style, text) in line {
                put(&mut self.out, *style)?;
                queue!(self.out, Print(text), ResetColor, SetAttribute(Attribute::Reset))?;
            }
            queue!(self.out, Clear(ClearType::UntilNewLine))?;
        }
        queue!(self.out, EndSynchronizedUpdate)?;
        self.shown = lines;
        self.out.flush()
    }

    /// Forgets what is shown: its size has changed.
    pub(super) fn clear(&mut self) -> Result<()> {
        self.shown.clear();
        execute!(self.out, Clear(ClearType::All))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Nothing more can be done for a terminal that is gone.
        let _ = execute!(self.out, EnableLineWrap, Show, LeaveAlternateScreen);
        let _ = disable_raw_mode();
    }
}

/// What is typed, and changes of the size. The thread that waits for it ends with the process.
pub(super) fn events() -> mpsc::Receiver<Result<Event>> {
    let (sender, receiver) = mpsc::channel(64);
    std::thread::spawn(move || {
        loop {
            let event = read();
            let is_over = event.is_err();
            if sender.blocking_send(event).is_err() || is_over {
                return;
            }
        }
    });
    receiver
}

fn put(out: &mut impl Write, style: Style) -> Result<()> {
    match style {
        Style::Plain => Ok(()),
        Style::Dim => queue!(out, SetAttribute(Attribute::Dim)),
        Style::Bar => queue!(out, SetAttribute(Attribute::Reverse)),
        Style::Good => queue!(out, SetForegroundColor(Color::Green)),
        Style::Warn => queue!(out, SetForegroundColor(Color::Yellow)),
        Style::Bad => queue!(out, SetForegroundColor(Color::Red)),
    }
}

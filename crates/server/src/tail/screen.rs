//! The live screen.

use super::frame::{Around, Choice, frame};
use super::rows::Rows;
use super::terminal::{Terminal, events};
use super::view::Kept;
use super::{Deadline, over};
use crate::serve::{Failure, stop_signal};
use core::ops::ControlFlow;
use core::time::Duration;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use highwater::Store;
use std::time::Instant;
use tokio::time::{interval, sleep_until};

/// Shows the stream until `q`, Ctrl-C or a signal to end.
pub(super) async fn show(
    store: &Store<Kept<Rows>>,
    rows: &Kept<Rows>,
    url: &str,
    deadline: Deadline,
) -> Result<(), Failure> {
    let mut terminal = Terminal::take()?;
    let mut events = events();
    let mut statuses = store.statuses();
    let mut tick = interval(TICK);
    let mut screen = Screen { url, choice: Choice::default(), fault: None };
    let stop = stop_signal();
    tokio::pin!(stop);
    let mut next = tokio::time::Instant::now();
    let mut is_dirty = true;
    loop {
        let synced = statuses.borrow().synced;
        tokio::select! {
            event = events.recv() => {
                // Without a keyboard it is still a screen; but then it has to end some other way.
                let event = event.ok_or("the keyboard is gone")??;
                if matches!(event, Event::Resize(..)) {
                    terminal.clear()?;
                }
                if screen.event(&event).is_break() {
                    break;
                }
                is_dirty = true;
            }
            _ = statuses.changed() => is_dirty = true,
            // Marks fade, and times go on.
            _ = tick.tick() => is_dirty = true,
            () = sleep_until(next), if is_dirty => {
                is_dirty = false;
                statuses.mark_unchanged();
                screen.draw(&mut terminal, store, rows)?;
                next = tokio::time::Instant::now() + FRAME;
            }
            () = deadline.passed(), if !synced => return Err(deadline.missed(&store.status())),
            () = &mut stop => break,
        }
    }
    // The screen stays when the stream is over, so that it can be read; what ended it is said then.
    over(&store.status()).map_or(Ok(()), Err)
}

struct Screen<'a> {
    url: &'a str,
    choice: Choice,
    /// The last fault, and when it was first seen.
    fault: Option<(String, Instant)>,
}

impl Screen<'_> {
    fn draw(
        &mut self,
        terminal: &mut Terminal,
        store: &Store<Kept<Rows>>,
        rows: &Kept<Rows>,
    ) -> std::io::Result<()> {
        let size = Terminal::size()?;
        let now = Instant::now();
        let lines = store.read(|moment| {
            let mut rows = rows.lock();
            rows.sweep(FRESH, now);
            let status = store.status();
            if let Some(fault) = status.fault.as_ref().map(ToString::to_string)
                && self.fault.as_ref().is_none_or(|(last, _)| *last != fault)
            {
                self.fault = Some((fault, now));
            }
            let around = Around { url: self.url, status: &status, fault: self.fault.as_ref(), now };
            frame(size, &around, &mut self.choice, &rows, moment.state())
        });
        terminal.draw(lines)
    }

    fn event(&mut self, event: &Event) -> ControlFlow<()> {
        let &Event::Key(KeyEvent { code, modifiers, kind, .. }) = event else {
            return ControlFlow::Continue(());
        };
        if kind == KeyEventKind::Release {
            return ControlFlow::Continue(());
        }
        let choice = &mut self.choice;
        let page = choice.page.max(1);
        match code {
            KeyCode::Char('c') if modifiers.contains(KeyModifiers::CONTROL) => {
                return ControlFlow::Break(());
            }
            KeyCode::Up => choice.top = choice.top.saturating_sub(1),
            KeyCode::Down => choice.top = choice.top.saturating_add(1),
            KeyCode::PageUp => choice.top = choice.top.saturating_sub(page),
            KeyCode::PageDown => choice.top = choice.top.saturating_add(page),
            KeyCode::Home => choice.top = 0,
            KeyCode::End => choice.top = usize::MAX,
            KeyCode::Esc => (choice.typing, choice.filter) = (false, String::new()),
            KeyCode::Enter => choice.typing = false,
            KeyCode::Backspace if choice.typing => drop(choice.filter.pop()),
            KeyCode::Char(c) if choice.typing => choice.filter.push(c),
            KeyCode::Char('/') => choice.typing = true,
            KeyCode::Char('q') => return ControlFlow::Break(()),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// For how long a change is marked.
const FRESH: Duration = Duration::from_millis(1500);

/// Between two looks at what fades.
const TICK: Duration = Duration::from_millis(250);

/// Between two drawings, at least.
const FRAME: Duration = Duration::from_millis(33);

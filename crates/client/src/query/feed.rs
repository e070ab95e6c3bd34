//! The way from a materializer to the queries that wait for it.

use highwater_core::{Position, Session, View};
use tokio::sync::watch;

use super::rule::{FeedError, Sight};

/// Makes a value of a view, for those who ask.
pub trait Render: View {
    /// The value: cheap to clone, since every query gets one.
    type Value;

    /// What there is now.
    fn render(&self) -> Self::Value;
}

/// Where a materializer shows what it has. It never waits for who looks.
#[derive(Debug)]
pub struct Feed<T> {
    shown: watch::Sender<Sight<T>>,
    /// The news of the session that were shown already.
    news: u64,
}

impl<T> Feed<T> {
    /// One that shows `value` at first, and where it shows it. A [`QueryStore`](crate::QueryStore)
    /// makes its own.
    pub fn new(value: T) -> (Self, watch::Receiver<Sight<T>>) {
        let (shown, seen) = watch::channel(Sight { index: 0, value, news: 0, error: None });
        (Self { shown, news: 0 }, seen)
    }

    /// There is a new value at an index.
    pub fn update(&self, index: u64, value: T) {
        self.shown.send_modify(|sight| {
            *sight = Sight { index, value, news: sight.news + 1, error: None };
        });
    }

    /// Something went wrong, and whoever waits has to know.
    pub fn fail(&self, error: FeedError) {
        self.shown.send_modify(|sight| {
            sight.news += 1;
            sight.error = Some(error);
        });
    }

    /// Everything was forgotten. Nobody is told: what follows is the news.
    pub fn reset(&self, value: T) {
        self.shown.send_if_modified(|sight| {
            (sight.index, sight.value) = (0, value);
            false
        });
    }

    /// Shows what a session has, after each of its inputs. A cursor that is no index, as of
    /// protocols that have none, counts as the number of changes so far.
    pub fn follow<V: Render<Value = T>>(&mut self, session: &Session<V>) {
        let status = session.status();
        let index = status.cursor.map_or(0, |cursor| {
            let index = cursor.parse().ok();
            index
                .or_else(|| Position::parse(cursor).map(|at| at.index))
                .unwrap_or_else(|| session.state().revision())
        });
        let value = || session.materializer().view().render();
        if status.news == self.news {
            if index != self.shown.borrow().index {
                self.shown.send_if_modified(|sight| {
                    (sight.index, sight.value) = (index, value());
                    false
                });
            }
            return;
        }
        self.news = status.news;
        let error = status.error.map(|error| FeedError::new(error.class(), error.clone()));
        self.shown.send_modify(|sight| {
            *sight = Sight { index, value: value(), news: sight.news + 1, error };
        });
    }
}

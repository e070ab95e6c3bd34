//! A request that is followed.

use super::entry::QueryRequest;
use super::rule::{Answer, Failure, Query};
use super::store::Open;

/// The changes of a request's value, pulled one by one: who is slow gets the newest, not all.
///
/// It counts as an open request until it is dropped or has ended.
pub struct Updates<R: QueryRequest + ?Sized> {
    /// Gone after an error that nothing heals.
    open: Option<Open<R>>,
    last: u64,
    /// The news that were told.
    news: u64,
}

impl<R: QueryRequest + ?Sized> Updates<R> {
    pub(super) fn new(mut open: Open<R>, last: u64) -> Self {
        let news = open.sight().news;
        Self { open: Some(open), last, news }
    }

    /// The next value, or the next error; it goes on after those that heal. `None` is the end.
    ///
    /// After an index that has fallen it goes on with the new ones, from the first snapshot that
    /// is whole. May be dropped and called again.
    pub async fn next(&mut self) -> Option<Result<Answer<R::Value>, Failure<R::Value>>> {
        let open = self.open.as_mut()?;
        let (now, begun) = {
            let sight = open.sight();
            (sight.news, Query::follow(self.last, self.news, &sight))
        };
        let heard = match begun {
            Ok(answer) => {
                self.news = now;
                Ok(answer)
            }
            Err(mut query) => {
                let answer = open.answer(&mut query).await;
                self.news = query.news();
                answer
            }
        };
        match &heard {
            Ok(answer) => self.last = answer.index,
            Err(failure) => {
                self.last = failure.index;
                if failure.is_terminal() {
                    self.open = None;
                }
            }
        }
        Some(heard)
    }
}

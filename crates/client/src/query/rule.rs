//! When a blocking query is answered, and with what: without waiting, clock or lock.

use core::error::Error;
use core::fmt;
use std::sync::Arc;

use highwater_core::Class;

/// What a materializer shows at one moment.
#[derive(Clone, Debug, Default)]
pub struct Sight<T> {
    /// The index that the value is of; 0 as long as no snapshot was whole.
    pub index: u64,
    /// The value.
    pub value: T,
    /// How often there was something to tell: an update, or an error.
    pub news: u64,
    /// The error that was told last; gone with the next update.
    pub error: Option<FeedError>,
}

/// What a query found: value and index of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// Ask for something newer than this next time.
    pub index: u64,
    /// The value at the index.
    pub value: T,
    /// Whether it was there already, and nothing was waited for.
    pub cached: bool,
}

/// Why a query found nothing new.
#[derive(Clone, Debug)]
pub struct Failure<T> {
    /// The reason.
    pub cause: Cause,
    /// The index now, which may have fallen back to 0.
    pub index: u64,
    /// The last value; that from the query's beginning if an error came since. Nothing where no
    /// materializer was asked.
    pub value: Option<T>,
}

/// A reason why a query found nothing new.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Cause {
    /// The materializer met an error.
    Told(FeedError),
    /// The time is over.
    Deadline,
    /// The caller has lost interest.
    Cancelled,
    /// The materializer has ended, and its last requests have not: try again when they have.
    Evicting,
    /// The materializer could not be made.
    NotMade(FeedError),
    /// It was asked for outside a Tokio runtime, where nothing could keep a materializer up.
    NoRuntime,
}

/// An error of a materializer, and what follows from it.
#[derive(Clone, Debug)]
pub struct FeedError {
    /// What follows: it is tried again, everything is read anew, or it is over.
    pub class: Class,
    /// What went wrong.
    pub cause: Arc<dyn Error + Send + Sync>,
}

impl FeedError {
    /// An error of a class.
    pub fn new(class: Class, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { class, cause: cause.into().into() }
    }
}

/// A query that waits for a materializer to pass an index.
///
/// ```
/// use highwater::{Query, Sight};
/// let mut sight = Sight { index: 5, value: "five", news: 1, error: None };
/// let Err(mut query) = Query::begin(5, &sight) else { panic!("5 is not newer than 5") };
/// assert!(query.look(&sight).is_none());
/// sight = Sight { index: 6, value: "six", news: 2, error: None };
/// assert_eq!(query.look(&sight).unwrap().unwrap().value, "six");
/// ```
#[derive(Clone, Debug)]
pub struct Query<T> {
    min: u64,
    news: u64,
    first: T,
    follows: bool,
}

impl<T: Clone> Query<T> {
    /// Asks for something newer than `min`: the answer, if it is there already, whatever went
    /// wrong since; else the query, to be shown every change. Without a snapshot it always waits.
    pub fn begin(min: u64, sight: &Sight<T>) -> Result<Answer<T>, Self> {
        if sight.index > 0 && sight.index > min {
            return Ok(Answer { index: sight.index, value: sight.value.clone(), cached: true });
        }
        Err(Self { min, news: sight.news, first: sight.value.clone(), follows: false })
    }

    /// As [`begin`](Self::begin), for who was told everything up to the index `last` and the news
    /// `news`: an index that has fallen below is another life's, and newer than anything told; an
    /// error that was told since is told now.
    pub fn follow(last: u64, news: u64, sight: &Sight<T>) -> Result<Answer<T>, Self> {
        let min = if sight.index < last { 0 } else { last };
        Self::begin(min, sight).map_err(|query| Self { min: last, news, follows: true, ..query })
    }

    /// The news that it has seen.
    pub fn news(&self) -> u64 {
        self.news
    }

    /// Looks whether something new answers it. An error that was told before it began is none,
    /// unless nothing can follow on it.
    pub fn look(&mut self, sight: &Sight<T>) -> Option<Result<Answer<T>, Failure<T>>> {
        let over = sight.error.as_ref().is_some_and(|error| error.class == Class::Terminal);
        if sight.news == self.news && !over {
            return None;
        }
        self.news = sight.news;
        if let Some(error) = &sight.error {
            let (cause, value) = (Cause::Told(error.clone()), Some(self.first.clone()));
            return Some(Err(Failure { cause, index: sight.index, value }));
        }
        let fell = self.follows && sight.index > 0 && sight.index < self.min;
        let newer = sight.index > self.min || fell;
        newer.then(|| Ok(Answer { index: sight.index, value: sight.value.clone(), cached: false }))
    }

    /// Ends it without an answer.
    pub fn end(self, cause: Cause, sight: &Sight<T>) -> Failure<T> {
        Failure { cause, index: sight.index, value: Some(sight.value.clone()) }
    }
}

impl<T> Failure<T> {
    pub(super) fn bare(cause: Cause) -> Self {
        Self { cause, index: 0, value: None }
    }

    /// Whether asking again is in vain.
    pub fn is_terminal(&self) -> bool {
        matches!(&self.cause, Cause::Told(error) if error.class == Class::Terminal)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Told(error) => write!(f, "{}", error.cause),
            Self::Deadline => f.write_str("nothing new came in time"),
            Self::Cancelled => f.write_str("the query was cancelled"),
            Self::Evicting => f.write_str("the materializer has ended and is being evicted"),
            Self::NotMade(error) => write!(f, "no materializer: {}", error.cause),
            Self::NoRuntime => f.write_str("a query must be asked within a Tokio runtime"),
        }
    }
}

impl<T> fmt::Display for Failure<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl<T: fmt::Debug> Error for Failure<T> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            Cause::Told(error) | Cause::NotMade(error) => Some(&*error.cause),
            _ => None,
        }
    }
}

impl fmt::Display for FeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(index: u64, news: u64) -> Sight<u64> {
        Sight { index, value: index, news, error: None }
    }

    #[test]
    fn who_follows_hears_of_an_index_that_fell() {
        let mut query = Query::follow(50, 1, &sight(50, 1)).unwrap_err();
        assert!(query.look(&sight(0, 1)).is_none(), "emptied, and nothing told");
        assert_eq!(query.look(&sight(7, 2)).unwrap().unwrap().index, 7);
        assert_eq!(Query::follow(50, 1, &sight(7, 2)).unwrap().index, 7, "also if it fell before");
        let mut plain = Query::begin(50, &sight(50, 1)).unwrap_err();
        assert!(plain.look(&sight(7, 2)).is_none(), "who asks for more than 50 gets more than 50");
    }

    #[test]
    fn value_and_index_are_of_one_moment_when_the_time_is_over() {
        let query = Query::begin(50, &sight(50, 1)).unwrap_err();
        let Failure { index, value, .. } = query.end(Cause::Deadline, &sight(0, 1));
        assert_eq!((index, value), (0, Some(0)));
    }
}

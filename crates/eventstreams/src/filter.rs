//! The language in which lists of event streams are asked for.
//!
//! Both of its forms, that of a URL's query and that of a JSON body, become a [`Query`]: one
//! [`Expression`], an order and a page. It is evaluated in memory ([`Query::page`]) or translated to
//! SQL with bound parameters ([`Query::to_sql`]); the two agree.

mod error;
mod expression;
mod field;
mod json;
mod page;
mod sql;
mod url;
mod value;

pub use error::FilterError;
pub use expression::{Expression, Match, Order, Test};
pub use field::Field;
pub use page::{Page, Row};
pub use sql::{Dialect, Parameter, Sql};
pub use value::Value;

/// What is asked for: which streams, in which order, and how many of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Which streams.
    pub filter: Expression,
    /// By what they are sorted; the newest comes first where this decides nothing.
    pub sort: Vec<Sort>,
    /// How many are passed over.
    pub skip: u64,
    /// How many at most.
    pub limit: u64,
    /// Whether the answer says how many there are altogether.
    pub count: bool,
    /// The members that the answer is to have; all of them if there is none.
    pub members: Vec<String>,
}

/// A field that is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// The field.
    pub field: Field,
    /// From the greatest to the least.
    pub descending: bool,
}

/// What a query may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryLimits {
    /// How many streams an answer has, if nobody says.
    pub default_limit: u64,
    /// How many it may have.
    pub max_limit: u64,
    /// How many may be passed over.
    pub max_skip: u64,
    /// Whether `fields` chooses the members of the answer.
    pub fields: bool,
}

impl Default for QueryLimits {
    fn default() -> Self {
        Self { default_limit: 25, max_limit: 250, max_skip: 1000, fields: false }
    }
}

impl Default for Query {
    fn default() -> Self {
        Self::all(&QueryLimits::default())
    }
}

impl Query {
    /// Everything, the newest first, as much of it as the limits give to who does not say.
    pub fn all(limits: &QueryLimits) -> Self {
        Self {
            filter: Expression::All(Vec::new()),
            sort: Vec::new(),
            skip: 0,
            limit: limits.default_limit,
            count: false,
            members: Vec::new(),
        }
    }

    fn check_page(&self, limits: &QueryLimits) -> Result<(), FilterError> {
        if self.skip > limits.max_skip {
            return Err(FilterError::Skip { most: limits.max_skip });
        }
        if self.limit > limits.max_limit {
            return Err(FilterError::Limit { most: limits.max_limit });
        }
        if self.filter.tests() > MOST_TESTS {
            return Err(FilterError::TooLong { most: MOST_TESTS });
        }
        Ok(())
    }

    /// Adds `name` or `-name`; a field that there is not is passed over.
    fn sort_by(&mut self, text: &str) {
        let (text, descending) = text.strip_prefix('-').map_or((text, false), |text| (text, true));
        self.sort.extend(Field::exact(text).map(|field| Sort { field, descending }));
    }
}

/// More would be too many parameters, or too deep a tree, for some database.
const MOST_TESTS: usize = 500;

//! The form of a JSON body: `{"startsWith":[{"field":"name","value":"app"}],"limit":10}`.

use super::{Expression, Field, FilterError, Match, Order, Query, QueryLimits};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value as Json};

impl Query {
    /// Reads a JSON body.
    ///
    /// Each operation (`equal` or `eq`, `neq`, `contains`, `startsWith`, `endsWith`, `lessThan` or `lt`,
    /// `lessThanOrEqual` or `lte`, `greaterThan` or `gt`, `greaterThanOrEqual` or `gte`, `in`, `nin`,
    /// `null`) has a list of `{field, value}` (`values` for `in` and `nin`, neither for `null`), most
    /// of them with `not` and `caseInsensitive`. All of it has to hold, and of the filters in `or` one,
    /// of those in `and` all. Beside them stand `skip`, `limit`, `sort`, `count` and `fields`. Members
    /// that it does not know are passed over.
    ///
    /// ```
    /// use highwater_eventstreams::{QueryLimits, Query};
    /// let query = r#"{"or":[{"eq":[{"field":"name","value":"a"}]},{"null":[{"field":"topicFilter"}]}]}"#;
    /// let query = Query::from_json(query, &QueryLimits::default())?;
    /// # Ok::<(), highwater_eventstreams::FilterError>(())
    /// ```
    pub fn from_json(text: &str, limits: &QueryLimits) -> Result<Self, FilterError> {
        let body: Body = serde_json::from_str(text)
            .map_err(|error| FilterError::Json { why: error.to_string() })?;
        let mut asked = Self::all(limits);
        asked.filter = body.filter.expression()?;
        asked.skip = body.skip.unwrap_or(0);
        asked.limit = body.limit.filter(|limit| *limit > 0).unwrap_or(asked.limit);
        for name in &body.sort {
            asked.sort_by(name);
        }
        asked.count = body.count;
        if limits.fields {
            asked.members = body.fields;
        }
        asked.check_page(limits)?;
        Ok(asked)
    }
}

#[derive(Deserialize)]
struct Body {
    #[serde(flatten)]
    filter: Filter,
    #[serde(default, deserialize_with = "whole")]
    skip: Option<u64>,
    #[serde(default, deserialize_with = "whole")]
    limit: Option<u64>,
    #[serde(default)]
    sort: Vec<String>,
    #[serde(default)]
    count: bool,
    #[serde(default)]
    fields: Vec<String>,
}

/// A number that is whole, also if it is written as `10.0`.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let number = Number::deserialize(deserializer)?;
    let written = number.to_string();
    let digits = written.strip_suffix(".0").unwrap_or(&written);
    let whole = digits.parse().map_err(|_| D::Error::custom(format!("{number} is no count")))?;
    Ok(Some(whole))
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Filter {
    and: Vec<Self>,
    or: Vec<Self>,
    equal: Vec<Entry>,
    eq: Vec<Entry>,
    neq: Vec<Entry>,
    contains: Vec<Entry>,
    starts_with: Vec<Entry>,
    ends_with: Vec<Entry>,
    less_than: Vec<Entry>,
    lt: Vec<Entry>,
    less_than_or_equal: Vec<Entry>,
    lte: Vec<Entry>,
    greater_than: Vec<Entry>,
    gt: Vec<Entry>,
    greater_than_or_equal: Vec<Entry>,
    gte: Vec<Entry>,
    r#in: Vec<Entry>,
    nin: Vec<Entry>,
    null: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(default)]
    field: String,
    #[serde(default)]
    value: Scalar,
    #[serde(default)]
    values: Vec<Scalar>,
    #[serde(default)]
    not: bool,
    #[serde(default)]
    case_insensitive: bool,
}

/// Left out it is the empty text, which null is not.
#[derive(Deserialize)]
#[serde(transparent)]
struct Scalar(Json);

impl Default for Scalar {
    fn default() -> Self {
        Self(Json::String(String::new()))
    }
}

impl Filter {
    fn expression(&self) -> Result<Expression, FilterError> {
        let mut parts = Vec::new();
        for (entries, part) in [
            (&self.equal, Match::Whole),
            (&self.eq, Match::Whole),
            (&self.contains, Match::Contains),
            (&self.starts_with, Match::Starts),
            (&self.ends_with, Match::Ends),
        ] {
            for entry in entries {
                parts.push(entry.text(part, entry.not)?);
            }
        }
        for entry in &self.neq {
            parts.push(entry.text(Match::Whole, true)?);
        }
        for (name, entries, order) in [
            ("lessThan", [&self.less_than, &self.lt], Order::Less),
            ("lessThanOrEqual", [&self.less_than_or_equal, &self.lte], Order::LessOrEqual),
            ("greaterThan", [&self.greater_than, &self.gt], Order::Greater),
            ("greaterThanOrEqual", [&self.greater_than_or_equal, &self.gte], Order::GreaterOrEqual),
        ] {
            for entry in entries.into_iter().flatten() {
                parts.push(entry.ordered(name, order)?);
            }
        }
        for (entries, always_not) in [(&self.r#in, false), (&self.nin, true)] {
            for entry in entries {
                parts.push(entry.within(entry.not || always_not)?);
            }
        }
        for entry in &self.null {
            parts.push(Expression::null(entry.field()?, entry.not));
        }
        for filter in &self.and {
            parts.push(filter.expression()?);
        }
        if !self.or.is_empty() {
            let any = self.or.iter().map(Self::expression).collect::<Result<_, _>>()?;
            parts.push(Expression::Any(any));
        }
        Ok(Expression::All(parts))
    }
}

impl Entry {
    fn field(&self) -> Result<Field, FilterError> {
        Field::find(&self.field).ok_or_else(|| FilterError::Field { name: self.field.clone() })
    }

    fn text(&self, part: Match, not: bool) -> Result<Expression, FilterError> {
        Expression::text(self.field()?, part, self.case_insensitive, not, &self.value.text()?)
    }

    fn ordered(&self, operation: &'static str, order: Order) -> Result<Expression, FilterError> {
        if self.not || self.case_insensitive {
            return Err(FilterError::Member { operation, members: "'not' or 'caseInsensitive'" });
        }
        Expression::ordered(self.field()?, order, &self.value.text()?)
    }

    fn within(&self, not: bool) -> Result<Expression, FilterError> {
        if self.case_insensitive {
            return Err(FilterError::Member { operation: "in", members: "'caseInsensitive'" });
        }
        let values: Vec<_> = self.values.iter().map(Scalar::text).collect::<Result<_, _>>()?;
        Expression::within(self.field()?, &values, not)
    }
}

impl Scalar {
    fn text(&self) -> Result<String, FilterError> {
        match &self.0 {
            Json::String(text) => Ok(text.clone()),
            Json::Bool(flag) => Ok(flag.to_string()),
            // Whole numbers stay exact, however they are written.
            Json::Number(number) => Ok(match number.as_f64() {
                Some(float) if number.is_f64() => float.to_string(),
                _ => number.to_string(),
            }),
            other => Err(FilterError::ValueType { value: other.to_string() }),
        }
    }
}

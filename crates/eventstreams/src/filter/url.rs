//! The form of a URL's query: `?name=^app&status=!stopped&sort=-created&limit=10`.

use super::{Expression, Field, FilterError, Match, Order, Query, QueryLimits};

impl Query {
    /// Reads a URL's query, without its `?`.
    ///
    /// A field's value begins with modifiers, if any (`!` not, `:` whatever the case, `?` nothing
    /// after this is null, `[` with its repeats by *and*, `]` by *or*), and then an operator: `=`
    /// (which can be left out), `>`, `>=`, `<`, `<=`, `@` contains, `^` starts with, `$` ends with.
    /// Names of fields may be in any case. What it does not know, it passes over.
    ///
    /// ```
    /// use highwater_eventstreams::{QueryLimits, Query};
    /// let query = Query::from_url("name=^app&created=>2026-01-01T00:00:00Z", &QueryLimits::default())?;
    /// assert_eq!(query.limit, 25);
    /// # Ok::<(), highwater_eventstreams::FilterError>(())
    /// ```
    pub fn from_url(query: &str, limits: &QueryLimits) -> Result<Self, FilterError> {
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        let values = |name: &str| {
            let named = pairs.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
            named.map(|(_, value)| &**value).collect::<Vec<&str>>()
        };
        let first = |name| values(name).first().copied();
        let is_set =
            |name| first(name).is_some_and(|v| v.is_empty() || v.eq_ignore_ascii_case("true"));
        let mut conditions = Vec::new();
        for field in Field::ALL {
            conditions.extend(combined(field, &values(field.name()))?);
        }
        let mut asked = Self::all(limits);
        asked.filter = Expression::All(conditions);
        asked.skip = first("skip").and_then(number).unwrap_or(0);
        // None at all is nothing that anybody wants.
        asked.limit =
            first("limit").and_then(number).filter(|limit| *limit > 0).unwrap_or(asked.limit);
        for text in values("sort").into_iter().flat_map(|list| list.split(',')) {
            asked.sort_by(text.trim());
        }
        let descending = is_set("descending");
        if descending || is_set("ascending") {
            asked.sort.iter_mut().for_each(|sort| sort.descending = descending);
        }
        asked.count = is_set("count");
        if limits.fields {
            let lists = values("fields").into_iter().flat_map(|list| list.split(','));
            asked.members =
                lists.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
        }
        asked.check_page(limits)?;
        Ok(asked)
    }
}

/// A number that is too great is as great as can be; what is no number is passed over.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

/// What all the values of one field ask for.
fn combined(field: Field, values: &[&str]) -> Result<Option<Expression>, FilterError> {
    let read = values.iter().map(|text| condition(field, text));
    let read = read.collect::<Result<Vec<_>, _>>()?;
    let together = read.iter().any(|(together, _)| *together);
    let mut conditions: Vec<_> = read.into_iter().map(|(_, condition)| condition).collect();
    Ok(match conditions.len() {
        0 | 1 => conditions.pop(),
        _ if together => Some(Expression::All(conditions)),
        _ => Some(Expression::Any(conditions)),
    })
}

/// One value, and whether it asks for its repeats to hold, too.
fn condition(field: Field, text: &str) -> Result<(bool, Expression), FilterError> {
    let Prefix { not, ignore_case, or_null, and, operator, rest } = Prefix::of(text);
    if let Some(order) = operator.order() {
        if not || ignore_case || or_null || and {
            return Err(FilterError::Modifier { operation: order.as_str(), field });
        }
        return Ok((false, Expression::ordered(field, order, rest)?));
    }
    let part = operator.part();
    if or_null && rest.is_empty() {
        let plain = part == Match::Whole && !ignore_case;
        let null = plain.then(|| Expression::null(field, not));
        return null.map(|null| (and, null)).ok_or(FilterError::Null { field });
    }
    Ok((and, Expression::text(field, part, ignore_case, not, rest)?))
}

/// What a value begins with.
#[expect(clippy::struct_excessive_bools, reason = "there are four modifiers")]
struct Prefix<'t> {
    not: bool,
    ignore_case: bool,
    or_null: bool,
    and: bool,
    operator: Operator,
    rest: &'t str,
}

#[derive(Clone, Copy)]
enum Operator {
    Equal,
    Contains,
    Starts,
    Ends,
    Order(Order),
}

impl<'t> Prefix<'t> {
    fn of(text: &'t str) -> Self {
        let (not, ignore_case, or_null, and) = (false, false, false, false);
        let operator = Operator::Equal;
        let mut prefix = Self { not, ignore_case, or_null, and, operator, rest: text };
        for (at, byte) in text.bytes().enumerate() {
            let mut ends = false;
            match byte {
                b'!' => prefix.not = true,
                b':' => prefix.ignore_case = true,
                b'?' => prefix.or_null = true,
                b'[' => prefix.and = true,
                b']' => prefix.and = false,
                other => match prefix.operator.then(other) {
                    Some(then) => (prefix.operator, ends) = then,
                    None => break,
                },
            }
            prefix.rest = &text[at + 1..];
            if ends {
                break;
            }
        }
        prefix
    }
}

impl Operator {
    /// What another character makes of it, if it belongs to it, and whether it is complete then.
    fn then(self, byte: u8) -> Option<(Self, bool)> {
        use Order::{Greater, GreaterOrEqual, Less, LessOrEqual};
        Some(match (self, byte) {
            (Self::Equal, b'@') => (Self::Contains, true),
            (Self::Equal, b'^') => (Self::Starts, true),
            (Self::Equal, b'$') => (Self::Ends, true),
            (Self::Equal, b'>') => (Self::Order(Greater), false),
            (Self::Equal, b'<') => (Self::Order(Less), false),
            // A comparison may be written twice.
            (Self::Equal, b'=') | (Self::Order(Greater), b'>') | (Self::Order(Less), b'<') => {
                (self, true)
            }
            (Self::Order(Greater), b'=') => (Self::Order(GreaterOrEqual), true),
            (Self::Order(Less), b'=') => (Self::Order(LessOrEqual), true),
            _ => return None,
        })
    }

    fn order(self) -> Option<Order> {
        if let Self::Order(order) = self { Some(order) } else { None }
    }

    fn part(self) -> Match {
        match self {
            Self::Contains => Match::Contains,
            Self::Starts => Match::Starts,
            Self::Ends => Match::Ends,
            Self::Equal | Self::Order(_) => Match::Whole,
        }
    }
}

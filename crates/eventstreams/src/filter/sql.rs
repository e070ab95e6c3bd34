//! A query as SQL.

use super::{Expression, Field, Match, Query, Test, Value};

/// Whose SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL, with texts in the order of their bytes (`COLLATE "C"`).
    Postgres,
}

/// The parts of a statement, none of which holds anything that a caller wrote: that is bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sql {
    /// What follows `WHERE`.
    pub condition: String,
    /// What follows `ORDER BY`; a column `seq` counts up as streams are made.
    pub order: String,
    /// What `$1`, `$2`, … (in SQLite `?1`, `?2`, …) stand for in the condition.
    pub parameters: Vec<Parameter>,
}

/// A bound value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// A text.
    Text(String),
    /// An integer of 64 bits.
    Integer(i64),
}

impl Query {
    /// The query in SQL: to be put together with a table, `LIMIT` and `OFFSET`.
    pub fn to_sql(&self, dialect: Dialect) -> Sql {
        let mut sql = Writer { dialect, text: String::new(), parameters: Vec::new() };
        sql.expression(&self.filter);
        let order = self.sort.iter().map(|sort| {
            // As SQLite does by itself.
            let direction = if sort.descending { "DESC NULLS LAST" } else { "ASC NULLS FIRST" };
            format!("{} {direction}, ", sort.field.column())
        });
        let order = order.chain(["seq DESC".to_owned()]).collect();
        Sql { condition: sql.text, order, parameters: sql.parameters }
    }
}

struct Writer {
    dialect: Dialect,
    text: String,
    parameters: Vec<Parameter>,
}

impl Writer {
    fn expression(&mut self, expression: &Expression) {
        match expression {
            Expression::All(parts) => self.joined(parts, " AND ", "1=1"),
            Expression::Any(parts) => self.joined(parts, " OR ", "1=0"),
            Expression::Compare { field, test, negated } => self.compare(*field, test, *negated),
        }
    }

    fn joined(&mut self, parts: &[Expression], word: &str, none: &str) {
        self.text.push('(');
        for (at, part) in parts.iter().enumerate() {
            self.text.push_str(if at == 0 { "" } else { word });
            self.expression(part);
        }
        self.text.push_str(if parts.is_empty() { none } else { "" });
        self.text.push(')');
    }

    fn compare(&mut self, field: Field, asked: &Test, negated: bool) {
        let column = field.column();
        let equals = if negated { "<>" } else { "=" };
        match asked {
            Test::Null => self.put(column, if negated { " IS NOT NULL" } else { " IS NULL" }),
            Test::Equal(value) => {
                let value = self.bind(value.clone().into());
                self.put(column, &format!(" {equals} {value}"));
            }
            Test::Ordered(order, value) => {
                let value = self.bind(value.clone().into());
                self.put(column, &format!(" {} {value}", order.as_str()));
            }
            // In no list; and null is no more than anything else in a list that is not there.
            Test::In(values) if values.is_empty() => {
                self.put(if negated { "1=1" } else { "1=0" }, "");
            }
            Test::In(values) => {
                let values: Vec<_> =
                    values.iter().map(|value| self.bind(value.clone().into())).collect();
                let not = if negated { " NOT" } else { "" };
                self.put(column, &format!("{not} IN ({})", values.join(", ")));
            }
            Test::Text { part, ignore_case, text } => {
                let (column, text) = if *ignore_case {
                    (self.lower(column), text.to_ascii_lowercase())
                } else {
                    (column.to_owned(), text.clone())
                };
                let length = text.chars().count();
                let value = self.bind(Parameter::Text(text));
                let found = match part {
                    Match::Whole => format!("{column} {equals} {value}"),
                    Match::Starts => format!("substr({column}, 1, {length}) {equals} {value}"),
                    Match::Ends => {
                        format!(
                            "substr({column}, length({column}) - {length} + 1) {equals} {value}"
                        )
                    }
                    Match::Contains => {
                        let place =
                            if self.dialect == Dialect::Sqlite { "instr" } else { "strpos" };
                        let is = if negated { "=" } else { ">" };
                        format!("{place}({column}, {value}) {is} 0")
                    }
                };
                self.put(&found, "");
            }
        }
    }

    fn put(&mut self, one: &str, other: &str) {
        self.text.push_str(one);
        self.text.push_str(other);
    }

    /// Small letters for capital ones of ASCII, and only of it.
    fn lower(&self, column: &str) -> String {
        match self.dialect {
            Dialect::Sqlite => format!("lower({column})"),
            Dialect::Postgres => format!("lower({column} COLLATE \"C\")"),
        }
    }

    fn bind(&mut self, parameter: Parameter) -> String {
        self.parameters.push(parameter);
        let mark = if self.dialect == Dialect::Sqlite { '?' } else { '$' };
        format!("{mark}{}", self.parameters.len())
    }
}

impl From<Value> for Parameter {
    fn from(value: Value) -> Self {
        match value {
            Value::Text(text) => Self::Text(text),
            Value::Time(moment) => Self::Integer(moment.as_nanos()),
        }
    }
}

//! What a query asks for, found by filtering and sorting everything anew.

use core::cmp::Ordering;

use highwater_core::{Slot, State};
use serde_json::{Value, json};

/// A field of an item, found by other means than those under test.
fn field(item: (&str, &str, &Option<Value>), name: &str) -> Option<Value> {
    match name {
        "key" => Some(item.1.into()),
        "kind" => Some(item.0.into()),
        _ => item.2.as_ref()?.pointer(name).cloned(),
    }
}

fn compare(a: &Value, b: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Null => 0,
        Value::Bool(false) => 1,
        Value::Bool(true) => 2,
        Value::Number(_) => 3,
        Value::String(_) => 4,
        Value::Array(_) | Value::Object(_) => 5,
    };
    rank(a).cmp(&rank(b)).then_with(|| match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            a.as_f64().unwrap().partial_cmp(&b.as_f64().unwrap()).unwrap()
        }
        (Value::String(a), Value::String(b)) => a.chars().cmp(b.chars()),
        (Value::Array(_) | Value::Object(_), _) => a.to_string().cmp(&b.to_string()),
        _ => Ordering::Equal,
    })
}

fn holds(condition: &Value, get: &dyn Fn(&str) -> Option<Value>) -> bool {
    condition.as_object().unwrap().iter().all(|(name, wanted)| match (&**name, wanted) {
        ("and", parts) => parts.as_array().unwrap().iter().all(|part| holds(part, get)),
        ("or", parts) => parts.as_array().unwrap().iter().any(|part| holds(part, get)),
        ("not", part) => !holds(part, get),
        (name, Value::Object(tests)) => {
            let value = get(name);
            tests.iter().all(|(test, operand)| passes(value.as_ref(), test, operand))
        }
        (name, wanted) => passes(get(name).as_ref(), "eq", wanted),
    })
}

fn passes(value: Option<&Value>, test: &str, operand: &Value) -> bool {
    let Some(value) = value else {
        return test == "ne" || (test, operand) == ("exists", &json!(false));
    };
    let order = compare(value, operand);
    match test {
        "eq" => order.is_eq(),
        "ne" => order.is_ne(),
        "lt" => order.is_lt(),
        "lte" => order.is_le(),
        "gt" => order.is_gt(),
        "gte" => order.is_ge(),
        "exists" => operand == &json!(true),
        "in" => operand.as_array().unwrap().iter().any(|one| compare(value, one).is_eq()),
        "prefix" => value.as_str().is_some_and(|text| text.starts_with(operand.as_str().unwrap())),
        "contains" => match (value, operand) {
            (Value::String(whole), Value::String(part)) => whole.contains(&**part),
            (Value::Array(all), _) => all.iter().any(|one| compare(one, operand).is_eq()),
            _ => false,
        },
        _ => unreachable!("{test}"),
    }
}

/// All rows of a query (the window left aside), and their groups: values and counts.
pub(crate) fn model(spec: &Value, state: &State) -> (Vec<Slot>, Vec<(Option<Value>, u32)>) {
    let sort = spec.get("sort").map(|sort| sort.as_array().unwrap().as_slice());
    let orders = spec.get("group").into_iter().chain(sort.unwrap_or_default());
    let orders: Vec<_> = orders
        .map(|order| match order.as_str().unwrap() {
            order if order.starts_with('-') => (&order[1..], true),
            order => (order, false),
        })
        .collect();
    let mut rows = Vec::new();
    for (slot, item) in state.iter() {
        let value = serde_json::from_slice(item.value).ok();
        let get = |name: &str| field((item.kind, item.key, &value), name);
        let kind = spec.get("kind").is_none_or(|kind| kind == item.kind);
        if kind && spec.get("where").is_none_or(|condition| holds(condition, &get)) {
            let fields: Vec<_> = orders.iter().map(|(by, _)| get(by)).collect();
            rows.push((fields, item.key.to_owned(), item.kind.to_owned(), slot));
        }
    }
    rows.sort_by(|a, b| {
        for (at, (_, desc)) in orders.iter().enumerate() {
            let order = match (&a.0[at], &b.0[at]) {
                (Some(a), Some(b)) => compare(a, b),
                (a, b) => a.is_some().cmp(&b.is_some()),
            };
            let order = if *desc { order.reverse() } else { order };
            if order.is_ne() {
                return order;
            }
        }
        (&a.1, &a.2).cmp(&(&b.1, &b.2))
    });
    let mut groups: Vec<(Option<Value>, u32)> = Vec::new();
    if spec.get("group").is_some() {
        for (fields, ..) in &rows {
            match groups.last_mut() {
                Some((value, count))
                    if value.is_some() == fields[0].is_some()
                        && value.as_ref().is_none_or(|value| {
                            compare(value, fields[0].as_ref().unwrap()).is_eq()
                        }) =>
                {
                    *count += 1;
                }
                _ => groups.push((fields[0].clone(), 1)),
            }
        }
    }
    (rows.into_iter().map(|row| row.3).collect(), groups)
}

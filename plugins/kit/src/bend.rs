//! Answers bent the way that marketplaces bend them: new members, new words, nulls, very many rows.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// A word that no marketplace has.
pub const NEW_WORD: &str = "entirely-new-word";
/// A member that no marketplace has.
const NEW_MEMBER: &str = "entirely_new_member";
/// What members that hold words of a fixed set are called.
const WORD_MEMBERS: [&str; 5] = ["status", "state", "type", "kind", "mode"];

/// A place inside a document: members by name, `*` for any element of a list.
pub type Place = Vec<String>;

/// A place, for people ("orders.*.status").
pub fn shown(place: &Place) -> String {
    place.join(".")
}

/// The document with a new member in every object.
pub fn new_members(document: &Value) -> Value {
    match document {
        Value::Object(members) => {
            let mut bent: Map<String, Value> = members
                .iter()
                .map(|(name, value)| (name.clone(), new_members(value)))
                .collect();
            bent.insert(NEW_MEMBER.into(), serde_json::json!({"a": [1, "b"]}));
            Value::Object(bent)
        }
        Value::Array(rows) => Value::Array(rows.iter().map(new_members).collect()),
        other => other.clone(),
    }
}

/// The places inside rows that hold a word of a fixed set, as far as names tell.
pub fn words(document: &Value) -> Vec<Place> {
    places(document, &|name, value| {
        let name = name.to_ascii_lowercase();
        value.is_string() && WORD_MEMBERS.iter().any(|w| name.ends_with(w))
    })
}

/// The places inside rows that hold a value.
pub fn members(document: &Value) -> Vec<Place> {
    places(document, &|_, value| !value.is_null())
}

/// The places inside rows that hold lists of objects themselves.
pub fn inner_lists(document: &Value) -> Vec<Place> {
    places(document, &|_, value| {
        value
            .as_array()
            .is_some_and(|a| a.iter().any(Value::is_object))
    })
}

fn places(document: &Value, wanted: &dyn Fn(&str, &Value) -> bool) -> Vec<Place> {
    fn walk(
        value: &Value,
        place: &mut Place,
        wanted: &dyn Fn(&str, &Value) -> bool,
        found: &mut BTreeSet<Place>,
    ) {
        match value {
            Value::Object(members) => {
                let in_row = place.iter().any(|p| p == "*");
                for (name, value) in members {
                    place.push(name.clone());
                    if in_row && wanted(name, value) {
                        found.insert(place.clone());
                    }
                    walk(value, place, wanted, found);
                    place.pop();
                }
            }
            Value::Array(rows) => {
                place.push("*".into());
                for row in rows {
                    walk(row, place, wanted, found);
                }
                place.pop();
            }
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    walk(document, &mut Vec::new(), wanted, &mut found);
    found.into_iter().collect()
}

/// The document with another value at the first spot that a place names. None: there is no such spot.
pub fn change(
    document: &Value,
    place: &[String],
    change: &dyn Fn(&Value) -> Option<Value>,
) -> Option<Value> {
    let Some((step, rest)) = place.split_first() else {
        return change(document);
    };
    match document {
        Value::Array(rows) if step == "*" => {
            let (at, row) = rows
                .iter()
                .enumerate()
                .find_map(|(at, row)| Some((at, self::change(row, rest, change)?)))?;
            let mut bent = rows.clone();
            bent[at] = row;
            Some(Value::Array(bent))
        }
        Value::Object(members) => {
            let value = self::change(members.get(step)?, rest, change)?;
            let mut bent = members.clone();
            bent.insert(step.clone(), value);
            Some(Value::Object(bent))
        }
        _ => None,
    }
}

/// A list with its first object `count` times, each under ids of its own. None when there is none.
pub fn many(list: &Value, count: usize) -> Option<Value> {
    let first = list.as_array()?.iter().find(|row| row.is_object())?;
    Some(Value::Array(
        (0..count).map(|n| renumber(first, n)).collect(),
    ))
}

/// Every list in the document that has an object with this id, with that object `count` times.
pub fn many_of(document: &Value, id: &str, count: usize) -> Value {
    let is_it = |row: &Value| {
        row.as_object().is_some_and(|members| {
            members.iter().any(|(name, value)| {
                is_id(name)
                    && match value {
                        Value::String(text) => text == id,
                        Value::Number(number) => number.to_string() == id,
                        _ => false,
                    }
            })
        })
    };
    match document {
        Value::Array(rows) => match rows.iter().find(|row| is_it(row)) {
            Some(row) => Value::Array((0..count).map(|n| renumber(row, n)).collect()),
            None => Value::Array(rows.iter().map(|row| many_of(row, id, count)).collect()),
        },
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, value)| (name.clone(), many_of(value, id, count)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// An id's `n`-th sibling: 0 is the id itself.
pub fn sibling(id: &str, n: usize) -> String {
    match id.parse::<u64>() {
        _ if n == 0 => id.to_owned(),
        Ok(number) if number.to_string() == id => (number + 1_000_000 + n as u64).to_string(),
        _ => format!("{id}-{n}"),
    }
}

fn renumber(row: &Value, n: usize) -> Value {
    let Some(members) = row.as_object() else {
        return row.clone();
    };
    let renumbered = |name: &str, value: &Value| match value {
        Value::String(id) if is_id(name) => Value::String(sibling(id, n)),
        Value::Number(id) if is_id(name) && n > 0 => id.as_u64().map_or_else(
            || value.clone(),
            |id| Value::from(id + 1_000_000 + n as u64),
        ),
        other => other.clone(),
    };
    Value::Object(
        members
            .iter()
            .map(|(name, value)| (name.clone(), renumbered(name, value)))
            .collect(),
    )
}

/// Whether a member identifies its own row: "id", "line_id", "orderItemId".
fn is_id(name: &str) -> bool {
    name == "id" || name.ends_with("_id") || name.ends_with("Id") || name.ends_with("ID")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn orders() -> Value {
        json!({"orders": [
            {"id": "O1", "status": "open", "lines": [{"id": 7, "sku": "A"}, {"id": 8}]},
            {"id": "O2", "lines": []},
        ], "next": null})
    }

    #[test]
    fn places_are_found_inside_rows_only() {
        let names = |places: Vec<Place>| places.iter().map(shown).collect::<Vec<_>>();
        assert_eq!(names(words(&orders())), ["orders.*.status"]);
        assert_eq!(names(inner_lists(&orders())), ["orders.*.lines"]);
        assert_eq!(
            names(members(&orders())),
            [
                "orders.*.id",
                "orders.*.lines",
                "orders.*.lines.*.id",
                "orders.*.lines.*.sku",
                "orders.*.status"
            ]
        );
    }

    #[test]
    fn a_change_touches_one_row() {
        let place = members(&orders()).remove(0);
        let bent = change(&orders(), &place, &|_| Some(Value::Null)).unwrap();
        assert!(bent["orders"][0]["id"].is_null() && bent["orders"][1]["id"] == "O2");
        assert_eq!(change(&orders(), &["nothing".into()], &|_| None), None);
    }

    #[test]
    fn many_rows_have_ids_of_their_own() {
        let rows = many(&orders()["orders"][0]["lines"], 3).unwrap();
        assert_eq!(rows[0], json!({"id": 7, "sku": "A"}));
        assert_eq!(rows[2], json!({"id": 1_000_009, "sku": "A"}));
        assert_eq!(sibling("7", 2), "1000009");
        assert_eq!(sibling("L7", 2), "L7-2");
        let many = many_of(&orders(), "7", 5);
        assert_eq!(many["orders"][0]["lines"].as_array().unwrap().len(), 5);
        assert_eq!(many["orders"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn new_members_stand_in_every_object() {
        let bent = new_members(&orders());
        assert!(bent["orders"][0]["lines"][1].get(NEW_MEMBER).is_some());
        assert!(bent.get(NEW_MEMBER).is_some());
    }
}

//! Whether a JSON value fits an input type, as GitHub judges variables and literals.

use graphql_parser::schema::Type;
use serde_json::{Value, json};

use super::schema::{FieldType, InputDefinition, Named, Schema};
use crate::git::Oid;

/// What does not fit, and where.
pub(super) struct Misfit {
    path: Vec<Value>,
    pub(super) explanation: String,
}

impl Misfit {
    fn new(path: &[Value], explanation: impl Into<String>) -> Misfit {
        Misfit { path: path.to_vec(), explanation: explanation.into() }
    }

    pub(super) fn json(&self) -> Value {
        json!({ "path": self.path, "explanation": self.explanation })
    }

    /// `input.branch (…)`, as GitHub's messages name it.
    pub(super) fn text(&self) -> String {
        let parts = self.path.iter();
        let path: Vec<String> = parts.map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned)).collect();
        format!("{} ({})", path.join("."), self.explanation)
    }
}

/// All that does not fit.
pub(super) fn misfits(schema: &Schema, of: &FieldType, value: &Value) -> Vec<Misfit> {
    let mut found = Vec::new();
    check(schema, of, value, &mut Vec::new(), &mut found);
    found
}

fn check(schema: &Schema, of: &FieldType, value: &Value, path: &mut Vec<Value>, found: &mut Vec<Misfit>) {
    match (of, value) {
        (Type::NonNullType(_), Value::Null) => {
            found.push(Misfit::new(path, "Expected value to not be null"));
        }
        (Type::NonNullType(inner), value) => check(schema, inner, value, path, found),
        (_, Value::Null) => {}
        (Type::ListType(inner), Value::Array(items)) => {
            for (at, item) in items.iter().enumerate() {
                path.push(json!(at));
                check(schema, inner, item, path, found);
                path.pop();
            }
        }
        (Type::ListType(inner), single) => check(schema, inner, single, path, found),
        (Type::NamedType(name), value) => named(schema, name, value, path, found),
    }
}

fn named(schema: &Schema, name: &str, value: &Value, path: &mut Vec<Value>, found: &mut Vec<Misfit>) {
    match schema.named(name) {
        Some(Named::Input(fields)) => object(schema, name, (fields, value), path, found),
        Some(Named::Enum(values)) => {
            let known = value.as_str().is_some_and(|it| values.iter().any(|own| own == it));
            if !known {
                let list = values.join(", ");
                found.push(Misfit::new(path, format!("Expected {value} to be one of: {list}")));
            }
        }
        Some(Named::Scalar) => {
            if !scalar(name, value) {
                let explanation = format!("Could not coerce value {value} to {name}");
                found.push(Misfit::new(path, explanation));
            }
        }
        Some(Named::Fields(..)) | None => {
            found.push(Misfit::new(path, format!("{name} isn't a defined input type")));
        }
    }
}

fn object(
    schema: &Schema,
    name: &str,
    (fields, value): (&[InputDefinition], &Value),
    path: &mut Vec<Value>,
    found: &mut Vec<Misfit>,
) {
    let Some(given) = value.as_object() else {
        let explanation = format!("Expected {value} to be a key-value object");
        found.push(Misfit::new(path, explanation));
        return;
    };
    for key in given.keys() {
        if !fields.iter().any(|it| it.name == *key) {
            path.push(json!(key));
            found.push(Misfit::new(path, format!("Field is not defined on {name}")));
            path.pop();
        }
    }
    for field in fields {
        let own = given.get(&field.name);
        if own.is_none() && field.default_value.is_some() {
            continue;
        }
        path.push(json!(field.name));
        check(schema, &field.value_type, own.unwrap_or(&Value::Null), path, found);
        path.pop();
    }
}

fn scalar(name: &str, value: &Value) -> bool {
    match name {
        "Int" => value.as_i64().is_some_and(|it| i32::try_from(it).is_ok()),
        "Float" => value.is_number(),
        "Boolean" => value.is_boolean(),
        "ID" => value.is_string() || value.is_i64(),
        "GitObjectID" => value.as_str().and_then(Oid::parse).is_some(),
        "GitRefname" => value.as_str().is_some_and(|it| it.starts_with("refs/")),
        _ => value.is_string(),
    }
}

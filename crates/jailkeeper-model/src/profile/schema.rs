//! The schema of profiles, made of the table that the parser reads by.

use super::keys::{Form, PROFILE, Shape};
use serde_json::{Map, Value, json};

/// Returns the JSON schema of a profile.
pub(crate) fn schema() -> Value {
    let mut schema = object(&PROFILE);
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
        schema.insert("title".into(), json!("Profile"));
        schema.insert("description".into(), json!("A policy of JailKeeper, with a name."));
    }
    schema
}

fn object(shape: &Shape) -> Value {
    let properties: Map<String, Value> = shape
        .keys
        .iter()
        .map(|key| {
            let mut value = form(&key.form);
            if let Some(value) = value.as_object_mut() {
                value.insert("description".into(), json!(key.about));
            }
            (key.name.to_owned(), value)
        })
        .collect();
    let required: Vec<_> =
        shape.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    let mut object = Map::new();
    object.insert("type".into(), json!("object"));
    object.insert("properties".into(), Value::Object(properties));
    object.insert("additionalProperties".into(), json!(false));
    if !required.is_empty() {
        object.insert("required".into(), json!(required));
    }
    if !shape.one_of.is_empty() {
        let choices = shape.one_of.iter().map(|name| json!({ "required": [name] }));
        object.insert("oneOf".into(), choices.collect());
    }
    Value::Object(object)
}

fn form(form: &Form) -> Value {
    let list = |items: Value| json!({ "type": "array", "items": items });
    match form {
        Form::Version => json!({ "const": 1 }),
        Form::Line => json!({ "type": "string", "minLength": 1, "pattern": "^[^\\n]*$" }),
        Form::Text => json!({ "type": "string" }),
        Form::Path => path(),
        Form::Bool => json!({ "type": "boolean" }),
        Form::True => json!({ "const": true }),
        Form::Word(words) => json!({ "enum": words }),
        Form::Time => json!({ "type": "string", "pattern": "^[0-9.]+ *(ms|s|m|h)$" }),
        Form::Lines => list(json!({ "type": "string", "minLength": 1 })),
        Form::Paths(shape) => list(json!({ "anyOf": [path(), object(shape)] })),
        Form::Tables(shape) => list(object(shape)),
        Form::TablesOrMap(shape) => {
            let map = json!({ "type": "object", "additionalProperties": { "type": "string" } });
            json!({ "anyOf": [list(object(shape)), map] })
        }
        Form::Table(shape) => object(shape),
    }
}

fn path() -> Value {
    json!({ "type": "string", "pattern": "^(/|\\$\\{(cwd|home|tmp)\\})" })
}

//! The schema of profiles, made of the table that the parser reads by.

use super::keys::{ENTRIES_AT_MOST, Form, LINE_AT_MOST, PROFILE, Shape};
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
    let text = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    let list = |items: Value, at_most: usize| json!({ "type": "array", "items": items, "maxItems": at_most });
    match form {
        Form::Version => json!({ "const": 1 }),
        Form::Line => line(),
        Form::Text => json!({ "type": "string" }),
        Form::Path => path(),
        Form::Glob => text("^(/|\\*\\*(/|$)|\\$\\{(cwd|home|tmp)\\}/)"),
        Form::VariableName => text(VARIABLE_NAME),
        Form::Bool => json!({ "type": "boolean" }),
        Form::True => json!({ "const": true }),
        Form::Word(words) => json!({ "enum": words }),
        Form::Time => text("^ *([0-9]+\\.?[0-9]*|\\.[0-9]+) *(ms|s|m|h)$"),
        Form::Lines(at_most) => list(line(), *at_most),
        Form::Programs => list(text("^[^/\\n]+$"), ENTRIES_AT_MOST),
        Form::Paths(shape) => list(json!({ "anyOf": [path(), object(shape)] }), ENTRIES_AT_MOST),
        Form::Tables(shape, at_most) => list(object(shape), *at_most),
        Form::TablesOrMap(shape) => {
            let map = json!({
                "type": "object",
                "propertyNames": { "pattern": VARIABLE_NAME },
                "additionalProperties": { "type": "string" },
            });
            json!({ "anyOf": [list(object(shape), ENTRIES_AT_MOST), map] })
        }
        Form::Table(shape) => object(shape),
    }
}

const VARIABLE_NAME: &str = "^[^=\\n]+$";

fn line() -> Value {
    json!({ "type": "string", "pattern": "^[^\\n]+$", "maxLength": LINE_AT_MOST })
}

fn path() -> Value {
    json!({ "type": "string", "pattern": "^(/|\\$\\{(cwd|home|tmp)\\}(/|$))[^*?]*$" })
}

//! The schemas of what is written.

use crate::event::Event;
use crate::report::Report;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

/// Returns the JSON schema of one event, one line of the event stream.
///
/// ```
/// let schema = jailkeeper_model::event_schema();
/// assert_eq!(schema["title"], "Event");
/// ```
#[must_use]
pub fn event_schema() -> Value {
    schema::<Event>()
}

/// Returns the JSON schema of a report.
#[must_use]
pub fn report_schema() -> Value {
    schema::<Report>()
}

/// Returns the JSON schema of a profile, as editors of TOML use it.
#[must_use]
pub fn profile_schema() -> Value {
    crate::profile::schema()
}

fn schema<T: JsonSchema>() -> Value {
    // What is written is described, so that a field is required when it is always there.
    let settings = SchemaSettings::draft2020_12()
        .for_serialize()
        .with_transform(RecursiveTransform(forget_null))
        .with_transform(RecursiveTransform(forget_code));
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// Takes `null` out of optional fields: they are left out and never null.
fn forget_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            schema.remove("anyOf");
            for (key, value) in only {
                schema.insert(key, value);
            }
        }
    }
}

/// Takes the Rust examples out of the descriptions.
fn forget_code(schema: &mut Schema) {
    if let Some(Value::String(text)) = schema.get_mut("description")
        && let Some(code) = text.find("\n\n```")
    {
        text.truncate(code);
    }
}

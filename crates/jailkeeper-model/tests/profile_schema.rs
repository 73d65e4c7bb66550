//! The schema of profiles says what the parser does.
//!
//! Editors check profiles by the schema, so it must refuse nothing that the parser takes; and what
//! can be said of one value alone, it must refuse as well.

#![expect(clippy::panic, reason = "a word of the schema that is not known here is a failure")]

use jailkeeper_model::profile::Profile;
use jailkeeper_model::profile_schema;
use regex::Regex;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{LazyLock, Mutex};
use toml::de::{DeTable, DeValue};

/// The text as JSON, which schemas are about.
fn json(text: &str) -> Value {
    fn value(given: &DeValue<'_>) -> Value {
        match given {
            DeValue::String(text) => json!(text),
            DeValue::Integer(number) => {
                let number = i64::from_str_radix(number.as_str(), number.radix());
                number.map_or(json!("a number of more than 64 bits"), |number| json!(number))
            }
            DeValue::Float(number) => json!(number.as_str().parse::<f64>().unwrap_or_default()),
            DeValue::Boolean(bool) => json!(bool),
            // There is nothing like it.
            DeValue::Datetime(_) => Value::Null,
            DeValue::Array(list) => list.iter().map(|entry| value(entry.get_ref())).collect(),
            DeValue::Table(entries) => table(entries),
        }
    }
    fn table(entries: &DeTable<'_>) -> Value {
        let entries = entries.iter();
        entries.map(|(key, entry)| (key.get_ref().to_string(), value(entry.get_ref()))).collect()
    }
    table(DeTable::parse(text).expect("TOML").get_ref())
}

/// Checks a value by the words that the schema of profiles uses; another word is a failure.
fn fits(schema: &Value, value: &Value) -> bool {
    let schema = schema.as_object().expect("a schema");
    schema.iter().all(|(word, wanted)| match word.as_str() {
        "$schema" | "title" | "description" => wanted.is_string(),
        "type" => match wanted.as_str().expect("a type") {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            other => unreachable!("the type {other}"),
        },
        "const" => value == wanted,
        "enum" => wanted.as_array().expect("words").contains(value),
        "pattern" => {
            let wanted = wanted.as_str().expect("a pattern");
            value.as_str().is_none_or(|text| is_match(wanted, text))
        }
        "minLength" => at_least(wanted, value.as_str().map(|text| text.chars().count())),
        "maxLength" => at_most(wanted, value.as_str().map(|text| text.chars().count())),
        "maxItems" => at_most(wanted, value.as_array().map(Vec::len)),
        "items" => value.as_array().into_iter().flatten().all(|entry| fits(wanted, entry)),
        "propertyNames" => entries(value).all(|(key, _)| fits(wanted, &json!(key))),
        "required" => {
            let mut names = wanted.as_array().expect("names").iter().filter_map(Value::as_str);
            value.as_object().is_none_or(|table| names.all(|name| table.contains_key(name)))
        }
        "properties" => entries(value)
            .all(|(key, entry)| wanted.get(key).is_none_or(|wanted| fits(wanted, entry))),
        "additionalProperties" => {
            let known =
                |key: &str| schema.get("properties").is_some_and(|keys| keys.get(key).is_some());
            let mut others = entries(value).filter(|(key, _)| !known(key));
            match wanted {
                Value::Bool(false) => others.next().is_none(),
                wanted => others.all(|(_, entry)| fits(wanted, entry)),
            }
        }
        "anyOf" => choices(wanted, value) > 0,
        "oneOf" => choices(wanted, value) == 1,
        other => panic!("the word {other}"),
    })
}

/// Every pattern is compiled once.
fn is_match(pattern: &str, text: &str) -> bool {
    static COMPILED: Mutex<BTreeMap<String, Regex>> = Mutex::new(BTreeMap::new());
    let mut compiled = COMPILED.lock().expect("no test panics here");
    let new = || Regex::new(pattern).expect("an expression");
    compiled.entry(pattern.to_owned()).or_insert_with(new).is_match(text)
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn choices(wanted: &Value, value: &Value) -> usize {
    wanted.as_array().expect("schemas").iter().filter(|wanted| fits(wanted, value)).count()
}

fn at_least(wanted: &Value, length: Option<usize>) -> bool {
    length.is_none_or(|length| json!(length).as_u64() >= wanted.as_u64())
}

fn at_most(wanted: &Value, length: Option<usize>) -> bool {
    length.is_none_or(|length| json!(length).as_u64() <= wanted.as_u64())
}

/// What the two say of a text.
fn verdicts(text: &str) -> [bool; 2] {
    static SCHEMA: LazyLock<Value> = LazyLock::new(profile_schema);
    [Profile::parse("p", None, text).is_ok(), fits(&SCHEMA, &json(text))]
}

#[test]
fn every_built_in_profile_fits() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../jailkeeper/profiles");
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap().path();
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(verdicts(&text), [true; 2], "{}", file.display());
    }
}

/// One of everything that can stand behind a key.
const VALUES: [&str; 30] = [
    "0",
    "1",
    "1.0",
    "-1",
    "true",
    "false",
    "''",
    "'x'",
    "'/x'",
    "'/x/*'",
    "'${home}'",
    "'${home}/x'",
    "'${uid}'",
    "'kill'",
    "'deny'",
    "'read'",
    "'quiet'",
    "'none'",
    "'private'",
    "'5s'",
    "'1.5 m'",
    "\"two\\nlines\"",
    "1979-05-27",
    "[]",
    "[1]",
    "['']",
    "['x']",
    "['/x']",
    "{}",
    "{ x = 'y' }",
];

/// A table around a key, with `{}` for the key and its value, and the schema of the table.
fn tables(schema: &Value) -> Vec<(String, Map<String, Value>)> {
    let keys = |schema: &Value| schema["properties"].as_object().expect("keys").clone();
    let mut tables = vec![("version = 1\nKEY".to_owned(), keys(schema))];
    for (name, key) in &keys(schema) {
        let table = |schema: &Value| schema.get("properties").is_some();
        let list = |schema: &&Value| schema.get("items").is_some();
        let choices = key["anyOf"].as_array().map(Vec::as_slice).unwrap_or_default();
        if table(key) {
            tables.push((format!("version = 1\n[{name}]\nKEY"), keys(key)));
        }
        for list in std::iter::once(key).chain(choices).filter(list) {
            let items = &list["items"];
            let choices = items["anyOf"].as_array().map(Vec::as_slice).unwrap_or_default();
            let tables_of = std::iter::once(items).chain(choices).filter(|items| table(items));
            tables.extend(
                tables_of.map(|items| (format!("version = 1\n[[{name}]]\nKEY"), keys(items))),
            );
        }
    }
    tables
}

/// What else a table needs so that one key of it is all that can be wrong.
fn rest(table: &Map<String, Value>, key: &str) -> String {
    let needed = [
        ("path", "'/p'"),
        ("glob", "'/g'"),
        ("right", "'read'"),
        ("text", "'t'"),
        ("name", "'N'"),
        ("value", "'v'"),
        ("programs", "['tex']"),
    ];
    let other = match key {
        "regex" => "glob",
        "pass" => "value",
        _ => "",
    };
    let needed = needed
        .iter()
        .filter(|(name, _)| table.contains_key(*name) && *name != key && *name != other);
    needed.map(|(name, value)| format!("\n{name} = {value}")).collect()
}

#[test]
fn schema_and_parser_agree_about_every_key_and_type() {
    let schema = profile_schema();
    let tables = tables(&schema);
    assert_eq!(tables.len(), 11, "{tables:#?}");
    let mut seen = [0, 0];
    let mut differ = Vec::new();
    for (around, keys) in &tables {
        for key in keys.keys() {
            for value in VALUES {
                let text = around.replace("KEY", &format!("{key} = {value}")) + &rest(keys, key);
                let text = match key.as_str() {
                    "version" if around.starts_with("version = 1\nKEY") => {
                        format!("version = {value}")
                    }
                    _ => text,
                };
                let [parser, fits] = verdicts(&text);
                if fits != parser {
                    differ.push(format!("parser {parser}, schema {fits}: {text}"));
                }
                seen[usize::from(fits)] += 1;
            }
            let text = around.replace("KEY", &format!("{key}x = 1")) + &rest(keys, "");
            assert_eq!(verdicts(&text), [false; 2], "{text}");
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n\n"));
    // Were one of the two to say the same of everything, they would not agree by much.
    assert!(seen[0] > 500 && seen[1] > 100, "{seen:?}");
}

#[test]
fn lists_are_as_long_as_in_the_parser() {
    for (list, entry, most) in [
        ("read", "'/X'", 4096),
        ("extends", "'pX'", 32),
        ("patterns", "{ glob = '/X', right = 'read' }", 256),
    ] {
        for (length, expected) in [(most, true), (most + 1, false)] {
            let entries: Vec<_> =
                (0..length).map(|at| entry.replace('X', &at.to_string())).collect();
            let text = format!("version = 1\n{list} = [{}]", entries.join(", "));
            assert_eq!(verdicts(&text), [expected; 2], "{list} {length}");
        }
    }
}

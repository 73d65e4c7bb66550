//! The checked-in schemas are those of the code, and what is written fits them.

use jailkeeper_model::{event_schema, profile_schema, report_schema};
use serde_json::Value;
use std::path::Path;

/// Compares a schema with its file; with `JAILKEEPER_BLESS=1` writes the file.
fn check(name: &str, schema: &Value) -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas");
    let file = folder.join(name);
    let text = serde_json::to_string_pretty(schema)? + "\n";
    if std::env::var_os("JAILKEEPER_BLESS").is_some_and(|value| value == "1") {
        std::fs::create_dir_all(&folder)?;
        return std::fs::write(&file, text);
    }
    let checked_in = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        checked_in == text,
        "schemas/{name} is not what the code says; run the tests with JAILKEEPER_BLESS=1"
    );
    Ok(())
}

#[test]
fn the_event_schema_is_checked_in() {
    check("event.json", &event_schema()).unwrap();
}

#[test]
fn the_report_schema_is_checked_in() {
    check("report.json", &report_schema()).unwrap();
}

#[test]
fn the_profile_schema_is_checked_in() {
    check("profile.json", &profile_schema()).unwrap();
}

//! Turning what a program needed into changes of a profile.

use crate::account::without_signs;
use jailkeeper::Error;
use jailkeeper::model::learn::{Need, Proposal, right_for};
use jailkeeper::model::profile::{Profile, ProfileError};
use jailkeeper::model::{Event, JailPath, Jailbreak, Right, escape};
use std::path::Path;
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value};

/// How many bytes of a report or of events are read.
pub(crate) const BYTES_AT_MOST: u64 = 64 << 20;

/// What a new profile begins with.
const NEW: &str = "version = 1\n";

/// Returns what a jailbreak would have needed; `None` for what no entry can give.
pub(crate) fn need(event: &Jailbreak) -> Option<Need> {
    let right = right_for(event.mode)?;
    let text = match (&event.resolved_bytes, &event.file_bytes) {
        // An entry is text: a name that is none cannot be written down.
        (Some(_), _) | (_, Some(_)) => return None,
        _ => event.resolved.as_deref().or(event.file.as_deref())?,
    };
    let mut path = JailPath::new(Path::new(text)).ok()?;
    // An entry's path must exist: what was to be made needs its directory.
    while right == Right::Write && path.as_path().symlink_metadata().is_err() {
        path = path.parent()?;
    }
    let name = event.file.as_deref().and_then(|file| named(file, &path));
    (path != JailPath::root()).then(|| Need { path, name, right, program: event.program.clone() })
}

/// The name by which a program used a file, if symbolic links lead from it to that file.
fn named(text: &str, path: &JailPath) -> Option<JailPath> {
    let name = JailPath::new(Path::new(text)).ok().filter(|name| name != path)?;
    let end = name.as_path().canonicalize().ok()?;
    (end == path.as_path()).then_some(name)
}

/// Returns what was listed outside: a directory that no rule allows looks empty.
pub(crate) fn listing(file: Option<&str>, operation: &str, program: &str) -> Option<Need> {
    let file = file.filter(|_| operation == "list")?;
    let path = JailPath::new(Path::new(file)).ok()?;
    Some(Need { path, name: None, right: Right::Read, program: program.to_owned() })
}

/// Reads the needs out of a file of events, or of a report.
pub(crate) fn read(file: &Path) -> Result<(Vec<Jailbreak>, Vec<Need>), Error> {
    use std::io::Read;
    let failed = |error: std::io::Error| Error::io("read the report", error).at(file);
    let mut text = String::new();
    std::fs::File::open(file)
        .map_err(failed)?
        .take(BYTES_AT_MOST)
        .read_to_string(&mut text)
        .map_err(failed)?;
    let (mut jailbreaks, mut listed) = (Vec::new(), Vec::new());
    if let Ok(serde_json::Value::Object(report)) = serde_json::from_str(&text)
        && report.contains_key("jailbreaks")
    {
        let list = report.get("jailbreaks").cloned().unwrap_or_default();
        jailbreaks = serde_json::from_value(list).map_err(|error| failed(error.into()))?;
        let forgiven = report.get("forgiven").and_then(|list| list.as_array());
        for entry in forgiven.into_iter().flatten() {
            let text = |key: &str| entry.get(key).and_then(|value| value.as_str());
            let (operation, program) = (text("operation"), text("program"));
            let (operation, program) = (operation.unwrap_or(""), program.unwrap_or(""));
            listed.extend(listing(text("file"), operation, program));
        }
    } else {
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
            let event = Event::parse(line).map_err(|error| {
                Error::usage(format!("read line {} of", number + 1))
                    .at(file)
                    .with_hint(format!("{error}: a report, or events as one JSON object a line"))
            })?;
            match event {
                Event::Jailbreak(jailbreak) => jailbreaks.push(jailbreak),
                Event::Probe(probe) => {
                    listed.extend(listing(probe.file.as_deref(), &probe.operation, &probe.program));
                }
                _ => {}
            }
        }
    }
    Ok((jailbreaks, listed))
}

/// Adds entries to a profile's text; comments and order stay.
pub(crate) fn merge(
    name: &str,
    file: Option<&Path>,
    text: &str,
    proposals: &[Proposal],
) -> Result<String, Error> {
    let text = if text.trim().is_empty() { NEW } else { text };
    let mistake = |error: ProfileError| Error::profile(error);
    Profile::parse(name, file, text).map_err(mistake)?;
    let mut document: DocumentMut =
        text.parse().map_err(|_| Error::usage("read the profile as TOML"))?;
    for proposal in proposals {
        let key = if proposal.right == Right::Write { "write" } else { "read" };
        let path = text_value(&proposal.path.as_path().to_string_lossy())?;
        let reason = text_value(&proposal.reason())?;
        match document.entry(key).or_insert(Item::ArrayOfTables(ArrayOfTables::new())) {
            Item::ArrayOfTables(tables) => {
                let mut table = Table::new();
                table.insert("path", Item::Value(path));
                table.insert("reason", Item::Value(reason));
                tables.push(table);
            }
            Item::Value(Value::Array(array)) => add_inline(array, path, reason),
            _ => return Err(Error::usage(format!("add to `{key}` of the profile"))),
        }
    }
    let merged = document.to_string();
    Profile::parse(name, file, &merged).map_err(mistake)?;
    Ok(merged)
}

fn add_inline(array: &mut Array, path: Value, reason: Value) {
    let mut table = InlineTable::new();
    table.insert("path", path);
    table.insert("reason", reason);
    array.push(table);
}

/// A string as it is written into a profile. What could deceive a reader is written by number,
/// which TOML reads as the same text.
fn text_value(text: &str) -> Result<Value, Error> {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        let plain = escape(letter.encode_utf8(&mut [0; 4]).as_bytes()).to_string().len();
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            _ if plain == letter.len_utf8() => quoted.push(letter),
            _ => quoted.push_str(&format!("\\U{:08X}", u32::from(letter))),
        }
    }
    quoted.push('"');
    quoted.parse().map_err(|_| Error::usage("write a name into the profile"))
}

/// Shows the change as a diff. Nothing in it deceives a terminal.
pub(crate) fn diff(file: &str, before: &str, after: &str) -> String {
    let file = escape(file.as_bytes()).to_string();
    let diff = similar::TextDiff::from_lines(before, after)
        .unified_diff()
        .context_radius(3)
        .header(&file, &file)
        .to_string();
    diff.lines().map(|line| without_signs(line) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn proposal(path: &str, right: Right) -> Proposal {
        let programs = BTreeSet::from(["/usr/bin/cc".to_owned()]);
        Proposal { path: JailPath::new(path).unwrap(), right, programs }
    }

    #[test]
    fn a_new_profile_has_its_entries_and_who_needed_them() {
        let proposals = [proposal("/opt/a", Right::Read), proposal("/opt/b", Right::Write)];
        let text = merge("new", None, "", &proposals).unwrap();
        insta::assert_snapshot!(text, @r#"
        version = 1

        [[read]]
        path = "/opt/a"
        reason = "needed by cc"

        [[write]]
        path = "/opt/b"
        reason = "needed by cc"
        "#);
    }

    #[test]
    fn comments_and_inline_lists_stay() {
        let before = "# mine\nversion = 1\nread = [\"/srv\"] # data\n";
        let text = merge("mine", None, before, &[proposal("/opt/a", Right::Read)]).unwrap();
        assert!(text.contains("# mine") && text.contains("# data"), "{text}");
        assert!(text.contains(r#"{ path = "/opt/a", reason = "needed by cc" }"#), "{text}");
        let diff = diff("mine.toml", before, &text);
        assert!(diff.contains("-read = [\"/srv\"] # data\n+read ="), "{diff}");
    }

    #[test]
    fn hostile_names_stay_inside_their_string() {
        let evil = proposal("/opt/\"]\n[[write]]\npath = \"/", Right::Read);
        let text = merge("new", None, "", &[evil]).unwrap();
        let profile = Profile::parse("new", None, &text).unwrap();
        assert_eq!(profile.rules.len(), 1);
    }

    #[test]
    fn what_deceives_is_written_by_number_and_read_as_it_was() {
        for name in ["/opt/\u{202e}gnp", "/opt/\x1b[2J\u{7f}\n", "/opt/a\\b", "/opt/größe🦀 b"]
        {
            let text = merge("new", None, "", &[proposal(name, Right::Read)]).unwrap();
            assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n'), "{text}");
            assert!(!text.contains('\u{202e}'), "{text}");
            let profile = Profile::parse("new", None, &text).unwrap();
            let document: DocumentMut = text.parse().unwrap();
            let path = document["read"][0]["path"].as_str();
            assert_eq!((profile.rules.len(), path), (1, Some(name)));
        }
    }
}

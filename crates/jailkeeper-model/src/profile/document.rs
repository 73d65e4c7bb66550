//! A profile, and reading it.

use super::entry::{
    AskersEntry, CopyEntry, FileEntry, Net, PatternEntry, PatternKind, RuleEntry, Tmp,
    VariableEntry,
};
use super::error::ProfileError;
use super::keys;
use super::paths;
use super::place::{Located, Source};
use super::reader::{Fields, Reader};
use super::template::Template;
use super::twice;
use super::wall_time;
use crate::policy::{OnJailbreak, Right};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// How long a profile may be, in bytes.
const BYTES_AT_MOST: usize = 256 << 10;
/// How long a file that a profile writes may be, in bytes.
const FILE_AT_MOST: usize = 64 << 10;

/// A policy with a name, as it is written in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// Its text and where that comes from.
    pub source: Arc<Source>,
    /// What it is for.
    pub description: Option<Located<String>>,
    /// What it adds to: names, or paths of files, which have a slash.
    pub extends: Vec<Located<String>>,
    /// What follows a jailbreak.
    pub on_jailbreak: Option<Located<OnJailbreak>>,
    /// Whether looking at what is outside is a jailbreak too.
    pub strict: Option<Located<bool>>,
    /// Whether the jail may make sandboxes of its own.
    pub nested: Option<Located<bool>>,
    /// The network.
    pub net: Option<Located<Net>>,
    /// The `/tmp`.
    pub tmp: Option<Located<Tmp>>,
    /// Whether the base comes with it.
    pub base: Option<Located<bool>>,
    /// How long the command may run.
    pub wall_time: Option<Located<Duration>>,
    /// What is said in `read`, `write`, `deny` and `quiet`.
    pub rules: Vec<RuleEntry>,
    /// Rights for every path that matches.
    pub patterns: Vec<PatternEntry>,
    /// Small files of which the jail gets a copy.
    pub copies: Vec<CopyEntry>,
    /// Files that the jail gets instead of the host's.
    pub files: Vec<FileEntry>,
    /// Variables of the environment.
    pub variables: Vec<VariableEntry>,
    /// Programs that ask before they read.
    pub askers: Vec<AskersEntry>,
}

impl Profile {
    /// Reads a profile. What was built in has no file; the file of any other is the path that it
    /// was really read from, which tells two profiles apart.
    ///
    /// ```
    /// # use jailkeeper_model::profile::Profile;
    /// let text = "version = 1\nread = ['/srv']\nwrit = ['${cwd}']\n";
    /// let error = Profile::parse("mine", None, text).unwrap_err();
    /// assert_eq!(error.to_string(), "mine:3:1: a profile has no key `writ`");
    /// assert_eq!(error.help(), Some("did you mean `write`?"));
    /// ```
    ///
    /// # Errors
    ///
    /// All that is wrong with the text, each with its place.
    pub fn parse(name: &str, file: Option<&Path>, text: &str) -> Result<Self, ProfileError> {
        if text.len() > BYTES_AT_MOST {
            let place = super::Place::new(&Source::new(name, file, ""), 0..0);
            let message = format!("the profile is longer than {} KiB", BYTES_AT_MOST >> 10);
            return Err(ProfileError::new(place, message));
        }
        let source = Source::new(name, file, text);
        let table =
            DeTable::parse(text).map_err(|error| super::syntax::explain(&source, &error))?;
        let mut reader = Reader::new(&source);
        // The whole file is no good place for a missing key: its beginning is.
        let fields = reader.fields(&keys::PROFILE, table.get_ref(), 0..0);
        let profile = Self::read(&mut reader, source, &fields);
        twice::check(&mut reader, &profile);
        reader.finish().map(|()| profile)
    }

    fn read(reader: &mut Reader, source: Arc<Source>, fields: &Fields<'_>) -> Self {
        version(reader, fields);
        let optional = fields.bool(reader, "optional").is_some_and(|optional| optional.value);
        let mut entries = Entries { reader, fields, optional };
        let mut rules = entries.rules("read", Right::Read);
        rules.extend(entries.rules("write", Right::Write));
        rules.extend(entries.rules("deny", Right::Deny));
        rules.extend(entries.rules("quiet", Right::Quiet));
        Self {
            rules,
            patterns: entries.patterns(),
            copies: entries.copies(),
            files: entries.files(),
            variables: entries.variables(),
            askers: entries.askers(),
            extends: entries.extends(),
            description: fields.line(reader, "description"),
            on_jailbreak: fields.word(reader, "on_jailbreak", &FOLLOWS),
            strict: fields.bool(reader, "strict"),
            nested: fields.bool(reader, "nested"),
            net: net(reader, fields),
            tmp: fields.word(reader, "tmp", &[("private", Tmp::Private), ("deny", Tmp::Deny)]),
            base: fields.bool(reader, "base"),
            wall_time: limits(reader, fields),
            source,
        }
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.source.name()
    }

    /// Returns its file; what was built in has none.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.source.file()
    }
}

const FOLLOWS: [(&str, OnJailbreak); 4] = [
    ("kill", OnJailbreak::Kill),
    ("deny", OnJailbreak::Deny),
    ("ask", OnJailbreak::Ask),
    ("log", OnJailbreak::Log),
];

const RIGHTS: [(&str, Right); 3] =
    [("read", Right::Read), ("write", Right::Write), ("deny", Right::Deny)];

fn version(reader: &mut Reader, fields: &Fields<'_>) {
    let Some(value) = fields.get("version") else { return };
    let place = reader.place(value.span());
    match value.get_ref() {
        DeValue::Integer(number) if number.radix() == 10 && number.as_str() == "1" => {}
        DeValue::Integer(_) => {
            let error = ProfileError::new(place, "the profile has a version that is not known");
            reader.wrong(error.with_help("this JailKeeper reads version 1"));
        }
        _ => {
            let error = ProfileError::new(place, "`version` is a number");
            reader.wrong(error.with_help("write `version = 1`"));
        }
    }
}

fn net(reader: &mut Reader, fields: &Fields<'_>) -> Option<Located<Net>> {
    let value = fields.get("net")?;
    let word = reader.text("`net`", value)?;
    if word.value == "none" {
        return Some(word.map(|_| Net::None));
    }
    let message = format!("the network `{}` cannot be had", super::suggest::shown(&word));
    let error = ProfileError::new(word.place, message);
    reader.wrong(error.with_help("a jail has no network today: write \"none\", or leave it out"));
    None
}

fn limits(reader: &mut Reader, fields: &Fields<'_>) -> Option<Located<Duration>> {
    let limits = reader.table(&keys::LIMITS, fields.get("limits")?)?;
    let value = limits.get("wall_time")?;
    let given = match value.get_ref() {
        DeValue::Integer(number) => {
            let error = ProfileError::new(reader.place(value.span()), "`wall_time` has no unit");
            let help = format!("write \"{}s\" for seconds", super::suggest::shown(number.as_str()));
            reader.wrong(error.with_help(help));
            return None;
        }
        _ => reader.text("`wall_time`", value)?,
    };
    match wall_time::parse(&given) {
        Ok(time) => Some(given.map(|_| time)),
        Err(message) => {
            let help = "write a number and ms, s, m or h, such as \"10s\"";
            reader.wrong(ProfileError::new(given.place, message).with_help(help));
            None
        }
    }
}

/// Reads the lists of entries.
struct Entries<'r, 't> {
    reader: &'r mut Reader,
    fields: &'r Fields<'t>,
    /// The default of `optional`.
    optional: bool,
}

impl<'t> Entries<'_, 't> {
    /// Keeps what is right, and the error of what is not.
    fn keep<T>(&mut self, result: Result<T, ProfileError>) -> Option<T> {
        result.map_err(|error| self.reader.wrong(error)).ok()
    }

    fn reason(&mut self, fields: &Fields<'_>) -> Option<String> {
        fields.line(self.reader, "reason").map(|reason| reason.value)
    }

    fn optional(&mut self, fields: &Fields<'_>) -> bool {
        fields.bool(self.reader, "optional").map_or(self.optional, |optional| optional.value)
    }

    fn follows(&mut self, fields: &Fields<'_>) -> Option<OnJailbreak> {
        fields.word(self.reader, "on_jailbreak", &FOLLOWS).map(|follows| follows.value)
    }

    fn path(&mut self, what: &str, value: &Spanned<DeValue<'_>>) -> Option<Located<Template>> {
        let text = self.reader.text(what, value)?;
        self.keep(paths::path(text))
    }

    /// Reads an entry that is a path, or a table with one.
    fn path_or_table(
        &mut self,
        key: &'static str,
        shape: &'static keys::Shape,
        value: &'t Spanned<DeValue<'t>>,
    ) -> Option<(Located<Template>, Option<Fields<'t>>)> {
        if let DeValue::Table(_) = value.get_ref() {
            let fields = self.reader.table(shape, value)?;
            let path = self.path("`path`", fields.get("path")?)?;
            Some((path, Some(fields)))
        } else {
            let what = format!("an entry of `{key}`");
            Some((self.path(&what, value)?, None))
        }
    }

    fn rules(&mut self, key: &'static str, right: Right) -> Vec<RuleEntry> {
        let entries = self.fields.list(self.reader, key);
        let rule = |entry| {
            let (path, fields) = self.path_or_table(key, &keys::RULE, entry)?;
            let mut rule = RuleEntry {
                path,
                right,
                reason: None,
                optional: self.optional,
                on_jailbreak: None,
            };
            if let Some(fields) = fields {
                rule.reason = self.reason(&fields);
                rule.optional = self.optional(&fields);
                rule.on_jailbreak = self.follows(&fields);
            }
            Some(rule)
        };
        entries.iter().filter_map(rule).collect()
    }

    fn copies(&mut self) -> Vec<CopyEntry> {
        let entries = self.fields.list(self.reader, "copy");
        let path = |entry| {
            let (path, fields) = self.path_or_table("copy", &keys::COPY, entry)?;
            let mut entry = CopyEntry { path, reason: None, optional: self.optional };
            if let Some(fields) = fields {
                entry.reason = self.reason(&fields);
                entry.optional = self.optional(&fields);
            }
            Some(entry)
        };
        entries.iter().filter_map(path).collect()
    }

    fn patterns(&mut self) -> Vec<PatternEntry> {
        let entries = self.fields.list(self.reader, "patterns");
        entries.iter().filter_map(|entry| self.pattern(entry)).collect()
    }

    fn pattern(&mut self, entry: &'t Spanned<DeValue<'t>>) -> Option<PatternEntry> {
        let fields = self.reader.table(&keys::PATTERN, entry)?;
        let right = fields.word(self.reader, "right", &RIGHTS);
        let glob = fields.text(self.reader, "glob").map(|text| (PatternKind::Glob, text));
        let regex = fields.text(self.reader, "regex").map(|text| (PatternKind::Regex, text));
        let (kind, text) = glob.or(regex)?;
        let template = paths::template(text);
        let entry = PatternEntry {
            pattern: self.keep(template)?,
            kind,
            right: right?.value,
            reason: self.reason(&fields),
            optional: self.optional(&fields),
            on_jailbreak: self.follows(&fields),
        };
        self.keep(entry.check())?;
        Some(entry)
    }

    fn files(&mut self) -> Vec<FileEntry> {
        let entries = self.fields.list(self.reader, "files");
        entries.iter().filter_map(|entry| self.file(entry)).collect()
    }

    fn file(&mut self, entry: &'t Spanned<DeValue<'t>>) -> Option<FileEntry> {
        let fields = self.reader.table(&keys::FILE, entry)?;
        let reason = self.reason(&fields);
        let optional = self.optional(&fields);
        let path = self.path("`path`", fields.get("path")?);
        let text = fields.text(self.reader, "text")?;
        if text.len() > FILE_AT_MOST {
            let message = format!("`text` has more than {} KiB", FILE_AT_MOST >> 10);
            self.reader.wrong(ProfileError::new(text.place, message));
            return None;
        }
        let text = self.keep(paths::template(text))?;
        Some(FileEntry { path: path?, text, reason, optional })
    }

    fn variables(&mut self) -> Vec<VariableEntry> {
        let Some(value) = self.fields.get("env") else { return Vec::new() };
        if let DeValue::Table(table) = value.get_ref() {
            let mut entries: Vec<_> = table.iter().collect();
            // The map is sorted by name; people read files from the top.
            entries.sort_by_key(|(name, _)| name.span().start);
            return entries
                .into_iter()
                .filter_map(|(name, value)| {
                    let what = format!("the value of `{}`", super::suggest::shown(name.get_ref()));
                    let place = self.reader.place(name.span());
                    let name = Located::new(name.get_ref().clone().into_owned(), place);
                    let value = self.reader.text(&what, value)?;
                    let value = self.keep(paths::template(value))?;
                    let name = self.keep(variable_name(name))?;
                    Some(VariableEntry { name, value: Some(value), reason: None })
                })
                .collect();
        }
        let entries = self.fields.list(self.reader, "env");
        entries.iter().filter_map(|entry| self.variable(entry)).collect()
    }

    fn variable(&mut self, entry: &'t Spanned<DeValue<'t>>) -> Option<VariableEntry> {
        let fields = self.reader.table(&keys::ENV, entry)?;
        let reason = self.reason(&fields);
        let name = fields.line(self.reader, "name").map(variable_name);
        let name = name.and_then(|name| self.keep(name));
        let value = match fields.get("value") {
            Some(_) => {
                let text = fields.text(self.reader, "value")?;
                Some(self.keep(paths::template(text))?)
            }
            None => None,
        };
        if let Some(pass) = fields.bool(self.reader, "pass").filter(|pass| !pass.value) {
            let error = ProfileError::new(pass.place, "`pass` is true or not there");
            self.reader.wrong(error.with_help("a variable that no entry passes is not passed"));
        }
        Some(VariableEntry { name: name?, value, reason })
    }

    fn askers(&mut self) -> Vec<AskersEntry> {
        let entries = self.fields.list(self.reader, "asks");
        entries.iter().filter_map(|entry| self.asker(entry)).collect()
    }

    fn asker(&mut self, entry: &'t Spanned<DeValue<'t>>) -> Option<AskersEntry> {
        let fields = self.reader.table(&keys::ASKS, entry)?;
        let reason = self.reason(&fields);
        let names = fields.list(self.reader, "programs");
        let mut programs = Vec::with_capacity(names.len());
        for name in names {
            let Some(name) = self.reader.line("a program", name) else { continue };
            if name.contains('/') {
                let error = ProfileError::new(name.place, "a program is known by its file's name");
                self.reader.wrong(error.with_help("leave the directory out"));
            } else {
                programs.push(name.value);
            }
        }
        Some(AskersEntry { programs, reason, place: fields.place().clone() })
    }

    fn extends(&mut self) -> Vec<Located<String>> {
        let entries = self.fields.list(self.reader, "extends");
        let name = |entry| {
            let name = self.reader.line("an entry of `extends`", entry)?;
            self.keep(paths::extended(name))
        };
        entries.iter().filter_map(name).collect()
    }
}

fn variable_name(name: Located<String>) -> Result<Located<String>, ProfileError> {
    if name.is_empty() || name.contains(['=', '\0', '\n']) {
        let message = format!("`{}` is no name of a variable", super::suggest::shown(&name));
        return Err(ProfileError::new(name.place, message));
    }
    Ok(name)
}

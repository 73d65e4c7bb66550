//! Profiles as constants: read once, when the program is built, instead of at every start.
//!
//! What is shipped never changes while a program runs, and reading it was the largest part of a
//! start in user mode. [`rust`] writes a profile down as Rust; a test of whoever ships it compares
//! that with what its text says today.

use super::document::Profile;
use super::entry::{
    AskersEntry, CopyEntry, FileEntry, Net, PatternEntry, PatternKind, RuleEntry, Tmp,
    VariableEntry,
};
use super::place::{Located, Place, Source};
use super::template::Template;
use crate::policy::{OnJailbreak, Right};
use std::fmt::Write as _;
use std::time::Duration;

/// Holds a profile as constants.
#[derive(Debug)]
#[expect(missing_docs, reason = "the fields are those of a `Profile`")]
pub struct Compiled {
    pub name: &'static str,
    pub text: &'static str,
    pub description: Option<At<&'static str>>,
    pub extends: &'static [At<&'static str>],
    pub on_jailbreak: Option<At<OnJailbreak>>,
    pub strict: Option<At<bool>>,
    pub nested: Option<At<bool>>,
    pub net: Option<At<Net>>,
    pub tmp: Option<At<Tmp>>,
    pub base: Option<At<bool>>,
    pub wall_time: Option<At<Duration>>,
    pub rules: &'static [CompiledRule],
    pub patterns: &'static [CompiledPattern],
    pub copies: &'static [CompiledCopy],
    pub files: &'static [CompiledFile],
    pub variables: &'static [CompiledVariable],
    pub askers: &'static [CompiledAskers],
}

/// Holds a value and which bytes of the text it takes up.
#[derive(Debug, Clone, Copy)]
pub struct At<T> {
    value: T,
    start: usize,
    end: usize,
}

/// Joins a value and its bytes.
pub const fn at<T: Copy>(value: T, start: usize, end: usize) -> At<T> {
    At { value, start, end }
}

/// Holds a [`RuleEntry`]: path, right, reason, whether it is optional, and what follows.
#[derive(Debug)]
pub struct CompiledRule(
    pub At<&'static str>,
    pub Right,
    pub Option<&'static str>,
    pub bool,
    pub Option<OnJailbreak>,
);

/// Holds a [`PatternEntry`]: the pattern, and what a rule has.
#[derive(Debug)]
pub struct CompiledPattern(
    pub At<&'static str>,
    pub PatternKind,
    pub Right,
    pub Option<&'static str>,
    pub bool,
    pub Option<OnJailbreak>,
);

/// Holds a [`CopyEntry`]: path, reason and whether it is optional.
#[derive(Debug)]
pub struct CompiledCopy(pub At<&'static str>, pub Option<&'static str>, pub bool);

/// Holds a [`FileEntry`]: path, text, reason and whether it is optional.
#[derive(Debug)]
pub struct CompiledFile(
    pub At<&'static str>,
    pub At<&'static str>,
    pub Option<&'static str>,
    pub bool,
);

/// Holds a [`VariableEntry`]: name, value and reason.
#[derive(Debug)]
pub struct CompiledVariable(
    pub At<&'static str>,
    pub Option<At<&'static str>>,
    pub Option<&'static str>,
);

/// Holds an [`AskersEntry`]: its place, programs and reason.
#[derive(Debug)]
pub struct CompiledAskers(pub At<()>, pub &'static [&'static str], pub Option<&'static str>);

impl Compiled {
    /// Makes the profile. `None` is that a template cannot be read, which a profile has not that
    /// [`rust`] wrote.
    #[must_use]
    pub fn profile(&self) -> Option<Profile> {
        let source = &Source::of_constant(self.name, self.text);
        let text = |at: At<&'static str>| at.map(str::to_owned).located(source);
        let template = |at: At<&'static str>| {
            let template = Template::parse(at.value).ok()?;
            Some(Located::new(template, Place::known(source, at.start..at.end)))
        };
        let rule = |&CompiledRule(path, right, reason, optional, on_jailbreak): &_| {
            let reason = reason.map(str::to_owned);
            Some(RuleEntry { path: template(path)?, right, reason, optional, on_jailbreak })
        };
        let pattern =
            |&CompiledPattern(pattern, kind, right, reason, optional, on_jailbreak): &_| {
                let (pattern, reason) = (template(pattern)?, reason.map(str::to_owned));
                Some(PatternEntry { pattern, kind, right, reason, optional, on_jailbreak })
            };
        let copy = |&CompiledCopy(path, reason, optional): &_| {
            let reason = reason.map(str::to_owned);
            Some(CopyEntry { path: template(path)?, reason, optional })
        };
        let file = |&CompiledFile(path, text, reason, optional): &_| {
            let reason = reason.map(str::to_owned);
            Some(FileEntry { path: template(path)?, text: template(text)?, reason, optional })
        };
        let variable = |&CompiledVariable(name, value, reason): &_| {
            let value = match value {
                Some(value) => Some(template(value)?),
                None => None,
            };
            Some(VariableEntry { name: text(name), value, reason: reason.map(str::to_owned) })
        };
        let askers = |&CompiledAskers(at, programs, reason): &_| AskersEntry {
            programs: programs.iter().map(|&program| program.to_owned()).collect(),
            reason: reason.map(str::to_owned),
            place: at.located(source).place,
        };
        Some(Profile {
            source: source.clone(),
            description: self.description.map(text),
            extends: self.extends.iter().copied().map(text).collect(),
            on_jailbreak: self.on_jailbreak.map(|at| at.located(source)),
            strict: self.strict.map(|at| at.located(source)),
            nested: self.nested.map(|at| at.located(source)),
            net: self.net.map(|at| at.located(source)),
            tmp: self.tmp.map(|at| at.located(source)),
            base: self.base.map(|at| at.located(source)),
            wall_time: self.wall_time.map(|at| at.located(source)),
            rules: self.rules.iter().map(rule).collect::<Option<_>>()?,
            patterns: self.patterns.iter().map(pattern).collect::<Option<_>>()?,
            copies: self.copies.iter().map(copy).collect::<Option<_>>()?,
            files: self.files.iter().map(file).collect::<Option<_>>()?,
            variables: self.variables.iter().map(variable).collect::<Option<_>>()?,
            askers: self.askers.iter().map(askers).collect(),
        })
    }
}

impl<T> At<T> {
    fn map<U>(self, change: impl FnOnce(T) -> U) -> At<U> {
        At { value: change(self.value), start: self.start, end: self.end }
    }

    fn located(self, source: &std::sync::Arc<Source>) -> Located<T> {
        Located::new(self.value, Place::known(source, self.start..self.end))
    }
}

/// Writes a profile as a constant `NAME: Compiled`; its text is included from a file. The names
/// that the constant uses are those of this module, `Right`, `OnJailbreak` and `Duration`.
#[must_use]
pub fn rust(profile: &Profile, constant: &str, file: &str) -> String {
    let mut rust = Rust(String::new());
    let Rust(out) = &mut rust;
    let name = profile.name();
    _ = writeln!(out, "pub(super) const {constant}: Compiled = Compiled {{");
    _ = writeln!(out, "    name: {name:?},\n    text: include_str!({file:?}),");
    let line = |value: &Located<String>| located(value, |value| format!("{value:?}"));
    rust.field("description", option(profile.description.as_ref(), line));
    rust.list("extends", &profile.extends, line);
    let follows = |follows: &OnJailbreak| format!("OnJailbreak::{follows:?}");
    let bool = |value: &Located<bool>| located(value, bool::to_string);
    rust.field(
        "on_jailbreak",
        option(profile.on_jailbreak.as_ref(), |value| located(value, follows)),
    );
    rust.field("strict", option(profile.strict.as_ref(), bool));
    rust.field("nested", option(profile.nested.as_ref(), bool));
    let net = |value: &Located<Net>| located(value, |net| format!("Net::{net:?}"));
    rust.field("net", option(profile.net.as_ref(), net));
    let tmp = |value: &Located<Tmp>| located(value, |tmp| format!("Tmp::{tmp:?}"));
    rust.field("tmp", option(profile.tmp.as_ref(), tmp));
    rust.field("base", option(profile.base.as_ref(), bool));
    let time = |value: &Located<Duration>| {
        located(value, |time| format!("Duration::from_millis({})", time.as_millis()))
    };
    rust.field("wall_time", option(profile.wall_time.as_ref(), time));
    let template =
        |value: &Located<Template>| located(value, |text| format!("{:?}", text.as_str()));
    rust.list("rules", &profile.rules, |entry| {
        let RuleEntry { path, right, reason, optional, on_jailbreak } = entry;
        let follows = option(on_jailbreak.as_ref(), follows);
        let path = template(path);
        format!("CompiledRule({path}, Right::{right:?}, {reason:?}, {optional}, {follows})")
    });
    rust.list("patterns", &profile.patterns, |entry| {
        let PatternEntry { pattern, kind, right, reason, optional, on_jailbreak } = entry;
        let follows = option(on_jailbreak.as_ref(), follows);
        let pattern = template(pattern);
        format!(
            "CompiledPattern({pattern}, PatternKind::{kind:?}, Right::{right:?}, {reason:?}, \
             {optional}, {follows})"
        )
    });
    rust.list("copies", &profile.copies, |CopyEntry { path, reason, optional }| {
        format!("CompiledCopy({}, {reason:?}, {optional})", template(path))
    });
    rust.list("files", &profile.files, |FileEntry { path, text, reason, optional }| {
        format!("CompiledFile({}, {}, {reason:?}, {optional})", template(path), template(text))
    });
    rust.list("variables", &profile.variables, |VariableEntry { name, value, reason }| {
        let value = option(value.as_ref(), template);
        format!("CompiledVariable({}, {value}, {reason:?})", line(name))
    });
    rust.list("askers", &profile.askers, |AskersEntry { programs, reason, place }| {
        let span = place.span();
        format!("CompiledAskers(at((), {}, {}), &{programs:?}, {reason:?})", span.start, span.end)
    });
    rust.0.push_str("};\n");
    rust.0
}

/// The text of a constant.
struct Rust(String);

impl Rust {
    fn field(&mut self, name: &str, value: String) {
        _ = writeln!(self.0, "    {name}: {value},");
    }

    fn list<T>(&mut self, name: &str, entries: &[T], entry: impl Fn(&T) -> String) {
        if entries.is_empty() {
            return self.field(name, "&[]".to_owned());
        }
        _ = writeln!(self.0, "    {name}: &[");
        for value in entries {
            _ = writeln!(self.0, "        {},", entry(value));
        }
        self.0.push_str("    ],\n");
    }
}

fn option<T>(value: Option<&T>, some: impl Fn(&T) -> String) -> String {
    value.map_or_else(|| "None".to_owned(), |value| format!("Some({})", some(value)))
}

fn located<T>(value: &Located<T>, written: impl Fn(&T) -> String) -> String {
    let span = value.place.span();
    format!("at({}, {}, {})", written(&value.value), span.start, span.end)
}

//! Taking values out of tables, each checked and with its place.
//!
//! Errors are collected, so that one reading tells all of them; what could not be read is left
//! out, which is no danger because a text with an error makes no profile.

use super::error::ProfileError;
use super::keys::{Form, Key, LINE_AT_MOST, Shape};
use super::place::{Located, Place, Source};
use super::suggest::{nearest, shown};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// The text that is read, and what was wrong with it so far.
pub(super) struct Reader {
    source: Arc<Source>,
    errors: Vec<ProfileError>,
}

/// A table whose keys are all known.
pub(super) struct Fields<'t> {
    shape: &'static Shape,
    place: Place,
    values: BTreeMap<&'static str, (Place, &'t Spanned<DeValue<'t>>)>,
}

impl Reader {
    pub(super) fn new(source: &Arc<Source>) -> Self {
        Self { source: Arc::clone(source), errors: Vec::new() }
    }

    /// Ends the reading.
    pub(super) fn finish(self) -> Result<(), ProfileError> {
        ProfileError::join(self.errors).map_or(Ok(()), Err)
    }

    pub(super) fn place(&self, span: Range<usize>) -> Place {
        Place::new(&self.source, span)
    }

    pub(super) fn wrong(&mut self, error: ProfileError) {
        self.errors.push(error);
    }

    /// Checks the keys of a table.
    pub(super) fn fields<'t>(
        &mut self,
        shape: &'static Shape,
        table: &'t DeTable<'t>,
        span: Range<usize>,
    ) -> Fields<'t> {
        let place = self.place(span);
        let mut values = BTreeMap::new();
        for (key, value) in table {
            let at = self.place(key.span());
            match shape.key(key.get_ref()) {
                Some(known) => {
                    values.insert(known.name, (at, value));
                }
                None => self.unknown_key(shape, key.get_ref(), at),
            }
        }
        for key in shape.keys.iter().filter(|key| key.required && !values.contains_key(key.name)) {
            self.missing_key(shape, key, &place);
        }
        self.one_of(shape, &values, &place);
        Fields { shape, place, values }
    }

    fn unknown_key(&mut self, shape: &Shape, key: &str, at: Place) {
        let error = ProfileError::new(at, format!("{} has no key `{}`", shape.name, shown(key)));
        let help = match nearest(key, shape.names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => match shape.keys {
                [only] => format!("the only key is `{}`", only.name),
                _ => format!("the keys are {}", list(shape.names(), "and")),
            },
        };
        self.wrong(error.with_label("unknown key").with_help(help));
    }

    fn missing_key(&mut self, shape: &Shape, key: &Key, place: &Place) {
        let error =
            ProfileError::new(place.clone(), format!("{} needs `{}`", shape.name, key.name));
        self.wrong(error.with_help(match key.form {
            Form::Version => "write `version = 1` at its beginning".to_owned(),
            _ => format!("`{}`: {}", key.name, key.about.trim_end_matches('.')),
        }));
    }

    fn one_of(
        &mut self,
        shape: &Shape,
        values: &BTreeMap<&'static str, (Place, &Spanned<DeValue<'_>>)>,
        place: &Place,
    ) {
        let mut given = shape.one_of.iter().filter_map(|name| values.get(name));
        let choice = shape.one_of.join("` or `");
        match (given.next(), given.next()) {
            (None, _) if !shape.one_of.is_empty() => {
                let message = format!("{} needs `{choice}`", shape.name);
                self.wrong(ProfileError::new(place.clone(), message));
            }
            (Some((first, _)), Some((second, _))) => {
                let message = format!("{} has either `{choice}`, not both", shape.name);
                let error = ProfileError::new(second.clone(), message);
                self.wrong(error.with_second(first.clone(), "the other is here"));
            }
            _ => {}
        }
    }

    /// Says that a value is of the wrong type.
    fn wrong_type(
        &mut self,
        what: &str,
        wanted: &str,
        value: &Spanned<DeValue<'_>>,
        help: Option<String>,
    ) {
        let place = self.place(value.span());
        let found = type_of(value.get_ref());
        let error = ProfileError::new(place, format!("{what} is {wanted}, not {found}"));
        let error = error.with_label(format!("{found} stands here"));
        self.wrong(match help {
            Some(help) => error.with_help(help),
            None => error,
        });
    }

    /// Reads any text that has no NUL.
    pub(super) fn text(
        &mut self,
        what: &str,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<Located<String>> {
        let Some(text) = value.get_ref().as_str() else {
            let help = match value.get_ref() {
                DeValue::Array(_) | DeValue::Table(_) => None,
                _ => {
                    let written = self.place(value.span());
                    Some(format!("put it in quotes: \"{}\"", shown(written.text())))
                }
            };
            self.wrong_type(what, "a string", value, help);
            return None;
        };
        let place = self.place(value.span());
        if let Some(at) = text.find('\0') {
            let place = place.part(text, at..at + 1);
            self.wrong(ProfileError::new(place, format!("{what} has a NUL character")));
            return None;
        }
        Some(Located::new(text.to_owned(), place))
    }

    /// Reads text that is one line.
    pub(super) fn line(
        &mut self,
        what: &str,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<Located<String>> {
        let line = self.text(what, value)?;
        let wrong = if line.is_empty() {
            format!("{what} is empty")
        } else if line.contains('\n') {
            format!("{what} is more than one line")
        } else if line.chars().nth(LINE_AT_MOST).is_some() {
            format!("{what} has more than {LINE_AT_MOST} characters")
        } else {
            return Some(line);
        };
        self.wrong(ProfileError::new(line.place, wrong));
        None
    }

    pub(super) fn bool(
        &mut self,
        what: &str,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<Located<bool>> {
        match value.get_ref() {
            DeValue::Boolean(bool) => Some(Located::new(*bool, self.place(value.span()))),
            DeValue::String(text) if matches!(text.as_ref(), "true" | "false") => {
                let help = format!("write {text} without quotes");
                self.wrong_type(what, "true or false", value, Some(help));
                None
            }
            _ => {
                self.wrong_type(what, "true or false", value, None);
                None
            }
        }
    }

    /// Reads one of a few words.
    pub(super) fn word<T: Copy>(
        &mut self,
        what: &str,
        words: &[(&'static str, T)],
        value: &Spanned<DeValue<'_>>,
    ) -> Option<Located<T>> {
        let given = self.text(what, value)?;
        if let Some((_, word)) = words.iter().find(|(word, _)| *word == given.value) {
            return Some(Located::new(*word, given.place));
        }
        let names = || words.iter().map(|(word, _)| *word);
        let message = format!("`{}` is no word for {what}", shown(&given));
        let help = match nearest(&given, names()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("write {}", list(names(), "or")),
        };
        self.wrong(ProfileError::new(given.place, message).with_help(help));
        None
    }

    /// Reads a list, element by element.
    fn list<'t>(
        &mut self,
        what: &str,
        at_most: usize,
        value: &'t Spanned<DeValue<'t>>,
    ) -> &'t [Spanned<DeValue<'t>>] {
        let DeValue::Array(list) = value.get_ref() else {
            let help = matches!(value.get_ref(), DeValue::String(_)).then(|| {
                format!("put it in brackets: [{}]", shown(self.place(value.span()).text()))
            });
            self.wrong_type(what, "a list", value, help);
            return &[];
        };
        self.bounded(what, at_most, list)
    }

    fn bounded<'t>(
        &mut self,
        what: &str,
        at_most: usize,
        list: &'t DeArray<'t>,
    ) -> &'t [Spanned<DeValue<'t>>] {
        let list: &[Spanned<DeValue<'t>>] = list;
        if let Some(first) = list.get(at_most) {
            let place = self.place(first.span());
            let message = format!("{what} has {} entries, more than {at_most}", list.len());
            self.wrong(ProfileError::new(place, message).with_label("the first that is too many"));
            return &[];
        }
        list
    }

    /// Reads a table.
    pub(super) fn table<'t>(
        &mut self,
        shape: &'static Shape,
        value: &'t Spanned<DeValue<'t>>,
    ) -> Option<Fields<'t>> {
        match value.get_ref() {
            DeValue::Table(table) => Some(self.fields(shape, table, value.span())),
            _ => {
                self.wrong_type(shape.name, "a table", value, None);
                None
            }
        }
    }
}

impl<'t> Fields<'t> {
    /// Where the table is.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Returns the value of a key, which must be in the shape.
    pub(super) fn get(&self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        debug_assert!(self.shape.key(key).is_some(), "{key} is in no table of keys");
        self.values.get(key).map(|(_, value)| *value)
    }

    /// Reads a line under a key.
    pub(super) fn line(&self, reader: &mut Reader, key: &'static str) -> Option<Located<String>> {
        reader.line(&format!("`{key}`"), self.get(key)?)
    }

    /// Reads any text under a key.
    pub(super) fn text(&self, reader: &mut Reader, key: &'static str) -> Option<Located<String>> {
        reader.text(&format!("`{key}`"), self.get(key)?)
    }

    /// Reads true or false under a key.
    pub(super) fn bool(&self, reader: &mut Reader, key: &'static str) -> Option<Located<bool>> {
        reader.bool(&format!("`{key}`"), self.get(key)?)
    }

    /// Reads one of a few words under a key.
    pub(super) fn word<T: Copy>(
        &self,
        reader: &mut Reader,
        key: &'static str,
        words: &[(&'static str, T)],
    ) -> Option<Located<T>> {
        reader.word(&format!("`{key}`"), words, self.get(key)?)
    }

    /// Reads a list under a key.
    pub(super) fn list(
        &self,
        reader: &mut Reader,
        key: &'static str,
    ) -> &'t [Spanned<DeValue<'t>>] {
        let (Some(known), Some(value)) = (self.shape.key(key), self.get(key)) else { return &[] };
        reader.list(&format!("`{key}`"), known.at_most(), value)
    }
}

/// Names the type of a value.
fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Prints words as a list.
fn list<'a>(words: impl Iterator<Item = &'a str>, before_last: &str) -> String {
    let words: Vec<_> = words.map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((last, words)) if !words.is_empty() => {
            format!("{} {before_last} {last}", words.join(", "))
        }
        _ => words.concat(),
    }
}

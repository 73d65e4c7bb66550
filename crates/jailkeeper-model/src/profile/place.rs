//! Where a value was written.

use crate::escape::{escape, is_harmless};
use crate::policy::Origin;
use std::borrow::Cow;
use std::fmt::{self, Debug, Display, Formatter};
use std::ops::{Deref, Range};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Holds a profile's text, and what it is called.
pub struct Source {
    name: Cow<'static, str>,
    file: Option<PathBuf>,
    text: Cow<'static, str>,
    /// The text with `?` for each byte of a character that could deceive, if it has any. It is
    /// made when somebody wants to see it: most texts are read without a mistake.
    harmless: OnceLock<Option<String>>,
    /// Where each line begins, found out when somebody asks for a line.
    lines: OnceLock<Vec<usize>>,
}

impl Source {
    /// Makes a source; what was built in has no file.
    #[must_use]
    pub fn new(name: &str, file: Option<&Path>, text: &str) -> Arc<Self> {
        Self::make(name.to_owned().into(), file, text.to_owned().into())
    }

    /// Makes the source of what was built in.
    pub(super) fn of_constant(name: &'static str, text: &'static str) -> Arc<Self> {
        Self::make(name.into(), None, text.into())
    }

    fn make(name: Cow<'static, str>, file: Option<&Path>, text: Cow<'static, str>) -> Arc<Self> {
        let (harmless, lines) = (OnceLock::new(), OnceLock::new());
        Arc::new(Self { name, file: file.map(Path::to_owned), text, harmless, lines })
    }

    /// Returns the profile's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the file; what was built in has none.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Returns the text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the text for showing it: offsets are those of [`Source::text`], and characters
    /// that a terminal could be deceived by are replaced by question marks.
    #[must_use]
    pub fn harmless_text(&self) -> &str {
        self.harmless.get_or_init(|| harmless(&self.text)).as_deref().unwrap_or(&self.text)
    }

    /// Returns what people know it by: its file, or its name.
    #[must_use]
    pub fn title(&self) -> String {
        match &self.file {
            Some(file) => escape(file.as_os_str().as_bytes()).to_string(),
            None => escape(self.name.as_bytes()).bounded(80).to_string(),
        }
    }

    fn lines(&self) -> &[usize] {
        self.lines.get_or_init(|| {
            let ends = self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect()
        })
    }

    /// Returns line and column of an offset, both counted from 1, the column in characters.
    fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.lines().partition_point(|start| *start <= offset);
        let start = self.lines().get(line.saturating_sub(1)).copied().unwrap_or_default();
        let before = self.text.get(start..offset).unwrap_or_default();
        (line, before.chars().count() + 1)
    }
}

/// What is shown follows from the text.
impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.file, &self.text) == (&other.name, &other.file, &other.text)
    }
}

impl Eq for Source {}

impl Debug for Source {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("name", &self.name).field("file", &self.file).finish()
    }
}

/// Replaces what could deceive, byte by byte, so that offsets stay.
fn harmless(text: &str) -> Option<String> {
    let fine = |character| matches!(character, '\n' | '\t') || is_harmless(character);
    if text.chars().all(fine) {
        return None;
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            character if fine(character) => shown.push(character),
            // The end of a line as Windows writes it.
            '\r' => shown.push(' '),
            character => shown.extend(std::iter::repeat_n('?', character.len_utf8())),
        }
    }
    Some(shown)
}

/// Says where in a profile something stands.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    source: Arc<Source>,
    span: Range<usize>,
}

impl Place {
    /// Makes a place. A span that leaves the text is cut, so that every place can be shown.
    #[must_use]
    pub fn new(source: &Arc<Source>, span: Range<usize>) -> Self {
        let text = source.text();
        let is_boundary = |at: &usize| text.is_char_boundary(*at);
        let start = (0..=span.start.min(text.len())).rev().find(is_boundary).unwrap_or(0);
        let end = span.end.clamp(start, text.len());
        let end = (end..=text.len()).find(is_boundary).unwrap_or(text.len());
        Self { source: Arc::clone(source), span: start..end }
    }

    /// Makes a place that is known to be one: the span is one of another place's.
    pub(super) fn known(source: &Arc<Source>, span: Range<usize>) -> Self {
        Self { source: Arc::clone(source), span }
    }

    /// Returns the profile that it is in.
    #[must_use]
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Returns the bytes that it takes up.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Returns what is written there.
    #[must_use]
    pub fn text(&self) -> &str {
        self.source.text().get(self.span()).unwrap_or_default()
    }

    /// Returns the line, counted from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.source.position(self.span.start).0
    }

    /// Returns the column, in characters, counted from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.source.position(self.span.start).1
    }

    /// Returns the origin of a rule that stands here: a file of somebody's, or a built-in
    /// profile.
    #[must_use]
    pub fn origin(&self) -> Origin {
        match self.source.file() {
            Some(file) => Origin::File { file: file.to_owned(), line: Some(self.line()) },
            None => Origin::Profile { name: self.source.name().to_owned(), line: self.line() },
        }
    }

    /// Returns its line as it may be shown, and which characters of it belong to the place.
    pub(super) fn line_and_marked(&self) -> (&str, Range<usize>) {
        let text = self.source.harmless_text();
        let (line, column) = self.source.position(self.span.start);
        let start = self.source.lines().get(line.saturating_sub(1)).copied().unwrap_or_default();
        let line = text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
        let end = self.span.end.min(start + line.len()).max(self.span.start);
        let marked = text.get(self.span.start..end).unwrap_or_default().chars().count();
        (line, column - 1..column - 1 + marked)
    }

    /// Returns a part of it: of a string's text, where that is written without escapes.
    pub(super) fn part(&self, value: &str, part: Range<usize>) -> Self {
        let offset = (!value.is_empty()).then(|| self.text().find(value)).flatten();
        let Some(offset) = offset else { return self.clone() };
        let start = self.span.start + offset;
        Self::new(&self.source, start + part.start..start + part.end)
    }
}

impl Debug for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Prints `file:line:column`.
impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (line, column) = self.source.position(self.span.start);
        write!(f, "{}:{line}:{column}", self.source.title())
    }
}

/// Holds a value and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub place: Place,
}

impl<T> Located<T> {
    /// Joins a value and its place.
    #[must_use]
    pub fn new(value: T, place: Place) -> Self {
        Self { value, place }
    }

    /// Makes another value of this one, at the same place.
    #[must_use]
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Located<U> {
        Located { value: change(self.value), place: self.place }
    }
}

impl<T> Deref for Located<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

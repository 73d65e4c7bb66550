//! Errors of profiles for a terminal, with the text underlined.

use super::error::ProfileError;
use super::place::Place;
use std::fmt::{self, Display, Formatter};
use std::ops::Range;

/// How many columns a line may take.
const WIDTH: usize = 80;

/// Prints errors for a terminal of 80 columns, the places underlined. Nothing in it can deceive
/// the terminal, whatever the file has in it.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'e> {
    error: &'e ProfileError,
    coloured: bool,
}

/// The colours.
#[derive(Debug, Clone, Copy)]
enum Colour {
    Error,
    Hint,
    Margin,
}

impl Colour {
    /// The number that a terminal knows it by.
    fn code(self) -> &'static str {
        match self {
            Self::Error => "1;31",
            Self::Hint => "1;36",
            Self::Margin => "34",
        }
    }
}

impl<'e> Picture<'e> {
    pub(super) fn new(error: &'e ProfileError) -> Self {
        Self { error, coloured: false }
    }

    /// Says whether colours are used; without them nothing is missing.
    #[must_use]
    pub fn coloured(self, coloured: bool) -> Self {
        Self { coloured, ..self }
    }

    fn paint(self, f: &mut Formatter<'_>, colour: Colour, text: &str) -> fmt::Result {
        if self.coloured {
            write!(f, "\x1b[{}m{text}\x1b[0m", colour.code())
        } else {
            f.write_str(text)
        }
    }

    fn error(self, f: &mut Formatter<'_>, error: &ProfileError) -> fmt::Result {
        self.paint(f, Colour::Error, "error")?;
        writeln!(f, ": {}", wrapped(error.message(), "error: ".len()))?;
        let lines = error.labels().map(|(place, _)| place.line());
        let margin = lines.max().unwrap_or_default().to_string().len();
        for (place, label) in error.labels() {
            self.excerpt(f, margin, place, label)?;
        }
        if let Some(help) = error.help() {
            self.margin(f, margin, "", "|")?;
            f.write_str("\n")?;
            self.paint(f, Colour::Hint, "hint")?;
            writeln!(f, ": {}", wrapped(help, "hint: ".len()))?;
        }
        Ok(())
    }

    /// Prints the line of a place with the place underlined, and the label under it.
    fn excerpt(
        self,
        f: &mut Formatter<'_>,
        margin: usize,
        place: &Place,
        label: Option<&str>,
    ) -> fmt::Result {
        self.margin(f, margin, "", "-->")?;
        writeln!(f, " {place}")?;
        let Line { text, marked } = Line::of(place, WIDTH.saturating_sub(margin + 3));
        if text.is_empty() && label.is_none() {
            return Ok(());
        }
        self.margin(f, margin, "", "|")?;
        f.write_str("\n")?;
        self.margin(f, margin, &place.line().to_string(), "|")?;
        writeln!(f, " {text}")?;
        self.margin(f, margin, "", "|")?;
        let mark = "^".repeat(marked.len().max(1));
        write!(f, " {}", " ".repeat(marked.start))?;
        let fits = |label: &&str| margin + 4 + marked.end + label.chars().count() <= WIDTH;
        match label {
            Some(label) if fits(&label) => {
                self.paint(f, Colour::Error, &format!("{mark} {label}"))?;
            }
            Some(label) => {
                self.paint(f, Colour::Error, &mark)?;
                f.write_str("\n")?;
                self.margin(f, margin, "", "|")?;
                f.write_str(" ")?;
                self.paint(f, Colour::Error, label)?;
            }
            None => self.paint(f, Colour::Error, &mark)?,
        }
        f.write_str("\n")
    }

    fn margin(self, f: &mut Formatter<'_>, width: usize, number: &str, bar: &str) -> fmt::Result {
        self.paint(f, Colour::Margin, &format!("{number:>width$} {bar}"))
    }
}

impl Display for Picture<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.error(f, self.error)?;
        self.error.others().iter().try_for_each(|error| {
            f.write_str("\n")?;
            self.error(f, error)
        })
    }
}

/// Breaks text between words; the first line begins where the others are indented to.
fn wrapped(text: &str, indent: usize) -> String {
    let mut wrapped = String::with_capacity(text.len());
    let mut column = indent;
    for (index, word) in text.split(' ').enumerate() {
        let width = word.chars().count();
        if index > 0 && column + 1 + width > WIDTH {
            wrapped.push('\n');
            wrapped.push_str(&" ".repeat(indent));
            column = indent;
        } else if index > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += width;
    }
    wrapped
}

/// A line of the text, cut to what is shown of it.
struct Line {
    text: String,
    /// The characters to underline.
    marked: Range<usize>,
}

impl Line {
    fn of(place: &Place, width: usize) -> Self {
        let (whole, marked) = place.line_and_marked();
        let characters: Vec<char> = whole
            .chars()
            .map(|character| if character == '\t' { ' ' } else { character })
            .collect();
        if characters.len() <= width {
            return Self { text: characters.into_iter().collect(), marked };
        }
        // What is marked must be seen; some of what stands before it helps.
        let first = if marked.end < width { 0 } else { marked.start.saturating_sub(width / 4) };
        let last = characters.len().min(first + width);
        let mut text: Vec<char> = characters.get(first..last).unwrap_or_default().to_vec();
        if let Some(start) = text.first_mut().filter(|_| first > 0) {
            *start = '…';
        }
        if let Some(end) = text.last_mut().filter(|_| last < characters.len()) {
            *end = '…';
        }
        let end = marked.end.min(last).saturating_sub(first);
        let start = marked.start.saturating_sub(first).min(end);
        Self { text: text.into_iter().collect(), marked: start..end }
    }
}

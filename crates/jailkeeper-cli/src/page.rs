//! How what people read is laid out: as wide as their terminal, with colours if it shows them.
//!
//! What goes elsewhere than to a terminal has neither, so that a name is found in a file by
//! searching for it. Nothing is said by colour alone.

use rustix::termios::{isatty, tcgetwinsize};
use std::os::fd::AsFd;
use textwrap::{Options, WordSeparator, WordSplitter};

/// How many columns a page has at least; below it nothing can be read.
const COLUMNS_AT_LEAST: usize = 40;
/// How many columns a page has at most; above it lines are hard to follow.
const COLUMNS_AT_MOST: usize = 120;
/// How many columns a terminal has that does not say it.
const COLUMNS: usize = 80;
/// How far the lines below a headline stand in.
const INDENT: usize = 2;

/// What text is printed on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    columns: Option<usize>,
    coloured: bool,
}

/// The colours, the same as in errors of profiles.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Colour {
    /// Something was refused or went wrong.
    Bad,
    /// Something is allowed.
    Good,
    /// What the reader can do.
    Hint,
    /// What the reader looks past.
    Margin,
}

impl Colour {
    /// The numbers that a terminal knows it by.
    fn code(self) -> &'static str {
        match self {
            Self::Bad => "1;31",
            Self::Good => "1;32",
            Self::Hint => "1;36",
            Self::Margin => "34",
        }
    }
}

impl Page {
    /// The page of this process's stderr.
    pub(crate) fn stderr() -> Self {
        Self::of(rustix::stdio::stderr())
    }

    /// The page of this process's stdout.
    pub(crate) fn stdout() -> Self {
        Self::of(rustix::stdio::stdout())
    }

    fn of(stream: impl AsFd) -> Self {
        if !isatty(&stream) {
            return Self { columns: None, coloured: false };
        }
        let columns = match tcgetwinsize(&stream).map(|size| size.ws_col) {
            Ok(columns @ 1..) => usize::from(columns).clamp(COLUMNS_AT_LEAST, COLUMNS_AT_MOST),
            _ => COLUMNS,
        };
        let coloured = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { columns: Some(columns), coloured }
    }

    /// Says whether it shows colours.
    pub(crate) fn is_coloured(self) -> bool {
        self.coloured
    }

    /// Lays out a headline: its first word and the rest. The word is coloured.
    pub(crate) fn headline(self, before: &str, word: &str, colour: Colour, after: &str) -> String {
        let text = self.filled(&format!("{before}{word}{after}"), 0, INDENT);
        match text.strip_prefix(before).and_then(|rest| rest.strip_prefix(word)) {
            Some(rest) => format!("{before}{}{rest}\n", self.painted(colour, word)),
            None => format!("{text}\n"),
        }
    }

    /// Lays out a value with a label before it, which is padded to a width.
    pub(crate) fn field(self, label: &str, width: usize, colour: Colour, value: &str) -> String {
        let column = INDENT + width + 1;
        let value = self.filled(value, column, column);
        let pad = " ".repeat(width.saturating_sub(label.chars().count()) + 1);
        format!("{}{}{pad}{value}\n", " ".repeat(INDENT), self.painted(colour, label))
    }

    /// Lays out a line that stands in.
    pub(crate) fn line(self, indent: usize, text: &str) -> String {
        let filled = self.filled(text, indent, indent + INDENT);
        format!("{}{filled}\n", " ".repeat(indent))
    }

    /// Colours the lines of a diff.
    pub(crate) fn diff(self, diff: &str) -> String {
        let painted = diff.lines().map(|line| {
            let colour = match line.as_bytes().first() {
                _ if line.starts_with("+++") || line.starts_with("---") => Some(Colour::Margin),
                Some(b'+') => Some(Colour::Good),
                Some(b'-') => Some(Colour::Bad),
                Some(b'@') => Some(Colour::Margin),
                _ => None,
            };
            colour.map_or_else(|| line.to_owned(), |colour| self.painted(colour, line)) + "\n"
        });
        painted.collect()
    }

    /// Breaks text between words. A name is never broken: it is there to be copied.
    fn filled(self, text: &str, first: usize, others: usize) -> String {
        let Some(columns) = self.columns else { return text.to_owned() };
        let (first, others) = (" ".repeat(first), " ".repeat(others));
        let options = Options::new(columns)
            .initial_indent(&first)
            .subsequent_indent(&others)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation)
            .break_words(false);
        let filled = textwrap::fill(text, options);
        filled.strip_prefix(&first).map_or_else(|| text.to_owned(), str::to_owned)
    }

    fn painted(self, colour: Colour, text: &str) -> String {
        if self.coloured {
            format!("\x1b[{}m{text}\x1b[0m", colour.code())
        } else {
            text.to_owned()
        }
    }
}

#[cfg(test)]
impl Page {
    /// A page of 80 columns, as a terminal has it.
    pub(crate) fn for_test(coloured: bool) -> Self {
        Self { columns: Some(COLUMNS), coloured }
    }

    /// What a file is.
    pub(crate) fn endless() -> Self {
        Self { columns: None, coloured: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_between_words_and_stands_in() {
        let page = Page::for_test(false);
        let long = "word ".repeat(40);
        let text = page.field("because", 12, Colour::Margin, long.trim_end());
        assert!(text.lines().count() > 2);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.lines().skip(1).all(|line| line.starts_with("               word")), "{text}");
    }

    #[test]
    fn a_name_stays_whole_and_a_file_has_no_width() {
        let name = format!("`/{}`", "x".repeat(120));
        let text = Page::for_test(false).line(2, &format!("it is {name}"));
        assert!(text.lines().any(|line| line.trim() == name), "{text}");
        let long = "word ".repeat(40);
        assert_eq!(Page::endless().line(2, &long), format!("  {long}\n"));
    }

    #[test]
    fn without_colours_nothing_is_missing() {
        let plain = Page::for_test(false).headline("a: ", "read", Colour::Bad, " `/x`");
        let coloured = Page::for_test(true).headline("a: ", "read", Colour::Bad, " `/x`");
        assert_eq!(plain, "a: read `/x`\n");
        assert_eq!(coloured, "a: \x1b[1;31mread\x1b[0m `/x`\n");
    }
}

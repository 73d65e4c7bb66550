//! Globs matched the slow and simple way, with nothing in common with the way that is tested.
//!
//! Takes only globs that the real reader accepts. Used by the property tests and by `fuzz`.

#![expect(clippy::indexing_slicing, reason = "a glob that the reader accepts has all its ends")]

use std::collections::BTreeSet;

/// Says whether a glob matches a path.
pub(crate) fn matches(glob: &str, path: &[u8]) -> bool {
    let names: Vec<&[u8]> =
        path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()).collect();
    alternatives(glob).iter().any(|glob| {
        let levels = glob.strip_prefix('/').unwrap_or(glob).split('/');
        let levels: Vec<&str> = levels.map(|level| level.trim_matches(SEAM)).collect();
        matches_levels(&levels, &names)
    })
}

/// Stands where braces were: `{*,a}*` has two stars side by side, and no `**`.
const SEAM: char = '\0';

/// Writes out the first braces, then those of what comes out.
fn alternatives(glob: &str) -> Vec<String> {
    let characters: Vec<char> = glob.chars().collect();
    let mut depth = 0;
    // Where the outermost braces begin, and its commas and end.
    let mut marks = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        match characters[at] {
            '\\' => at += 1,
            '[' => at = end_of_class(&characters, at),
            '{' => {
                if depth == 0 {
                    marks.push(at);
                }
                depth += 1;
            }
            ',' if depth == 1 => marks.push(at),
            '}' => {
                depth -= 1;
                if depth == 0 {
                    marks.push(at);
                    break;
                }
            }
            _ => {}
        }
        at += 1;
    }
    let (Some(open), Some(close)) = (marks.first(), marks.last()) else {
        return vec![glob.to_owned()];
    };
    let text = |range: &[char]| range.iter().collect::<String>();
    let (before, after) = (text(&characters[..*open]), text(&characters[close + 1..]));
    let choices = marks.windows(2).map(|pair| text(&characters[pair[0] + 1..pair[1]]));
    choices
        .flat_map(|choice| alternatives(&format!("{before}{SEAM}{choice}{SEAM}{after}")))
        .collect()
}

/// Returns where the `]` of a class is.
fn end_of_class(characters: &[char], open: usize) -> usize {
    let mut at = open + 1;
    if matches!(characters[at], '!' | '^') {
        at += 1;
    }
    let first = at;
    while characters[at] != ']' || at == first {
        at += if characters[at] == '\\' { 2 } else { 1 };
    }
    at
}

fn matches_levels(levels: &[&str], names: &[&[u8]]) -> bool {
    // How many names can have been used up so far.
    let mut used = BTreeSet::from([0]);
    for (index, level) in levels.iter().enumerate() {
        used = if *level == "**" {
            let least = usize::from(index + 1 == levels.len());
            let from = |used: usize| used + least..=names.len();
            used.into_iter().flat_map(from).collect()
        } else {
            let fits =
                |used: &usize| names.get(*used).is_some_and(|name| matches_name(level, name));
            used.into_iter().filter(fits).map(|used| used + 1).collect()
        };
    }
    used.contains(&names.len())
}

fn matches_name(glob: &str, name: &[u8]) -> bool {
    let characters: Vec<char> = glob.chars().collect();
    // How many bytes can have been used up so far.
    let mut used = BTreeSet::from([0]);
    let mut at = 0;
    while at < characters.len() {
        let step = |used: BTreeSet<usize>, fits: &dyn Fn(char) -> bool, bytes: bool| {
            let next = |used: usize| {
                let character = character_at(name, used).filter(|character| fits(*character));
                let byte = name.get(used).filter(|byte| bytes && **byte >= 0x80);
                let by_character = character.map(|character| used + character.len_utf8());
                [by_character, byte.map(|_| used + 1)].into_iter().flatten()
            };
            used.into_iter().flat_map(next).collect()
        };
        match characters[at] {
            SEAM => {}
            '*' => used = used.into_iter().flat_map(|used| used..=name.len()).collect(),
            '?' => used = step(used, &|_| true, true),
            '[' => {
                let end = end_of_class(&characters, at);
                let negated = matches!(characters[at + 1], '!' | '^');
                let inside = &characters[at + 1 + usize::from(negated)..end];
                used = step(used, &|character| in_class(inside, character) != negated, negated);
                at = end;
            }
            literal => {
                let literal = if literal == '\\' { characters[at + 1] } else { literal };
                at += usize::from(characters[at] == '\\');
                used = step(used, &|character| character == literal, false);
            }
        }
        at += 1;
    }
    used.contains(&name.len())
}

fn character_at(name: &[u8], at: usize) -> Option<char> {
    let rest = name.get(at..)?;
    (1..=rest.len().min(4))
        .find_map(|length| std::str::from_utf8(&rest[..length]).ok())?
        .chars()
        .next()
}

fn in_class(inside: &[char], character: char) -> bool {
    let mut at = 0;
    let one = |at: &mut usize| {
        *at += usize::from(inside[*at] == '\\');
        *at += 1;
        inside[*at - 1]
    };
    while at < inside.len() {
        let first = one(&mut at);
        let is_range = inside.get(at) == Some(&'-') && at + 1 < inside.len();
        let last = if is_range {
            at += 1;
            one(&mut at)
        } else {
            first
        };
        if (first..=last).contains(&character) {
            return true;
        }
    }
    false
}

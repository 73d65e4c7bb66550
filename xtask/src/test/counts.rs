//! Reading what test runners counted out of their own summaries.

use std::ops::AddAssign;

/// How many tests passed, failed and were skipped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) skipped: usize,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// Reads `Summary [ 1.2s] 10 tests run: 8 passed (1 slow), 1 failed, 1 timed out, 2 skipped`.
pub(super) fn nextest(text: &str) -> (Vec<String>, Counts) {
    let text = plain(text);
    let summary = text.lines().rfind(|line| line.trim_start().starts_with("Summary ["));
    let mut counts = Counts::default();
    for (number, word) in summary.into_iter().flat_map(numbers) {
        match word {
            "passed" => counts.passed += number,
            "failed" | "timed" | "exec" => counts.failed += number,
            "skipped" => counts.skipped += number,
            _ => {}
        }
    }
    (summary.map(|line| line.trim().to_owned()).into_iter().collect(), counts)
}

/// Sums up `test result: ok. 3 passed; 0 failed; 1 ignored; ...`, one line for each crate.
pub(super) fn libtest(text: &str) -> (Vec<String>, Counts) {
    let text = plain(text);
    let mut counts = Counts::default();
    for line in text.lines().filter(|line| line.starts_with("test result:")) {
        for (number, word) in numbers(line) {
            match word {
                "passed" => counts.passed += number,
                "failed" => counts.failed += number,
                "ignored" => counts.skipped += number,
                _ => {}
            }
        }
    }
    (vec![short(counts)], counts)
}

/// Reads the closing lines of `node --test`: `# pass 3` or, for people, `ℹ pass 3`.
pub(super) fn node(text: &str) -> (Vec<String>, Counts) {
    let text = plain(text);
    let mut counts = Counts::default();
    for line in text.lines() {
        let Some(rest) = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ ")) else {
            continue;
        };
        let Some((word, number)) = rest.split_once(' ') else { continue };
        let Ok(number) = number.trim().parse::<usize>() else { continue };
        match word {
            "pass" => counts.passed += number,
            "fail" | "cancelled" => counts.failed += number,
            "skipped" | "todo" => counts.skipped += number,
            _ => {}
        }
    }
    (vec![short(counts)], counts)
}

fn short(counts: Counts) -> String {
    format!("{} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skipped)
}

/// Every number with the word after it.
fn numbers(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let words: Vec<&str> = line.split(|letter: char| !letter.is_alphanumeric()).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let pairs: Vec<_> = words.windows(2).filter_map(pair).collect();
    pairs.into_iter()
}

fn pair<'a>(window: &[&'a str]) -> Option<(usize, &'a str)> {
    let [number, word] = window else { return None };
    number.parse().ok().map(|number| (number, *word))
}

/// Takes colours away.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut pieces = text.split("\u{1b}[");
    plain.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let end = piece.find(|letter: char| letter.is_ascii_alphabetic()).map_or(0, |at| at + 1);
        plain.push_str(piece.get(end..).unwrap_or_default());
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nextest_is_read() {
        let text = "\u{1b}[32;1m     Summary\u{1b}[0m [   1.234s] 10 tests run: 7 passed (2 slow), \
                    2 failed, 1 timed out, 3 skipped\n";
        let (summary, counts) = nextest(text);
        assert_eq!(counts, Counts { passed: 7, failed: 3, skipped: 3 });
        assert!(summary[0].starts_with("Summary ["));
        assert_eq!(nextest("error: no such command").1, Counts::default());
    }

    #[test]
    fn doc_tests_are_summed() {
        let text = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n\n\
                    test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured\n";
        assert_eq!(libtest(text).1, Counts { passed: 4, failed: 2, skipped: 1 });
    }

    #[test]
    fn node_is_read_in_both_forms() {
        for mark in ["#", "ℹ"] {
            let text = format!("{mark} tests 5\n{mark} pass 3\n{mark} fail 1\n{mark} skipped 1\n");
            assert_eq!(node(&text).1, Counts { passed: 3, failed: 1, skipped: 1 });
        }
    }
}

//! Bytes as they come, cut into lines.

/// The longest line that is kept, in bytes. What is longer is cut, and the rest of it dropped.
///
/// The longest line that matters is an `execve` with its arguments; tracers cut those.
pub const LINE_AT_MOST: usize = 256 * 1024;

/// Cuts a stream of bytes into lines, in bounded memory.
#[derive(Debug, Default)]
pub struct Lines {
    /// The beginning of a line whose end has not come.
    begun: Vec<u8>,
    /// What comes is dropped up to the next end of a line.
    dropping: bool,
}

impl Lines {
    /// Begins a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes and hands out the lines that have ended, without their ends.
    pub fn feed(&mut self, mut bytes: &[u8], take: &mut dyn FnMut(&[u8])) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at(end);
            bytes = rest.get(1..).unwrap_or_default();
            if self.dropping {
                self.dropping = false;
            } else if self.begun.is_empty() && line.len() <= LINE_AT_MOST {
                take(line);
            } else {
                self.keep(line);
                take(&self.begun);
                self.begun.clear();
                self.dropping = false;
            }
        }
        if !self.dropping && self.keep(bytes) {
            take(&self.begun);
            self.begun.clear();
        }
    }

    /// Hands out what is left at the end of the stream.
    pub fn finish(&mut self, take: &mut dyn FnMut(&[u8])) {
        if !self.begun.is_empty() {
            take(&self.begun);
            self.begun.clear();
        }
        self.dropping = false;
    }

    /// Keeps the beginning of a line. Tells whether it has become too long: then the rest of the
    /// line is dropped.
    fn keep(&mut self, bytes: &[u8]) -> bool {
        let room = LINE_AT_MOST.saturating_sub(self.begun.len());
        self.begun.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        self.dropping = bytes.len() > room;
        self.dropping
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let (mut lines, mut found) = (Lines::new(), Vec::new());
        for piece in pieces {
            lines.feed(piece, &mut |line| found.push(line.to_vec()));
        }
        lines.finish(&mut |line| found.push(line.to_vec()));
        found
    }

    #[test]
    fn lines_are_the_same_however_they_come() {
        let expected: [&[u8]; 4] = [b"one", b"", b"two", b"three"];
        assert_eq!(cut(&[b"one\n\ntwo\nthree"]), expected);
        let single: Vec<&[u8]> = b"one\n\ntwo\nthree".chunks(1).collect();
        assert_eq!(cut(&single), expected);
    }

    #[test]
    fn a_line_without_end_takes_no_more_than_its_bound() {
        let mut lines = Lines::new();
        let mut lengths = Vec::new();
        for _ in 0..40 {
            lines.feed(&[b'x'; 10_000], &mut |line| lengths.push(line.len()));
            assert!(lines.begun.capacity() <= 2 * LINE_AT_MOST);
        }
        lines.feed(b"the rest\nnext\n", &mut |line| lengths.push(line.len()));
        assert_eq!(lengths, [LINE_AT_MOST, 4]);
    }

    #[test]
    fn a_long_line_that_comes_at_once_is_cut_as_well() {
        let mut long = vec![b'x'; LINE_AT_MOST + 5];
        long.extend_from_slice(b"\nnext\n");
        let lengths: Vec<_> = cut(&[&long]).iter().map(Vec::len).collect();
        assert_eq!(lengths, [LINE_AT_MOST, 4]);
    }
}

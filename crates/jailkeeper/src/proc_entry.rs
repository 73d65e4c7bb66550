//! Reading a process's entries in `/proc`.
//!
//! The kernel makes such a text whole when it is first read, and says that its size is nothing. The
//! standard library therefore asks for the size, and reads in ever larger pieces: eight calls for
//! what one gives. A watch reads entries for every call that it sees.

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// More than the entries have that are read here: numbers, and a name of 16 bytes.
pub(crate) const ROOM: usize = 4096;

/// Reads an entry that is made at once, cut off where there is no room.
pub(crate) fn read<'a>(path: &str, room: &'a mut [u8; ROOM]) -> Result<&'a [u8], Errno> {
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let count = rustix::io::read(&file, &mut room[..])?;
    Ok(room.get(..count).unwrap_or_default())
}

/// Reads it as text.
pub(crate) fn text(path: &str) -> Result<String, Errno> {
    let mut room = [0; ROOM];
    Ok(String::from_utf8_lossy(read(path, &mut room)?).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_reading_gives_all_of_it() {
        for entry in ["stat", "status", "syscall"] {
            let path = format!("/proc/self/{entry}");
            let whole = std::fs::read_to_string(&path).unwrap();
            let text = text(&path).unwrap();
            // Times and counters go on meanwhile; the form does not change.
            assert_eq!(text.lines().count(), whole.lines().count(), "{entry}");
            assert!(text.ends_with('\n') && text.len() < ROOM, "{entry}");
        }
        assert_eq!(text("/proc/self/none"), Err(Errno::NOENT));
    }
}

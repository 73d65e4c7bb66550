//! A second thread that swaps what a path says while the kernel and its watchers read it.

use crate::call::{Argument, Words, raw};
use crate::open::show;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// Longest path that is swapped.
const ROOM: usize = 512;

/// It does not wait for a server that accepts nobody.
const STREAM: i32 = libc::SOCK_STREAM | libc::SOCK_NONBLOCK;

/// How long a path stands, in turns of a loop that does nothing: about a microsecond.
const DWELL: u32 = 100;

pub(crate) fn run(name: &str, words: &Words<'_>) -> Option<i64> {
    match name {
        // flip INSIDE OUTSIDE FLAGS TRIES: how often it got at what is outside. flip-kin: the other
        // path comes from a process that shares the memory, instead of from a thread
        "flip" | "flip-kin" => {
            let flip = if name == "flip" { flip } else { flip_by_kin };
            let (inside, outside, flags) = (words.word(), words.word(), words.flags());
            let mut refused = 0;
            let won = flip(inside, outside, words.number(), &mut |path| {
                let (won, answer) = got_outside(path, flags);
                refused += i64::from(answer == -i64::from(libc::EACCES));
                won
            });
            println!("REFUSED {refused}");
            Some(won)
        }
        // flip-alter CALL INSIDE OUTSIDE TRIES: how often a name was made or removed
        "flip-alter" => {
            let (call, inside, outside) = (words.word(), words.word(), words.word());
            let number = match call {
                "mkdir" => libc::SYS_mkdir,
                "unlink" => libc::SYS_unlink,
                _ => return None,
            };
            let mut refused = 0;
            let won = flip(inside, outside, words.number(), &mut |path| {
                let answer = raw(number, &mut [letters(path), 0o755.into()]);
                refused += i64::from(answer == -i64::from(libc::EACCES));
                answer >= 0
            });
            println!("REFUSED {refused}");
            Some(won)
        }
        // flip-change CALL INSIDE OUTSIDE TRIES: how often the call succeeded, on either
        "flip-change" => {
            let (call, inside, outside) = (words.word(), words.word(), words.word());
            let change = changer(call)?;
            Some(flip(inside, outside, words.number(), &mut |path| change(path) >= 0))
        }
        // flip-connect INSIDE OUTSIDE TRIES: how often it was connected
        "flip-connect" => {
            let (inside, outside) = (words.word(), words.word());
            Some(flip(inside, outside, words.number(), &mut |path| connected(path)))
        }
        // flip-descriptor INSIDE OUTSIDE TRIES: changes the mode of what is behind a number
        "flip-descriptor" => Some(flip_descriptor(words.word(), words.word(), words.number())),
        _ => None,
    }
}

/// Uses a path whose letters change between two of the same length; returns how often the use was
/// what it should not be.
///
/// Both are padded with slashes at the front: `//a` is `/a`.
fn flip(
    inside: &str,
    outside: &str,
    tries: i64,
    use_it: &mut dyn FnMut(&[AtomicU8]) -> bool,
) -> i64 {
    let length = inside.len().max(outside.len());
    assert!(length < ROOM, "the paths fit");
    let padded = |path: &str| format!("{path:/>length$}").into_bytes();
    let (inside, outside) = (padded(inside), padded(outside));
    // A unix socket's address begins with its family.
    let family = [1, 0];
    let letters = family.into_iter().chain(inside.iter().copied()).chain([0]);
    let shared: Vec<AtomicU8> = letters.map(AtomicU8::new).collect();
    let done = AtomicBool::new(false);
    let mut won = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for path in [&outside, &inside] {
                    for (letter, byte) in shared.iter().skip(2).zip(path) {
                        letter.store(*byte, Ordering::Relaxed);
                    }
                    // Each of them stands for a while, or most would be seen half written.
                    (0..DWELL).for_each(|_| std::hint::spin_loop());
                }
            }
        });
        for _ in 0..tries {
            won += i64::from(use_it(&shared));
        }
        done.store(true, Ordering::Relaxed);
    });
    won
}

/// What a process that shares memory exchanges.
struct Exchange {
    letters: Vec<AtomicU8>,
    paths: [Vec<u8>; 2],
    done: AtomicBool,
}

extern "C" fn exchange(shared: *mut libc::c_void) -> i32 {
    // SAFETY: it is the `Exchange` that `flip_by_kin` made, which lives until this process has ended.
    let shared = unsafe { &*shared.cast::<Exchange>() };
    while !shared.done.load(Ordering::Relaxed) {
        for path in &shared.paths {
            for (letter, byte) in shared.letters.iter().skip(2).zip(path) {
                letter.store(*byte, Ordering::Relaxed);
            }
            (0..DWELL).for_each(|_| std::hint::spin_loop());
        }
    }
    0
}

/// Like [`flip`], by a process of its own that shares this one's memory.
fn flip_by_kin(
    inside: &str,
    outside: &str,
    tries: i64,
    use_it: &mut dyn FnMut(&[AtomicU8]) -> bool,
) -> i64 {
    let length = inside.len().max(outside.len());
    let padded = |path: &str| format!("{path:/>length$}").into_bytes();
    let paths = [padded(outside), padded(inside)];
    let letters = [1, 0].into_iter().chain(padded(inside)).chain([0]).map(AtomicU8::new).collect();
    let mut shared = Exchange { letters, paths, done: AtomicBool::new(false) };
    let mut stack = vec![0_u128; 4096];
    let top = stack.as_mut_ptr_range().end;
    let flags = libc::CLONE_VM | libc::SIGCHLD;
    let argument = std::ptr::from_mut(&mut shared).cast();
    // SAFETY: the stack and what is shared live until the process was waited for, and it only
    // stores to atomics.
    let kin = unsafe { libc::clone(exchange, top.cast(), flags, argument) };
    assert!(kin > 0, "it is made");
    let won = (0..tries).map(|_| i64::from(use_it(&shared.letters))).sum();
    shared.done.store(true, Ordering::Relaxed);
    raw(libc::SYS_wait4, &mut [kin.into(), 0.into(), 0.into(), 0.into()]);
    drop(stack);
    won
}

/// A call that changes the file that a path names.
fn changer(call: &str) -> Option<fn(&[AtomicU8]) -> i64> {
    Some(match call {
        "chmod" => |path| raw(libc::SYS_chmod, &mut [letters(path), 0o777.into()]),
        "chown" => |path| {
            let same = [letters(path), i64::from(u32::MAX).into(), i64::from(u32::MAX).into()];
            raw(libc::SYS_chown, &mut { same })
        },
        "utime" => |path| {
            let here = libc::AT_FDCWD;
            let mut times = [0_u8; 32];
            let times = Argument::Buffer(&mut times);
            raw(libc::SYS_utimensat, &mut [here.into(), letters(path), times, 0.into()])
        },
        "setxattr" => |path| {
            let (name, value) = (c"user.flipped".as_ptr(), c"x".as_ptr());
            let name = crate::call::address(name.cast::<u8>());
            let value = crate::call::address(value.cast::<u8>());
            let rest = [name.into(), value.into(), 1.into(), 0.into()];
            let [name, value, size, flags] = rest;
            raw(libc::SYS_setxattr, &mut [letters(path), name, value, size, flags])
        },
        _ => return None,
    })
}

/// The address of a path's letters, behind the family.
fn letters(path: &[AtomicU8]) -> Argument<'static> {
    crate::call::address(path.get(2..).unwrap_or(path).as_ptr()).into()
}

/// Connects a new socket to the path once.
fn connected(path: &[AtomicU8]) -> bool {
    let socket = raw(libc::SYS_socket, &mut [1.into(), STREAM.into(), 0.into()]);
    let at = crate::call::address(path.as_ptr());
    let length = i64::try_from(path.len()).unwrap_or(0);
    let answer = raw(libc::SYS_connect, &mut [socket.into(), at.into(), length.into()]);
    raw(libc::SYS_close, &mut [socket.into()]);
    answer == 0
}

/// Changes the mode of the file behind a number, while another thread exchanges that file.
fn flip_descriptor(inside: &str, outside: &str, tries: i64) -> i64 {
    const NUMBER: i64 = 50;
    let open = |path: &str| std::fs::File::open(path).expect("both can be read");
    let (inside, outside) = (open(inside), open(outside));
    let done = AtomicBool::new(false);
    let mut changed = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            use std::os::fd::AsRawFd as _;
            while !done.load(Ordering::Relaxed) {
                for file in [&outside, &inside] {
                    raw(libc::SYS_dup2, &mut [file.as_raw_fd().into(), NUMBER.into()]);
                }
            }
        });
        for _ in 0..tries {
            let answer = raw(libc::SYS_fchmod, &mut [NUMBER.into(), 0o777.into()]);
            changed += i64::from(answer == 0);
        }
        done.store(true, Ordering::Relaxed);
    });
    changed
}

/// Opens the path once; tells whether it was the one outside, which holds a secret, and what the
/// kernel said.
fn got_outside(path: &[AtomicU8], flags: i32) -> (bool, i64) {
    let here = libc::AT_FDCWD;
    let mut arguments = [here.into(), letters(path), flags.into(), 0o644.into()];
    let file = raw(libc::SYS_openat, &mut arguments);
    if file < 0 {
        return (false, file);
    }
    let mut bytes = [0_u8; 64];
    let room = Argument::Buffer(&mut bytes);
    let count = raw(libc::SYS_pread64, &mut [file.into(), room, 64.into(), 0.into()]);
    raw(libc::SYS_close, &mut [file.into()]);
    let secret = bytes.starts_with(b"SECRET");
    if secret {
        show(&bytes, count);
    }
    (secret, file)
}

//! Many processes that hide from whoever wants to end them; always bounded.

use crate::call::{Words, call};
use std::time::Duration;

/// More are never made.
const AT_MOST: i64 = 400;
/// Each is gone by itself after this time, should nobody end it.
const LIFETIME: Duration = Duration::from_secs(20);

pub(crate) fn run(name: &str, words: &Words<'_>) -> Option<i64> {
    Some(match name {
        // bomb NUMBER: processes without parents, each in a session of its own
        "bomb" => {
            let number = words.number().min(AT_MOST);
            (0..number).for_each(|_| detach(|| std::thread::sleep(LIFETIME)));
            number
        }
        // daemon PATH MILLISECONDS: makes a file after a while
        "daemon" => {
            let (path, milliseconds) = (words.word().to_owned(), words.number().unsigned_abs());
            detach(move || {
                std::thread::sleep(Duration::from_millis(milliseconds));
                let _ = std::fs::write(path, "the daemon was here");
            });
            0
        }
        _ => return None,
    })
}

/// Runs something in the child of a child that is in a session of its own.
fn detach(run: impl FnOnce()) {
    // SAFETY: this program has one thread here.
    let child = unsafe { libc::fork() };
    if child > 0 {
        call!(SYS_wait4, child, 0, 0, 0);
        return;
    }
    call!(SYS_setsid);
    // SAFETY: the child of a program with one thread has one thread.
    let grandchild = unsafe { libc::fork() };
    if grandchild == 0 {
        run();
    }
    // SAFETY: ends the process without running anything of its parent's.
    unsafe { libc::_exit(0) }
}

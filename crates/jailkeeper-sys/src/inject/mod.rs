//! Making calls inside of other processes.
//!
//! A thread is seized, stopped, and its registers are kept ([`Frozen`]). It then makes calls that
//! it did not ask for, at an instruction for calls that is in its memory anyway: nothing is written
//! to its code or to its stack. At the end it gets back registers and signal mask and goes on as if
//! nothing had been.
//!
//! # What the thread notices
//!
//! * A call in which it waited goes on, for the time that is left, because the kernel itself makes
//!   it anew on the way back. For this the last stop has to be one on that way
//!   (`PTRACE_EVENT_STOP`), not one at the end of an injected call.
//! * A call that ends with `EINTR` whenever its thread is stopped (`epoll_wait`, see `signal(7)`)
//!   goes on if it had no time-out; with one it ends so, as after `SIGSTOP` and `SIGCONT`.
//! * Signals wait meanwhile, but for those that cannot be blocked.
//! * A restartable sequence (`rseq(2)`) that it was in is aborted, as after any loss of the
//!   processor.
//!
//! # What this trusts
//!
//! Other threads of the process must be stopped as well: one that runs could change the
//! instruction, or what arguments point to. Each call is compared with what was asked for when the
//! kernel begins it; if it is another one the process must not go on.
//!
//! # References
//!
//! * [ptrace(2)](https://man7.org/linux/man-pages/man2/ptrace.2.html)

#[cfg(any(test, target_arch = "aarch64"))]
mod aarch64;
mod code;
mod desk;
mod frozen;
mod stops;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "aarch64")]
use aarch64 as machine;
pub use code::find_instruction;
pub use desk::{Desk, fetch};
pub use frozen::Frozen;
pub use stops::{bind_life, detach, go, next_stop, seize};
#[cfg(target_arch = "x86_64")]
use x86_64 as machine;

//! What injected calls have to know of x86_64, and nothing else does.
//!
//! A call that was interrupted by the stop stands in the registers as the kernel left it: its number
//! in `orig_rax`, and in `rax` one of the errors from which the kernel, on its way back to the
//! program, makes a new call (`ERESTARTSYS`, `ERESTARTNOHAND`) or one for the time that is left
//! (`ERESTART_RESTARTBLOCK`). So it is enough to put the registers back as they were.

use libc::user_regs_struct;

/// The registers of a thread.
pub(super) type Registers = user_regs_struct;

/// `AUDIT_ARCH_X86_64`.
pub(super) const ARCHITECTURE: u32 = 0xC000_003E;

/// The instruction that makes a call: `syscall`.
pub(super) const INSTRUCTION: [u8; 2] = [0x0F, 0x05];

/// Instructions stand anywhere.
pub(super) const ALIGNMENT: u64 = 1;

/// The result of a call that begins anew when no handler of a signal runs. `-ERESTARTNOHAND`.
const RESTART_UNLESS_HANDLED: u64 = 514u64.wrapping_neg();
const INTERRUPTED: u64 = 4u64.wrapping_neg();

/// Makes the registers of a thread that is about to make a call at an instruction.
pub(super) fn about_to_call(
    saved: &Registers,
    instruction: u64,
    number: u64,
    arguments: [u64; 6],
) -> Registers {
    let [rdi, rsi, rdx, r10, r8, r9] = arguments;
    // Negative: this thread is in no call, so that the kernel has none to begin anew.
    let orig_rax = u64::MAX;
    Registers { rip: instruction, rax: number, orig_rax, rdi, rsi, rdx, r10, r8, r9, ..*saved }
}

/// Returns what a call has returned.
pub(super) fn result(registers: &Registers) -> u64 {
    registers.rax
}

/// Returns where a thread goes on.
pub(super) fn position(registers: &Registers) -> u64 {
    registers.rip
}

/// Lets a thread go on somewhere else, without the call that it was in.
pub(super) fn go_on_at(registers: &mut Registers, address: u64) {
    registers.rip = address;
    registers.orig_rax = u64::MAX;
}

/// Makes a call that waits without end begin anew.
///
/// Some calls end with `EINTR` when a thread is stopped, although no signal came (`signal(7)`).
/// With a time-out they stay so: the kernel does not tell how much of it is left, and the program
/// knows what to do, because a stop by job control does the same to it. Where the thread stands says
/// nothing here: it is past its call.
pub(super) fn wait_again(registers: &mut Registers, _at_call: impl Fn() -> bool) {
    if registers.rax != INTERRUPTED {
        return;
    }
    let Ok(number) = i64::try_from(registers.orig_rax) else { return };
    let endless = match number {
        libc::SYS_epoll_wait | libc::SYS_epoll_pwait => registers.r10 >> 31 & 1 == 1,
        libc::SYS_epoll_pwait2 | libc::SYS_semtimedop => registers.r10 == 0,
        libc::SYS_rt_sigtimedwait => registers.rdx == 0,
        libc::SYS_io_getevents => registers.r8 == 0,
        libc::SYS_semop => true,
        _ => false,
    };
    if endless {
        registers.rax = RESTART_UNLESS_HANDLED;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interrupted(number: i64) -> Registers {
        // SAFETY: registers are plain numbers.
        let registers: Registers = unsafe { std::mem::zeroed() };
        Registers { orig_rax: number.unsigned_abs(), rax: INTERRUPTED, ..registers }
    }

    #[test]
    fn what_waits_without_end_begins_anew_and_nothing_else() {
        let minus_one = u64::from(u32::MAX);
        for (registers, again) in [
            (Registers { r10: minus_one, ..interrupted(libc::SYS_epoll_wait) }, true),
            (Registers { r10: 500, ..interrupted(libc::SYS_epoll_wait) }, false),
            (Registers { r10: u64::MAX, ..interrupted(libc::SYS_epoll_pwait) }, true),
            (interrupted(libc::SYS_epoll_pwait2), true),
            (Registers { r10: 0x7000, ..interrupted(libc::SYS_epoll_pwait2) }, false),
            (interrupted(libc::SYS_rt_sigtimedwait), true),
            (Registers { rdx: 0x7000, ..interrupted(libc::SYS_rt_sigtimedwait) }, false),
            (interrupted(libc::SYS_semop), true),
            (interrupted(libc::SYS_read), false),
            (Registers { rax: 3, ..interrupted(libc::SYS_epoll_pwait2) }, false),
            (Registers { orig_rax: u64::MAX, ..interrupted(libc::SYS_semop) }, false),
        ] {
            let mut changed = registers;
            wait_again(&mut changed, || false);
            assert_eq!(changed.rax != registers.rax, again, "{registers:?}");
        }
    }
}

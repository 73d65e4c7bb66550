//! What injected calls have to know of aarch64, and nothing else does.
//!
//! The kernel decides about a call that was interrupted *before* it stops for a tracer (`do_signal`
//! in `arch/arm64/kernel/signal.c`): the thread stands at its `svc` again, with the number in `x8`
//! and the first argument back in `x0`, and makes the call anew when it goes on. Only one for the
//! time that is left (`ERESTART_RESTARTBLOCK`) is settled after the stop, and that is lost on the
//! way through other calls; so the thread is sent to `restart_syscall(2)` here, which makes it.
//!
//! # What is not as on `x86_64`
//!
//! * A call that ended with `EINTR` because of the stop (`epoll_wait`) does not go on, even without
//!   a time-out: its first argument is gone.
//! * A thread that is about to begin a sleep, and not in it, looks the same as one that was
//!   interrupted: it may wake early, as from a signal.
//! * A thread that waits in a call at the very instruction that is used for injected ones cannot be
//!   attached. There is one in the vDSO, where nobody waits.

/// The registers of a thread, `struct user_pt_regs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub(super) struct Registers {
    x: [u64; 31],
    stack: u64,
    position: u64,
    state: u64,
}

/// `AUDIT_ARCH_AARCH64`.
pub(super) const ARCHITECTURE: u32 = 0xC000_00B7;

/// The instruction that makes a call: `svc #0`.
pub(super) const INSTRUCTION: [u8; 4] = [0x01, 0x00, 0x00, 0xD4];

/// Instructions stand at multiples of this.
pub(super) const ALIGNMENT: u64 = 4;

/// Where in the registers the number of a call is.
const NUMBER: usize = 8;
/// `PSTATE.BTYPE`: the thread has just jumped, and may land on few instructions.
const JUMPED: u64 = 3 << 10;

const RESTART: u64 = 128;
const FUTEX: u64 = 98;
const NANOSLEEP: u64 = 101;
const CLOCK_NANOSLEEP: u64 = 115;
const ABSOLUTE: u64 = 1;

/// Makes the registers of a thread that is about to make a call at an instruction.
pub(super) fn about_to_call(
    saved: &Registers,
    instruction: u64,
    number: u64,
    arguments: [u64; 6],
) -> Registers {
    let mut registers = *saved;
    for (register, argument) in registers.x.iter_mut().zip(arguments) {
        *register = argument;
    }
    if let Some(register) = registers.x.get_mut(NUMBER) {
        *register = number;
    }
    registers.position = instruction;
    registers.state &= !JUMPED;
    registers
}

/// Returns what a call has returned.
pub(super) fn result(registers: &Registers) -> u64 {
    registers.x(0)
}

/// Returns where a thread goes on.
pub(super) fn position(registers: &Registers) -> u64 {
    registers.position
}

/// Lets a thread go on somewhere else, without the call that it was in.
pub(super) fn go_on_at(registers: &mut Registers, address: u64) {
    registers.position = address;
}

/// Makes a call that sleeps go on for the time that is left, if the thread stands at a call.
pub(super) fn wait_again(registers: &mut Registers, at_call: impl Fn() -> bool) {
    /// `FUTEX_WAIT`, below the bits for private ones and for the clock.
    const WAIT: u64 = 0;
    let sleeps = match registers.x(NUMBER) {
        NANOSLEEP => true,
        CLOCK_NANOSLEEP => registers.x(1) & ABSOLUTE == 0,
        // With a time-out; without one, the kernel makes the same call anew.
        FUTEX => registers.x(1) & 0x7f == WAIT && registers.x(3) != 0,
        _ => false,
    };
    if sleeps
        && at_call()
        && let Some(number) = registers.x.get_mut(NUMBER)
    {
        *number = RESTART;
    }
}

impl Registers {
    fn x(&self, index: usize) -> u64 {
        self.x.get(index).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calling(number: u64, arguments: [u64; 6]) -> Registers {
        let nothing = Registers { x: [7; 31], stack: 8, position: 9, state: JUMPED | 0x8000_0000 };
        about_to_call(&nothing, 0x4000, number, arguments)
    }

    #[test]
    fn a_call_has_its_number_and_arguments_and_nothing_else_changes() {
        let registers = calling(FUTEX, [1, 2, 3, 4, 5, 6]);
        assert_eq!(registers.x.get(..6), Some(&[1, 2, 3, 4, 5, 6][..]));
        assert_eq!((registers.x(6), registers.x(7), registers.x(8)), (7, 7, FUTEX));
        assert!((9..31).all(|index| registers.x(index) == 7));
        assert_eq!((registers.stack, position(&registers)), (8, 0x4000));
        assert_eq!(registers.state, 0x8000_0000);
        assert_eq!(result(&registers), 1);
        let mut elsewhere = registers;
        go_on_at(&mut elsewhere, 0x5000);
        assert_eq!(elsewhere, Registers { position: 0x5000, ..registers });
    }

    #[test]
    fn what_sleeps_goes_on_for_the_time_that_is_left_and_nothing_else() {
        const PRIVATE: u64 = 128;
        const WAIT_BITSET: u64 = 9;
        const READ: u64 = 63;
        for (number, arguments, at_call, restarts) in [
            (NANOSLEEP, [0x7000, 0, 0, 0, 0, 0], true, true),
            (NANOSLEEP, [0x7000, 0, 0, 0, 0, 0], false, false),
            (CLOCK_NANOSLEEP, [1, 0, 0x7000, 0, 0, 0], true, true),
            (CLOCK_NANOSLEEP, [1, ABSOLUTE, 0x7000, 0, 0, 0], true, false),
            (FUTEX, [0x7000, PRIVATE, 1, 0x7100, 0, 0], true, true),
            (FUTEX, [0x7000, PRIVATE, 1, 0, 0, 0], true, false),
            (FUTEX, [0x7000, PRIVATE | WAIT_BITSET, 1, 0x7100, 0, 0], true, false),
            (READ, [0, 0x7000, 1, 0, 0, 0], true, false),
        ] {
            let before = calling(number, arguments);
            let mut after = before;
            wait_again(&mut after, || at_call);
            assert_eq!(after.x(NUMBER), if restarts { RESTART } else { number }, "{before:?}");
        }
    }

    #[test]
    fn the_numbers_are_those_of_the_headers() {
        use syscalls::aarch64::Sysno;
        for (number, call) in [
            (RESTART, Sysno::restart_syscall),
            (FUTEX, Sysno::futex),
            (NANOSLEEP, Sysno::nanosleep),
            (CLOCK_NANOSLEEP, Sysno::clock_nanosleep),
        ] {
            assert_eq!(i64::from(call.id()).unsigned_abs(), number, "{call}");
        }
        assert_eq!((ARCHITECTURE & 0xFFFF, INSTRUCTION.len() as u64), (183, ALIGNMENT));
        assert_eq!(size_of::<Registers>(), 34 * 8);
    }
}

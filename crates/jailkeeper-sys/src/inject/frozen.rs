//! A stopped thread that makes calls on request.

use super::machine::{self, Registers};
use super::stops;
use crate::ptrace::{self, Stop};
use crate::{check, memory};
use rustix::process::Pid;
use std::io;

/// Where the registers are (`NT_PRSTATUS`).
const GENERAL: usize = 1;
const GET_SIGNAL_MASK: libc::c_uint = 0x420a;
const SET_SIGNAL_MASK: libc::c_uint = 0x420b;
const GET_RSEQ: libc::c_uint = 0x420f;

/// A thread that is stopped on its way back to the program (`PTRACE_EVENT_STOP`), with the
/// registers and the signal mask that it will go on with.
#[derive(Debug)]
pub struct Frozen {
    thread: Pid,
    registers: Registers,
    mask: u64,
    used: bool,
    /// A `SIGSTOP` came meanwhile; nothing can block it.
    stopped: bool,
}

impl Frozen {
    /// Takes hold of a thread that is in such a stop.
    ///
    /// # Errors
    ///
    /// `ENOEXEC` when it runs another ABI than this process's own, `ESRCH` when it is gone.
    pub fn take(thread: Pid) -> io::Result<Self> {
        let mut registers = get_registers(thread)?;
        let position = machine::position(&registers);
        machine::wait_again(&mut registers, || is_call(thread, position));
        abort_sequence(thread, &mut registers);
        let mask = get_mask(thread)?;
        Ok(Self { thread, registers, mask, used: false, stopped: false })
    }

    /// Returns which thread it is.
    #[must_use]
    pub fn thread(&self) -> Pid {
        self.thread
    }

    /// Lets the thread make a call at an instruction that [`find_instruction`](super::find_instruction) found, and waits
    /// for it.
    ///
    /// # Errors
    ///
    /// What the call answered; `ESRCH` when the thread is gone; `ENOEXEC` when something else than
    /// the call began: then the process must not go on.
    pub fn call(&mut self, instruction: u64, number: i64, arguments: [u64; 6]) -> io::Result<u64> {
        if !self.used {
            // No handler runs meanwhile.
            set_mask(self.thread, u64::MAX)?;
            self.used = true;
        }
        let number = number.unsigned_abs();
        let begin = machine::about_to_call(&self.registers, instruction, number, arguments);
        set_registers(self.thread, &begin)?;
        self.run_to_call()?;
        let entry = ptrace::entry(self.thread)?;
        let expected = entry.is_some_and(|entry| {
            entry.architecture == machine::ARCHITECTURE
                && entry.number == number
                && entry.arguments == arguments
        });
        if !expected {
            return Err(io::Error::from_raw_os_error(libc::ENOEXEC));
        }
        self.run_to_call()?;
        let result = machine::result(&get_registers(self.thread)?);
        // Errors are the numbers from -4095 on.
        match i32::try_from(result.wrapping_neg()) {
            Ok(errno @ 1..=4095) => Err(io::Error::from_raw_os_error(errno)),
            _ => Ok(result),
        }
    }

    /// Runs to the beginning or end of a call.
    fn run_to_call(&mut self) -> io::Result<()> {
        loop {
            ptrace::resume(self.thread, 0)?;
            match stops::stop_of(self.thread)? {
                Stop::Syscall => return Ok(()),
                Stop::Ended(_) => return Err(io::Error::from_raw_os_error(libc::ESRCH)),
                Stop::Signal(libc::SIGSTOP) => self.stopped = true,
                // Anything else than a trap of ours would be a fault of code that is not there.
                Stop::Signal(libc::SIGSEGV | libc::SIGILL | libc::SIGBUS | libc::SIGFPE) => {
                    return Err(io::Error::from_raw_os_error(libc::ENOEXEC));
                }
                _ => {}
            }
        }
    }

    /// Gives the thread back what it had, and lets it go.
    ///
    /// # Errors
    ///
    /// `ESRCH` when it is gone.
    pub fn thaw(self) -> io::Result<()> {
        if self.used {
            // The end of a call is past the place where a call is made anew: so another stop, which
            // comes before the program does anything.
            ptrace::interrupt(self.thread)?;
            loop {
                stops::go(self.thread, 0)?;
                match stops::stop_of(self.thread)? {
                    Stop::Trap | Stop::Group => break,
                    Stop::Ended(_) => return Err(io::Error::from_raw_os_error(libc::ESRCH)),
                    _ => {}
                }
            }
            set_mask(self.thread, self.mask)?;
        }
        set_registers(self.thread, &self.registers)?;
        if self.stopped {
            let _ = rustix::process::kill_process(self.thread, rustix::process::Signal::STOP);
        }
        stops::detach(self.thread)
    }
}

/// Tells whether an instruction makes a call.
fn is_call(thread: Pid, address: u64) -> bool {
    let mut bytes = [0; machine::INSTRUCTION.len()];
    memory::read(thread, address, &mut bytes).is_ok() && bytes == machine::INSTRUCTION
}

fn get_registers(thread: Pid) -> io::Result<Registers> {
    // SAFETY: registers are plain numbers, for which zero is valid.
    let mut registers: Registers = unsafe { std::mem::zeroed() };
    let size = size_of::<Registers>();
    let mut place =
        libc::iovec { iov_base: std::ptr::from_mut(&mut registers).cast(), iov_len: size };
    let request = libc::PTRACE_GETREGSET;
    // SAFETY: the kernel writes at most `iov_len` bytes to `registers`, and how many they were to
    // `place`; both outlive the call.
    let result = unsafe {
        libc::ptrace(request, thread.as_raw_pid(), GENERAL, std::ptr::from_mut(&mut place))
    };
    check(result)?;
    if place.iov_len == size {
        Ok(registers)
    } else {
        // Those of a 32-bit program are fewer.
        Err(io::Error::from_raw_os_error(libc::ENOEXEC))
    }
}

fn set_registers(thread: Pid, registers: &Registers) -> io::Result<()> {
    let size = size_of::<Registers>();
    let mut place =
        libc::iovec { iov_base: std::ptr::from_ref(registers).cast_mut().cast(), iov_len: size };
    let request = libc::PTRACE_SETREGSET;
    // SAFETY: the kernel reads `iov_len` bytes of `registers` and writes to `place` alone.
    let result = unsafe {
        libc::ptrace(request, thread.as_raw_pid(), GENERAL, std::ptr::from_mut(&mut place))
    };
    check(result).map(|_| ())
}

fn get_mask(thread: Pid) -> io::Result<u64> {
    let mut mask = 0u64;
    let (size, place) = (size_of::<u64>(), std::ptr::from_mut(&mut mask));
    // SAFETY: the kernel writes `size` bytes to `mask`.
    check(unsafe { libc::ptrace(GET_SIGNAL_MASK, thread.as_raw_pid(), size, place) })?;
    Ok(mask)
}

fn set_mask(thread: Pid, mask: u64) -> io::Result<()> {
    let (size, place) = (size_of::<u64>(), std::ptr::from_ref(&mask));
    // SAFETY: the kernel reads `size` bytes of `mask`.
    check(unsafe { libc::ptrace(SET_SIGNAL_MASK, thread.as_raw_pid(), size, place) }).map(|_| ())
}

/// `struct ptrace_rseq_configuration`.
#[repr(C)]
#[derive(Default)]
struct RestartableSequences {
    pointer: u64,
    size: u32,
    signature: u32,
    flags: u32,
    pad: u32,
}

/// Sends a thread that is in a restartable sequence to where such a sequence is aborted.
///
/// The kernel would do so by itself when the thread is back, but on its way through injected calls
/// it forgets that there was one.
fn abort_sequence(thread: Pid, registers: &mut Registers) {
    let mut configuration = RestartableSequences::default();
    let size = size_of::<RestartableSequences>();
    let place = std::ptr::from_mut(&mut configuration);
    // SAFETY: the kernel writes at most `size` bytes to `configuration`.
    let got = unsafe { libc::ptrace(GET_RSEQ, thread.as_raw_pid(), size, place) };
    // Before Linux 5.13 nobody tells.
    if got <= 0 || configuration.pointer == 0 {
        return;
    }
    let word = |address: u64| {
        let mut bytes = [0; 8];
        let count = memory::read(thread, address, &mut bytes).ok()?;
        (count == bytes.len()).then(|| u64::from_ne_bytes(bytes))
    };
    let Some(sequence) = word(configuration.pointer.wrapping_add(8)).filter(|at| *at != 0) else {
        return;
    };
    let field = |offset: u64| word(sequence.wrapping_add(offset));
    let (Some(start), Some(length), Some(abort)) = (field(8), field(16), field(24)) else { return };
    if machine::position(registers).wrapping_sub(start) < length {
        machine::go_on_at(registers, abort);
    }
}

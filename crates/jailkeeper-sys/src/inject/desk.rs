//! The calls that restrict a process, made inside of it.

use super::{Frozen, find_instruction};
use crate::bpf::Program;
use crate::memory;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use rustix::process::{Pid, PidfdGetfdFlags};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};

/// Bytes of memory in the process. A filter has at most 4,096 instructions of 8 bytes.
const ROOM: u64 = 40 * 1024;
/// Where in it the filter is; before that is what else calls take.
const FILTER_AT: u64 = 1024;

/// A piece of memory of a process, from which calls in it take their arguments.
///
/// It belongs to all threads of the process, so one is enough for them. Whoever makes it takes it
/// away again ([`leave`](Self::leave)).
#[derive(Debug)]
pub struct Desk {
    process: Pid,
    instruction: u64,
    at: u64,
}

impl Desk {
    /// Makes one in a process by one of its threads.
    ///
    /// # Errors
    ///
    /// Those of [`find_instruction`], [`Frozen::call`] and `mmap(2)`.
    pub fn make(process: Pid, thread: &mut Frozen) -> io::Result<Self> {
        let instruction = find_instruction(process)?;
        let rights = (libc::PROT_READ | libc::PROT_WRITE).unsigned_abs().into();
        let kind = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS).unsigned_abs().into();
        let arguments = [0, ROOM, rights, kind, u64::MAX, 0];
        let at = thread.call(instruction, libc::SYS_mmap, arguments)?;
        Ok(Self { process, instruction, at })
    }

    /// Takes the memory away.
    ///
    /// # Errors
    ///
    /// Those of [`Frozen::call`].
    pub fn leave(self, thread: &mut Frozen) -> io::Result<()> {
        self.call(thread, libc::SYS_munmap, [self.at, ROOM, 0, 0, 0, 0]).map(|_| ())
    }

    fn call(&self, thread: &mut Frozen, number: i64, arguments: [u64; 6]) -> io::Result<u64> {
        thread.call(self.instruction, number, arguments)
    }

    fn put(&self, offset: u64, bytes: &[u8]) -> io::Result<u64> {
        let at = self.at + offset;
        memory::write(self.process, at, bytes)?;
        Ok(at)
    }

    /// Gives the process a duplicate of a descriptor, and returns the number that it got there.
    ///
    /// It comes over a pair of sockets that the process makes itself: no name and no right of the
    /// process's is needed to get it.
    ///
    /// # Errors
    ///
    /// `EMFILE` when its table is full, and those of [`Frozen::call`].
    pub fn hand_over(
        &self,
        thread: &mut Frozen,
        pidfd: BorrowedFd<'_>,
        fd: BorrowedFd<'_>,
    ) -> io::Result<RawFd> {
        let kind = (libc::SOCK_STREAM | libc::SOCK_CLOEXEC).unsigned_abs().into();
        let pair = self.put(0, &[0; 8])?;
        let family = libc::AF_UNIX.unsigned_abs().into();
        self.call(thread, libc::SYS_socketpair, [family, kind, 0, pair, 0, 0])?;
        let mut numbers = [0; 8];
        memory::read(self.process, pair, &mut numbers)?;
        let [a, b, c, d, e, f, g, h] = numbers;
        let (mine, other) = (i32::from_ne_bytes([a, b, c, d]), i32::from_ne_bytes([e, f, g, h]));
        let received = self.receive(thread, pidfd, fd, mine, other);
        for number in [mine, other] {
            self.close(thread, number)?;
        }
        received
    }

    fn receive(
        &self,
        thread: &mut Frozen,
        pidfd: BorrowedFd<'_>,
        fd: BorrowedFd<'_>,
        mine: RawFd,
        other: RawFd,
    ) -> io::Result<RawFd> {
        let sender = rustix::process::pidfd_getfd(pidfd, other, PidfdGetfdFlags::empty())?;
        let fds = [fd];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(&fds));
        let word = [io::IoSlice::new(b"j")];
        rustix::net::sendmsg(&sender, &word, &mut control, SendFlags::empty())?;
        // `struct msghdr`, `struct iovec`, room for the byte and for `struct cmsghdr` with one
        // descriptor, each at an offset of its own.
        const VECTOR: u64 = 64;
        const BYTE: u64 = 96;
        const CONTROL: u64 = 128;
        const CONTROL_LENGTH: u64 = 24;
        let header = [0, 0, self.at + VECTOR, 1, self.at + CONTROL, CONTROL_LENGTH, 0];
        let header = self.put(0, &words(&header))?;
        self.put(VECTOR, &words(&[self.at + BYTE, 1]))?;
        self.put(CONTROL, &[0; 24])?;
        let flags = libc::MSG_CMSG_CLOEXEC.unsigned_abs().into();
        self.call(thread, libc::SYS_recvmsg, [number(mine), header, flags, 0, 0, 0])?;
        let mut message = [0; 24];
        memory::read(self.process, self.at + CONTROL, &mut message)?;
        let [length @ .., _, _, _, _, _, _, _, _, _, _, _, _, a, b, c, d, _, _, _, _] = message;
        // Too few where the table was full.
        if u32::from_ne_bytes(length) < 20 {
            return Err(io::Error::from_raw_os_error(libc::EMFILE));
        }
        Ok(i32::from_ne_bytes([a, b, c, d]))
    }

    /// Closes a descriptor of the process.
    ///
    /// # Errors
    ///
    /// `EBADF`, and those of [`Frozen::call`].
    pub fn close(&self, thread: &mut Frozen, fd: RawFd) -> io::Result<()> {
        match self.call(thread, libc::SYS_close, [number(fd), 0, 0, 0, 0, 0]) {
            // It is closed all the same.
            Err(error) if error.raw_os_error() == Some(libc::EINTR) => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// Takes a range of memory away from the process.
    ///
    /// # Errors
    ///
    /// Those of `munmap(2)` and [`Frozen::call`].
    pub fn unmap(&self, thread: &mut Frozen, start: u64, length: u64) -> io::Result<()> {
        self.call(thread, libc::SYS_munmap, [start, length, 0, 0, 0, 0]).map(|_| ())
    }

    /// Tells whether a process of the same user may look into this one (`PR_GET_DUMPABLE`).
    ///
    /// # Errors
    ///
    /// Those of [`Frozen::call`].
    pub fn is_dumpable(&self, thread: &mut Frozen) -> io::Result<bool> {
        let what = libc::PR_GET_DUMPABLE.unsigned_abs().into();
        Ok(self.call(thread, libc::SYS_prctl, [what, 0, 0, 0, 0, 0])? == 1)
    }

    /// Takes from a thread the way to more privileges, and all that it has (`capset(2)`).
    ///
    /// # Errors
    ///
    /// Those of [`Frozen::call`].
    pub fn renounce(&self, thread: &mut Frozen) -> io::Result<()> {
        let what = libc::PR_SET_NO_NEW_PRIVS.unsigned_abs().into();
        self.call(thread, libc::SYS_prctl, [what, 1, 0, 0, 0, 0])?;
        let what = libc::PR_CAP_AMBIENT.unsigned_abs().into();
        let clear = libc::PR_CAP_AMBIENT_CLEAR_ALL.unsigned_abs().into();
        self.call(thread, libc::SYS_prctl, [what, clear, 0, 0, 0, 0])?;
        // `_LINUX_CAPABILITY_VERSION_3` and the thread itself; then three empty sets of 64 bits.
        let header = self.put(0, &words(&[0x2008_0522]))?;
        let sets = self.put(16, &[0; 24])?;
        self.call(thread, libc::SYS_capset, [header, sets, 0, 0, 0, 0]).map(|_| ())
    }

    /// Enforces a ruleset of Landlock's on a thread.
    ///
    /// # Errors
    ///
    /// Those of `landlock_restrict_self(2)` and [`Frozen::call`].
    pub fn restrict(&self, thread: &mut Frozen, ruleset: RawFd) -> io::Result<()> {
        let number = number(ruleset);
        self.call(thread, libc::SYS_landlock_restrict_self, [number, 0, 0, 0, 0, 0]).map(|_| ())
    }

    /// Installs a filter on all threads of the process, and returns the number of its listener,
    /// which is the process's until it is closed there.
    ///
    /// # Errors
    ///
    /// `EBUSY` when the process has a listener already, `ESRCH` when a thread has a filter of its
    /// own, and those of [`Frozen::call`].
    pub fn filter(&self, thread: &mut Frozen, program: &Program) -> io::Result<RawFd> {
        const SET_MODE_FILTER: u64 = 1;
        const ALL_THREADS: u64 = 1;
        const NEW_LISTENER: u64 = 1 << 3;
        const ALL_THREADS_OR_NO_SUCH: u64 = 1 << 4;
        const WAIT_KILLABLE: u64 = 1 << 5;
        let mut code = Vec::with_capacity(program.code.len() * 8);
        for line in &program.code {
            code.extend_from_slice(&line.code.to_ne_bytes());
            code.extend_from_slice(&[line.jt, line.jf]);
            code.extend_from_slice(&line.k.to_ne_bytes());
        }
        let code = self.put(FILTER_AT, &code)?;
        let prog = self.put(0, &words(&[program.code.len() as u64, code]))?;
        let flags = ALL_THREADS | NEW_LISTENER | ALL_THREADS_OR_NO_SUCH | WAIT_KILLABLE;
        let arguments = [SET_MODE_FILTER, flags, prog, 0, 0, 0];
        let listener = self.call(thread, libc::SYS_seccomp, arguments)?;
        RawFd::try_from(listener).map_err(|_| io::Error::from_raw_os_error(libc::EBADF))
    }

    /// Tries to list the root directory. Returns the error, which is expected.
    ///
    /// # Errors
    ///
    /// `EEXIST` when it could be opened; it is closed again.
    pub fn try_root(&self, thread: &mut Frozen) -> io::Result<io::Error> {
        let path = self.put(0, b"/\0")?;
        let flags = (libc::O_DIRECTORY | libc::O_CLOEXEC).unsigned_abs().into();
        let here = number(libc::AT_FDCWD);
        match self.call(thread, libc::SYS_openat, [here, path, flags, 0, 0, 0]) {
            Ok(opened) => {
                let opened = RawFd::try_from(opened).unwrap_or(-1);
                self.close(thread, opened)?;
                Err(io::Error::from_raw_os_error(libc::EEXIST))
            }
            Err(error) => Ok(error),
        }
    }
}

/// Fetches a descriptor out of a process.
///
/// # Errors
///
/// `EPERM` where it is forbidden, `EBADF` when there is none.
pub fn fetch(pidfd: BorrowedFd<'_>, fd: RawFd) -> io::Result<OwnedFd> {
    Ok(rustix::process::pidfd_getfd(pidfd, fd, PidfdGetfdFlags::empty())?)
}

/// Makes the register of a descriptor's number, which the kernel reads as an `int`.
fn number(fd: RawFd) -> u64 {
    i64::from(fd).cast_unsigned()
}

fn words(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

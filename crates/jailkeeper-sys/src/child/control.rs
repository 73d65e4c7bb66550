//! The socket between a jail's children and their parent.
//!
//! One sequenced-packet socket serves all of them. The kernel stamps each message with its
//! sender's pid as the parent's pid namespace knows it, which is how the parent learns the real
//! pids of processes that call themselves 1 and 2.

use rustix::cmsg_space;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use rustix::process::Pid;
use std::cell::RefCell;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

const FAILED: i32 = 1;
const DESCRIPTOR: i32 = 2;
const LISTENER: i32 = 3;
const ENDED: i32 = 4;
const REACHED: i32 = 5;

/// What a child says.
#[derive(Debug)]
pub enum Notice {
    /// A step failed; the child has ended.
    Failed {
        /// How deep the program is nested: 0 for the first child, 1 for the one it spawned.
        depth: usize,
        /// The step's number in its program.
        step: usize,
        /// The kernel's answer.
        errno: i32,
    },
    /// Here is a descriptor.
    Descriptor(OwnedFd),
    /// The filter is installed, and its listener has this number in the sender.
    Listener(RawFd),
    /// The process that init watches over has ended with this `wait(2)` status.
    Ended(i32),
    /// A [`super::Step::Report`] was reached.
    Reached(u32),
}

/// A notice and the process that gave it.
#[derive(Debug)]
pub struct Message {
    /// The sender, as this process's pid namespace knows it.
    pub sender: Option<Pid>,
    /// What it says.
    pub notice: Notice,
}

/// The parent's end of the socket, and the child's end until the child was made.
#[derive(Debug)]
pub struct Control {
    ours: OwnedFd,
    theirs: RefCell<Option<OwnedFd>>,
}

/// Makes the socket; the child's end gets a number of at least `floor`, so that it is in the way
/// of no descriptor that the command is to inherit.
///
/// # Errors
///
/// `EMFILE` and the like.
pub fn control_pair(floor: RawFd) -> io::Result<Control> {
    let (ours, theirs) = rustix::net::socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )?;
    rustix::net::sockopt::set_socket_passcred(&ours, true)?;
    let theirs = rustix::io::fcntl_dupfd_cloexec(theirs, floor)?;
    Ok(Control { ours, theirs: RefCell::new(Some(theirs)) })
}

impl Control {
    pub(super) fn child_end(&self) -> io::Result<RawFd> {
        let theirs = self.theirs.borrow();
        theirs.as_ref().map(AsRawFd::as_raw_fd).ok_or_else(|| Errno::BADF.into())
    }

    /// Closes this process's copy of the child's end, so that the end of all children is seen.
    pub fn close_child_end(&self) {
        self.theirs.borrow_mut().take();
    }

    /// Lets a child that waits in [`super::Step::AwaitGo`] go on.
    ///
    /// # Errors
    ///
    /// `EPIPE` when no child is left.
    pub fn go(&self) -> io::Result<()> {
        rustix::net::send(&self.ours, b"g", SendFlags::NOSIGNAL)?;
        Ok(())
    }

    /// Gives a descriptor to the child that is at [`super::Step::TakeTree`], or will be.
    ///
    /// # Errors
    ///
    /// `EPIPE` when no child is left.
    pub fn give(&self, fd: impl AsFd) -> io::Result<()> {
        Ok(give(self.ours.as_fd(), b"t", fd.as_fd())?)
    }

    /// Waits for the next message; `None` when every child has closed the socket.
    ///
    /// # Errors
    ///
    /// `EPROTO` for a message of a form that no step sends.
    pub fn receive(&self) -> io::Result<Option<Message>> {
        let mut words = [0u8; 16];
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1), ScmCredentials(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let result = loop {
            let mut slices = [IoSliceMut::new(&mut words)];
            let flags = RecvFlags::CMSG_CLOEXEC;
            match rustix::net::recvmsg(&self.ours, &mut slices, &mut ancillary, flags) {
                Err(Errno::INTR) => {}
                other => break other?,
            }
        };
        if result.bytes == 0 {
            return Ok(None);
        }
        if result.bytes != words.len() || result.flags.contains(ReturnFlags::CTRUNC) {
            return Err(Errno::PROTO.into());
        }
        let (mut sender, mut fd) = (None, None);
        for message in ancillary.drain() {
            match message {
                RecvAncillaryMessage::ScmCredentials(credentials) => {
                    sender = Some(credentials.pid);
                }
                RecvAncillaryMessage::ScmRights(fds) => fd = fds.last(),
                _ => {}
            }
        }
        let word = |index: usize| {
            let at = index * 4;
            words
                .get(at..at + 4)
                .and_then(|bytes| bytes.try_into().ok())
                .map_or(0, i32::from_ne_bytes)
        };
        let number = |index: usize| usize::try_from(word(index)).unwrap_or(usize::MAX);
        let notice = match word(0) {
            FAILED => Notice::Failed { depth: number(1), step: number(2), errno: word(3) },
            DESCRIPTOR => Notice::Descriptor(fd.ok_or(Errno::PROTO)?),
            LISTENER => Notice::Listener(word(1)),
            ENDED => Notice::Ended(word(1)),
            REACHED => Notice::Reached(word(1).unsigned_abs()),
            _ => return Err(Errno::PROTO.into()),
        };
        Ok(Some(Message { sender, notice }))
    }
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ours.as_fd()
    }
}

/// Sends bytes and a descriptor. Runs in the child before exec, too.
fn give(control: BorrowedFd<'_>, bytes: &[u8], fd: BorrowedFd<'_>) -> Result<(), Errno> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let fds = [fd];
    ancillary.push(SendAncillaryMessage::ScmRights(&fds));
    let slices = [IoSlice::new(bytes)];
    rustix::net::sendmsg(control, &slices, &mut ancillary, SendFlags::NOSIGNAL).map(|_| ())
}

/// The child's side: it sends words and at most one descriptor. Runs in the child before exec.
pub(super) mod child {
    use super::{
        DESCRIPTOR, ENDED, FAILED, IoSliceMut, LISTENER, MaybeUninit, REACHED, RecvAncillaryBuffer,
        RecvAncillaryMessage, RecvFlags, SendFlags, cmsg_space,
    };
    use rustix::io::Errno;
    use std::os::fd::{BorrowedFd, OwnedFd};

    fn send(control: BorrowedFd<'_>, words: [i32; 4]) -> Result<(), Errno> {
        let bytes = pack(words);
        rustix::net::send(control, &bytes, SendFlags::NOSIGNAL).map(|_| ())
    }

    fn pack(words: [i32; 4]) -> [u8; 16] {
        let mut bytes = [0; 16];
        for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    pub(in crate::child) fn failed(control: BorrowedFd<'_>, depth: i32, step: i32, errno: i32) {
        let _ = send(control, [FAILED, depth, step, errno]);
    }

    pub(in crate::child) fn listener(control: BorrowedFd<'_>, fd: i32) -> Result<(), Errno> {
        send(control, [LISTENER, fd, 0, 0])
    }

    pub(in crate::child) fn ended(control: BorrowedFd<'_>, status: i32) {
        let _ = send(control, [ENDED, status, 0, 0]);
    }

    pub(in crate::child) fn reached(control: BorrowedFd<'_>, what: u32) -> Result<(), Errno> {
        send(control, [REACHED, what.cast_signed(), 0, 0])
    }

    pub(in crate::child) fn descriptor(
        control: BorrowedFd<'_>,
        fd: BorrowedFd<'_>,
    ) -> Result<(), Errno> {
        super::give(control, &pack([DESCRIPTOR, 0, 0, 0]), fd)
    }

    /// Waits for a descriptor of the parent's.
    pub(in crate::child) fn take(control: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
        let mut byte = [0];
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        loop {
            let mut slices = [IoSliceMut::new(&mut byte)];
            let flags = RecvFlags::CMSG_CLOEXEC;
            match rustix::net::recvmsg(control, &mut slices, &mut ancillary, flags) {
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
                Ok(_) => break,
            }
        }
        let taken = ancillary.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
            _ => None,
        });
        // It was not sent, or there was no room for it.
        taken.ok_or(Errno::MFILE)
    }
}

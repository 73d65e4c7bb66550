//! Waiting for calls of one or of several filters.
//!
//! A jail that was started has one filter. Processes that were attached to have one each, and what
//! they make inherits theirs.

use super::super::notify::is_called;
use crate::death::{Life, Tree};
use crate::ward::Ward;
use jailkeeper_sys::seccomp;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;

/// How soon after a fork is looked who was made.
const SOON: Timespec = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };

/// The listeners of a jail.
pub(super) enum Listeners {
    One(Arc<OwnedFd>),
    Several { all: Vec<Option<Arc<OwnedFd>>>, ready: OwnedFd },
}

impl Listeners {
    pub(super) fn of(listeners: Vec<OwnedFd>) -> Result<Self, Errno> {
        for listener in &listeners {
            // It only saves time where the kernel has it.
            let _ = seccomp::wake_synchronously(listener);
        }
        let mut listeners: Vec<_> = listeners.into_iter().map(Arc::new).collect();
        if listeners.len() == 1
            && let Some(one) = listeners.pop()
        {
            return Ok(Self::One(one));
        }
        let ready = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        for (index, listener) in (0..).zip(&listeners) {
            let data = epoll::EventData::new_u64(index);
            epoll::add(&ready, listener, data, epoll::EventFlags::IN)?;
        }
        Ok(Self::Several { all: listeners.into_iter().map(Some).collect(), ready })
    }

    /// Tells whether a call is there already.
    pub(super) fn has_next(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, poll};
        let fd = match self {
            Self::One(one) => one.as_fd(),
            Self::Several { ready, .. } => ready.as_fd(),
        };
        let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let ready = poll(&mut fds, Some(&now)).is_ok();
        ready && fds.iter().any(|fd| fd.revents().contains(PollFlags::IN))
    }

    /// Waits for a call, and returns the listener that has it; `None` when no process has any of the
    /// filters.
    pub(super) fn next(&mut self, ward: &Ward) -> Option<Arc<OwnedFd>> {
        let tree = match ward.life() {
            Some(Life::Tree(tree)) if tree.watches_forks() => Some(tree),
            _ => None,
        };
        match self {
            Self::One(one) => {
                if let Some(tree) = tree {
                    wait(one, tree);
                }
                is_called(one).then(|| Arc::clone(one))
            }
            Self::Several { all, ready } => loop {
                if all.iter().all(Option::is_none) {
                    return None;
                }
                let mut buffer = [epoll::Event {
                    flags: epoll::EventFlags::empty(),
                    data: epoll::EventData::new_u64(0),
                }];
                if let Some(tree) = tree {
                    wait(ready, tree);
                }
                let events = match epoll::wait(&*ready, &mut buffer, None) {
                    Err(Errno::INTR) => continue,
                    Err(_) => return None,
                    Ok(count) => buffer.get(..count).unwrap_or_default(),
                };
                for event in events {
                    let (flags, data) = (event.flags, event.data);
                    let place = usize::try_from(data.u64()).ok().and_then(|at| all.get_mut(at));
                    let Some(place) = place else { continue };
                    if flags.contains(epoll::EventFlags::IN) {
                        return place.clone();
                    }
                    // Nobody has this filter any more.
                    if let Some(gone) = place.take() {
                        let _ = epoll::delete(&*ready, &gone);
                    }
                }
            },
        }
    }
}

/// Waits for something, and looks meanwhile who was made by those that have forked.
fn wait(fd: &OwnedFd, tree: &Tree) {
    use rustix::event::{PollFd, PollFlags, poll};
    loop {
        let mut fds = [PollFd::new(fd, PollFlags::IN)];
        match poll(&mut fds, Some(&SOON)) {
            Ok(0) if tree.look_around() => {}
            Err(Errno::INTR) => {}
            _ => return,
        }
    }
}

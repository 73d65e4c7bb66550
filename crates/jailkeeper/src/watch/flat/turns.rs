//! Several threads that answer, of which one at a time hears and judges.
//!
//! A descriptor is handed over by waiting: the caller wakes up, takes it, and wakes whoever gave it,
//! often on another processor. While one thread waits for that, another one hears the next call.
//! Judging stays in order, so that nothing is judged beside a jailbreak that kills. A jail whose
//! calls never come together has one thread.

use super::listeners::Listeners;
use super::{Answer, answer, is_dying};
use crate::ward::{Busy, Ward};
use jailkeeper_sys::seccomp;
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, Scope};

/// How many threads answer one jail.
const THREADS_AT_MOST: usize = 4;

/// Who hears and judges the next call.
pub(super) struct Turns {
    listeners: Mutex<Listeners>,
    threads: AtomicUsize,
    /// How many of them wait for their turn.
    waiting: AtomicUsize,
}

/// A descriptor that its caller has to take, while another call is there.
struct HandOver<'a> {
    listener: Arc<OwnedFd>,
    id: u64,
    fd: OwnedFd,
    close_on_exec: bool,
    _busy: Busy<'a>,
}

impl Turns {
    pub(super) fn of(listeners: Listeners) -> Self {
        let (threads, waiting) = (AtomicUsize::new(1), AtomicUsize::new(0));
        Self { listeners: Mutex::new(listeners), threads, waiting }
    }

    /// Answers calls until no process has a filter any more.
    pub(super) fn take<'scope>(
        &'scope self,
        ward: &'scope Arc<Ward>,
        scope: &'scope Scope<'scope, '_>,
    ) {
        let mut free = false;
        while let Some(own) = self.turn(ward, &mut free) {
            if self.waiting.load(Ordering::Acquire) == 0
                && self.threads.load(Ordering::Acquire) < THREADS_AT_MOST
            {
                let thread = Builder::new().name("jail notify".into()).stack_size(256 * 1024);
                let more = thread.spawn_scoped(scope, || self.take(ward, scope));
                self.threads.fetch_add(usize::from(more.is_ok()), Ordering::AcqRel);
            }
            // Then no call is answered any more.
            if is_dying(ward) {
                continue;
            }
            // The caller may be dead by now; then there is nobody to answer.
            let _ = seccomp::answer_with_fd(&own.listener, own.id, &own.fd, own.close_on_exec);
        }
    }

    /// Waits for this thread's turn, and answers until the next call is better heard by another.
    fn turn<'a>(&self, ward: &'a Arc<Ward>, free: &mut bool) -> Option<HandOver<'a>> {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        while let Some(listener) = listeners.next(ward) {
            let notification = match seccomp::receive(&listener) {
                Ok(notification) => notification,
                Err(error) => match error.raw_os_error().map(Errno::from_raw_os_error) {
                    // ENOENT: the caller died before it was heard.
                    Some(Errno::INTR | Errno::NOENT) => continue,
                    _ => return None,
                },
            };
            *free = *free || ward.run_everywhere();
            let busy = ward.busy();
            if is_dying(ward) {
                continue;
            }
            let answer = answer(ward, &listener, &notification);
            if is_dying(ward) {
                continue;
            }
            let id = notification.id;
            let _ = match answer {
                Answer::Resume => seccomp::resume(&listener, id),
                Answer::Done => seccomp::answer(&listener, id, 0),
                Answer::Later => Ok(()),
                Answer::Refuse(errno) => seccomp::refuse(&listener, id, errno.raw_os_error()),
                Answer::Descriptor { fd, close_on_exec } if listeners.has_next() => {
                    return Some(HandOver { listener, id, fd, close_on_exec, _busy: busy });
                }
                Answer::Descriptor { fd, close_on_exec } => {
                    seccomp::answer_with_fd(&listener, id, &fd, close_on_exec)
                }
            };
        }
        None
    }
}

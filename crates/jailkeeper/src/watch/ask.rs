//! Asking somebody whether a file outside may be opened, while its caller waits.
//!
//! No wall is widened by an answer: what is allowed is opened here, as for a pattern, and handed
//! over as a descriptor. So only calls that open a regular file can be asked about. Each question
//! waits on a thread of its own, so that other calls of the jail go on meanwhile.

use super::caller::Caller;
use super::grant::{self, Wanted};
use crate::command::Answerer;
use crate::ward::{Attempt, Ward};
use jailkeeper_model::{
    Action, ActionTaken, Breach, Event, JailPath, Mode, Presence, Question, Reply, Target, Verdict,
    decide,
};
use jailkeeper_sys::seccomp;
use rustix::fs::{AtFlags, FileType};
use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many questions may wait for their answers; more are answered with no.
const WAITING_AT_MOST: usize = 16;
/// How often it is looked whether the caller still waits.
const LOOK_AFTER: Duration = Duration::from_millis(100);
/// `EACCES`, for what was not allowed.
const EACCES: i32 = 13;

/// Who is asked, and what was answered for the whole run.
pub(crate) struct Asking {
    answerer: Answerer,
    timeout: Duration,
    waiting: AtomicUsize,
    asked: AtomicU64,
    /// What is allowed for this run: the file, and whether it may be written.
    allowed: Mutex<HashSet<(JailPath, bool)>>,
}

impl Asking {
    pub(crate) fn new(answerer: Answerer, timeout: Duration) -> Self {
        Self {
            answerer,
            timeout,
            waiting: AtomicUsize::new(0),
            asked: AtomicU64::new(0),
            allowed: Mutex::new(HashSet::new()),
        }
    }

    /// Tells whether a file may be opened for the rest of the run.
    pub(super) fn allows(&self, path: &JailPath, writes: bool) -> bool {
        let allowed = self.allowed.lock().unwrap_or_else(PoisonError::into_inner);
        allowed.contains(&(path.clone(), writes)) || allowed.contains(&(path.clone(), true))
    }

    fn allow(&self, path: &JailPath, writes: bool) {
        let mut allowed = self.allowed.lock().unwrap_or_else(PoisonError::into_inner);
        allowed.insert((path.clone(), writes));
    }

    /// Asks and waits; no answer is a no.
    fn ask(&self, question: Question, still_waits: impl Fn() -> bool) -> Option<Reply> {
        let (send, answer) = channel();
        let answerer = Arc::clone(&self.answerer);
        let deadline = Instant::now() + self.timeout;
        let asked = std::thread::Builder::new().name("jail question".into()).spawn(move || {
            // Nobody may be waiting any more.
            let _ = send.send(answerer(&question));
        });
        asked.ok()?;
        loop {
            match answer.recv_timeout(LOOK_AFTER) {
                Ok(reply) => return Some(reply),
                Err(RecvTimeoutError::Timeout) if still_waits() && Instant::now() < deadline => {}
                Err(_) => return None,
            }
        }
    }
}

/// A call that opens a file, and may have to wait for an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opening {
    pub(super) id: u64,
    pub(super) caller: Caller,
    pub(super) wanted: Wanted,
    pub(super) close_on_exec: bool,
}

/// One that waits.
struct Waiting {
    opening: Opening,
    attempt: Attempt,
    breach: Breach,
}

/// Asks about an attempt to open a file, if that is what follows it and the file could be handed
/// over; false if nobody is asked. The answer is given on another thread.
pub(super) fn about(
    ward: &Arc<Ward>,
    listener: &Arc<OwnedFd>,
    attempt: &Attempt,
    opening: Opening,
) -> bool {
    if ward.asking.is_none() {
        return false;
    }
    let Verdict::Jailbreak(breach) = decide(&ward.plan.policy, &attempt.access) else {
        return false;
    };
    let Target::Path(path) = attempt.access.target() else { return false };
    let (creates, presence) = (attempt.access.creates(), attempt.access.presence());
    breach.action == Action::Ask
        && can_be_handed_over(path, creates, presence)
        && wait_for_answer(ward, listener, Waiting { opening, attempt: attempt.clone(), breach })
}

/// Tells whether a file could be handed over: a regular one, or one that the call makes.
fn can_be_handed_over(path: &JailPath, creates: bool, presence: Presence) -> bool {
    use rustix::fs::{CWD, statx};
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    match statx(CWD, path.as_path(), flags, rustix::fs::StatxFlags::TYPE) {
        Ok(stat) => FileType::from_raw_mode(stat.stx_mode.into()) == FileType::RegularFile,
        Err(_) => creates && presence != Presence::Exists,
    }
}

/// Lets a call wait for its answer on a thread of its own; false if too many do.
fn wait_for_answer(ward: &Arc<Ward>, listener: &Arc<OwnedFd>, waiting: Waiting) -> bool {
    let Some(asking) = &ward.asking else { return false };
    if asking.waiting.fetch_add(1, Ordering::AcqRel) >= WAITING_AT_MOST {
        asking.waiting.fetch_sub(1, Ordering::AcqRel);
        return false;
    }
    let (ward, listener) = (Arc::clone(ward), Arc::clone(listener));
    let thread = std::thread::Builder::new().name("jail ask".into()).spawn(move || {
        let _busy = ward.busy();
        settle(&ward, &listener, &waiting);
        if let Some(asking) = &ward.asking {
            asking.waiting.fetch_sub(1, Ordering::AcqRel);
        }
    });
    if thread.is_err() {
        asking.waiting.fetch_sub(1, Ordering::AcqRel);
    }
    thread.is_ok()
}

fn settle(ward: &Ward, listener: &OwnedFd, waiting: &Waiting) {
    let Waiting { opening: Opening { id, caller, wanted, close_on_exec }, attempt, breach } =
        waiting;
    let (Some(asking), Target::Path(path)) = (&ward.asking, attempt.access.target()) else {
        return;
    };
    let question = question(ward, asking, waiting, path);
    let event = Event::Question(question.clone());
    ward.recorder.record(|header| match event {
        Event::Question(question) => Event::Question(question.with_header(header)),
        other => other,
    });
    let reply = asking.ask(question, || seccomp::is_waiting(listener, *id));
    let reply = match reply {
        Some(reply) => reply,
        None if seccomp::is_waiting(listener, *id) => Reply::Deny,
        // It died: there is nothing to answer and nobody to blame.
        None => return,
    };
    let opened = reply.allows().then(|| grant::open_here(ward, *caller, path, *wanted));
    let taken = match (&opened, reply) {
        (Some(Ok(_)), _) => ActionTaken::Asked,
        (None, Reply::Kill) => ActionTaken::Killed,
        _ => ActionTaken::Denied,
    };
    if reply == Reply::AllowRun {
        asking.allow(path, attempt.mode == Mode::Write);
    }
    ward.break_out(*caller, attempt, &breach.because, taken, Some(reply));
    // The caller may be dead by now; then there is nobody to answer.
    let _ = match opened {
        Some(Ok(fd)) => seccomp::answer_with_fd(listener, *id, &fd, *close_on_exec),
        Some(Err(errno)) => seccomp::refuse(listener, *id, errno.raw_os_error()),
        None => seccomp::refuse(listener, *id, EACCES),
    };
}

fn question(ward: &Ward, asking: &Asking, waiting: &Waiting, path: &JailPath) -> Question {
    let Waiting { opening: Opening { caller, .. }, attempt, breach } = waiting;
    let who = caller.describe(ward.life().and_then(crate::death::Life::above));
    let number = asking.asked.fetch_add(1, Ordering::Relaxed);
    let file = attempt.file.as_ref().unwrap_or(path);
    let rule = breach.because.to_string();
    let timeout = asking.timeout.as_secs();
    Question::new(ward.recorder.blank(), number, attempt.mode, file, path, rule, timeout)
        .with_program(who.pid, &who.program, &who.argv)
}

//! Keeping a start on one processor.
//!
//! While a jail is raised, its processes and the watch that serves them hand the work to each
//! other some dozens of times, and only one of them ever runs. Waking somebody on another
//! processor costs more than all that it then does (on virtual machines, 40 to 80 us), so all of
//! them stay on one until the command is executed.

use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// The processors that a jail's threads had before they were kept on one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// None if the kernel would not say: then nothing is changed.
    before: Option<CpuSet>,
}

impl Pace {
    /// Looks at the processors of this thread.
    pub(crate) fn of_this_thread() -> Self {
        Self { before: sched_getaffinity(None).ok() }
    }

    /// Keeps this thread, and those that it makes from now on, on the processor that it is on.
    pub(crate) fn keep_together(self) {
        if self.before.is_some() {
            let mut here = CpuSet::new();
            here.set(sched_getcpu());
            let _ = sched_setaffinity(None, &here);
        }
    }

    /// Lets this thread run everywhere again.
    pub(crate) fn let_go(self) {
        if let Some(before) = self.before {
            let _ = sched_setaffinity(None, &before);
        }
    }

    /// Returns the processors for those that have been made meanwhile.
    pub(crate) fn processors(self) -> Option<CpuSet> {
        self.before
    }
}

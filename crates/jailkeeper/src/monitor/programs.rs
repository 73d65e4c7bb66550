//! A tracer that is a program: started, read, and ended.

use super::judge::{Decision, Judge};
use super::tracer::arguments;
use super::tree::is_alive;
use crate::error::{Error, ErrorKind, Result, Step};
use jailkeeper_trace::{Dialect, Trace};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{ErrorKind as IoKind, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::time::Duration;

/// How many bytes of a tracer's complaints are kept for an error.
const COMPLAINTS_AT_MOST: usize = 2000;

/// How many processes are known when it is asked for the first time which are still there.
const KNOWN_AT_LEAST: usize = 1024;

/// A running tracer.
#[derive(Debug)]
pub(super) struct TracerProgram {
    child: Child,
    dialect: Dialect,
    /// What it tells: strace writes to its stdout, the others to stderr.
    output: Option<ChildStdout>,
    errors: Option<ChildStderr>,
    complaints: Vec<u8>,
    pub(super) trace: Trace,
    /// With how many known processes it is asked next which are still there.
    full: usize,
    /// It has told of the process that the run began with.
    pub(super) is_at_work: bool,
}

impl TracerProgram {
    /// Puts a tracer on processes.
    pub(super) fn start(dialect: Dialect, path: &Path, pids: &[u32], trace: Trace) -> Result<Self> {
        let mut command = Command::new(path);
        command.args(arguments(dialect, pids)).process_group(0).current_dir("/").env_clear();
        // dtruss is a script, and all of them speak to programs.
        command.env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin").env("LC_ALL", "C");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| {
            Error::new(ErrorKind::Unsupported, "start the tracer").at(path).because(error)
        })?;
        let (output, errors) = (child.stdout.take(), child.stderr.take());
        if let Some(output) = &output {
            rustix::io::ioctl_fionbio(output, true).step("read the tracer's output")?;
        }
        if let Some(errors) = &errors {
            rustix::io::ioctl_fionbio(errors, true).step("read the tracer's output")?;
        }
        let (complaints, full) = (Vec::new(), KNOWN_AT_LEAST);
        Ok(Self { child, dialect, output, errors, complaints, trace, full, is_at_work: false })
    }

    /// Returns the tracer's own pid.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Tells whether everything that it had to tell has come.
    pub(super) fn has_ended(&self) -> bool {
        self.output.is_none() && self.errors.is_none()
    }

    /// Waits for what it tells, for at most this time, and has it judged. Tells whether anything
    /// came.
    pub(super) fn listen(&mut self, patience: Duration, judge: &Judge) -> Result<bool> {
        if self.has_ended() {
            return Ok(false);
        }
        let timeout = Timespec {
            tv_sec: i64::try_from(patience.as_secs()).unwrap_or(1),
            tv_nsec: patience.subsec_nanos().into(),
        };
        let mut polled = Vec::new();
        if let Some(output) = &self.output {
            polled.push(PollFd::new(output, PollFlags::IN));
        }
        if let Some(errors) = &self.errors {
            polled.push(PollFd::new(errors, PollFlags::IN));
        }
        match poll(&mut polled, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).step("wait for the tracer"),
        }
        let told_on_errors = self.dialect != Dialect::Strace;
        let mut came = false;
        let mut buffer = vec![0; 64 * 1024];
        let read = read(&mut self.output, &mut buffer);
        came |= !read.is_empty();
        self.tell(read, !told_on_errors, judge);
        let read = self::read(&mut self.errors, &mut buffer);
        came |= !read.is_empty();
        self.tell(read, told_on_errors, judge);
        if self.has_ended() {
            self.trace.finish(&mut |processes, happening| {
                judge.take(processes, &happening);
            });
        }
        Ok(came)
    }

    /// Forgets processes that are not there any more: dtruss tells of no end.
    pub(super) fn forget_the_dead(&mut self) {
        if self.dialect != Dialect::Dtruss || self.trace.processes().count() < self.full {
            return;
        }
        let processes = self.trace.processes_mut();
        let dead: Vec<_> = processes.pids().filter(|pid| !is_alive(*pid)).collect();
        dead.into_iter().for_each(|pid| processes.remove(pid));
        self.full = KNOWN_AT_LEAST.max(2 * processes.count());
    }

    fn tell(&mut self, bytes: &[u8], is_trace: bool, judge: &Judge) {
        let room = COMPLAINTS_AT_MOST.saturating_sub(self.complaints.len());
        if !is_trace || !self.is_at_work {
            self.complaints.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        }
        if !is_trace {
            return;
        }
        let root = judge.root;
        let at_work = &mut self.is_at_work;
        self.trace.feed(bytes, &mut |processes, happening| {
            *at_work = *at_work || tells_of(&happening, root);
            if judge.take(processes, &happening) == Decision::Kill {
                // What it tells of the dying is heard like anything else.
            }
        });
    }

    /// Makes an error of what the tracer has complained about.
    pub(super) fn complaint(&self) -> Error {
        let said = String::from_utf8_lossy(&self.complaints);
        let said = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
        let said = jailkeeper_model::escape(said.as_bytes()).bounded(300).to_string();
        let hint = if said.contains("not permitted") {
            "tracing is not allowed here: try as root, or with `kernel.yama.ptrace_scope` 0; on \
             Linux `--tracer ptrace` can do without"
        } else {
            "try the tracer by hand"
        };
        Error::new(ErrorKind::Unsupported, format!("trace the command with {}", self.dialect))
            .because(if said.is_empty() { "it said nothing of it".to_owned() } else { said })
            .with_hint(hint)
    }

    /// Ends the tracer. What it traces goes on untraced: there must be nothing left.
    pub(super) fn end(&mut self) {
        // Not waited for, so the pid is its own. A script's children are in its group.
        if let Some(pid) = super::kernel_pid(self.child.id())
            && matches!(self.child.try_wait(), Ok(None))
        {
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
        let _ = self.child.wait();
    }

    /// Tells whether the tracer has ended, and reaps it.
    pub(super) fn is_gone(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for TracerProgram {
    fn drop(&mut self) {
        self.end();
    }
}

/// Tells whether a happening is about a process.
fn tells_of(happening: &jailkeeper_trace::Happening, root: u32) -> bool {
    use jailkeeper_trace::Happening;
    match happening {
        Happening::Attempt(attempt) => attempt.pid == root,
        Happening::Called { pid, .. } | Happening::Executed { pid } => *pid == root,
        _ => false,
    }
}

/// Reads what is there; takes the stream away when it has ended.
fn read<'a>(stream: &mut Option<impl Read>, buffer: &'a mut [u8]) -> &'a [u8] {
    let Some(open) = stream else { return &[] };
    match open.read(buffer) {
        Ok(0) => {
            *stream = None;
            &[]
        }
        Ok(count) => buffer.get(..count).unwrap_or_default(),
        Err(error) if matches!(error.kind(), IoKind::WouldBlock | IoKind::Interrupted) => &[],
        Err(_) => {
            *stream = None;
            &[]
        }
    }
}

//! Calls inside of other processes, on the running kernel.

#![cfg(target_arch = "x86_64")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use jailkeeper_sys::bpf::{Item, Label, NUMBER, Program};
use jailkeeper_sys::inject::{self, Desk, Frozen};
use jailkeeper_sys::landlock::{self, Handled};
use jailkeeper_sys::ptrace::{Stop, interrupt};
use jailkeeper_sys::seccomp::{self, ALLOW, NOTIFY};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::io::Read;
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Runs a test on a thread of its own: stops come to the thread that seized.
fn alone(test: impl FnOnce() + Send + 'static) {
    std::thread::spawn(test).join().unwrap();
}

fn python(script: &str) -> Child {
    let mut command = Command::new("python3");
    command.args(["-c", script]).stdout(Stdio::piped()).stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It says when it is there.
    let mut word = [0; 6];
    child.stdout.as_mut().unwrap().read_exact(&mut word).unwrap();
    assert_eq!(&word, b"ready\n");
    child
}

/// Waits until a thread waits in a call, so that its stop interrupts that.
fn until_in(thread: Pid, call: i64) {
    let deadline = Instant::now() + Duration::from_secs(20);
    let path = format!("/proc/{}/syscall", thread.as_raw_pid());
    while !std::fs::read_to_string(&path).unwrap().starts_with(&format!("{call} ")) {
        assert!(Instant::now() < deadline, "it never waits");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn freeze(thread: Pid) -> Frozen {
    inject::seize(thread).unwrap();
    interrupt(thread).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match inject::next_stop().unwrap() {
            Some((who, Stop::Trap)) if who == thread => return Frozen::take(thread).unwrap(),
            Some((who, other)) => panic!("{who:?} {other:?}"),
            None => std::thread::sleep(Duration::from_millis(1)),
        }
        assert!(Instant::now() < deadline, "it never stops");
    }
}

/// Freezes a thread in a call, lets it make calls for a while, and lets it go.
fn disturb(thread: Pid, call: i64, length: Duration) {
    until_in(thread, call);
    let mut frozen = freeze(thread);
    let desk = Desk::make(thread, &mut frozen).unwrap();
    let until = Instant::now() + length;
    while Instant::now() < until {
        let error = desk.try_root(&mut frozen).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EEXIST));
        desk.close(&mut frozen, 999).unwrap_err();
    }
    desk.leave(&mut frozen).unwrap();
    frozen.thaw().unwrap();
}

fn rest(mut child: Child) -> String {
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(child.wait().unwrap().success(), "{text}");
    text
}

/// What waits for a time goes on for the time that is left.
#[test]
fn the_time_that_is_left() {
    for (script, call) in [
        ("import time; wait = lambda: time.sleep(1.5)", libc::SYS_clock_nanosleep),
        ("import select; wait = lambda: select.poll().poll(1500)", libc::SYS_poll),
        (
            "import threading; lock = threading.Lock(); lock.acquire(); wait = lambda: lock.acquire(timeout=1.5)",
            libc::SYS_futex,
        ),
    ] {
        alone(move || {
            let script = format!(
                "{script}
print('ready', flush=True); import time; t = time.monotonic(); wait(); print(time.monotonic() - t)"
            );
            let child = python(&script);
            disturb(Pid::from_child(&child), call, Duration::from_millis(700));
            let took: f64 = rest(child).trim().parse().unwrap();
            // With the whole time anew it would be 2.2 and more.
            assert!((1.4..2.1).contains(&took), "{call}: {took}");
        });
    }
}

/// What waits for something goes on until it is there, and no `EINTR` is seen: the calls are made
/// past Python, which would begin anew by itself.
#[test]
fn results_of_waiting() {
    let epoll = "e = select.epoll(); e.register(0, select.EPOLLIN)
buffer = ctypes.create_string_buffer(12)
wait = lambda: libc.epoll_wait(e.fileno(), buffer, 1, -1)";
    let futex = "word = ctypes.c_int(7)
def wake():
    os.read(0, 1); libc.syscall(202, ctypes.byref(word), 1, 1)
threading.Thread(target=wake).start()
wait = lambda: libc.syscall(202, ctypes.byref(word), 0, 7, None) + 1";
    let accept = "s = socket.socket(socket.AF_UNIX); s.bind('\\0jk%d' % os.getpid()); s.listen(1)
def wake():
    os.read(0, 1); c = socket.socket(socket.AF_UNIX); c.connect('\\0jk%d' % os.getpid())
threading.Thread(target=wake).start()
wait = lambda: int(libc.accept(s.fileno(), None, None) > 2)";
    let read = "buffer = ctypes.create_string_buffer(12); wait = lambda: libc.read(0, buffer, 12)";
    for (script, call) in [
        (epoll, libc::SYS_epoll_wait),
        (futex, libc::SYS_futex),
        (accept, libc::SYS_accept),
        (read, libc::SYS_read),
    ] {
        alone(move || {
            let script = format!(
                "import ctypes, os, select, socket, threading
libc = ctypes.CDLL(None, use_errno=True)
{script}
print('ready', flush=True); got = wait(); print(got, ctypes.get_errno() if got < 0 else 0)"
            );
            let mut child = python(&script);
            disturb(Pid::from_child(&child), call, Duration::from_millis(50));
            std::thread::sleep(Duration::from_millis(50));
            assert!(child.try_wait().unwrap().is_none(), "{call}: it did not wait on");
            std::io::Write::write_all(child.stdin.as_mut().unwrap(), b"x").unwrap();
            assert_eq!(rest(child), "1 0\n", "{call}");
        });
    }
}

/// A signal that comes meanwhile is handled, and ends the call in which the thread waits.
#[test]
fn a_signal_that_came_meanwhile() {
    alone(|| {
        let script = "import ctypes, select, signal
libc = ctypes.CDLL(None, use_errno=True)
signal.signal(signal.SIGUSR1, lambda *_: print('handled', flush=True))
e = select.epoll(); buffer = ctypes.create_string_buffer(12)
print('ready', flush=True); print(libc.epoll_wait(e.fileno(), buffer, 1, -1), ctypes.get_errno())";
        let child = python(script);
        let thread = Pid::from_child(&child);
        until_in(thread, libc::SYS_epoll_wait);
        let mut frozen = freeze(thread);
        let desk = Desk::make(thread, &mut frozen).unwrap();
        rustix::process::kill_process(thread, rustix::process::Signal::USR1).unwrap();
        desk.try_root(&mut frozen).unwrap_err();
        desk.leave(&mut frozen).unwrap();
        frozen.thaw().unwrap();
        // The handler runs, and the call ends because of it, as it would have without us.
        assert_eq!(rest(child), "handled\n-1 4\n");
    });
}

/// The walls of a running process: a ruleset that comes as a descriptor, a filter whose listener is
/// fetched.
#[test]
fn walls_inside_of_another_process() {
    if landlock::abi().is_err() {
        return;
    }
    alone(|| {
        let script = "import os, sys
print('ready', flush=True); sys.stdin.readline()
try:
    open('/etc/passwd'); print('opened')
except OSError as error:
    print(error.errno)
os.getppid(); print('on')";
        let mut child = python(script);
        let thread = Pid::from_child(&child);
        until_in(thread, libc::SYS_read);
        let pidfd = pidfd_open(thread, PidfdFlags::empty()).unwrap();
        let mut frozen = freeze(thread);
        inject::bind_life(thread).unwrap();
        let before = std::fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap().count();
        let desk = Desk::make(thread, &mut frozen).unwrap();
        let ruleset = landlock::create_ruleset(&Handled { files: 0b1100, network: 0, scopes: 0 });
        let number = desk.hand_over(&mut frozen, pidfd.as_fd(), ruleset.unwrap().as_fd()).unwrap();
        desk.renounce(&mut frozen).unwrap();
        desk.restrict(&mut frozen, number).unwrap();
        desk.close(&mut frozen, number).unwrap();
        let notify = Label(1);
        let program = Program::assemble(&[
            Item::Load(NUMBER),
            Item::IfEqual(u32::try_from(libc::SYS_getppid).unwrap(), notify),
            Item::Return(ALLOW),
            Item::Here(notify),
            Item::Return(NOTIFY),
        ])
        .unwrap();
        let number = desk.filter(&mut frozen, &program).unwrap();
        let listener = inject::fetch(pidfd.as_fd(), number).unwrap();
        desk.close(&mut frozen, number).unwrap();
        assert_eq!(desk.try_root(&mut frozen).unwrap().raw_os_error(), Some(libc::EACCES));
        desk.leave(&mut frozen).unwrap();
        let after = std::fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap().count();
        assert_eq!(before, after, "descriptors are left");
        frozen.thaw().unwrap();
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), b"\n").unwrap();
        let call = seccomp::receive(&listener).unwrap();
        assert_eq!(i64::from(call.number), libc::SYS_getppid);
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        assert!(status.contains("NoNewPrivs:\t1") && status.contains("CapPrm:\t0000000000000000"));
        seccomp::answer(&listener, call.id, 1).unwrap();
        assert_eq!(rest(child), "13\non\n");
    });
}

/// Nothing of the stop is left, also when nothing was called.
#[test]
fn nothing_was() {
    alone(|| {
        let mut child = python("import time; print('ready', flush=True); time.sleep(0.6)");
        let thread = Pid::from_child(&child);
        until_in(thread, libc::SYS_clock_nanosleep);
        freeze(thread).thaw().unwrap();
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        assert!(status.contains("TracerPid:\t0\n"), "{status}");
        assert!(child.wait().unwrap().success());
    });
}

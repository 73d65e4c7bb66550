//! What is not attached to, and is left as it was; and what a process has already.

use crate::attach::{attached, run};
use jailkeeper_model::{Event, OutsideKind, OutsideState};
use jailkeeper_testkit::{Place, Ran, User, needs};
use std::time::Duration;

attached! {
    an_open_file [python3];
    writable_memory [python3];
    sockets [python3];
    ring [python3];
    ring_in_memory [python3];
    what_opens_nothing;
    own_relatives;
    traced [strace];
    hidden [python3];
    filtered [python3];
    other_abi [gcc];
    nobody;
    questions_and_more;
    state_in_a_writable_tree;
}

/// A python program that waits for the word, between two pieces.
fn target(place: &Place, before: &str, after: &str) -> &'static str {
    let script = format!(
        "import ctypes, mmap, os, socket, struct, sys, time
libc = ctypes.CDLL(None, use_errno=True)
{before}
open('ready', 'w').close()
while not os.path.exists('go'): time.sleep(0.01)
{after}"
    );
    place.write("{work}/target", script, 0o644);
    "python3 target"
}

/// Asserts that a target was refused for a reason, and ran on to its end untouched.
#[track_caller]
fn refused(ran: &Ran, reason: &str) {
    let events = &ran.ends_with(125).events;
    assert!(matches!(events[..], [] | [Event::Failure(_)]), "{ran}");
    assert!(ran.stderr.contains(reason) && ran.stderr.contains("hint:"), "{ran}");
    assert!(ran.text().ends_with("target 0\n"), "it was touched: {ran}");
}

/// A file outside that is open: by default a reason not to attach; it can be closed or kept.
fn an_open_file(place: &Place) {
    let after = "try:
    print(os.read(secret, 100).decode(), flush=True)
except OSError as error:
    print(error.errno, flush=True)";
    let target = target(place, "secret = os.dup2(os.open('../x', os.O_RDONLY), 40)", after);
    // The descriptor that it was opened under is one more.
    let ran = run(place, target, Some(""), "");
    refused(&ran, "descriptor 40 `");
    assert!(ran.leaks(), "the control: {ran}");
    let ran = run(place, target, Some("--outside close"), "");
    assert_eq!(ran.ends_with(0).text(), "9\ntarget 0\n", "{ran}");
    let entry = |ran: &Ran| {
        let all = &ran.start().outside;
        all.iter().find(|entry| entry.descriptor == Some(40)).cloned().unwrap()
    };
    assert_eq!(
        (entry(&ran).kind, entry(&ran).state),
        (OutsideKind::Descriptor, OutsideState::Closed)
    );
    assert_eq!(entry(&ran).file, place.text("{root}/x"));
    let ran = run(place, target, Some("--outside keep"), "");
    assert!(ran.ends_with(0).leaks(), "{ran}");
    assert_eq!(entry(&ran).state, OutsideState::Kept);
    assert!(ran.stderr.contains("outside: descriptor 40"), "{ran}");
    assert!(ran.report.pointer("/outside/0/file").is_some(), "{ran}");
    // What a rule allows is not outside.
    let ran = run(place, target, Some("--read {root}/x"), "");
    assert!(ran.succeeds().leaks(), "{ran}");
    assert!(ran.start().outside.iter().all(|entry| entry.descriptor != Some(40)), "{ran}");
}

/// A file that is mapped for writing cannot be taken away.
fn writable_memory(place: &Place) {
    place.write("{out}/shared", "x".repeat(4096), 0o666);
    let before = "f = os.open('../outside/shared', os.O_RDWR); m = mmap.mmap(f, 4096); os.close(f)";
    let target = target(place, before, "m[0:4] = b'done'");
    for options in ["", "--outside close"] {
        let ran = run(place, target, Some(options), "");
        refused(&ran, "mapping `");
    }
    let ran = run(place, target, Some("--outside keep"), "");
    let start = ran.succeeds().start();
    let mapping = start.outside.iter().find(|entry| entry.kind == OutsideKind::Mapping).unwrap();
    assert_eq!(mapping.file, place.text("{out}/shared"));
    run(place, target, Some("--write {out}/shared"), "").succeeds();
}

/// Sockets that reach outside; pairs and own names do not.
fn sockets(place: &Place) {
    let inside =
        "a, b = socket.socketpair(); s = socket.socket(socket.AF_UNIX); s.bind('own'); s.listen(1)
c = socket.socket(socket.AF_UNIX); c.connect('own'); d, _ = s.accept()";
    let target_inside = target(
        place,
        inside,
        "a.send(b'x'); c.send(b'y'); print(b.recv(1), d.recv(1), flush=True); os.unlink('own')",
    );
    let ran = run(place, target_inside, Some(""), "");
    assert_eq!(ran.succeeds().text(), "b'x' b'y'\ntarget 0\n", "{ran}");
    for (before, named) in [
        ("s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)", "internet socket"),
        ("s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(1)", "internet socket at"),
        ("s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)", "for datagrams"),
        ("s = socket.socket(socket.AF_UNIX); s.connect('../outside/stream')", "outside/stream"),
        (
            "s = socket.socket(socket.AF_UNIX); s.bind('../outside/name'); s.listen(1); os.unlink('../outside/name')",
            "outside/name",
        ),
        ("s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)", "family 16"),
    ] {
        let target =
            target(place, before, "print(s.fileno() > 2 and os.fstat(s.fileno()).st_ino > 0)");
        refused(&run(place, target, Some(""), ""), named);
        let ran = run(place, target, Some("--outside close"), "");
        assert!(ran.stderr.contains("Bad file descriptor"), "{ran}");
        let ran = run(place, target, Some("--outside keep"), "");
        assert_eq!(ran.ends_with(0).text(), "True\ntarget 0\n", "{ran}");
        let start = ran.start();
        assert!(start.outside.iter().any(|entry| entry.kind == OutsideKind::Socket), "{ran}");
    }
}

/// Makes a ring whose kernel thread takes requests without a call.
const RING: &str = "p = bytearray(120); struct.pack_into('<III', p, 0, 8, 0, 2); struct.pack_into('<I', p, 16, 60000)
buffer = (ctypes.c_char * 120).from_buffer(p)
ring = libc.syscall(425, 8, buffer)
if ring < 0: sys.exit('no ring: %d' % ctypes.get_errno())
def workers(): return sum('iou-sqp' in open('/proc/self/task/%s/comm' % t).read() for t in os.listdir('/proc/self/task'))
while workers() == 0: time.sleep(0.01)";

fn ring(place: &Place) {
    let after = "print(libc.fcntl(ring, 1), workers(), flush=True)";
    let target = target(place, RING, after);
    for options in ["", "--outside keep"] {
        refused(&run(place, target, Some(options), ""), "ring");
    }
    let ran = run(place, target, Some("--outside close"), "");
    assert_eq!(ran.ends_with(0).text(), "-1 0\ntarget 0\n", "{ran}");
    let rings = ran.start().outside.iter().filter(|entry| entry.kind == OutsideKind::Ring);
    assert_eq!(rings.map(|entry| entry.state).collect::<Vec<_>>(), [OutsideState::Closed], "{ran}");
}

/// A ring that is mapped lives on when its descriptor is closed.
fn ring_in_memory(place: &Place) {
    let before = format!(
        "{RING}
libc.mmap.restype = ctypes.c_void_p
place = libc.mmap(None, 4096, 3, 1, ring, ctypes.c_long(0))
assert place not in (None, 2**64 - 1); os.close(ring); assert workers() == 1"
    );
    let target = target(place, &before, "print(workers(), flush=True)");
    refused(&run(place, target, Some("--outside keep"), ""), "ring");
    let ran = run(place, target, Some("--outside close"), "");
    assert_eq!(ran.ends_with(0).text(), "0\ntarget 0\n", "{ran}");
}

/// The program itself, its directory: listed, and no reason.
fn what_opens_nothing(place: &Place) {
    let script = "cp /bin/sleep ../outside/nap; cd ../outside; exec ./nap 1";
    place.write("{work}/target", script, 0o644);
    let script = "sh target </dev/null & pid=$!
        until grep -q nap /proc/$pid/cmdline; do sleep 0.02; done
        $JAILKEEPER attach --events $PLACE/state/events $pid; status=$?; wait $pid; exit $status";
    let ran = place.script(script);
    let start = ran.ends_with(0).start();
    let named = |kind| {
        let all = start.outside.iter().filter(|entry| entry.kind == kind);
        all.map(|entry| entry.file.clone()).collect::<Vec<_>>()
    };
    assert_eq!(named(OutsideKind::Mapping), [place.text("{out}/nap")], "{ran}");
    assert_eq!(named(OutsideKind::Directory), [place.text("{out}")], "{ran}");
}

/// The process itself, its ancestors, its threads.
fn own_relatives(place: &Place) {
    let script = "$JAILKEEPER attach $$; echo $?
        sh -c 'exec $JAILKEEPER attach $$'; echo $?; echo alive";
    let ran = place.script(script);
    assert_eq!(ran.ends_with(0).text(), "125\n125\nalive\n", "{ran}");
    assert!(
        ran.stderr.contains("descends from it") && ran.stderr.contains("that attaches"),
        "{ran}"
    );
}

fn traced(place: &Place) {
    let target = target(place, "", "print(open('inside').read(), end='')");
    // A tracer of its own is at work before.
    let script = format!(
        "{target} </dev/null & pid=$!
        until [ -e ready ]; do sleep 0.02; done
        strace -qq -o trace -p $pid & tracer=$!
        until grep -qE 'TracerPid:\t[1-9]' /proc/$pid/status; do sleep 0.02; done
        $JAILKEEPER attach $pid; status=$?
        echo >go; wait $pid; echo \"target $?\"; wait $tracer; exit $status"
    );
    let ran = place.script(&script);
    refused(&ran, "traces it already");
}

/// A program that nobody may look into.
fn hidden(place: &Place) {
    let target = target(place, "libc.prctl(4, 0, 0, 0, 0)", "print(open('../x').read(), end='')");
    let ran = run(place, target, Some(""), "");
    refused(&ran, "PR_SET_DUMPABLE");
    assert!(ran.leaks(), "it goes on as before: {ran}");
}

/// A program with a filter of its own.
fn filtered(place: &Place) {
    let before = "libc.prctl(38, 1, 0, 0, 0)
code = struct.pack('HBBI', 6, 0, 0, 0x7fff0000)
class Filter(ctypes.Structure): _fields_ = [('length', ctypes.c_ushort), ('code', ctypes.c_char_p)]
assert libc.prctl(22, 2, ctypes.byref(Filter(1, code))) == 0";
    let target = target(place, before, "print(open('../x').read(), end='')");
    let ran = run(place, target, Some(""), "");
    refused(&ran, "filter of its own");
    assert!(ran.leaks(), "{ran}");
}

/// A 32-bit program, which needs no 32-bit library: it waits for the word and reads the secret. One
/// that a 64-bit process has made is enough.
fn other_abi(place: &Place) {
    let code = ".intel_syntax noprefix
.globl _start
_start: mov eax, 5; lea ebx, ready; mov ecx, 0x41; mov edx, 0644; int 0x80
wait: mov eax, 162; lea ebx, time; xor ecx, ecx; int 0x80
mov eax, 33; lea ebx, go; int 0x80
test eax, eax; jnz wait
mov eax, 5; lea ebx, secret; xor ecx, ecx; int 0x80
mov ebx, eax; mov eax, 3; lea ecx, room; mov edx, 100; int 0x80
mov edx, eax; mov eax, 4; mov ebx, 1; lea ecx, room; int 0x80
mov eax, 1; xor ebx, ebx; int 0x80
.data
ready: .asciz \"ready\"
go: .asciz \"go\"
secret: .asciz \"../x\"
time: .long 0, 10000000
room: .skip 100
";
    place.write("{work}/target.s", code, 0o644);
    let made = "gcc -m32 -nostdlib -static -no-pie -o target32 target.s";
    let _ = place.free(made.split(' ')).ends_with(0);
    for target in ["./target32", "sh target"] {
        place.write("{work}/target", "./target32; echo after", 0o644);
        let ran = run(place, target, Some(""), "");
        refused(&ran, "another ABI");
        assert!(ran.leaks(), "it goes on as before: {ran}");
    }
}

/// Numbers that are nobody's, and processes of others.
fn nobody(place: &Place) {
    let ran = place.script("$JAILKEEPER attach 999999; echo $?; $JAILKEEPER attach 0; echo $?");
    assert_eq!(ran.text(), "127\n127\n", "{ran}");
    assert!(ran.stderr.contains("no such process"), "{ran}");
    if place.user() == User::Ordinary {
        // The first process of the containment is root's, and an ancestor; its child is as well.
        let ran = place.script("$JAILKEEPER attach 1; echo $?");
        assert_eq!(ran.text(), "125\n", "{ran}");
    }
}

/// What attaching cannot do is refused before anything is touched.
fn questions_and_more(place: &Place) {
    let target = target(place, "", "");
    for (options, reason) in [
        ("--on-jailbreak log", "made of mounts"),
        ("--strength full", "running process"),
        ("--watch none", "without a watch"),
        ("--read {root}/missing", "no such file"),
    ] {
        refused(&run(place, target, Some(options), ""), reason);
    }
}

fn state_in_a_writable_tree(place: &Place) {
    let target = target(place, "", "");
    let ran = run(place, target, Some("--write {state}"), "");
    refused(&ran, "inside a writable tree");
}

/// Somebody else's process: an ordinary user's jailkeeper cannot, root's can.
#[test]
fn another_user() {
    needs![root];
    let place = Place::new(User::Root).for_at_most(Duration::from_secs(60));
    let id = jailkeeper_testkit::ORDINARY;
    let script = format!(
        "chmod 777 .; sleep 20 & mine=$!
        setpriv --reuid {id} --regid {id} --clear-groups $JAILKEEPER attach $mine; echo $?
        kill -0 $mine && echo alive; kill $mine
        setpriv --reuid {id} --regid {id} --clear-groups \
            sh -c 'echo >ready; until [ -e go ]; do sleep 0.01; done; id -u; cat inside; cat ../x' & theirs=$!
        until [ -e ready ]; do sleep 0.02; done
        $JAILKEEPER attach --events $PLACE/state/events --report $PLACE/state/report $theirs & jail=$!
        until grep -q start $PLACE/state/events 2>/dev/null; do sleep 0.02; kill -0 $jail || break; done
        echo >go; wait $jail"
    );
    let ran = place.script(&script);
    assert_eq!(ran.text(), format!("125\nalive\n{id}\ninside\n"), "{ran}");
    assert!(ran.stderr.contains("it belongs to user 0"), "{ran}");
    let _ = ran.breach();
}

/// A process with other names for files.
#[test]
fn other_namespaces() {
    needs![root, unshare];
    let place = Place::new(User::Root);
    let script = "unshare --mount sh -c 'echo >ready; exec sleep 20' & pid=$!
        until [ -e ready ]; do sleep 0.02; done
        $JAILKEEPER attach $pid; echo $?; kill -0 $pid && echo alive; kill $pid";
    let ran = place.script(script);
    assert_eq!(ran.text(), "125\nalive\n", "{ran}");
    assert!(ran.stderr.contains("other namespaces"), "{ran}");
}

//! Attacks on what strength `flat` does on the caller's behalf, and on what it has instead of
//! namespaces.

use jailkeeper_model::{Event, Mode, Strength};
use jailkeeper_testkit::{Place, Ran, User, needs};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Both users.
fn places() -> impl Iterator<Item = Place> {
    [User::Root, User::Ordinary].into_iter().map(Place::flat)
}

/// Goes on after each refusal.
const DENY: &str = "--quiet --on-jailbreak deny";

fn told(ran: &Ran) -> u64 {
    let dropped = ran.report.get("jailbreaks_dropped").and_then(serde_json::Value::as_u64);
    let kept = ran.report.get("jailbreaks").and_then(serde_json::Value::as_array);
    kept.map_or(0, |kept| kept.len() as u64) + dropped.unwrap_or(0)
}

fn refused(ran: &Ran) -> u64 {
    let text = ran.text();
    let refused = text.lines().find_map(|line| line.strip_prefix("REFUSED "));
    refused.and_then(|number| number.parse().ok()).unwrap()
}

/// A path that another thread exchanges: nothing is ever opened, and no refusal is unnamed, because
/// what such a caller may open is opened for it.
#[test]
fn exchanged_path() {
    needs![root];
    for place in places() {
        // The whole number takes minutes where the two threads have to share a processor.
        let nightly = std::env::var("JAILKEEPER_NIGHTLY").is_ok_and(|value| value == "1");
        let tries = if nightly { "50000" } else { "12000" };
        let place = place.for_at_most(std::time::Duration::from_secs(110));
        let words = ["./escape", "flip", "{work}/inside", "{out}/file", "O_RDONLY", tries];
        let ran = place.jail(DENY, words);
        assert_eq!(ran.ends_with(0).survived(), Some(0), "it won: {}", ran.text());
        assert!(!ran.leaks());
        let (refused, told) = (refused(&ran), told(&ran));
        assert!(told > 0, "the other path is met: {ran}");
        assert_eq!(refused, told, "refused {refused} of {tries}, told {told}");
        println!("refused {refused} of {tries}, all of them named");
    }
}

/// The same for names that are made and removed.
#[test]
fn exchanged_path_of_a_name() {
    needs![root];
    for place in places() {
        for (call, inside, outside) in
            [("mkdir", "{work}/sub", "{out}/new"), ("unlink", "{work}/none", "{out}/file")]
        {
            let words = ["./escape", "flip-alter", call, inside, outside, "10000"];
            let outside = place.path(outside);
            let before = outside.exists();
            let ran = place.jail(DENY, words);
            assert_eq!(outside.exists(), before, "it won: {ran}");
            let (refused, told) = (refused(ran.ends_with(0)), told(&ran));
            assert!(told > 0 && refused == told, "{call}: refused {refused}, told {told}");
            // On a busy machine the two threads may run one after the other.
            let wins = |alone: Ran| alone.survived().is_some() && outside.exists() != before;
            assert!((0..10).any(|_| wins(place.free(words))), "the control never wins");
        }
    }
}

/// A path that a process exchanges which shares memory without being a thread.
#[test]
fn exchanged_path_without_threads() {
    needs![root];
    for place in places() {
        let words = ["./escape", "flip-kin", "{work}/inside", "{out}/file", "O_RDONLY", "5000"];
        let ran = place.jail(DENY, words);
        assert_eq!(ran.ends_with(0).survived(), Some(0), "it won: {ran}");
        let (refused, told) = (refused(&ran), told(&ran));
        assert!(told > 0 && refused == told, "refused {refused}, told {told}");
        let wins = |alone: Ran| alone.survived() > Some(0);
        let words = [&words[..5], &["300000"]].concat();
        assert!((0..10).any(|_| wins(place.free(&words))), "the control never wins");
    }
}

/// Threads that make, replace, list and read the same files at the same time go on as outside: the
/// watch opens their files for them.
#[test]
fn threads_at_work() {
    needs![root];
    for place in places() {
        let script = "import os, threading
os.mkdir('d')
failed = []
def work(number):
    try:
        for turn in range(60):
            own = f'd/{number}'
            with open(own, 'w') as file:
                file.write('x' * 100)
            os.rename(own, 'd/shared')
            os.listdir('d')
            try:
                with open('d/shared') as file:
                    assert file.read() in ('', 'x' * 100)
            except FileNotFoundError:
                pass
            with open('d/log', 'a') as file:
                file.write('.')
            os.mkdir(f'd/{number}.{turn}'); os.rmdir(f'd/{number}.{turn}')
            os.symlink('shared', own); os.readlink(own); os.link('d/log', own + 'l')
            os.unlink(own); os.unlink(own + 'l')
            open('/dev/null', 'w').close()
            for path, wanted in (('d/none', FileNotFoundError), ('d/none/x', FileNotFoundError),
                                 ('d/log/x', NotADirectoryError), ('d', IsADirectoryError)):
                try:
                    open(path, 'r+').close()
                    failed.append(path)
                except wanted:
                    pass
            try:
                os.open('d/log', os.O_CREAT | os.O_EXCL | os.O_WRONLY)
                failed.append('exclusive')
            except FileExistsError:
                pass
            os.open('.', os.O_TMPFILE | os.O_RDWR, 0o600)
    except BaseException as error:
        failed.append(repr(error))
threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(failed, os.path.getsize('d/log'))";
        let ran = place.jail("", ["python3", "-c", script]);
        assert_eq!(ran.succeeds().text(), "[] 360\n", "{ran}");
        let alone = place.again().free(["python3", "-c", script]);
        assert_eq!(alone.text(), "[] 360\n", "the control: {alone}");
    }
}

/// Shared memory and semaphores have names of the jail's own: what the host has there is not to be
/// had, nothing is left there, and a link in the jail's own directory leads nowhere.
#[test]
fn shared_memory() {
    needs![root, python3];
    for place in places() {
        let name = place.secret().replace("SECRET", "shared");
        let host = std::path::PathBuf::from(format!("/dev/shm/{name}"));
        std::fs::write(&host, place.secret()).unwrap();
        let script = "import os, sys
name = '/dev/shm/' + sys.argv[1]
memory = '/dev/shm/own-' + sys.argv[1]
def tried(path):
    try:
        print(open(path).read())
    except OSError as error:
        print(error.errno)
if os.fork() == 0:
    file = os.open(memory + '0', os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(file, b'shared'); os.link(memory + '0', memory); os.unlink(memory + '0')
    os._exit(0)
os.wait(); tried(memory); tried(memory + '0'); os.unlink(memory); tried(memory)
with open('/dev/shm/' + sys.argv[1] + '-left', 'w') as file: file.write('left')
os.write(os.open('/tmp', os.O_TMPFILE | os.O_RDWR | os.O_EXCL, 0o600), b'x')
tried(name)
if 'TMPDIR' in os.environ:
    os.rename(os.environ['TMPDIR'] + '/.shm', 'shm')
    os.symlink(sys.argv[2], os.environ['TMPDIR'] + '/.shm')
    tried('/dev/shm/file')
    try: os.unlink('/dev/shm/file')
    except OSError as error: print(error.errno)";
        let words = ["python3", "-c", script, &name, "{out}"];
        let ran = place.jail(DENY, words);
        let _ = ran.leaks_nothing().ends_with(0);
        assert_eq!(ran.text(), "shared\n2\n2\n2\n2\n2\n", "{ran}");
        assert!(place.path("{out}/file").exists(), "{ran}");
        let left = host.with_file_name(format!("{name}-left"));
        assert!(
            !left.exists() && place.path("{work}/shm").join(left.file_name().unwrap()).exists()
        );
        let alone = place.free(words);
        assert!(alone.leaks() && left.exists(), "the control: {alone}");
        std::fs::remove_file(host).unwrap();
        std::fs::remove_file(left).unwrap();
    }
}

/// Changes that Landlock does not govern, of a path that another thread exchanges.
#[test]
fn exchanged_path_of_a_change() {
    needs![root];
    for place in places() {
        for call in ["chmod", "utime", "setxattr", "chown"] {
            let before = place.path("{out}/file").metadata().unwrap();
            let words = ["./escape", "flip-change", call, "{work}/inside", "{out}/file", "4000"];
            let ran = place.jail(&format!("{DENY} --read {{out}}"), words);
            assert!(ran.ends_with(0).survived() > Some(0), "{call} works inside: {ran}");
            let after = place.path("{out}/file").metadata().unwrap();
            let what =
                |data: &std::fs::Metadata| (data.mode(), data.mtime_nsec(), data.ctime_nsec());
            assert_eq!(what(&before), what(&after), "{call}");
            let alone = place.free([&words[..5], &["300000"]].concat());
            let after = place.path("{out}/file").metadata().unwrap();
            assert_ne!(what(&before), what(&after), "the control: {alone}");
        }
    }
}

/// The number of a descriptor under which another thread puts another file.
#[test]
fn exchanged_descriptor() {
    needs![root];
    for place in places() {
        let words = ["./escape", "flip-descriptor", "{work}/inside", "{ro}/file", "10000"];
        let ran = place.jail(&format!("{DENY} --read {{ro}}"), words);
        assert!(ran.ends_with(0).survived() > Some(0), "it works inside: {ran}");
        assert_eq!(place.path("{ro}/file").metadata().unwrap().mode() & 0o777, 0o644);
        assert!(told(&ran) > 0);
        let _ = place.free([&words[..4], &["300000"]].concat());
        assert_eq!(
            place.path("{ro}/file").metadata().unwrap().mode() & 0o777,
            0o777,
            "the control"
        );
    }
}

/// A connection to a socket outside, by an address that another thread exchanges.
#[test]
fn exchanged_address() {
    needs![root];
    for place in places() {
        let words = ["./escape", "flip-connect", "{work}/none", "{out}/stream", "3000"];
        let ran = place.jail(DENY, words);
        assert_eq!(ran.ends_with(0).survived(), Some(0), "it was connected: {ran}");
        assert!(told(&ran) > 0);
        let alone = place.free([&words[..4], &["300000"]].concat());
        assert!(alone.survived() > Some(0), "the control: {alone}");
    }
}

/// What is denied inside a writable tree: beside it everything goes on, it stays closed, and it
/// cannot be moved to where it would be open.
#[test]
fn denied_inside_a_tree() {
    needs![root];
    for place in places() {
        place.make_directory("{work}/a/secret");
        place.write("{work}/a/secret/file", format!("{}\n", place.secret()), 0o644);
        place.write("{work}/a/beside", "beside\n", 0o644);
        place.make_directory("{work}/b");
        let script = "set -e; cat a/beside; echo new >a/new; cat a/new; mkdir a/d; echo deep >a/d/f
            cat a/d/f; mv a/new a/renamed; ln a/renamed a/again; ln -s renamed a/link; cat a/link
            rm a/again; rm -r a/d; ls a; chmod 600 a/renamed; touch a/renamed; mv a/renamed b/; cat b/renamed
            mkfifo a/pipe; rm a/pipe; : >a/beside; truncate -s 3 a/beside; wc -c <a/beside
            mkdir b/x; mv b/x a/; rmdir a/x; echo top >top; cat top; rm top; echo b >b/f; cp b/f a/g; cat a/g";
        let ran = place.jail("--deny {work}/a/secret", ["sh", "-c", script]);
        let text = ran.succeeds().text();
        let expected = "beside\nnew\ndeep\nnew\nbeside\nlink\nrenamed\nsecret\nnew\n3\ntop\nb\n";
        assert_eq!(text, expected, "{ran}");
        for attempt in [
            "cat a/secret/file",
            "cat <a/secret/file",
            "ln -s secret/file a/l; cat a/l",
            "echo x >a/secret/new",
            "cd a; cat secret/file",
            "mv a/secret/file b/",
            "ln a/secret/file b/l2",
            "cat /proc/self/cwd/a/secret/file",
        ] {
            let ran = place.jail("--deny {work}/a/secret", ["sh", "-c", attempt]);
            ran.leaks_nothing();
            assert_eq!(ran.status, 120, "{attempt}: {ran}");
        }
        // Its directories stay where they are, whatever follows an attempt.
        let script = "mv a c; cat c/secret/file; mv a/secret b/; cat b/secret/file; mv a b/; ls b";
        let ran = place.jail(&format!("{DENY} --deny {{work}}/a/secret"), ["sh", "-c", script]);
        ran.ends_with(0).leaks_nothing();
        assert!(place.path("{work}/a/secret/file").exists());
        // Nor is it opened by a path that another thread exchanges.
        let words =
            ["./escape", "flip", "{work}/inside", "{work}/a/secret/file", "O_RDONLY", "20000"];
        let ran = place.jail(&format!("{DENY} --deny {{work}}/a/secret"), words);
        assert_eq!(ran.ends_with(0).survived(), Some(0), "it won: {}", ran.text());
        assert!(!ran.leaks());
    }
}

/// A tree that may be read inside one that may be written.
#[test]
fn read_only_inside_a_writable_tree() {
    needs![root];
    for place in places() {
        let script = "cat sub/f; echo x >new; cat new; cp /bin/true prog; ./prog; mkdir d; echo y >d/e; cat d/e";
        place.write("{work}/sub/f", "text\n", 0o644);
        let ran = place.jail("--read {work}/sub", ["sh", "-c", script]);
        assert_eq!(ran.succeeds().text(), "text\nx\ny\n", "{ran}");
        for attempt in ["echo z >sub/f", "rm sub/f", "chmod 600 sub/f", "mv sub d2", "mkdir sub/d"]
        {
            let ran = place.jail("--read {work}/sub", ["sh", "-c", attempt]);
            assert_eq!(ran.breach().mode, Mode::Write, "{attempt}: {ran}");
        }
        let words =
            ["./escape", "flip", "{work}/inside", "{work}/sub/f", "O_RDWR|O_TRUNC", "20000"];
        let _ = place.jail(&format!("{DENY} --read {{work}}/sub"), words);
        let text = std::fs::read_to_string(place.path("{work}/sub/f")).unwrap();
        assert_eq!(text, "text\n", "it was emptied");
    }
}

/// Patterns grant by descriptors, as they do elsewhere.
#[test]
fn patterns() {
    needs![root];
    for place in places() {
        let options = place.text("--read-pattern ^{out}/fil. --write-pattern ^{out}/new[0-9]$");
        let ran =
            place.jail(&options, ["sh", "-c", "cat ../outside/file; echo 1 >../outside/new1"]);
        assert!(ran.succeeds().leaks(), "{ran}");
        assert!(place.path("{out}/new1").exists());
        let ran = place.jail(&options, ["sh", "-c", "cat ../outside/dir/file"]);
        ran.leaks_nothing().breach();
    }
}

/// A process that is not the jail's is not touched by number.
#[test]
fn numbers_of_strangers() {
    needs![root];
    for place in places() {
        let script = "sleep 30 & other=$!
            $JAILKEEPER run -- sh -c \"kill -9 $other; kill -9 $PPID; renice -n 19 $other; \
                prlimit --pid $other --nofile=7; taskset -p 1 $other; chrt -i -p 0 $other; true\" 2>&1
            kill -0 $other && echo alive; cut -d' ' -f19 /proc/$other/stat
            grep 'open files' /proc/$other/limits | grep -c ' 7 '; kill $other";
        let ran = place.script(script);
        let text = ran.text();
        assert!(text.contains("alive\n0\n0\n"), "{ran}");
    }
}

/// Objects that outlive who made them, and sockets that could send to anybody.
#[test]
fn objects_of_the_host() {
    needs![root];
    for place in places() {
        let script = "import socket, ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
for call in (libc.shmget(1, 4096, 0o1777), libc.semget(2, 1, 0o1777), libc.msgget(3, 0o1777)):
    print(call, ctypes.get_errno() == errno.ENOSYS)
for make in (lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM),
             lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)):
    try:
        make()
    except OSError as error:
        print(error.errno == errno.EPROTONOSUPPORT)
a, b = socket.socketpair()
a.send(b'x'); print(b.recv(1))
datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
print(datagram.getsockname() == '')";
        let ran = place.jail("", ["python3", "-c", script]);
        let expected = "-1 True\n-1 True\n-1 True\nTrue\nTrue\nb'x'\nTrue\n";
        assert_eq!(ran.succeeds().text(), expected, "{ran}");
    }
}

/// A datagram socket that is handed in could send to anybody.
#[test]
fn datagram_socket_handed_in() {
    needs![root];
    for place in places() {
        let script = "python3 -c 'import os, socket, sys
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
os.dup2(a.fileno(), 0)
os.execv(sys.argv[1], [sys.argv[1], \"run\", \"--\", \"true\"])' $JAILKEEPER";
        let ran = place.script(script);
        assert_eq!(ran.ends_with(125).text(), "");
        assert!(ran.stderr.contains("datagram"), "{ran}");
    }
}

/// Sockets of the jail's own, by a path.
#[test]
fn own_sockets() {
    needs![root];
    for place in places() {
        let script = "import os, socket, threading
server = socket.socket(socket.AF_UNIX); server.bind('own'); server.listen(1)
clients = []
def connect():
    client = socket.socket(socket.AF_UNIX); client.connect('own'); clients.append(client)
threads = [threading.Thread(target=connect) for _ in range(4)]
[thread.start() for thread in threads]
peers = [server.accept()[0] for _ in threads]
[thread.join() for thread in threads]
[peer.send(b'hi') for peer in peers]
print(sorted(client.recv(2) for client in clients))";
        let ran = place.jail("", ["python3", "-c", script]);
        assert_eq!(ran.succeeds().text(), "[b'hi', b'hi', b'hi', b'hi']\n", "{ran}");
    }
}

/// Root's jail is the owner of what it may write; root's own files it cannot.
#[test]
fn root_is_somebody_else() {
    needs![root];
    let place = Place::flat(User::Root);
    let ran =
        place.jail("", ["sh", "-c", "id -u; id -G; grep -E '^Cap(Eff|Prm|Bnd)' /proc/self/status"]);
    let text = ran.succeeds().text();
    let id = jailkeeper_testkit::ORDINARY;
    assert!(text.starts_with(&format!("{id}\n{id}\n")), "{ran}");
    assert!(text.lines().skip(2).all(|line| line.ends_with("0000000000000000")), "{ran}");
    // This tree belongs to root.
    let place = Place::new(User::Root);
    let ran = place.jail("--strength-at-most flat", ["true"]);
    assert_eq!(ran.ends_with(125).text(), "");
    assert!(ran.stderr.contains("chown") && ran.stderr.contains("65533"), "{ran}");
    let ran = place.jail("--strength-at-most flat --no-cwd --read {work}", ["id", "-u"]);
    assert_eq!(ran.succeeds().text(), "65533\n", "{ran}");
}

/// What the walls do not do is said at the start.
#[test]
fn what_is_off_is_said() {
    needs![root];
    let place = Place::flat(User::Ordinary);
    let ran = place.jail("", ["true"]);
    let Some(Event::Start(start)) = ran.events.first() else { panic!("{ran}") };
    assert_eq!(start.strength, Strength::Flat);
    let reported = ran.report.pointer("/walls/view/reason").and_then(|reason| reason.as_str());
    assert!(reported.unwrap().contains("metadata"), "{ran}");
    let ran = place.jail("--strength full", ["true"]);
    assert_eq!(ran.ends_with(125).text(), "", "the floor is above the ceiling");
}

/// What Docker's default profile takes away from processes, with or without its capabilities: user
/// namespaces, mounts, `clone3`, looking into other processes by descriptors.
const CONTAINER: &str = r#"
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
ALLOW, EPERM, ENOSYS = 0x7fff0000, 0x00050001, 0x00050026
refused = [155, 165, 166, 175, 246, 248, 249, 250, 272, 298, 303, 304, 308, 312, 313, 320, 321, 323]
program = [(0x20, 0, 0, 0)]
for number in refused + list(range(428, 434)) + [438, 440, 442]:
    program += [(0x15, 0, 1, number), (0x06, 0, 0, EPERM)]
program += [(0x15, 0, 1, 435), (0x06, 0, 0, ENOSYS)]
for number in (56,):
    program += [(0x15, 0, 4, number), (0x20, 0, 0, 16), (0x45, 0, 1, 0x7E020000)]
    program += [(0x06, 0, 0, EPERM), (0x20, 0, 0, 0)]
program.append((0x06, 0, 0, ALLOW))
code = b"".join(struct.pack("HBBI", *line) for line in program)
class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(Filter(len(program), code))) == 0
os.execv(sys.argv[1], sys.argv[1:])
"#;

/// A machine without user namespaces gets `flat` by itself, and nothing that a container forbids
/// is needed for it.
#[test]
fn conditions_of_a_container() {
    needs![root];
    let kept = "-all,+chown,+dac_override,+fsetid,+fowner,+mknod,+net_raw,+setgid,+setuid,+setfcap,\
                +setpcap,+net_bind_service,+sys_chroot,+kill,+audit_write";
    for place in places() {
        let bounds: &[&str] = match place.user() {
            User::Root => &["setpriv", "--bounding-set", kept, "--inh-caps", "-all"],
            User::Ordinary => &[],
        };
        let binary = jailkeeper_testkit::jailkeeper_binary();
        let run = |options: &[&str], script: &str| {
            let python = ["/usr/bin/python3", "-c", CONTAINER, binary.to_str().unwrap(), "run"];
            let outputs = ["--events", "{state}/events", "--report", "{state}/report"];
            let command = ["--", "sh", "-c", script];
            let words = [bounds, &python, &outputs, options, &command].concat();
            Ran::of(&place, place.free_command(words))
        };
        let script = "echo x >f; cat f; chmod 600 f; cat /proc/self/comm; (setsid sleep 9 &)";
        let ran = run(&[], script);
        assert_eq!(ran.succeeds().text(), "x\ncat\n", "{ran}");
        assert_eq!(ran.start().strength, Strength::Flat);
        let ran = run(&[], "./escape bomb 100; cat ../x; echo after");
        ran.leaks_nothing().breach();
        let ran = run(&["--strength", "full"], "true");
        assert!(ran.ends_with(125).stderr.contains("hint:"), "{ran}");
    }
}

/// Root's jail is in a control group of its own, and is not moved there, which is slow; but it is
/// where no process can be made in a group (`clone3` is unknown). The group goes with the jail.
#[test]
fn group_of_its_own() {
    needs![root, strace];
    let place = Place::flat(User::Root);
    let binary = jailkeeper_testkit::jailkeeper_binary();
    let run = [binary.to_str().unwrap(), "run", "--strength-at-most", "flat"];
    let outputs = ["--events", "{state}/events", "--report", "{state}/report"];
    let command = ["--", "sed", "-n", "s/^0:://p", "/proc/self/cgroup"];
    let trace = ["strace", "-f", "-qq", "-y", "-o", "{state}/trace", "-e", "trace=clone3,write"];
    for (unknown, moved) in [(&[][..], false), (&["-e", "inject=clone3:error=ENOSYS"], true)] {
        let words = [&trace, unknown, &run, &outputs, &command].concat();
        let ran = Ran::of(&place, place.free_command(words));
        let group = ran.succeeds().text();
        let (above, name) = group.trim().rsplit_once('/').unwrap();
        assert!(name.starts_with("jailkeeper-"), "{ran}");
        let groups = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].map(|at| format!("{at}{above}"));
        assert!(groups.iter().all(|at| !Path::new(at).join(name).exists()), "{ran}");
        let trace = std::fs::read_to_string(place.path("{state}/trace")).unwrap();
        assert_eq!(trace.contains("/cgroup.procs>"), moved, "{trace}");
    }
}

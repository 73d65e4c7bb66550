//! Sandboxes inside a jail, and walls that nobody watches.

use jailkeeper_model::Event;
use jailkeeper_testkit::{Place, Ran, User, jailkeeper_binary, needs};

/// Installs a filter of its own that refuses `openat` of a second thread's choice: number and errno.
const FILTER: &str = r#"
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
def refuse(number):
    lines = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x0005000d), (0x06, 0, 0, 0x7fff0000)]
    code = b"".join(struct.pack("HBBI", *line) for line in lines)
    class Filter(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]
    return ctypes.byref(Filter(len(lines), code))
assert libc.prctl(38, 1, 0, 0, 0) == 0
"#;

/// Makes a Landlock domain of its own in which nothing can be read.
const LANDLOCK: &str = "
import ctypes, struct
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
rules = libc.syscall(444, struct.pack('Q', 4), 8, 0)
assert rules >= 0 and libc.syscall(446, rules, 0) == 0
try:
    open('inside'); print('read')
except PermissionError:
    print('refused')
";

/// Runs a jail that may run the command itself.
fn outer(place: &Place, options: &str, words: &[&str]) -> Ran {
    let binary = jailkeeper_binary();
    let options = format!("{options} --read {}", binary.display());
    place.jail(&options, words)
}

fn inner<'a>(binary: &'a str, options: &[&'a str], script: &'a str) -> Vec<&'a str> {
    [&[binary, "run"], options, &["--", "sh", "-c", script]].concat()
}

/// Landlock works inside without a word of the caller's: it only takes away.
#[test]
fn landlock_inside() {
    needs![root, fuse];
    for place in Place::every() {
        for options in ["", "--nested"] {
            let ran = place.jail(options, ["python3", "-c", LANDLOCK]);
            assert_eq!(ran.succeeds().text(), "refused\n", "{options}: {ran}");
        }
    }
}

/// A filter of the program's own: refused without the permission, and with it no way out. What it
/// refuses before the watch sees it is told by nobody: that is what the permission costs.
#[test]
fn filter_inside() {
    needs![root, fuse];
    let by_both = format!(
        "{FILTER}
print(libc.prctl(22, 2, refuse(9999)), ctypes.get_errno())
print(libc.syscall(317, 1, 0, refuse(9998)), ctypes.get_errno())
print(libc.syscall(317, 1, 8, refuse(9998)), ctypes.get_errno())"
    );
    let hides = format!(
        "{FILTER}
assert libc.prctl(22, 2, refuse(257)) == 0
print(libc.syscall(257, -100, os.environb[b'PWD'] + b'/../x', 0), ctypes.get_errno())"
    );
    let shows = format!(
        "{FILTER}
assert libc.prctl(22, 2, refuse(9999)) == 0
print(libc.syscall(257, -100, os.environb[b'PWD'] + b'/../x', 0), ctypes.get_errno())"
    );
    for place in Place::every() {
        // EINVAL and ENOSYS: a kernel without filters.
        let ran = place.jail("", ["python3", "-c", &by_both]);
        assert_eq!(ran.succeeds().text(), "-1 22\n-1 38\n-1 38\n", "{ran}");
        // EBUSY: the listener is the jail's.
        let ran = place.jail("--nested", ["python3", "-c", &by_both]);
        assert_eq!(ran.succeeds().text(), "0 0\n0 0\n-1 16\n", "{ran}");
        // Seen and named as ever, if the inner filter lets it through.
        let ran = place.jail("--nested", ["python3", "-c", &shows]);
        ran.leaks_nothing().breach();
        // Refused by the inner filter: at strength `flat`, nobody is told.
        let ran = place.jail("--nested", ["python3", "-c", &hides]);
        assert_eq!(ran.succeeds().text(), "-1 13\n", "{ran}");
    }
}

/// A jail in a jail: walls without a watch, by two explicit words.
#[test]
fn jail_in_a_jail() {
    needs![root, fuse];
    let binary = jailkeeper_binary();
    let binary = binary.to_str().unwrap();
    for place in Place::every() {
        // Without the permission there is no filter, and so no jail.
        for options in [&[][..], &["--watch", "none"]] {
            let ran = outer(&place, "", &inner(binary, options, "echo ran"));
            assert_eq!(ran.ends_with(125).text(), "", "{options:?}: {ran}");
            assert_eq!(ran.breaches().count(), 0, "{ran}");
        }
        // With it the listener is taken, and the inner one says what would do.
        let ran = outer(&place, "--nested", &inner(binary, &[], "echo ran"));
        assert_eq!(ran.ends_with(125).text(), "", "{ran}");
        assert!(ran.stderr.contains("--watch none"), "{ran}");
        // It holds what it was given, inside what the outer one was given.
        place.write("{work}/kept", "kept\n", 0o644);
        let own = place.text("{work}/own");
        place.make_directory("{work}/own");
        let options = ["--watch", "none", "--no-cwd", "-w", &own, "-C", &own];
        let script =
            "echo x >f; cat f; cat ../kept; echo y >../kept; cat /proc/1/environ; echo after";
        let ran = outer(&place, "--nested", &inner(binary, &options, script));
        assert_eq!(ran.succeeds().text(), "x\nafter\n", "{ran}");
        assert!(ran.stderr.contains("nothing is watched"), "{ran}");
        assert_eq!(std::fs::read_to_string(place.path("{work}/kept")).unwrap(), "kept\n");
        // By threads too, whose files nobody opens for them.
        let threads = "import threading
def work():
    for path in ('../kept', 'f'):
        try:
            print(open(path).read(), end='')
        except PermissionError:
            print('refused')
t = threading.Thread(target=work); t.start(); t.join()";
        let words = [&[binary, "run"], &options[..], &["--", "python3", "-c", threads]].concat();
        let ran = outer(&place, "--nested", &words);
        assert_eq!(ran.succeeds().text(), "refused\nx\n", "{ran}");
        // The control: without the inner walls all of it can be had.
        let ran = outer(&place, "--nested", &["sh", "-c", "cd own; cat ../kept"]);
        assert_eq!(ran.succeeds().text(), "kept\n", "{ran}");
        // What is outside of both is the outer one's to see: all of it dies.
        let script = "cat ../../x; echo after";
        let ran = outer(&place, "--nested", &inner(binary, &options, script));
        ran.leaks_nothing().breach();
    }
}

/// Other sandboxes inside: they need namespaces, which a jail does not have.
#[test]
fn other_sandboxes_inside() {
    needs![root, fuse, bwrap, firejail];
    for place in Place::every() {
        for options in ["", "--nested"] {
            for command in [
                &["bwrap", "--ro-bind", "/", "/", "echo", "ran"][..],
                &["bwrap", "--unshare-all", "--ro-bind", "/", "/", "echo", "ran"],
                &["unshare", "--user", "echo", "ran"],
                &["unshare", "--mount", "echo", "ran"],
                &["chroot", ".", "echo", "ran"],
            ] {
                let control = place.free(command);
                let ran = place.jail(options, command);
                assert!(!ran.text().contains("ran"), "{command:?}: {ran}");
                assert_ne!(ran.status, 0, "{command:?}: {ran}");
                assert_eq!(ran.breaches().count(), 0, "refused quietly: {command:?}: {ran}");
                if command.first() != Some(&"chroot") && place.user() == User::Root {
                    assert!(control.text().contains("ran"), "the control: {control}");
                }
            }
            // It wants to be root for ever, and its own directories.
            let ran = place.jail(options, ["firejail", "--quiet", "--noprofile", "echo", "ran"]);
            assert!(!ran.text().contains("ran") && ran.status != 0, "{ran}");
        }
    }
}

/// What would be handed over from outside cannot be had together with inner walls.
#[test]
fn what_nested_excludes() {
    needs![root, fuse];
    for place in Place::every() {
        let options = place.text("--nested --read-pattern ^{out}/file$");
        let ran = place.jail(&options, ["true"]);
        assert!(ran.ends_with(125).stderr.contains("inner walls"), "{ran}");
        let ran = place.jail("--nested --deny {work}/sub", ["true"]);
        let expected = if place.is_flat() { 125 } else { 0 };
        assert_eq!(ran.status, expected, "{ran}");
    }
}

/// Walls alone: what they refuse is refused, quietly, and the start says so.
#[test]
fn walls_alone() {
    needs![root];
    for place in [User::Root, User::Ordinary].map(Place::flat) {
        let alone = |command: &[&str]| place.jail("--watch none", command.iter().copied());
        let script = "echo x >f; cat f; mkdir d; mv f d/; ls d; (setsid sleep 9 &); cat /proc/cpuinfo >/dev/null
            python3 -c 'print(6 * 7)'; sleep 9 & kill $!; wait";
        let ran = alone(&["sh", "-c", script]);
        assert_eq!(ran.succeeds().text(), "x\nf\n42\n", "{ran}");
        let unwatched = ran.report.pointer("/walls/watch/state").and_then(|state| state.as_str());
        assert_eq!(unwatched, Some("off"), "{ran}");
        let told = ran
            .events
            .iter()
            .any(|event| matches!(event, Event::Warning(warning) if warning.kind == "unwatched"));
        assert!(told && ran.stderr.contains("nothing is watched"), "{ran}");
        for (attempt, words) in [
            ("read", &["./escape", "open", "{out}/file", "O_RDONLY"][..]),
            ("list", &["ls", "{out}"]),
            ("make", &["sh", "-c", "echo x >../outside/new"]),
            ("remove", &["rm", "-f", "{out}/file"]),
            ("rename", &["mv", "{out}/file", "{work}/taken"]),
            ("link", &["ln", "{out}/file", "{work}/taken"]),
            ("run", &["sh", "-c", "../outside/program"]),
            ("mode", &["chmod", "777", "{out}/file"]),
            ("time", &["touch", "{out}/file"]),
            ("mode of a copy", &["chmod", "4755", "{work}/escape"]),
            ("process", &["cat", "/proc/1/environ"]),
            ("own process", &["cat", "/proc/self/environ"]),
            ("namespace", &["unshare", "--user", "true"]),
            ("mount", &["mount", "-t", "tmpfs", "x", "sub"]),
            ("signal", &["kill", "-0", "1"]),
            (
                "socket",
                &["python3", "-c", "import socket; socket.socket(socket.AF_UNIX).connect('x')"],
            ),
            ("internet", &["python3", "-c", "import socket; socket.socket()"]),
        ] {
            let words: Vec<_> = words.iter().map(|word| place.text(word)).collect();
            let ran = place.jail("--watch none", &words);
            ran.leaks_nothing();
            let survived = words.first().is_some_and(|word| word == "./escape");
            assert!(ran.status != 0 || survived, "{attempt}: {ran}");
            assert_eq!(ran.breaches().count(), 0, "{attempt}: {ran}");
        }
        assert!(place.path("{out}/file").exists() && !place.path("{out}/new").exists());
        assert_eq!(
            place
                .path("{work}/escape")
                .metadata()
                .map(|d| d.permissions())
                .map(|p| {
                    use std::os::unix::fs::PermissionsExt as _;
                    p.mode() & 0o6000
                })
                .unwrap(),
            0
        );
        for (options, word) in [
            ("--read-pattern ^{out}/file$", "patterns"),
            ("--deny {work}/sub", "exception"),
            ("--strict", "hide"),
            ("--hide", "hide"),
            ("--report-probes", "probes"),
            ("--strength full", "at least"),
        ] {
            let options = place.text(&format!("--watch none {options}"));
            let ran = place.jail(&options, ["echo", "ran"]);
            assert_eq!(ran.ends_with(125).text(), "", "{options}: {ran}");
            assert!(ran.stderr.contains(word), "{options}: {ran}");
        }
        // A path that a second thread exchanges, and a bomb.
        let words = ["./escape", "flip", "{work}/inside", "{out}/file", "O_RDONLY", "20000"];
        let ran = place.jail("--watch none", words);
        assert_eq!(ran.ends_with(0).survived(), Some(0), "it won: {}", ran.text());
        let ran = place.jail("--watch none", ["./escape", "bomb", "60"]);
        let _ = ran.ends_with(0);
    }
}

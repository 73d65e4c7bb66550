//! Calls that a program may make: inside they answer as outside.

use crate::both::both;
use jailkeeper_model::{Event, Mode};
use jailkeeper_testkit::Place;

both! {
    answers_are_the_same;
    many_openings;
    deep_directories;
    renaming_between_directories;
    sockets_of_its_own;
    asking_for_a_loopback needs [python3];
    killed_while_looking;
}

/// Attempts that are none, each with the result that it must have inside and outside.
const CALLS: [(&str, i64); 40] = [
    ("open inside O_RDONLY", 3),
    ("open {work}/inside O_RDWR", 3),
    ("open new O_WRONLY|O_CREAT|O_EXCL", 3),
    ("open inside O_WRONLY|O_CREAT|O_EXCL", -libc::EEXIST as i64),
    ("open missing O_WRONLY", -libc::ENOENT as i64),
    ("open sub O_WRONLY", -libc::EISDIR as i64),
    ("open inside/below O_RDONLY", -libc::ENOTDIR as i64),
    ("open inside O_RDONLY|O_DIRECTORY", -libc::ENOTDIR as i64),
    ("open . O_TMPFILE|O_RDWR", 3),
    ("symlink inside l , open l O_RDWR", 3),
    ("symlink inside l , open l O_RDWR|O_NOFOLLOW", -libc::ELOOP as i64),
    ("symlink l l , open l O_RDWR", -libc::ELOOP as i64),
    ("creat inside", 3),
    ("keep here . O_PATH , openat here inside O_RDWR", 4),
    ("keep here . O_PATH , openat here new O_RDWR|O_CREAT", 4),
    ("keep f inside O_RDONLY , reopen f O_RDWR", 4),
    ("keep f inside O_RDONLY , fchmod f", 0),
    ("keep f inside O_RDONLY , futimens f", 0),
    ("stat inside", 0),
    ("statx inside", 0),
    ("access missing", -libc::ENOENT as i64),
    ("readlink inside", -libc::EINVAL as i64),
    ("chdir sub , open ../inside O_RDONLY", 3),
    ("truncate inside", 0),
    ("chmod inside", 0),
    ("fchmodat2 inside", 0),
    ("chown inside", 0),
    ("utimensat inside", 0),
    ("rename inside sub/inside", 0),
    ("rename missing other", -libc::ENOENT as i64),
    ("exchange inside sub", 0),
    ("link inside other", 0),
    ("link inside sub", -libc::EEXIST as i64),
    ("unlink inside", 0),
    ("unlink sub", -libc::EISDIR as i64),
    ("rmdir sub", 0),
    ("mkdir sub", -libc::EEXIST as i64),
    ("mkfifo fifo", 0),
    ("inotify sub", 1),
    ("hide-and-open inside O_RDONLY", 3),
];

fn answers_are_the_same(place: &Place) {
    let mut wrong = Vec::new();
    for (attempt, result) in CALLS {
        let words = std::iter::once("./escape").chain(attempt.split_ascii_whitespace());
        let alone = Place::new(place.user()).free(words.clone()).survived();
        let ran = Place::new(place.user()).jail("", words);
        if (alone, ran.survived()) != (Some(result), Some(result)) || ran.breaches().count() > 0 {
            let inside = ran.survived();
            wrong.push(format!(
                "{attempt}: {result} expected, outside {alone:?}, inside {inside:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Everything in one process, so often that a descriptor that leaks in the supervisor would show.
fn many_openings(place: &Place) {
    let script = "i=0; while [ $i -lt 3000 ]; do i=$((i + 1)); echo $i >sub/f; read -r x <sub/f; done; \
                  echo $x; ls sub | wc -l";
    let ran = place.jail("", ["sh", "-c", &format!("ulimit -n 64; {script}")]);
    assert_eq!(ran.succeeds().text(), "3000\n1\n");
}

fn deep_directories(place: &Place) {
    let script = "i=0; while [ $i -lt 60 ]; do i=$((i + 1)); mkdir directory-$i && cd directory-$i; done
                  echo deep >file; pwd | wc -c >/dev/null; cat file; cd {work}; find . -name file | wc -l
                  rm -r directory-1; ls";
    let ran = place.jail("", ["sh", "-c", script]);
    assert_eq!(ran.succeeds().text(), "deep\n1\nescape\ninside\nsub\n");
}

/// Trees that may be written and touch each other are one file system.
fn renaming_between_directories(place: &Place) {
    let script =
        "mv {work}/inside {out}/moved && mv {out}/moved {work}/inside && cat {work}/inside";
    let ran = place.jail("--write {out}", ["sh", "-c", script]);
    assert_eq!(ran.succeeds().text(), "inside\n");
    let script = "mv inside sub/ && ln sub/inside again && mv sub/inside . && cat again";
    let ran = place.jail("--write {work}/sub", ["sh", "-c", script]);
    assert_eq!(ran.succeeds().text(), "inside\n");
}

fn sockets_of_its_own(place: &Place) {
    for address in ["{work}/socket", "./socket", "/tmp/socket", "@abstract"] {
        let script = format!(
            "./escape listen {address} 800 >/dev/null & sleep 0.3; ./escape connect {address}; wait"
        );
        let ran = Place::new(place.user()).jail("", ["sh", "-c", &script]);
        assert_eq!(ran.ends_with(0).survived(), Some(0), "{address}: {ran}");
    }
}

/// A process that dies while one of its threads asks for something outside has not tried anything.
fn killed_while_looking(place: &Place) {
    let script = "import os, threading, time
def look():
    while True:
        os.path.exists('/etc/shadow')
for _ in range(60):
    if os.fork() == 0:
        for _ in range(2):
            threading.Thread(target=look, daemon=True).start()
        time.sleep(0.003)
        os._exit(0)
    os.wait()";
    let ran = place.jail("--hide", ["python3", "-c", script]);
    ran.succeeds();
    assert!(ran.exit().forgiven > 0, "{ran}");
}

/// What urllib3 does when it is imported: it binds to any port, to learn whether there is IPv6. Nobody
/// outside can come there; so it is refused, counted, and no jailbreak.
fn asking_for_a_loopback(place: &Place) {
    let refused = -i64::from(libc::EADDRNOTAVAIL);
    for (attempt, address) in [
        ("bind [::1]:0", "[::1]:0"),
        ("bind 127.0.0.1:0", "127.0.0.1:0"),
        ("bind-datagram 127.0.0.2:0", "127.0.0.2:0"),
    ] {
        let words: Vec<_> = std::iter::once("./escape").chain(attempt.split(' ')).collect();
        let ran = place.jail("", &words);
        assert_eq!(
            (ran.ends_with(0).survived(), ran.breaches().count()),
            (Some(refused), 0),
            "{ran}"
        );
        assert_eq!(ran.exit().forgiven, 1, "{ran}");
        let entry = &ran.report["forgiven"][0];
        assert_eq!(
            (&entry["address"], &entry["file"]),
            (&address.into(), &serde_json::Value::Null)
        );
        let ran = place.jail("--report-probes", &words);
        let probes = ran.events.iter().filter_map(|event| match event {
            Event::Probe(probe) => probe.address.as_deref(),
            _ => None,
        });
        assert_eq!(probes.collect::<Vec<_>>(), [address], "{ran}");
        let ran = place.jail("--strict", &words);
        let breach = ran.breach();
        assert_eq!((breach.mode, breach.address.as_deref()), (Mode::Bind, Some(address)), "{ran}");
    }
    let script = "
import socket
for family, host in (socket.AF_INET6, '::1'), (socket.AF_INET, '127.0.0.1'):
    try:
        socket.socket(family).bind((host, 0))
    except OSError as error:
        print(error.errno)
";
    let ran = place.jail("--show-forgiven", ["python3", "-c", script]);
    assert_eq!(ran.succeeds().text(), "99\n99\n", "{ran}");
    let told = &ran.stderr;
    assert!(told.contains("\n  [::1]:0\n") && told.contains(" bind 1x"), "{ran}");
}

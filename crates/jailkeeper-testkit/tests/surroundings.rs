//! What a jail finds around itself: files, environment, user, terminal.

use crate::both::both;
use jailkeeper_model::Mode;
use jailkeeper_testkit::{Place, Ran, User, needs};
use std::os::unix::fs::{MetadataExt, chown};

both! {
    root_directory;
    private_tmp;
    denied_tmp;
    environment;
    environment_on_request;
    no_process_but_its_own;
    no_privilege;
    devices;
    new_files_belong_to_the_owner;
    no_base;
    terminal needs [script];
    terminal_is_not_typed_into needs [script];
    keys_of_the_terminal needs [script];
    more_rules_than_descriptors;
}

fn root_directory(place: &Place) {
    if place.is_flat() {
        // There is no view that could show less than is there.
        let ran = place.jail("", ["sh", "-c", "ls -A / /var/tmp {root}; cd / && pwd"]);
        assert_eq!(ran.succeeds().text(), "/\n", "{ran}");
        return;
    }
    let ran = place.jail("", ["sh", "-c", "ls -A / /var /var/tmp; ls -A {root}; cd / && pwd"]);
    ran.succeeds();
    let text = ran.text();
    for name in ["home", "root", "boot", "outside", "work10", "x", "state"] {
        assert!(!text.lines().any(|line| line == name), "{name} is seen: {ran}");
    }
    assert!(text.lines().any(|line| line == "usr") && text.ends_with("work\n/\n"), "{ran}");
}

fn private_tmp(place: &Place) {
    if place.is_flat() {
        return private_directory(place);
    }
    let host = tempfile::Builder::new().prefix("jailkeeper-test-").tempfile().unwrap();
    let name = host.path().file_name().unwrap().to_string_lossy().into_owned();
    assert_eq!(host.path().parent(), Some(std::path::Path::new("/tmp")), "the control");
    let ran =
        place.jail("", ["sh", "-c", "ls -A /tmp; echo x >/tmp/jailkeeper-test-new; cat /tmp/*"]);
    ran.succeeds();
    assert_eq!(ran.text(), "x\n");
    assert!(!host.path().with_file_name("jailkeeper-test-new").exists());
    let ran = place.jail("", ["cat", &format!("/tmp/{name}")]);
    assert_eq!(ran.ends_with(1).breaches().count(), 0, "it is not there: {ran}");
}

/// Where there is no view, `/tmp` is outside, and programs are told of a directory of their own.
fn private_directory(place: &Place) {
    let script = "echo x >$TMPDIR/new; mkdir $TMPDIR/d; chmod 0 $TMPDIR/d; mktemp; echo $TMPDIR";
    let ran = place.jail("", ["sh", "-c", script]);
    let text = ran.succeeds().text();
    let [made, own] = text.lines().collect::<Vec<_>>()[..] else { panic!("{ran}") };
    assert!(own.starts_with("/tmp/jailkeeper-") && made.starts_with(own), "{ran}");
    assert!(!std::path::Path::new(own).exists(), "it is left: {ran}");
    let ran = place.jail("", ["sh", "-c", "echo x >/tmp/jailkeeper-test-new"]);
    assert_eq!(ran.breach().file.as_deref(), Some("/tmp/jailkeeper-test-new"), "{ran}");
}

fn denied_tmp(place: &Place) {
    let ran = place.jail("--tmp deny", ["sh", "-c", "echo $TMPDIR; echo x >/tmp/jailkeeper-test"]);
    assert_eq!(ran.breach().file.as_deref(), Some("/tmp/jailkeeper-test"));
    assert_eq!(ran.text(), place.text("{work}\n"));
}

/// Runs `env` with a secret among the caller's variables.
fn env(place: &Place, options: &str) -> Ran {
    let script = "env; tr '\\0' '\\n' </proc/self/environ; cat /proc/1/environ; true";
    let mut command = place.jail_command(options, ["sh", "-c", script]);
    command.env("API_TOKEN", place.secret()).env("LD_PRELOAD", "").env("BASH_ENV", "/x");
    Ran::of(place, command)
}

fn environment(place: &Place) {
    let ran = env(place, "");
    ran.succeeds().leaks_nothing();
    let text = ran.text();
    for line in ["HOME=/tmp", "SHELL=/bin/sh", "TMPDIR=/tmp", &place.text("PWD={work}")] {
        let is = |found: &str| found == line || (place.is_flat() && found.starts_with(line));
        assert!(text.lines().any(is), "no {line}: {ran}");
    }
    for name in ["API_TOKEN", "JAILKEEPER", "PLACE", "BASH_ENV", "LD_PRELOAD", "SUDO", "CARGO"] {
        assert!(!text.lines().any(|line| line.starts_with(name)), "{name} is seen: {ran}");
    }
}

fn environment_on_request(place: &Place) {
    for options in ["--env API_TOKEN", "--env-all"] {
        let ran = env(place, options);
        assert!(ran.leaks(), "{options}: {ran}");
    }
    let ran = place.jail("--env A=b=c --env HOME=/", ["sh", "-c", "echo $A $HOME"]);
    assert_eq!(ran.succeeds().text(), "b=c /\n");
}

fn no_process_but_its_own(place: &Place) {
    if place.is_flat() {
        // The others can be seen, but neither looked into nor signalled.
        let script =
            "cat /proc/1/cmdline /proc/$PPID/environ; kill -9 1 $PPID; kill -9 -1; echo alive";
        let ran = place.jail("", ["bash", "-c", script]);
        assert_eq!(ran.succeeds().text(), "alive\n", "{ran}");
        return;
    }
    let ran = place.jail("", ["sh", "-c", "set -- /proc/[0-9]*; echo $# $*"]);
    assert_eq!(ran.succeeds().text(), "2 /proc/1 /proc/2\n", "init and sh");
    let ran =
        place.jail("", ["sh", "-c", "echo $$; kill -9 1; kill -TERM 1; echo alive; uname -n"]);
    assert_eq!(ran.ends_with(0).text(), "2\nalive\njail\n");
}

/// What the kernel says of a process of the jail, and of one outside as the control.
fn no_privilege(place: &Place) {
    let script = "cat /proc/self/status /proc/self/uid_map /proc/self/gid_map
                  echo spaces $(cat /proc/sys/user/max_user_namespaces 2>/dev/null); id -G";
    let field = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {text}"))
            .trim_start_matches(':')
            .trim()
            .to_owned()
    };
    let alone = place.free(["sh", "-c", script]).ends_with(0).text();
    assert_eq!(field(&alone, "NoNewPrivs"), "0", "the control");
    assert_eq!(field(&alone, "Seccomp"), "0", "the control");
    if place.user() == User::Root {
        assert_ne!(field(&alone, "CapEff"), "0000000000000000", "the control");
    }
    let ran = place.jail("", ["sh", "-c", script]);
    let text = ran.succeeds().text();
    assert_eq!(field(&text, "NoNewPrivs"), "1", "{ran}");
    assert_eq!(field(&text, "Seccomp"), "2", "{ran}");
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(field(&text, set), "0000000000000000", "{set}: {ran}");
    }
    let groups = field(&text, "Groups");
    if place.is_flat() {
        assert!(!groups.split(' ').any(|group| group == "0"), "a group of root's: {ran}");
        return;
    }
    assert_eq!(field(&text, "CapBnd"), "0000000000000000", "{ran}");
    assert_eq!(field(&text, "spaces"), "0", "a namespace can be made: {ran}");
    // There is nobody else to become: one user and one group are known, each as itself.
    let maps: Vec<Vec<u32>> = text
        .lines()
        .map(|line| line.split_ascii_whitespace().map(str::parse).collect::<Result<_, _>>())
        .filter_map(Result::ok)
        .filter(|numbers: &Vec<u32>| numbers.len() == 3)
        .collect();
    assert_eq!(maps.len(), 2, "{ran}");
    for map in &maps {
        assert!(map[0] != 0 && map[0] == map[1] && map[2] == 1, "{map:?}: {ran}");
    }
}

fn devices(place: &Place) {
    let script = "head -c 4 /dev/zero | od -An -tx1; echo x >/dev/null; head -c 1 /dev/urandom | wc -c
                  echo in | cat /dev/stdin; echo x >/dev/full || echo full; echo out >/dev/stdout
                  echo shm >/dev/shm/x && cat /dev/shm/x; test -e /dev/fuse || echo none; ls /dev/kvm";
    // Without a view, shared memory is the host's.
    let script = if place.is_flat() {
        script.replace("/dev/shm", "$TMPDIR").replace("test -e /dev/fuse", "cat /dev/fuse")
    } else {
        script.to_owned()
    };
    if place.is_flat() {
        assert!(place.jail("", ["sh", "-c", &script]).breach().mode == Mode::Read);
        let (script, _) = script.split_once("; cat /dev/fuse").unwrap();
        let ran = place.jail("", ["sh", "-c", script]);
        assert_eq!(ran.succeeds().text(), " 00 00 00 00\n1\nin\nfull\nout\nshm\n");
        return;
    }
    let ran = place.jail("", ["sh", "-c", &script]);
    assert_eq!(ran.ends_with(2).breaches().count(), 0, "{ran}");
    assert_eq!(ran.text(), " 00 00 00 00\n1\nin\nfull\nout\nshm\nnone\n");
}

/// As root the jail is somebody else, and what it makes belongs to the owner of the tree all the
/// same; nobody in it is host root.
fn new_files_belong_to_the_owner(place: &Place) {
    let script = "id -u; touch made; mkdir d; touch d/made; ln -s x l; stat -c %u made inside";
    for owner in [0, jailkeeper_testkit::ORDINARY, 65_533, 12_345] {
        let other = Place::new(place.user());
        if place.user() == User::Root {
            for path in ["{work}", "{work}/inside", "{work}/escape"] {
                chown(other.path(path), Some(owner), Some(owner)).unwrap();
            }
        }
        let wanted = other.path("{work}").metadata().unwrap();
        let ran = other.jail("", ["sh", "-c", script]);
        let text = ran.succeeds().text();
        let ids: Vec<_> = text.lines().collect();
        assert_ne!(ids.first(), Some(&"0"), "{ran}");
        assert!(ids.iter().all(|id| id == &ids[0]), "its own files are somebody else's: {ran}");
        for made in ["made", "d", "d/made", "l"] {
            let made = other.path("{work}").join(made).symlink_metadata().unwrap();
            assert_eq!((made.uid(), made.gid()), (wanted.uid(), wanted.gid()), "{ran}");
        }
    }
}

fn no_base(place: &Place) {
    // Nothing of the system is there, not even what a dynamic program is loaded with.
    let ran = place.jail("--no-base", ["/usr/bin/true"]);
    assert_ne!(ran.status, 0, "{ran}");
    place
        .jail(
            "--no-base --read /usr --read /lib --read /lib64 --read /etc/ld.so.cache",
            ["/usr/bin/true"],
        )
        .succeeds();
}

/// Runs a script in a terminal that `script` makes. Nobody types there: at the end of its own input
/// `script` would type something itself, at any moment, so it gets an input that never ends.
fn in_terminal(place: &Place, script: &str) -> Ran {
    place.write("{work}/run", script, 0o755);
    place.script(
        "mkfifo $PLACE/state/keys
         exec script -qec 'sh ./run' $PLACE/state/typescript <>$PLACE/state/keys",
    )
}

fn terminal(place: &Place) {
    let script = "stty rows 33 cols 99; echo outside $(tty); $JAILKEEPER run -- \
                  sh -c 'echo inside $(tty); stty size; test -t 0 && test -t 1 && test -t 2; echo $?; \
                  echo x >/dev/tty; ls -1 /dev/pts' ; echo $?";
    let ran = in_terminal(place, script);
    let text = ran.text().replace('\r', "");
    if place.is_flat() {
        assert!(text.contains("\n33 99\n0\nx\n") && !text.contains("inside not"), "{ran}");
    } else {
        assert!(text.contains("inside /dev/pts/0\n33 99\n0\nx\n0\nptmx\n0\n"), "{ran}");
    }
}

fn terminal_is_not_typed_into(place: &Place) {
    for request in ["21522 0", "21522 1", "21532 0"] {
        let script = format!(
            "$JAILKEEPER run --events $PLACE/state/typed -- ./escape ioctl {request}; echo status $?"
        );
        let ran = in_terminal(place, &script);
        assert!(ran.text().contains("status 120"), "{ran}");
        let events = std::fs::read_to_string(place.path("{state}/typed")).unwrap();
        assert!(events.contains(r#""mode":"syscall""#), "{events}");
    }
}

/// What is typed reaches the jail's own terminal: the interrupt key ends the command there.
fn keys_of_the_terminal(place: &Place) {
    place.write(
        "{work}/run",
        "$JAILKEEPER run -- sh -c 'trap \"echo caught; exit 5\" INT; echo ready; read line; \
         echo \"read $line\"; sleep 5 & wait'; echo status $?",
        0o755,
    );
    let script = "(sleep 0.7; echo words; sleep 0.3; printf '\\003'; sleep 1) | \
                  script -qec 'sh ./run' $PLACE/state/typescript";
    let ran = place.script(script);
    let text = ran.text().replace('\r', "");
    assert!(text.contains("read words\n") && text.contains("caught\nstatus 5\n"), "{ran}");
}

/// A control for all rows: whoever is not contained is refused.
#[test]
fn whoever_is_not_contained_is_refused() {
    needs![root];
    let place = Place::new(User::Root);
    let command = place.free_command(["true"]);
    let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
    let shell = words.iter().position(|word| word == "sh").unwrap();
    // The same first process, without the namespaces around it.
    let status = std::process::Command::new("sh")
        .args(words[shell + 1..].iter().map(|word| word.as_ref()))
        .stderr(std::process::Stdio::null())
        .status();
    assert_eq!(status.unwrap().code(), Some(99));
}

/// A rule takes a descriptor of the supervisor's. The command has the limit that its caller has, which the rules
/// may go beyond: up to the hard one, or as far as root may (`CAP_SYS_RESOURCE`).
fn more_rules_than_descriptors(place: &Place) {
    place.make_directory("{work}/many");
    // Where ids are mapped, root's jail reads what its owner alone may.
    let mode = if place.is_flat() { 0o644 } else { 0o600 };
    for n in 1..=300 {
        place.write(&format!("{{work}}/many/{n}"), "x\n", mode);
    }
    let rules: String = (1..=300).map(|n| format!(" --read many/{n}")).collect();
    let command = "-- sh -c 'ulimit -Sn; ulimit -Hn; cat many/300'";
    let outputs = "--events $PLACE/state/events --report $PLACE/state/report";
    let more = place.script("ulimit -n 128; ulimit -n 512 && echo yes").text() == "yes\n";
    for (soft, hard, enough) in [(128, 512, true), (128, 128, more)] {
        let limits = format!("ulimit -Sn {soft}; ulimit -Hn {hard}");
        let run = format!("$JAILKEEPER run {outputs} --no-cwd {rules} {command}");
        let ran = place.script(&format!("{limits}; {run}"));
        if enough {
            assert_eq!(ran.succeeds().text(), format!("{soft}\n{hard}\nx\n"), "{ran}");
        } else {
            assert!(ran.ends_with(125).stderr.contains("Too many open files"), "{ran}");
        }
    }
}

//! Strength `monitor`: the scenarios of 2012, without a wall, by each tracer that Linux has.
//!
//! What this strength cannot promise is not asserted: that the offender reads nothing first, when a
//! program is the tracer, and that a call does not take place. By ptrace it does not take place, and
//! that is asserted.

use jailkeeper_model::{ActionTaken, Jailbreak, Mode, Strength, Wall};
use jailkeeper_testkit::{Place, Ran, User, needs};

/// Options for each tracer.
const STRACE: &str = "--strength monitor --tracer strace";
const PTRACE: &str = "--strength monitor --tracer ptrace";

/// Makes four tests of a function that takes a place and options: root and an ordinary user, strace
/// and ptrace.
macro_rules! tracers {
    ($($name:ident;)*) => {
        $(mod $name {
            use super::*;

            #[test]
            fn strace_root() {
                needs![root, strace];
                super::$name(&Place::new(User::Root), STRACE);
            }

            #[test]
            fn strace_ordinary() {
                needs![strace];
                super::$name(&Place::new(User::Ordinary), STRACE);
            }

            #[test]
            fn ptrace_root() {
                needs![root];
                super::$name(&Place::new(User::Root), PTRACE);
            }

            #[test]
            fn ptrace_ordinary() {
                super::$name(&Place::new(User::Ordinary), PTRACE);
            }
        })*
    };
}

tracers! {
    echo;
    inside;
    cat_of_the_parent;
    script_that_cats_passwd;
    writing_to_the_parent;
    creating_in_bin;
    creating_in_bin_from_the_background;
    absolute_name_of_the_working_directory;
    nothing_is_said_to_be_enforced;
    links_lead_where_they_lead;
    descriptors_of_directories;
    changes_by_every_call;
    sockets;
    missing_files_are_no_jailbreak;
    looks_are_forgiven;
    own_processes_may_be_looked_at;
    temporary_files;
    background_children_die;
    daemons_die;
    bomb_at_a_jailbreak;
    processes_that_are_left_at_the_end_die;
    busy_children_starve_nobody;
    wall_time;
    own_status;
    missing_command;
    command_outside;
    log_lets_everything_happen;
    environment;
    descriptors_are_not_left_open;
    threads;
    odd_names;
    state_in_a_writable_tree;
}

/// Returns the jailbreak that ended the jail. When a program traces, the offender goes on until the
/// tracer has told of it: what it does then is told too.
#[track_caller]
fn first(ran: &Ran) -> &Jailbreak {
    if ran.start().walls.values().any(|wall| format!("{wall:?}").contains("ptrace")) {
        return ran.breach();
    }
    ran.ends_with(120);
    let breach = ran.breaches().next().unwrap_or_else(|| panic!("no jailbreak: {ran}"));
    assert_eq!(breach.action, ActionTaken::Killed, "{ran}");
    assert!(breach.pid > 1 && !breach.argv.is_empty(), "nobody is named: {ran}");
    assert!(ran.exit().jailbreak && ran.stderr.contains("jailbreak"), "{ran}");
    breach
}

/// Asserts a jailbreak that ended the jail.
#[track_caller]
fn breach(ran: &Ran, mode: Mode, file: &str) {
    let breach = first(ran);
    assert_eq!((breach.mode, breach.file.as_deref()), (mode, Some(file)), "{ran}");
    let killing = ran.exit().killing;
    assert!(killing.is_some_and(|seconds| (0.0..10.0).contains(&seconds)), "{ran}");
}

fn by_ptrace(options: &str) -> bool {
    options == PTRACE
}

fn echo(place: &Place, options: &str) {
    let ran = place.jail(options, ["echo", "hello"]);
    ran.succeeds();
    assert_eq!(ran.text(), "hello\n");
    assert_eq!(ran.exit().forgiven, 0, "{ran}");
    assert_eq!(ran.start().command, ["echo", "hello"]);
    assert_eq!(ran.start().cwd, place.text("{work}"));
}

fn inside(place: &Place, options: &str) {
    let script = "cat inside && echo new >made && mkdir -p d/e && mv made d/moved && cat d/moved &&
                  ln -s d/moved l && cat l && chmod 600 l && touch l && rm -r d && ls";
    let ran = place.jail(options, ["sh", "-c", script]);
    ran.succeeds();
    assert_eq!(ran.text(), "inside\nnew\nnew\nescape\ninside\nl\nsub\n");
}

fn cat_of_the_parent(place: &Place, options: &str) {
    assert!(place.free(["cat", "../x"]).leaks());
    let ran = place.jail(options, ["cat", "../x"]);
    breach(&ran, Mode::Read, &place.text("{root}/x"));
    let event = first(&ran);
    assert_eq!(event.operation, "open");
    assert_eq!(event.syscall, "openat");
    assert_eq!(event.hint, Some(place.text("--read {root}/x")));
    assert_eq!(event.argv, ["cat", "../x"]);
    assert_eq!(event.program, "/usr/bin/cat");
    if by_ptrace(options) {
        ran.leaks_nothing();
    }
}

fn script_that_cats_passwd(place: &Place, options: &str) {
    place.write("{work}/script", "#!/bin/bash\necho before\ncat /etc/passwd\necho after\n", 0o755);
    assert!(place.free(["./script"]).text().contains("root:x:0"));
    let ran = place.jail(options, ["./script"]);
    breach(&ran, Mode::Read, "/etc/passwd");
    let event = first(&ran);
    assert_eq!(event.argv, ["cat", "/etc/passwd"], "{ran}");
    assert!(ran.text().starts_with("before\n"), "{ran}");
    if by_ptrace(options) {
        assert_eq!(ran.text(), "before\n");
        let above = event.ancestors.first().map(|above| &above.program[..]);
        assert_eq!(above, Some("/usr/bin/bash"), "{ran}");
    }
}

fn writing_to_the_parent(place: &Place, options: &str) {
    let ran = place.jail(options, ["sh", "-c", "echo stray >../stray; sleep 5; echo after"]);
    breach(&ran, Mode::Write, &place.text("{root}/stray"));
    assert!(first(&ran).flags.iter().any(|flag| flag == "O_CREAT"), "{ran}");
    assert_eq!(ran.text(), "");
    if by_ptrace(options) {
        assert!(!place.path("{root}/stray").exists());
    }
}

/// Root may create there, and strace tells of it when it has happened: so what is to be created is
/// there already, and creating it fails.
fn creating_in_bin(place: &Place, options: &str) {
    let script = "set -C; echo stray >/bin/no-such-directory/x; sleep 5; echo after";
    let ran = place.jail(options, ["sh", "-c", script]);
    breach(&ran, Mode::Write, "/bin/no-such-directory/x");
    assert_eq!(first(&ran).resolved.as_deref(), Some("/usr/bin/no-such-directory/x"));
    assert_eq!(ran.text(), "");
    if by_ptrace(options) {
        let ran = place.jail(options, ["sh", "-c", "echo stray >/bin/jailkeeper-test; echo after"]);
        breach(&ran, Mode::Write, "/bin/jailkeeper-test");
        assert!(!std::path::Path::new("/bin/jailkeeper-test").exists());
    }
}

fn creating_in_bin_from_the_background(place: &Place, options: &str) {
    let script =
        "(sleep 0.1; echo x >/bin/no-such-directory/x; sleep 5; echo after) & sleep 5; echo end";
    let ran = place.jail(options, ["sh", "-c", script]);
    breach(&ran, Mode::Write, "/bin/no-such-directory/x");
    assert_eq!(ran.text(), "");
}

fn absolute_name_of_the_working_directory(place: &Place, options: &str) {
    let script = "cat {work}/inside; cd {work}/sub; cat ../inside; pwd";
    let ran = place.jail(options, ["sh", "-c", script]);
    ran.succeeds();
    assert_eq!(ran.text(), place.text("inside\ninside\n{work}/sub\n"));
}

fn nothing_is_said_to_be_enforced(place: &Place, options: &str) {
    let ran = place.jail(options, ["true"]);
    ran.succeeds();
    assert_eq!(ran.start().strength, Strength::Monitor);
    for wall in ["namespaces", "view", "landlock", "seccomp", "privileges", "network"] {
        let state = ran.start().walls.get(wall);
        let said = matches!(state, Some(Wall::Off { reason }) if reason.contains("monitor"));
        assert!(said, "{wall}: {ran}");
    }
    assert!(ran.stderr.contains("enforces nothing"), "{ran}");
    assert!(ran.lines.contains("can read and change what it likes"), "{ran}");
    let warned = ran.lines.contains(r#""kind":"root""#);
    assert_eq!(warned, place.user() == User::Root, "{ran}");
}

fn links_lead_where_they_lead(place: &Place, options: &str) {
    let ran =
        place.jail(options, ["sh", "-c", "ln -s ../outside/file l; cat l; sleep 5; echo after"]);
    breach(&ran, Mode::Read, &place.text("{work}/l"));
    assert_eq!(first(&ran).resolved, Some(place.text("{out}/file")), "{ran}");
    let ran = place.jail(options, ["sh", "-c", "cd sub; cat ../inside; cat ../../x; sleep 5"]);
    breach(&ran, Mode::Read, &place.text("{root}/x"));
    // Through a directory of the jail that is a link: the parent is not where the text says.
    let ran = place.jail(options, ["sh", "-c", "ln -s / r; cat r/etc/passwd; sleep 5; echo after"]);
    breach(&ran, Mode::Read, &place.text("{work}/r/etc/passwd"));
    assert_eq!(first(&ran).resolved.as_deref(), Some("/etc/passwd"), "{ran}");
}

fn descriptors_of_directories(place: &Place, options: &str) {
    let attempt = "keep here . O_PATH , openat here ../outside/file O_RDONLY";
    let words = ["./escape"].into_iter().chain(attempt.split(' '));
    let ran = place.jail(options, words);
    breach(&ran, Mode::Read, &place.text("{out}/file"));
}

fn changes_by_every_call(place: &Place, options: &str) {
    for (command, file) in [
        ("mkdir ../made", "{root}/made"),
        ("rmdir ../outside/empty", "{out}/empty"),
        ("ln -s x ../link", "{root}/link"),
        ("ln inside ../hard", "{root}/hard"),
        ("mv ../x .", "{root}/x"),
        ("mv inside ../moved", "{root}/moved"),
        ("rm -f ../outside/file", "{out}/file"),
        ("chmod 777 ../outside", "{out}"),
        ("chown +0 ../outside", "{out}"),
        ("touch ../outside/program", "{out}/program"),
        ("truncate -s 0 ../outside/dir/file", "{out}/dir/file"),
        ("mkfifo ../pipe", "{root}/pipe"),
    ] {
        let place = Place::new(place.user());
        let words: Vec<_> = command.split(' ').collect();
        let ran = place.jail(options, words);
        breach(&ran, Mode::Write, &place.text(file));
    }
    if by_ptrace(options) {
        assert!(place.path("{out}/empty").exists() && place.path("{root}/x").exists());
    }
}

fn sockets(place: &Place, options: &str) {
    let ran = place.jail(options, ["./escape", "connect", "{out}/stream"]);
    breach(&ran, Mode::Connect, &place.text("{out}/stream"));
    let ran = place.jail(options, ["./escape", "bind", "{root}/new-socket"]);
    breach(&ran, Mode::Bind, &place.text("{root}/new-socket"));
    let ran = place.jail(options, ["bash", "-c", "echo x >/dev/tcp/127.0.0.1/9; sleep 5"]);
    assert_eq!(first(&ran).address.as_deref(), Some("127.0.0.1:9"), "{ran}");
}

fn missing_files_are_no_jailbreak(place: &Place, options: &str) {
    let ran = place.jail(options, ["sh", "-c", "cat ../no-such /no/such 2>/dev/null; echo fine"]);
    ran.succeeds();
    assert_eq!((ran.text().as_str(), ran.exit().forgiven), ("fine\n", 0), "{ran}");
}

fn looks_are_forgiven(place: &Place, options: &str) {
    let ran = place.jail(
        options,
        ["sh", "-c", "test -e ../outside/file; ls ../outside >/dev/null; echo fine"],
    );
    ran.succeeds();
    assert!(ran.exit().forgiven >= 2, "{ran}");
    let strict = place
        .jail(&format!("{options} --strict"), ["sh", "-c", "test -e ../outside/file; sleep 5"]);
    breach(&strict, Mode::Read, &place.text("{out}/file"));
}

fn own_processes_may_be_looked_at(place: &Place, options: &str) {
    let script = "cat /proc/self/status >/dev/null; cat /proc/$$/stat >/dev/null; \
                  echo x >/dev/stdout; echo y >/dev/fd/1; cat /dev/stdin </dev/null; echo fine";
    let ran = place.jail(options, ["sh", "-c", script]);
    ran.succeeds();
    let ran = place.jail(options, ["sh", "-c", "cat /proc/1/cmdline; sleep 5"]);
    breach(&ran, Mode::Read, "/proc/1/cmdline");
}

fn temporary_files(place: &Place, options: &str) {
    let script = "f=$(mktemp) && echo x >$f && cat $f && echo $TMPDIR";
    let ran = place.jail(options, ["sh", "-c", script]);
    ran.succeeds();
    let text = ran.text();
    let directory = text.lines().last().unwrap();
    assert!(directory.starts_with("/tmp/jailkeeper-"), "{ran}");
    assert!(!std::path::Path::new(directory).exists(), "{ran}");
    // The host's own is outside.
    let ran = place.jail(options, ["sh", "-c", "echo x >/tmp/no-such-directory/x; sleep 5"]);
    breach(&ran, Mode::Write, "/tmp/no-such-directory/x");
}

fn background_children_die(place: &Place, options: &str) {
    let script = "(while :; do echo x >>ticks; sleep 0.01; done) & sleep 0.2; \
                  cat ../x; sleep 5; cp ticks after";
    let ran = place.jail(options, ["sh", "-c", script]);
    breach(&ran, Mode::Read, &place.text("{root}/x"));
    assert!(!place.path("{work}/after").exists());
    let ticks = std::fs::read(place.path("{work}/ticks")).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert_eq!(std::fs::read(place.path("{work}/ticks")).unwrap(), ticks);
}

fn daemons_die(place: &Place, options: &str) {
    let ran =
        place.jail(options, ["sh", "-c", "./escape daemon {work}/late 600; cat ../x; sleep 5"]);
    breach(&ran, Mode::Read, &place.text("{root}/x"));
    std::thread::sleep(std::time::Duration::from_millis(900));
    assert!(!place.path("{work}/late").exists(), "the daemon outlived its jail");
}

fn bomb_at_a_jailbreak(place: &Place, options: &str) {
    let ran = place.jail(options, ["sh", "-c", "./escape bomb 100; cat ../x; sleep 5; echo after"]);
    breach(&ran, Mode::Read, &place.text("{root}/x"));
    assert!(!ran.text().contains("after"), "{ran}");
}

fn processes_that_are_left_at_the_end_die(place: &Place, options: &str) {
    let ran = place.jail(options, ["sh", "-c", "sleep 20 & (setsid sleep 20 &); exit 3"]);
    ran.ends_with(3);
    assert_eq!((ran.exit().code, ran.exit().jailbreak), (Some(3), false));
}

/// While nine stop at each of their calls, their parent is heard as well.
fn busy_children_starve_nobody(place: &Place, options: &str) {
    let script = "for i in 1 2 3 4 5 6 7 8 9; do dd if=/dev/zero of=/dev/null bs=1 2>/dev/null & done; \
                  for i in 1 2 3 4 5 6 7 8 9; do true | true; done; cat ../x; sleep 5; echo after";
    let ran = place.jail(options, ["sh", "-c", script]);
    breach(&ran, Mode::Read, &place.text("{root}/x"));
    assert!(!ran.text().contains("after"), "{ran}");
}

fn wall_time(place: &Place, options: &str) {
    let options = format!("{options} --wall-time 300ms");
    let ran = place.jail(&options, ["sh", "-c", "sleep 20 & sleep 20"]);
    ran.ends_with(121);
    assert_eq!(ran.exit().limit.as_deref(), Some("wall-time"), "{ran}");
}

fn own_status(place: &Place, options: &str) {
    place.jail(options, ["sh", "-c", "exit 7"]).ends_with(7);
    let ran = place.jail(options, ["sh", "-c", "kill -TERM $$"]);
    ran.ends_with(128 + 15);
    assert_eq!(ran.exit().signal.as_deref(), Some("SIGTERM"), "{ran}");
}

fn missing_command(place: &Place, options: &str) {
    place.jail(options, ["no-such-command"]).ends_with(127);
    place.jail(options, ["./inside"]).ends_with(126);
}

fn command_outside(place: &Place, options: &str) {
    let ran = place.jail(options, ["../outside/program"]);
    breach(&ran, Mode::Execute, &place.text("{out}/program"));
    if by_ptrace(options) {
        ran.leaks_nothing();
    }
}

fn log_lets_everything_happen(place: &Place, options: &str) {
    let ran = place.jail(&format!("{options} --on-jailbreak log"), ["cat", "../x"]);
    ran.ends_with(0);
    assert!(ran.leaks());
    let logged: Vec<_> = ran.breaches().map(|breach| breach.action).collect();
    assert_eq!(logged, [ActionTaken::Logged], "{ran}");
    let ran = place.jail(&format!("{options} --on-jailbreak deny"), ["true"]);
    ran.ends_with(125);
    assert!(ran.stderr.contains("refuses nothing"), "{ran}");
}

fn environment(place: &Place, options: &str) {
    let mut command = place.jail_command(&format!("{options} --env GIVEN=1"), ["env"]);
    command.env("SECRET_TOKEN", "x");
    let ran = Ran::of(place, command);
    ran.succeeds();
    let text = ran.text();
    assert!(text.contains("GIVEN=1\n") && text.contains("SHELL=/bin/sh\n"), "{ran}");
    assert!(!text.contains("SECRET_TOKEN") && !text.contains("jailkeeper_go"), "{ran}");
}

fn descriptors_are_not_left_open(place: &Place, options: &str) {
    let script = format!(
        "exec 5>$PLACE/state/five 7<$PLACE/x
         $JAILKEEPER run {options} --quiet --pass-fd 5 -- sh -c 'echo through >&5; ls /proc/self/fd'"
    );
    let ran = place.script(&script);
    ran.ends_with(0);
    // The last one is that of `ls` itself.
    assert_eq!(ran.text(), "0\n1\n2\n3\n5\n", "{ran}");
    assert_eq!(std::fs::read_to_string(place.path("{state}/five")).unwrap(), "through\n");
}

fn threads(place: &Place, options: &str) {
    let ran = place.jail(options, ["./escape", "thread", "open", "{out}/file", "O_RDONLY"]);
    breach(&ran, Mode::Read, &place.text("{out}/file"));
}

fn odd_names(place: &Place, options: &str) {
    let name = "{root}/\u{1b}[2J\"clear\nerror: <fine> \u{e4}";
    place.write(name, "x", 0o644);
    let ran = place.jail(options, ["cat", name]);
    breach(&ran, Mode::Read, &place.text(name));
    assert!(!ran.stderr.contains('\u{1b}') && !ran.stderr.contains("\nerror"), "{ran}");
    let inside = "{work}/a <b> \"c\"\n\\d";
    place.write(inside, "odd\n", 0o644);
    assert_eq!(place.jail(options, ["cat", inside]).succeeds().text(), "odd\n");
}

fn state_in_a_writable_tree(place: &Place, options: &str) {
    let script = format!("$JAILKEEPER run {options} --report ./report -- true");
    let ran = place.script(&script);
    ran.ends_with(125);
    assert!(!place.path("{work}/report").exists(), "{ran}");
}

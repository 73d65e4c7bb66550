//! Attaching walls to processes that run already: all of a process is caught, it goes on in what it
//! was doing, and its first attempt to get out is its end.
//!
//! Each target says that it is there (`ready`), waits for a word (`go`), and then reads the secret.
//! Each has a control run in which nobody attaches and the secret comes out.

use jailkeeper_model::{Mode, Strength};
use jailkeeper_testkit::{Place, Ran, User, needs};
use std::time::Duration;

/// Makes tests of a function that takes a place: as root and as an ordinary user.
macro_rules! attached {
    ($($name:ident $([$($need:tt),+])?;)*) => {
        $(mod $name {
            use super::*;

            #[test]
            fn root() {
                needs![root $($(, $need)+)?];
                super::$name(&Place::new(User::Root).for_at_most(Duration::from_secs(120)));
            }

            #[test]
            fn ordinary() {
                needs![root $($(, $need)+)?];
                super::$name(&Place::new(User::Ordinary).for_at_most(Duration::from_secs(120)));
            }
        })*
    };
}
pub(crate) use attached;

attached! {
    shell_loop;
    children_that_were_there;
    python_with_threads [python3];
    a_thousand_threads [python3];
    node_with_workers [node];
    java [java];
    go [go];
    forking_as_fast_as_it_can;
    vfork_all_the_time [python3];
    results_of_waiting [python3];
    the_time_that_is_left [python3];
    own_status;
    denied_and_going_on;
    questions [python3];
    bomb;
    signals;
    group_signals;
    wall_time;
    ended_supervisor;
    killed_supervisor [python3];
    the_root_ends;
    stopped_process;
}

/// Starts a target from the file `target`, attaches to it when it is ready, and gives it the word
/// when the walls stand. Prints the target's own status at the end.
const RUN: &str = r#"
$TARGET </dev/null & pid=$!
until [ -e ready ]; do sleep 0.02; kill -0 $pid || exit 98; done
if [ -n "$ATTACH" ]; then
    $JAILKEEPER attach $OPTIONS --events $PLACE/state/events --report $PLACE/state/report $pid & jail=$!
    until grep -q '"event":"start"' $PLACE/state/events 2>/dev/null; do
        sleep 0.02; kill -0 $jail 2>/dev/null || break
    done
    BETWEEN
    echo >go
    wait $jail; status=$?
else
    echo >go; status=0
fi
wait $pid; echo "target $?"
wait; n=0
# Orphans belong to the first process, which reaps them in its own time.
while [ $n -lt 200 ] && grep -qs '^State:.Z' /proc/[0-9]*/status; do sleep 0.02; n=$((n+1)); done
exit $status
"#;

/// Runs a target with `jailkeeper attach` and these options, or without.
pub(crate) fn run(place: &Place, target: &str, options: Option<&str>, between: &str) -> Ran {
    for file in ["ready", "go"] {
        let _ = std::fs::remove_file(place.path("{work}").join(file));
    }
    let attach = if options.is_some() { "yes" } else { "" };
    let options = place.text(options.unwrap_or_default());
    let script = RUN.replace("BETWEEN", between);
    place.script(&format!("TARGET='{target}' ATTACH={attach} OPTIONS='{options}'\n{script}"))
}

/// Asserts that a target runs on when it is attached to, and dies at its attempt with one event; and
/// that without being attached to it gets the secret.
#[track_caller]
fn dies(place: &Place, target: &str, options: &str) -> Ran {
    let alone = run(place, target, None, "");
    assert!(alone.leaks(), "the control: {alone}");
    let ran = run(place, target, Some(options), "");
    let breach = ran.breach();
    assert_eq!((breach.mode, breach.file.as_deref()), (Mode::Read, Some(&*place.text("{root}/x"))));
    ran.leaks_nothing();
    assert!(ran.text().contains("target 137\n"), "it lives: {ran}");
    assert_eq!(ran.start().strength, Strength::Flat);
    ran
}

/// A script that waits for the word.
const WAIT: &str = "echo >ready; until [ -e go ]; do sleep 0.01; done";

fn shell(place: &Place, script: &str) -> &'static str {
    place.write("{work}/target", script, 0o644);
    "sh target"
}

fn python(place: &Place, script: &str) -> &'static str {
    let script = format!(
        "import ctypes, os, select, socket, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
def go():
    while not os.path.exists('go'): time.sleep(0.01)
def ready(): open('ready', 'w').close()
def secret():
    print(open('../x').read(), flush=True)
{script}"
    );
    place.write("{work}/target", script, 0o644);
    "python3 target"
}

fn shell_loop(place: &Place) {
    let script =
        format!("echo before >ticks; {WAIT}; echo ticked >>ticks; cat ticks; cat ../x; echo after");
    let target = shell(place, &script);
    let ran = dies(place, target, "");
    assert_eq!(ran.text(), "before\nticked\ntarget 137\n", "it went on inside: {ran}");
    let breach = ran.breach();
    assert!(breach.program.ends_with("/cat"), "{ran}");
    // Only what is in the jail is among the ancestors.
    assert_eq!(breach.ancestors.len(), 1, "{ran}");
    assert_eq!(ran.start().command, ["sh", "target"]);
}

/// What was forked before is attached to as well.
fn children_that_were_there(place: &Place) {
    let script = format!("(trap '' TERM; {WAIT}; cat ../x; echo after) & wait; wait");
    let target = shell(place, &script);
    let ran = dies(place, target, "");
    assert!(!ran.text().contains("after"), "{ran}");
}

fn python_with_threads(place: &Place) {
    let script = "def work():
    go(); secret()
threads = [threading.Thread(target=work) for _ in range(12)]
[thread.start() for thread in threads]; ready(); [thread.join() for thread in threads]";
    let target = python(place, script);
    dies(place, target, "");
}

/// A thousand threads; all of them try, and the first one that does is the end.
fn a_thousand_threads(place: &Place) {
    let script = "threading.stack_size(64 * 1024)
word = threading.Event()
def work():
    word.wait(); secret()
threads = [threading.Thread(target=work) for _ in range(1000)]
[thread.start() for thread in threads]; ready(); go(); word.set(); [thread.join() for thread in threads]";
    let target = python(place, script);
    dies(place, target, "");
}

fn node_with_workers(place: &Place) {
    let script = "const { Worker, isMainThread } = require('worker_threads'); const fs = require('fs');
const wait = () => { if (fs.existsSync('go')) console.log(fs.readFileSync('../x', 'utf8')); else setTimeout(wait, 10); };
if (isMainThread) {
  let online = 0;
  for (let i = 0; i < 4; i++) new Worker(__filename).on('online', () => { if (++online === 4) fs.writeFileSync('ready', ''); });
  setInterval(() => {}, 1000).unref();
} else wait();";
    place.write("{work}/target.js", script, 0o644);
    dies(place, "node target.js", "");
}

fn java(place: &Place) {
    let script = "import java.nio.file.*;
public class Target {
  static void work() {
    try {
      while (!Files.exists(Path.of(\"go\"))) Thread.sleep(10);
      System.out.println(Files.readString(Path.of(\"../x\")));
    } catch (Exception e) { System.out.println(e); }
  }
  public static void main(String[] words) throws Exception {
    for (int i = 0; i < 8; i++) new Thread(Target::work).start();
    Thread.sleep(300);
    Files.createFile(Path.of(\"ready\"));
  }
}";
    place.write("{work}/Target.java", script, 0o644);
    // Without a file of statistics in /tmp that is mapped for writing.
    let target = "java -XX:-UsePerfData -Xmx64m -Djava.io.tmpdir=. Target.java";
    dies(place, target, "");
}

/// A runtime that makes its calls itself, moves its programs between threads, and interrupts these by
/// signals all the time.
fn go(place: &Place) {
    let script = "package main
import (\"fmt\"; \"os\"; \"time\")
func work(turns chan int) {
    for n := 0; ; n++ {
        if _, err := os.Stat(\"go\"); err == nil { break }
        if n % 100 == 0 { time.Sleep(time.Millisecond) }
    }
    turns <- 1
    text, err := os.ReadFile(\"../x\")
    fmt.Println(string(text), err)
}
func main() {
    turns := make(chan int)
    for i := 0; i < 8; i++ { go work(turns) }
    time.Sleep(50 * time.Millisecond)
    os.WriteFile(\"ready\", nil, 0644)
    for i := 0; i < 8; i++ { <-turns }
    time.Sleep(time.Second)
}
";
    place.write("{work}/target.go", script, 0o644);
    let made = "env GOCACHE={work}/cache GO111MODULE=off go build -o target-go target.go";
    let _ = place.free(made.split(' ')).ends_with(0);
    dies(place, "./target-go", "");
}

/// What the policy asks about is answered through the event channel, while the program waits; what
/// is allowed is handed over, and what is not named anywhere is denied.
fn questions(place: &Place) {
    let driver = r#"
import json, os, socket, subprocess, sys, time
target = subprocess.Popen(["sh", "-c", "echo >ready; until [ -e go ]; do sleep 0.01; done\n"
    "cat ../x; cat ../x; cat ../outside/file; cat ../outside/dir/file; mkdir ../new; echo >../outside/program"])
while not os.path.exists("ready"): time.sleep(0.01)
ours, theirs = socket.socketpair()
os.set_inheritable(theirs.fileno(), True)
command = [os.environ["JAILKEEPER"], "attach", "--quiet", "--on-jailbreak", "ask", "--ask", "events",
           "--events", "fd:%d" % theirs.fileno(), str(target.pid)]
keeper = subprocess.Popen(command, close_fds=False)
theirs.close()
answers = iter(sys.argv[1:])
for line in ours.makefile():
    event = json.loads(line)
    if event["event"] == "start":
        open("go", "w").close()
    if event["event"] == "question":
        answer = {"v": 1, "question": event["question"], "answer": next(answers, "deny")}
        ours.sendall((json.dumps(answer) + "\n").encode())
    if event["event"] == "jailbreak":
        print(event["action"], event.get("answer"), os.path.basename(event["file"]), flush=True)
print(target.wait(), keeper.wait())
"#;
    place.write("{state}/ask.py", driver, 0o644);
    let words = ["python3", "{state}/ask.py", "allow-run", "allow-once", "deny", "kill"];
    let ran = place.free(words);
    let text = ran.text();
    let said: Vec<&str> = text.lines().filter(|line| !line.contains(place.secret())).collect();
    let expected = [
        "asked allow-run x",
        "asked allow-once file",
        "denied deny file",
        "denied None new",
        "killed kill program",
        "-9 120",
    ];
    assert_eq!(said, expected, "{ran}");
    assert_eq!(text.matches(place.secret()).count(), 3, "two answers let three reads pass: {ran}");
    assert!(!place.path("{root}/new").exists(), "{ran}");
}

/// Bounded: 4 loops of 2,000 forks.
fn forking_as_fast_as_it_can(place: &Place) {
    let round = "i=0; while [ $i -lt 2000 ] && ! [ -e go ]; do (:); /bin/true; i=$((i+1)); done";
    let script = format!(
        "for n in 1 2 3; do ({round}) & done; echo >ready; {round}; {WAIT}; cat ../x; echo after"
    );
    let target = shell(place, &script);
    dies(place, target, "");
}

/// Children that run in their parent's memory while it waits for them. Bounded.
fn vfork_all_the_time(place: &Place) {
    let script = "import subprocess
def work():
    for _ in range(400):
        if os.path.exists('go'): break
        subprocess.run(['/bin/true'], close_fds=False)
threads = [threading.Thread(target=work) for _ in range(3)]
[thread.start() for thread in threads]; time.sleep(0.1); ready(); go()
[thread.join() for thread in threads]; subprocess.run(['/bin/echo', 'made']); secret()";
    let target = python(place, script);
    let ran = dies(place, target, "");
    assert!(ran.text().contains("made\n"), "{ran}");
}

/// Calls in which threads wait without end go on, and give what they would have given. They are
/// made past Python, which would begin anew by itself.
fn results_of_waiting(place: &Place) {
    let script = "r, w = os.pipe(); e = select.epoll(); e.register(r, select.EPOLLIN)
event = ctypes.create_string_buffer(12); word = ctypes.c_int(7)
os.path.exists('sock') and os.unlink('sock')
s = socket.socket(socket.AF_UNIX); s.bind('sock'); s.listen(1)
r2, w2 = os.pipe(); byte = ctypes.create_string_buffer(1); child = os.fork()
if child == 0: os.read(r2, 1); os._exit(5)
status = ctypes.c_int(0); r3, w3 = os.pipe()
calls = dict(
    epoll=lambda: libc.epoll_wait(e.fileno(), event, 1, -1),
    futex=lambda: libc.syscall(202, ctypes.byref(word), 0, 7, None) + 1,
    accept=lambda: int(libc.accept(s.fileno(), None, None) > 2),
    read=lambda: libc.read(r3, byte, 1),
    wait=lambda: int(libc.waitpid(child, ctypes.byref(status), 0) == child))
got = {}
def work(name):
    result = calls[name](); got[name] = (result, ctypes.get_errno() if result < 0 else 0)
threads = [threading.Thread(target=work, args=(name,)) for name in calls]
[thread.start() for thread in threads]; time.sleep(0.3); ready(); go(); early = dict(got)
os.write(w, b'x'); libc.syscall(202, ctypes.byref(word), 1, 1)
c = socket.socket(socket.AF_UNIX); c.connect('sock'); os.write(w3, b'x'); os.write(w2, b'x')
[thread.join() for thread in threads]; print(early, sorted(got.items()), status.value >> 8, flush=True); secret()";
    let target = python(place, script);
    let ran = dies(place, target, "");
    let expected = "{} [('accept', (1, 0)), ('epoll', (1, 0)), ('futex', (1, 0)), ('read', (1, 0)), ('wait', (1, 0))] 5\n";
    assert!(ran.text().starts_with(expected), "{ran}");
}

/// Calls with a time-out go on for the time that is left: attaching comes half a second after they
/// began, and they would take half a second longer if they began anew.
fn the_time_that_is_left(place: &Place) {
    let script = "class Time(ctypes.Structure): _fields_ = [('s', ctypes.c_long), ('n', ctypes.c_long)]
two = Time(2, 0); word = ctypes.c_int(7); e = select.epoll()
calls = dict(
    nanosleep=lambda: libc.nanosleep(ctypes.byref(two), None),
    poll=lambda: libc.poll(None, 0, 2000),
    futex=lambda: libc.syscall(202, ctypes.byref(word), 0, 7, ctypes.byref(two)),
    python=lambda: len(e.poll(2)))
got = {}
def work(name):
    begin = time.monotonic(); result = calls[name]()
    error = ctypes.get_errno() if result < 0 else 0
    got[name] = (result, error, time.monotonic() - begin)
threads = [threading.Thread(target=work, args=(name,)) for name in calls]
[thread.start() for thread in threads]; time.sleep(1); ready(); [thread.join() for thread in threads]
print(sorted((name, result, error) for name, (result, error, took) in got.items()))
print('slow' if max(took for _, _, took in got.values()) > 2.8 else 'in time')
print('early' if min(took for _, _, took in got.values()) < 1.9 else 'not early', flush=True)
go(); secret()";
    let target = python(place, script);
    let between = "sleep 1.5";
    let alone = run(place, target, None, "");
    assert!(alone.leaks(), "the control: {alone}");
    let ran = run(place, target, Some(""), between);
    ran.breach();
    let expected = "[('futex', -1, 110), ('nanosleep', 0, 0), ('poll', 0, 0), ('python', 0, 0)]\nin time\nnot early\n";
    assert!(ran.text().starts_with(expected), "{ran}");
    ran.leaks_nothing();
}

fn own_status(place: &Place) {
    let target = shell(place, &format!("{WAIT}; cat inside; exit 7"));
    let ran = run(place, target, Some(""), "");
    assert_eq!(ran.ends_with(7).text(), "inside\ntarget 7\n", "{ran}");
    assert_eq!(ran.exit().code, Some(7));
    assert_eq!(ran.breaches().count(), 0, "{ran}");
}

fn denied_and_going_on(place: &Place) {
    let script =
        format!("{WAIT}; cat ../x; echo x >../made; mkdir d && echo new >d/f && cat d/f; exit 3");
    let target = shell(place, &script);
    let ran = run(place, target, Some("--on-jailbreak deny --quiet"), "");
    assert_eq!(ran.ends_with(3).text(), "new\ntarget 3\n", "{ran}");
    ran.leaks_nothing();
    assert_eq!(ran.breaches().count(), 2, "{ran}");
    assert!(!place.path("{root}/made").exists());
}

/// Processes that double-fork into sessions of their own die before `exit` is written, whoever adopts
/// them.
fn bomb(place: &Place) {
    let script = format!("{WAIT}; ./escape bomb 200; cat ../x; echo after");
    let target = shell(place, &script);
    let alone =
        place.script("./escape bomb 200; sleep 0.2; cat /proc/[0-9]*/comm | grep -c escape");
    assert_eq!(alone.text().lines().last(), Some("200"), "the control: {alone}");
    place.write("{work}/count", COUNT_AT_EXIT, 0o644);
    let ran = run(place, target, Some(""), "sh count & counter=$!");
    let _ = ran.breach();
    let counted = std::fs::read_to_string(place.path("{work}/counted")).unwrap();
    assert_eq!(counted, "alive 0\n", "{ran}");
    assert!(!ran.text().contains("after"), "{ran}");
    assert!(ran.events.iter().all(|event| !format!("{event:?}").contains("survivors")), "{ran}");
}

/// Counts what is alive at the moment in which the exit event is there. Who is reaped between two
/// looks has no status.
const COUNT_AT_EXIT: &str = r#"
until grep -q '"event":"exit"' $PLACE/state/events; do :; done
alive=0
for process in /proc/[0-9]*; do
    read -r name <$process/comm && [ "$name" = escape ] || continue
    case $(cat $process/stat) in ''|*") Z "*|*") X "*) ;; *) alive=$((alive + 1));; esac
done 2>/dev/null
echo "alive $alive" >counted
"#;

/// Signals reach what is in the jail and nothing else.
fn signals(place: &Place) {
    let script = format!(
        "sleep 30 & child=$!; read -r stranger <stranger; {WAIT}
        kill -0 $stranger 2>/dev/null && echo reached; kill -TERM $stranger 2>/dev/null
        kill -TERM $child && wait $child; echo child $?
        sleep 30 & kill -9 $!; wait $!; echo new $?; kill -9 -1 2>/dev/null; echo alive"
    );
    place.write("{work}/inner", script, 0o644);
    let script = "sleep 60 & echo $! >stranger; sh inner & inner=$!; wait $inner; \
                  kill -0 $(cat stranger) && echo stranger lives; kill $(cat stranger)";
    place.write("{work}/outer", script, 0o644);
    // What is attached to is the inner shell; the stranger is its sibling.
    let script = "sh outer </dev/null & outer=$!
        until [ -e ready ]; do sleep 0.02; done
        pid=$(cat /proc/$outer/task/$outer/children); for p in $pid; do
            grep -q inner /proc/$p/cmdline && pid=$p
        done
        $JAILKEEPER attach --events $PLACE/state/events --report $PLACE/state/report $pid & jail=$!
        until grep -q start $PLACE/state/events 2>/dev/null; do sleep 0.02; kill -0 $jail || break; done
        echo >go; wait $jail; echo status $?; wait $outer";
    let ran = place.script(script);
    let text = ran.text();
    assert!(text.starts_with("child 143\nnew 137\nalive\n"), "{ran}");
    assert!(text.contains("stranger lives\n") && text.contains("status 0\n"), "{ran}");
}

/// A signal to the own process group reaches those of it that are in the jail.
fn group_signals(place: &Place) {
    let script = "import signal
signal.signal(signal.SIGUSR1, lambda *_: print('mine', flush=True))
child = os.fork()
if child == 0:
    signal.signal(signal.SIGUSR1, lambda *_: (print('child', flush=True), os._exit(0)))
    time.sleep(30)
ready(); go(); os.kill(0, signal.SIGUSR1); os.waitpid(child, 0); time.sleep(0.1)";
    let target = python(place, script);
    // The script that started the target is in the same group, and would die of the signal.
    let ran = run(place, target, Some(""), "");
    let text = ran.ends_with(0).text();
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["child", "mine", "target 0"], "{ran}");
}

fn wall_time(place: &Place) {
    let target = shell(place, &format!("{WAIT}; sleep 30; echo after"));
    let ran = run(place, target, Some("--wall-time 1s"), "");
    assert_eq!(ran.ends_with(121).text(), "target 137\n", "{ran}");
}

/// Who ends `jailkeeper attach` by a signal that it can hear ends what it is attached to.
fn ended_supervisor(place: &Place) {
    let target = shell(place, &format!("{WAIT}; sleep 30; echo after"));
    let ran = run(place, target, Some(""), "kill -TERM $jail");
    assert_eq!(ran.ends_with(137).text(), "target 137\n", "{ran}");
    assert_eq!(ran.exit().signal.as_deref(), Some("SIGKILL"));
}

/// A supervisor that is killed takes its answers along: nothing can be opened any more.
fn killed_supervisor(place: &Place) {
    let script = "ready(); go()
for path in ('inside', '../x'):
    try:
        print(open(path).read())
    except OSError as error:
        print(error.errno, flush=True)";
    let target = python(place, script);
    let ran = run(place, target, Some(""), "kill -KILL $jail; wait $jail");
    ran.leaks_nothing();
    assert!(ran.text().starts_with("38\n38\n"), "{ran}");
}

/// The end of the process is the end of what it has left behind.
fn the_root_ends(place: &Place) {
    let script = format!("{WAIT}; (trap '' HUP TERM; sleep 1; echo late >late) & exit 4");
    let target = shell(place, &script);
    let ran = run(place, target, Some(""), "");
    ran.ends_with(4);
    std::thread::sleep(Duration::from_millis(1200));
    assert!(!place.path("{work}/late").exists());
}

/// What job control had stopped stays stopped, has its walls, and goes on when it is woken.
fn stopped_process(place: &Place) {
    let script = format!("{WAIT}; cat inside; cat ../x; echo after");
    let target = shell(place, &script);
    let between = "echo >go; sleep 0.3; [ -s said ] && echo early; kill -CONT $pid";
    let script = RUN.replace("if [ -n", "kill -STOP $pid\nif [ -n").replace("BETWEEN", between);
    let ran = place.script(&format!("TARGET='{target}' ATTACH=yes OPTIONS=''\n{script}"));
    let _ = ran.breach();
    ran.leaks_nothing();
    assert_eq!(ran.text(), "inside\ntarget 137\n", "{ran}");
}

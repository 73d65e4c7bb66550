//! Strength `monitor` with the tracers of other systems: a program replays what they would write
//! around a real process, so that everything but the tracer itself is the real thing.

use jailkeeper_model::{Mode, Strength};
use jailkeeper_testkit::{Place, Ran, User, replay_binary};

/// What a tracer would write: of the start, and of a child that goes up and reads a file there.
struct Words {
    dialect: &'static str,
    stops: &'static str,
    executes: &'static str,
    inside: &'static str,
    breaks_out: &'static str,
    fork: &'static str,
}

const ILLUMOS: Words = Words {
    dialect: "illumos-truss",
    stops: "{pid}:\tkill({pid}, SIGSTOP)\t\t\t\t= 0",
    executes: "{pid}:\texecve(\"/usr/bin/sh\", 0x08047D94, 0x08047DA0)  argc = 3",
    inside: "{pid}:\topenat64(AT_FDCWD, \"inside\", O_RDONLY)\t\t= 3\n{pid}:\tclose(3)\t\t\t\t\t= 0",
    breaks_out: "{child}:\tchdir(\"..\")\t\t\t\t\t= 0\n{child}:\topen64(\"x\", O_RDONLY)\t\t\t\t= 3",
    fork: "{pid}:\tforkx(0)\t\t\t\t\t= {child}\n{child}:\tforkx()\t\t(returning as child ...)\t= {pid}",
};

const SOLARIS: Words = Words {
    dialect: "solaris-truss",
    stops: "{pid}:\tkill({pid}, SIGSTOP)\t\t\t\t= 0",
    executes: "{pid}:\texecve(\"/usr/bin/sh\", 0xFFBEEC6C, 0xFFBEEC74)  argc = 3",
    inside: "{pid}:\topen64(\"inside\", O_RDONLY)\t\t\t= 3",
    breaks_out: "{child}:\topen(\"..\", O_RDONLY|O_NDELAY|O_LARGEFILE)\t\t= 4\n{child}:\tfchdir(4)\t\t\t\t\t= 0\n{child}:\topen(\"x\", O_RDONLY)\t\t\t\t= 5",
    fork: "{pid}:\tvfork()\t\t\t\t\t\t= {child}\n{child}:\tvfork()\t\t(returning as child ...)\t= {pid}",
};

const FREEBSD: Words = Words {
    dialect: "freebsd-truss",
    stops: "{pid}: kill({pid},SIGSTOP)\t\t\t = 0 (0x0)",
    executes: "{pid}: execve(\"/bin/sh\",[ \"sh\", \"-c\" ],[ \"HOME=/\" ])\t EJUSTRETURN",
    inside: "{pid}: openat(AT_FDCWD,\"inside\",O_RDONLY,00)\t = 3 (0x3)",
    breaks_out: "{child}: chdir(\"..\")\t\t\t\t = 0 (0x0)\n{child}: open(\"x\",O_RDONLY,00)\t\t\t = 3 (0x3)",
    fork: "{child}: <new process>\n{pid}: fork()\t\t\t\t\t = {child} (0x10e9)",
};

const DTRUSS: Words = Words {
    dialect: "dtruss",
    stops: "{pid}/0x1a2b:  kill(0x1, 0x11, 0x1)\t\t = 0 0",
    executes: "{pid}/0x1a2b:  execve(\"/bin/sh\\0\", 0x7FF7B2A0, 0x7FF7B2B0)\t\t = -2 Err#-2",
    inside: "{pid}/0x1a2b:  open_nocancel(\"inside\\0\", 0x0, 0x1B6)\t\t = 3 0",
    breaks_out: "{child}/0x1a2c:  chdir(\"..\\0\", 0x0, 0x0)\t\t = 0 0\n{child}/0x1a2c:  open(\"x\\0\", 0x0, 0x1B6)\t\t = 3 0",
    fork: "{pid}/0x1a2b:  fork()\t\t = {child} 0\n{child}/0x1a2c:  fork()\t\t = 0 0",
};

/// A command with a child that reads a file outside; then both wait.
const COMMAND: &str = "(cat ../x >/dev/null; touch read; sleep 20) & sleep 20; touch after";

impl Words {
    /// Makes the tracer, a script as dtruss is one, and returns the option that names it.
    fn tracer(&self, place: &Place, begin: &str, end: &str) -> String {
        let transcript = [begin, self.inside, "@child", self.fork, "@until {work}/read", end];
        let transcript = place.text(&transcript.join("\n"));
        place.write("{state}/transcript", transcript, 0o644);
        std::fs::copy(replay_binary(), place.path("{state}/replay")).unwrap();
        let script = "#!/bin/sh\nexec {state}/replay {state}/transcript \"$@\"\n";
        place.write("{state}/tracer", place.text(script), 0o755);
        format!("--strength monitor --tracer {}={}", self.dialect, place.text("{state}/tracer"))
    }

    fn run(&self, end: &str) -> (Place, Ran) {
        let place = Place::new(User::Ordinary);
        let begin = format!("@stops {}\n{}", self.stops, self.executes);
        let options = self.tracer(&place, &begin, end);
        let ran = place.jail(&options, ["sh", "-c", COMMAND]);
        (place, ran)
    }

    fn a_jailbreak_of_a_child_ends_all(&self) {
        let (place, ran) = self.run(self.breaks_out);
        let breach = ran.breach();
        assert_eq!(
            (breach.mode, &breach.file),
            (Mode::Read, &Some(place.text("{root}/x"))),
            "{ran}"
        );
        assert_eq!(breach.operation, "open", "{ran}");
        assert_eq!(ran.start().strength, Strength::Monitor);
        assert_ne!(breach.pid, ran.start().pid, "it was the child: {ran}");
        let killing = ran.exit().killing;
        assert!(killing.is_some_and(|seconds| (0.0..5.0).contains(&seconds)), "{ran}");
        assert!(!place.path("{work}/after").exists());
    }

    fn an_innocent_command_lives_by_its_rules(&self) {
        let place = Place::new(User::Ordinary);
        let begin = format!("@stops {}\n{}", self.stops, self.executes);
        let options = self.tracer(&place, &begin, "");
        let ran = place.jail(&options, ["sh", "-c", "cat inside & wait; touch read; exit 3"]);
        ran.ends_with(3);
        assert_eq!((ran.breaches().count(), ran.text().as_str()), (0, "inside\n"), "{ran}");
    }

    fn attached_to_a_running_process(&self) {
        let place = Place::new(User::Ordinary);
        let options = self.tracer(&place, "", self.breaks_out);
        let script = format!(
            "sh -c '{COMMAND}' & pid=$!; sleep 0.2
             $JAILKEEPER attach {options} --events $PLACE/state/events $pid; status=$?
             wait $pid; exit $status"
        );
        let ran = place.script(&script);
        ran.ends_with(120);
        let breach = ran.breaches().next().unwrap();
        assert_eq!(breach.file, Some(place.text("{root}/x")), "{ran}");
        assert_eq!(ran.start().strength, Strength::Monitor);
        assert!(!place.path("{work}/after").exists());
    }

    /// A tracer that tells nothing of the process is no tracer, and nothing runs.
    fn a_tracer_that_fails_runs_nothing(&self) {
        let place = Place::new(User::Ordinary);
        place.write("{state}/tracer", "#!/bin/sh\necho not permitted >&2\nexit 1\n", 0o755);
        let tracer = place.text("{state}/tracer");
        let options = format!("--strength monitor --tracer {}={tracer}", self.dialect);
        let ran = place.jail(&options, ["touch", "ran"]);
        ran.ends_with(125);
        assert!(ran.stderr.contains("not permitted"), "{ran}");
        assert!(!place.path("{work}/ran").exists());
    }

    /// Who watches is gone: then nobody may run.
    fn a_tracer_that_dies_ends_all(&self) {
        let place = Place::new(User::Ordinary);
        let begin = format!("@stops {}\n{}", self.stops, self.executes);
        let options = self.tracer(&place, &begin, "");
        let script = "#!/bin/sh\nexec timeout 1 {state}/replay {state}/transcript \"$@\"\n";
        place.write("{state}/tracer", place.text(script), 0o755);
        let ran = place.jail(&options, ["sh", "-c", "sleep 20 & sleep 20; touch after"]);
        assert_eq!(ran.leftovers, "", "{ran}");
        assert!(ran.lines.contains("tracer-lost"), "{ran}");
        assert!(!place.path("{work}/after").exists());
    }
}

macro_rules! dialects {
    ($($name:ident: $words:expr;)*) => {
        $(mod $name {
            use super::*;

            #[test]
            fn jailbreak() {
                $words.a_jailbreak_of_a_child_ends_all();
            }

            #[test]
            fn innocent() {
                $words.an_innocent_command_lives_by_its_rules();
            }

            #[test]
            fn attached() {
                $words.attached_to_a_running_process();
            }

            #[test]
            fn failing() {
                $words.a_tracer_that_fails_runs_nothing();
            }

            #[test]
            fn dying() {
                $words.a_tracer_that_dies_ends_all();
            }
        })*
    };
}

dialects! {
    illumos: ILLUMOS;
    solaris: SOLARIS;
    freebsd: FREEBSD;
    dtruss: DTRUSS;
}

/// The same by the tracers that Linux has, on a process that runs already.
#[test]
fn attached_on_linux() {
    for tracer in ["strace", "ptrace"] {
        for user in [User::Root, User::Ordinary] {
            if !jailkeeper_testkit::are_met(&["root", "strace"]) {
                return;
            }
            let place = Place::new(user);
            let script = format!(
                "(sleep 0.6; cd sub; cat ../inside; cat ../../x; sleep 20) & pid=$!; sleep 0.2
                 $JAILKEEPER attach --strength monitor --tracer {tracer} --events $PLACE/state/events \
                 $pid; status=$?; wait $pid; exit $status"
            );
            let ran = place.script(&script);
            ran.ends_with(120);
            let breach = ran.breaches().next().unwrap();
            assert_eq!(breach.file, Some(place.text("{root}/x")), "{ran}");
            assert!(ran.text().starts_with("inside\n"), "{ran}");
        }
    }
}

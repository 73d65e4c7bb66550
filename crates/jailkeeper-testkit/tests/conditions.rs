//! Machines that have less, made by taking abilities away from a test's processes.

use jailkeeper_model::{Event, Strength};
use jailkeeper_testkit::{ORDINARY, Place, Ran, User, jailkeeper_binary, needs};

/// Refuses system calls with `EPERM`, by number, and runs the rest of its arguments.
const REFUSING: &str = r#"
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
program = [(0x20, 0, 0, 0)]
for number in sys.argv[1].split(","):
    program += [(0x15, 0, 1, int(number)), (0x06, 0, 0, 0x00050001)]
program.append((0x06, 0, 0, 0x7fff0000))
code = b"".join(struct.pack("HBBI", *line) for line in program)
class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(Filter(len(program), code))) == 0
os.execv(sys.argv[2], sys.argv[2:])
"#;

/// Both users. Their trees are such that strength `flat` can be had too; nothing but the machine
/// chooses the strength.
fn places() -> impl Iterator<Item = Place> {
    [User::Root, User::Ordinary].into_iter().map(Place::flat)
}

/// Runs the command with what stands before it.
fn run(place: &Place, before: &[&str], options: &[&str], script: &str) -> Ran {
    let binary = jailkeeper_binary();
    let run = [binary.to_str().unwrap(), "run"];
    let outputs = ["--events", "{state}/events", "--report", "{state}/report"];
    let words = [before, &run, &outputs, options, &["--", "sh", "-c", script]].concat();
    Ran::of(place, place.free_command(words))
}

fn refusing(numbers: &str) -> [&str; 4] {
    ["/usr/bin/python3", "-c", REFUSING, numbers]
}

fn warnings<'a>(ran: &'a Ran, kind: &'a str) -> impl Iterator<Item = &'a str> {
    ran.events.iter().filter_map(move |event| match event {
        Event::Warning(warning) if warning.kind == kind => Some(warning.message.as_str()),
        _ => None,
    })
}

/// Why there are no namespaces, as the start says.
fn reason(ran: &Ran) -> String {
    let reason = ran.report.pointer("/walls/namespaces/reason").and_then(|reason| reason.as_str());
    reason.unwrap_or_default().to_owned()
}

/// A jail at `flat` that holds: the file outside is named, and nothing survives.
fn holds(place: &Place, before: &[&str], options: &[&str]) {
    let script = "echo x >f; cat f; chmod 600 f; (setsid sleep 9 &)";
    let ran = run(place, before, options, script);
    assert_eq!(ran.succeeds().text(), "x\n", "{ran}");
    assert_eq!(ran.start().strength, Strength::Flat, "{ran}");
    let ran = run(place, before, options, "./escape bomb 60; cat ../x; echo after");
    ran.leaks_nothing().breach();
}

/// A step of raising `full` is refused that the probe does not know of: the jail is `flat`, says
/// why, and the command ran once. The control is the same run with a number that nobody calls.
#[test]
fn what_only_the_start_shows() {
    needs![root, fuse];
    for place in places() {
        let script = "echo once";
        let control = run(&place, &refusing("9999"), &[], script);
        assert_eq!(control.succeeds().text(), "once\n", "{control}");
        assert_eq!(control.start().strength, Strength::Full, "the control: {control}");
        for (call, number) in [
            ("mount", "165"),
            ("pivot_root", "155"),
            ("sethostname", "170"),
            ("move_mount", "429"),
            ("fsconfig", "431"),
            ("fsmount", "432"),
        ] {
            let ran = run(&place, &refusing(number), &[], script);
            assert_eq!(ran.succeeds().text(), "once\n", "{call}: {ran}");
            assert_eq!(ran.start().strength, Strength::Flat, "{call}: {ran}");
            let told: Vec<_> = warnings(&ran, "weaker").collect();
            let [told] = told[..] else { panic!("{call}: {ran}") };
            assert!(told.contains("tried and failed to"), "{call}: {told}");
            assert!(reason(&ran).contains("tried and failed to"), "{call}: {ran}");
            assert!(ran.stderr.contains("the jail is `flat`"), "{call}: {ran}");
            let ran = run(&place, &refusing(number), &["--strength", "full"], script);
            assert_eq!(ran.ends_with(125).text(), "", "{call}: {ran}");
            assert!(ran.stderr.contains("hint:"), "{call}: {ran}");
        }
        holds(&place, &refusing("429"), &[]);
    }
}

/// Ubuntu 24.04: everybody may make a user namespace, and has no capability in it. The probe finds it.
#[test]
fn namespaces_without_capabilities() {
    needs![root, fuse];
    // mount, umount2, sethostname, fsopen, open_tree, mount_setattr, ...
    let refused = "155,165,166,170,428,429,430,431,432,442";
    for place in places() {
        let ran = run(&place, &refusing(refused), &[], "echo once");
        assert_eq!(ran.succeeds().text(), "once\n", "{ran}");
        assert_eq!(ran.start().strength, Strength::Flat);
        assert_eq!(warnings(&ran, "weaker").count(), 0, "it was not tried: {ran}");
        assert!(
            reason(&ran).contains("no user namespaces: making one, with capabilities"),
            "{ran}"
        );
        holds(&place, &refusing(refused), &[]);
        let binary = jailkeeper_binary();
        let words = [&refusing(refused)[..], &[binary.to_str().unwrap(), "doctor"]].concat();
        let ran = place.free(words);
        assert!(ran.text().contains("strength flat can be had"), "{ran}");
        assert!(ran.text().contains("strength full cannot be had"), "{ran}");
    }
}

/// `doctor` raises a jail to find out, and prints an AppArmor profile for this very file.
#[test]
fn doctor_tries() {
    needs![root, fuse];
    let binary = jailkeeper_binary();
    let binary = binary.to_str().unwrap();
    for place in places() {
        let ran = place.free([binary, "doctor"]);
        assert!(ran.text().contains("a jail was raised"), "the control: {ran}");
        let words = [&refusing("429")[..], &[binary, "doctor"]].concat();
        let ran = place.free(words);
        let text = ran.text();
        assert!(text.contains("raising a jail     NO") && text.contains("remedies:"), "{ran}");
        let ran = place.free([binary, "doctor", "--apparmor"]);
        assert!(ran.text().contains(&format!("profile jailkeeper \"{binary}\"")), "{ran}");
        assert!(ran.text().contains("  userns,"), "{ran}");
    }
}

/// A container that masks a part of `/proc` lets nobody mount another one.
#[test]
fn masked_proc() {
    needs![root, fuse];
    let place = Place::flat(User::Root);
    let mask = "mount --bind /dev/null /proc/uptime && exec \"$@\"";
    let control = run(&place, &["sh", "-c", "exec \"$@\"", "sh"], &[], "echo once");
    assert_eq!(control.start().strength, Strength::Full, "the control: {control}");
    let before = ["sh", "-c", mask, "sh"];
    let ran = run(&place, &before, &[], "echo once");
    assert_eq!(ran.succeeds().text(), "once\n", "{ran}");
    assert_eq!(ran.start().strength, Strength::Flat, "{ran}");
    assert_eq!(warnings(&ran, "weaker").count(), 1, "{ran}");
    holds(&place, &before, &[]);
}

/// No further user namespace may be made: the setting of a namespace around.
#[test]
fn no_more_user_namespaces() {
    needs![root];
    let place = Place::flat(User::Ordinary);
    let script = "echo 0 >/proc/sys/user/max_user_namespaces && \
         exec setpriv --ambient-caps -all --inh-caps -all \"$@\"";
    let unshare = ["unshare", "--user", "--map-current-user", "--keep-caps"];
    let before = [&unshare[..], &["sh", "-c", script, "sh"]].concat();
    let ran = run(&place, &before, &[], "echo once");
    assert_eq!(ran.succeeds().text(), "once\n", "{ran}");
    assert!(reason(&ran).contains("`user.max_user_namespaces` is 0"), "{ran}");
    holds(&place, &before, &[]);
    let ran = run(&place, &before, &["--strength", "full"], "echo once");
    assert_eq!(ran.ends_with(125).text(), "");
    assert!(ran.stderr.contains("sysctl -w user.max_user_namespaces"), "{ran}");
}

/// Kubernetes' restricted profile: an ordinary user, no capabilities at all, no new privileges, the
/// runtime's filter, and a root file system that cannot be written.
#[test]
fn kubernetes_restricted() {
    needs![root];
    let place = Place::flat(User::Root);
    // What the runtime's default profile refuses without capabilities.
    let numbers = "155,161,165,166,175,246,248,249,250,272,298,303,304,308,310,311,312,313,320,321,323,\
                   428,429,430,431,432,433,438,440,442";
    let script = format!(
        "mount --bind \"$PLACE\" \"$PLACE\" && mount -o remount,bind,ro / && \
         mount -t tmpfs -o mode=1777 tmpfs /tmp && ! touch /etc/x 2>/dev/null && \
         exec setpriv --reuid {ORDINARY} --regid {ORDINARY} --clear-groups --no-new-privs \
         --bounding-set -all --inh-caps -all \"$@\""
    );
    let before = [&["sh", "-c", &script, "sh"][..], &refusing(numbers)].concat();
    holds(&place, &before, &[]);
    let ran = run(&place, &before, &[], "grep -E '^(Cap(Bnd|Eff)|NoNewPrivs)' /proc/self/status");
    let text = ran.succeeds().text();
    let expected = "CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1\n";
    assert_eq!(text, expected, "{ran}");
}

/// What strace makes the kernel answer to the question which ABI Landlock has.
fn landlock(answer: &str) -> [String; 7] {
    let inject = format!("inject=landlock_create_ruleset:{answer}");
    ["strace", "-qq", "-o", "/dev/null", "-e", "trace=landlock_create_ruleset", "-e", &inject]
        .map(str::to_owned)
        .into_iter()
        .take(6)
        .chain([format!("-e{inject}")])
        .collect::<Vec<_>>()
        .try_into()
        .unwrap()
}

/// Kernels with an older Landlock: what it lacks is refused by the filter or done on behalf, and all dies.
#[test]
fn older_landlock() {
    needs![root, strace];
    for place in places() {
        for abi in 1..=5 {
            let before = landlock(&format!("retval={abi}:when=1"));
            let before: Vec<_> = before.iter().map(String::as_str).collect();
            let at_most = ["--strength-at-most", "flat"];
            let script = "echo long >f; truncate -s 2 f; cat f; : >f; wc -c <f; mkdir d; mv f d/f 2>/dev/null || \
                 cp f d/f; cat d/f; sleep 9 & kill $!; wait; ls -d d";
            let ran = run(&place, &before, &at_most, script);
            assert_eq!(ran.succeeds().text(), "lo0\nd\n", "ABI {abi}: {ran}");
            let ran = run(&place, &before, &at_most, "./escape bomb 60; cat ../x; echo after");
            ran.leaks_nothing().breach();
            let script = "kill -9 $PPID; kill -9 -1; truncate -s 0 ../outside/file; echo after";
            let ran =
                run(&place, &before, &[&at_most[..], &["--on-jailbreak", "deny"]].concat(), script);
            assert!(ran.text().contains("after"), "ABI {abi}: {ran}");
            assert!(place.path("{out}/file").metadata().unwrap().len() > 0);
            let binary = jailkeeper_binary();
            let plan =
                [binary.to_str().unwrap(), "plan", "--strength-at-most", "flat", "--", "true"];
            let plan = place.free([&before[..], &plan].concat());
            assert!(plan.text().contains(&format!("ABI {abi}")), "the control: {plan}");
        }
    }
}

/// Without Landlock there is no wall at this strength, and nothing runs.
#[test]
fn no_landlock() {
    needs![root, strace];
    for place in places() {
        let before = landlock("error=EOPNOTSUPP");
        let before: Vec<_> = before.iter().map(String::as_str).collect();
        for options in [&[][..], &["--strength-at-most", "flat"], &["--watch", "none"]] {
            let ran = run(&place, &before, options, "echo ran");
            assert_eq!(ran.ends_with(125).text(), "", "{ran}");
            assert!(ran.stderr.contains("lsm=landlock"), "{ran}");
        }
    }
}

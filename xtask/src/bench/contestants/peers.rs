//! Other people's sandboxes, where they are installed.
//!
//! Looked for are they in the directory that `JAILKEEPER_PEERS` names, by default
//! `/opt/jailkeeper-peers`, and on the `PATH`; `xtask/install-peers.sh` puts them there.

use super::{Contestant, Field, find, found, links, system, version, words};
use crate::bench::results::Absent;
use crate::bench::stage::Stage;
use crate::bench::workloads::{Group, environment};
use anyhow::Result;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How to get one that is not there.
const INSTALL: &str = "not installed: `xtask/install-peers.sh`, or by hand";

/// A peer: its name in the tables, its program, what it names, what it is, and its command.
struct Peer {
    name: &'static str,
    program: &'static str,
    /// The option that tells its version, if it has one.
    version: &'static str,
    names: &'static str,
    about: &'static str,
    has_tmp: bool,
    before: fn(&Path, &Path, &Stage) -> Vec<OsString>,
}

const PEERS: [Peer; 13] = [
    Peer {
        name: "minijail",
        program: "minijail0",
        version: "",
        names: "no",
        about: "`minijail0 -T static -v -p -I -l -e -n -N -P ROOT` with the same binds as bubblewrap",
        has_tmp: true,
        before: minijail,
    },
    Peer {
        name: "nsjail",
        program: "nsjail",
        version: "",
        names: "no",
        about: "`nsjail -Mo` with the same binds, its limits and its niceness off",
        has_tmp: true,
        before: nsjail,
    },
    Peer {
        name: "firejail",
        program: "firejail",
        version: "--version",
        names: "no",
        about: "`firejail --noprofile --net=none --private-tmp --private-dev`, `/var` but the \
                working directory, `/home` and `/root` hidden",
        has_tmp: true,
        before: firejail,
    },
    Peer {
        name: "sandlock",
        program: "sandlock",
        version: "--version",
        names: "partly",
        about: "`sandlock run` with the same directories",
        has_tmp: false,
        before: sandlock,
    },
    Peer {
        name: "nono",
        program: "nono",
        version: "--version",
        names: "no",
        about: "`nono run --read ... --allow TREE --block-net`",
        has_tmp: false,
        before: nono,
    },
    Peer {
        name: "syd",
        program: "syd",
        version: "--version",
        names: "yes",
        about: "`syd` with reading and writing sandboxed, the same directories allowed",
        has_tmp: false,
        before: syd,
    },
    Peer {
        name: "hakoniwa",
        program: "hakoniwa",
        version: "--version",
        names: "no",
        about: "`hakoniwa run` with an empty root and the same binds",
        has_tmp: true,
        before: hakoniwa,
    },
    Peer {
        name: "isolate",
        program: "isolate",
        version: "--version",
        names: "no",
        about: "`isolate --run -e -p --wait`, box 0, the same directories; one job at a time; the \
                command runs as nobody",
        has_tmp: true,
        before: isolate,
    },
    Peer {
        name: "runsc",
        program: "runsc",
        version: "--version",
        names: "no",
        about: "gVisor: `runsc --network=none do --force-overlay=false -root ROOT`, the same \
                directories mounted in ROOT before",
        has_tmp: true,
        before: runsc,
    },
    Peer {
        name: "srt",
        program: "srt",
        version: "--version",
        names: "no",
        about: "sandbox-runtime, which denies reading only where it is told to: the secret's \
                directory; no network",
        has_tmp: true,
        before: srt,
    },
    Peer {
        name: "proot",
        program: "proot",
        version: "--version",
        names: "no",
        about: "`proot -r ROOT` with the same binds; by its own word no boundary",
        has_tmp: true,
        before: proot,
    },
    Peer {
        name: "strace",
        program: "strace",
        version: "--version",
        names: "yes, enforces nothing",
        about: "`strace -f -e trace=%file`, today's form of the first JailKeeper",
        has_tmp: true,
        before: strace,
    },
    Peer {
        name: "strace-bpf",
        program: "strace",
        version: "--version",
        names: "yes, enforces nothing",
        about: "the same with `--seccomp-bpf`",
        has_tmp: true,
        before: strace_with_filter,
    },
];

const WITHOUT_MEMORY: [Group; 3] = [Group::Start, Group::Programs, Group::Calls];

/// Those that are left out, with the reason.
const LEFT_OUT: [(&str, &str); 2] = [
    ("landrun", "it is in no registry that this is installed from; `landlock` stands for it"),
    ("sandbox2", "it is a library for C++, without a command"),
];

/// Finds those that are there.
pub(super) fn all(stage: &Stage) -> Field {
    let left_out = LEFT_OUT.map(|(name, why)| Absent { name: name.into(), why: why.into() });
    let mut field = Field { contestants: Vec::new(), absent: left_out.to_vec() };
    for peer in PEERS {
        let Some(program) = find(peer.program) else {
            field.absent.push(Absent { name: peer.name.to_owned(), why: INSTALL.to_owned() });
            continue;
        };
        if let Err(error) = ready(peer.name, &program, stage) {
            field.absent.push(Absent { name: peer.name.to_owned(), why: format!("{error:#}") });
            continue;
        }
        let stage = stage.clone();
        let version = version(&program, peer.version);
        let before = move |tree: &Path, _: &[PathBuf]| (peer.before)(&program, tree, &stage);
        field.contestants.push(Contestant {
            name: peer.name,
            about: peer.about,
            names: peer.names,
            takes_rules: false,
            core: peer.name == "minijail",
            // A box of isolate's has one job at a time: there are no hundred.
            only: if peer.name == "isolate" { &WITHOUT_MEMORY } else { &[] },
            has_tmp: peer.has_tmp,
            version,
            refuses: false,
            before: Box::new(before),
        });
    }
    field
}

/// Does once what a peer wants done before.
fn ready(name: &str, program: &Path, stage: &Stage) -> Result<()> {
    match name {
        "isolate" => {
            let mut command = Command::new(program);
            crate::command::output(command.arg("--init")).map(drop)
        }
        "runsc" => stage.mount_root(&system().collect::<Vec<_>>()),
        _ => Ok(()),
    }
}

fn begin(program: &Path, options: &[&str]) -> Vec<OsString> {
    let mut command = vec![program.into()];
    command.extend(words(options));
    command
}

/// The real directories that programs need, where there is no namespace with links.
fn directories() -> impl Iterator<Item = String> {
    let linked = links().into_iter().map(|(path, _)| path.display().to_string());
    system().map(str::to_owned).chain(linked)
}

fn minijail(program: &Path, tree: &Path, stage: &Stage) -> Vec<OsString> {
    // With `-p` and `-P` it needs an init of its own (`-I`) and no preloaded library.
    let mut command =
        begin(program, &["-T", "static", "-v", "-p", "-I", "-l", "-e", "-n", "-N", "-P"]);
    command.push(stage.skeleton().into());
    let tree = tree.display();
    for path in system() {
        command.extend(words(&["-b", &format!("{path},{path}")]));
    }
    command.extend(words(&["-b", "/dev,/dev", "-t", "-b", &format!("{tree},{tree},1")]));
    command.push("--".into());
    command.extend(change_directory(&tree.to_string()));
    command
}

/// For those who cannot say where the command begins, or do not look for it on the `PATH`.
fn change_directory(tree: &str) -> Vec<OsString> {
    words(&["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", tree])
}

fn nsjail(program: &Path, tree: &Path, _: &Stage) -> Vec<OsString> {
    let mut command = begin(program, &["-Mo", "--really_quiet", "--keep_env", "-t", "0"]);
    // Its own would be a niceness of 19.
    command.extend(words(&["--disable_rlimits", "--nice_level", "0"]));
    for path in system() {
        command.extend(words(&["-R", path]));
    }
    for (path, target) in links() {
        let both = format!("{}:{}", target.display(), path.display());
        command.extend(words(&["-s", &both]));
    }
    for device in ["/dev/null", "/dev/zero", "/dev/urandom", "/dev/random"] {
        command.extend(words(&["-B", device]));
    }
    let tree = tree.display().to_string();
    command.extend(words(&["-m", "none:/tmp:tmpfs:size=1073741824", "-B", &tree]));
    command.extend(words(&["--cwd", &tree, "--"]));
    command.extend(change_directory(&tree));
    command
}

fn firejail(program: &Path, tree: &Path, _: &Stage) -> Vec<OsString> {
    let options = ["--quiet", "--noprofile", "--net=none", "--private-tmp", "--private-dev"];
    let mut command = begin(program, &options);
    command.extend(words(&["--keep-var-tmp", "--blacklist=/home", "--blacklist=/root"]));
    for path in [tree, Path::new("/var/lib/texmf")].into_iter().filter(|path| path.exists()) {
        command.push(format!("--whitelist={}", path.display()).into());
    }
    command.push(format!("--read-write={}", tree.display()).into());
    command.push("--".into());
    command
}

fn sandlock(program: &Path, tree: &Path, _: &Stage) -> Vec<OsString> {
    let mut command = begin(program, &["run"]);
    for path in directories().chain(found().map(str::to_owned)) {
        command.extend(words(&["-r", &path]));
    }
    for device in ["/dev/null", "/dev/zero", "/dev/urandom", "/dev/random"] {
        command.extend(words(&["-w", device]));
    }
    command.extend(words(&["-w", &tree.display().to_string(), "--"]));
    command
}

fn nono(program: &Path, tree: &Path, stage: &Stage) -> Vec<OsString> {
    // It keeps its state in `HOME`, and refuses to run if the command may write there.
    let home = |path: &Path| words(&["env", &format!("HOME={}", path.display())]);
    let mut command = home(&stage.state());
    command.extend(begin(program, &["run", "--silent", "--block-net"]));
    for path in directories().chain(found().map(str::to_owned)) {
        let flag = if Path::new(&path).is_dir() { "--read" } else { "--read-file" };
        command.extend(words(&[flag, &path]));
    }
    command.extend(words(&["--allow", &tree.display().to_string(), "--"]));
    command.extend(home(tree));
    command
}

fn syd(program: &Path, tree: &Path, stage: &Stage) -> Vec<OsString> {
    let mut command = begin(program, &[]);
    let mut say = |text: String| command.extend(["-m".into(), text.into()]);
    let categories = ["read", "write", "exec", "stat"];
    for category in categories {
        say(format!("sandbox/{category}:on"));
    }
    for path in directories().chain(["/proc".to_owned(), "/dev".to_owned()]) {
        for category in ["read", "exec", "stat"] {
            say(format!("allow/{category}+{path}/***"));
        }
    }
    say("allow/stat+/".to_owned());
    // What it is given as output is looked at by its name.
    say(format!("allow/stat+{}", stage.output().display()));
    say("allow/write+/dev/***".to_owned());
    for category in categories {
        say(format!("allow/{category}+{}/***", tree.display()));
    }
    command.push("--".into());
    command
}

fn hakoniwa(program: &Path, tree: &Path, stage: &Stage) -> Vec<OsString> {
    let mut command = begin(program, &["run", "--unshare-all", "--devfs=/dev", "--tmpfs=/tmp"]);
    // Of a root it takes all directories: of `/` it would be all of `/etc`.
    command.push(format!("--rootfs={}", stage.empty().display()).into());
    for path in system() {
        command.extend(words(&["-b", &format!("{path}:{path}")]));
    }
    for (path, target) in links() {
        let both = format!("{}:{}", target.display(), path.display());
        command.extend(words(&["--symlink", &both]));
    }
    // It hands none of its own on.
    for (name, value) in environment(tree) {
        let mut both = OsString::from(format!("{name}="));
        both.push(value);
        command.extend(["-e".into(), both]);
    }
    command.extend(words(&["-w", &tree.display().to_string(), "--"]));
    command
}

fn isolate(program: &Path, tree: &Path, _: &Stage) -> Vec<OsString> {
    let mut command = begin(program, &["--run", "-e", "-p", "-s", "--wait", "--dir=tmp:tmp"]);
    for path in system().filter(|path| *path != "/usr" && Path::new(path).is_dir()) {
        command.push(format!("--dir={path}").into());
    }
    let tree = tree.display().to_string();
    command.push(format!("--dir={tree}={tree}:rw").into());
    command.extend(words(&["-c", &tree, "--"]));
    command.extend(change_directory(&tree));
    command
}

fn runsc(program: &Path, tree: &Path, stage: &Stage) -> Vec<OsString> {
    let mut command = begin(program, &["--network=none", "do", "--quiet", "--force-overlay=false"]);
    command.extend(["-root".into(), stage.root().into(), "-cwd".into(), tree.into()]);
    command
}

fn srt(program: &Path, tree: &Path, stage: &Stage) -> Vec<OsString> {
    let file = stage.settings_of_srt(tree);
    let mut command = begin(program, &["--settings"]);
    command.push(file.into());
    command.push("--".into());
    command
}

fn proot(program: &Path, tree: &Path, stage: &Stage) -> Vec<OsString> {
    let mut command = begin(program, &["-v", "-1", "-r"]);
    command.push(stage.skeleton().into());
    for path in system().chain(["/proc", "/dev"]) {
        command.extend(words(&["-b", path]));
    }
    let tree = tree.display().to_string();
    command.extend(words(&["-b", &tree, "-w", &tree]));
    command
}

fn strace(program: &Path, _: &Path, stage: &Stage) -> Vec<OsString> {
    let mut command = begin(program, &["-f", "-qq", "-e", "trace=%file", "-o"]);
    command.push(stage.output().with_extension("trace").into());
    command.push("--".into());
    command
}

fn strace_with_filter(program: &Path, tree: &Path, stage: &Stage) -> Vec<OsString> {
    let mut command = strace(program, tree, stage);
    command.insert(1, "--seccomp-bpf".into());
    command
}

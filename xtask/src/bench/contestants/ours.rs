//! Nothing, bubblewrap, the floor, and ours at each strength.

use super::{Contestant, Field, find, found, links, system, there, version, words};
use crate::bench::results::Absent;
use crate::bench::stage::Stage;
use crate::bench::workloads::{Group, environment};
use anyhow::{Context, Result};
use serde::Deserialize;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// All of them, in the order of the tables.
pub(super) fn all(stage: &Stage) -> Result<Field> {
    let bwrap = there(find("bwrap"), "bubblewrap")?;
    let jailkeeper = stage.program("jailkeeper");
    let own_version = version(&jailkeeper, "--version");
    let bwrap_version = version(&bwrap, "--version");
    let own = |program: &str, options: &'static [&'static str]| {
        let jailkeeper = stage.program(program);
        move |_: &Path, rules: &[PathBuf]| {
            let mut command = vec![jailkeeper.clone().into_os_string(), "run".into()];
            command.extend(words(options));
            for rule in rules {
                command.extend(["--read".into(), rule.into()]);
            }
            command.push("--".into());
            command
        }
    };
    let launcher = stage.program("floor");
    let floor_command = floor(stage, None)?;
    let watched_floor = floor(stage, Some("nod"))?;
    let jail = |options| own("jailkeeper", options);
    let core = |name, about, names, before| Contestant {
        name,
        about,
        names,
        takes_rules: true,
        core: true,
        only: &[],
        has_tmp: true,
        version: own_version.clone(),
        refuses: false,
        before,
    };
    let mut contestants = vec![
        Contestant {
            takes_rules: false,
            version: String::new(),
            ..core("native", "the command alone", "no", Box::new(|_, _| Vec::new()))
        },
        core(
            "jailkeeper",
            "`jailkeeper run` at strength `full`, release build, no options",
            "yes",
            Box::new(jail(&["--strength", "full"])),
        ),
        core(
            "jailkeeper-flat",
            "`jailkeeper run --strength-at-most flat`",
            "yes",
            Box::new(jail(&["--strength-at-most", "flat"])),
        ),
        Contestant {
            takes_rules: false,
            core: false,
            only: &[Group::Start, Group::Programs, Group::Death],
            has_tmp: false,
            ..core(
                "jailkeeper-monitor",
                "`jailkeeper run --strength monitor --tracer auto`: a stop before each call by ptrace, \
                 and no wall behind it",
                "yes",
                Box::new(jail(&["--strength", "monitor", "--tracer", "auto"])),
            )
        },
        Contestant {
            version: bwrap_version.clone(),
            ..core(
                "bwrap",
                "bubblewrap, all namespaces new, `/usr` and the few other trees that the \
                 workloads need read-only, working directory writable",
                "no",
                Box::new(move |tree, rules| bubblewrap(&bwrap, tree, rules)),
            )
        },
        Contestant {
            takes_rules: false,
            version: bwrap_version.clone(),
            ..core(
                "floor",
                "bubblewrap with every mount of `jailkeeper plan`, and Landlock with the same \
                 rules inside: nobody watches",
                "no",
                Box::new(move |tree, _| floor_command(tree)),
            )
        },
        Contestant {
            takes_rules: false,
            version: bwrap_version,
            only: &[Group::Calls],
            ..core(
                "floor-watch",
                "the floor with a jail's seccomp filter, and a process that is handed the same \
                 calls and lets each go unread",
                "no",
                Box::new(move |tree, _| watched_floor(tree)),
            )
        },
        Contestant {
            has_tmp: false,
            version: "landlock crate 0.4".to_owned(),
            ..core(
                "landlock",
                "a launcher that only enforces Landlock with these rules; metadata stays visible",
                "no",
                Box::new(move |tree, rules| landlock(&launcher, tree, rules)),
            )
        },
    ];
    let mut absent = Vec::new();
    if stage.program("jailkeeper-static").is_file() {
        contestants.push(Contestant {
            only: &[Group::Start],
            ..core(
                "jailkeeper-static",
                "`jailkeeper run` at strength `full`, the static binary of `cargo xtask dist`",
                "yes",
                Box::new(own("jailkeeper-static", &["--strength", "full"])),
            )
        });
    } else {
        let why = "the static binary could not be built".to_owned();
        absent.push(Absent { name: "jailkeeper-static".to_owned(), why });
    }
    Ok(Field { contestants, absent })
}

/// New namespaces, the system's links, and a fresh `/proc`, `/dev` and `/tmp`.
fn frame(bwrap: &Path) -> Vec<OsString> {
    let mut command = vec![bwrap.into()];
    command.extend(words(&["--unshare-all", "--die-with-parent", "--new-session"]));
    for (path, target) in links() {
        command.extend(["--symlink".into(), target.into(), path.into()]);
    }
    command.extend(words(&["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]));
    command
}

fn bubblewrap(bwrap: &Path, tree: &Path, rules: &[PathBuf]) -> Vec<OsString> {
    let mut command = frame(bwrap);
    for path in system() {
        command.extend(words(&["--ro-bind", path, path]));
    }
    for rule in rules {
        command.extend(["--ro-bind".into(), rule.into(), rule.into()]);
    }
    command.extend(["--bind".into(), tree.into(), tree.into()]);
    command.extend(["--chdir".into(), tree.into(), "--".into()]);
    command
}

fn landlock(launcher: &Path, tree: &Path, rules: &[PathBuf]) -> Vec<OsString> {
    let mut command = vec![launcher.into()];
    for path in system().chain(found()) {
        command.extend(words(&["-r", path]));
    }
    for rule in rules {
        command.extend(["-r".into(), rule.into()]);
    }
    for device in ["/dev/null", "/dev/zero", "/dev/urandom", "/dev/random", "/dev/tty"] {
        command.extend(words(&["-w", device]));
    }
    command.extend(["-w".into(), tree.into(), "--".into()]);
    command
}

/// What `jailkeeper plan --json` says, as far as the floor needs it.
#[derive(Debug, Deserialize)]
struct Plan {
    trees: Vec<Tree>,
}

#[derive(Debug, Clone, Deserialize)]
struct Tree {
    path: PathBuf,
    right: String,
    source: String,
}

/// `watch` is a program that runs the rest.
fn floor(stage: &Stage, watch: Option<&str>) -> Result<impl Fn(&Path) -> Vec<OsString> + use<>> {
    let plain = stage.empty();
    let mut plan = Command::new(stage.program("jailkeeper"));
    plan.args(["plan", "--json", "--", "/bin/true"]).current_dir(plain).env_clear();
    plan.envs(environment(plain));
    let plan = crate::command::output(&mut plan)?;
    let plan: Plan = serde_json::from_str(&plan).context("failed to read jailkeeper's plan")?;
    let trees: Vec<Tree> = plan.trees.into_iter().filter(|tree| tree.path != plain).collect();
    let (bin, launcher) = (stage.program(""), stage.program("floor"));
    let bwrap = there(find("bwrap"), "bubblewrap")?;
    let watch = watch.map(|watch| stage.program(watch));
    Ok(move |work: &Path| {
        let own = Tree { path: work.into(), right: "write".into(), source: "host".into() };
        let launcher_tree = Tree { path: bin.clone(), right: "read".into(), source: "host".into() };
        let trees = || trees.iter().chain([&own, &launcher_tree]);
        let mut command = frame(&bwrap);
        for Tree { path, right, source } in trees() {
            let flag = match (source.as_str(), right.as_str()) {
                ("host", _) if path.starts_with("/dev") => "--dev-bind",
                ("host", "write") => "--bind",
                ("host", _) => "--ro-bind",
                ("memory", _) if !["/tmp", "/dev/shm"].contains(&path.to_str().unwrap_or("")) => {
                    command.extend(["--tmpfs".into(), path.into()]);
                    continue;
                }
                _ => continue,
            };
            command.extend([flag.into(), path.into(), path.into()]);
        }
        command.extend(["--chdir".into(), work.into(), "--".into()]);
        command.extend(watch.iter().chain([&launcher]).map(Into::into));
        for Tree { path, right, .. } in trees() {
            let flag = if right == "write" { "-w" } else { "-r" };
            command.extend([flag.into(), path.into()]);
        }
        command.push("--".into());
        command
    })
}

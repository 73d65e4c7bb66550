//! A program that uses the library, and starts `/bin/true` in one of six ways.
//!
//! It is `warm` of the testkit, which measures itself: what a start costs a process that stays.

use super::Contestant;
use crate::bench::run::run;
use crate::bench::stage::Stage;
use crate::bench::workloads::Group;
use anyhow::{Result, bail};

/// The ways, each with what it is, and whether it is a jail.
const WAYS: [(&str, &str, bool); 6] = [
    ("posix_spawn", "`std::process::Command`, without a jail", false),
    ("spawn", "`Command::spawn` of the library, which prepares everything each time", true),
    ("prepared", "`Command::prepare` once, then `Prepared::spawn`", true),
    (
        "spare",
        "the same, and a jail is raised ahead by `Prepared::spares`; raising is not counted",
        true,
    ),
    ("bare", "an init and a command in the namespaces of a jail, and nothing else of one", false),
    ("waiting", "the same, made ahead; making is not counted", false),
];

/// All ways.
pub(super) fn all(stage: &Stage) -> Vec<Contestant> {
    let contestant = |(name, about, is_jail): (&'static str, &'static str, bool)| {
        let program = stage.program("warm");
        Contestant {
            name,
            about,
            names: if is_jail { "yes" } else { "no" },
            takes_rules: false,
            core: true,
            only: &[Group::Warm],
            has_tmp: true,
            version: String::new(),
            refuses: false,
            before: Box::new(move |_, _| vec![program.clone().into(), "time".into(), name.into()]),
        }
    };
    WAYS.into_iter().map(contestant).collect()
}

/// Sees whether it starts anything, and whether the jails of this way refuse a file outside.
pub(super) fn verify(contestant: &Contestant, stage: &Stage) -> Result<bool> {
    let tree = stage.tree(contestant.name, "plain");
    let once = run(stage, contestant, &tree, &contestant.command(&tree, &["1".to_owned()]))?;
    if !once.status.success() || once.output.trim().parse::<u32>().is_err() {
        bail!("{}: {}", once.status, once.last_word());
    }
    let attempt = ["try", contestant.name].map(Into::into);
    let mut command = vec![stage.program("warm").into_os_string()];
    command.extend(attempt);
    command.push(stage.secret().into());
    let attempt = run(stage, contestant, &tree, &command)?;
    Ok(attempt.status.success() && attempt.output.trim() == "refused")
}

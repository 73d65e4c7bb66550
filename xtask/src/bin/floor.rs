//! The benchmark's floor: Landlock with the rules that a jail has, and then the command.
//!
//! `floor [-r PATH | -w PATH]... -- COMMAND [ARG]...`. Behind bubblewrap with a jail's mounts it
//! is what a jail costs without anybody watching.

#![forbid(unsafe_code)]

use anyhow::{Context, Result, bail};
use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr,
};
use std::os::unix::process::CommandExt;

fn main() -> Result<()> {
    // What this kernel does not know is left out, as a jail does.
    let abi = ABI::V6;
    let all = AccessFs::from_all(abi);
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)?
        .create()?;
    let mut arguments = std::env::args_os().skip(1);
    while let Some(flag) = arguments.next() {
        let rights = match flag.to_str() {
            Some("-r") => AccessFs::from_read(abi),
            Some("-w") => all,
            Some("--") => break,
            _ => bail!("unknown flag {}", flag.display()),
        };
        let path = arguments.next().context("a flag lacks its path")?;
        let is_file = !std::path::Path::new(&path).is_dir();
        let rights = if is_file { rights & AccessFs::from_file(abi) } else { rights };
        rules = rules.add_rule(PathBeneath::new(PathFd::new(path)?, rights))?;
    }
    rules.restrict_self()?;
    let program = arguments.next().context("there is no command")?;
    let error = std::process::Command::new(program).args(arguments).exec();
    Err(error).context("failed to run the command")
}

//! `cargo xtask portable`: builds and tests what runs on every Unix, without the engine of Linux.
//!
//! Model, trace watch, command and command line are copied beside the workspace ([`copy`]) without
//! the crates and modules that are for Linux alone, so that nothing of these can be used unseen. The
//! copy is linted and tested here; its command is driven through the tests of strength `monitor`;
//! and it is checked for the other systems ([`targets`]), as far as their standard library can be
//! had. What was not checked is listed.

mod copy;
mod source;
mod targets;

use crate::command;
use crate::terminal::line;
use crate::workspace::{self, Metadata};
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The tests that the portable command passes: those of tracers that are programs.
const MONITORED: &str = "package(jailkeeper-testkit) \
     & (test(/^tracers::(illumos|solaris|freebsd|dtruss)::/) | test(/^monitor::.*::strace_/))";

/// Runs the command.
pub(crate) fn run(options: &[String]) -> Result<ExitCode> {
    let fetch = match options.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => false,
        ["--fetch"] => true,
        other => bail!("unknown options `{}`; there is `--fetch`", other.join(" ")),
    };
    let portable = Portable::new()?;
    portable.lint()?;
    let passed = portable.test()?.success & portable.drive()?.success;
    portable.check_targets(fetch)?;
    if !passed {
        bail!("tests failed");
    }
    Ok(ExitCode::SUCCESS)
}

/// The portable part, copied.
pub(crate) struct Portable {
    tree: PathBuf,
    build: PathBuf,
}

impl Portable {
    /// Copies it.
    pub(crate) fn new() -> Result<Self> {
        let folder = Metadata::read()?.target_directory.join("portable");
        let (tree, build) = (folder.join("tree"), folder.join("build"));
        let left_out = copy::copy(&tree)?;
        line(&format!("the portable part is in {}, without:", tree.display()));
        left_out.iter().for_each(|path| line(&format!("  {}", path.display())));
        Ok(Self { tree, build })
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = workspace::cargo();
        cargo.args(arguments).current_dir(&self.tree).env("CARGO_TARGET_DIR", &self.build);
        // That of the workspace has no say here.
        cargo.env_remove("JAILKEEPER_BINARY");
        cargo
    }

    /// Looks for what the compiler and clippy have against it.
    pub(crate) fn lint(&self) -> Result<()> {
        let words = ["clippy", "--workspace", "--all-targets", "--no-default-features"];
        command::run(self.cargo(&words).args(["--", "-D", "warnings"]))
    }

    /// Runs its own tests.
    pub(crate) fn test(&self) -> Result<command::Said> {
        let words = ["nextest", "run", "--workspace", "--no-default-features", "--no-fail-fast"];
        command::run_and_keep(&mut self.cargo(&words))
    }

    /// Runs the tests of strength `monitor` with its command, by strace and by the stubs of truss
    /// and dtruss.
    pub(crate) fn drive(&self) -> Result<command::Said> {
        let words = ["build", "--package", "jailkeeper-cli", "--no-default-features"];
        command::run(&mut self.cargo(&words))?;
        let mut cargo = workspace::cargo();
        cargo
            .args(["nextest", "run", "--package", "jailkeeper-testkit", "--no-fail-fast"])
            .args(["--filterset", MONITORED])
            .env("JAILKEEPER_BINARY", self.binary());
        command::run_and_keep(&mut cargo)
    }

    fn binary(&self) -> PathBuf {
        self.build.join("debug/jailkeeper")
    }

    /// Checks it for every system that it is for. Whether the source of the standard library may be
    /// fetched where it is missing is the caller's word.
    pub(crate) fn check_targets(&self, fetch: bool) -> Result<()> {
        targets::check(&self.tree, &self.build, fetch)
    }
}

/// What a path is called in the workspace.
fn beneath<'a>(path: &'a Path, folder: &Path) -> &'a Path {
    path.strip_prefix(folder).unwrap_or(path)
}

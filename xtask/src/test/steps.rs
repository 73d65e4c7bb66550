//! The steps, in their order: cheap ones first, what needs a build before what runs it.

use super::{Suite, counts, generated, packages, skipped};
use crate::command;
use crate::dist;
use crate::fuzz;
use crate::instructions;
use crate::portable::Portable;
use crate::terminal::line;
use crate::workspace::{self, Metadata};
use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

/// The version that a machine without cargo-nextest gets.
const NEXTEST: &str = "cargo-nextest@0.9.143";
/// How long each fuzz target is fed, in seconds: enough to see that what is kept passes.
const FUZZING: u32 = 3;
/// No step takes longer than this, in seconds; `timeout(1)` ends it.
const LONGEST: &str = "1500";

/// Does all steps.
pub(super) fn all(suite: &mut Suite, fast: bool) -> Result<()> {
    let target = Metadata::read()?.target_directory;
    let binary = target.join("debug/jailkeeper");
    skipped::forget(&target)?;
    if !fast {
        suite.step("packages of the system", |_| packages::install());
    }
    suite.step("cargo-nextest", |_| nextest());
    suite.step("formatting", |_| cargo(&["fmt", "--all", "--check"]));
    suite.step("clippy", |_| {
        cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
    });
    if !fast {
        suite.step("documentation", |_| documentation());
    }
    suite.step("build", |_| cargo(&["build", "--package", "jailkeeper-cli"]));
    if !fast {
        suite.step("generated files", |_| generated::check(&binary));
    }
    suite.step("Rust tests", |suite| rust_tests(suite, &binary));
    if !fast {
        suite.step("documentation tests", |suite| documentation_tests(suite, &binary));
        if workspace::root().join("bindings/node/package.json").is_file() {
            // The package is tested with what is published: the static binary in its package.
            suite.step("distribution", |_| dist::package().map(|_| ()));
            suite.step("Node package", |suite| node(suite, &target));
        }
        suite.step("portable part", portable_part);
        suite.step("fuzzing", |_| fuzz::all(FUZZING));
        suite.step("instructions", |_| instructions::check());
        suite.step("licences", |_| licences());
    }
    Ok(())
}

/// A command with an end, whatever it does.
fn bounded(program: impl AsRef<OsStr>) -> Command {
    let mut command = workspace::command("timeout");
    command.args(["--foreground", "--kill-after=10", LONGEST]).arg(program);
    command
}

fn cargo_command() -> Command {
    bounded(workspace::cargo().get_program())
}

fn cargo(arguments: &[&str]) -> Result<()> {
    command::run(cargo_command().args(arguments))
}

fn nextest() -> Result<()> {
    if command::exists("cargo-nextest") {
        return Ok(());
    }
    cargo(&["install", "--locked", NEXTEST])
}

/// The pages of the libraries; a warning, such as a dead link, fails.
fn documentation() -> Result<()> {
    let mut cargo = cargo_command();
    cargo.args(["doc", "--workspace", "--no-deps", "--lib"]).env("RUSTDOCFLAGS", "-Dwarnings");
    command::run(&mut cargo)
}

fn rust_tests(suite: &mut Suite, binary: &Path) -> Result<()> {
    let mut cargo = cargo_command();
    cargo
        .args(["nextest", "run", "--workspace", "--no-fail-fast"])
        .env("JAILKEEPER_BINARY", binary);
    let said = command::run_and_keep(&mut cargo)?;
    suite.counted("nextest", counts::nextest(&said.text));
    if said.success { Ok(()) } else { bail!("tests failed") }
}

/// The examples in the documentation, which nextest does not run.
fn documentation_tests(suite: &mut Suite, binary: &Path) -> Result<()> {
    let mut cargo = cargo_command();
    cargo.args(["test", "--doc", "--workspace", "--no-fail-fast"]).env("JAILKEEPER_BINARY", binary);
    let said = command::run_and_keep(&mut cargo)?;
    suite.counted("rustdoc", counts::libtest(&said.text));
    if said.success { Ok(()) } else { bail!("tests failed") }
}

fn node(suite: &mut Suite, target: &Path) -> Result<()> {
    let package = workspace::root().join("bindings/node");
    if !command::exists("npm") {
        bail!("npm is missing: install Node.js");
    }
    let install = if package.join("package-lock.json").is_file() { "ci" } else { "install" };
    let mut npm = bounded("npm");
    command::run(npm.args([install, "--no-audit", "--no-fund"]).current_dir(&package))?;
    let mut npm = bounded("npm");
    let platform = target.join("dist/npm/@jailkeeper");
    let platform = std::fs::read_dir(&platform)?.next().context("nothing was laid out")??.path();
    npm.arg("test").current_dir(&package).env("JAILKEEPER_DIST", platform);
    let said = command::run_and_keep(&mut npm)?;
    suite.counted("node", counts::node(&said.text));
    if said.success { Ok(()) } else { bail!("tests failed") }
}

/// What runs on every Unix, without the engine of Linux.
fn portable_part(suite: &mut Suite) -> Result<()> {
    let portable = Portable::new()?;
    portable.lint()?;
    let (own, driven) = (portable.test()?, portable.drive()?);
    suite.counted("portable", counts::nextest(&own.text));
    suite.counted("portable, monitored", counts::nextest(&driven.text));
    portable.check_targets(true)?;
    if own.success && driven.success { Ok(()) } else { bail!("tests failed") }
}

/// Licences of everything we link, where cargo-deny is installed.
fn licences() -> Result<()> {
    if !command::exists("cargo-deny") {
        line("cargo-deny is not installed: licences are not checked");
        return Ok(());
    }
    cargo(&["deny", "check", "licenses"])
}

//! `cargo xtask dist`: what is published for this platform.
//!
//! The binary is static, so that it runs on every distribution and starts without a dynamic
//! loader. The npm package that carries it follows the usual pattern: the main package names one
//! package for each platform as optional, and npm installs the one that fits.

mod npm;

use crate::terminal::line;
use crate::workspace::{self, Metadata};
use crate::{command, elf};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs the command.
pub(crate) fn run(options: &[String]) -> Result<ExitCode> {
    if let Some(option) = options.first() {
        bail!("unknown option `{option}`; there are none");
    }
    package()?;
    Ok(ExitCode::SUCCESS)
}

/// Builds the binary and lays its npm package out; returns where that is.
pub(crate) fn package() -> Result<PathBuf> {
    let metadata = Metadata::read()?;
    let binary = build(&metadata.target_directory)?;
    let out = metadata.target_directory.join("dist");
    let package = npm::lay_out(&out, &binary, metadata.version("jailkeeper-cli")?)?;
    line(&format!("ready for `npm pack`: {}", package.display()));
    Ok(package)
}

/// Builds the static binary and returns where it is.
pub(crate) fn binary() -> Result<PathBuf> {
    build(&Metadata::read()?.target_directory)
}

/// Builds a static binary, checks that it is one and that it runs.
fn build(target_directory: &Path) -> Result<PathBuf> {
    let architecture = std::env::consts::ARCH;
    let musl = format!("{architecture}-unknown-linux-musl");
    let target = if has_target(&musl)? {
        musl
    } else {
        line(&format!("the target {musl} is not installed: linking glibc statically"));
        format!("{architecture}-unknown-linux-gnu")
    };
    let mut cargo = workspace::cargo();
    cargo.args(["build", "--release", "--package=jailkeeper-cli", "--target", &target]);
    // Naming the target keeps these flags away from build scripts and macros.
    cargo.env("RUSTFLAGS", "-Ctarget-feature=+crt-static");
    cargo.env("CARGO_PROFILE_RELEASE_STRIP", "symbols");
    command::run(&mut cargo)?;
    let binary = target_directory.join(&target).join("release/jailkeeper");
    let file =
        std::fs::read(&binary).with_context(|| format!("failed to read `{}`", binary.display()))?;
    if !elf::is_static(&file)? {
        bail!("`{}` needs a dynamic loader", binary.display());
    }
    let version = command::output(workspace::command(&binary).arg("--version"))?;
    line(&format!("{} for {target}: static, {} bytes", version.trim(), file.len()));
    Ok(binary)
}

/// Tells whether the standard library of a target is installed.
fn has_target(target: &str) -> Result<bool> {
    let sysroot = command::output(workspace::command("rustc").args(["--print", "sysroot"]))?;
    Ok(Path::new(sysroot.trim()).join("lib/rustlib").join(target).join("lib").is_dir())
}

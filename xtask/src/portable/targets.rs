//! The systems that the portable part is for, checked as far as this machine can.

use super::source::Compiler;
use crate::command;
use crate::terminal::line;
use crate::workspace;
use anyhow::{Result, bail};
use std::path::Path;

/// The targets of the portable part.
const TARGETS: [&str; 4] = [
    "x86_64-unknown-illumos",
    "x86_64-unknown-freebsd",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
];

/// Another machine, with the engine of Linux.
const LINUX: &str = "aarch64-unknown-linux-gnu";

/// Checks the copy for every target, and lists what could not be checked.
pub(super) fn check(tree: &Path, build: &Path, fetch: bool) -> Result<()> {
    let compiler = Compiler::ask()?;
    let fetched = build.join("rust-src");
    let targets = TARGETS.into_iter().chain([LINUX]);
    let lacks = targets.clone().any(|target| !compiler.has(target));
    let mut why = "the compiler has no library for it, and the source of the library is not here: \
                   `cargo xtask portable --fetch` tries to get it from Debian"
        .to_owned();
    if lacks && fetch && compiler.source(&fetched).is_none() {
        std::fs::create_dir_all(&fetched)?;
        if let Err(error) = compiler.fetch(&fetched) {
            why = format!("the source of the library could not be fetched: {error:#}");
        }
    }
    let source = compiler.source(&fetched);
    let (mut failed, mut said) = (Vec::new(), Vec::new());
    for target in targets {
        let mut cargo = workspace::cargo();
        cargo.args(["check", "--quiet", "--target", target]);
        if target == LINUX {
            cargo.args(["--package", "jailkeeper-cli"]);
        } else {
            cargo.args(["--workspace", "--no-default-features"]).current_dir(tree);
        }
        cargo.env("RUSTFLAGS", "-Dwarnings");
        cargo.env("CARGO_TARGET_DIR", build);
        let how = match (&source, compiler.has(target)) {
            (_, true) => "with its library",
            (Some(source), false) => {
                // Cargo builds the library from its source, which it has where rustup puts it.
                // These are words for cargo's own tests; what they do is seen when they stop to.
                cargo.arg("-Zbuild-std=std,panic_abort");
                cargo.env("RUSTC_BOOTSTRAP", "1").env("__CARGO_TESTS_ONLY_SRC_ROOT", source);
                "with the library's source"
            }
            (None, false) => {
                said.push(format!("  {target:<24} UNCHECKED: {why}"));
                continue;
            }
        };
        match command::run(&mut cargo) {
            Ok(()) => said.push(format!("  {target:<24} checked, {how}")),
            Err(error) => {
                said.push(format!("  {target:<24} FAILED: {error:#}"));
                failed.push(target);
            }
        }
    }
    line("the portable part on other systems, and all of it on aarch64:");
    said.iter().for_each(|text| line(text));
    if failed.is_empty() { Ok(()) } else { bail!("does not compile for {}", failed.join(", ")) }
}

//! `cargo xtask fuzz`: runs the fuzz targets of `fuzz/` for a while.
//!
//! The targets are built as cargo-fuzz builds them, with the compiler that everything else is built
//! with: nothing needs to be installed but a C++ compiler, for libFuzzer. `cargo fuzz run -s none`
//! works as well.

use crate::command;
use crate::terminal::line;
use crate::workspace;
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// The targets, each with the words that its input is made of.
const TARGETS: [(&str, &str); 8] = [
    ("profile_parse", "profile.dict"),
    ("pattern_compile", "glob.dict"),
    ("pattern_match", "glob.dict"),
    ("trace_strace", "trace.dict"),
    ("trace_illumos", "trace.dict"),
    ("trace_solaris", "trace.dict"),
    ("trace_freebsd", "trace.dict"),
    ("trace_dtruss", "trace.dict"),
];

/// What makes the compiler count which branches are taken.
const FLAGS: [&str; 8] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    // Branches that were folded into one cannot be told apart.
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
    "--cfg",
    "fuzzing",
];

/// Runs the command.
pub(crate) fn run(options: &[String]) -> Result<ExitCode> {
    let mut seconds = 10;
    let mut targets = Vec::new();
    let mut options = options.iter();
    while let Some(option) = options.next() {
        if option == "--seconds" {
            let number = options.next().context("`--seconds` needs a number")?;
            seconds = number.parse().with_context(|| format!("`{number}` is no number"))?;
        } else {
            let known = TARGETS.into_iter().find(|(name, _)| name == option);
            targets.push(known.with_context(|| format!("unknown target `{option}`; {}", names()))?);
        }
    }
    if targets.is_empty() {
        targets.extend(TARGETS);
    }
    fuzz(&targets, seconds)?;
    Ok(ExitCode::SUCCESS)
}

/// Runs every target for some seconds.
pub(crate) fn all(seconds: u32) -> Result<()> {
    fuzz(&TARGETS, seconds)
}

fn names() -> String {
    format!("there are {}", TARGETS.map(|(name, _)| name).join(", "))
}

fn fuzz(targets: &[(&str, &str)], seconds: u32) -> Result<()> {
    let binaries = build()?;
    let mut failed = Vec::new();
    for (name, words) in targets {
        line(&format!("fuzzing {name} for {seconds} s"));
        let folder = workspace::root().join("fuzz");
        let found = folder.join("target/corpus").join(name);
        let artifacts = folder.join("artifacts").join(name);
        for folder in [&found, &artifacts] {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("failed to make `{}`", folder.display()))?;
        }
        let mut fuzzer = workspace::command(binaries.join(name));
        // What is new goes into the first folder; the one that is checked in stays as it is.
        fuzzer.arg(&found).arg(folder.join("corpus").join(name)).args([
            format!("-max_total_time={seconds}"),
            format!("-dict={}", folder.join(words).display()),
            format!("-artifact_prefix={}/", artifacts.display()),
            "-timeout=10".to_owned(),
            "-max_len=4096".to_owned(),
            "-print_final_stats=1".to_owned(),
        ]);
        let output = fuzzer.output().with_context(|| format!("failed to run `{name}`"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            let stats = said.lines().filter(|line| line.starts_with("stat::"));
            stats.for_each(line);
        } else {
            line(&said);
            line(&format!(
                "{name} failed; the input is in {}. Mend it, and keep the input in fuzz/corpus/{name}",
                artifacts.display()
            ));
            failed.push(*name);
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("found by {}", failed.join(", ")) }
}

/// Builds all targets and returns where they are.
fn build() -> Result<PathBuf> {
    let host = host()?;
    let folder = workspace::root().join("fuzz");
    let mut cargo = workspace::cargo();
    // With a target, build scripts and macros are built without the flags.
    cargo
        .args(["build", "--release", "--locked", "--target", &host])
        .current_dir(&folder)
        .env_remove("RUSTFLAGS")
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\x1f"));
    command::run(&mut cargo)?;
    Ok(folder.join("target").join(host).join("release"))
}

/// The triple of this machine.
fn host() -> Result<String> {
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let text = command::output(Command::new(compiler).arg("-vV"))?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("failed to learn the compiler's host")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_target_is_run_and_begins_with_something() {
        let folder = workspace::root().join("fuzz");
        let text = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let listed = text.split("[[bin]]\nname = \"").skip(1);
        let listed: BTreeSet<&str> = listed.filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(listed, TARGETS.map(|(name, _)| name).into());
        for (name, words) in TARGETS {
            assert!(folder.join(words).is_file(), "{words}");
            let corpus = std::fs::read_dir(folder.join("corpus").join(name)).unwrap();
            assert!(corpus.count() > 10, "{name}");
        }
    }
}

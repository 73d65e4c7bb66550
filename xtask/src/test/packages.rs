//! What the tests need of the system: as root on Debian it is installed when it is missing.

use crate::command;
use crate::terminal::line;
use crate::workspace;
use anyhow::Result;
use std::process::Stdio;

/// One package a line, the reason behind `#`.
const PACKAGES: &str = include_str!("debian-packages.txt");

/// Installs what is missing, or says what is.
pub(super) fn install() -> Result<()> {
    if !command::exists("dpkg-query") {
        line("this is no Debian: what the tests need is in xtask/src/test/debian-packages.txt");
        return Ok(());
    }
    let missing: Vec<&str> = names().filter(|name| !is_installed(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !rustix::process::geteuid().is_root() {
        line(&format!("missing, and only root can install: {}", missing.join(" ")));
        return Ok(());
    }
    line(&format!("installing {}", missing.join(" ")));
    command::run(apt().arg("update"))?;
    command::run(apt().args(["install", "-y", "--no-install-recommends"]).args(missing))
}

fn names() -> impl Iterator<Item = &'static str> {
    PACKAGES
        .lines()
        .map(|line| line.split_once('#').map_or(line, |(name, _)| name).trim())
        .filter(|name| !name.is_empty())
}

fn apt() -> std::process::Command {
    let mut apt = workspace::command("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive").args(["-q", "-o", "Dpkg::Use-Pty=0"]);
    apt
}

fn is_installed(name: &str) -> bool {
    workspace::command("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status}", name])
        .stderr(Stdio::null())
        .output()
        .is_ok_and(|output| output.stdout == b"installed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_has_a_reason_and_stands_once() {
        let mut seen = std::collections::BTreeSet::new();
        for name in names() {
            assert!(seen.insert(name), "{name} stands twice");
        }
        assert!(seen.contains("bubblewrap"));
        for line in PACKAGES.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            assert!(line.contains("# "), "no reason: {line}");
        }
    }
}

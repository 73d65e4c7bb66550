//! The npm package of one platform: the binary, and a note that nobody installs it by hand.

use crate::workspace;
use anyhow::{Context, Result, bail};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Files of the workspace that go along.
const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// Lays the package out from nothing and returns where it is.
pub(super) fn lay_out(out: &Path, binary: &Path, version: &str) -> Result<PathBuf> {
    let processor = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => bail!("npm has no name for `{other}`"),
    };
    let name = format!("@jailkeeper/linux-{processor}");
    let package = out.join("npm").join(&name);
    if package.exists() {
        fs::remove_dir_all(&package).context("failed to remove the last package")?;
    }
    fs::create_dir_all(package.join("bin")).context("failed to make the package")?;
    let to = package.join("bin/jailkeeper");
    fs::copy(binary, &to).context("failed to copy the binary")?;
    fs::set_permissions(&to, fs::Permissions::from_mode(0o755))?;
    for licence in LICENCES {
        fs::copy(workspace::root().join(licence), package.join(licence))
            .with_context(|| format!("failed to copy `{licence}`"))?;
    }
    let mut manifest = serde_json::to_string_pretty(&manifest(&name, processor, version))?;
    manifest.push('\n');
    fs::write(package.join("package.json"), manifest)?;
    fs::write(package.join("README.md"), readme(&name, processor))?;
    Ok(package)
}

fn manifest(name: &str, processor: &str, version: &str) -> serde_json::Value {
    serde_json::json!({
        "name": name,
        "version": version,
        "description": format!("The jailkeeper binary for Linux on {processor}"),
        "license": env!("CARGO_PKG_LICENSE"),
        "repository": { "type": "git", "url": concat!("git+", env!("CARGO_PKG_REPOSITORY"), ".git") },
        "os": ["linux"],
        "cpu": [processor],
        "files": ["bin/jailkeeper", "LICENSE-*"],
        "preferUnplugged": true,
    })
}

fn readme(name: &str, processor: &str) -> String {
    format!(
        "# {name}\n\n\
         The `jailkeeper` binary for Linux on {processor}, statically linked.\n\n\
         You need not install this package yourself: [`jailkeeper`]({}) depends on the one for \
         your platform.\n",
        env!("CARGO_PKG_REPOSITORY"),
    )
}

//! The source of the standard library, with which a target can be checked that has no library here.
//!
//! It must be that of the compiler itself. rustup has it as a component (`rust-src`), Debian as a
//! package, for some versions at a time; there it can be fetched and unpacked without being
//! installed.

use crate::command;
use crate::terminal::line;
use crate::workspace;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The release of Debian whose backports follow the compiler.
const SUITES: [&str; 2] = ["trixie-backports", "sid"];
/// Who signs them.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// A compiler, as it describes itself.
pub(super) struct Compiler {
    pub(super) release: String,
    pub(super) sysroot: PathBuf,
}

impl Compiler {
    /// Asks it.
    pub(super) fn ask() -> Result<Self> {
        let compiler =
            || workspace::command(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        let text = command::output(compiler().arg("-vV"))?;
        let release = text.lines().find_map(|line| line.strip_prefix("release: "));
        let release = release.context("failed to learn the compiler's release")?.to_owned();
        let sysroot = command::output(compiler().args(["--print", "sysroot"]))?;
        Ok(Self { release, sysroot: PathBuf::from(sysroot.trim()) })
    }

    /// Tells whether the library of a target is there.
    pub(super) fn has(&self, target: &str) -> bool {
        let folder = self.sysroot.join("lib/rustlib").join(target).join("lib");
        folder.read_dir().is_ok_and(|mut entries| entries.next().is_some())
    }

    /// Finds the source of its library.
    pub(super) fn source(&self, fetched: &Path) -> Option<PathBuf> {
        let debian = Path::new("usr/src").join(format!("rustc-{}", self.release)).join("library");
        let candidates = [
            self.sysroot.join("lib/rustlib/src/rust/library"),
            Path::new("/").join(&debian),
            fetched.join(debian),
        ];
        candidates.into_iter().find(|folder| folder.join("std/Cargo.toml").is_file())
    }

    /// Fetches it from where this Debian has its packages from.
    pub(super) fn fetch(&self, into: &Path) -> Result<()> {
        let state = into.join("apt");
        for folder in ["lists/partial", "archives/partial"] {
            std::fs::create_dir_all(state.join(folder))?;
        }
        let mirror = mirror()?;
        let sources =
            SUITES.map(|suite| format!("deb [signed-by={KEYRING}] {mirror} {suite} main\n"));
        std::fs::write(state.join("sources.list"), sources.concat())?;
        std::fs::write(state.join("status"), "")?;
        command::run(apt(&state).args(["-q", "update"]))?;
        let known = versions(&state)?;
        let version = self.version(&known)?;
        line(&format!("fetching rust-src {version}"));
        let mut download = apt(&state);
        command::run(
            download.args(["-q", "download", &format!("rust-src={version}")]).current_dir(into),
        )?;
        let package = std::fs::read_dir(into)?.flatten().map(|entry| entry.path());
        let mut packages = package.filter(|path| path.extension().is_some_and(|end| end == "deb"));
        let package = packages.next().context("nothing was downloaded")?;
        command::run(workspace::command("dpkg-deb").arg("--extract").arg(&package).arg(into))?;
        std::fs::remove_file(package).context("failed to remove the package")
    }

    /// The version of the package that has this compiler's release.
    fn version(&self, known: &str) -> Result<String> {
        let wanted = format!("{}+", self.release);
        let mut words = known.split(|letter: char| letter.is_whitespace() || letter == '|');
        let found = words.find(|word| word.starts_with(&wanted));
        found
            .map(str::to_owned)
            .with_context(|| format!("Debian has no rust-src of release {}", self.release))
    }
}

/// Which versions there are, in the words of `apt-cache madison`.
fn versions(state: &Path) -> Result<String> {
    let mut cache = workspace::command("apt-cache");
    cache.args(options(state)).args(["madison", "rust-src"]);
    command::output(&mut cache)
}

/// Where this system has Debian's packages from.
fn mirror() -> Result<String> {
    let mut apt = workspace::command("apt-get");
    let text = command::output(apt.args([
        "indextargets",
        "--format",
        "$(REPO_URI)",
        "Created-By: Packages",
        "Origin: Debian",
    ]))?;
    // Not that of security updates, which has no backports.
    let mut lines = text.lines().filter(|line| !line.contains("security"));
    lines.next().map(str::to_owned).context("no list of Debian's packages: run `apt-get update`")
}

/// apt with lists and a cache of its own: the system's stay as they are.
fn apt(state: &Path) -> Command {
    let mut apt = workspace::command("apt-get");
    apt.args(options(state));
    apt
}

fn options(state: &Path) -> Vec<String> {
    let at = |name: &str| state.join(name).display().to_string();
    let settings = [
        format!("Dir::Etc::sourcelist={}", at("sources.list")),
        "Dir::Etc::sourceparts=/dev/null".to_owned(),
        "Dir::Etc::preferencesparts=/dev/null".to_owned(),
        format!("Dir::State::lists={}", at("lists")),
        format!("Dir::State::status={}", at("status")),
        format!("Dir::Cache={}", state.display()),
        "Acquire::Languages=none".to_owned(),
        "APT::Sandbox::User=root".to_owned(),
    ];
    settings.into_iter().flat_map(|setting| ["-o".to_owned(), setting]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_of_the_compiler_is_found() {
        let compiler = Compiler { release: "1.95.0".into(), sysroot: PathBuf::new() };
        let known = " rust-src | 1.97.1+dfsg1-1 | x sid/main amd64 Packages\n rust-src | \
                     1.95.0+dfsg1-2~bpo13+1 | x trixie-backports/main amd64 Packages\n";
        assert_eq!(compiler.version(known).unwrap(), "1.95.0+dfsg1-2~bpo13+1");
        assert!(compiler.version("rust-src | 1.97.1+dfsg1-1 |").is_err());
    }
}

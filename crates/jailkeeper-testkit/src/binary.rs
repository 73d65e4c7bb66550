//! Finding the programs under test.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Returns the `jailkeeper` command.
///
/// It is the one that `JAILKEEPER_BINARY` names, or the one that cargo built beside this test. It
/// belongs to another package, which cargo does not build for these tests: so a missing one, or
/// one that is older than its sources, is an error.
#[must_use]
pub fn jailkeeper_binary() -> PathBuf {
    if let Some(path) = std::env::var_os("JAILKEEPER_BINARY") {
        let path = PathBuf::from(path);
        assert!(path.is_file(), "JAILKEEPER_BINARY is `{}`: no such file", path.display());
        return path;
    }
    let path = profile_directory().join("jailkeeper");
    let built = modified(&path);
    assert!(
        built.is_some(),
        "`{}` is missing: run `cargo build -p jailkeeper-cli` first, or set JAILKEEPER_BINARY",
        path.display()
    );
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned);
    let newest = crates.into_iter().flat_map(|crates| {
        ["jailkeeper", "jailkeeper-cli", "jailkeeper-model", "jailkeeper-sys", "jailkeeper-trace"]
            .map(|name| crates.join(name).join("src"))
    });
    let newest = newest.filter_map(|source| newest_below(&source)).max();
    assert!(
        newest <= built,
        "`{}` is older than its sources: run `cargo build -p jailkeeper-cli` first",
        path.display()
    );
    path
}

/// Returns the program that tries to get out.
#[must_use]
pub fn escape_binary() -> PathBuf {
    let path = profile_directory().join("escape");
    assert!(path.is_file(), "`{}` is missing: cargo builds it for tests", path.display());
    path
}

/// Returns the program that plays a tracer of another system.
#[must_use]
pub fn replay_binary() -> PathBuf {
    let path = profile_directory().join("replay");
    assert!(path.is_file(), "`{}` is missing: cargo builds it for tests", path.display());
    path
}

/// Returns the program that runs many jails through the library.
#[must_use]
pub fn host_binary() -> PathBuf {
    let path = profile_directory().join("host");
    assert!(path.is_file(), "`{}` is missing: cargo builds it for tests", path.display());
    path
}

/// Returns the program that runs prepared commands.
#[must_use]
pub fn warm_binary() -> PathBuf {
    let path = profile_directory().join("warm");
    assert!(path.is_file(), "`{}` is missing: cargo builds it for tests", path.display());
    path
}

/// The directory into which cargo builds: a test is in its `deps`, a program in itself.
pub(crate) fn profile_directory() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    let above = own.ancestors().skip(1).find(|folder| !folder.ends_with("deps"));
    above.unwrap_or(Path::new(".")).to_owned()
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().ok()?.modified().ok()
}

fn newest_below(directory: &Path) -> Option<SystemTime> {
    let entries = directory.read_dir().ok()?.flatten();
    entries
        .filter_map(|entry| {
            let path = entry.path();
            if path.is_dir() { newest_below(&path) } else { modified(&path) }
        })
        .max()
}

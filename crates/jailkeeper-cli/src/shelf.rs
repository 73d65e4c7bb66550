//! Where the profiles of this user are.

use jailkeeper::Shelf;
use std::path::PathBuf;

/// Returns the shelf with the user's own profiles: `jailkeeper/profiles` in the configuration
/// directories of the XDG base directory specification.
pub(crate) fn shelf() -> Shelf {
    let absolute = |path: &PathBuf| path.is_absolute();
    let own = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(absolute);
    let own = own.or_else(|| home().map(|home| home.join(".config")));
    let shared = std::env::var_os("XDG_CONFIG_DIRS").unwrap_or_else(|| "/etc/xdg".into());
    let shared: Vec<_> = std::env::split_paths(&shared).filter(absolute).collect();
    let folders = own.into_iter().chain(shared);
    Shelf::new(folders.map(|folder| folder.join("jailkeeper/profiles")).collect())
}

/// Returns the user's home directory.
pub(crate) fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute())
}

//! The environment of the jail: a short list, and what is always set.

use jailkeeper_model::JailPath;
use jailkeeper_model::profile::SettledVariable;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where programs are looked for when the caller has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Completes the caller's chosen variables to the jail's environment.
///
/// `HOME` and `SHELL` are always set: bash reads `/etc/passwd` when one of them is missing. `PATH`
/// keeps the directories that the jail can reach, so that looking for a program is no access
/// outside. `scratch` is the jail's temporary directory, if it has one.
pub(crate) fn inside(
    chosen: &BTreeMap<OsString, OsString>,
    scratch: Option<&JailPath>,
    cwd: &JailPath,
    variables: &[SettledVariable],
    offered: &BTreeMap<OsString, OsString>,
    can_be_reached: impl Fn(&Path) -> bool,
) -> BTreeMap<OsString, OsString> {
    let mut environment = chosen.clone();
    let scratch = scratch.unwrap_or(cwd).as_path().as_os_str().to_owned();
    let mut default = |name: &str, value: OsString| {
        environment.entry(name.into()).or_insert(value);
    };
    for variable in variables {
        let name = OsStr::new(&variable.name);
        if let Some(value) = variable.value.as_ref().or_else(|| offered.get(name)) {
            default(&variable.name, value.clone());
        }
    }
    default("HOME", scratch.clone());
    default("SHELL", "/bin/sh".into());
    default("USER", "jail".into());
    default("LOGNAME", "jail".into());
    default("TMPDIR", scratch);
    default("PWD", cwd.as_path().as_os_str().to_owned());
    let path = environment.remove(OsStr::new("PATH")).unwrap_or_else(|| DEFAULT_PATH.into());
    let kept: Vec<_> = std::env::split_paths(&path)
        .filter(|folder| can_be_reached(folder))
        .map(PathBuf::into_os_string)
        .collect();
    environment.insert("PATH".into(), kept.join(OsStr::from_bytes(b":")));
    environment
}

/// The files that may be meant by a program's name, in the order of `PATH`.
pub(crate) fn candidates(
    program: &OsStr,
    environment: &BTreeMap<OsString, OsString>,
) -> Vec<PathBuf> {
    if program.as_bytes().contains(&b'/') {
        return vec![program.into()];
    }
    let path = environment.get(OsStr::new("PATH")).cloned().unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(program)).collect()
}

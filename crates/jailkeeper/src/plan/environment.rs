//! The environment of the jail: a short list, and what is always set.

use super::view::{Node, View};
use jailkeeper_model::profile::SettledVariable;
use jailkeeper_model::{JailPath, Policy, Right};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Where programs are looked for when the caller has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Completes the caller's chosen variables to the jail's environment.
///
/// `HOME` and `SHELL` are always set: bash reads `/etc/passwd` when one of them is missing. `PATH`
/// keeps the directories that the jail has, so that looking for a program is no access outside.
pub(super) fn inside(
    chosen: &BTreeMap<OsString, OsString>,
    policy: &Policy,
    view: &View,
    cwd: &JailPath,
    variables: &[SettledVariable],
    offered: &BTreeMap<OsString, OsString>,
    temporary: Option<JailPath>,
) -> BTreeMap<OsString, OsString> {
    let mut environment = chosen.clone();
    let own_tmp = temporary
        .filter(|tmp| policy.rule_for(tmp).is_some_and(|rule| rule.right() == Right::Write));
    let scratch = own_tmp.as_ref().unwrap_or(cwd).as_path().as_os_str().to_owned();
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
        .filter(|folder| can_be_reached(folder, policy, view))
        .map(std::path::PathBuf::into_os_string)
        .collect();
    environment.insert("PATH".into(), kept.join(OsStr::from_bytes(b":")));
    environment
}

fn can_be_reached(folder: &Path, policy: &Policy, view: &View) -> bool {
    let Ok(path) = JailPath::new(folder) else { return false };
    if policy.rule_for(&path).is_some_and(|rule| rule.right() != Right::Deny) {
        return true;
    }
    // A directory that is reached through one of the view's links, such as /bin.
    path.ancestors().any(|ancestor| {
        view.find(&ancestor)
            .and_then(|id| view.node(id))
            .is_some_and(|node| matches!(node, Node::Link(_)))
    })
}

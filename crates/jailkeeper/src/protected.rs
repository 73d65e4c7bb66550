//! Files of the caller that a jail must not be able to change.

use crate::error::{Error, ErrorKind, Result};
use crate::settings::Settings;
use jailkeeper_model::{JailPath, Policy, Right};
use std::path::Path;

/// Makes a jail path of an absolute path, with the policy's words for what is wrong with it.
pub(crate) fn jail_path(path: &Path) -> Result<JailPath> {
    JailPath::new(path).map_err(|error| {
        Error::new(ErrorKind::Policy, "understand the path").at(path).because(error)
    })
}

/// Refuses files of the supervisor in a place that the jail can write.
pub(crate) fn protect_state(settings: &Settings, policy: &Policy) -> Result<()> {
    for file in &settings.protected {
        let absolute = std::path::absolute(file).map_err(|error| {
            Error::new(ErrorKind::Policy, "find the file").at(file).because(error)
        })?;
        if absolute.is_symlink() && !absolute.exists() {
            return Err(Error::new(ErrorKind::Policy, "write through the link")
                .at(file)
                .because("it leads to nothing that is there")
                .with_hint("name the file itself, or pass a descriptor with fd:N"));
        }
        // The file itself may not be there yet; its directory must be.
        let real = absolute.canonicalize().or_else(|_| {
            let parent = absolute.parent().unwrap_or(Path::new("/")).canonicalize()?;
            Ok::<_, std::io::Error>(parent.join(absolute.file_name().unwrap_or_default()))
        });
        let real = real.map_err(|error| {
            Error::new(ErrorKind::Policy, "find the directory of")
                .at(file)
                .because(error)
                .with_hint("create the directory first")
        })?;
        let writable = policy.rule_for(&jail_path(&real)?).filter(|rule| {
            rule.right() == Right::Write && *rule.origin() != jailkeeper_model::Origin::Temporary
        });
        if let Some(rule) = writable {
            return Err(Error::new(ErrorKind::Policy, "keep the jail from changing")
                .at(file)
                .because(format!("it lies inside a writable tree ({})", rule.origin()))
                .with_hint("put it outside every tree that the jail may write"));
        }
    }
    Ok(())
}

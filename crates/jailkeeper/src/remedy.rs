//! How to get what a machine lacks, in words for whoever runs it.

use crate::probe::Surroundings;
use std::path::Path;

/// Where AppArmor looks for profiles.
const APPARMOR_FILE: &str = "/etc/apparmor.d/jailkeeper";

/// Returns an AppArmor profile that lets a binary make user namespaces with capabilities in them, and
/// confines it in no other way: what Ubuntu 24.04 and later ask of programs that make sandboxes.
///
/// It is a whole file, for `/etc/apparmor.d/jailkeeper`. Quotes and backslashes in the path are
/// escaped, and signs that AppArmor takes for patterns.
#[must_use]
pub fn apparmor_profile(binary: &Path) -> String {
    let mut path = String::new();
    for sign in binary.to_string_lossy().chars() {
        if r#""\*?[]{}^"#.contains(sign) {
            path.push('\\');
        }
        path.push(sign);
    }
    format!(
        "# Lets jailkeeper make user namespaces. Save it as {APPARMOR_FILE}, then run\n\
         #     sudo apparmor_parser -r {APPARMOR_FILE}\n\
         abi <abi/4.0>,\n\
         include <tunables/global>\n\
         \n\
         profile jailkeeper \"{path}\" flags=(unconfined) {{\n  \
           userns,\n\
         \n  \
           include if exists <local/jailkeeper>\n\
         }}\n"
    )
}

/// What gives an unprivileged program its user namespaces back where AppArmor takes them.
pub(crate) const APPARMOR: &str = "sudo sh -c 'jailkeeper doctor --apparmor \
     >/etc/apparmor.d/jailkeeper' && sudo apparmor_parser -r /etc/apparmor.d/jailkeeper, which lets \
     jailkeeper alone make them; or, for every program, sudo sysctl -w \
     kernel.apparmor_restrict_unprivileged_userns=0";

/// What a container needs for strength `full`.
pub(crate) fn for_full(surroundings: Surroundings) -> Option<&'static str> {
    match surroundings {
        Surroundings::Machine => None,
        Surroundings::Docker => Some(
            "docker run --device /dev/fuse --security-opt seccomp=unconfined --security-opt \
             apparmor=unconfined --security-opt systempaths=unconfined; strength `flat` needs none \
             of these",
        ),
        Surroundings::Podman => Some(
            "podman run --device /dev/fuse --security-opt seccomp=unconfined --security-opt \
             unmask=ALL, and under SELinux --security-opt label=disable; strength `flat` needs none \
             of these",
        ),
        Surroundings::Kubernetes => Some(
            "in the pod `hostUsers: false`; in the container's securityContext `procMount: \
             Unmasked`, `seccompProfile: {type: Unconfined}`, `appArmorProfile: {type: \
             Unconfined}`; and /dev/fuse by a device plugin; strength `flat` needs none of these",
        ),
    }
}

/// What a container needs for strength `flat`.
pub(crate) fn for_flat(surroundings: Surroundings) -> Option<&'static str> {
    match surroundings {
        Surroundings::Machine => None,
        Surroundings::Docker | Surroundings::Podman => Some(
            "the host's kernel must have Landlock (`lsm=landlock,...`), and the container's seccomp \
             profile must let `landlock_*` and `seccomp` through, as the default of Docker 23 and \
             podman 4 does: update, or --security-opt seccomp=unconfined",
        ),
        Surroundings::Kubernetes => Some(
            "the node's kernel must have Landlock (`lsm=landlock,...`), and the seccomp profile must \
             let `landlock_*` and `seccomp` through, as `seccompProfile: {type: RuntimeDefault}` of \
             containerd 1.7 does",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_names_the_binary_and_nothing_else() {
        let text = apparmor_profile(Path::new("/opt/my tools/jail*keeper"));
        assert!(
            text.contains(
                r#"profile jailkeeper "/opt/my tools/jail\*keeper" flags=(unconfined) {"#
            )
        );
        assert!(text.contains("\n  userns,\n") && text.ends_with("}\n"), "{text}");
        assert_eq!(text.matches('{').count(), text.matches('}').count());
        let hostile = apparmor_profile(Path::new("/a\" { capability, } #"));
        assert!(hostile.contains(r#""/a\" \{ capability, \} #" flags"#), "{hostile}");
    }

    #[test]
    fn every_container_has_its_own_words() {
        use Surroundings::{Docker, Kubernetes, Machine, Podman};
        assert_eq!((for_full(Machine), for_flat(Machine)), (None, None));
        for (surroundings, word) in
            [(Docker, "docker run"), (Podman, "podman run"), (Kubernetes, "securityContext")]
        {
            assert!(for_full(surroundings).unwrap().contains(word));
            assert!(for_full(surroundings).unwrap().contains("/dev/fuse"));
            assert!(for_flat(surroundings).unwrap().contains("Landlock"));
        }
    }
}

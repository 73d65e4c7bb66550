//! What this machine has.
//!
//! Nothing in JailKeeper asks for a kernel version. Every feature is tried once, the answers
//! make one [`Probe`] value, and the plan is made from that value: a test fakes a machine by
//! writing one down.

use crate::remedy;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What was found out about one feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "state", deny_unknown_fields)]
#[non_exhaustive]
pub enum Finding {
    /// It is there.
    Present {
        /// What exactly.
        detail: String,
    },
    /// It is not there.
    Missing {
        /// Why.
        reason: String,
        /// What would change that.
        remedy: String,
    },
}

impl Finding {
    fn present(detail: impl Into<String>) -> Self {
        Self::Present { detail: detail.into() }
    }

    fn missing(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Missing { reason: reason.into(), remedy: remedy.into() }
    }

    /// Tells whether the feature is there.
    #[must_use]
    pub fn is_present(&self) -> bool {
        matches!(self, Self::Present { .. })
    }
}

/// What the feature is called that the watch needs.
pub(crate) const LISTENER: &str = "seccomp listener";

/// Where this process runs, as far as it changes what is to be done about something that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Surroundings {
    /// A machine, real or virtual; or nobody says otherwise.
    #[default]
    Machine,
    /// A container that Docker started.
    Docker,
    /// A container that podman started.
    Podman,
    /// A container of a Kubernetes pod.
    Kubernetes,
}

impl Surroundings {
    fn of_this_process() -> Self {
        let is = |path: &str| Path::new(path).exists();
        if is("/var/run/secrets/kubernetes.io") {
            Self::Kubernetes
        } else if is("/run/.containerenv") {
            Self::Podman
        } else if is("/.dockerenv") {
            Self::Docker
        } else {
            Self::Machine
        }
    }
}

/// What is not asked for is taken to be there: the start finds out.
fn not_tried() -> Finding {
    Finding::present("not tried")
}

/// The features that strengths are built from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Probe {
    /// The running kernel, for people; nothing is decided by it.
    pub kernel: String,
    /// Whether this process is root on the host.
    pub root: bool,
    /// User namespaces can be made.
    pub user_namespaces: Finding,
    /// `/dev/fuse` can be opened.
    pub fuse: Finding,
    /// Landlock is on.
    pub landlock: Finding,
    /// The Landlock ABI, 0 when it is off.
    pub landlock_abi: u32,
    /// Seccomp filters can have a listener.
    pub listener: Finding,
    /// The calls of the new mount API exist.
    pub mount_api: Finding,
    /// A jail of strength `full` can be raised: what the rest does not tell.
    #[serde(default = "not_tried")]
    pub raising: Finding,
    /// Where this process runs.
    #[serde(default)]
    pub surroundings: Surroundings,
}

impl Probe {
    /// Asks the running machine. Changes nothing, takes well under a millisecond.
    #[must_use]
    pub fn of_this_machine() -> Self {
        let mut probe = Self::for_a_start();
        if probe.user_namespaces.is_present() {
            probe.user_namespaces = tried_namespaces();
        }
        probe.advised()
    }

    /// Asks the running machine, and raises a jail of strength `full` in which nothing is run, if
    /// nothing else speaks against it. Takes some milliseconds.
    #[must_use]
    pub fn by_trial() -> Self {
        let mut probe = Self::of_this_machine();
        if probe.supports_full() {
            probe.raising = match crate::command::try_full(&probe) {
                Ok(()) => Finding::present("a jail was raised"),
                Err(error) => Finding::missing(
                    error.sentence(),
                    error.hint().unwrap_or("strength `flat` does without"),
                ),
            };
        }
        probe.advised()
    }

    /// Adds advice for the container that this process is in.
    fn advised(mut self) -> Self {
        let advise = |finding: &mut Finding, advice: Option<&str>| {
            if let (Finding::Missing { remedy, .. }, Some(advice)) = (finding, advice) {
                let there = remedy.contains(advice);
                if !there {
                    *remedy = format!("{remedy}; in this container: {advice}");
                }
            }
        };
        let full = remedy::for_full(self.surroundings);
        let flat = remedy::for_flat(self.surroundings);
        for finding in
            [&mut self.user_namespaces, &mut self.fuse, &mut self.mount_api, &mut self.raising]
        {
            advise(finding, full);
        }
        for finding in [&mut self.landlock, &mut self.listener] {
            advise(finding, flat);
        }
        self
    }

    /// Asks the running machine what is cheap to ask: whether the kernel lets this process make a
    /// user namespace is left for the start itself to find out, which does it anyway.
    #[must_use]
    pub fn for_a_start() -> Self {
        let abi = jailkeeper_sys::landlock::abi();
        let filtered = is_filtered();
        let apparmor = AppArmor::of_this_process();
        let mut user_namespaces = user_namespaces(apparmor);
        if user_namespaces.is_present() && (filtered || apparmor == AppArmor::HasProfile) {
            // A container's filter, or a profile, may refuse what the settings allow.
            user_namespaces = tried_namespaces();
        }
        Self {
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
            root: rustix::process::geteuid().is_root(),
            fuse: fuse(),
            landlock_abi: abi.as_ref().copied().unwrap_or(0),
            landlock: match abi {
                Ok(abi) => Finding::present(format!("ABI {abi}")),
                Err(error) => Finding::missing(
                    error.to_string(),
                    "boot with `lsm=landlock,...` on the kernel command line; Landlock needs \
                     Linux 5.13 with CONFIG_SECURITY_LANDLOCK",
                ),
            },
            listener: listener(filtered),
            // Whoever is not to have the one may be killed for asking for the other: another jail's.
            mount_api: if user_namespaces.is_present() { mount_api() } else { not_tried() },
            user_namespaces,
            raising: not_tried(),
            surroundings: Surroundings::of_this_process(),
        }
        .advised()
    }

    /// Returns the features in the order in which people want to read them.
    #[must_use]
    pub fn findings(&self) -> [(&'static str, &Finding); 6] {
        [
            ("user namespaces", &self.user_namespaces),
            ("FUSE", &self.fuse),
            ("Landlock", &self.landlock),
            (LISTENER, &self.listener),
            ("mount API", &self.mount_api),
            ("raising a jail", &self.raising),
        ]
    }

    /// Returns the features that strength `flat` is built from.
    #[must_use]
    pub fn flat_findings(&self) -> [(&'static str, &Finding); 2] {
        [("Landlock", &self.landlock), (LISTENER, &self.listener)]
    }

    /// Tells whether strength `flat` can be had here.
    #[must_use]
    pub fn supports_flat(&self) -> bool {
        self.flat_findings().iter().all(|(_, finding)| finding.is_present())
    }

    /// Tells whether strength `full` can be had here.
    #[must_use]
    pub fn supports_full(&self) -> bool {
        self.findings().iter().all(|(_, finding)| finding.is_present())
    }
}

/// Tells whether a filter of system calls is in force here already.
pub(crate) fn is_filtered() -> bool {
    let mode = rustix::thread::secure_computing_mode();
    !matches!(mode, Ok(rustix::thread::SecureComputingMode::Disabled))
}

/// What AppArmor has to say about user namespaces of unprivileged processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AppArmor {
    /// Nothing.
    Silent,
    /// This process is nobody's: it gets no capabilities in them.
    Restricts,
    /// This process has a profile, which may allow them.
    HasProfile,
}

impl AppArmor {
    fn of_this_process() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).ok();
        let restricted = read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
        let label = read("/proc/self/attr/apparmor/current")
            .or_else(|| restricted.as_ref().and_then(|_| read("/proc/self/attr/current")));
        let root = rustix::process::geteuid().is_root();
        Self::judge(root, restricted.as_deref(), label.as_deref())
    }

    fn judge(root: bool, restricted: Option<&str>, label: Option<&str>) -> Self {
        if root || restricted.is_none_or(|setting| setting.trim() != "1") {
            return Self::Silent;
        }
        match label.map(|label| label.trim_end_matches(['\n', '\0'])) {
            None | Some("unconfined" | "") => Self::Restricts,
            Some(_) => Self::HasProfile,
        }
    }
}

fn listener(filtered: bool) -> Finding {
    if !jailkeeper_sys::seccomp::has_listener() {
        return Finding::missing(
            "the kernel refuses SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
            "use Linux 5.19 or later; in a container, allow the `seccomp` system call",
        );
    }
    // Whoever filters here may have the only listener that the kernel allows.
    match if filtered { jailkeeper_sys::seccomp::try_listener() } else { Ok(()) } {
        Ok(()) => Finding::present("with WAIT_KILLABLE_RECV"),
        Err(error) => Finding::missing(
            format!("a filter is in force here that does not share: {error}"),
            "run jailkeeper outside of the sandbox that it is in",
        ),
    }
}

fn user_namespaces(apparmor: AppArmor) -> Finding {
    let limit = |path: &str| {
        std::fs::read_to_string(path).ok().and_then(|text| text.trim().parse::<u64>().ok())
    };
    if !Path::new("/proc/self/ns/user").exists() {
        return Finding::missing(
            "the kernel was built without them, or `/proc` is not mounted",
            "use a kernel with CONFIG_USER_NS=y and mount `/proc`",
        );
    }
    if limit("/proc/sys/user/max_user_namespaces") == Some(0) {
        return Finding::missing(
            "`user.max_user_namespaces` is 0",
            "sysctl -w user.max_user_namespaces=10000",
        );
    }
    let root = rustix::process::geteuid().is_root();
    if !root && limit("/proc/sys/kernel/unprivileged_userns_clone") == Some(0) {
        return Finding::missing(
            "`kernel.unprivileged_userns_clone` is 0",
            "sysctl -w kernel.unprivileged_userns_clone=1",
        );
    }
    if apparmor == AppArmor::Restricts {
        return Finding::missing(
            "AppArmor gives unprivileged programs no capabilities in them (Ubuntu 24.04)",
            remedy::APPARMOR,
        );
    }
    Finding::present("not refused by the settings")
}

/// The last word has the kernel: a container's filter may refuse what the settings allow, and a
/// security module may let them be made and give no capabilities in them.
fn tried_namespaces() -> Finding {
    match jailkeeper_sys::process::try_namespaces() {
        Ok(()) => Finding::present("can be made, with capabilities in them"),
        // That is for the mount API to say.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NOSYS.raw_os_error()) => {
            Finding::present("can be made")
        }
        Err(error) => Finding::missing(
            format!("making one, with capabilities in it: {error}"),
            "allow them in the security module or filter that refuses them, or run jailkeeper \
             outside of the sandbox that it is in",
        ),
    }
}

fn fuse() -> Finding {
    match rustix::fs::access(
        "/dev/fuse",
        rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK,
    ) {
        Ok(()) => Finding::present("`/dev/fuse` can be opened"),
        Err(rustix::io::Errno::NOENT) => Finding::missing(
            "`/dev/fuse` does not exist",
            "modprobe fuse; in a container, add `--device /dev/fuse`",
        ),
        Err(error) => Finding::missing(
            format!("`/dev/fuse`: {}", std::io::Error::from(error)),
            "chmod 0666 /dev/fuse, which is what udev's own rules set",
        ),
    }
}

fn mount_api() -> Finding {
    // Unknown flags are EINVAL, missing privileges are EPERM; ENOSYS alone says no. An unknown name
    // instead would have the kernel look for its module, by starting `modprobe`.
    let flags = rustix::mount::FsOpenFlags::from_bits_retain(u32::MAX);
    match rustix::mount::fsopen("tmpfs", flags) {
        Err(rustix::io::Errno::NOSYS) => {
            Finding::missing("no `fsopen` system call", "use Linux 5.12 or later")
        }
        _ => Finding::present("fsopen, open_tree, mount_setattr"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apparmor_is_asked_about_this_process() {
        use AppArmor::{HasProfile, Restricts, Silent};
        for (root, restricted, label, expected) in [
            (false, None, None, Silent),
            (false, Some("0\n"), Some("unconfined\n"), Silent),
            (false, Some("1\n"), Some("unconfined\n"), Restricts),
            (false, Some("1\n"), None, Restricts),
            (true, Some("1\n"), Some("unconfined\n"), Silent),
            // Ours: it allows them.
            (false, Some("1\n"), Some("jailkeeper (unconfined)\n"), HasProfile),
            (false, Some("1\n"), Some("docker-default (enforce)\n"), HasProfile),
        ] {
            assert_eq!(AppArmor::judge(root, restricted, label), expected, "{label:?}");
        }
    }

    #[test]
    fn advice_is_for_where_one_is() {
        let all_missing = |surroundings| {
            let missing = || Finding::missing("no", "on a machine");
            let (kernel, root, landlock_abi) = (String::new(), false, 0);
            let probe = Probe {
                kernel,
                root,
                landlock_abi,
                user_namespaces: missing(),
                fuse: missing(),
                landlock: missing(),
                listener: missing(),
                mount_api: missing(),
                raising: missing(),
                surroundings,
            };
            probe.advised()
        };
        let remedies = |probe: &Probe| -> Vec<String> {
            let findings = probe.findings().into_iter();
            let remedy = |(_, finding): (_, &Finding)| match finding {
                Finding::Missing { remedy, .. } => remedy.clone(),
                Finding::Present { .. } => String::new(),
            };
            findings.map(remedy).collect()
        };
        let machine = remedies(&all_missing(Surroundings::Machine));
        assert!(machine.iter().all(|remedy| remedy == "on a machine"));
        for surroundings in [Surroundings::Docker, Surroundings::Podman, Surroundings::Kubernetes] {
            let advice = remedies(&all_missing(surroundings));
            let full = remedy::for_full(surroundings).unwrap();
            let flat = remedy::for_flat(surroundings).unwrap();
            for (advice, expected) in advice.iter().zip([full, full, flat, flat, full, full]) {
                assert_eq!(*advice, format!("on a machine; in this container: {expected}"));
            }
        }
    }
}

//! What this machine has.
//!
//! Nothing in JailKeeper asks for a kernel version. Every feature is tried once, the answers
//! make one [`Probe`] value, and the plan is made from that value: a test fakes a machine by
//! writing one down.

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
}

impl Probe {
    /// Asks the running machine. Changes nothing, takes well under a millisecond.
    #[must_use]
    pub fn of_this_machine() -> Self {
        let mut probe = Self::for_a_start();
        if probe.user_namespaces.is_present() {
            probe.user_namespaces = tried_user_namespace();
        }
        probe
    }

    /// Asks the running machine what is cheap to ask: whether the kernel lets this process make a
    /// user namespace is left for the start itself to find out, which does it anyway.
    #[must_use]
    pub fn for_a_start() -> Self {
        let abi = jailkeeper_sys::landlock::abi();
        let mut user_namespaces = user_namespaces();
        if user_namespaces.is_present() && is_filtered() {
            // A container's filter may refuse what the settings allow.
            user_namespaces = tried_user_namespace();
        }
        Self {
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
            root: rustix::process::geteuid().is_root(),
            user_namespaces,
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
            listener: if jailkeeper_sys::seccomp::has_listener() {
                Finding::present("with WAIT_KILLABLE_RECV")
            } else {
                Finding::missing(
                    "the kernel refuses SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
                    "use Linux 5.19 or later; in a container, allow the `seccomp` system call",
                )
            },
            mount_api: mount_api(),
        }
    }

    /// Returns the features in the order in which people want to read them.
    #[must_use]
    pub fn findings(&self) -> [(&'static str, &Finding); 5] {
        [
            ("user namespaces", &self.user_namespaces),
            ("FUSE", &self.fuse),
            ("Landlock", &self.landlock),
            ("seccomp listener", &self.listener),
            ("mount API", &self.mount_api),
        ]
    }

    /// Returns the features that strength `flat` is built from.
    #[must_use]
    pub fn flat_findings(&self) -> [(&'static str, &Finding); 2] {
        [("Landlock", &self.landlock), ("seccomp listener", &self.listener)]
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
fn is_filtered() -> bool {
    let mode = rustix::thread::secure_computing_mode();
    !matches!(mode, Ok(rustix::thread::SecureComputingMode::Disabled))
}

fn user_namespaces() -> Finding {
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
    if !root && limit("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == Some(1) {
        return Finding::missing(
            "AppArmor restricts unprivileged user namespaces (Ubuntu 24.04)",
            "give jailkeeper an AppArmor profile with the `userns` rule, or \
             sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        );
    }
    Finding::present("not refused by the settings")
}

/// The last word has the kernel: a container's filter may refuse what the settings allow.
fn tried_user_namespace() -> Finding {
    match jailkeeper_sys::process::try_user_namespace() {
        Ok(()) => Finding::present("can be made"),
        Err(error) => Finding::missing(
            format!("clone3(CLONE_NEWUSER): {error}"),
            "in a container, allow `clone3` with namespace flags (for example \
             `--security-opt seccomp=unconfined`) or run jailkeeper outside of it",
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
    // An unknown file system is ENODEV, missing privileges are EPERM; ENOSYS alone says no.
    let flags = rustix::mount::FsOpenFlags::FSOPEN_CLOEXEC;
    match rustix::mount::fsopen("jailkeeper-no-such-filesystem", flags) {
        Err(rustix::io::Errno::NOSYS) => {
            Finding::missing("no `fsopen` system call", "use Linux 5.12 or later")
        }
        _ => Finding::present("fsopen, open_tree, mount_setattr"),
    }
}

//! Whether macOS lets DTrace look at the programs of the system.
//!
//! dtruss is a script around DTrace. DTrace is for root alone, and System Integrity Protection, which
//! is on unless somebody has turned it off in the recovery system, keeps it away from everything
//! that Apple has signed as its own: `/bin/sh` first of all, with which every command begins here.

#[cfg(target_os = "macos")]
use crate::error::{Error, ErrorKind, Result};

/// What System Integrity Protection does to DTrace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protection {
    /// DTrace may look at everything.
    Lifted,
    /// It may not look at the system's programs.
    InForce,
    /// `csrutil` says something else: dtruss itself will tell.
    Unknown,
}

/// What is in the way, and what can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Obstacle {
    because: &'static str,
    hint: &'static str,
}

const NOT_ROOT: Obstacle = Obstacle {
    because: "only root may use DTrace on macOS",
    hint: "run it with sudo; the command then runs as root too, so use a user of its own",
};

const PROTECTED: Obstacle = Obstacle {
    because: "System Integrity Protection keeps DTrace away from the system's programs, such as \
              `/bin/sh`",
    hint: "in the recovery system, `csrutil enable --without dtrace`; this weakens the whole \
           machine, so do it only where that is acceptable",
};

/// Reads what `csrutil status` says.
///
/// It says `System Integrity Protection status: enabled.` or `disabled.`; or, where single parts are
/// on or off, `enabled (Custom Configuration).` or, since macOS 11, `unknown (Custom
/// Configuration).`, and then a list with `DTrace Restrictions: disabled`.
fn protection(said: &str) -> Protection {
    let value = |name: &str| {
        said.lines().find_map(|line| Some(line.split_once(name)?.1.trim_start_matches(':').trim()))
    };
    let part = value("DTrace Restrictions");
    let words = part.or_else(|| value("System Integrity Protection status")).unwrap_or_default();
    match words.split(|letter: char| !letter.is_ascii_alphabetic()).next() {
        Some("enabled") => Protection::InForce,
        Some("disabled") => Protection::Lifted,
        _ => Protection::Unknown,
    }
}

/// Says what keeps dtruss from working, for a user and what `csrutil status` has said; `None` where
/// there is no `csrutil`, as before macOS 10.11.
fn obstacle(is_root: bool, csrutil: Option<&str>) -> Option<Obstacle> {
    if !is_root {
        return Some(NOT_ROOT);
    }
    (csrutil.map(protection) == Some(Protection::InForce)).then_some(PROTECTED)
}

/// Fails where dtruss cannot work.
#[cfg(target_os = "macos")]
pub(in super::super) fn require_dtrace() -> Result<()> {
    let status = std::process::Command::new("/usr/bin/csrutil").arg("status").env_clear().output();
    let said = status.ok().map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    match obstacle(rustix::process::geteuid().is_root(), said.as_deref()) {
        None => Ok(()),
        Some(Obstacle { because, hint }) => {
            let error = Error::new(ErrorKind::Unsupported, "trace with dtruss");
            Err(error.because(because).with_hint(hint))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: &str = "\n\nConfiguration:\n\tApple Internal: disabled\n\tKext Signing: enabled\n\t\
        Filesystem Protections: enabled\n\tDebugging Restrictions: enabled\n\tDTrace Restrictions: \
        WORD\n\tNVRAM Protections: enabled\n\tBaseSystem Verification: enabled\n\nThis is an \
        unsupported configuration, likely to break in the future and leave your machine in an \
        unknown state.\n";

    #[test]
    fn what_csrutil_says_is_understood() {
        let with = |status: &str, word: &str| {
            format!("System Integrity Protection status: {status}.{}", PARTS.replace("WORD", word))
        };
        let plain = |status: &str| format!("System Integrity Protection status: {status}.\n");
        for (said, expected) in [
            (plain("enabled"), Protection::InForce),
            (plain("disabled"), Protection::Lifted),
            (plain("enabled (Apple Internal)"), Protection::InForce),
            (with("enabled (Custom Configuration)", "disabled"), Protection::Lifted),
            (with("enabled (Custom Configuration)", "enabled"), Protection::InForce),
            (with("unknown (Custom Configuration)", "disabled"), Protection::Lifted),
            (with("unknown (Custom Configuration)", "enabled"), Protection::InForce),
            (with("disabled", "disabled"), Protection::Lifted),
            (plain("unknown (Custom Configuration)"), Protection::Unknown),
            ("csrutil: failed to retrieve system integrity status".into(), Protection::Unknown),
            (String::new(), Protection::Unknown),
        ] {
            assert_eq!(protection(&said), expected, "{said}");
        }
    }

    #[test]
    fn what_is_in_the_way_is_said() {
        let (on, off) = (
            "System Integrity Protection status: enabled.",
            "System Integrity Protection status: disabled.",
        );
        for (is_root, said, expected) in [
            (false, Some(off), Some(NOT_ROOT)),
            (false, Some(on), Some(NOT_ROOT)),
            (true, Some(on), Some(PROTECTED)),
            (true, Some(off), None),
            (true, None, None),
            (true, Some(""), None),
        ] {
            assert_eq!(obstacle(is_root, said), expected, "{is_root} {said:?}");
        }
    }
}

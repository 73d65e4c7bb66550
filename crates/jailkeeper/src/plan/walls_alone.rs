//! What cannot be kept where nobody watches, or where a jail has sandboxes of its own.
//!
//! Both take away what the supervisor does by opening files and handing them over: without a
//! watch there is nobody to do it, and below the walls of an inner sandbox a descriptor from outside
//! would lead past them.

use super::{Ground, Native};
use crate::error::{Error, ErrorKind, Result};
use crate::probe::Probe;
use crate::settings::Settings;
use crate::walls::landlock::SCOPES_SINCE;
use jailkeeper_model::{Policy, Right};

/// Fails for the first part of a policy that could not be kept.
pub(super) fn check(
    settings: &Settings,
    probe: &Probe,
    ground: &Ground,
    policy: &Policy,
    native: &Native,
) -> Result<()> {
    if settings.unwatched {
        unwatched(settings, probe, policy, native)?;
    }
    if settings.nested {
        nested(settings, ground, policy, native)?;
    }
    Ok(())
}

fn unwatched(settings: &Settings, probe: &Probe, policy: &Policy, native: &Native) -> Result<()> {
    let needs = |what: &str, why: &str| {
        Err(Error::new(ErrorKind::Policy, format!("{what} without a watch"))
            .because(why.to_owned())
            .with_hint("leave it away, or `--watch none`"))
    };
    if probe.landlock_abi < SCOPES_SINCE {
        return Err(Error::new(ErrorKind::Unsupported, "keep signals inside without a watch")
            .because(format!("Landlock has ABI {}, and does it from 6 on", probe.landlock_abi))
            .with_hint("use Linux 6.12 or later"));
    }
    if !policy.patterns().is_empty() {
        return needs(
            "use patterns",
            "the watch opens what they grant, and refuses what they deny",
        );
    }
    if let Some(chain) = native.first_chain() {
        return Err(Error::new(ErrorKind::Policy, "make an exception inside without a watch")
            .at(chain)
            .because("Landlock grants whole trees; what is made beside it is opened by the watch")
            .with_hint("allow smaller trees, or leave `--watch none` away"));
    }
    if policy.asks() {
        return needs("ask about jailbreaks", "nobody sees them");
    }
    if policy.strict() || settings.hide {
        return needs("hide what is outside", "Landlock does not govern looking");
    }
    if settings.report_probes {
        return needs("report probes", "nobody sees them");
    }
    Ok(())
}

fn nested(settings: &Settings, ground: &Ground, policy: &Policy, native: &Native) -> Result<()> {
    let error = |what: &str| {
        Err(Error::new(
            ErrorKind::Policy,
            format!("{what} in a jail that may have sandboxes in it"),
        )
        .because("what is handed over from outside would lead past the inner walls")
        .with_hint("leave it away, or `--nested`"))
    };
    if policy.patterns().iter().any(|pattern| pattern.right() != Right::Deny) {
        return error("grant patterns");
    }
    if policy.asks() {
        return error("ask about jailbreaks");
    }
    if settings.widens() {
        return error("widen the walls");
    }
    if matches!(ground, Ground::Host { .. }) && !native.is_everything() {
        return error("make an exception inside an allowed tree at strength `flat`");
    }
    Ok(())
}

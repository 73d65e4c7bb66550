//! What this process does about itself, as far as the system has it.
//!
//! A watch around this process would take some of it for an attempt to get out. Where a filter is in
//! force it is left undone.

/// Keeps others from looking into this process: it holds the caller's environment.
///
/// Inside of a filter, this process's own jails are kept from looking by their filter and by
/// Landlock.
pub(crate) fn hide() {
    #[cfg(target_os = "linux")]
    if is_free() {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Gives back the memory that a start needs and a watch does not: most of this program.
pub(crate) fn rest() {
    #[cfg(feature = "full")]
    if is_free() {
        jailkeeper::give_memory_back();
    }
}

#[cfg(target_os = "linux")]
fn is_free() -> bool {
    use rustix::thread::{SecureComputingMode, secure_computing_mode};
    matches!(secure_computing_mode(), Ok(SecureComputingMode::Disabled))
}

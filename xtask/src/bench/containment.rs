//! The outer containment: namespaces in which a mistake of a sandbox hurts nobody.
//!
//! Programs that mount, change their root and kill are run here as root. A wild flag once took a
//! machine's own mount namespace apart, so nothing is measured outside: this program runs itself
//! again as the first process of a new pid namespace, with private mounts, and refuses to go on
//! when it finds that it is not there. When it ends, the kernel kills whatever is left.

use crate::{command, workspace};
use anyhow::{Context, Result, bail};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};

/// A whole benchmark takes no longer than this, in seconds.
const LONGEST: &str = "7200";

/// Runs this program again inside.
pub(super) fn enter(program: &Path, arguments: &[String], base: &Path) -> Result<ExitStatus> {
    let mut command = workspace::command("timeout");
    command.args(["--foreground", "--kill-after=5", LONGEST, "unshare"]);
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-current-user"]);
    }
    command.args(["--mount", "--pid", "--ipc", "--fork", "--kill-child"]);
    command.args(["--propagation", "private", "--mount-proc"]);
    command.arg(program).args(["bench", "--inside"]).arg(base).args(arguments);
    command.status().context("failed to run unshare: install util-linux")
}

/// Gives every user `/dev/fuse`, as udev's own rules do, where the machine keeps it to root.
///
/// The node is our own, in the mount namespace of the containment: the machine's stays as it is.
pub(super) fn open_fuse(base: &Path) -> Result<()> {
    let all = 0o006;
    let closed = std::fs::metadata("/dev/fuse").is_ok_and(|node| node.mode() & all != all);
    if !closed || !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let node = base.join("fuse");
    let mut mknod = workspace::command("mknod");
    command::run(mknod.arg("--mode=0666").arg(&node).args(["c", "10", "229"]))?;
    let mut mount = workspace::command("mount");
    command::run(mount.arg("--bind").arg(&node).arg("/dev/fuse"))
}

/// A process that ends with this.
pub(super) struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Makes the containment look as some peers want it.
///
/// firejail enforces nothing, and does not say so, where it sees no thread of the kernel: it takes
/// the pid namespace for one of its own. sandbox-runtime leaves a socket behind in `/tmp` that is
/// named after a pid.
pub(super) fn please_peers(base: &Path, out: &Path) -> Result<Option<Ending>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let thread = base.join("bin/kthreadd");
    std::fs::copy("/bin/sleep", &thread).context("failed to copy `sleep`")?;
    let mut command = Command::new(thread);
    let child = command.arg("infinity").spawn().context("failed to start `sleep`")?;
    if !out.starts_with("/tmp") {
        let mut mount = workspace::command("mount");
        command::run(mount.args(["-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/tmp"]))?;
    }
    Ok(Some(Ending(child)))
}

/// Fails outside.
pub(super) fn prove() -> Result<()> {
    if std::process::id() != 1 {
        bail!("this part runs inside its containment only: use `cargo xtask bench`");
    }
    Ok(())
}

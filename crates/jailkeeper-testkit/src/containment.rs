//! The outer containment of every run.

use crate::needs::is_root;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The user and group id of [`User::Ordinary`]: no account of any distribution.
pub const ORDINARY: u32 = 40_001;

/// What the containment's first process does.
///
/// It proves that it is contained; gives an ordinary user a `/dev/fuse` that it can open, because
/// not every machine has one; shows directories of the machine elsewhere; runs the command as its child, so that signals and orphans are as
/// usual; and writes down who is alive when the command has ended.
const FIRST_PROCESS: &str = r#"
outer=$1 fuse=$2 user=$3 leftovers=$4 binds=$5
shift 5
if [ $$ != 1 ] || [ "$(readlink /proc/self/ns/mnt)" = "$outer" ]; then
    echo 'not contained' >&2
    exit 99
fi
if [ -n "$fuse" ]; then
    mknod -m 666 "$fuse" c 10 229 && mount --bind "$fuse" /dev/fuse && rm "$fuse" || exit 99
fi
if [ -n "$binds" ]; then
    while read -r from && read -r to; do
        mount --bind "$from" "$to" && mount -o remount,bind,ro "$to" || exit 99
    done <<END
$binds
END
fi
if [ -n "$user" ]; then
    setpriv --reuid "$user" --regid "$user" --clear-groups "$@"
else
    "$@"
fi
status=$?
for process in /proc/[0-9]*; do
    if [ "$process" != /proc/1 ] && read -r name 2>/dev/null <"$process/comm"; then
        # Who is dead already, and only not waited for by this shell, is not left.
        case $(sed -n 's/^State:[[:space:]]*//p' "$process/status" 2>/dev/null) in
            Z*|X*|'') ;;
            *) echo "$process $name" >>"$leftovers" ;;
        esac
    fi
done
exit $status
"#;

/// Who runs a command in the containment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// Root, with every capability over the machine.
    Root,
    /// Somebody without any privilege. If root runs the tests it is [`ORDINARY`], otherwise
    /// whoever runs them.
    Ordinary,
}

impl User {
    /// Returns the id that files must have to belong to this user.
    #[must_use]
    pub fn id(self) -> Option<u32> {
        (is_root() && self == Self::Ordinary).then_some(ORDINARY)
    }
}

/// Makes commands that run contained.
///
/// The containment has mount, pid, ipc and net namespaces of its own and a limit of processes; it
/// ends after a while whatever happens, and with its first process everything in it ends. There is
/// no way to a command that is not contained.
#[derive(Debug)]
pub struct Contained {
    user: User,
    state: PathBuf,
    time: Duration,
    foreground: bool,
    binds: Vec<(PathBuf, PathBuf)>,
}

impl Contained {
    /// How many processes a user may have in containments.
    const PROCESSES: u32 = 4000;

    /// Prepares a containment that keeps its own files in a directory.
    #[must_use]
    pub fn new(user: User, state: &Path) -> Self {
        assert!(user == User::Ordinary || is_root(), "only root contains root");
        let time = Duration::from_secs(60);
        Self { user, state: state.to_owned(), time, foreground: false, binds: Vec::new() }
    }

    /// Ends the containment after this time.
    #[must_use]
    pub fn for_at_most(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// Shows a directory of the machine at another path too, where nobody can change it.
    ///
    /// So an ordinary user has what only root's home has, such as a tool chain. Only root can do
    /// it, and no path has a line break.
    #[must_use]
    pub fn with_bind(mut self, from: PathBuf, to: PathBuf) -> Self {
        self.binds.push((from, to));
        self
    }

    /// Leaves the command in the foreground of its terminal.
    #[must_use]
    pub fn in_foreground(mut self) -> Self {
        self.foreground = true;
        self
    }

    /// The file that names processes which are alive when the command has ended.
    #[must_use]
    pub fn leftovers(&self) -> PathBuf {
        self.state.join("leftovers")
    }

    /// Makes a command of a program and its arguments, with no input.
    #[must_use]
    pub fn command<I: IntoIterator<Item: Into<OsString>>>(&self, arguments: I) -> Command {
        let outer = std::fs::read_link("/proc/self/ns/mnt").unwrap_or_default();
        let mut command = Command::new("timeout");
        if self.foreground {
            command.arg("--foreground");
        }
        command.args(["-k", "2", &self.time.as_secs().to_string()]);
        command.args(["prlimit", &format!("--nproc={}", Self::PROCESSES), "unshare"]);
        command.args(["--mount", "--pid", "--ipc", "--net", "--fork", "--kill-child"]);
        command.args(["--propagation", "private", "--mount-proc"]);
        let (mut fuse, mut user) = (PathBuf::new(), String::new());
        if !is_root() {
            command.args(["--user", "--map-current-user"]);
        } else if self.user == User::Ordinary {
            fuse = self.state.join("fuse");
            user = ORDINARY.to_string();
        }
        command.args(["sh", "-c", FIRST_PROCESS, "containment"]);
        command.arg(outer).arg(fuse).arg(user).arg(self.leftovers()).arg(self.binds());
        command.args(arguments.into_iter().map(Into::into));
        command.stdin(Stdio::null());
        command
    }

    /// Two lines for each bind.
    fn binds(&self) -> OsString {
        assert!(self.binds.is_empty() || is_root(), "only root mounts");
        let mut text = OsString::new();
        for path in self.binds.iter().flat_map(|(from, to)| [from, to]) {
            if !text.is_empty() {
                text.push("\n");
            }
            text.push(path);
        }
        text
    }
}

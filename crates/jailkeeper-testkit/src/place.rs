//! The files that a test plays with.

use crate::binary::{escape_binary, jailkeeper_binary};
use crate::containment::{Contained, User};
use crate::ran::Ran;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// A directory tree of a test, gone when this is dropped.
///
/// It is not below `/tmp`, because a jail has a `/tmp` of its own. All of it belongs to the user
/// of the test, so that nothing but the jail keeps the user away from it. Texts can name its parts:
///
/// | name | is |
/// |---|---|
/// | `{root}` | the tree |
/// | `{work}` | the working directory, with the program `escape` and the file `inside` |
/// | `{out}` | a directory that no jail may touch; everything in it holds the [secret](Self::secret) |
/// | `{ro}` | a directory that jails may read if `--read` says so, with a `file` and a `program` |
/// | `{state}` | where events, report and the containment's own files are |
#[derive(Debug)]
pub struct Place {
    directory: TempDir,
    user: User,
    secret: String,
    time: Duration,
    flat: bool,
    sockets: Vec<Socket>,
    binds: Vec<(PathBuf, PathBuf)>,
}

#[derive(Debug)]
#[expect(dead_code, reason = "they only have to be there")]
enum Socket {
    Stream(UnixListener),
    Datagram(UnixDatagram),
}

impl Place {
    /// Makes the tree for a user.
    #[must_use]
    pub fn new(user: User) -> Self {
        Self::make(user, false)
    }

    /// Makes the tree for a user whose jails have strength `flat`.
    ///
    /// Root's jail is the owner of what it may write there, so the tree belongs to somebody else
    /// than root.
    #[must_use]
    pub fn flat(user: User) -> Self {
        Self::make(user, true)
    }

    /// Makes a tree for every user at every strength.
    pub fn every() -> impl Iterator<Item = Self> {
        let users = [User::Root, User::Ordinary];
        users.into_iter().flat_map(|user| [Self::new(user), Self::flat(user)])
    }

    /// Makes another tree like this one.
    #[must_use]
    pub fn again(&self) -> Self {
        Self::make(self.user, self.flat)
    }

    fn make(user: User, flat: bool) -> Self {
        let directory = tempfile::Builder::new().prefix("jailkeeper-test-").tempdir_in("/var/tmp");
        let directory = directory.expect("/var/tmp can be written");
        let name = directory.path().file_name().unwrap_or_default().to_string_lossy();
        let secret = format!("SECRET-{}", name.rsplit('-').next().unwrap_or_default());
        let time = Duration::from_secs(60);
        let (sockets, binds) = Default::default();
        let mut place = Self { directory, user, secret, time, flat, sockets, binds };
        place.fill().expect("a test's own files can be made");
        place
    }

    fn fill(&mut self) -> std::io::Result<()> {
        let root = self.root().to_owned();
        for folder in
            ["work", "work/sub", "work10", "outside", "outside/dir", "outside/empty", "ro", "state"]
        {
            fs::create_dir(root.join(folder))?;
        }
        fs::set_permissions(&root, Permissions::from_mode(0o755))?;
        let secret = format!("{}\n", self.secret);
        let script = format!("#!/bin/sh\necho {secret}");
        for (file, text, mode) in [
            ("x", &secret, 0o644),
            ("work/inside", &"inside\n".to_owned(), 0o644),
            ("work10/file", &secret, 0o644),
            ("outside/file", &secret, 0o644),
            ("outside/dir/file", &secret, 0o644),
            ("outside/program", &script, 0o755),
            ("ro/file", &"to read\n".to_owned(), 0o644),
            ("ro/program", &"#!/bin/sh\necho ran\n".to_owned(), 0o755),
        ] {
            self.write(&format!("{{root}}/{file}"), text, mode);
        }
        // Whoever lists the directory, or reads the link, gets the secret.
        fs::create_dir(root.join("outside").join(&self.secret))?;
        symlink(&self.secret, root.join("outside/link"))?;
        fs::copy(escape_binary(), root.join("work/escape"))?;
        if self.flat {
            let binary = jailkeeper_binary();
            let script = format!(
                "#!/bin/sh\n[ \"$1\" = run ] || exec {0} \"$@\"\nshift\nexec {0} run --strength-at-most flat \"$@\"\n",
                binary.display()
            );
            self.write("{state}/jailkeeper", script, 0o755);
        }
        self.sockets = vec![
            Socket::Stream(UnixListener::bind(root.join("outside/stream"))?),
            Socket::Datagram(UnixDatagram::bind(root.join("outside/datagram"))?),
        ];
        fs::set_permissions(root.join("outside/stream"), Permissions::from_mode(0o666))?;
        fs::set_permissions(root.join("outside/datagram"), Permissions::from_mode(0o666))?;
        self.give_away(&root)
    }

    /// Gives everything below a directory to the user.
    fn give_away(&self, path: &Path) -> std::io::Result<()> {
        let Some(user) = self.owner() else { return Ok(()) };
        std::os::unix::fs::lchown(path, Some(user), Some(user))?;
        if path.symlink_metadata()?.is_dir() {
            for entry in path.read_dir()? {
                self.give_away(&entry?.path())?;
            }
        }
        Ok(())
    }

    /// Returns the id that the files have to be given to.
    fn owner(&self) -> Option<u32> {
        let of_root = self.user.id().is_none() && self.flat && crate::needs::is_root();
        self.user.id().or(of_root.then_some(crate::ORDINARY))
    }

    /// Tells whether jails have strength `flat` here.
    #[must_use]
    pub fn is_flat(&self) -> bool {
        self.flat
    }

    /// The command that makes jails.
    fn command(&self) -> PathBuf {
        if self.flat { self.path("{state}/jailkeeper") } else { jailkeeper_binary() }
    }

    /// Returns the tree's root.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.directory.path()
    }

    /// Returns what must never be seen in a jail.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Returns who runs commands here.
    #[must_use]
    pub fn user(&self) -> User {
        self.user
    }

    /// Ends every run after this time.
    #[must_use]
    pub fn for_at_most(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// Puts paths in the place of names such as `{out}`.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let root = self.root().to_string_lossy();
        text.replace("{work}", "{root}/work")
            .replace("{out}", "{root}/outside")
            .replace("{ro}", "{root}/ro")
            .replace("{state}", "{root}/state")
            .replace("{root}", &root)
            .replace("{secret}", &self.secret)
    }

    /// Returns the path that a text names.
    #[must_use]
    pub fn path(&self, text: &str) -> PathBuf {
        self.text(text).into()
    }

    /// Makes a file of the user's.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>, mode: u32) {
        let path = self.path(path);
        fs::write(&path, text).expect("a test's own file can be written");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("it is the test's own");
        if let Some(user) = self.owner() {
            chown(&path, Some(user), Some(user)).expect("root gives files away");
        }
    }

    /// Makes a directory of the user's, with those above it.
    pub fn make_directory(&self, path: &str) {
        fs::create_dir_all(self.path(path)).expect("a test's own directory can be made");
        self.give_away(self.root()).expect("root gives directories away");
    }

    /// Copies a directory with everything in it; all of it becomes the user's.
    ///
    /// # Errors
    ///
    /// When something cannot be read or written.
    pub fn copy_directory(&self, from: &Path, to: &str) -> std::io::Result<()> {
        fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
            fs::create_dir_all(to)?;
            for entry in from.read_dir()?.flatten() {
                let (from, to) = (entry.path(), to.join(entry.file_name()));
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    copy(&from, &to)?;
                } else if kind.is_symlink() {
                    symlink(fs::read_link(&from)?, &to)?;
                } else {
                    fs::copy(&from, &to)?;
                }
            }
            Ok(())
        }
        copy(from, &self.path(to))?;
        self.give_away(self.root())
    }

    /// Shows a directory of the machine in the tree, in every run from now on; nobody can change
    /// it there. Only root can do it.
    pub fn bind(&mut self, from: &Path, to: &str) {
        self.make_directory(to);
        self.binds.push((from.to_owned(), self.path(to)));
    }

    /// Runs a command in a jail, with options of `jailkeeper run` divided by spaces.
    ///
    /// Its events and its report are kept in the [`Ran`].
    #[must_use]
    pub fn jail<I: IntoIterator<Item: AsRef<str>>>(&self, options: &str, command: I) -> Ran {
        Ran::of(self, self.jail_command(options, command))
    }

    /// Makes the command that [`Self::jail`] runs, to be changed before it runs.
    #[must_use]
    pub fn jail_command<I: IntoIterator<Item: AsRef<str>>>(
        &self,
        options: &str,
        command: I,
    ) -> Command {
        let mut arguments = vec![self.command().to_string_lossy().into_owned()];
        arguments.extend(["run", "--events", "{state}/events"].map(str::to_owned));
        arguments.extend(["--report", "{state}/report"].map(str::to_owned));
        arguments.extend(options.split_ascii_whitespace().map(str::to_owned));
        arguments.push("--".to_owned());
        arguments.extend(command.into_iter().map(|word| word.as_ref().to_owned()));
        self.free_command(arguments)
    }

    /// Runs a command without a jail: the control that shows that only the jail is in its way.
    #[must_use]
    pub fn free<I: IntoIterator<Item: AsRef<str>>>(&self, command: I) -> Ran {
        Ran::of(self, self.free_command(command))
    }

    /// Makes the command that [`Self::free`] runs.
    #[must_use]
    pub fn free_command<I: IntoIterator<Item: AsRef<str>>>(&self, command: I) -> Command {
        let words = command.into_iter().map(|word| self.text(word.as_ref()));
        let mut command = self.containment().command(words);
        command.current_dir(self.path("{work}"));
        // What cargo or root has in its environment is not for the user of the test.
        command.env_clear().env("JAILKEEPER", self.command()).env("PLACE", self.root());
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
        command.env("HOME", self.path("{work}")).env("SHELL", "/bin/sh").env("LANG", "C.UTF-8");
        command
    }

    /// Makes a command that runs without a jail as whom the files belong to: at strength `flat`
    /// root's do not belong to root, and git works in nobody else's repositories.
    #[must_use]
    pub fn owners_command<I: IntoIterator<Item: AsRef<str>>>(&self, command: I) -> Command {
        let command = command.into_iter().map(|word| word.as_ref().to_owned());
        match self.owner() {
            Some(owner) if self.user.id().is_none() => {
                let owner = owner.to_string();
                let other = ["setpriv", "--reuid", &owner, "--regid", &owner, "--clear-groups"];
                self.free_command(other.into_iter().map(str::to_owned).chain(command))
            }
            _ => self.free_command(command),
        }
    }

    /// Runs a shell script in the containment; it finds the command in `$JAILKEEPER` and the tree
    /// in `$PLACE`.
    #[must_use]
    pub fn script(&self, script: &str) -> Ran {
        self.free(["sh", "-c", script])
    }

    /// Returns the containment of this place.
    #[must_use]
    pub fn containment(&self) -> Contained {
        let contained = Contained::new(self.user, &self.path("{state}")).for_at_most(self.time);
        let binds = self.binds.iter().cloned();
        binds.fold(contained, |contained, (from, to)| contained.with_bind(from, to))
    }
}

//! Proofs of the shipped profiles: real projects that real tool chains work on.
//!
//! The proof of the profile `NAME` is in `fixtures/profiles/NAME`:
//!
//! | file | is |
//! |---|---|
//! | `project/` | what is in the working directory; a script in it is what the jail runs |
//! | `home/` | what is in the caller's home directory |
//! | `prepare.sh` | what the caller did before, without a jail |
//!
//! `cargo xtask profiles` runs the same proofs with profiles from which it took one entry: it names
//! them in `JAILKEEPER_TRY_PROFILE`, as `NAME=FILE`.

use crate::containment::User;
use crate::place::Place;
use crate::ran::Ran;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// No run of a proof takes longer.
const LONGEST: Duration = Duration::from_secs(110);

/// A place with the project and the home directory of a proof.
#[derive(Debug)]
pub struct Proof {
    place: Place,
    name: String,
    path: String,
}

impl Proof {
    /// Lays out the files of a profile's proof. The caller's home directory is `{root}/home`, the
    /// working directory `{root}/project`.
    #[must_use]
    pub fn new(name: &str, user: User) -> Self {
        let place = Place::new(user).for_at_most(LONGEST);
        for part in ["home", "project"] {
            let from = fixtures().join(name).join(part);
            let to = format!("{{root}}/{part}");
            if from.is_dir() {
                place.copy_directory(&from, &to).expect("a proof's files can be copied");
            } else {
                place.make_directory(&to);
            }
        }
        let path = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin".to_owned();
        Self { place, name: name.to_owned(), path }
    }

    /// Returns the place.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Shows a directory of the machine in the home directory.
    pub fn bind(&mut self, from: &Path, to: &str) {
        self.place.bind(from, &format!("{{root}}/home/{to}"));
    }

    /// Puts a directory of the home directory first on the caller's `PATH`.
    pub fn put_on_path(&mut self, folder: &str) {
        let folder = self.place.path("{root}/home").join(folder);
        self.path = format!("{}:{}", folder.display(), self.path);
    }

    /// Does what the caller did before: runs `prepare.sh`, without a jail.
    pub fn prepare(&self) {
        let script = fixtures().join(&self.name).join("prepare.sh");
        let script = std::fs::read(script).expect("the proof has a `prepare.sh`");
        self.place.write("{root}/prepare.sh", script, 0o644);
        let _ = self.free("../prepare.sh").ends_with(0);
    }

    /// Runs a script of the project under the profile; its arguments are divided by spaces.
    #[must_use]
    pub fn jail(&self, options: &str, script: &str) -> Ran {
        let options = format!("--profile {} {options}", chosen(&self.name));
        self.run(self.place.jail_command(&options, words(script)))
    }

    /// Runs a script with the base alone.
    #[must_use]
    pub fn jail_without(&self, options: &str, script: &str) -> Ran {
        self.run(self.place.jail_command(options, words(script)))
    }

    /// Runs a script without a jail.
    #[must_use]
    pub fn free(&self, script: &str) -> Ran {
        self.run(self.place.free_command(words(script)))
    }

    fn run(&self, mut command: Command) -> Ran {
        command.current_dir(self.place.path("{root}/project"));
        command.env("HOME", self.place.path("{root}/home")).env("PATH", &self.path);
        Ran::of(&self.place, command)
    }
}

fn words(script: &str) -> impl Iterator<Item = &str> {
    ["sh", "-eu"].into_iter().chain(script.split_ascii_whitespace())
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/profiles")
}

/// The profile of this name, or the file that takes its place.
fn chosen(name: &str) -> String {
    let tried = std::env::var("JAILKEEPER_TRY_PROFILE").unwrap_or_default();
    match tried.split_once('=') {
        Some((replaced, file)) if replaced == name => file.to_owned(),
        _ => name.to_owned(),
    }
}

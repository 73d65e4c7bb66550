//! Proofs of the shipped profiles: real projects that real tool chains work on.
//!
//! The proof of the profile `NAME` is in `fixtures/profiles/NAME`:
//!
//! | file | is |
//! |---|---|
//! | `proof.toml` | its [`Outline`](crate::Outline): which scripts are run, and what they need |
//! | `project/` | what is in the working directory |
//! | `home/` | what is in the caller's home directory |
//! | `prepare.sh` | what the caller did before, without a jail |
//!
//! The tests run every part; `cargo xtask profiles` runs them with profiles from which it took one
//! entry. So a script does not only use its tool chain: it tells whether what came out is right,
//! and an entry that changes something has a line in a script that sees the change.

use crate::containment::User;
use crate::needs::is_root;
use crate::outline::{Outline, folder};
use crate::place::Place;
use crate::ran::Ran;
use jailkeeper_model::ActionTaken;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// No run of a proof takes longer, on a slow machine that does other things as well.
const LONGEST: Duration = Duration::from_secs(240);
/// What a script says last: that it came to its end.
const PROVED: &str = "proved";

/// A place with the project and the home directory of a proof.
#[derive(Debug)]
pub struct Proof {
    place: Place,
    profile: String,
    outline: Outline,
    path: String,
}

impl Proof {
    /// Lays out the files of a profile's proof for a user, and does what the caller did before.
    #[must_use]
    pub fn new(profile: &str, user: User) -> Self {
        Self::at(profile, Place::new(user))
    }

    /// Does the same in a place, whose jails may be weaker.
    #[must_use]
    pub fn at(profile: &str, place: Place) -> Self {
        let place = place.for_at_most(LONGEST);
        let outline = Outline::of(profile);
        let path = outline.path.iter().map(|folder| format!("{}:", text(&place, folder)));
        let path = path.collect::<String>() + "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";
        let mut proof = Self { place, profile: profile.to_owned(), outline, path };
        proof.lay_out();
        proof
    }

    fn lay_out(&mut self) {
        let files = folder(&self.profile);
        for part in ["home", "project"] {
            let to = format!("{{root}}/{part}");
            self.place.make_directory(&to);
            if files.join(part).is_dir() {
                self.place.copy_directory(&files.join(part), &to).expect("a proof can be copied");
            }
        }
        for shown in &self.outline.directories {
            assert!(is_root(), "only root shows directories elsewhere");
            let mut shell = Command::new("sh");
            shell.args(["-c", &shown.command]).stdin(Stdio::null());
            let output = shell.output().expect("there is a shell");
            let from = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            assert!(Path::new(&from).is_dir(), "`{}` names no directory: {from}", shown.command);
            let at = shown.at.replace("{home}", "{root}/home");
            self.place.bind(Path::new(&from), &at);
        }
        if let Ok(script) = std::fs::read(files.join("prepare.sh")) {
            self.place.write("{root}/prepare.sh", script, 0o644);
            // What works on behind it, such as git's maintenance, ends with the containment.
            let ran = self.ran(self.place.owners_command(words("../prepare.sh")));
            assert_eq!(ran.status, 0, "the preparation failed: {ran}");
        }
    }

    /// Returns the place.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Runs a part under its profile, or under the file that takes the profile's place.
    #[must_use]
    pub fn run(&self, part: &str, file: Option<&str>) -> Ran {
        self.jail(part, &format!("--profile {}", file.unwrap_or(&self.profile)))
    }

    /// Runs a part with options of the jail instead of its profile.
    #[must_use]
    pub fn jail(&self, part: &str, options: &str) -> Ran {
        let part = self.outline.part(part);
        let options = format!("{options} {}", part.options);
        let options = text(&self.place, &options);
        let mut command = self.place.jail_command(&options, words(&part.run));
        for (name, value) in &part.caller {
            command.env(name, text(&self.place, value));
        }
        self.ran(command)
    }

    /// Runs a part while `jailkeeper learn` watches, which writes what it learned into a file.
    #[must_use]
    pub fn learn(&self, part: &str, file: &str, options: &str) -> Ran {
        let part = self.outline.part(part);
        let binary = crate::jailkeeper_binary().to_string_lossy().into_owned();
        let options = text(&self.place, &format!("learn -o {file} {options} {} --", part.options));
        let options = options.split_ascii_whitespace();
        let command = [&binary[..]].into_iter().chain(options).chain(words(&part.run));
        self.ran(self.place.free_command(command))
    }

    /// Runs a script of the project without a jail.
    #[must_use]
    pub fn free(&self, script: &str) -> Ran {
        self.ran(self.place.free_command(words(script)))
    }

    /// Tells whether a run of a part proved what it is to prove, and if not, why.
    ///
    /// # Errors
    ///
    /// One line that says what was seen first: a jailbreak, or the script's own last word.
    pub fn verdict(&self, part: &str, ran: &Ran) -> Result<(), String> {
        let refused = &self.outline.part(part).refused;
        let refused: Vec<String> = refused.iter().map(|path| text(&self.place, path)).collect();
        let expected = |file: Option<&str>, operation: &str| {
            refused.iter().any(|refused| {
                let (only, path) = refused.rsplit_once(' ').unwrap_or((operation, refused));
                only == operation && file.is_some_and(|file| Path::new(file).starts_with(path))
            })
        };
        for breach in ran.breaches() {
            let file = breach.file.as_deref();
            if breach.action != ActionTaken::Denied || !expected(file, &breach.operation) {
                let program = breach.argv.first().map_or("?", String::as_str);
                let file = file.or(breach.address.as_deref()).unwrap_or("?");
                let why = format!("{} `{file}` by `{program}` is a jailbreak", breach.mode);
                return Err(why.replace(&self.place.text("{root}"), ""));
            }
        }
        if ran.status != 0 || !ran.text().lines().any(|line| line == PROVED) {
            let last = ran.stderr.lines().rfind(|line| !line.trim().is_empty());
            let last = last.unwrap_or("nothing").replace(&self.place.text("{root}"), "");
            return Err(format!("ended with {}, and said: {}", ran.status, last.trim()));
        }
        if !ran.leftovers.is_empty() {
            return Err(format!("left processes: {}", ran.leftovers.trim()));
        }
        Ok(())
    }

    fn ran(&self, mut command: Command) -> Ran {
        command.current_dir(self.place.path("{root}/project"));
        command.env("HOME", self.place.path("{root}/home")).env("PATH", &self.path);
        Ran::of(&self.place, command)
    }
}

fn words(script: &str) -> impl Iterator<Item = &str> {
    ["sh", "-eux"].into_iter().chain(script.split_ascii_whitespace())
}

fn text(place: &Place, text: &str) -> String {
    place.text(&text.replace("{home}", "{root}/home").replace("{project}", "{root}/project"))
}

//! Profiles: those that are shipped, those that lie in directories, and putting them together.

#[rustfmt::skip]
mod shipped;

use crate::error::{Error, ErrorKind, Result};
use jailkeeper_model::profile::compiled::Compiled;
use jailkeeper_model::profile::{Located, Profile, ProfileError, Settled, Stack, Variables, stack};
use jailkeeper_model::{JailPath, Policy};
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// How many bytes of a file are read; a profile may have fewer.
const BYTES_AT_MOST: u64 = 1 << 20;

/// Where profiles are looked for by name: directories, then those that are shipped.
///
/// ```
/// use jailkeeper::Shelf;
///
/// let latex = Shelf::default().stack(["latex"])?;
/// assert!(latex.profiles().any(|profile| profile.name() == "latex"));
/// # Ok::<(), jailkeeper::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Shelf {
    directories: Vec<PathBuf>,
}

/// A profile that can be had by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its file; what is shipped has none.
    pub file: Option<PathBuf>,
    /// What it is for; why it cannot be used, if it cannot.
    pub description: std::result::Result<String, String>,
}

/// Places of secrets.
#[derive(Debug, Clone)]
pub struct Secrets(Policy);

impl Secrets {
    /// Tells whether a path is a place of secrets or in one.
    #[must_use]
    pub fn is_inside(&self, path: &JailPath) -> bool {
        self.0.rule_for(path).is_some() || self.0.denying_pattern(path).is_some()
    }

    /// Tells whether a path is a place of secrets, in one, or holds one.
    #[must_use]
    pub fn holds(&self, path: &JailPath) -> bool {
        self.is_inside(path) || self.0.denied_below(path).is_some()
    }
}

impl Shelf {
    /// Looks in these directories first: `NAME.toml` is the profile `NAME`.
    #[must_use]
    pub fn new(directories: Vec<PathBuf>) -> Self {
        Self { directories }
    }

    /// Puts profiles together with all that they extend. What has a slash in it is a file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Policy`] for one that is not there or has a mistake; its source is then the
    /// [`ProfileError`] with the place.
    pub fn stack(&self, wanted: impl IntoIterator<Item: AsRef<OsStr>>) -> Result<Stack> {
        let wanted = wanted
            .into_iter()
            .map(|name| self.find(name.as_ref()))
            .collect::<Result<Vec<Profile>>>()?;
        stack(wanted, &mut |name, inside| self.extended(name, inside)).map_err(wrong)
    }

    /// Returns the text of a profile as it was written.
    ///
    /// # Errors
    ///
    /// Those of [`stack`](Self::stack).
    pub fn text(&self, name: &OsStr) -> Result<String> {
        Ok(self.find(name)?.source.text().to_owned())
    }

    /// Lists what can be had by name, sorted. One in a directory hides one that is shipped.
    #[must_use]
    pub fn list(&self) -> Vec<Listed> {
        let mut names = self.list_names();
        for directory in &self.directories {
            let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
            let files = entries.map(|entry| entry.path());
            names.extend(files.filter_map(|file| {
                let toml = file.extension().is_some_and(|extension| extension == "toml");
                toml.then(|| file.file_stem()?.to_str().map(str::to_owned)).flatten()
            }));
        }
        names.sort();
        names.dedup();
        names.into_iter().map(|name| self.listed(name)).collect()
    }

    /// Returns the places of secrets, which `learn` never proposes.
    ///
    /// # Errors
    ///
    /// None in what is shipped.
    pub fn secrets(&self, home: Option<&Path>) -> Result<Secrets> {
        let variables = Variables::new("/").with_tmp("/tmp").with_user(0, 0);
        let variables = match home {
            Some(home) => variables.with_home(home),
            None => variables,
        };
        let settled = secrets(&variables)?;
        let mut policy = Policy::builder();
        for entry in &settled.rules {
            policy = policy.rule(entry.rule());
        }
        for entry in settled.patterns {
            policy = policy.pattern(entry.pattern);
        }
        let policy = policy.build().map_err(|error| {
            Error::new(ErrorKind::Policy, "read the places of secrets").because(error)
        })?;
        Ok(Secrets(policy))
    }

    fn listed(&self, name: String) -> Listed {
        match self.find(OsStr::new(&name)) {
            Ok(profile) => Listed {
                file: profile.file().map(Path::to_owned),
                description: Ok(profile
                    .description
                    .map(|description| description.value)
                    .unwrap_or_default()),
                name,
            },
            Err(error) => Listed {
                file: error.path().map(Path::to_owned),
                description: Err(error.sentence()),
                name,
            },
        }
    }

    fn find(&self, name: &OsStr) -> Result<Profile> {
        if name.as_bytes().contains(&b'/') {
            return read(Path::new(name)).and_then(|(file, text)| parse(name, Some(&file), &text));
        }
        for directory in &self.directories {
            let mut file = directory.join(name).into_os_string();
            file.push(".toml");
            if Path::new(&file).exists() {
                let (file, text) = read(Path::new(&file))?;
                return parse(name, Some(&file), &text);
            }
        }
        let Some(shipped) = shipped::ALL.iter().find(|shipped| name == shipped.name) else {
            let known: Vec<_> = self.list_names();
            return Err(Error::new(ErrorKind::Policy, "find the profile")
                .at(name)
                .because("there is none of this name")
                .with_hint(format!(
                    "there are {}; a file is named with a slash, such as `./{}`",
                    known.join(", "),
                    name.to_string_lossy()
                )));
        };
        built_in(shipped)
    }

    fn list_names(&self) -> Vec<String> {
        shipped::ALL.iter().map(|profile| profile.name.to_owned()).collect()
    }

    /// Finds what a profile extends; a path is taken from the profile's own directory.
    fn extended(
        &self,
        name: &Located<String>,
        inside: &Profile,
    ) -> std::result::Result<Profile, ProfileError> {
        let failed = |message: String| ProfileError::new(name.place.clone(), message);
        let wanted = if name.contains('/') {
            let folder = inside.file().and_then(Path::parent);
            let Some(folder) = folder else {
                return Err(failed("a profile that is shipped extends no file".to_owned()));
            };
            folder.join(&name.value).into_os_string()
        } else {
            OsString::from(&name.value)
        };
        self.find(&wanted).map_err(|error| {
            let cause = std::error::Error::source(&error);
            match cause.and_then(|cause| cause.downcast_ref::<ProfileError>()) {
                Some(inner) => inner.clone(),
                None => failed(error.sentence()),
            }
        })
    }
}

/// Reads a profile's file and says where it really is.
fn read(file: &Path) -> Result<(PathBuf, String)> {
    let failed = |error: std::io::Error| {
        Error::new(ErrorKind::Policy, "read the profile").at(file).because(error)
    };
    let real = file.canonicalize().map_err(failed)?;
    if !real.is_file() {
        return Err(Error::new(ErrorKind::Policy, "read the profile")
            .at(file)
            .because("it is no regular file"));
    }
    let mut text = String::new();
    let opened = std::fs::File::open(&real).map_err(failed)?;
    opened.take(BYTES_AT_MOST).read_to_string(&mut text).map_err(failed)?;
    Ok((real, text))
}

fn parse(name: &OsStr, file: Option<&Path>, text: &str) -> Result<Profile> {
    Profile::parse(&name.to_string_lossy(), file, text).map_err(wrong)
}

/// Makes the engine's error of a mistake in a profile.
pub(crate) fn wrong(error: ProfileError) -> Error {
    Error::profile(error)
}

/// Returns what was read when this was built.
fn built_in(profile: &Compiled) -> Result<Profile> {
    match profile.profile() {
        Some(profile) => Ok(profile),
        None => parse(OsStr::new(profile.name), None, profile.text),
    }
}

/// Says what the profiles mean for a command: with the base, unless that was taken away.
pub(crate) fn settle(stack: &Stack, with_base: bool, variables: &Variables) -> Result<Settled> {
    let base = if with_base { Some(built_in(&shipped::BASE)?) } else { None };
    stack.settle(base.as_ref(), variables).map_err(wrong)
}

/// Says what is closed where walls are widened.
pub(crate) fn secrets(variables: &Variables) -> Result<Settled> {
    let secrets = built_in(&shipped::SECRETS)?;
    let alone = stack(vec![secrets], &mut |name, _| {
        Err(ProfileError::new(name.place.clone(), "the secrets extend nothing"))
    });
    alone.and_then(|alone| alone.settle(None, variables)).map_err(wrong)
}

/// What variables stand for before the command is known.
pub(crate) fn any_values() -> Variables {
    Variables::new("/").with_home("/").with_tmp("/tmp").with_user(0, 0)
}

/// A stack of nothing.
pub(crate) fn none() -> Result<Stack> {
    stack(Vec::new(), &mut |name, _| {
        Err(ProfileError::new(name.place.clone(), "nothing extends nothing"))
    })
    .map_err(wrong)
}

/// The files that a jail must not be able to change: those of its profiles.
pub(crate) fn files(stack: &Stack) -> impl Iterator<Item = PathBuf> + '_ {
    stack.profiles().filter_map(|profile| profile.file().map(Path::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jailkeeper_model::Right;
    use jailkeeper_model::profile::compiled;

    /// The names of what is shipped, and what is shipped but has no name to be wanted by.
    const NAMES: [&str; 9] =
        ["agent", "gcc", "git", "java", "latex", "node", "python", "rust", "shell"];
    const NAMELESS: [&str; 2] = ["base", "secrets"];

    /// The constants are what the texts say; with `JAILKEEPER_BLESS=1` they are written.
    #[test]
    fn the_constants_are_what_the_files_say() {
        let crate_directory = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut wanted = String::from(
            "//! The profiles in `profiles`, as constants. Written by a test: \
             `JAILKEEPER_BLESS=1 cargo nextest run\n//! -p jailkeeper constants`.\n\n\
             use jailkeeper_model::profile::compiled::*;\n\
             use jailkeeper_model::profile::PatternKind;\n\
             use jailkeeper_model::{OnJailbreak, Right};\n",
        );
        for name in NAMELESS.into_iter().chain(NAMES) {
            let file = crate_directory.join(format!("profiles/{name}.toml"));
            let text = std::fs::read_to_string(file).unwrap();
            let profile = Profile::parse(name, None, &text).unwrap();
            let included = format!("../../profiles/{name}.toml");
            wanted.push('\n');
            wanted += &compiled::rust(&profile, &name.to_uppercase(), &included);
        }
        wanted += "\n/// Those that can be had by their names.\npub(super) const ALL: [&Compiled; ";
        wanted += &format!("{}] = [", NAMES.len());
        wanted += &NAMES.map(|name| format!("&{}", name.to_uppercase())).join(", ");
        wanted += "];\n";
        let file = crate_directory.join("src/profiles/shipped.rs");
        if std::env::var_os("JAILKEEPER_BLESS").is_some_and(|value| value == "1") {
            std::fs::write(&file, &wanted).unwrap();
        }
        let is = std::fs::read_to_string(file).unwrap();
        assert!(is == wanted, "out of date: run again with JAILKEEPER_BLESS=1");
    }

    #[test]
    fn a_constant_is_the_profile_that_was_read() {
        for constant in shipped::ALL.into_iter().chain([&shipped::BASE, &shipped::SECRETS]) {
            let read = Profile::parse(constant.name, None, constant.text).unwrap();
            assert_eq!(constant.profile(), Some(read), "{}", constant.name);
        }
    }

    fn settled() -> Settled {
        let variables = Variables::new("/w").with_home("/home/u").with_tmp("/tmp");
        settle(&none().unwrap(), true, &variables).unwrap()
    }

    #[test]
    fn every_entry_of_the_base_has_a_reason() {
        let base = settled();
        assert!(base.rules.iter().all(|rule| rule.entry.reason.is_some()));
        assert!(base.copies.iter().all(|copy| copy.entry.reason.is_some()));
        assert!(base.files.iter().all(|file| file.entry.reason.is_some()));
        assert!(base.variables.iter().all(|variable| variable.entry.reason.is_some()));
    }

    #[test]
    fn nothing_secret_is_in_the_base() {
        let kept_out =
            ["/etc/passwd", "/etc/shadow", "/home", "/root", "/var", "/run", "/tmp", "/etc"];
        for rule in settled().rules.iter().filter(|rule| rule.entry.right.allows()) {
            for secret in kept_out {
                let secret = JailPath::new(secret).unwrap();
                assert!(!rule.path.covers(&secret), "{:?} holds {secret:?}", rule.path);
            }
        }
    }

    #[test]
    fn the_secrets_deny_and_grant_nothing() {
        let secrets = secrets(&any_values()).unwrap();
        assert!(secrets.rules.len() > 40);
        assert!(secrets.rules.iter().all(|rule| rule.entry.right == Right::Deny));
        assert!(secrets.patterns.iter().all(|entry| entry.pattern.right() == Right::Deny));
        assert!(secrets.rules.iter().all(|rule| rule.entry.reason.is_some()));
    }

    #[test]
    fn every_shipped_profile_can_be_used() {
        for listed in Shelf::default().list() {
            let description = listed.description.unwrap();
            assert!(!description.is_empty(), "{}", listed.name);
            let stack = Shelf::default().stack([&listed.name]).unwrap();
            let variables = any_values();
            settle(&stack, true, &variables).unwrap();
        }
    }
}

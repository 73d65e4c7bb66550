//! Finding the command before anything is set up.

use super::{Plan, Source, find, native};
use crate::error::{Error, ErrorKind, Result};
use jailkeeper_model::{Access, JailPath, Presence, Right, Verdict, decide};
use rustix::fs::FileType;

/// What is known about a candidate before the start.
enum Candidate {
    /// It can be run, or nobody can tell from outside.
    Possible,
    Missing,
    NotExecutable,
    /// It may be run, and Landlock cannot be told so because of what is denied beside it: in the
    /// directory of which not every entry got a rule.
    WithoutRule(JailPath, JailPath),
}

impl Plan {
    /// Fails if the command is certainly not there, or certainly cannot be run.
    ///
    /// The kernel has the last word. A command outside the jail is left to the tripwire: trying
    /// to run it is a jailbreak.
    pub(crate) fn find_command(&self) -> Result<()> {
        let mut not_executable = None;
        for candidate in &self.candidates {
            match self.look_at(candidate) {
                Candidate::Possible => return Ok(()),
                Candidate::WithoutRule(path, directory) => {
                    return Err(Error::new(ErrorKind::Policy, "run at strength `flat`")
                        .at(path.as_path())
                        .because(format!(
                            "`{}` has more files beside what is denied than Landlock gets rules \
                             for ({})",
                            directory.display(),
                            native::ENTRIES_AT_MOST
                        ))
                        .with_hint(
                            "begin the pattern with a directory that holds fewer files, as in \
                             `/home/me/project/**/.env*`, or use a machine that has strength `full`",
                        ));
                }
                Candidate::NotExecutable => not_executable = Some(candidate),
                Candidate::Missing => {}
            }
        }
        let name = self.program.as_os_str();
        Err(match not_executable {
            Some(path) => Error::new(ErrorKind::NotExecutable, "execute the command")
                .at(path)
                .because(std::io::Error::from(rustix::io::Errno::ACCESS)),
            None => Error::new(ErrorKind::NotFound, "find the command")
                .at(name)
                .because(std::io::Error::from(rustix::io::Errno::NOENT))
                .with_hint("look at the spelling; only directories of the jail are searched"),
        })
    }

    fn look_at(&self, candidate: &std::path::Path) -> Candidate {
        let Ok(path) = JailPath::resolve(&self.cwd, candidate) else { return Candidate::Possible };
        let on_host = |path: &JailPath| {
            self.trees
                .containing(path)
                .is_none_or(|tree| matches!(tree.source, Source::Host { .. }))
        };
        if !on_host(&path) {
            return Candidate::Possible;
        }
        let found = match find::find(&path) {
            Ok(Some(found)) if on_host(&found.path) => found,
            Ok(None) => return Candidate::Missing,
            _ => return Candidate::Possible,
        };
        let bits = rustix::fs::fstat(&found.fd).map_or(0o111, |stat| stat.st_mode & 0o111);
        let inside = self.trees.containing(&found.path).is_some();
        if inside && (found.kind != FileType::RegularFile || bits == 0) {
            return Candidate::NotExecutable;
        }
        let allowed = || {
            let access = Access::execute(found.path.clone(), Presence::Exists);
            decide(&self.policy, &access) == Verdict::Allow
        };
        match self.native.left_out() {
            Some(directory)
                if inside
                    && !self.native.grants(&self.trees, &found.path, Right::Read)
                    && allowed() =>
            {
                Candidate::WithoutRule(found.path, directory.clone())
            }
            _ => Candidate::Possible,
        }
    }
}

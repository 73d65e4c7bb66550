//! Which tracers there are, and how they are asked.

use crate::error::{Error, ErrorKind, Result};
use jailkeeper_trace::{Dialect, vocabulary};
use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Where tracers are looked for. The caller's `PATH` is not asked: what traces must not be a matter
/// of where somebody happens to be.
const DIRECTORIES: [&str; 6] =
    ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin", "/opt/homebrew/bin"];

/// Names who watches at strength `monitor`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Tracer {
    /// The best that the system has: on Linux this library itself, elsewhere the system's tracer.
    #[default]
    Automatic,
    /// This library, by `ptrace(2)`. Linux only. It stops each call before it runs.
    Ptrace,
    /// A program, which tells of a call when it has returned.
    Program {
        /// The form of its output.
        dialect: Dialect,
        /// Where it is; by default it is looked for in the system's directories.
        path: Option<PathBuf>,
    },
}

/// Says whether a tracer can be had.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TracerFinding {
    /// Which one it is.
    pub name: String,
    /// Why it cannot be had, and what to do about it.
    pub missing: Option<(String, String)>,
}

impl TracerFinding {
    /// Asks for the tracer that [`Tracer::Automatic`] would take on this system.
    #[must_use]
    pub fn of_this_machine() -> Self {
        match Tracer::Automatic.choose() {
            Ok(chosen) => Self { name: chosen.to_string(), missing: None },
            Err(error) => {
                let hint = error.hint().unwrap_or_default().to_owned();
                let name = native().map_or_else(|| "none".to_owned(), |tracer| tracer.to_string());
                Self { name, missing: Some((error.sentence(), hint)) }
            }
        }
    }
}

impl Display for Tracer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Automatic => f.write_str("auto"),
            Self::Ptrace => f.write_str("ptrace"),
            Self::Program { dialect, .. } => f.write_str(dialect.name()),
        }
    }
}

impl FromStr for Tracer {
    type Err = Error;

    /// Reads `auto`, `ptrace`, the name of a dialect, or `DIALECT=PATH`.
    fn from_str(text: &str) -> Result<Self> {
        let (name, path) = match text.split_once('=') {
            Some((name, path)) => (name, Some(PathBuf::from(path))),
            None => (text, None),
        };
        match (name, &path) {
            ("auto", None) => return Ok(Self::Automatic),
            ("ptrace", None) => return Ok(Self::Ptrace),
            _ => {}
        }
        match Dialect::ALL.into_iter().find(|dialect| dialect.name() == name) {
            Some(dialect) => Ok(Self::Program { dialect, path }),
            None => {
                let known: Vec<_> = Dialect::ALL.iter().map(|dialect| dialect.name()).collect();
                Err(Error::usage(format!("find the tracer `{text}`"))
                    .with_hint(format!("it is one of auto, ptrace, {}", known.join(", "))))
            }
        }
    }
}

/// A tracer that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Chosen {
    /// This library.
    #[cfg(all(feature = "full", target_os = "linux"))]
    Ptrace,
    /// A program.
    Program { dialect: Dialect, path: PathBuf },
}

impl Display for Chosen {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(all(feature = "full", target_os = "linux"))]
            Self::Ptrace => f.write_str("ptrace"),
            Self::Program { dialect, path } => {
                let path = path.as_os_str().as_encoded_bytes();
                write!(f, "{dialect} ({})", jailkeeper_model::escape(path))
            }
        }
    }
}

/// The tracer that belongs to this system.
fn native() -> Option<Tracer> {
    let program = |dialect| Some(Tracer::Program { dialect, path: None });
    if cfg!(all(feature = "full", target_os = "linux")) {
        Some(Tracer::Ptrace)
    } else if cfg!(target_os = "linux") {
        program(Dialect::Strace)
    } else if cfg!(target_os = "illumos") {
        program(Dialect::IllumosTruss)
    } else if cfg!(target_os = "solaris") {
        program(Dialect::SolarisTruss)
    } else if cfg!(target_os = "freebsd") {
        program(Dialect::FreeBsdTruss)
    } else if cfg!(target_os = "macos") {
        program(Dialect::Dtruss)
    } else {
        None
    }
}

impl Tracer {
    /// Finds the tracer, and fails with advice if it cannot be had.
    pub(super) fn choose(&self) -> Result<Chosen> {
        match self {
            Self::Automatic => match native() {
                Some(tracer) => tracer.choose(),
                None => Err(unsupported("find a tracer for this system")
                    .with_hint("strace, truss and dtruss are known, as is ptrace on Linux")),
            },
            #[cfg(all(feature = "full", target_os = "linux"))]
            Self::Ptrace => Ok(Chosen::Ptrace),
            #[cfg(not(all(feature = "full", target_os = "linux")))]
            Self::Ptrace => Err(unsupported("trace with ptrace")
                .with_hint("ptrace is for Linux, in a build with the feature `full`")),
            Self::Program { dialect, path } => {
                let path = match path {
                    Some(path) if path.is_file() => path.clone(),
                    Some(path) => {
                        return Err(unsupported("find the tracer").at(path));
                    }
                    None => find(dialect.program())?,
                };
                #[cfg(target_os = "macos")]
                if *dialect == Dialect::Dtruss {
                    super::system::protection::require_dtrace()?;
                }
                Ok(Chosen::Program { dialect: *dialect, path })
            }
        }
    }
}

fn unsupported(step: &str) -> Error {
    Error::new(ErrorKind::Unsupported, step)
}

fn find(program: &str) -> Result<PathBuf> {
    let found = DIRECTORIES.iter().map(|folder| Path::new(folder).join(program));
    found.into_iter().find(|path| path.is_file()).ok_or_else(|| {
        unsupported("find the system's tracer")
            .at(program)
            .because(format!("it is in none of {}", DIRECTORIES.join(", ")))
            .with_hint(format!("install {program}, or say where it is with `--tracer`"))
    })
}

/// The arguments that put a tracer on running processes.
pub(super) fn arguments(dialect: Dialect, pids: &[u32]) -> Vec<String> {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let mut arguments = match dialect {
        // Names of descriptors, times, whole paths, no signals; each line at its end, which strace
        // does for a file alone.
        Dialect::Strace => {
            let mut arguments = words("-f -y -ttt -s 4096 -a 1 -e signal=none -o /dev/fd/1 -e");
            let mut calls = "trace=kill,tgkill".to_owned();
            for entry in vocabulary::entries() {
                // What this system does not have is passed over.
                calls.push_str(",?");
                calls.push_str(entry.name);
            }
            arguments.push(calls);
            arguments
        }
        Dialect::IllumosTruss | Dialect::SolarisTruss => words("-f -v connect,bind"),
        Dialect::FreeBsdTruss => words("-f -s 4096"),
        Dialect::Dtruss => words("-f"),
        _ => Vec::new(),
    };
    for pid in pids {
        let pid = pid.to_string();
        match dialect {
            // Solaris takes a list behind one option.
            Dialect::IllumosTruss | Dialect::SolarisTruss
                if arguments.iter().any(|word| word == "-p") =>
            {
                arguments.push(pid);
            }
            _ => arguments.extend(["-p".to_owned(), pid]),
        }
    }
    arguments
}

/// Tells whether a tracer can be put on several processes at once.
pub(super) fn takes_several(dialect: Dialect) -> bool {
    !matches!(dialect, Dialect::FreeBsdTruss | Dialect::Dtruss)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for name in [
            "auto",
            "ptrace",
            "strace",
            "illumos-truss",
            "solaris-truss",
            "freebsd-truss",
            "dtruss",
        ] {
            assert_eq!(name.parse::<Tracer>().unwrap().to_string(), name);
        }
        let tracer: Tracer = "dtruss=/x/y".parse().unwrap();
        let path = Some(PathBuf::from("/x/y"));
        assert_eq!(tracer, Tracer::Program { dialect: Dialect::Dtruss, path });
        for bad in ["", "ktrace", "ptrace=/x"] {
            assert!(bad.parse::<Tracer>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_tracer_that_is_not_there_is_an_error_with_advice() {
        let tracer: Tracer = "dtruss=/no/such".parse().unwrap();
        assert_eq!(tracer.choose().unwrap_err().kind(), ErrorKind::Unsupported);
        let error = find("no-such-tracer").unwrap_err();
        assert!(error.hint().is_some_and(|hint| hint.contains("--tracer")));
    }

    #[test]
    fn every_tracer_is_asked_to_follow_children() {
        for dialect in Dialect::ALL {
            let arguments = arguments(dialect, &[7]);
            assert!(arguments.iter().any(|word| word == "-f"), "{dialect}");
            assert!(arguments.ends_with(&["-p".to_owned(), "7".to_owned()]), "{dialect}");
        }
    }
}

//! The command line. Help is the reference page: one place per flag.

use clap::{Args, Parser, ValueEnum};
use jailkeeper::OnJailbreak;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  Compile a document that somebody sent:
      jailkeeper run -- pdflatex paper.tex
  Let a program read one more directory, and write another:
      jailkeeper run --read /srv/data --write /srv/out -- ./analyse
  See what would be set up, without running anything:
      jailkeeper plan -- make

Exit status:
  the command's own, or 128+N if signal N ended it
  120  jailbreak                      121  a limit was exceeded
  125  JailKeeper itself failed       126  found but not executable
  127  not found";

/// Run programs that nobody trusts, and name what they tried
#[derive(Debug, Parser)]
#[command(name = "jailkeeper", version, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) subcommand: Subcommand,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Subcommand {
    /// Run a command in a jail
    #[command(after_help = EXAMPLES)]
    Run(RunArguments),
    /// Show what would be set up for a command, without running it
    #[cfg(feature = "full")]
    Plan(PlanArguments),
    /// Say what would be decided about a file, by which rule, and which wall holds it
    #[cfg(feature = "full")]
    Check(CheckArguments),
    /// List profiles, or show one
    #[command(subcommand)]
    Profiles(ProfilesCommand),
    /// Run a command and write the smallest profile that would have been enough
    ///
    /// The command is confined, but the walls are wider: everything can be read but places of
    /// secrets, and what is written outside the allowed trees goes to a layer that is thrown away.
    #[cfg(feature = "full")]
    Learn(LearnArguments),
    /// Tell the story of a report, and which change would have allowed it
    Explain(ExplainArguments),
    /// Put walls around a process that runs already, with all its threads and descendants
    ///
    /// The walls are those of strength flat. The process goes on in whatever it was waiting for. With
    /// `--strength monitor` no wall is raised: a tracer watches, and enforces nothing.
    Attach(AttachArguments),
    /// Show what this machine has, and how to get what it lacks
    Doctor(DoctorArguments),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) policy: PolicyArguments,

    /// Write events, one JSON object a line, to a file or to an inherited descriptor
    #[arg(long, value_name = "FILE|fd:N", help_heading = "Output")]
    pub(crate) events: Option<OsString>,
    /// Write a report of the run to a file or to an inherited descriptor
    #[arg(long, value_name = "FILE|fd:N", help_heading = "Output")]
    pub(crate) report: Option<OsString>,
    /// Also write an event for every probe that was answered as absent
    #[arg(long, help_heading = "Output")]
    pub(crate) report_probes: bool,
    /// Print at the end what was answered as absent, by path and program
    #[arg(long, help_heading = "Output")]
    pub(crate) show_forgiven: bool,
    /// Print no account of a jailbreak, and no error that went to --events
    #[arg(short, long, help_heading = "Output")]
    pub(crate) quiet: bool,
    /// End by the signal that ended the command, instead of with 128+N
    #[arg(long, help_heading = "Output")]
    pub(crate) mirror_signal: bool,
    /// Kill the jail when the other end of this inherited descriptor is closed
    #[arg(long, value_name = "fd:N", help_heading = "Limits")]
    pub(crate) tether: Option<OsString>,
    /// Give the command this inherited descriptor too
    #[arg(long, value_name = "N", help_heading = "Command")]
    pub(crate) pass_fd: Vec<i32>,

    #[command(flatten)]
    pub(crate) command: CommandArguments,
}

#[cfg(feature = "full")]
#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    #[command(flatten)]
    pub(crate) policy: PolicyArguments,
    /// Print JSON
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) command: CommandArguments,
}

#[cfg(feature = "full")]
#[derive(Debug, Args)]
pub(crate) struct LearnArguments {
    #[command(flatten)]
    pub(crate) policy: PolicyArguments,
    /// The profile to write, or to add to; by default it goes to stdout
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Learn from events that were written before, and run nothing
    #[arg(long, value_name = "EVENTS", conflicts_with = "command")]
    pub(crate) from: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) command: Option<CommandArguments>,
}

#[cfg(feature = "full")]
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    #[command(flatten)]
    pub(crate) policy: PolicyArguments,
    /// How the file would be used
    #[arg(long, value_name = "MODE", default_value = "read")]
    pub(crate) mode: Use,
    /// Where the command would start
    #[arg(short = 'C', long, value_name = "DIR")]
    pub(crate) cwd: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// The file
    #[arg(required = true)]
    pub(crate) path: PathBuf,
}

/// How a file is used.
#[cfg(feature = "full")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Use {
    /// Reading or listing it
    Read,
    /// Creating, changing or deleting it
    Write,
    /// Running it
    Execute,
    /// Connecting to it as a socket
    Connect,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum ProfilesCommand {
    /// List the profiles that can be had by name
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a profile as it is written
    Show {
        /// The profile
        #[arg(value_name = "NAME|FILE")]
        name: OsString,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// A report, as `jailkeeper run --report FILE` writes it, or a file of events
    pub(crate) report: PathBuf,
    /// The profile that is to be changed; by default one that would be new
    #[arg(long, value_name = "FILE")]
    pub(crate) profile: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct AttachArguments {
    #[command(flatten)]
    pub(crate) policy: PolicyArguments,
    /// Write events, one JSON object a line, to a file or to an inherited descriptor
    #[arg(long, value_name = "FILE|fd:N", help_heading = "Output")]
    pub(crate) events: Option<OsString>,
    /// Write a report of the run to a file or to an inherited descriptor
    #[arg(long, value_name = "FILE|fd:N", help_heading = "Output")]
    pub(crate) report: Option<OsString>,
    /// Also write an event for every probe that was answered as absent
    #[arg(long, help_heading = "Output")]
    pub(crate) report_probes: bool,
    /// Print no account of a jailbreak, and no error that went to --events
    #[arg(short, long, help_heading = "Output")]
    pub(crate) quiet: bool,
    /// Kill the jail when the other end of this inherited descriptor is closed
    #[arg(long, value_name = "fd:N", help_heading = "Limits")]
    pub(crate) tether: Option<OsString>,
    /// What becomes of open files, sockets and rings that the process has and the policy does not
    /// allow
    #[arg(long, value_name = "WHAT", default_value = "refuse", help_heading = "Files")]
    pub(crate) outside: Outside,
    /// The directory that is writable, as the working directory of a command would be
    #[arg(short = 'C', long, value_name = "DIR", help_heading = "Files")]
    pub(crate) cwd: Option<PathBuf>,
    /// The process; what it has made is jailed too
    #[arg(value_name = "PID")]
    pub(crate) pid: u32,
}

/// What becomes of what a process has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Outside {
    /// It is a reason not to attach
    Refuse,
    /// It is closed
    Close,
    /// It stays open; a ring of io_uring is still a reason not to attach
    Keep,
}

impl From<Outside> for jailkeeper::Outside {
    fn from(outside: Outside) -> Self {
        match outside {
            Outside::Refuse => Self::Refuse,
            Outside::Close => Self::Close,
            Outside::Keep => Self::Keep,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// Print an AppArmor profile that lets this program make user namespaces, to be saved as
    /// /etc/apparmor.d/jailkeeper
    #[cfg(feature = "full")]
    #[arg(long, conflicts_with = "json")]
    pub(crate) apparmor: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct PolicyArguments {
    /// Add a profile: a name (`jailkeeper profiles list`), or a file, which has a slash
    #[arg(short, long, value_name = "NAME|FILE", help_heading = "Files")]
    pub(crate) profile: Vec<OsString>,
    /// Let the jail list, read and run what is beneath a path
    #[arg(short, long, value_name = "PATH", help_heading = "Files")]
    pub(crate) read: Vec<PathBuf>,
    /// Let the jail also create, change, rename and delete what is beneath a path
    #[arg(short, long, value_name = "PATH", help_heading = "Files")]
    pub(crate) write: Vec<PathBuf>,
    /// Take a path out of an allowed tree
    #[arg(short, long, value_name = "PATH", help_heading = "Files")]
    pub(crate) deny: Vec<PathBuf>,
    /// Let the jail open files whose absolute path matches a glob such as `/srv/**/*.csv`
    #[arg(long, value_name = "GLOB", help_heading = "Files")]
    pub(crate) read_glob: Vec<String>,
    /// Let the jail also write and create files whose path matches a glob
    #[arg(long, value_name = "GLOB", help_heading = "Files")]
    pub(crate) write_glob: Vec<String>,
    /// Take files whose path matches a glob, such as `**/.env*`, out of allowed trees; one that
    /// begins with `**` leaves the base alone
    #[arg(long, value_name = "GLOB", help_heading = "Files")]
    pub(crate) deny_glob: Vec<String>,
    /// Let the jail open files whose absolute path matches a regular expression
    #[arg(long, value_name = "REGEX", help_heading = "Files")]
    pub(crate) read_pattern: Vec<String>,
    /// Let the jail also write and create files whose path matches a regular expression
    #[arg(long, value_name = "REGEX", help_heading = "Files")]
    pub(crate) write_pattern: Vec<String>,
    /// Take away the base: system directories, loader files, devices
    #[arg(long, help_heading = "Files")]
    pub(crate) no_base: bool,
    /// Do not make the working directory writable
    #[arg(long, help_heading = "Files")]
    pub(crate) no_cwd: bool,
    /// Give the jail an empty /tmp of its own, or none [default: private]
    #[arg(long, value_name = "KIND", help_heading = "Files")]
    pub(crate) tmp: Option<Tmp>,

    /// What happens on a jailbreak [default: kill]
    #[arg(long, value_name = "WHAT", help_heading = "Verdicts")]
    pub(crate) on_jailbreak: Option<Consequence>,
    /// Who is asked with `--on-jailbreak ask`
    #[arg(long, value_name = "WHOM", default_value = "terminal", help_heading = "Verdicts")]
    pub(crate) ask: Whom,
    /// How long an answer is waited for; no answer is a no
    #[arg(
        long,
        value_name = "TIME",
        default_value = "1m",
        value_parser = duration,
        help_heading = "Verdicts"
    )]
    pub(crate) ask_timeout: Duration,
    /// Make looking at something outside a jailbreak too
    #[arg(long, help_heading = "Verdicts")]
    pub(crate) strict: bool,

    /// Answer looks at something outside as if nothing were there, at strength flat too
    #[arg(long, help_heading = "Verdicts")]
    pub(crate) hide: bool,

    /// The strength below which nothing is run; the jail is as strong as this machine allows
    #[arg(long, value_name = "STRENGTH", default_value = "flat", help_heading = "Walls")]
    pub(crate) strength: Strength,
    /// Who watches at strength monitor: auto, ptrace, strace, illumos-truss, solaris-truss,
    /// freebsd-truss, dtruss, or one of these and =PATH
    #[arg(long, value_name = "TRACER", help_heading = "Walls")]
    pub(crate) tracer: Option<String>,
    /// The strength above which nothing is built, for tests and comparisons
    #[arg(long, value_name = "STRENGTH", default_value = "full", help_heading = "Walls")]
    pub(crate) strength_at_most: Strength,
    /// Let the program make sandboxes of its own inside the jail, by Landlock and seccomp filters
    #[arg(long, help_heading = "Walls")]
    pub(crate) nested: bool,
    /// Without a watch the walls stand alone, at strength flat: what they refuse has no event, and
    /// the jail goes on
    #[arg(long, value_name = "WHEN", default_value = "always", help_heading = "Walls")]
    pub(crate) watch: Watch,
    /// What of the network the jail has
    #[arg(long, value_name = "NET", default_value = "none", help_heading = "Walls")]
    pub(crate) net: Net,

    /// Kill the jail after this time, such as 500ms, 10s, 2m
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Limits")]
    pub(crate) wall_time: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct CommandArguments {
    /// Start in this directory
    #[arg(short = 'C', long, value_name = "DIR", help_heading = "Command")]
    pub(crate) cwd: Option<PathBuf>,
    /// Set a variable of the environment, or pass on the caller's
    #[arg(long, value_name = "NAME[=VALUE]", help_heading = "Command")]
    pub(crate) env: Vec<OsString>,
    /// Pass on the caller's whole environment
    #[arg(long, help_heading = "Command")]
    pub(crate) env_all: bool,
    /// The name under which the command sees itself
    #[arg(long, value_name = "NAME", help_heading = "Command")]
    pub(crate) argv0: Option<OsString>,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tmp {
    /// An empty one in memory, gone with the jail
    Private,
    /// None: /tmp is outside
    Deny,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Strength {
    /// Namespaces, a view of its own, Landlock, seccomp
    Full,
    /// Landlock and seccomp: what exists outside can be seen, but not opened
    Flat,
    /// Nothing is enforced: a tracer watches, and a jailbreak is killed after it
    Monitor,
}

impl From<Strength> for jailkeeper::model::Strength {
    fn from(strength: Strength) -> Self {
        match strength {
            Strength::Full => Self::Full,
            Strength::Flat => Self::Flat,
            Strength::Monitor => Self::Monitor,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Watch {
    /// Without one nothing is run
    Always,
    /// Where none can be had: a jail in a jail
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Net {
    /// Nothing
    None,
}

/// What follows a jailbreak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Consequence {
    /// The whole jail is killed
    Kill,
    /// The call fails, and the program goes on
    Deny,
    /// Somebody is asked before a file is opened; the rest is denied
    Ask,
    /// Reading outside is let pass and written down, but for secrets; the rest is denied
    Log,
}

impl From<Consequence> for OnJailbreak {
    fn from(consequence: Consequence) -> Self {
        match consequence {
            Consequence::Kill => Self::Kill,
            Consequence::Deny => Self::Deny,
            Consequence::Ask => Self::Ask,
            Consequence::Log => Self::Log,
        }
    }
}

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Whom {
    /// Whoever sits at the terminal
    Terminal,
    /// Whoever reads `--events fd:N`, by an answer on the same descriptor
    Events,
}

/// Reads a time with its unit.
fn duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|letter: char| letter.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let scale = match unit {
        "ms" => 0.001,
        "s" | "" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("unknown unit `{unit}`; use ms, s, m or h")),
    };
    let number: f64 = number.parse().map_err(|_| "give a number, such as 10s".to_owned())?;
    Duration::try_from_secs_f64(number * scale)
        .ok()
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| "give a time above zero".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("3"), Ok(Duration::from_secs(3)));
        for bad in ["", "s", "0s", "-1s", "5 parsecs", "1e999s", "nan"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }
}

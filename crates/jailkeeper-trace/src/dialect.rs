//! The tracers, and the numbers of their systems.

use std::fmt::{self, Display, Formatter};

/// Names a tracer by the form of its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// `strace -f` on Linux.
    Strace,
    /// `truss -f` on illumos and SmartOS.
    IllumosTruss,
    /// `truss -f` on Solaris.
    SolarisTruss,
    /// `truss -f` on FreeBSD.
    FreeBsdTruss,
    /// `dtruss -f` on macOS.
    Dtruss,
}

/// How text stands between quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quoting {
    /// With escapes of C, octal and hexadecimal ones.
    C,
    /// With escapes of `vis(3)`: `\^C`, `\M-a`.
    Vis,
    /// As it is: a quote or the end of a line may be a part of the text.
    Raw,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Strace, Self::IllumosTruss, Self::SolarisTruss, Self::FreeBsdTruss, Self::Dtruss];

    /// Returns the name, as in `freebsd-truss`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Strace => "strace",
            Self::IllumosTruss => "illumos-truss",
            Self::SolarisTruss => "solaris-truss",
            Self::FreeBsdTruss => "freebsd-truss",
            Self::Dtruss => "dtruss",
        }
    }

    /// Returns the command that writes it.
    #[must_use]
    pub const fn program(self) -> &'static str {
        match self {
            Self::Strace => "strace",
            Self::IllumosTruss | Self::SolarisTruss | Self::FreeBsdTruss => "truss",
            Self::Dtruss => "dtruss",
        }
    }

    pub(crate) const fn quoting(self) -> Quoting {
        match self {
            Self::Strace | Self::Dtruss => Quoting::C,
            Self::FreeBsdTruss => Quoting::Vis,
            Self::IllumosTruss | Self::SolarisTruss => Quoting::Raw,
        }
    }

    /// The number of `AT_FDCWD`.
    pub(crate) const fn working_directory(self) -> i64 {
        match self {
            Self::Strace | Self::FreeBsdTruss => -100,
            // 0xffd19553
            Self::IllumosTruss | Self::SolarisTruss => -3_041_965,
            Self::Dtruss => -2,
        }
    }

    /// The flags of `open(2)` that have a meaning here, by number.
    pub(crate) const fn open_flags(self) -> &'static [(i64, &'static str)] {
        match self {
            Self::Strace => &[
                (0o100, "O_CREAT"),
                (0o200, "O_EXCL"),
                (0o1000, "O_TRUNC"),
                (0o2000, "O_APPEND"),
                (0o20_200_000, "O_TMPFILE"),
                (0o200_000, "O_DIRECTORY"),
                (0o400_000, "O_NOFOLLOW"),
                (0o2_000_000, "O_CLOEXEC"),
                (0o10_000_000, "O_PATH"),
            ],
            Self::IllumosTruss | Self::SolarisTruss => &[
                (0x100, "O_CREAT"),
                (0x400, "O_EXCL"),
                (0x200, "O_TRUNC"),
                (0x8, "O_APPEND"),
                (0x1_000_000, "O_DIRECTORY"),
                (0x20_000, "O_NOFOLLOW"),
                (0x800_000, "O_CLOEXEC"),
                (0x200_000, "O_SEARCH"),
                (0x400_000, "O_EXEC"),
            ],
            Self::FreeBsdTruss => &[
                (0x200, "O_CREAT"),
                (0x800, "O_EXCL"),
                (0x400, "O_TRUNC"),
                (0x8, "O_APPEND"),
                (0x20_000, "O_DIRECTORY"),
                (0x100, "O_NOFOLLOW"),
                (0x100_000, "O_CLOEXEC"),
                (0x400_000, "O_PATH"),
                (0x40_000, "O_EXEC"),
            ],
            Self::Dtruss => &[
                (0x200, "O_CREAT"),
                (0x800, "O_EXCL"),
                (0x400, "O_TRUNC"),
                (0x8, "O_APPEND"),
                (0x100_000, "O_DIRECTORY"),
                (0x100, "O_NOFOLLOW"),
                (0x1_000_000, "O_CLOEXEC"),
                (0x200_000, "O_SYMLINK"),
            ],
        }
    }

    /// The flags of the `*at` calls that have a meaning here, by number.
    pub(crate) const fn at_flags(self) -> &'static [(i64, &'static str)] {
        match self {
            Self::Strace => &[
                (0x100, "AT_SYMLINK_NOFOLLOW"),
                (0x200, "AT_REMOVEDIR"),
                (0x400, "AT_SYMLINK_FOLLOW"),
                (0x1000, "AT_EMPTY_PATH"),
            ],
            Self::IllumosTruss | Self::SolarisTruss => &[
                (0x1000, "AT_SYMLINK_NOFOLLOW"),
                (0x1, "AT_REMOVEDIR"),
                (0x2000, "AT_SYMLINK_FOLLOW"),
            ],
            Self::FreeBsdTruss => &[
                (0x200, "AT_SYMLINK_NOFOLLOW"),
                (0x800, "AT_REMOVEDIR"),
                (0x400, "AT_SYMLINK_FOLLOW"),
                (0x4000, "AT_EMPTY_PATH"),
            ],
            Self::Dtruss => &[
                (0x20, "AT_SYMLINK_NOFOLLOW"),
                (0x80, "AT_REMOVEDIR"),
                (0x40, "AT_SYMLINK_FOLLOW"),
            ],
        }
    }
}

impl Display for Dialect {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

//! The table of keys: what a profile may say. The parser and the schema are both made of it.

/// A table of the file, with its keys.
#[derive(Debug)]
pub(super) struct Shape {
    /// What it is called in messages.
    pub(super) name: &'static str,
    pub(super) keys: &'static [Key],
    /// Of these exactly one must be there.
    pub(super) one_of: &'static [&'static str],
}

/// A key, and what may stand behind it.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) form: Form,
    pub(super) required: bool,
    pub(super) about: &'static str,
}

/// What may stand behind a key.
#[derive(Debug)]
pub(super) enum Form {
    /// The number of the format.
    Version,
    /// Text in one line.
    Line,
    /// Any text.
    Text,
    /// An absolute path, or one that begins with a variable.
    Path,
    /// A glob.
    Glob,
    /// The name of a variable of the environment.
    VariableName,
    /// `true` or `false`.
    Bool,
    /// `true`.
    True,
    /// One of a few words.
    Word(&'static [&'static str]),
    /// A time with its unit.
    Time,
    /// A list of lines, no longer than this.
    Lines(usize),
    /// A list of names of programs' files.
    Programs,
    /// A list of paths, and tables for those of which more is to be said.
    Paths(&'static Shape),
    /// A list of tables, no longer than this.
    Tables(&'static Shape, usize),
    /// A list of tables, or one table of names and values.
    TablesOrMap(&'static Shape),
    /// One table.
    Table(&'static Shape),
}

/// How many entries a list may have.
pub(super) const ENTRIES_AT_MOST: usize = 4096;
/// How many patterns a profile may have: every one is asked about every path.
const PATTERNS_AT_MOST: usize = 256;
/// How many profiles one may extend.
const EXTENDED_AT_MOST: usize = 32;
/// How many characters a line for people may have.
pub(super) const LINE_AT_MOST: usize = 1000;

/// The words for `on_jailbreak`.
pub(super) const ON_JAILBREAK: &[&str] = &["kill", "deny", "ask", "log"];
/// The words for `right`.
pub(super) const RIGHTS: &[&str] = &["read", "write", "deny"];
/// The words for `net`.
pub(super) const NET: &[&str] = &["none"];
/// The words for `tmp`.
pub(super) const TMP: &[&str] = &["private", "deny"];

const fn key(name: &'static str, form: Form, about: &'static str) -> Key {
    Key { name, form, required: false, about }
}

const fn required(name: &'static str, form: Form, about: &'static str) -> Key {
    Key { name, form, required: true, about }
}

const REASON: Key = key("reason", Form::Line, "Why it is here, for people.");
const OPTIONAL: Key = key(
    "optional",
    Form::Bool,
    "Pass it over where this machine does not have it, or where a variable in it has no value.",
);
const FOLLOWS: Key = key(
    "on_jailbreak",
    Form::Word(ON_JAILBREAK),
    "What follows an attempt to get out that this entry forbids.",
);

/// A path with a right.
pub(super) const RULE: Shape = Shape {
    name: "a rule",
    keys: &[
        required("path", Form::Path, "The file, or the directory with everything below it."),
        REASON,
        OPTIONAL,
        FOLLOWS,
    ],
    one_of: &[],
};

/// A file of which the jail gets a copy.
pub(super) const COPY: Shape = Shape {
    name: "an entry of `copy`",
    keys: &[required("path", Form::Path, "The file."), REASON, OPTIONAL],
    one_of: &[],
};

/// A pattern.
pub(super) const PATTERN: Shape = Shape {
    name: "a pattern",
    keys: &[
        key("glob", Form::Glob, "Whole paths, with `*`, `**`, `?`, `[a-z]` and `{a,b}`."),
        key("regex", Form::Text, "A regular expression, searched for anywhere in the path."),
        required("right", Form::Word(RIGHTS), "What it gives or takes."),
        REASON,
        OPTIONAL,
        FOLLOWS,
    ],
    one_of: &["glob", "regex"],
};

/// A file that the jail gets instead of the host's.
pub(super) const FILE: Shape = Shape {
    name: "a file",
    keys: &[
        required("path", Form::Path, "Where the jail has it."),
        required("text", Form::Text, "What is in it; variables are replaced."),
        REASON,
        OPTIONAL,
    ],
    one_of: &[],
};

/// A variable of the environment.
pub(super) const ENV: Shape = Shape {
    name: "a variable of the environment",
    keys: &[
        required("name", Form::VariableName, "Its name."),
        key("value", Form::Text, "What it is set to, unless the caller sets it."),
        key("pass", Form::True, "Take it over from the caller, if it is set there."),
        REASON,
    ],
    one_of: &["value", "pass"],
};

/// Programs that ask before they read.
pub(super) const ASKS: Shape = Shape {
    name: "an entry of `asks`",
    keys: &[required("programs", Form::Programs, "The names of their files."), REASON],
    one_of: &[],
};

/// What a run may use up.
pub(super) const LIMITS: Shape = Shape {
    name: "`limits`",
    keys: &[key("wall_time", Form::Time, "How long the command may run.")],
    one_of: &[],
};

/// The whole file.
pub(super) const PROFILE: Shape = Shape {
    name: "a profile",
    keys: &[
        required("version", Form::Version, "The version of this format, 1."),
        key("description", Form::Line, "What the profile is for, in one line."),
        key(
            "extends",
            Form::Lines(EXTENDED_AT_MOST),
            "Profiles that this one adds to: names, or paths of files.",
        ),
        key("optional", Form::Bool, "The default for the entries' `optional`."),
        key("on_jailbreak", Form::Word(ON_JAILBREAK), "What follows an attempt to get out."),
        key("strict", Form::Bool, "Looking at what is outside is an attempt to get out too."),
        key("nested", Form::Bool, "Whether the jail may make sandboxes of its own."),
        key("net", Form::Word(NET), "The network that the jail has."),
        key("tmp", Form::Word(TMP), "The `/tmp` that the jail has: one of its own, or none."),
        key("base", Form::Bool, "Whether the jail has what every program needs."),
        key("read", Form::Paths(&RULE), "What can be listed, read and executed."),
        key("write", Form::Paths(&RULE), "What can also be created, changed and deleted."),
        key("deny", Form::Paths(&RULE), "What is carved out of an allowed tree."),
        key("quiet", Form::Paths(&RULE), "What is answered as absent, and never a jailbreak."),
        key("copy", Form::Paths(&COPY), "Small files of which the jail gets a copy."),
        key(
            "patterns",
            Form::Tables(&PATTERN, PATTERNS_AT_MOST),
            "Rights for every path that matches.",
        ),
        key(
            "files",
            Form::Tables(&FILE, ENTRIES_AT_MOST),
            "Files that the jail gets instead of the host's.",
        ),
        key("env", Form::TablesOrMap(&ENV), "Variables of the environment."),
        key(
            "asks",
            Form::Tables(&ASKS, ENTRIES_AT_MOST),
            "Programs that ask with access(2) whether they may read a file and only then open \
             it: their question counts as the reading.",
        ),
        key("limits", Form::Table(&LIMITS), "What a run may use up."),
    ],
    one_of: &[],
};

impl Shape {
    /// Returns a key.
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// Returns the names of all keys.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name)
    }
}

impl Key {
    /// Returns how many entries its list may have.
    pub(super) fn at_most(&self) -> usize {
        match self.form {
            Form::Lines(at_most) | Form::Tables(_, at_most) => at_most,
            _ => ENTRIES_AT_MOST,
        }
    }
}

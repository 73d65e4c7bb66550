//! What a test cannot do without.

use crate::binary::profile_directory;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// Declares what a test needs, before it begins; the test ends here when something is missing.
///
/// A need is `root`, `fuse`, or the name of a program. A test that is skipped says so and is
/// counted in the file `skipped` of cargo's target directory. With `JAILKEEPER_REQUIRE=all` in the
/// environment, as in CI, a missing need is a failure.
///
/// ```no_run
/// use jailkeeper_testkit::needs;
/// needs![sh, "a program that nobody has"];
/// unreachable!("this was skipped");
/// ```
#[macro_export]
macro_rules! needs {
    ($($need:tt),* $(,)?) => {
        if !$crate::are_met(&[$($crate::needs!(@name $need)),*]) {
            return;
        }
    };
    (@name $need:literal) => { $need };
    (@name $need:ident) => { stringify!($need) };
}

/// Tells whether everything is there that a test needs; counts the test as skipped otherwise.
///
/// Tests call it through [`needs!`].
#[must_use]
pub fn are_met(needs: &[&str]) -> bool {
    let missing: Vec<_> = needs.iter().copied().filter(|need| !is_there(need)).collect();
    if missing.is_empty() {
        return true;
    }
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let line = format!("skipped: {test} needs {}\n", missing.join(", "));
    let required = std::env::var("JAILKEEPER_REQUIRE").is_ok_and(|value| value == "all");
    assert!(!required, "{line}and JAILKEEPER_REQUIRE=all forbids to skip it");
    // Both are for people: a test does not fail because nobody reads them.
    let _ = std::io::stdout().write_all(line.as_bytes());
    let target = profile_directory();
    let file = target.parent().unwrap_or(Path::new(".")).join("skipped");
    if let Ok(mut file) = OpenOptions::new().create(true).append(true).open(file) {
        let _ = file.write_all(line.as_bytes());
    }
    false
}

pub(crate) fn is_there(need: &str) -> bool {
    match need {
        "root" => is_root(),
        // As root the containment makes a node that ordinary users can open.
        "fuse" if is_root() => Path::new("/dev/fuse").exists(),
        "fuse" => OpenOptions::new().read(true).write(true).open("/dev/fuse").is_ok(),
        program => std::env::var_os("PATH").is_some_and(|path| {
            Path::new(program).is_absolute() && Path::new(program).is_file()
                || std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
        }),
    }
}

/// Tells whether this process is root's.
pub(crate) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

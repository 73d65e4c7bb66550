//! What holds for any bytes, and for any name that a program gives a file.

use jailkeeper_model::JailPath;
use jailkeeper_trace::{Attempt, Dialect, Happening, Place, Trace};
use proptest::prelude::*;
use std::os::unix::ffi::OsStrExt;

fn attempts(dialect: Dialect, bytes: &[u8]) -> Vec<Attempt> {
    let mut trace = Trace::new(dialect, 7, JailPath::new("/home/u").ok());
    let mut attempts = Vec::new();
    let mut take = |_: &_, happening: Happening| {
        if let Happening::Attempt(attempt) = happening {
            attempts.push(attempt);
        }
    };
    trace.feed(bytes, &mut take);
    trace.finish(&mut take);
    attempts
}

/// Writes a name as strace does, but escapes every byte.
fn octal(name: &[u8]) -> String {
    name.iter().map(|byte| format!("\\{byte:03o}")).collect()
}

/// Writes a name as FreeBSD's truss does.
fn vis(name: &[u8]) -> String {
    let one = |byte: &u8| match byte & 0x7f {
        low if byte & 0x80 != 0 && low < 0x20 => format!("\\M^{}", char::from(low + 0x40)),
        0x7f if byte & 0x80 != 0 => "\\M^?".to_owned(),
        low if byte & 0x80 != 0 => format!("\\M-{}", char::from(low)),
        0x7f => "\\^?".to_owned(),
        low if low < 0x20 => format!("\\^{}", char::from(low + 0x40)),
        b'\\' => "\\\\".to_owned(),
        low => char::from(low).to_string(),
    };
    name.iter().map(one).collect()
}

fn text(attempt: &Attempt) -> Vec<u8> {
    match &attempt.place {
        Place::Path { text, .. } => text.as_os_str().as_bytes().to_vec(),
        _ => Vec::new(),
    }
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(1..=255_u8, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// No bytes panic, and no line has more attempts than a call has paths.
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        for dialect in Dialect::ALL {
            let lines = bytes.split(|byte| *byte == b'\n').count();
            prop_assert!(attempts(dialect, &bytes).len() <= 2 * lines);
        }
    }

    /// The same for what looks like a trace.
    #[test]
    fn anything_like_a_trace_is_survived(
        words in proptest::collection::vec(prop_oneof![
            Just("7 "), Just("[pid 7] "), Just("7:\t"), Just("7/0x1:  "), Just("openat("),
            Just("open("), Just("clone("), Just("AT_FDCWD"), Just(", "), Just("\"/a\\0\""),
            Just("\""), Just("..."), Just(") = 3"), Just(")"), Just(" = -1 ENOENT (x)"),
            Just("Err#2 ENOENT"), Just("<unfinished ...>"), Just("<... openat resumed>"), Just("\n"),
            Just("</x>"), Just("{"), Just("}"), Just("["), Just("O_RDONLY"), Just("\\"), Just("+++ "),
            Just("exited with 0 +++"), Just("strace: Process 8 attached"), Just("ERR#2 'No'"),
        ], 0..60),
    ) {
        let text = words.concat();
        for dialect in Dialect::ALL {
            let _ = attempts(dialect, text.as_bytes());
        }
    }

    /// Whatever a file is called, strace's line about it is about that file and no other.
    #[test]
    fn names_in_strace_are_read_back(name in name()) {
        let line = format!("7 openat(AT_FDCWD, \"{}\", O_RDONLY) = 3\n", octal(&name));
        let found = attempts(Dialect::Strace, line.as_bytes());
        prop_assert_eq!(found.iter().map(text).collect::<Vec<_>>(), [name]);
    }

    /// FreeBSD's truss escapes names, but for their quotes.
    #[test]
    fn names_in_freebsd_truss_are_read_back_or_given_up(name in name()) {
        let line = format!("7: open(\"{}\",O_RDONLY,00)\t = 3 (0x3)\n", vis(&name));
        let read = read_or_given_up(Dialect::FreeBsdTruss, line.as_bytes(), &name);
        prop_assert!(read == Ok(true) || (name.contains(&b'"') && read == Ok(false)), "{read:?}");
    }

    #[test]
    fn odd_names_in_freebsd_truss_are_read_back_or_given_up(name in odd_name()) {
        let line = format!("7: open(\"{}\",O_RDONLY,00)\t = 3 (0x3)\n", vis(&name));
        let read = read_or_given_up(Dialect::FreeBsdTruss, line.as_bytes(), &name);
        prop_assert!(read.is_ok(), "{read:?}");
    }

    #[test]
    fn names_in_dtruss_are_read_back(name in name()) {
        let line = format!("7/0x1:  open(\"{}\\0\", 0x0, 0x0)\t\t = 3 0\n", octal(&name));
        let found = attempts(Dialect::Dtruss, line.as_bytes());
        prop_assert_eq!(found.iter().map(text).collect::<Vec<_>>(), [name]);
    }

    /// truss of illumos writes names as they are. Whatever a name without a line break is, its line is
    /// about that file, or it is known that nobody can tell.
    #[test]
    fn names_in_illumos_truss_are_read_back_or_given_up(
        name in odd_name().prop_filter("one line", |name| !name.contains(&b'\n')),
    ) {
        for (before, after) in [
            ("7:\topen(\"", "\", O_RDONLY)\t\t= 3\n"),
            ("7:\tstat64(\"", "\", 0x08047160)\t\t= 0\n"),
            ("7:\trename(\"", "\", \"other\")\t\t= 0\n"),
            ("7:\treadlink(\"", "\", \"target\", 1023)\t\t= 6\n"),
            ("7:\texecve(\"", "\", 0x08047D94, 0x08047DA0)  argc = 2\n"),
        ] {
            let line = [before.as_bytes(), &name, after.as_bytes()].concat();
            let read = read_or_given_up(Dialect::IllumosTruss, &line, &name);
            prop_assert!(read.is_ok(), "{before}: {read:?}");
        }
    }
}

/// Names that try to look like the rest of a line.
fn odd_name() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("\""),
        Just(","),
        Just(")"),
        Just(" "),
        Just("="),
        Just("\n"),
        Just("\t"),
        Just("3"),
        Just("."),
        Just("/"),
        Just("("),
        Just("\", O_RDONLY) = 3"),
        Just("in\","),
        Just("\", \""),
        Just("0x08047160"),
        Just("Err#2 ENOENT"),
        Just("\", \"x"),
        Just("\n7:\t"),
        Just("O_RDONLY"),
        Just("\u{e2}"),
        Just("\\"),
        Just("argc = 2"),
        Just("[ \"x\" ]"),
    ];
    proptest::collection::vec(piece, 1..12).prop_map(|pieces| pieces.concat().into_bytes())
}

/// Tells whether the first thing that comes of a line is the name (`true`), or that nobody knows it
/// (`false`); anything else is the error.
fn read_or_given_up(dialect: Dialect, line: &[u8], name: &[u8]) -> Result<bool, Option<Vec<u8>>> {
    let mut trace = Trace::new(dialect, 7, JailPath::new("/home/u").ok());
    let mut first = None;
    let mut take = |_: &_, happening: Happening| {
        let read = match happening {
            Happening::Attempt(attempt) if !attempt.is_complete() => Ok(false),
            Happening::Attempt(attempt) if text(&attempt) == name => Ok(true),
            Happening::Attempt(attempt) => Err(Some(text(&attempt))),
            Happening::Garbled { .. } => Ok(false),
            _ => return,
        };
        first.get_or_insert(read);
    };
    trace.feed(line, &mut take);
    trace.finish(&mut take);
    first.unwrap_or(Err(None))
}

/// Memory stays flat whatever comes: here processes that never end.
#[test]
fn processes_that_never_end_are_not_remembered_for_ever() {
    let mut trace = Trace::new(Dialect::Strace, 1, JailPath::new("/").ok());
    for child in 2..200_000 {
        let line = format!("1 clone(child_stack=NULL, flags=SIGCHLD) = {child}");
        trace.line(line.as_bytes(), &mut |_, _| {});
    }
    assert!(trace.processes().pids().count() <= 65_536);
    for fd in 0..100_000 {
        let line = format!("1 open(\"/x\", O_RDONLY) = {fd}");
        trace.line(line.as_bytes(), &mut |_, _| {});
    }
    assert_eq!(trace.processes().descriptor(1, 4095), JailPath::new("/x").ok().as_ref());
    assert_eq!(trace.processes().descriptor(1, 99_999), None);
}

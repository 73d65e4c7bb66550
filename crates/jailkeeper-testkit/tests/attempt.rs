//! Rows of tables: an attempt of the program `escape`, and what must come of it.
//!
//! Every row is two tests, as root and as an ordinary user, and every test two runs. The control
//! runs the attempt without a jail and asserts that it gets what it wants; so the row can fail. The
//! other run is jailed.

use jailkeeper_model::Jailbreak;
use jailkeeper_testkit::{Place, Ran, User, needs};
use serde_json::Value;

/// What must come of an attempt.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    answer: Answer,
    resolved: Option<&'static str>,
    syscall: Option<&'static str>,
    program: &'static str,
    options: &'static str,
    control: Control,
    flat: Option<Box<Flat>>,
    /// The watch of strength `flat` sees it whether looks are hidden or not.
    seen: bool,
    shown: bool,
    hide: bool,
}

/// What comes of an attempt at strength `flat`, where that is something else.
#[derive(Debug, Clone)]
struct Flat(Expected);

#[derive(Debug, Clone, Copy)]
enum Answer {
    /// The jail dies, and the event names this file.
    Breach(Mode, &'static str),
    /// The jail dies, and the event names this address.
    Address(Mode, &'static str),
    /// The jail dies, and the event names this call.
    Call(&'static str),
    /// It is answered as if this file were not there, and counted.
    Forgiven(&'static str),
    /// The call fails with this error, and nothing else happens.
    Refused(i32),
}

#[derive(Debug, Clone, Copy)]
enum Control {
    /// The secret is printed.
    Leaks,
    /// The call succeeds.
    Succeeds,
    /// The call fails, but not because somebody forbids it: with this error.
    Fails(i32),
    /// The call succeeds for root; ordinary users never may.
    SucceedsForRoot,
    /// There is none, for this reason.
    Missing(&'static str),
}

/// Reading a file is a jailbreak; without a jail it leaks the secret.
pub(crate) fn read(file: &'static str) -> Expected {
    Expected::new(Answer::Breach(Mode::Read, file), Control::Leaks)
}

/// Running a file is a jailbreak; without a jail it leaks the secret.
pub(crate) fn execute(file: &'static str) -> Expected {
    Expected::new(Answer::Breach(Mode::Execute, file), Control::Leaks)
}

/// Changing a file is a jailbreak; without a jail it succeeds.
pub(crate) fn write(file: &'static str) -> Expected {
    Expected::new(Answer::Breach(Mode::Write, file), Control::Succeeds)
}

/// Connecting to a socket's path is a jailbreak; without a jail it succeeds.
pub(crate) fn connect(file: &'static str) -> Expected {
    Expected::new(Answer::Breach(Mode::Connect, file), Control::Succeeds)
}

/// Binding a socket to a path is a jailbreak; without a jail it succeeds.
pub(crate) fn bind(file: &'static str) -> Expected {
    Expected::new(Answer::Breach(Mode::Bind, file), Control::Succeeds)
}

/// Using a network address is a jailbreak; without a jail it succeeds.
pub(crate) fn address(mode: Mode, address: &'static str) -> Expected {
    Expected::new(Answer::Address(mode, address), Control::Succeeds)
}

/// Making a call is a jailbreak.
pub(crate) fn call(name: &'static str) -> Expected {
    Expected::new(Answer::Call(name), Control::Succeeds)
}

/// A look is answered as if nothing were there; without a jail it succeeds.
pub(crate) fn forgiven(file: &'static str) -> Expected {
    Expected::new(Answer::Forgiven(file), Control::Succeeds)
}

/// The call fails with an error; without a jail it succeeds.
pub(crate) fn refused(error: i32) -> Expected {
    Expected::new(Answer::Refused(error), Control::Succeeds)
}

impl Expected {
    fn new(answer: Answer, control: Control) -> Self {
        Self {
            answer,
            resolved: None,
            syscall: None,
            program: "{work}/escape",
            options: "",
            control,
            flat: None,
            seen: false,
            shown: false,
            hide: false,
        }
    }

    /// At strength `full` something is there to be looked at: what covers a denied name.
    pub(crate) fn shown(mut self) -> Self {
        self.shown = true;
        self
    }

    /// At strength `flat` it is seen although it only looks, because it opens.
    pub(crate) fn seen_at_flat(mut self) -> Self {
        self.seen = true;
        self
    }

    /// At strength `flat` something else comes of it.
    pub(crate) fn at_flat(mut self, expected: Self) -> Self {
        let options = if expected.options.is_empty() { self.options } else { expected.options };
        let expected = Self { control: self.control, options, ..expected };
        self.flat = Some(Box::new(Flat(expected)));
        self
    }

    /// The file that the name leads to, where it is another one.
    pub(crate) fn resolved(mut self, file: &'static str) -> Self {
        self.resolved = Some(file);
        self
    }

    /// The call that the event names, where its operation does not say it.
    pub(crate) fn by(mut self, syscall: &'static str) -> Self {
        self.syscall = Some(syscall);
        self
    }

    /// The program that the event names.
    pub(crate) fn in_program(mut self, program: &'static str) -> Self {
        self.program = program;
        self
    }

    /// Options of the jail.
    pub(crate) fn with(mut self, options: &'static str) -> Self {
        self.options = options;
        self
    }

    /// Without a jail the call succeeds, with nothing to see.
    pub(crate) fn silent(mut self) -> Self {
        self.control = Control::Succeeds;
        self
    }

    /// Without a jail the call gets as far as to this error.
    pub(crate) fn fails_alone(mut self, error: i32) -> Self {
        self.control = Control::Fails(error);
        self
    }

    /// Without a jail the call succeeds for root alone.
    pub(crate) fn needs_root(mut self) -> Self {
        self.control = Control::SucceedsForRoot;
        self
    }

    /// There is no control.
    pub(crate) fn without_control(mut self, reason: &'static str) -> Self {
        self.control = Control::Missing(reason);
        self
    }
}

/// Runs a row at strength `full`.
pub(crate) fn check(user: User, attempt: &str, expected: &Expected) {
    match user {
        User::Root => needs![root, fuse],
        User::Ordinary => needs![fuse],
    }
    check_in(&Place::new(user), attempt, expected);
}

/// Runs a row at strength `flat`.
pub(crate) fn check_flat(user: User, attempt: &str, expected: &Expected) {
    if user == User::Root {
        needs![root];
    }
    let place = Place::flat(user);
    match expected.flat.as_deref() {
        Some(Flat(expected)) => check_in(&place, attempt, expected),
        // Looks are answered as absent on request; without that they are let go.
        None if matches!(expected.answer, Answer::Forgiven(_)) && !expected.seen => {
            let hidden = Expected { hide: true, ..expected.clone() };
            check_in(&place, attempt, &hidden);
            let ran = Place::flat(user).jail(expected.options, words(attempt));
            assert_eq!(ran.breaches().count(), 0, "{ran}");
            assert_ne!(ran.survived(), Some(-i64::from(libc::ENOENT)), "{ran}");
        }
        None => check_in(&place, attempt, expected),
    }
}

fn check_in(place: &Place, attempt: &str, expected: &Expected) {
    control(&place.again(), attempt, expected.control);
    let hide = if expected.hide { "--hide" } else { "" };
    let ran = place.jail(&format!("{hide} {}", expected.options), words(attempt));
    ran.leaks_nothing();
    match expected.answer {
        Answer::Breach(mode, file) => {
            let breach = breach(place, &ran, mode, expected.program);
            let resolved = expected.resolved.unwrap_or(file);
            assert_eq!(breach.file, Some(place.text(file)), "another file: {ran}");
            assert_eq!(breach.resolved, Some(place.text(resolved)), "another place: {ran}");
            if let Some(syscall) = expected.syscall {
                assert_eq!(breach.syscall, syscall, "another call: {ran}");
            }
        }
        Answer::Address(mode, address) => {
            assert_eq!(
                breach(place, &ran, mode, expected.program).address.as_deref(),
                Some(address),
                "{ran}"
            );
        }
        Answer::Call(name) => {
            assert_eq!(
                breach(place, &ran, Mode::Syscall, expected.program).syscall,
                name,
                "another call: {ran}"
            );
        }
        Answer::Forgiven(file) => {
            ran.succeeds();
            let absent = !expected.shown || place.is_flat();
            let result = if absent { -i64::from(libc::ENOENT) } else { 0 };
            assert_eq!(ran.survived(), Some(result), "{ran}");
            assert!(ran.exit().forgiven > 0, "not counted: {ran}");
            let entries = ran.report.get("forgiven").and_then(Value::as_array);
            let file = place.text(file);
            let named = |entry: &Value| entry.get("file").and_then(Value::as_str) == Some(&file);
            assert!(entries.is_some_and(|list| list.iter().any(named)), "not listed: {ran}");
            strictly(place, attempt, expected);
        }
        Answer::Refused(error) => {
            ran.succeeds();
            assert_eq!(ran.survived(), Some(-i64::from(error)), "{ran}");
        }
    }
}

/// Looks again, where looking is forbidden too.
fn strictly(place: &Place, attempt: &str, expected: &Expected) {
    let Answer::Forgiven(file) = expected.answer else { return };
    let place = place.again();
    let ran = place.jail(&format!("--strict {}", expected.options), words(attempt));
    assert_eq!(
        breach(&place, &ran, Mode::Read, expected.program).file,
        Some(place.text(file)),
        "{ran}"
    );
    ran.leaks_nothing();
}

/// Returns the one jailbreak of a program that did nothing after it.
fn breach<'a>(place: &Place, ran: &'a Ran, mode: Mode, program: &str) -> &'a Jailbreak {
    let breach = ran.breach();
    assert_eq!(ran.survived(), None, "it ran on: {ran}");
    assert_eq!(breach.mode, mode, "another mode: {ran}");
    assert_eq!(breach.program, place.text(program), "another program: {ran}");
    breach
}

fn control(place: &Place, attempt: &str, control: Control) {
    if let Control::Missing(reason) = control {
        assert!(!reason.is_empty(), "a row without a control says why");
        return;
    }
    if matches!(control, Control::SucceedsForRoot) && place.user() != User::Root {
        return;
    }
    let ran = place.free(words(attempt));
    match control {
        Control::Leaks => assert!(ran.leaks(), "the control leaks nothing: {ran}"),
        Control::Succeeds | Control::SucceedsForRoot => {
            assert!(ran.survived().is_some_and(|result| result >= 0), "the control fails: {ran}");
        }
        Control::Fails(error) => assert_eq!(ran.survived(), Some(-i64::from(error)), "{ran}"),
        Control::Missing(_) => {}
    }
}

fn words(attempt: &str) -> impl Iterator<Item = &str> {
    std::iter::once("{work}/escape").chain(attempt.split_ascii_whitespace())
}

/// Makes four tests of every row: `NAME::root`, `NAME::ordinary`, and the same at strength `flat`.
macro_rules! attempts {
    ($($(#[$attribute:meta])* $name:ident: $attempt:literal => $expected:expr;)*) => {
        $(mod $name {
            use crate::attempt::*;

            #[test]
            $(#[$attribute])*
            fn root() {
                check(jailkeeper_testkit::User::Root, $attempt, &$expected);
            }

            #[test]
            $(#[$attribute])*
            fn ordinary() {
                check(jailkeeper_testkit::User::Ordinary, $attempt, &$expected);
            }

            #[test]
            $(#[$attribute])*
            fn flat_root() {
                check_flat(jailkeeper_testkit::User::Root, $attempt, &$expected);
            }

            #[test]
            $(#[$attribute])*
            fn flat_ordinary() {
                check_flat(jailkeeper_testkit::User::Ordinary, $attempt, &$expected);
            }
        })*
    };
}
pub(crate) use attempts;
pub(crate) use jailkeeper_model::Mode;

//! What events look like on the wire.

use jailkeeper_model::{
    Action, ActionTaken, Ancestor, Event, EventError, Exit, Failure, Header, JailId, Jailbreak,
    Limit, Lost, Mode, Outside, OutsideKind, OutsideState, Probe, Question, Reply, Start, Strength,
    Usage, Wall, Warning, WirePath, event_schema,
};
use proptest::prelude::*;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, UNIX_EPOCH};

fn header(seq: u64) -> Header {
    let time = UNIX_EPOCH + Duration::from_micros(1_760_000_000_120_000);
    Header::new(seq, time, JailId::new("a1"))
}

fn odd() -> &'static OsStr {
    OsStr::from_bytes(b"/tmp/\xff")
}

fn jailbreak() -> Jailbreak {
    let taken = ActionTaken::from(Action::Kill);
    let event =
        Jailbreak::new(header(1), Mode::Write, "open", "openat", "no rule covers it", taken)
            .with_file("/home/u/../v/notes")
            .with_resolved("/home/v/notes")
            .with_program(4711, "/usr/bin/cat", ["cat", "-"]);
    Jailbreak {
        flags: vec!["O_WRONLY".into(), "O_CREAT".into()],
        jail_pid: Some(3),
        ancestors: vec![Ancestor::new(4710, "/usr/bin/bash", ["bash"])],
        hint: Some("--write /home/v".into()),
        ..event
    }
}

fn exit() -> Exit {
    let usage = Usage {
        wall: 1.25,
        user: 0.5,
        system: 0.1,
        peak_memory: Some(1 << 20),
        processes: Some(2),
    };
    let signal = Some("SIGKILL".into());
    Exit { signal, jailbreak: true, forgiven: 4, ..Exit::new(header(6), usage) }
}

fn start() -> Start {
    let off = Wall::Off { reason: "no user namespaces".into() };
    Start::new(header(0), 4710, ["bash", "-c", "true"], "/home/u", Strength::Flat)
        .with_wall("landlock", Wall::Enforced)
        .with_wall("view", off)
}

/// One of each kind, and those with fields that the others leave out.
fn samples() -> Vec<Event> {
    let network = Jailbreak {
        address: Some("192.0.2.1:80".into()),
        answer: Some(Reply::Deny),
        ..Jailbreak::new(header(2), Mode::Connect, "connect", "connect", "net", ActionTaken::Denied)
    };
    let odd_jailbreak = Jailbreak {
        ancestors: vec![Ancestor::new(1, odd(), [odd()])],
        ..jailbreak().with_file(odd()).with_resolved(odd()).with_program(1, odd(), [odd()])
    };
    let probe = Probe::new(header(2), "/etc/shadow", "stat", "newfstatat", 4711, "/usr/bin/ls");
    let asked = Probe::of_address(header(2), "[::1]:0", "bind", "bind", 4711, "/usr/bin/python3");
    let odd_probe = Probe::new(header(2), odd(), "stat", "statx", 1, odd()).with_resolved(odd());
    let limited = Exit {
        code: Some(-1),
        signal: None,
        limit: Some("cpu-time".into()),
        killing: Some(0.25),
        ..exit()
    };
    vec![
        Event::Start(start()),
        Event::Start(Start::new(header(0), 1, [odd()], odd(), Strength::Full)),
        Event::Jailbreak(jailbreak()),
        Event::Jailbreak(network),
        Event::Jailbreak(odd_jailbreak),
        Event::Probe(probe),
        Event::Probe(odd_probe),
        Event::Limit(Limit::new(header(3), "wall-time", 2.0, 2.004, "seconds")),
        Event::Warning(Warning::new(header(4), "metadata", "the strength `flat` hides none")),
        Event::Lost(Lost::new(header(5), 12)),
        Event::Exit(exit()),
        Event::Exit(limited),
        Event::Question(
            Question::new(header(7), 3, Mode::Read, "/etc/hosts", "/etc/hosts", "rule", 60)
                .with_program(4711, "/usr/bin/cat", ["cat"]),
        ),
        Event::Question(
            Question::new(header(8), 4, Mode::Write, odd(), odd(), "rule", 60).with_program(
                1,
                odd(),
                [odd()],
            ),
        ),
        Event::Failure(Failure::new(
            header(0),
            "EPOLICY",
            "failed to find the path of `--read /x`",
            Some("create it first".into()),
        )),
        Event::Probe(asked),
        Event::Start(start().with_outside(vec![Outside::new(
            4,
            OutsideKind::Descriptor,
            Some(3),
            odd(),
            OutsideState::Closed,
        )])),
        Event::Start(start().with_outside(vec![
            Outside::new(
                4,
                OutsideKind::Mapping,
                None,
                "/srv/x",
                OutsideState::Kept
            );
            700
        ])),
    ]
}

#[test]
fn each_kind_is_written_as_documented() {
    let first_of_each =
        [0, 2, 4, 5, 7, 8, 9, 10, 12, 14].map(|index| samples()[index].to_line().unwrap());
    insta::assert_snapshot!(first_of_each.join("\n"), @r#"
{"event":"start","v":1,"seq":0,"time":"2025-10-09T08:53:20.120000Z","jail":"a1","pid":4710,"command":["bash","-c","true"],"cwd":"/home/u","strength":"flat","walls":{"landlock":{"state":"enforced"},"view":{"state":"off","reason":"no user namespaces"}}}
{"event":"jailbreak","v":1,"seq":1,"time":"2025-10-09T08:53:20.120000Z","jail":"a1","mode":"write","file":"/home/u/../v/notes","resolved":"/home/v/notes","operation":"open","syscall":"openat","flags":["O_WRONLY","O_CREAT"],"pid":4711,"jail_pid":3,"program":"/usr/bin/cat","argv":["cat","-"],"ancestors":[{"pid":4710,"program":"/usr/bin/bash","argv":["bash"]}],"rule":"no rule covers it","action":"killed","hint":"--write /home/v"}
{"event":"jailbreak","v":1,"seq":1,"time":"2025-10-09T08:53:20.120000Z","jail":"a1","mode":"write","file":"/tmp/�","file_bytes":"L3RtcC//","resolved":"/tmp/�","resolved_bytes":"L3RtcC//","operation":"open","syscall":"openat","flags":["O_WRONLY","O_CREAT"],"pid":1,"jail_pid":3,"program":"/tmp/�","program_bytes":"L3RtcC//","argv":["/tmp/�"],"ancestors":[{"pid":1,"program":"/tmp/�","program_bytes":"L3RtcC//","argv":["/tmp/�"]}],"rule":"no rule covers it","action":"killed","hint":"--write /home/v"}
{"event":"probe","v":1,"seq":2,"time":"2025-10-09T08:53:20.120000Z","jail":"a1","file":"/etc/shadow","operation":"stat","syscall":"newfstatat","pid":4711,"program":"/usr/bin/ls"}
{"event":"limit","v":1,"seq":3,"time":"2025-10-09T08:53:20.120000Z","jail":"a1","kind":"wall-time","limit":2.0,"used":2.004,"unit":"seconds"}
{"event":"warning","v":1,"seq":4,"time":"2025-10-09T08:53:20.120000Z","jail":"a1","kind":"metadata","message":"the strength `flat` hides none"}
{"event":"lost","v":1,"seq":5,"time":"2025-10-09T08:53:20.120000Z","jail":"a1","count":12}
{"event":"exit","v":1,"seq":6,"time":"2025-10-09T08:53:20.120000Z","jail":"a1","signal":"SIGKILL","jailbreak":true,"usage":{"wall":1.25,"user":0.5,"system":0.1,"peak_memory":1048576,"processes":2},"forgiven":4}
{"event":"question","v":1,"seq":7,"time":"2025-10-09T08:53:20.120000Z","jail":"a1","question":3,"mode":"read","file":"/etc/hosts","resolved":"/etc/hosts","pid":4711,"program":"/usr/bin/cat","argv":["cat"],"rule":"rule","timeout":60}
{"event":"error","v":1,"seq":0,"time":"2025-10-09T08:53:20.120000Z","jail":"a1","kind":"EPOLICY","message":"failed to find the path of `--read /x`","hint":"create it first"}
"#);
}

#[test]
fn what_is_written_can_be_read() {
    for event in samples() {
        let line = event.to_line().unwrap();
        assert!(!line.contains('\n'));
        assert_eq!(Event::parse(&line).unwrap(), event);
        assert_eq!(Event::parse(&format!("{line}\n")).unwrap(), event);
    }
}

#[test]
fn what_is_written_fits_the_schema() {
    let schema = event_schema();
    let kinds = schema["oneOf"].as_array().unwrap();
    let mut written = std::collections::BTreeSet::new();
    let mut described = std::collections::BTreeSet::new();
    for event in samples() {
        let value = serde_json::to_value(&event).unwrap();
        let kind = &value["event"];
        let schema = kinds.iter().find(|one| one["properties"]["event"]["const"] == *kind).unwrap();
        assert_eq!(schema["additionalProperties"], false);
        for required in schema["required"].as_array().unwrap() {
            assert!(value.get(required.as_str().unwrap()).is_some(), "{required} in {value}");
        }
        let name = |field: &String| format!("{kind} {field}");
        written.extend(value.as_object().unwrap().keys().map(name));
        described.extend(schema["properties"].as_object().unwrap().keys().map(name));
    }
    assert_eq!(written, described, "the samples have every field");
    assert_eq!(kinds.len(), 9);
    assert!(!schema.to_string().contains("null"));
}

#[test]
fn the_common_fields_can_be_asked_for() {
    let event = Event::Exit(exit());
    assert_eq!((event.seq(), event.jail().as_str()), (6, "a1"));
    assert_eq!(event.time(), header(0).time);
}

#[test]
fn anything_else_is_no_event() {
    let good = Event::Lost(Lost::new(header(5), 12)).to_line().unwrap();
    let change = |from: &str, to: &str| {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        bad
    };
    for bad in [
        change("\"v\":1", "\"v\":2"),
        change("\"lost\"", "\"gone\""),
        change("\"lost\"", "\"Lost\""),
        change("\"count\":12", "\"count\":12,\"more\":0"),
        change("\"count\":12", "\"count\":-1"),
        change(",\"count\":12", ""),
        change("\"event\":\"lost\",", ""),
        change(".120000Z", ".12Z"),
        change("}", "}}"),
        String::new(),
    ] {
        assert!(matches!(Event::parse(&bad), Err(EventError::Read(_))), "{bad}");
    }
    let odd = Event::Start(Start::new(header(0), 1, ["a"], odd(), Strength::Full));
    let bad = odd.to_line().unwrap().replacen("L3RtcC//", "L3RtcC/*", 1);
    assert!(matches!(Event::parse(&bad), Err(EventError::Read(_))), "{bad}");
}

#[test]
fn a_line_is_bounded() {
    let good = Event::Lost(Lost::new(header(5), 12)).to_line().unwrap();
    let padded = |length: usize| good.clone() + &" ".repeat(length - good.len());
    Event::parse(&padded(1 << 20)).unwrap();
    let error = Event::parse(&padded((1 << 20) + 1)).unwrap_err();
    assert!(matches!(error, EventError::TooLong { bytes: 1_048_577 }), "{error}");
}

#[test]
fn a_number_that_json_has_not_is_an_error() {
    for number in [f64::NAN, f64::INFINITY] {
        let limit = Event::Limit(Limit::new(header(3), "cpu-time", number, 1.0, "seconds"));
        assert!(matches!(limit.to_line(), Err(EventError::Write(_))));
        let usage = Usage { system: number, ..Usage::default() };
        let exit = Event::Exit(Exit::new(header(3), usage));
        assert!(matches!(exit.to_line(), Err(EventError::Write(_))));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn paths_of_any_bytes_and_numbers_survive_the_wire(
        bytes in proptest::collection::vec(any::<u8>(), 0..40),
        seq in any::<u64>(),
        micros in 0..4_000_000_000_000_000_u64,
        seconds in 0.0..1e9_f64,
    ) {
        let time = UNIX_EPOCH + Duration::from_micros(micros);
        let header = Header::new(seq, time, JailId::new("a1"));
        let file = OsStr::from_bytes(&bytes);
        let probe = Probe::new(header.clone(), file, "stat", "statx", 1, file);
        let event = Event::Probe(probe);
        let Event::Probe(read) = Event::parse(&event.to_line().unwrap()).unwrap() else {
            return Err(TestCaseError::fail("another kind"));
        };
        let file = WirePath { text: read.file.clone().unwrap(), bytes: read.file_bytes.clone() };
        prop_assert_eq!(file.as_bytes(), bytes.as_slice());
        prop_assert_eq!(Event::Probe(read), event);
        let usage = Usage { wall: seconds, ..Usage::default() };
        let event = Event::Exit(Exit::new(header, usage));
        prop_assert_eq!(Event::parse(&event.to_line().unwrap()).unwrap(), event);
    }
}

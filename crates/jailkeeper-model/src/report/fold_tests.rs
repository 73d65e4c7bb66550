use super::*;
use crate::access::Mode;
use crate::event::{ActionTaken, Header, Lost, Probe};
use std::time::{Duration, UNIX_EPOCH};

fn header(seq: u64) -> Header {
    Header::new(seq, UNIX_EPOCH + Duration::from_secs(seq), JailId::new("a1"))
}

fn jailbreak(seq: u64) -> Jailbreak {
    Jailbreak::new(header(seq), Mode::Read, "open", "openat", "no rule", ActionTaken::Denied)
}

#[test]
fn every_event_has_its_place() {
    let start = Start::new(header(0), 42, ["ls", "-l"], "/tmp", Strength::Flat)
        .with_wall("landlock", Wall::Enforced);
    let usage = Usage { wall: 1.5, ..Usage::default() };
    let exit = Exit {
        code: Some(3),
        jailbreak: true,
        limit: Some("wall-time".into()),
        forgiven: 9,
        ..Exit::new(header(7), usage)
    };
    let limit = Limit::new(header(3), "wall-time", 1.0, 1.5, "seconds");
    let warning = Warning::new(header(4), "flat", "metadata is not hidden");
    let mut report = Report::new();
    for event in [
        Event::Start(start.clone()),
        Event::Jailbreak(jailbreak(1)),
        Event::Probe(Probe::new(header(2), "/x", "stat", "newfstatat", 43, "/bin/ls")),
        Event::Limit(limit.clone()),
        Event::Warning(warning.clone()),
        Event::Lost(Lost::new(header(5), 2)),
        Event::Lost(Lost::new(header(6), 3)),
        Event::Exit(exit),
    ] {
        report.fold(&event);
    }
    assert_eq!(report.jail, Some(JailId::new("a1")));
    assert_eq!((report.command, report.cwd), (start.command, Some("/tmp".into())));
    assert_eq!((report.strength, report.walls), (Some(Strength::Flat), start.walls));
    assert_eq!((report.started, report.ended), (Some(header(0).time), Some(header(7).time)));
    assert_eq!(report.jailbreaks, [jailbreak(1)]);
    assert_eq!((report.limits, report.warnings), (vec![limit], vec![warning]));
    assert_eq!(report.forgiven.entries().len(), 1);
    assert_eq!(report.forgiven.entries()[0].file.as_deref(), Some("/x"));
    assert_eq!(report.forgiven_total, 9, "the exit counts those without an event too");
    assert_eq!(report.lost, 5);
    let outcome = report.exit.unwrap();
    assert_eq!((outcome.code, outcome.signal, outcome.jailbreak), (Some(3), None, true));
    assert_eq!((outcome.limit.as_deref(), outcome.usage), (Some("wall-time"), usage));
}

#[test]
fn what_a_jail_can_multiply_is_bounded() {
    let mut report = Report::new();
    let count = KEPT_AT_MOST as u64 + 3;
    for seq in 0..count {
        report.fold(&Event::Jailbreak(jailbreak(seq)));
        report.fold(&Event::Warning(Warning::new(header(seq), "w", "m")));
        report.record_forgiven(format!("/x/{seq}"), "/bin/ls", "stat");
    }
    assert_eq!((report.jailbreaks.len(), report.jailbreaks_dropped), (KEPT_AT_MOST, 3));
    assert_eq!((report.warnings.len(), report.notices_dropped), (KEPT_AT_MOST, 3));
    assert_eq!((report.forgiven.entries().len(), report.forgiven_dropped), (KEPT_AT_MOST, 3));
    assert_eq!(report.forgiven_total, count);
    assert_eq!(report.jailbreaks[0], jailbreak(0), "the first ones are kept");
}

#[test]
fn what_killed_the_jail_is_kept_after_any_number_of_others() {
    let mut report = Report::new();
    for seq in 0..KEPT_AT_MOST as u64 + 3 {
        report.fold(&Event::Jailbreak(jailbreak(seq)));
    }
    let killed = Jailbreak { action: ActionTaken::Killed, ..jailbreak(5000) };
    report.fold(&Event::Jailbreak(killed.clone()));
    assert_eq!((report.jailbreaks.last(), report.jailbreaks_dropped), (Some(&killed), 3));
}

#[test]
fn it_is_written_with_a_version_and_without_what_is_missing() {
    let mut report = Report::new();
    report.record_forgiven("/x", "/bin/ls", "stat");
    insta::assert_snapshot!(serde_json::to_string(&report).unwrap(), @r#"{"version":1,"command":[],"walls":{},"jailbreaks":[],"jailbreaks_dropped":0,"limits":[],"warnings":[],"notices_dropped":0,"forgiven":[{"file":"/x","program":"/bin/ls","operation":"stat","count":1}],"forgiven_dropped":0,"forgiven_total":1,"lost":0}"#);
}

use super::*;
use crate::policy::{OnJailbreak, Origin, PolicyBuilder};
use crate::verdict::Action;
use Presence::{Exists, Missing, Unknown};

const ABSENT: Verdict = Verdict::Refuse(Refusal::Absent);
const QUIET: Verdict = Verdict::Refuse(Refusal::Quiet);
const FORGIVEN: Verdict = Verdict::Refuse(Refusal::Forgiven);

fn path(path: &str) -> JailPath {
    JailPath::new(path).unwrap()
}

fn builder() -> PolicyBuilder {
    let rule = |at: &str, right| Rule::new(path(at), right, Origin::Api);
    Policy::builder()
        .rule(rule("/usr", Right::Read))
        .rule(rule("/home/u/work", Right::Write))
        .rule(rule("/home/u/work/secret", Right::Deny))
        .rule(rule("/home/u/work/secret/open", Right::Read))
        .rule(rule("/home/u/work/fixed", Right::Read))
        .rule(rule("/etc/preload", Right::Quiet))
        .rule(rule("/home/u/work/hidden", Right::Quiet))
}

fn policy() -> Policy {
    builder().build().unwrap()
}

fn breach(because: Because) -> Verdict {
    Verdict::Jailbreak(Breach { action: Action::Kill, because })
}

fn outside() -> Verdict {
    breach(Because::Outside)
}

fn read_only(at: &str) -> Verdict {
    breach(Because::ReadOnly { path: path(at), origin: Origin::Api })
}

fn denied(at: &str) -> Verdict {
    breach(Because::Denied { path: path(at), origin: Origin::Api })
}

fn quiet(at: &str) -> Verdict {
    breach(Because::Quiet { path: path(at), origin: Origin::Api })
}

/// Decides about all that can be done to a path: probe, read, execute, write, connect with the
/// given presence, then create and bind.
fn decide_all(at: &str, presence: Presence) -> [Verdict; 7] {
    let policy = policy();
    [
        Access::probe(path(at), presence),
        Access::read(path(at), presence),
        Access::execute(path(at), presence),
        Access::write(path(at), presence),
        Access::connect_path(path(at), presence),
        Access::create(path(at)).with_presence(presence),
        Access::bind_path(path(at)).with_presence(presence),
    ]
    .map(|access| decide(&policy, &access))
}

#[test]
fn a_writable_tree_allows_everything() {
    for at in ["/home/u/work", "/home/u/work/a/b", "/home/u/work/secrets"] {
        for presence in [Exists, Missing, Unknown] {
            assert_eq!(decide_all(at, presence), [const { Verdict::Allow }; 7], "{at}");
        }
    }
}

#[test]
fn a_readable_tree_can_be_read_alone() {
    let [allow, no] = [Verdict::Allow, read_only("/usr")];
    for presence in [Exists, Unknown] {
        let found = decide_all("/usr/bin/cc", presence);
        let expected = [&allow, &allow, &allow, &no, &no, &no, &no].map(Clone::clone);
        assert_eq!(found, expected);
    }
    let found = decide_all("/usr/bin/none", Missing);
    let expected = [&allow, &allow, &allow, &ABSENT, &ABSENT, &no, &no].map(Clone::clone);
    assert_eq!(found, expected);
}

#[test]
fn outside_only_looking_and_what_is_missing_are_forgiven() {
    let no = outside();
    for presence in [Exists, Unknown] {
        let expected = [&FORGIVEN, &no, &no, &no, &no, &no, &no].map(Clone::clone);
        assert_eq!(decide_all("/etc/shadow", presence), expected);
    }
    let expected = [&ABSENT, &ABSENT, &ABSENT, &ABSENT, &ABSENT, &no, &no].map(Clone::clone);
    assert_eq!(decide_all("/etc/none", Missing), expected);
}

#[test]
fn what_is_denied_counts_as_outside() {
    let no = denied("/home/u/work/secret");
    let expected = [&FORGIVEN, &no, &no, &no, &no, &no, &no].map(Clone::clone);
    assert_eq!(decide_all("/home/u/work/secret/key", Exists), expected);
    let expected = [&ABSENT, &ABSENT, &ABSENT, &ABSENT, &ABSENT, &no, &no].map(Clone::clone);
    assert_eq!(decide_all("/home/u/work/secret/key", Missing), expected);
}

#[test]
fn the_most_specific_rule_wins() {
    let found = decide_all("/home/u/work/fixed/x", Exists);
    assert_eq!(found[1], Verdict::Allow);
    assert_eq!(found[3], read_only("/home/u/work/fixed"));
    let found = decide_all("/home/u/work/secret/open/x", Exists);
    assert_eq!(found[1], Verdict::Allow);
    assert_eq!(found[3], read_only("/home/u/work/secret/open"));
}

#[test]
fn directories_on_the_way_can_be_passed_and_listed() {
    let [allow, no] = [Verdict::Allow, outside()];
    for at in ["/", "/home", "/home/u"] {
        let expected = [&allow, &allow, &no, &no, &no, &no, &no].map(Clone::clone);
        assert_eq!(decide_all(at, Exists), expected, "{at}");
    }
    let found = decide_all("/home/u/work/secret", Exists);
    assert_eq!(found[1], allow, "what is denied is a way too");
    assert_eq!(found[2], denied("/home/u/work/secret"));
    assert_eq!(decide_all("/home/v", Exists)[1], no);
}

#[test]
fn quiet_paths_can_be_looked_for_but_not_made() {
    for at in ["/etc/preload", "/home/u/work/hidden"] {
        let no = quiet(at);
        for presence in [Exists, Unknown] {
            let expected = [&QUIET, &QUIET, &QUIET, &no, &QUIET, &no, &no].map(Clone::clone);
            assert_eq!(decide_all(at, presence), expected, "{at}");
        }
        let expected = [&QUIET, &QUIET, &QUIET, &QUIET, &QUIET, &no, &no].map(Clone::clone);
        assert_eq!(decide_all(&format!("{at}/x"), Missing), expected, "{at}");
    }
}

#[test]
fn a_strict_policy_forgives_no_look_at_what_is_there() {
    let strict = builder().strict(true).build().unwrap();
    let look = |at: &str, presence| decide(&strict, &Access::probe(path(at), presence));
    assert_eq!(look("/etc/shadow", Exists), outside());
    assert_eq!(look("/etc/shadow", Unknown), outside());
    assert_eq!(look("/etc/none", Missing), ABSENT);
    assert_eq!(look("/etc/preload", Exists), QUIET);
    assert_eq!(look("/home/u/work/secret/x", Exists), denied("/home/u/work/secret"));
    assert_eq!(look("/home", Exists), Verdict::Allow);
    assert_eq!(look("/usr/lib", Exists), Verdict::Allow);
}

#[test]
fn addresses_and_forbidden_calls_are_jailbreaks() {
    let policy = policy();
    for access in
        [Access::connect_address("192.0.2.1:80".into()), Access::bind_address("[::]:80".into())]
    {
        assert_eq!(decide(&policy, &access), breach(Because::Network));
    }
    let call = Access::syscall("ptrace".into());
    assert_eq!(decide(&policy, &call), breach(Because::ForbiddenCall));
}

#[test]
fn the_action_is_the_policys() {
    let deny = builder().on_jailbreak(OnJailbreak::Deny).build().unwrap();
    for access in [Access::create(path("/x")), Access::syscall("ptrace".into())] {
        let Verdict::Jailbreak(breach) = decide(&deny, &access) else { panic!("{access:?}") };
        assert_eq!(breach.action, Action::Deny);
        let Verdict::Jailbreak(breach) = decide(&policy(), &access) else { panic!("{access:?}") };
        assert_eq!(breach.action, Action::Kill);
    }
}

#[test]
fn a_policy_without_rules_allows_nothing() {
    let nothing = Policy::builder().build().unwrap();
    for at in ["/", "/usr"] {
        assert_eq!(decide(&nothing, &Access::read(path(at), Exists)), outside());
        assert_eq!(decide(&nothing, &Access::probe(path(at), Exists)), FORGIVEN);
    }
}

#[test]
fn a_pattern_grants_opening_alone_and_never_over_a_denial() -> Result<(), Box<dyn std::error::Error>>
{
    use crate::policy::{Origin, Pattern};
    let at = |text: &str| JailPath::new(text);
    let policy = Policy::builder()
        .rule(Rule::new(at("/d")?, Right::Deny, Origin::Api))
        .rule(Rule::new(at("/r")?, Right::Read, Origin::Api))
        .pattern(Pattern::new("txt$", Right::Read, Origin::Api)?)
        .pattern(Pattern::new("log$", Right::Write, Origin::Api)?)
        .build()?;
    let there = Exists;
    for granted in [
        Access::read(at("/a/x.txt")?, there),
        Access::read(at("/a/x.log")?, there),
        Access::write(at("/a/x.log")?, there),
        Access::create(at("/a/x.log")?),
        Access::write(at("/r/x.log")?, there),
    ] {
        assert_eq!(decide(&policy, &granted), Verdict::Grant, "{granted:?}");
    }
    for refused in [
        Access::write(at("/a/x.txt")?, there),
        Access::create(at("/a/x.txt")?),
        Access::read(at("/d/x.txt")?, there),
        Access::execute(at("/a/x.txt")?, there),
        Access::connect_path(at("/a/x.log")?, there),
    ] {
        assert!(matches!(decide(&policy, &refused), Verdict::Jailbreak(_)), "{refused:?}");
    }
    assert_eq!(decide(&policy, &Access::read(at("/r/x.txt")?, there)), Verdict::Allow);
    Ok(())
}

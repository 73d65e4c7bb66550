//! What holds for every policy and every access.

use jailkeeper_model::{
    Access, Because, JailPath, OnJailbreak, Origin, Policy, Presence, Refusal, Right, Rule,
    Verdict, decide,
};
use proptest::collection::vec;
use proptest::prelude::*;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// A few names, so that generated paths meet; some begin alike, some are not UTF-8.
fn name() -> impl Strategy<Value = Vec<u8>> {
    let names: [&[u8]; 6] = [b"a", b"ab", b"a-", b"b", b"\xff", b"\xff\xfe"];
    prop::sample::select(names.map(<[u8]>::to_vec).to_vec())
}

fn path_of(names: &[Vec<u8>]) -> JailPath {
    let bytes: Vec<u8> = names.iter().flat_map(|name| [b"/", name.as_slice()].concat()).collect();
    JailPath::resolve(&JailPath::root(), &PathBuf::from(OsString::from_vec(bytes)))
        .expect("a few short names make a path")
}

fn path() -> impl Strategy<Value = JailPath> {
    vec(name(), 0..5).prop_map(|names| path_of(&names))
}

fn right() -> impl Strategy<Value = Right> {
    prop::sample::select(vec![Right::Read, Right::Write, Right::Deny, Right::Quiet])
}

fn origin() -> impl Strategy<Value = Origin> {
    prop::sample::select(vec![Origin::Base, Origin::WorkingDirectory, Origin::Api])
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let rule = (path(), right(), origin())
        .prop_map(|(path, right, origin)| Rule::new(path, right, origin));
    vec(rule, 0..8)
}

/// What a policy is made of; the rules may contradict each other.
fn parts() -> impl Strategy<Value = (Vec<Rule>, bool)> {
    (rules(), any::<bool>())
}

fn build(rules: Vec<Rule>, strict: bool) -> Option<Policy> {
    Policy::builder().rules(rules).strict(strict).on_jailbreak(OnJailbreak::Deny).build().ok()
}

fn policy() -> impl Strategy<Value = Policy> {
    parts()
        .prop_filter_map("the rules contradict each other", |(rules, strict)| build(rules, strict))
}

fn presence() -> impl Strategy<Value = Presence> {
    prop::sample::select(vec![Presence::Exists, Presence::Missing, Presence::Unknown])
}

/// All that can be done to a path.
fn accesses(path: &JailPath, presence: Presence) -> [Access; 7] {
    let path = || path.clone();
    [
        Access::probe(path(), presence),
        Access::read(path(), presence),
        Access::execute(path(), presence),
        Access::connect_path(path(), presence),
        Access::write(path(), presence),
        Access::create(path()).with_presence(presence),
        Access::bind_path(path()).with_presence(presence),
    ]
}

/// Forgets the origin: of equal rules the first one gives it.
fn without_origin(mut verdict: Verdict) -> Verdict {
    if let Verdict::Jailbreak(breach) = &mut verdict
        && let Because::ReadOnly { origin, .. }
        | Because::Denied { origin, .. }
        | Because::Quiet { origin, .. } = &mut breach.because
    {
        *origin = Origin::Api;
    }
    verdict
}

/// The most specific rule, found in the simplest way there is.
fn most_specific<'a>(policy: &'a Policy, path: &JailPath) -> Option<&'a Rule> {
    let covering = policy.rules().iter().filter(|rule| rule.path().covers(path));
    covering.max_by_key(|rule| rule.path().components().count())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn the_order_of_rules_never_matters(
        (rules, strict) in parts(),
        shuffled in any::<prop::sample::Index>(),
        path in path(),
        presence in presence(),
    ) {
        let mut other = rules.clone();
        other.reverse();
        if !other.is_empty() {
            let middle = shuffled.index(other.len());
            other.rotate_left(middle);
        }
        match (build(rules, strict), build(other, strict)) {
            (None, None) => {}
            (Some(one), Some(other)) => for access in accesses(&path, presence) {
                let [one, other] = [&one, &other].map(|policy| decide(policy, &access));
                prop_assert_eq!(without_origin(one), without_origin(other), "{:?}", access);
            },
            (one, other) => prop_assert!(false, "one is an error: {one:?}, {other:?}"),
        }
    }

    #[test]
    fn a_rule_says_nothing_about_names_that_merely_begin_alike(
        folder in path(),
        name in name(),
        more in "[0-9a-z.-]{1,5}",
        right in right(),
        presence in presence(),
    ) {
        let longer = [name.as_slice(), more.as_bytes()].concat();
        let rule = folder.join(&OsString::from_vec(name)).unwrap();
        let beside = folder.join(&OsString::from_vec(longer)).unwrap();
        prop_assert!(!rule.covers(&beside) && !beside.covers(&rule));
        let policy = build(vec![Rule::new(rule, right, Origin::Api)], false).unwrap();
        prop_assert_eq!(policy.rule_for(&beside), None);
        for access in accesses(&beside, presence) {
            prop_assert_ne!(decide(&policy, &access), Verdict::Allow);
        }
    }

    #[test]
    fn another_way_to_write_a_path_never_changes_the_decision(
        policy in policy(),
        names in vec((name(), 0..5_u8), 0..5),
        trailing in 0..3_u8,
        presence in presence(),
    ) {
        let mut text = Vec::new();
        for (name, noise) in &names {
            let noise: &[u8] = match noise {
                0 => b"/",
                1 => b"//",
                2 => b"/./",
                3 => b"/x/../",
                _ => b"/x/.//y/../../",
            };
            text.extend([noise, name].concat());
        }
        let ends: [&[u8]; 3] = [b"/", b"/.", b"/x/.."];
        text.extend(ends[usize::from(trailing)]);
        let noisy = JailPath::new(PathBuf::from(OsString::from_vec(text))).unwrap();
        let plain = path_of(&names.into_iter().map(|(name, _)| name).collect::<Vec<_>>());
        prop_assert_eq!(&noisy, &plain);
        for (one, other) in accesses(&noisy, presence).iter().zip(accesses(&plain, presence)) {
            prop_assert_eq!(decide(&policy, one), decide(&policy, &other));
        }
    }

    #[test]
    fn reading_rights_never_allow_a_write(
        policy in policy(),
        path in path(),
        presence in presence(),
    ) {
        let writable = most_specific(&policy, &path).is_some_and(|rule| rule.right() == Right::Write);
        for access in &accesses(&path, presence)[3..] {
            if decide(&policy, access) == Verdict::Allow {
                prop_assert!(writable, "{:?}", access);
            }
        }
    }

    #[test]
    fn the_most_specific_rule_wins(policy in policy(), path in path(), presence in presence()) {
        let rule = most_specific(&policy, &path);
        prop_assert_eq!(policy.rule_for(&path), rule);
        let allowed = policy.rules().iter().filter(|rule| rule.right().allows());
        let route = allowed.into_iter().any(|rule| path.covers(rule.path()) && path != *rule.path());
        prop_assert_eq!(policy.is_route(&path), route);
        let [probe, read, execute, _, write, create, _] =
            accesses(&path, presence).map(|access| decide(&policy, &access) == Verdict::Allow);
        let readable = rule.is_some_and(|rule| rule.right().allows());
        let writable = rule.is_some_and(|rule| rule.right() == Right::Write);
        prop_assert_eq!([probe, read], [readable || route; 2]);
        prop_assert_eq!(execute, readable);
        prop_assert_eq!([write, create], [writable; 2]);
    }

    #[test]
    fn a_jailbreak_names_the_rule_that_forbids(policy in policy(), path in path()) {
        for access in accesses(&path, Presence::Exists) {
            let Verdict::Jailbreak(breach) = decide(&policy, &access) else { continue };
            match breach.because {
                Because::Outside => prop_assert_eq!(most_specific(&policy, &path), None),
                Because::ReadOnly { path: at, .. } => {
                    let rule = most_specific(&policy, &path).unwrap();
                    prop_assert_eq!((rule.path(), rule.right()), (&at, Right::Read));
                }
                Because::Denied { path: at, .. } => {
                    let rule = most_specific(&policy, &path).unwrap();
                    prop_assert_eq!((rule.path(), rule.right()), (&at, Right::Deny));
                }
                Because::Quiet { path: at, .. } => {
                    let rule = most_specific(&policy, &path).unwrap();
                    prop_assert_eq!((rule.path(), rule.right()), (&at, Right::Quiet));
                }
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }

    #[test]
    fn denying_more_never_allows_more(
        (rules, strict) in parts(),
        denied in path(),
        path in path(),
        presence in presence(),
    ) {
        let more = rules.iter().cloned().chain([Rule::new(denied, Right::Deny, Origin::Api)]).collect();
        let (Some(less), Some(more)) = (build(rules, strict), build(more, strict))
        else { return Err(TestCaseError::reject("the rules contradict each other")) };
        for access in accesses(&path, presence) {
            if decide(&less, &access) != Verdict::Allow {
                prop_assert_ne!(decide(&more, &access), Verdict::Allow, "{:?}", access);
            }
        }
    }

    #[test]
    fn forgiving_is_for_looking_in_a_policy_that_is_not_strict(
        policy in policy(),
        path in path(),
        presence in presence(),
    ) {
        for (index, access) in accesses(&path, presence).iter().enumerate() {
            match decide(&policy, access) {
                Verdict::Refuse(Refusal::Forgiven) => {
                    prop_assert!(index == 0 && !policy.strict() && presence != Presence::Missing);
                }
                Verdict::Refuse(Refusal::Absent) => {
                    prop_assert!(presence == Presence::Missing && !access.creates());
                }
                Verdict::Refuse(Refusal::Quiet) => {
                    let rule = most_specific(&policy, &path).unwrap();
                    prop_assert_eq!(rule.right(), Right::Quiet);
                }
                _ => {}
            }
        }
    }

    #[test]
    fn any_bytes_are_a_path_or_an_error_and_always_get_a_verdict(
        policy in policy(),
        bytes in vec(any::<u8>(), 0..200),
        presence in presence(),
    ) {
        let expected = !bytes.contains(&0);
        let resolved = JailPath::resolve(&JailPath::root(), Path::new(&OsString::from_vec(bytes)));
        prop_assert_eq!(resolved.is_ok(), expected);
        let Ok(path) = resolved else { return Ok(()) };
        prop_assert!(!path.components().any(|name| name.is_empty() || name == "." || name == ".."));
        prop_assert_eq!(&JailPath::new(&path).unwrap(), &path);
        let rejoined = path.components().try_fold(JailPath::root(), |at, name| at.join(name));
        prop_assert_eq!(rejoined.unwrap(), path.clone());
        for access in accesses(&path, presence) {
            let _verdict = decide(&policy, &access);
        }
    }
}

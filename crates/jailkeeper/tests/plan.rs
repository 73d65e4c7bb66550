//! Plans on machines that are made up, and policies that cannot be kept. Nothing is run.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "these are tests")]

use jailkeeper::{ErrorKind, Jail, JailBuilder, Origin, Probe, Right, model::Strength};
use serde_json::{Value, json};

const FEATURES: [&str; 6] =
    ["user_namespaces", "fuse", "landlock", "listener", "mount_api", "raising"];

/// A machine that lacks these features.
fn machine(missing: &[&str]) -> Probe {
    let mut probe = json!({ "kernel": "6.1.0", "root": false, "landlock_abi": 7 });
    for feature in FEATURES {
        probe[feature] = if missing.contains(&feature) {
            json!({ "state": "missing", "reason": format!("no {feature}"), "remedy": "get it" })
        } else {
            json!({ "state": "present", "detail": "here" })
        };
    }
    serde_json::from_value(probe).unwrap()
}

fn plan(builder: JailBuilder, probe: &Probe) -> Result<Value, jailkeeper::Error> {
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    let jail = builder.build()?;
    let summary = jail.command("true").current_dir(folder.path()).plan(probe)?;
    Ok(serde_json::to_value(summary).unwrap())
}

#[test]
fn each_missing_wall_is_unsupported_and_says_what_to_do() {
    let full = || Jail::builder().strength(Strength::Full);
    assert!(plan(full(), &machine(&[])).is_ok());
    for feature in FEATURES {
        let error = plan(full(), &machine(&[feature])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{feature}");
        assert_eq!(error.hint(), Some("get it"), "{feature}");
        assert!(error.sentence().ends_with(&format!("no {feature}")), "{}", error.sentence());
    }
}

#[test]
fn the_strength_is_the_greatest_that_the_machine_has() {
    let strength = |builder: JailBuilder, missing: &[&str]| {
        plan(builder, &machine(missing)).map(|plan| plan["strength"].as_str().unwrap().to_owned())
    };
    assert_eq!(strength(Jail::builder(), &[]).unwrap(), "full");
    for lost in ["user_namespaces", "fuse", "mount_api", "raising"] {
        assert_eq!(strength(Jail::builder(), &[lost]).unwrap(), "flat", "{lost}");
    }
    for needed in ["landlock", "listener"] {
        let error = strength(Jail::builder(), &[needed, "fuse"]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let hint = error.hint().unwrap_or_default();
        assert!(hint.starts_with("get it; ") && hint.contains("--strength monitor"), "{hint}");
        assert!(error.sentence().contains("`flat`"), "{}", error.sentence());
    }
    // Only by the caller's explicit word, and where nothing else can be had.
    let monitor = Jail::builder().strength(Strength::Monitor);
    assert_eq!(strength(monitor.clone(), &["fuse"]).unwrap(), "flat");
    let chosen = |builder: JailBuilder, missing: &[&str]| {
        builder.build().unwrap().command("true").strength(&machine(missing)).unwrap()
    };
    assert_eq!(chosen(monitor.clone(), &["landlock"]), Strength::Monitor);
    assert_eq!(chosen(monitor.clone().strength_at_most(Strength::Monitor), &[]), Strength::Monitor);
    assert_eq!(strength(monitor, &["landlock"]).unwrap_err().kind(), ErrorKind::Unsupported);
    let at_most = Jail::builder().strength_at_most(Strength::Flat);
    assert_eq!(strength(at_most.clone(), &[]).unwrap(), "flat");
    let error = strength(at_most.strength(Strength::Full), &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Policy);
}

#[test]
fn a_flat_plan_says_what_is_off() {
    let flat = Jail::builder().strength_at_most(Strength::Flat);
    let plan = plan(flat, &machine(&[])).unwrap();
    let walls = &plan["walls"];
    assert!(walls["view"].as_str().unwrap().contains("metadata"), "{walls}");
    assert!(walls["namespaces"].as_str().unwrap().starts_with("none"), "{walls}");
    let trees = plan["trees"].as_array().unwrap();
    assert!(!trees.iter().any(|tree| tree["path"] == "/tmp"), "{trees:?}");
}

#[test]
fn the_plan_names_every_tree_with_its_right_and_reason() {
    let plan = plan(Jail::builder().read("/etc/ssl"), &machine(&[])).unwrap();
    let trees = plan["trees"].as_array().unwrap();
    let tree = |path: &str| trees.iter().find(|tree| tree["path"] == path);
    assert_eq!(tree("/usr").unwrap()["right"], "read");
    assert!(tree("/usr").unwrap()["reason"].as_str().unwrap().contains("programs"));
    assert_eq!(tree("/tmp").unwrap()["source"], "memory");
    assert_eq!(tree("/etc/ssl").unwrap()["origin"], "the calling program");
    // What lies inside another tree with the same right is no mount of its own.
    assert!(tree("/etc/ssl/certs").is_none());
    assert_eq!(plan["environment"]["HOME"], "/tmp");
    assert!(plan["walls"]["landlock"].as_str().unwrap().contains('7'));
}

#[test]
fn policies_that_cannot_be_kept_are_errors_with_hints() {
    let flag = |flag: &str| Origin::Flag(flag.to_owned());
    let conflict = Jail::builder().rule("/etc/ssl", Right::Read, flag("--read /etc/ssl")).rule(
        "/etc/ssl/",
        Right::Write,
        flag("--write /etc/ssl/"),
    );
    let cases = [
        ("a path that is not there", Jail::builder().read("/no/such/path")),
        ("two rights for one path", conflict),
        (
            "a state file in a writable tree",
            Jail::builder().write("/var/tmp").protect("/var/tmp/e"),
        ),
        ("no way in", Jail::builder().working_directory(false)),
    ];
    for (what, builder) in cases {
        let error = plan(builder, &machine(&[])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Policy, "{what}");
        assert!(error.hint().is_some(), "{what}: {}", error.sentence());
    }
    let pattern = Jail::builder().pattern("(?=x)", Right::Read, Origin::Api).unwrap_err();
    assert_eq!(pattern.kind(), ErrorKind::Policy);
}

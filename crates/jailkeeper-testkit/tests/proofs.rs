//! The shipped profiles, proved: real tool chains work on real projects under them.
//!
//! What is run is in `fixtures/profiles`. That no entry of a profile is needless is shown by
//! `cargo xtask profiles`, with the same projects.

use jailkeeper_testkit::{Outline, Place, Proof, User, are_met, needs};
use std::fs;

/// Makes tests of the parts of proofs: `PROFILE::PART::root` and `PROFILE::PART::ordinary`.
macro_rules! proofs {
    ($($profile:ident [$($part:ident),+];)*) => {
        $(mod $profile {
            $(mod $part {
                use super::super::prove;
                use jailkeeper_testkit::{Place, User, needs};

                #[test]
                fn root() {
                    needs![root, fuse];
                    prove(stringify!($profile), stringify!($part), Place::new(User::Root));
                }

                #[test]
                fn ordinary() {
                    needs![fuse];
                    prove(stringify!($profile), stringify!($part), Place::new(User::Ordinary));
                }
            })+
        })*
        const PROVED: &[(&str, &[&str])] =
            &[$((stringify!($profile), &[$(stringify!($part)),+])),*];
    };
}

proofs! {
    agent [work, denied, packages];
    gcc [make, ccache, sanitizers];
    git [repository, settings];
    java [jar, maven, sdkman];
    latex [pdflatex, xelatex, lualatex, settings, fonts];
    node [npm, fetched, program, own];
    python [program, pip, own];
    rust [cargo, plain];
    shell [script, user, bash, zsh, history, editors];
}

fn is_possible(profile: &str, part: &str) -> bool {
    let outline = Outline::of(profile);
    are_met(&outline.part(part).needs.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Makes tests of parts that are run at strength `flat`: `flat::PROFILE::PART::USER`.
macro_rules! flat {
    ($($profile:ident [$($part:ident),+];)*) => {
        mod flat {
            $(mod $profile {
                $(mod $part {
                    use super::super::super::prove;
                    use jailkeeper_testkit::{Place, User, needs};

                    #[test]
                    fn root() {
                        needs![root];
                        prove(stringify!($profile), stringify!($part), Place::flat(User::Root));
                    }

                    #[test]
                    fn ordinary() {
                        needs![root];
                        prove(stringify!($profile), stringify!($part), Place::flat(User::Ordinary));
                    }
                })+
            })*
        }
    };
}

flat! {
    agent [denied, work];
    gcc [make];
    git [repository, settings];
    latex [pdflatex];
    node [program];
    python [program, own];
    shell [script];
}

fn prove(profile: &str, part: &str, place: Place) {
    if !is_possible(profile, part) {
        return;
    }
    let proof = Proof::at(profile, place);
    let ran = proof.run(part, None);
    proof.verdict(part, &ran).unwrap_or_else(|why| panic!("{why}\n{ran}"));
}

#[test]
fn every_part_of_every_proof_is_run() {
    let parts = |profile: &&str| -> Vec<String> {
        Outline::of(profile).parts.into_iter().map(|part| part.name).collect()
    };
    let names: Vec<&str> = PROVED.iter().map(|(profile, _)| *profile).collect();
    assert_eq!(Outline::profiles(), names);
    for (profile, run) in PROVED {
        assert_eq!(parts(profile), *run, "{profile}");
    }
}

/// The control of the agent's proof: without a jail, everything can be done that is denied there.
#[test]
fn what_an_agent_is_denied_can_be_done_without_a_jail() {
    needs![git];
    let user = User::Ordinary;
    let ran = Proof::new("agent", user).free("refused.sh free");
    assert_eq!(ran.status, 0, "{ran}");
    assert!(ran.text().contains("\nproved"), "{ran}");
}

mod learned {
    //! What `learn` writes down is enough, and nothing is missing from it.

    use super::*;

    /// Makes tests of parts of proofs that are learned instead of run under their profile.
    macro_rules! learned {
        ($($name:ident $profile:literal $part:literal $user:ident $options:literal $needed:literal;)*) => {
            $(#[test]
            fn $name() {
                needs![root, fuse];
                super::learn(($profile, $part), User::$user, $options, $needed);
            })*
        };
    }

    learned! {
    git "git" "settings" Ordinary "--env HOME={home}" "home/.gitconfig";
    git_by_root "git" "settings" Root "--env HOME={home}" "home/.gitconfig";
    java "java" "jar" Ordinary "" "";
    latex "latex" "pdflatex" Ordinary "--env TEXMFHOME={home}/texmf" "home/texmf";
    make "gcc" "make" Ordinary "" "/etc/ld.so.conf";
    maven "java" "maven" Ordinary
        "--env MAVEN_OPTS=-Dmaven.repo.local={home}/.m2/repository" "home/.m2/repository";
    npm "node" "fetched" Ordinary "--env npm_config_update_notifier=false" "home/.npm";
    python "python" "own" Ordinary "--env HOME={home}" "home/.local";
    python_program "python" "program" Ordinary "" "";
    rust "rust" "plain" Ordinary
        "--env HOME={home} --env PATH={home}/.rustup/toolchains/own/bin:/usr/bin:/bin" "home/.rustup";
    }
}

/// Learns a part twice and runs it with what was learned. A piece of a path is in what is learned;
/// where it is empty, the base is enough and nothing is.
fn learn((profile, part): (&str, &str), user: User, options: &str, needed: &str) {
    if !is_possible(profile, part) {
        return;
    }
    let proof = Proof::new(profile, user);
    // A script may ask for less where the profile is not there to give it.
    let options = &format!("{options} --env LEARNED=1");
    let without = proof.jail(part, options);
    assert_eq!(proof.verdict(part, &without).is_ok(), needed.is_empty(), "the control: {without}");
    let first = proof.learn(part, "{state}/learned.toml", options);
    proof.verdict(part, &first).unwrap_or_else(|why| panic!("{why}\n{first}"));
    let read = || fs::read_to_string(proof.place().path("{state}/learned.toml")).unwrap();
    let learned = read();
    assert_eq!(learned.contains("path = "), !needed.is_empty(), "{learned}");
    assert!(learned.contains(needed), "{learned}");
    let ran = proof.jail(part, &format!("-p {{state}}/learned.toml {options}"));
    assert_eq!(ran.breaches().count(), 0, "{ran}\n--- learned\n{learned}");
    proof.verdict(part, &ran).unwrap_or_else(|why| panic!("{why}\n{ran}\n--- learned\n{learned}"));
    let again = proof.learn(part, "{state}/learned.toml", options);
    assert!(again.stderr.contains(": 0 new entries"), "{again}\n--- learned\n{learned}");
    assert_eq!(read(), learned, "a second learn proposes something");
}

//! Runs one part of a shipped profile's proof, for `cargo xtask profiles`.
//!
//! `proof PROFILE` lists the parts, each with the programs that this machine lacks for it.
//! `proof PROFILE PART [FILE]` runs one as an ordinary user, with a file in the place of the
//! profile. It ends with 0 if the proof holds; with 1 if not, and says why in a line on stdout.
//! Every other status says that nothing was tried.

use jailkeeper_testkit::{Outline, Proof, User};
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        [profile] => {
            for part in &Outline::of(profile).parts {
                say(&format!("{} {}", part.name, part.missing().join(" ")));
            }
        }
        [profile, part] => return run(profile, part, None),
        [profile, part, file] => return run(profile, part, Some(file)),
        _ => {
            say("usage: proof PROFILE [PART [FILE]]");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn run(profile: &str, part: &str, file: Option<&str>) -> ExitCode {
    let proof = Proof::new(profile, User::Ordinary);
    let ran = proof.run(part, file);
    match proof.verdict(part, &ran) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            say(&why);
            // The whole account is for people who look why.
            let _ = writeln!(std::io::stderr(), "{ran}");
            ExitCode::FAILURE
        }
    }
}

fn say(line: &str) {
    // Whoever reads it may be gone.
    let _ = writeln!(std::io::stdout(), "{line}");
}

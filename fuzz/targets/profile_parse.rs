//! Any text is a profile, or errors with places in it; what is a profile can be settled.

#![no_main]

use jailkeeper_model::profile::{Profile, ProfileError, Variables, stack};
use libfuzzer_sys::fuzz_target;
use std::path::Path;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Profile::parse("p", Some(Path::new("/p.toml")), text) {
        Ok(profile) => settle(profile),
        Err(error) => check(&error, text),
    }
});

fn check(error: &ProfileError, text: &str) {
    for error in std::iter::once(error).chain(error.others()) {
        for (place, _) in error.labels() {
            assert!(text.get(place.span()).is_some() || place.source().text().is_empty());
        }
    }
    draw(error);
}

fn draw(error: &ProfileError) {
    for coloured in [false, true] {
        let picture = error.picture().coloured(coloured).to_string();
        let plain = |letter: char| !letter.is_control() || letter == '\n' || letter == '\x1b';
        assert!(picture.chars().all(plain), "{picture:?}");
        assert!(coloured || !picture.contains('\x1b'), "{picture:?}");
    }
}

fn settle(profile: Profile) {
    let extended = |name: &jailkeeper_model::profile::Located<String>, _: &Profile| {
        Profile::parse(name, None, "version = 1\nread = ['/usr']\ndeny = ['${home}/x']")
    };
    let base = Profile::parse("base", None, "version = 1\nquiet = ['/etc']").expect("a profile");
    let settled = match stack(vec![profile], &mut { extended }) {
        Ok(stack) => {
            let _ = stack.base();
            let variables = Variables::new("/w").with_home("/h[").with_tmp("/t").with_user(1, 2);
            stack.settle(Some(&base), &variables)
        }
        Err(error) => return draw(&error),
    };
    match settled {
        Ok(settled) => {
            assert!(settled.rules.is_sorted_by(|one, other| one.path < other.path));
            assert!(settled.rules.iter().all(|rule| rule.rule().path() == &rule.path));
        }
        Err(error) => draw(&error),
    }
}

//! Any text is a pattern, or an error that says where; what a pattern says of itself is true.

#![no_main]

use jailkeeper_model::{JailPath, Origin, Pattern, PatternError, Right};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    check(Pattern::new(text, Right::Read, Origin::Api), text);
    let glob = Pattern::glob(text, Right::Read, Origin::Api);
    if let Ok(glob) = &glob {
        assert!(!glob.matches(&JailPath::root()), "no glob matches the root");
        if let Some(tree) = glob.as_tree() {
            assert!(!glob.matches(tree));
            let below = tree.join("x\n".as_ref()).expect("a path");
            assert!(glob.matches(&below) && glob.may_match_below(tree));
        }
    }
    check(glob, text);
});

fn check(pattern: Result<Pattern, PatternError>, text: &str) {
    match pattern {
        Ok(pattern) => assert_eq!(pattern.expression(), text),
        Err(error) => {
            assert!(text.get(error.part()).is_some(), "{error}: {:?}", error.part());
            assert!(!error.to_string().contains(['\n', '\x1b']), "{error}");
        }
    }
}

//! A glob matches a path exactly if the slow way says so.

#![no_main]

#[path = "../../crates/jailkeeper-model/tests/naive_glob/mod.rs"]
mod naive_glob;

use jailkeeper_model::{JailPath, Origin, Pattern, Right};
use libfuzzer_sys::fuzz_target;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

// The glob, a line break, and the path.
fuzz_target!(|bytes: &[u8]| {
    // Longer ones find nothing new, slowly.
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n').filter(|_| bytes.len() < 200)
    else {
        return;
    };
    let (glob, path) = bytes.split_at(end);
    let Ok(glob) = std::str::from_utf8(glob) else { return };
    let path = [b"/", &path[1..]].concat();
    let Ok(path) = JailPath::new(OsStr::from_bytes(&path)) else { return };
    let Ok(pattern) = Pattern::glob(glob, Right::Read, Origin::Api) else { return };

    let matches = pattern.matches(&path);
    assert_eq!(matches, naive_glob::matches(glob, path.as_bytes()), "{glob:?} {path:?}");
    if let Some(tree) = pattern.as_tree() {
        assert_eq!(matches, tree.covers(&path) && *tree != path, "{glob:?} {path:?}");
    }
    if matches {
        let above = |above: &JailPath| pattern.may_match_below(above);
        assert!(path.ancestors().skip(1).all(|directory| above(&directory)), "{glob:?} {path:?}");
    }
    let directory = JailPath::new("/w*[").expect("a path");
    if let Ok(beneath) = Pattern::glob_beneath(&directory, glob, Right::Read, Origin::Api) {
        let joined = [directory.as_bytes(), path.as_bytes()].concat();
        let joined = JailPath::new(OsStr::from_bytes(&joined)).expect("a path");
        // Below a directory, the root is the directory itself, which has its name.
        assert_eq!(beneath.matches(&joined), matches, "{glob:?} {path:?}");
    }
});

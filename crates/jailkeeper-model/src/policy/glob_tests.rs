//! What globs match, and which are none.

use crate::path::JailPath;
use crate::policy::{Origin, Pattern, Right};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

fn path(path: impl AsRef<OsStr>) -> JailPath {
    JailPath::new(path.as_ref()).unwrap()
}

fn glob(text: &str) -> Pattern {
    Pattern::glob(text, Right::Read, Origin::Api).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn each_sign_matches_what_it_says() {
    for (text, yes, no) in [
        ("/a/*.txt", &["/a/b.txt", "/a/.txt"][..], &["/a/b/c.txt", "/a/b.txt/c", "/x/a/b.txt"][..]),
        ("/a/*", &["/a/b", "/a/.hidden"], &["/a", "/a/b/c"]),
        ("/a*", &["/a", "/ab"], &["/a/b"]),
        ("/*", &["/a"], &["/", "/a/b"]),
        ("/a/?", &["/a/b", "/a/ß", "/a/\n"], &["/a/bc", "/a", "/a/b/c"]),
        ("/a?b", &["/aXb"], &["/a/b"]),
        ("/[a-cx]", &["/a", "/c", "/x"], &["/d", "/-", "/ab"]),
        ("/a[!b]c", &["/aXc", "/aßc"], &["/abc", "/a/c", "/ac"]),
        ("/a[^b]c", &["/aXc"], &["/abc", "/a/c"]),
        ("/[]-]", &["/]", "/-"], &["/a"]),
        ("/[!]]", &["/a"], &["/]"]),
        ("/[a\\]]", &["/a", "/]"], &["/\\"]),
        ("/[ä-ü]", &["/ö"], &["/o", "/o\u{308}"]),
        ("/[+\\-9]", &["/-"], &["/5"]),
        ("/a/**", &["/a/b", "/a/b/c"], &["/a", "/ab", "/"]),
        ("/a/**/b", &["/a/b", "/a/x/b", "/a/x/y/b"], &["/a/xb", "/a/x/b/c", "/ab"]),
        ("**/.env*", &["/.env", "/a/b/.env.local"], &["/a/.env/b", "/a/x.env"]),
        ("/**", &["/a", "/a/b"], &["/"]),
        ("**", &["/a", "/a/b"], &["/"]),
        ("/**/**/a", &["/a", "/x/y/a"], &["/"]),
        ("/x{,.bak}", &["/x", "/x.bak"], &["/x."]),
        ("/{a,b/{c,d}}/e", &["/a/e", "/b/c/e", "/b/d/e"], &["/b/e", "/{a,b}/e"]),
        ("/{a,**}/e", &["/a/e", "/e", "/x/y/e"], &["/a"]),
        ("/[{,}]", &["/{", "/,", "/}"], &["/x"]),
        ("/a,b", &["/a,b"], &["/a"]),
        ("/\\*\\{\\\\", &["/*{\\"], &["/x{\\"]),
        ("/a.b+c", &["/a.b+c"], &["/axb+c", "/a.bbc"]),
        ("/A", &["/A"], &["/a"]),
    ] {
        let pattern = glob(text);
        assert_eq!(pattern.expression(), text);
        yes.iter().for_each(|yes| assert!(pattern.matches(&path(yes)), "{text} {yes}"));
        no.iter().for_each(|no| assert!(!pattern.matches(&path(no)), "{text} {no}"));
    }
}

#[test]
fn names_that_are_not_utf_8_are_matched_byte_by_byte() {
    let name = path(OsStr::from_bytes(b"/a/\xff\xfe.txt"));
    for (text, expected) in [
        ("/a/*", true),
        ("/a/??.txt", true),
        ("/a/[!x]?.txt", true),
        ("/**", true),
        ("/a/?.txt", false),
        ("/a/[ÿ]?.txt", false),
    ] {
        assert_eq!(glob(text).matches(&name), expected, "{text}");
    }
    let directory = path(OsStr::from_bytes(b"/\xff*"));
    let pattern = Pattern::glob_beneath(&directory, "/*.c", Right::Read, Origin::Api).unwrap();
    assert!(pattern.matches(&path(OsStr::from_bytes(b"/\xff*/x.c"))));
    assert!(!pattern.matches(&path(OsStr::from_bytes(b"/\xffx/x.c"))));
    let root = Pattern::glob_beneath(&JailPath::root(), "/*.c", Right::Read, Origin::Api).unwrap();
    assert!(root.matches(&path("/x.c")));
}

#[test]
fn everything_below_a_directory_is_a_tree() {
    for (text, tree) in [
        ("/a/b/**", Some("/a/b")),
        ("/a\\*/**", Some("/a*")),
        ("/**", Some("/")),
        ("**", Some("/")),
        ("/{a}/**", Some("/a")),
        ("/a/*/**", None),
        ("/a/**/**", None),
        ("/{a,b}/**", None),
        ("/a/**/b", None),
        ("/a/*", None),
    ] {
        assert_eq!(glob(text).as_tree(), tree.map(path).as_ref(), "{text}");
    }
    let beneath = |glob| Pattern::glob_beneath(&path("/w[x]"), glob, Right::Read, Origin::Api);
    assert_eq!(beneath("/**").unwrap().as_tree(), Some(&path("/w[x]")));
    assert_eq!(Pattern::new("^/a/", Right::Read, Origin::Api).unwrap().as_tree(), None);
}

#[test]
fn what_is_no_glob_is_refused_where_it_is_wrong() {
    let many = format!("/{}", "{a,b}".repeat(7));
    let long = format!("/{}", "a".repeat(4096));
    for (text, wrong, message) in [
        ("a/*", "a/*", "a glob begins with neither `/` nor `**/`"),
        ("", "", "a glob begins with neither `/` nor `**/`"),
        ("**a", "**a", "a glob begins with neither `/` nor `**/`"),
        ("/a/", "/a/", "a name between slashes is empty"),
        ("/", "/", "a name between slashes is empty"),
        ("/a//b", "/a//b", "a name between slashes is empty"),
        ("/a/../b", "..", "no path has `.` or `..` in it when it is compared"),
        ("/./b", ".", "no path has `.` or `..` in it when it is compared"),
        ("/a**", "**", "`**` stands beside other characters of a name"),
        ("/***", "**", "`**` stands beside other characters of a name"),
        ("/x{y,z", "{y,z", "the `{` is not closed"),
        ("/x}", "}", "no `{` belongs to the `}`"),
        ("{/a,/b}", "{/a,/b}", "a glob begins with neither `/` nor `**/`"),
        ("**{/a,b}", "**{/a,b}", "a glob begins with neither `/` nor `**/`"),
        ("/x[ab", "[ab", "the `[` is not closed"),
        ("/x[]", "[]", "the `[` is not closed"),
        ("/x[c-a]", "c-a", "the range is the wrong way round"),
        ("/x[a/]", "/", "a class never matches a `/` or a NUL character"),
        ("/x[+-9]", "+-9", "a class never matches a `/` or a NUL character"),
        ("/[[:alpha:]]", "[:", "classes have no names here"),
        ("/x\\", "\\", "nothing follows the `\\`"),
        ("/x\\/y", "\\/", "this character cannot be quoted"),
        ("/x\0", "\0", "a glob has a NUL character"),
        (&many, "{a,b}", "the braces stand for more than 64 globs"),
        (&long, &long, "a glob has more than 4096 bytes"),
    ] {
        let error = Pattern::glob(text, Right::Read, Origin::Api).expect_err(text);
        assert_eq!(error.to_string(), message, "{text}");
        assert_eq!(text.get(error.part()), Some(wrong), "{text}");
    }
}

#[test]
fn a_glob_that_becomes_too_large_is_refused() {
    let refused =
        |text: &str| Pattern::glob(text, Right::Read, Origin::Api).unwrap_err().to_string();
    let much = format!("/{}{}", "{a,b}".repeat(6), "?".repeat(60));
    assert_eq!(refused(&much), "the braces stand for too much");
    glob(&format!("/{}", "ß".repeat(2000)));
    glob(&format!("/{}", "?".repeat(255)));
    assert_eq!(refused(&format!("/{}", "?".repeat(2000))), "the pattern becomes too large");
}

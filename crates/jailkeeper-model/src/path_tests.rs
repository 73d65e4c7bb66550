use super::*;

fn path(path: &str) -> JailPath {
    JailPath::new(path).unwrap()
}

fn raw(bytes: &[u8]) -> &OsStr {
    OsStr::from_bytes(bytes)
}

#[test]
fn normalising_is_lexical_and_never_leaves_the_root() {
    for (given, expected) in [
        ("/", "/"),
        ("//", "/"),
        ("/..", "/"),
        ("/../../a", "/a"),
        ("/a/../..", "/"),
        ("/a/./b//c/", "/a/b/c"),
        ("/a/b/../c", "/a/c"),
        ("/...", "/..."),
        ("/a/..b", "/a/..b"),
    ] {
        assert_eq!(path(given).as_bytes(), expected.as_bytes(), "{given}");
    }
}

#[test]
fn what_is_no_path_of_the_kernel_is_an_error() {
    for relative in ["", "a", "./a", "../a"] {
        let error = JailPath::new(relative).unwrap_err();
        assert_eq!(error, PathError::Relative { path: relative.into() });
    }
    assert!(matches!(JailPath::new("/a\0b"), Err(PathError::Nul { .. })));
    let longest = format!("/{}", "a".repeat(BYTES_AT_MOST - 1));
    let too_long = format!("{longest}a");
    assert_eq!(path(&longest).as_bytes().len(), BYTES_AT_MOST);
    let expected = PathError::TooLong { bytes: BYTES_AT_MOST + 1 };
    assert_eq!(JailPath::new(too_long), Err(expected.clone()));
    let base = path(&longest).parent().unwrap();
    assert_eq!(base.join(raw(&[b'a'; BYTES_AT_MOST])), Err(expected));
    path(&longest).join(raw(b"a")).unwrap_err();
}

#[test]
fn errors_print_no_control_characters() {
    for error in [
        JailPath::new("a\x1b[2J").unwrap_err(),
        JailPath::new("/a\0\n").unwrap_err(),
        JailPath::root().join(raw(b"a/\x9b")).unwrap_err(),
    ] {
        let text = error.to_string();
        assert!(text.contains(r"\x") && !text.chars().any(char::is_control), "{text}");
    }
}

#[test]
fn relative_paths_begin_at_their_base_and_absolute_ones_replace_it() {
    let base = path("/home/u");
    for (given, expected) in [
        ("", "/home/u"),
        (".", "/home/u"),
        ("x", "/home/u/x"),
        ("../v/x", "/home/v/x"),
        ("../../../x", "/x"),
        ("/etc", "/etc"),
    ] {
        assert_eq!(JailPath::resolve(&base, Path::new(given)), Ok(path(expected)), "{given}");
    }
    assert_eq!(JailPath::resolve(&JailPath::root(), Path::new("x")), Ok(path("/x")));
}

#[test]
fn joining_takes_one_name_alone() {
    assert_eq!(path("/a").join(raw(b"b")), Ok(path("/a/b")));
    assert_eq!(path("/").join(raw(b"b")), Ok(path("/b")));
    for name in ["", ".", "..", "b/c", "/b", "b/"] {
        let error = path("/a").join(OsStr::new(name)).unwrap_err();
        assert_eq!(error, PathError::NotAName { name: name.into() }, "{name}");
    }
    assert!(matches!(path("/a").join(raw(b"b\0")), Err(PathError::Nul { .. })));
}

#[test]
fn covering_is_by_component() {
    for (above, below, expected) in [
        ("/x/jail1", "/x/jail1", true),
        ("/x/jail1", "/x/jail1/y", true),
        ("/x/jail1", "/x/jail10", false),
        ("/x/jail1", "/x/jail10/y", false),
        ("/x/jail1", "/x", false),
        ("/", "/x", true),
        ("/", "/", true),
    ] {
        assert_eq!(path(above).covers(&path(below)), expected, "{above} {below}");
        let rest = path(below).strip_prefix(&path(above)).map(Path::to_owned);
        assert_eq!(rest.is_some(), expected, "{above} {below}");
    }
    assert_eq!(path("/a/b/c").strip_prefix(&path("/a")), Some(Path::new("b/c")));
    assert_eq!(path("/a").strip_prefix(&path("/a")), Some(Path::new("")));
    assert_eq!(path("/a").strip_prefix(&path("/")), Some(Path::new("a")));
}

#[test]
fn a_path_can_be_taken_apart() {
    let whole = path("/a/b/c");
    assert_eq!(whole.components().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(whole.components().next_back(), Some(OsStr::new("c")));
    assert_eq!(whole.file_name(), Some(OsStr::new("c")));
    assert_eq!(whole.parent(), Some(path("/a/b")));
    let ancestors = ["/a/b/c", "/a/b", "/a", "/"].map(path);
    assert_eq!(whole.ancestors().collect::<Vec<_>>(), ancestors);
    let root = JailPath::root();
    assert_eq!(root.components().count(), 0);
    assert_eq!((root.file_name(), root.parent()), (None, None));
    assert_eq!(root.ancestors().collect::<Vec<_>>(), [JailPath::root()]);
}

#[test]
fn what_is_below_a_directory_comes_right_after_it() {
    // As bytes, `/a-b` and `/a.b` would come between `/a` and `/a/b`.
    let mut paths = ["/a.b", "/a/b", "/a-b", "/a", "/", "/a/b/c"].map(path);
    paths.sort();
    assert_eq!(paths, ["/", "/a", "/a/b", "/a/b/c", "/a-b", "/a.b"].map(path));
}

#[test]
fn names_that_are_not_utf8_stay_as_they_are() {
    let odd = JailPath::new(raw(b"/a/\xff\xfe/b")).unwrap();
    assert_eq!(odd.as_bytes(), b"/a/\xff\xfe/b");
    assert_eq!(odd.components().nth(1), Some(raw(b"\xff\xfe")));
    let other = JailPath::new(raw(b"/a/\xff\xfd/b")).unwrap();
    assert_ne!(odd, other);
    assert_eq!(serde_json::to_string(&odd).unwrap(), "\"/a/\u{fffd}\u{fffd}/b\"");
    assert_eq!(odd.display().to_string(), r"/a/\xff\xfe/b");
}

#[test]
fn a_map_of_paths_can_be_asked_for_a_plain_one() {
    let tree = std::collections::BTreeSet::from([path("/a/b")]);
    let hashed = std::collections::HashSet::from([path("/a/b")]);
    assert!(tree.contains(Path::new("/a/b")) && hashed.contains(Path::new("/a/b")));
    assert!(!tree.contains(Path::new("/a")) && !hashed.contains(Path::new("/a")));
}

#[test]
fn order_equality_and_covering_are_those_of_the_standard_library() {
    let names =
        ["", "a", "a-b", "a/b", "a/b/c", "a!", "ab", "b", "a/b-c", "a b/c", "\u{e4}/x", "a/\u{1}"];
    let paths: Vec<_> = names.iter().map(|name| path(&format!("/{name}"))).collect();
    for one in &paths {
        for other in &paths {
            let (plain, beside) = (one.as_path(), other.as_path());
            assert_eq!(one.cmp(other), plain.cmp(beside), "{one:?} {other:?}");
            assert_eq!(one == other, plain == beside, "{one:?} {other:?}");
            assert_eq!(one.covers(other), beside.starts_with(plain), "{one:?} {other:?}");
        }
    }
}

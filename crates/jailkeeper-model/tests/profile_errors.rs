//! What people are told about a profile that is none.

use jailkeeper_model::profile::{Profile, ProfileError};
use std::fmt::Write;
use std::path::Path;

fn parse(text: &str) -> Result<Profile, ProfileError> {
    Profile::parse("mine", Some(Path::new("/p/mine.toml")), text)
}

/// The messages of all errors of a text, each with what is underlined and the help.
fn told(body: &str) -> String {
    let text = format!("version = 1\n{body}");
    let error = parse(&text).expect_err(&text);
    let mut told = String::new();
    for error in std::iter::once(&error).chain(error.others()) {
        let _ = write!(told, "{error}");
        for (place, label) in error.labels() {
            let shown = place.text().replace('\n', "⏎");
            let _ = write!(told, "\n  {}: {shown}", label.unwrap_or("here"));
        }
        if let Some(help) = error.help() {
            let _ = write!(told, "\n  help: {help}");
        }
        told.push('\n');
    }
    told
}

#[test]
fn the_picture_underlines_the_place() {
    let error = parse("version = 1\n\nraed = [\"/srv\"]\n").unwrap_err();
    insta::assert_snapshot!(error.picture(), @r#"
    error: a profile has no key `raed`
      --> /p/mine.toml:3:1
      |
    3 | raed = ["/srv"]
      | ^^^^ unknown key
      |
    hint: did you mean `read`?
    "#);
    let error = parse("version = 1\nread = ['/srv']\ndeny = ['/x',\n\t'/srv/']\n").unwrap_err();
    insta::assert_snapshot!(error.picture(), @r"
    error: the path '/srv/' stands twice
      --> /p/mine.toml:4:2
      |
    4 |  '/srv/']
      |  ^^^^^^^ again
      --> /p/mine.toml:2:9
      |
    2 | read = ['/srv']
      |         ^^^^^^ first
    ");
    let coloured = error.picture().coloured(true).to_string();
    insta::assert_snapshot!(coloured.replace('\x1b', "ESC"), @r"
    ESC[1;31merrorESC[0m: the path '/srv/' stands twice
    ESC[34m  -->ESC[0m /p/mine.toml:4:2
    ESC[34m  |ESC[0m
    ESC[34m4 |ESC[0m  '/srv/']
    ESC[34m  |ESC[0m  ESC[1;31m^^^^^^^ againESC[0m
    ESC[34m  -->ESC[0m /p/mine.toml:2:9
    ESC[34m  |ESC[0m
    ESC[34m2 |ESC[0m read = ['/srv']
    ESC[34m  |ESC[0m         ESC[1;31m^^^^^^ firstESC[0m
    ");
    let long = format!("version = 1\nread = ['/{}', 'x', '/{}']", "a".repeat(90), "b".repeat(90));
    insta::assert_snapshot!(parse(&long).unwrap_err().picture(), @r"
    error: the path `x` is not absolute
      --> /p/mine.toml:2:104
      |
    2 | …aaaaaaaaaaaaaaa', 'x', '/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb…
      |                    ^^^
      |
    hint: `${cwd}/x` is below the directory in which the program starts
    ");
    insta::assert_snapshot!(parse("version = 1\nfrobnicate = 1").unwrap_err().picture(), @r"
    error: a profile has no key `frobnicate`
      --> /p/mine.toml:2:1
      |
    2 | frobnicate = 1
      | ^^^^^^^^^^ unknown key
      |
    hint: the keys are `version`, `description`, `extends`, `optional`,
          `on_jailbreak`, `strict`, `nested`, `net`, `tmp`, `base`, `read`, `write`,
          `deny`, `quiet`, `copy`, `patterns`, `files`, `env`, `asks` and `limits`
    ");
    insta::assert_snapshot!(parse("").unwrap_err().picture(), @r"
    error: a profile needs `version`
      --> /p/mine.toml:1:1
      |
    hint: write `version = 1` at its beginning
    ");
}

#[test]
fn keys() {
    insta::assert_snapshot!(told("raed = []"), @r"
    /p/mine.toml:2:1: a profile has no key `raed`
      unknown key: raed
      help: did you mean `read`?
    ");
    insta::assert_snapshot!(told("frobnicate = 1"), @r"
    /p/mine.toml:2:1: a profile has no key `frobnicate`
      unknown key: frobnicate
      help: the keys are `version`, `description`, `extends`, `optional`, `on_jailbreak`, `strict`, `nested`, `net`, `tmp`, `base`, `read`, `write`, `deny`, `quiet`, `copy`, `patterns`, `files`, `env`, `asks` and `limits`
    ");
    insta::assert_snapshot!(told("read = [{ path = '/x', raeson = 'y' }]"), @r"
    /p/mine.toml:2:24: a rule has no key `raeson`
      unknown key: raeson
      help: did you mean `reason`?
    ");
    insta::assert_snapshot!(told("read = [{ reason = 'y' }]"), @r"
    /p/mine.toml:2:9: a rule needs `path`
      here: { reason = 'y' }
      help: `path`: The file, or the directory with everything below it
    ");
    insta::assert_snapshot!(told("read = []\nread = []"), @r"
    /p/mine.toml:3:1: duplicate key
      stands above already: read
      help: a list is written `key = [...]` once, or `[[key]]` for each entry
    ");
    insta::assert_snapshot!(told("read = []\n[[read]]\npath = '/x'"), @r"
    /p/mine.toml:3:3: duplicate key
      stands above already: read
      help: a list is written `key = [...]` once, or `[[key]]` for each entry
    ");
    insta::assert_snapshot!(told("limits = { memory = '1G' }"), @r"
    /p/mine.toml:2:12: `limits` has no key `memory`
      unknown key: memory
      help: the only key is `wall_time`
    ");
}

#[test]
fn versions() {
    let told = |text: &str| {
        let error = parse(text).unwrap_err();
        format!("{error}; help: {}", error.help().unwrap_or_default())
    };
    insta::assert_snapshot!(told("read = []"), @"/p/mine.toml:1:1: a profile needs `version`; help: write `version = 1` at its beginning");
    insta::assert_snapshot!(told(""), @"/p/mine.toml:1:1: a profile needs `version`; help: write `version = 1` at its beginning");
    insta::assert_snapshot!(told("version = 2"), @"/p/mine.toml:1:11: the profile has a version that is not known; help: this JailKeeper reads version 1");
    insta::assert_snapshot!(told("version = '1'"), @"/p/mine.toml:1:11: `version` is a number; help: write `version = 1`");
    insta::assert_snapshot!(told("version = 1.0"), @"/p/mine.toml:1:11: `version` is a number; help: write `version = 1`");
}

#[test]
fn types() {
    insta::assert_snapshot!(told("read = '/x'"), @r"
    /p/mine.toml:2:8: `read` is a list, not a string
      a string stands here: '/x'
      help: put it in brackets: ['/x']
    ");
    insta::assert_snapshot!(told("read = [1]"), @r#"
    /p/mine.toml:2:9: an entry of `read` is a string, not a number
      a number stands here: 1
      help: put it in quotes: "1"
    "#);
    insta::assert_snapshot!(told("strict = 'true'"), @r"
    /p/mine.toml:2:10: `strict` is true or false, not a string
      a string stands here: 'true'
      help: write true without quotes
    ");
    insta::assert_snapshot!(told("strict = 1"), @r"
    /p/mine.toml:2:10: `strict` is true or false, not a number
      a number stands here: 1
    ");
    insta::assert_snapshot!(told("on_jailbreak = 'kil'"), @r#"
    /p/mine.toml:2:16: `kil` is no word for `on_jailbreak`
      here: 'kil'
      help: did you mean "kill"?
    "#);
    insta::assert_snapshot!(told("on_jailbreak = 'explode'"), @r"
    /p/mine.toml:2:16: `explode` is no word for `on_jailbreak`
      here: 'explode'
      help: write `kill`, `deny`, `ask` or `log`
    ");
    insta::assert_snapshot!(told("net = 'host'"), @r#"
    /p/mine.toml:2:7: the network `host` cannot be had
      here: 'host'
      help: a jail has no network today: write "none", or leave it out
    "#);
    insta::assert_snapshot!(told("net = ['example.org:443']"), @r"
    /p/mine.toml:2:7: `net` is a string, not a list
      a list stands here: ['example.org:443']
    ");
    insta::assert_snapshot!(told("limits = { wall_time = 10 }"), @r#"
    /p/mine.toml:2:24: `wall_time` has no unit
      here: 10
      help: write "10s" for seconds
    "#);
    insta::assert_snapshot!(told("limits = { wall_time = '10 parsecs' }"), @r#"
    /p/mine.toml:2:24: `parsecs` is no unit of time
      here: '10 parsecs'
      help: write a number and ms, s, m or h, such as "10s"
    "#);
    insta::assert_snapshot!(told("limits = 3"), @r"
    /p/mine.toml:2:10: `limits` is a table, not a number
      a number stands here: 3
    ");
    insta::assert_snapshot!(told("description = \"two\\nlines\""), @r#"
    /p/mine.toml:2:15: `description` is more than one line
      here: "two\nlines"
    "#);
    insta::assert_snapshot!(told("description = ''"), @r"
    /p/mine.toml:2:15: `description` is empty
      here: ''
    ");
    insta::assert_snapshot!(told("patterns = ['/x/*']"), @r"
    /p/mine.toml:2:13: a pattern is a table, not a string
      a string stands here: '/x/*'
    ");
}

#[test]
fn paths() {
    insta::assert_snapshot!(told("read = ['']"), @r"
    /p/mine.toml:2:9: a path is empty
      here: ''
      help: the working directory is `${cwd}`
    ");
    insta::assert_snapshot!(told("read = ['data/x']"), @r"
    /p/mine.toml:2:9: the path `data/x` is not absolute
      here: 'data/x'
      help: `${cwd}/data/x` is below the directory in which the program starts
    ");
    insta::assert_snapshot!(told("read = ['./data']"), @r"
    /p/mine.toml:2:9: the path `./data` is not absolute
      here: './data'
      help: `${cwd}/data` is below the directory in which the program starts
    ");
    insta::assert_snapshot!(told("read = ['~/.fonts']"), @r"
    /p/mine.toml:2:9: the path `~/.fonts` is not absolute
      here: '~/.fonts'
      help: write `${home}/.fonts`
    ");
    insta::assert_snapshot!(told("read = ['~']"), @r"
    /p/mine.toml:2:9: the path `~` is not absolute
      here: '~'
      help: write `${home}`
    ");
    insta::assert_snapshot!(told("read = ['/srv/../etc']"), @r"
    /p/mine.toml:2:15: a path has `..` in it
      here: ..
      help: write the path that it leads to: `..` after a symbolic link goes elsewhere than it looks
    ");
    insta::assert_snapshot!(told("read = [\"/a\\u0000b\"]"), @r#"
    /p/mine.toml:2:9: an entry of `read` has a NUL character
      here: "/a\u0000b"
    "#);
    insta::assert_snapshot!(told("read = ['/srv/*.csv']"), @r#"
    /p/mine.toml:2:15: a path has `*` in it, which stands for itself here
      here: *
      help: write `patterns = [{ glob = "...", right = "read" }]`; in a glob, `\` takes the meaning from the character after it
    "#);
    insta::assert_snapshot!(told("read = ['/srv/{a,b}']"), @r#"
    /p/mine.toml:2:15: a path has `{` in it, which stands for itself here
      here: {
      help: write `patterns = [{ glob = "...", right = "read" }]`; in a glob, `\` takes the meaning from the character after it
    "#);
    insta::assert_snapshot!(told("read = ['/srv/${home}']"), @r"
    /p/mine.toml:2:15: `${home}` is not at the beginning of the path
      here: ${home}
      help: a path begins with `/`, `${cwd}`, `${home}` or `${tmp}`
    ");
    insta::assert_snapshot!(told("read = ['${home}x']"), @r"
    /p/mine.toml:2:10: no `/` follows `${home}`
      here: ${home}
      help: write `${home}/...`
    ");
    insta::assert_snapshot!(told("read = ['${uid}/x']"), @r"
    /p/mine.toml:2:10: `${uid}` is no directory
      here: ${uid}
      help: a path begins with `/`, `${cwd}`, `${home}` or `${tmp}`
    ");
    insta::assert_snapshot!(told("read = ['${hmoe}/x']"), @r"
    /p/mine.toml:2:10: unknown variable `hmoe`
      here: ${hmoe}
      help: did you mean `${home}`?
    ");
    insta::assert_snapshot!(told("read = ['${user}/x']"), @r"
    /p/mine.toml:2:10: unknown variable `user`
      here: ${user}
      help: there are `${cwd}`, `${home}`, `${tmp}`, `${uid}` and `${gid}`; a plain `${` is written `$${`
    ");
    insta::assert_snapshot!(told("read = ['${home/x']"), @r"
    /p/mine.toml:2:10: a variable is not closed
      here: ${home/x
      help: write `${cwd}`; a plain `${` is written `$${`
    ");
    insta::assert_snapshot!(told("read = ['/x']\nwrite = [{ path = '/x/' }]"), @r"
    /p/mine.toml:3:19: the path '/x/' stands twice
      again: '/x/'
      first: '/x'
    ");
}

#[test]
fn patterns() {
    insta::assert_snapshot!(told("patterns = [{ right = 'read' }]"), @r"
    /p/mine.toml:2:13: a pattern needs `glob` or `regex`
      here: { right = 'read' }
    ");
    insta::assert_snapshot!(told("patterns = [{ glob = '/x', regex = 'x', right = 'read' }]"), @r"
    /p/mine.toml:2:28: a pattern has either `glob` or `regex`, not both
      here: regex
      the other is here: glob
    ");
    insta::assert_snapshot!(told("patterns = [{ glob = '/x/*' }]"), @r"
    /p/mine.toml:2:13: a pattern needs `right`
      here: { glob = '/x/*' }
      help: `right`: What it gives or takes
    ");
    insta::assert_snapshot!(told("patterns = [{ glob = '*.txt', right = 'read' }]"), @r"
    /p/mine.toml:2:23: a glob begins with neither `/` nor `**/`
      here: *.txt
      help: it is compared with whole paths; write `**/` before a mere name
    ");
    insta::assert_snapshot!(told("patterns = [{ glob = '${cwd}/[a-', right = 'deny' }]"), @r"
    /p/mine.toml:2:30: the `[` is not closed
      here: [a-
      help: write `\[` for the character itself
    ");
    insta::assert_snapshot!(told("patterns = [{ glob = '/a**', right = 'deny' }]"), @r"
    /p/mine.toml:2:25: `**` stands beside other characters of a name
      here: **
      help: `**` is any number of names, `*` any part of one
    ");
    insta::assert_snapshot!(told("patterns = [{ glob = '/${cwd}', right = 'deny' }]"), @r"
    /p/mine.toml:2:22: in a glob, a variable is a directory and stands at the beginning
      here: '/${cwd}'
      help: such as `${cwd}/**/*.txt`
    ");
    insta::assert_snapshot!(told("patterns = [{ regex = '^${cwd}/(x', right = 'read' }]"), @r"
    /p/mine.toml:2:32: unclosed group
      here: (
    ");
    insta::assert_snapshot!(told("patterns = [{ regex = 'x', right = 'quiet' }]"), @r"
    /p/mine.toml:2:36: `quiet` is no word for `right`
      here: 'quiet'
      help: write `read`, `write` or `deny`
    ");
}

#[test]
fn other_entries() {
    insta::assert_snapshot!(told("env = [{ name = 'X' }]"), @r"
    /p/mine.toml:2:8: a variable of the environment needs `value` or `pass`
      here: { name = 'X' }
    ");
    insta::assert_snapshot!(told("env = [{ name = 'X', value = '', pass = true }]"), @r"
    /p/mine.toml:2:34: a variable of the environment has either `value` or `pass`, not both
      here: pass
      the other is here: value
    ");
    insta::assert_snapshot!(told("env = [{ name = 'X', pass = false }]"), @r"
    /p/mine.toml:2:29: `pass` is true or not there
      here: false
      help: a variable that no entry passes is not passed
    ");
    insta::assert_snapshot!(told("env = [{ name = 'X=Y', pass = true }]"), @r"
    /p/mine.toml:2:17: `X=Y` is no name of a variable
      here: 'X=Y'
    ");
    insta::assert_snapshot!(told("[env]\nX = 1"), @r#"
    /p/mine.toml:3:5: the value of `X` is a string, not a number
      a number stands here: 1
      help: put it in quotes: "1"
    "#);
    insta::assert_snapshot!(told("[env]\nX = '${TMP}'"), @r"
    /p/mine.toml:3:6: unknown variable `TMP`
      here: ${TMP}
      help: did you mean `${tmp}`?
    ");
    insta::assert_snapshot!(told("asks = [{ programs = ['/usr/bin/tex'] }]"), @r"
    /p/mine.toml:2:23: a program is known by its file's name
      here: '/usr/bin/tex'
      help: leave the directory out
    ");
    insta::assert_snapshot!(told("extends = ['shell.toml']"), @r"
    /p/mine.toml:2:12: the path of a file has a `/`
      here: 'shell.toml'
      help: write `./shell.toml` for the file beside this one
    ");
    insta::assert_snapshot!(told("extends = ['she ll']"), @r"
    /p/mine.toml:2:12: `she ll` is no name of a profile
      here: 'she ll'
      help: write a name, such as `git`, or a path with a `/`, which is relative to this file
    ");
    insta::assert_snapshot!(told("extends = ['${home}/x.toml']"), @r"
    /p/mine.toml:2:12: no variable can be used here
      here: '${home}/x.toml'
      help: write a name, such as `git`, or a path with a `/`, which is relative to this file
    ");
    insta::assert_snapshot!(told("files = [{ path = '/etc/x' }]"), @r"
    /p/mine.toml:2:10: a file needs `text`
      here: { path = '/etc/x' }
      help: `text`: What is in it; variables are replaced
    ");
}

#[test]
fn what_is_no_toml() {
    insta::assert_snapshot!(told("read = ["), @r"
    /p/mine.toml:2:9: unclosed array, expected `]`
      here:
    ");
    insta::assert_snapshot!(told("read = [/x]"), @r"
    /p/mine.toml:2:9: string values must be quoted, expected literal string
      here: /x
    ");
    insta::assert_snapshot!(told("re ad = 3"), @r"
    /p/mine.toml:2:4: key with no value, expected `=`
      here:
    ");
}

#[test]
fn all_errors_of_a_text_are_told_in_its_order() {
    insta::assert_snapshot!(told("strict = 1\nread = ['x', '/y', { path = '..' }]\nwat = 0"), @r"
    /p/mine.toml:2:10: `strict` is true or false, not a number
      a number stands here: 1
    /p/mine.toml:3:9: the path `x` is not absolute
      here: 'x'
      help: `${cwd}/x` is below the directory in which the program starts
    /p/mine.toml:3:29: the path `..` is not absolute
      here: '..'
      help: a path begins with `/`, `${cwd}`, `${home}` or `${tmp}`
    /p/mine.toml:4:1: a profile has no key `wat`
      unknown key: wat
      help: the keys are `version`, `description`, `extends`, `optional`, `on_jailbreak`, `strict`, `nested`, `net`, `tmp`, `base`, `read`, `write`, `deny`, `quiet`, `copy`, `patterns`, `files`, `env`, `asks` and `limits`
    ");
}

#[test]
fn everything_is_bounded() {
    let long = format!("version = 1\n# {}", "x".repeat(256 << 10));
    assert_eq!(
        parse(&long).unwrap_err().to_string(),
        "/p/mine.toml:1:1: the profile is longer than 256 KiB"
    );
    for (body, message) in [
        (format!("read = [{}]", "'/x',".repeat(4097)), "`read` has 4097 entries, more than 4096"),
        (
            format!("patterns = [{}]", "{ glob = '/x', right = 'read' },".repeat(257)),
            "`patterns` has 257 entries, more than 256",
        ),
        (format!("extends = [{}]", "'x',".repeat(33)), "`extends` has 33 entries, more than 32"),
        (format!("read = ['/{}']", "x".repeat(4096)), "a path has more than 4096 bytes"),
        (
            format!("description = '{}'", "x".repeat(1001)),
            "`description` has more than 1000 characters",
        ),
        (
            format!("files = [{{ path = '/x', text = '{}' }}]", "x".repeat((64 << 10) + 1)),
            "`text` has more than 64 KiB",
        ),
        (format!("read = {}", "[".repeat(10_000)), "max recursion depth"),
    ] {
        let error = parse(&format!("version = 1\n{body}")).unwrap_err();
        assert!(error.message().contains(message), "{}: {message}", error.message());
    }
}

#[test]
fn what_could_deceive_is_never_shown() {
    let text = "version = 1\n# \u{202e}\x07\u{9b}\r\nread = [\"x\u{1b}[2J\"]\n\"\\u001b[2J\" = 1\n";
    let error = parse(text).unwrap_err();
    let bad =
        |character: char| (character.is_control() && character != '\n') || character == '\u{202e}';
    let picture = error.picture().to_string();
    assert!(!picture.contains(bad), "{picture:?}");
    assert!(!error.to_string().contains(bad), "{error}");
}

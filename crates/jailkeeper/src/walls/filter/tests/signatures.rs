//! Paths: the arguments of every call, written down a second time from the manual pages.

use super::super::calls::all;
use super::super::treatment::{Follow, Intent, Treatment};
use super::entry;
use jailkeeper_model::{Class, Mode};
use std::collections::BTreeSet;
use std::str::FromStr;
use syscalls::x86_64::Sysno;

/// Every call that takes a path, with its arguments in order.
///
/// `d` a directory descriptor; `p` a path that is followed, `l` one that is not, `q` one that the
/// flags decide about, `o` one that open flags decide about; in capitals one that is made if it
/// is missing. `n` flags with `AT_SYMLINK_NOFOLLOW` (0x100), `f` flags with `AT_SYMLINK_FOLLOW`
/// (0x400), `i` with `IN_DONT_FOLLOW`, `m` with `FAN_MARK_DONT_FOLLOW`, `-` anything else.
const SIGNATURES: &str = "
    stat p-             lstat l-            newfstatat dq-n     statx dqn--
    access p-           faccessat dp-       faccessat2 dq-n     readlink l--
    readlinkat dl--     chdir p             statfs p-           file_getattr dq--n
    getxattr p---       lgetxattr l---      getxattrat dqn---   listxattr p--
    llistxattr l--      listxattrat dqn--   name_to_handle_at dq--f
    inotify_add_watch -qi                   fanotify_mark -m-dq
    open O--            openat dO--         openat2 dO--        creat P-
    execve p--          execveat dq--n      truncate p-
    rename lL           renameat dldL       renameat2 dldL-
    link lL             linkat dqdLf        symlink -L          symlinkat -dL
    unlink l            unlinkat dl-        rmdir l
    mkdir L-            mkdirat dL-         mknod L--           mknodat dL--
    chmod p-            fchmodat dp-        fchmodat2 dq-n
    chown p--           lchown l--          fchownat dq--n
    utime p-            utimes p-           futimesat dp-       utimensat dq-n
    setxattr p----      lsetxattr l----     setxattrat dqn---
    removexattr p-      lremovexattr l-     removexattrat dqn-  file_setattr dq--n";

/// Calls that take a path and must never run.
const CLOSED: &str = "
    acct chroot fsconfig fspick mount mount_setattr move_mount open_tree open_tree_attr
    pivot_root quotactl swapoff swapon umount2 uselib";

fn signatures() -> impl Iterator<Item = (Sysno, &'static str)> {
    let words: Vec<_> = SIGNATURES.split_ascii_whitespace().collect();
    let pairs: Vec<_> = words.chunks(2).map(|pair| (pair[0], pair[1])).collect();
    pairs.into_iter().map(|(name, signature)| (Sysno::from_str(name).unwrap(), signature))
}

#[test]
fn every_call_that_takes_a_path_is_treated_as_such() {
    for (number, _) in signatures() {
        assert!(matches!(entry(number).treatment, Treatment::Path(_)), "{number}");
    }
    for name in CLOSED.split_ascii_whitespace() {
        let treatment = entry(Sysno::from_str(name).unwrap()).treatment;
        assert!(matches!(treatment, Treatment::Breach | Treatment::Refuse { .. }), "{name}");
    }
}

#[test]
fn every_path_call_has_a_signature() {
    let known: BTreeSet<_> = signatures().map(|(number, _)| number).collect();
    for call in all() {
        if matches!(call.treatment, Treatment::Path(_)) {
            assert!(known.contains(&call.number), "{}", call.name());
        }
    }
}

#[test]
fn paths_stand_where_the_manual_says() {
    for (number, signature) in signatures() {
        let Treatment::Path(path) = entry(number).treatment else { panic!("{number}") };
        let letters: Vec<char> = signature.chars().collect();
        let place = |letter: char| letters.iter().position(|l| *l == letter);
        let expected: Vec<_> = letters
            .iter()
            .enumerate()
            .filter(|(_, letter)| "plqoPLQO".contains(**letter))
            .map(|(at, letter)| {
                let directory = at.checked_sub(1).filter(|before| letters[*before] == 'd');
                (directory, at, letter.to_ascii_lowercase(), letter.is_ascii_uppercase())
            })
            .collect();
        let found: Vec<_> = path
            .paths
            .iter()
            .map(|argument| {
                let follow = match argument.follow {
                    Follow::Always => 'p',
                    Follow::Never => 'l',
                    Follow::Open => 'o',
                    Follow::UnlessFlag { argument, bit } => {
                        let at = Some(usize::from(argument));
                        let flag = match bit {
                            0x100 => 'n',
                            0x0200_0000 => 'i',
                            4 => 'm',
                            _ => '?',
                        };
                        assert_eq!(at, place(flag), "{number}");
                        'q'
                    }
                    Follow::IfFlag { argument, bit } => {
                        assert_eq!((Some(usize::from(argument)), bit), (place('f'), 0x400));
                        'q'
                    }
                };
                let directory = argument.directory.map(usize::from);
                (directory, usize::from(argument.path), follow, argument.creates)
            })
            .collect();
        assert_eq!(found, expected, "{number} {signature}");
    }
}

#[test]
fn open_flags_stand_where_the_manual_says() {
    let intent = |number: Sysno| match entry(number).treatment {
        Treatment::Path(path) => path.intent,
        other => panic!("{number} is {other:?}"),
    };
    assert_eq!(intent(Sysno::open), Intent::OpenFlags { argument: 1 });
    assert_eq!(intent(Sysno::openat), Intent::OpenFlags { argument: 2 });
    assert_eq!(intent(Sysno::openat2), Intent::OpenHow { argument: 2 });
}

/// What runs natively must be a read, and what changes something must not be a probe.
#[test]
fn classes_and_modes_fit_the_intent() {
    for call in all() {
        let Treatment::Path(path) = call.treatment else { continue };
        let what = (path.intent, path.class, path.mode);
        let fits = match path.intent {
            Intent::Reads if path.mode == Mode::Execute => path.class == Class::Content,
            Intent::Reads => (path.class, path.mode) == (Class::Probe, Mode::Read),
            Intent::Writes => (path.class, path.mode) == (Class::Content, Mode::Write),
            Intent::OpenFlags { .. } | Intent::OpenHow { .. } => {
                (path.class, path.mode) == (Class::Content, Mode::Read)
            }
        };
        assert!(fits, "{}: {what:?}", call.name());
        let creates = path.paths.iter().any(|argument| argument.creates);
        assert!(!creates || path.intent != Intent::Reads, "{}", call.name());
    }
}

/// Changes that need no path and no right of the descriptor's.
#[test]
fn changes_behind_a_descriptor_are_trapped() {
    for number in [Sysno::fchmod, Sysno::fchown, Sysno::fsetxattr, Sysno::fremovexattr] {
        let Treatment::Descriptor(call) = entry(number).treatment else { panic!("{number}") };
        assert_eq!(call.descriptor, 0);
    }
}

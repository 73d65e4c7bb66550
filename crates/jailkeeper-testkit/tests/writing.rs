//! Attempts to change files and names outside.

use crate::attempt::attempts;
use jailkeeper_model::Mode;
use jailkeeper_testkit::{Place, User, escape_binary, needs};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

attempts! {
    // What is in a file.
    append: "open {out}/file O_WRONLY|O_APPEND" => write("{out}/file");
    empty: "open {out}/file O_WRONLY|O_TRUNC|O_CREAT" => write("{out}/file");
    creat: "creat {out}/new" => write("{out}/new");
    creat_beside: "open ../new O_WRONLY|O_CREAT" => write("{root}/new");
    creat_exclusively: "open {root}/new O_WRONLY|O_CREAT|O_EXCL" => write("{root}/new");
    creat_by_openat2: "openat2 - {root}/new O_WRONLY|O_CREAT -" => write("{root}/new").by("openat2");
    creat_by_descriptor: "keep here . O_PATH , openat here ../new O_WRONLY|O_CREAT"
        => write("{root}/new");
    creat_without_a_name: "open {out} O_TMPFILE|O_RDWR" => write("{out}");
    creat_in_the_root: "open /jailkeeper-test-new O_WRONLY|O_CREAT" => write("/jailkeeper-test-new")
        .without_control("would make a file in the machine's root directory");
    through_a_link: "symlink ../new l , open l O_WRONLY|O_CREAT" => write("{work}/l")
        .resolved("{root}/new");
    truncate: "truncate {out}/file" => write("{out}/file").by("truncate");

    // What is known about a file.
    chmod: "chmod {out}/file" => write("{out}/file").by("chmod");
    fchmodat: "fchmodat {out}/file" => write("{out}/file");
    fchmodat2: "fchmodat2 {out}/file" => write("{out}/file");
    chown: "chown {out}/file" => write("{out}/file").by("chown");
    lchown: "lchown {out}/link" => write("{out}/link");
    fchownat: "fchownat {out}/file" => write("{out}/file");
    utime: "utime {out}/file" => write("{out}/file");
    utimes: "utimes {out}/file" => write("{out}/file");
    utimensat: "utimensat {out}/file" => write("{out}/file");
    setxattr: "setxattr {out}/file" => write("{out}/file");
    lsetxattr: "lsetxattr {out}/file" => write("{out}/file");
    removexattr: "removexattr {out}/file" => write("{out}/file").fails_alone(libc::ENODATA);

    // Names, and both of those that have two.
    rename_out: "rename inside {out}/inside" => write("{out}/inside").by("rename");
    rename_in: "rename {out}/file file" => write("{out}/file");
    renameat_out: "renameat inside ../inside" => write("{root}/inside");
    renameat2_out: "renameat2 inside {root}/inside" => write("{root}/inside").by("renameat2");
    exchange: "exchange inside {out}/file" => write("{out}/file");
    exchange_with_outside_first: "exchange {out}/file inside" => write("{out}/file");
    link_out: "link inside {out}/inside" => write("{out}/inside").by("link");
    link_in: "link {out}/file file" => write("{out}/file").by("link");
    linkat_in: "linkat {out}/file file" => write("{out}/file").by("linkat");
    linkat_through_a_link: "symlink ../outside/file l , linkat l file" => write("{work}/l")
        .resolved("{out}/file");
    symlink_out: "symlink anything {out}/new" => write("{out}/new");
    symlinkat_out: "symlinkat anything {root}/new" => write("{root}/new");
    unlink: "unlink {out}/file" => write("{out}/file");
    unlinkat: "unlinkat ../x" => write("{root}/x");
    rmdir: "rmdir {out}/empty" => write("{out}/empty").by("rmdir");
    mkdir: "mkdir {out}/new" => write("{out}/new");
    mkdirat_beside: "mkdirat ../new" => write("{root}/new");
    mkfifo: "mkfifo {out}/new" => write("{out}/new");
    mkfifoat_beside: "mkfifoat {root}/new" => write("{root}/new");
    mkdevice: "mkdevice {root}/new" => write("{root}/new").needs_root();

    // Trees that may be read.
    read_only: "open {ro}/file O_WRONLY" => write("{ro}/file").with("--read {ro}");
    read_only_creat: "open {ro}/new O_WRONLY|O_CREAT" => write("{ro}/new").with("--read {ro}");
    read_only_openat2: "openat2 - {ro}/file O_RDWR -" => write("{ro}/file").with("--read {ro}");
    read_only_truncate: "truncate {ro}/file" => write("{ro}/file").with("--read {ro}");
    read_only_unlink: "unlink {ro}/file" => write("{ro}/file").with("--read {ro}");
    read_only_mkdir: "mkdir {ro}/new" => write("{ro}/new").with("--read {ro}");
    read_only_rename: "rename {ro}/file {ro}/other" => write("{ro}/file").with("--read {ro}");
    read_only_rename_out: "rename inside {ro}/inside" => write("{ro}/inside").with("--read {ro}");
    read_only_link: "link {ro}/file file" => write("{ro}/file").with("--read {ro}");
    read_only_chmod: "chmod {ro}/file" => write("{ro}/file").with("--read {ro}");
    read_only_times: "utimensat {ro}/file" => write("{ro}/file").with("--read {ro}");
    read_only_fchmod: "keep f {ro}/file O_RDONLY , fchmod f" => write("{ro}/file")
        .with("--read {ro}").by("fchmod");
    read_only_fchown: "keep f {ro}/file O_RDONLY , fchown f" => write("{ro}/file").with("--read {ro}");
    read_only_fsetxattr: "keep f {ro}/file O_RDONLY , fsetxattr f" => write("{ro}/file")
        .with("--read {ro}");
    read_only_futimens: "keep f {ro}/file O_RDONLY , futimens f" => write("{ro}/file")
        .with("--read {ro}");
    read_only_reopened: "keep f {ro}/file O_RDONLY , reopen f O_RDWR" => write("/proc/self/fd/3")
        .resolved("{ro}/file").with("--read {ro}").without_control("see `reopened`");
    read_only_through_a_link: "symlink {ro}/file l , open l O_WRONLY" => write("{work}/l")
        .resolved("{ro}/file").with("--read {ro}");
    own_program: "open /proc/self/exe O_WRONLY" => refused(libc::ETXTBSY)
        .fails_alone(libc::ETXTBSY);

    // Denied names in trees that may be written.
    denied: "open inside O_RDONLY" => read("{work}/inside").with("--deny {work}/inside").silent();
    denied_write: "open inside O_WRONLY" => write("{work}/inside").with("--deny {work}/inside");
    denied_unlink: "unlink inside" => write("{work}/inside").with("--deny {work}/inside");
    denied_rename: "rename inside other" => write("{work}/inside").with("--deny {work}/inside");
    denied_link: "link inside other" => write("{work}/inside").with("--deny {work}/inside");
    denied_directory: "list sub" => read("{work}/sub").with("--deny {work}/sub").silent();
    denied_new: "open sub/new O_WRONLY|O_CREAT" => write("{work}/sub/new").with("--deny {work}/sub");
    denied_stat: "stat inside" => forgiven("{work}/inside").with("--deny {work}/inside").shown();

    // What belongs to the machine.
    kernel_setting: "open /proc/sys/kernel/hostname O_WRONLY" => write("/proc/sys/kernel/hostname")
        .without_control("is the machine's");
    kernel_command: "open /proc/sysrq-trigger O_WRONLY" => write("/proc/sysrq-trigger")
        .without_control("is the machine's");
}

/// The way out of containers that CVE-2019-5736 took: a program writes over itself, which the
/// host runs too.
#[test]
fn own_program_in_a_read_only_tree() {
    needs![root, fuse];
    for place in Place::every() {
        place.write("{ro}/escape", std::fs::read(escape_binary()).unwrap(), 0o755);
        let attempt = ["{ro}/escape", "open", "/proc/self/exe", "O_WRONLY"];
        let ran = place.jail("--read {ro}", attempt);
        let breach = ran.breach();
        assert_eq!(breach.mode, Mode::Write, "{ran}");
        assert_eq!(breach.file.as_deref(), Some("/proc/self/exe"), "{ran}");
        assert_eq!(breach.resolved, Some(place.text("{ro}/escape")), "{ran}");
    }
}

/// A descriptor that was handed in may be used, but nothing of it leads to the names around it.
#[test]
fn leaked_descriptors() {
    needs![root, fuse];
    for place in Place::every() {
        let script =
            |run: &str, attempt: &str| format!("exec 7<$PLACE/outside 8<$PLACE/x; {run} {attempt}");
        let attempt = "./escape read 8";
        assert!(place.script(&script("", attempt)).leaks());
        let ran = place.script(&script("$JAILKEEPER run --", attempt));
        assert_eq!(ran.survived(), Some(-i64::from(libc::EBADF)), "{ran}");
        ran.leaks_nothing();
    }
}

/// Who hides its memory could name one file and write another.
#[test]
fn hidden_memory() {
    needs![root, fuse];
    for place in Place::every() {
        for flags in ["O_WRONLY|O_CREAT", "O_WRONLY|O_CREAT|O_EXCL", "O_RDWR|O_CREAT|O_TRUNC"] {
            let ran = place.jail("", ["./escape", "hide-and-open", "{root}/new", flags]);
            let _ = ran.breach();
            assert_eq!(ran.survived(), None, "{ran}");
            assert!(!place.path("{root}/new").exists(), "{ran}");
        }
    }
}

/// What a jail of root's makes belongs to the owner of the tree, who may be root: a program of
/// his with the set-user-id bit would be a way out for whoever runs it later.
#[test]
fn programs_that_change_the_user() {
    needs![root, fuse];
    for place in Place::every() {
        let script =
            "cp /bin/sh a; chmod 4755 a; cp /bin/sh b; chmod g+s b; cp /bin/sh c; chmod 6777 c
            install -m 4755 /bin/sh d; mkdir e; chmod 2777 e; cp /bin/sh e/f
            perl -e 'use Fcntl; sysopen(F, q(g), O_CREAT|O_WRONLY, 04755); chmod 04755, *F'
            python3 -c 'import ctypes, os
fd = os.open(\".\", os.O_TMPFILE | os.O_RDWR, 0o6755)
name = b\"/proc/self/fd/%d\" % fd
ctypes.CDLL(None).linkat(-100, name, -100, b\"h\", 0x400)'; echo end";
        let ran = place.jail("", ["sh", "-c", script]);
        assert_eq!(ran.leftovers, "", "{ran}");
        // A user's own group is nobody else's business.
        let bits = if place.user() == User::Root { 0o6000 } else { 0o4000 };
        for entry in std::fs::read_dir(place.path("{work}")).unwrap().flatten() {
            let status = entry.metadata().unwrap();
            let name = entry.file_name();
            assert!(!status.is_file() || status.mode() & bits == 0, "{name:?}: {ran}");
        }
    }
}

/// The links of a thread lead to the same places as those of its process.
#[test]
fn links_of_a_thread() {
    needs![root, fuse];
    for place in Place::every() {
        let script = "echo x >/proc/self/task/$$/root/usr/bin/new";
        let ran = place.jail("", ["sh", "-c", script]);
        assert_eq!(ran.breach().resolved.as_deref(), Some("/usr/bin/new"), "{ran}");
    }
}

/// A program that its user may not read cannot be looked into by a supervisor of that user.
#[test]
fn program_that_cannot_be_read() {
    needs![root, fuse];
    let place = Place::new(User::Ordinary);
    let group = place.path("{work}/group");
    std::fs::create_dir(&group).unwrap();
    std::os::unix::fs::chown(&group, User::Ordinary.id(), Some(50)).unwrap();
    std::fs::set_permissions(&group, std::fs::Permissions::from_mode(0o2775)).unwrap();
    for attempt in ["open ../x O_RDONLY", "open {root}/new O_WRONLY|O_CREAT"] {
        let script = format!("cp escape group/e; chmod 0111 group/e; exec group/e {attempt}");
        let ran = place.jail("", ["sh", "-c", &place.text(&script)]);
        let _ = ran.leaks_nothing().breach();
        assert_eq!(ran.survived(), None, "{ran}");
    }
}

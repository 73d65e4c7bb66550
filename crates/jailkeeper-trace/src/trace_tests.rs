use super::*;

/// What comes of a transcript, in short words.
fn told(dialect: Dialect, transcript: &str) -> Vec<String> {
    let mut trace = Trace::new(dialect, 1, JailPath::new("/home/u").ok());
    let mut told = Vec::new();
    trace.feed(transcript.as_bytes(), &mut |_, happening| {
        if let Happening::Attempt(attempt) = happening {
            let file = attempt.file().map(|file| file.display().to_string());
            let complete = if attempt.is_complete() { "" } else { " ?" };
            told.push(format!("{:?} {}{complete}", attempt.deed, file.unwrap_or_default()));
        }
    });
    told
}

#[test]
fn relative_paths_start_where_their_process_is() {
    let transcript = "\
1 chdir(\"work\") = 0
1 open(\"a\", O_RDONLY) = 3
1 chdir(\"no\") = -1 ENOENT (No such file or directory)
1 open(\"b\", O_RDONLY) = 3
1 openat(AT_FDCWD, \"/srv\", O_RDONLY|O_DIRECTORY) = 4
1 dup2(4, 9) = 9
1 close(4) = 0
1 openat(9, \"c\", O_WRONLY|O_CREAT, 0666) = 4
1 openat(4, \"d\", O_RDONLY) = -1 ENOTDIR (Not a directory)
1 fcntl(9, F_DUPFD_CLOEXEC, 10) = 10
1 fchdir(10) = 0
1 unlink(\"e\") = 0
1 execve(\"/bin/sh\", [\"sh\"], 0x7f /* 3 vars */) = 0
1 openat(10, \"f\", O_RDONLY) = -1 EBADF (Bad file descriptor)
1 openat(9, \"g\", O_RDONLY) = 3
";
    assert_eq!(
        told(Dialect::Strace, transcript),
        [
            "Probe /home/u/work",
            "Read /home/u/work/a",
            "Probe /home/u/work/no",
            "Read /home/u/work/b",
            "Probe /srv",
            "Create /srv/c",
            "Read /srv/c/d",
            "Write /srv/e",
            "Execute /bin/sh",
            "Read  ?",
            "Read /srv/g",
        ]
    );
}

#[test]
fn children_go_their_own_ways() {
    let transcript = "\
1 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD <unfinished ...>
2 chdir(\"/etc\") = 0
1 <... clone resumed>, child_tidptr=0x7f) = 2
1 open(\"a\", O_RDONLY) = 3
2 open(\"a\", O_RDONLY) = 3
1 clone(child_stack=0x7f, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD) = 3
3 chdir(\"/tmp\") = 0
1 open(\"b\", O_RDONLY) = 4
2 +++ exited with 0 +++
";
    assert_eq!(
        told(Dialect::Strace, transcript),
        ["Probe /etc", "Read /home/u/a", "Read /etc/a", "Probe /tmp", "Read /tmp/b",]
    );
}

#[test]
fn what_is_cut_or_starts_nowhere_is_never_complete() {
    for (dialect, line) in [
        (Dialect::Strace, "1 open(\"/home/u/aaa\"..., O_RDONLY) = 3\n"),
        (Dialect::Strace, "1 openat(7, \"x\", O_RDONLY) = 3\n"),
        (Dialect::FreeBsdTruss, "1: open(\"/home/u/aaa\"...,O_RDONLY,00) = 3 (0x3)\n"),
        (Dialect::Dtruss, "1/0x1:  open(\"/home/u/aaa\", 0x0, 0x0)\t\t = 3 0\n"),
    ] {
        let told = told(dialect, line);
        assert!(told.len() == 1 && told.iter().all(|told| told.ends_with(" ?")), "{told:?}");
    }
}

#[test]
fn what_the_kernel_says_of_a_descriptor_beats_what_is_remembered() {
    let transcript = "\
1 openat(5</srv/data>, \"x\", O_RDONLY) = 6</srv/other/x>
1 openat(6, \"y\", O_RDONLY) = -1 ENOENT (No such file or directory)
";
    let mut trace = Trace::new(Dialect::Strace, 1, None);
    let mut opened = Vec::new();
    trace.feed(transcript.as_bytes(), &mut |_, happening| {
        if let Happening::Attempt(attempt) = happening {
            opened.push((attempt.file(), attempt.opened));
        }
    });
    let path = |text| JailPath::new(text).ok();
    assert_eq!(
        opened,
        [(path("/srv/data/x"), path("/srv/other/x")), (path("/srv/other/x/y"), None)]
    );
}

#[test]
fn addresses_of_truss_come_a_line_later() {
    let transcript = "\
1:\tconnect(3, 0x080472A0, 110, SOV_DEFAULT)\t\t= 0
1:\t\tAF_UNIX  name = /var/run/x
1:\topen(\"a\", O_RDONLY)\t\t= 4
1:\t\tAF_UNIX  name = /nothing
";
    assert_eq!(told(Dialect::IllumosTruss, transcript), ["Connect /var/run/x", "Read /home/u/a"]);
}

#[test]
fn programs_and_their_arguments_are_known() {
    let mut trace = Trace::new(Dialect::Strace, 1, JailPath::new("/home/u").ok());
    trace.feed(b"1 execve(\"./a b\", [\"a\", \"x\\\"y\", ...], 0x7f) = 0\n", &mut |_, _| {});
    let process = trace.processes().get(1).unwrap();
    assert_eq!(process.program.as_deref(), Some(&b"/home/u/a b"[..]));
    assert_eq!(process.argv, [b"a".to_vec(), b"x\"y".to_vec()]);
}

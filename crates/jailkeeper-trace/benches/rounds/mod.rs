//! Transcripts of any length, made up: a shell that runs program after program.
//!
//! A round is what a tracer writes of one program: a fork, the loader's looks, some files, a rename,
//! a removal, calls that matter to nobody, the end if that is told. Pids and names go on from round to round.

use jailkeeper_trace::Dialect;

/// The process that makes all others.
pub(crate) const ROOT: u32 = 77;

/// Appends a round. `{c}` is the child, `{p}` its parent, `{n}` the number of the round.
pub(crate) fn round(dialect: Dialect, number: u32, to: &mut Vec<u8>) {
    // dtruss tells of no end: there pids come again soon.
    let pids = if dialect == Dialect::Dtruss { 100 } else { 32_000 };
    let child = (100 + number % pids).to_string();
    let (parent, number) = (ROOT.to_string(), number.to_string());
    for line in lines(dialect) {
        let line = line.replace("{c}", &child).replace("{p}", &parent).replace("{n}", &number);
        to.extend_from_slice(line.as_bytes());
        to.push(b'\n');
    }
}

fn lines(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Strace => STRACE,
        Dialect::IllumosTruss => ILLUMOS,
        Dialect::SolarisTruss => SOLARIS,
        Dialect::FreeBsdTruss => FREEBSD,
        _ => DTRUSS,
    }
}

const STRACE: &[&str] = &[
    "{p}  1795516889.812226 vfork( <unfinished ...>",
    "{c}  1795516889.814715 execve(\"/usr/bin/cc1\", [\"cc1\", \"-quiet\", \"src/file{n}.c\"], 0x55ccbfad2920 /* 23 vars */ <unfinished ...>",
    "{p}  1795516889.814839 <... vfork resumed>) = {c}",
    "{p}  1795516889.814851 wait4(-1,  <unfinished ...>",
    "{c}  1795516889.814910 <... execve resumed>) = 0",
    "{c}  1795516889.815385 access(\"/etc/ld.so.preload\", R_OK) = -1 ENOENT (No such file or directory)",
    "{c}  1795516889.815406 openat(AT_FDCWD</home/u/work>, \"/etc/ld.so.cache\", O_RDONLY|O_CLOEXEC) = 3</etc/ld.so.cache>",
    "{c}  1795516889.815442 newfstatat(3</etc/ld.so.cache>, \"\", {st_mode=S_IFREG|0644, st_size=34943, ...}, AT_EMPTY_PATH) = 0",
    "{c}  1795516889.815471 close(3</etc/ld.so.cache>) = 0",
    "{c}  1795516889.815485 openat(AT_FDCWD</home/u/work>, \"src/file{n}.c\", O_RDONLY|O_NOCTTY) = 3</home/u/work/src/file{n}.c>",
    "{c}  1795516889.815523 newfstatat(AT_FDCWD</home/u/work>, \"/usr/include/stdio.h\", {st_mode=S_IFREG|0644, st_size=31176, ...}, 0) = 0",
    "{c}  1795516889.815621 openat(AT_FDCWD</home/u/work>, \"src/caf\\303\\251.h\", O_RDONLY) = -1 ENOENT (No such file or directory)",
    "{c}  1795516889.815770 openat(AT_FDCWD</home/u/work>, \"out/file{n}.s\", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 4</home/u/work/out/file{n}.s>",
    "{c}  1795516889.815804 fcntl(4</home/u/work/out/file{n}.s>, F_DUPFD, 10) = 10</home/u/work/out/file{n}.s>",
    "{c}  1795516889.815881 close(4</home/u/work/out/file{n}.s>) = 0",
    "{c}  1795516889.815897 rename(\"out/file{n}.s\", \"out/file{n}.o\") = 0",
    "{c}  1795516889.815907 unlink(\"out/file{n}.tmp\") = -1 ENOENT (No such file or directory)",
    "{c}  1795516889.815923 exit_group(0)   = ?",
    "{c}  1795516889.816008 +++ exited with 0 +++",
    "{p}  1795516889.816022 <... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = {c}",
];

const ILLUMOS: &[&str] = &[
    "{p}:\tforkx(0)\t\t\t\t\t= {c}",
    "{c}:\tforkx()\t\t(returning as child ...)\t= {p}",
    "{c}:\tgetpid()\t\t\t\t\t= {c} [{p}]",
    "{c}:\texecve(\"/usr/bin/cc1\", 0x08061C10, 0x08061C20)  argc = 3",
    "{c}:\tsysinfo(SI_MACHINE, \"i86pc\", 257)\t\t= 6",
    "{c}:\tmmap(0x00000000, 32, PROT_READ|PROT_WRITE|PROT_EXEC, MAP_PRIVATE|MAP_ANON, -1, 0) = 0xFEFB0000",
    "{c}:\topen(\"/var/ld/ld.config\", O_RDONLY)\t\tErr#2 ENOENT",
    "{c}:\tstat64(\"/lib/libc.so.1\", 0x08047160)\t\t= 0",
    "{c}:\tresolvepath(\"/lib/libc.so.1\", \"/lib/libc.so.1\", 1023) = 14",
    "{c}:\topen(\"/lib/libc.so.1\", O_RDONLY)\t\t= 3",
    "{c}:\tclose(3)\t\t\t\t\t= 0",
    "{c}:\topen64(\"src/file{n}.c\", O_RDONLY|O_NOCTTY)\t= 3",
    "{c}:\tread(3, 0x0806B1A0, 65536)\t\t\t= 5120",
    "{c}:\topen64(\"out/file{n}.s\", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 4",
    "{c}:\tfcntl(4, F_DUPFD, 0x0000000A)\t\t\t= 10",
    "{c}:\tclose(4)\t\t\t\t\t= 0",
    "{c}:\tfstatat64(10, \"file\", 0x08047B00, 0x1000)\tErr#20 ENOTDIR",
    "{c}:\trename(\"out/file{n}.s\", \"out/file{n}.o\")\t= 0",
    "{c}:\tunlink(\"out/file{n}.tmp\")\t\t\tErr#2 ENOENT",
    "{c}:\t_exit(0)",
];

const SOLARIS: &[&str] = &[
    "{p}:\tfork1()\t\t\t\t\t\t= {c}",
    "{c}:\tfork1()\t\t(returning as child ...)\t= {p}",
    "{c}:\texecve(\"/usr/bin/cc1\", 0xFFBFFC6C, 0xFFBFFC78)  argc = 3",
    "{c}:\tmmap(0x00000000, 8192, PROT_READ|PROT_WRITE|PROT_EXEC, MAP_PRIVATE|MAP_ANON, -1, 0) = 0xFF3A0000",
    "{c}:\tresolvepath(\"/usr/lib/ld.so.1\", \"/usr/lib/ld.so.1\", 1023) = 16",
    "{c}:\topen(\"/var/ld/ld.config\", O_RDONLY)\t\tErr#2 ENOENT",
    "{c}:\txstat(2, \"/usr/lib/libc.so.1\", 0xFFBFF5F0)\t= 0",
    "{c}:\topen(\"/usr/lib/libc.so.1\", O_RDONLY)\t\t= 3",
    "{c}:\tclose(3)\t\t\t\t\t= 0",
    "{c}:\tlxstat(2, \"link\", 0xFFBFF5F0)\t\t\tErr#2 ENOENT",
    "{c}:\topen64(\"src/file{n}.c\", O_RDONLY|O_NOCTTY)\t= 3",
    "{c}:\tread(3, 0xFF0B1A00, 65536)\t\t\t= 5120",
    "{c}:\topen64(\"out/file{n}.s\", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 4",
    "{c}:\tfcntl(4, F_DUPFD, 0x0000000A)\t\t\t= 10",
    "{c}:\tclose(4)\t\t\t\t\t= 0",
    "{c}:\taccess(\"out/file{n}.s\", 4)\t\t\t= 0",
    "{c}:\trename(\"out/file{n}.s\", \"out/file{n}.o\")\t= 0",
    "{c}:\tunlink(\"out/file{n}.tmp\")\t\t\tErr#2 ENOENT",
    "{c}:\tllseek(0, 0, SEEK_CUR)\t\t\t\tErr#29 ESPIPE",
    "{c}:\t_exit(0)",
];

const FREEBSD: &[&str] = &[
    "{c}: <new process>",
    "{p}: fork()\t\t\t\t\t = {c} (0x385)",
    "{c}: execve(\"/usr/bin/cc1\",[ \"cc1\", \"-quiet\", \"src/file{n}.c\" ],[ \"HOME=/home/u\", \"PATH=/bin\" ]) EJUSTRETURN",
    "{c}: mmap(0x0,135168,PROT_READ|PROT_WRITE,MAP_PRIVATE|MAP_ANON,-1,0x0) = 34366255104 (0x800638000)",
    "{c}: issetugid()\t\t\t\t = 0 (0x0)",
    "{c}: open(\"/etc/libmap.conf\",O_RDONLY|O_CLOEXEC,0101401200) = 3 (0x3)",
    "{c}: fstat(3,{ mode=-rw-r--r-- ,inode=9551,size=47,blksize=4096 }) = 0 (0x0)",
    "{c}: close(3)\t\t\t\t\t = 0 (0x0)",
    "{c}: open(\"/usr/local/etc/libmap.d\",O_RDONLY|O_NONBLOCK|O_DIRECTORY|O_CLOEXEC,0165) ERR#2 'No such file or directory'",
    "{c}: openat(AT_FDCWD,\"/lib/libc.so.7\",O_RDONLY|O_CLOEXEC|O_VERIFY,00) = 3 (0x3)",
    "{c}: close(3)\t\t\t\t\t = 0 (0x0)",
    "{c}: fstatat(AT_FDCWD,\"src/caf\\M-C\\M-).h\",{ mode=-rw-r--r-- },0x0) = 0 (0x0)",
    "{c}: openat(AT_FDCWD,\"src/file{n}.c\",O_RDONLY,00)\t = 3 (0x3)",
    "{c}: read(3,\"int main(void)\\n\",65536)\t\t = 5120 (0x1400)",
    "{c}: open(\"out/file{n}.s\",O_WRONLY|O_CREAT|O_TRUNC,0666) = 4 (0x4)",
    "{c}: dup2(4,10)\t\t\t\t\t = 10 (0xa)",
    "{c}: close(4)\t\t\t\t\t = 0 (0x0)",
    "{c}: rename(\"out/file{n}.s\",\"out/file{n}.o\")\t\t = 0 (0x0)",
    "{c}: unlink(\"out/file{n}.tmp\")\t\t\t ERR#2 'No such file or directory'",
    "{c}: process exit, rval = 0",
];

const DTRUSS: &[&str] = &[
    "{p}/0x2a1:  fork()\t\t = {c} 0",
    "{c}/0x2a2:  fork()\t\t = 0 0",
    "{c}/0x2a2:  posix_spawn(0x7FF7B0, \"/usr/bin/cc1\\0\", 0x7FF7C0)\t\t = 0 0",
    "{c}/0x2a2:  mprotect(0x10D2B1000, 0x88, 0x1)\t\t = 0 0",
    "{c}/0x2a2:  open(\"/dev/dtracehelper\\0\", 0x2, 0xFFFFFFFFEFBFF0D0)\t\t = -1 Err#13",
    "{c}/0x2a2:  access(\"/AppleInternal/XBS/.isChrooted\\0\", 0x0, 0x0)\t\t = -1 Err#2",
    "{c}/0x2a2:  bsdthread_register(0x7FF810, 0x7FF811, 0x2000)\t\t = 1073742303 0",
    "{c}/0x2a2:  stat64(\"/usr/lib/libSystem.B.dylib\\0\", 0x7FFEE2, 0x0)\t\t = 0 0",
    "{c}/0x2a2:  open_nocancel(\"src/file{n}.c\\0\", 0x0, 0x0)\t\t = 3 0",
    "{c}/0x2a2:  fstat64(0x3, 0x7FFEE2, 0x0)\t\t = 0 0",
    "{c}/0x2a2:  read_nocancel(0x3, \"int main(void)\\n\\0\", 0x10000)\t\t = 5120 0",
    "{c}/0x2a2:  close_nocancel(0x3)\t\t = 0 0",
    "{c}/0x2a2:  lstat64(\"src/caf\\303\\251.h\\0\", 0x7FF7, 0x0)\t\t = -1 Err#2",
    "{c}/0x2a2:  open(\"out/file{n}.s\\0\", 0x601, 0x1B6)\t\t = 4 0",
    "{c}/0x2a2:  dup2(0x4, 0xA, 0x0)\t\t = 10 0",
    "{c}/0x2a2:  close(0x4)\t\t = 0 0",
    "{c}/0x2a2:  write_nocancel(0xA, \"\\t.file\\n\\0\", 0x400)\t\t = 1024 0",
    "{c}/0x2a2:  rename(\"out/file{n}.s\\0\", \"out/file{n}.o\\0\")\t\t = 0 0",
    "{c}/0x2a2:  unlink(\"out/file{n}.tmp\\0\", 0x0, 0x0)\t\t = -1 Err#2",
    "{p}/0x2a1:  wait4(0xFFFFFFFFFFFFFFFF, 0x7FF7B0, 0x2)\t\t = {c} 0",
];

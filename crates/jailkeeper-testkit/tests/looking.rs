//! Looking at what is outside without touching it: answered as absent and counted, or with
//! `--strict` a jailbreak.

use crate::attempt::attempts;

attempts! {
    stat: "stat {out}/file" => forgiven("{out}/file");
    lstat: "lstat {out}/link" => forgiven("{out}/link");
    newfstatat: "newfstatat {out}/file" => forgiven("{out}/file");
    statx: "statx {out}/file" => forgiven("{out}/file");
    statx_cached: "statx-cached {out}/file" => forgiven("{out}/file");
    statfs: "statfs {out}" => forgiven("{out}");
    access: "access {out}/file" => forgiven("{out}/file");
    faccessat: "faccessat {out}/file" => forgiven("{out}/file");
    faccessat2: "faccessat2 {out}/file" => forgiven("{out}/file");
    readlink: "readlink {out}/link" => forgiven("{out}/link");
    chdir: "chdir {out}" => forgiven("{out}");
    listxattr: "listxattr {out}/file" => forgiven("{out}/file");
    getxattr: "getxattr {out}/file" => forgiven("{out}/file").fails_alone(libc::ENODATA);
    inotify: "inotify {out}/file" => forgiven("{out}/file");
    handle: "handle {out}/file" => forgiven("{out}/file");
    directory: "list {out}" => forgiven("{out}").seen_at_flat();
    dots: "stat ../outside/file" => forgiven("{out}/file");
    through_a_link: "symlink {out}/file l , stat l" => forgiven("{work}/l");

    // Nobody loses by these.
    missing: "stat {root}/missing" => refused(libc::ENOENT).fails_alone(libc::ENOENT);
    missing_content: "open {root}/missing O_RDONLY" => refused(libc::ENOENT)
        .fails_alone(libc::ENOENT);
    first_process_root: "open /proc/1/root/etc/passwd O_RDONLY" => refused(libc::EACCES)
        .without_control("the first process of the containment is not the jail's")
        .at_flat(refused(libc::ENOENT));
    first_process_memory: "open /proc/1/mem O_RDONLY" => refused(libc::EACCES)
        .without_control("the first process of the containment is not the jail's")
        .at_flat(refused(libc::ENOENT));
    first_process_program: "open /proc/1/exe O_RDONLY" => refused(libc::EACCES)
        .without_control("the first process of the containment is not the jail's")
        .at_flat(refused(libc::ENOENT));
}

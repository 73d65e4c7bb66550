//! Calls that only an escape needs, and calls that have another way.

use crate::attempt::attempts;

attempts! {
    // These are jailbreaks. Without a jail root can make them, in the containment's own namespaces.
    mount: "mount {out} {work}/sub" => call("mount").needs_root();
    remount: "remount {ro}" => call("mount").without_control("nothing is mounted there").with("--read {ro}");
    umount: "umount {ro}" => call("umount2").without_control("nothing is mounted there").with("--read {ro}");
    pivot: "pivot {work} {work}/sub" => call("pivot_root").without_control("would take the containment's files away");
    open_tree: "open-tree {out}" => call("open_tree");
    fsopen: "fsopen" => call("fsopen").needs_root();
    setns: "setns mnt" => call("setns").needs_root();
    init_module: "init-module" => call("init_module").without_control("is the machine's");
    forged_handle: "forged-handle" => call("open_by_handle_at").needs_root();

    // These fail, as on a kernel or for a user that has not got them.
    io_uring: "io-uring" => refused(libc::ENOSYS);
    // Its flags are in memory, where they can be swapped; programs use openat then.
    openat2: "openat2 - inside O_RDONLY -" => refused(libc::ENOSYS);
    clone3: "clone3" => refused(libc::ENOSYS);
    clone_user: "clone-user" => refused(libc::EPERM);
    unshare_user: "unshare-user" => refused(libc::EPERM);
    unshare_mount: "unshare-mount" => refused(libc::EPERM).needs_root();
    chroot: "chroot {work}" => refused(libc::EPERM).needs_root();
    bpf: "bpf {out}/file" => refused(libc::EPERM).without_control("nothing is pinned there");
    keyctl: "keyctl" => refused(libc::ENOSYS);
    perf: "perf" => refused(libc::EPERM).without_control("depends on the machine's settings");
    userfaultfd: "userfaultfd" => refused(libc::EPERM);
    seccomp: "seccomp" => refused(libc::ENOSYS);
    seccomp_by_prctl: "prctl 22 2 0" => refused(libc::EINVAL).fails_alone(libc::EFAULT);
    false_name: "prctl 35 8 0" => refused(libc::EPERM).without_control("needs a capability");
    ptrace: "ptrace-attach" => refused(libc::EPERM).without_control("the parent is root's");
    memory_of_others: "vm-read" => refused(libc::EPERM).without_control("the parent is root's");
    descriptors_of_others: "pidfd-getfd" => refused(libc::EPERM).needs_root();
    signal_owner: "fcntl 8" => refused(libc::EPERM);
    signal_owner_extended: "fcntl 15" => refused(libc::EPERM).fails_alone(libc::EFAULT);
    signal_number: "fcntl 10" => refused(libc::EPERM);
    lease: "keep file {ro}/file O_RDONLY , lease file" => refused(libc::EPERM).with("--read {ro}");
    socket_owner: "ioctl 35073 0" => refused(libc::EPERM).fails_alone(libc::ENOTTY);
    unknown: "unknown-call" => refused(libc::ENOSYS).fails_alone(libc::ENOSYS);
    old: "sysfs 3" => refused(libc::ENOSYS);

    // Typing into the terminal, with and without garbage in the half that the kernel does not read.
    type_in: "ioctl 21522 0" => call("ioctl").fails_alone(libc::ENOTTY);
    type_in_with_garbage: "ioctl 21522 1" => call("ioctl").fails_alone(libc::ENOTTY);
    linux_console: "ioctl 21532 1" => call("ioctl").fails_alone(libc::ENOTTY);

    // The jail's init is of the jail's own user: nobody makes its death slow.
    slow_init: "setpriority 0 1 19"
        => refused(libc::EPERM).needs_root().at_flat(refused(libc::ESRCH));
    slow_user: "setpriority 2 0 1" => refused(libc::EPERM);
    idle_init: "idle 1" => refused(libc::EPERM).needs_root().at_flat(refused(libc::ESRCH));

    // Nobody of the host can be reached by a signal: its pids do not exist.
    signal: "kill 1 0" => refused(libc::EPERM).without_control("the jail's own first process");
}

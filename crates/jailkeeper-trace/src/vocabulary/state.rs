//! Calls that change what a process is, has, or shares.

use super::{Deed, Entry, PathArgument, State};

const fn state(name: &'static str, state: State) -> Entry {
    Entry::state(name, state)
}

const fn touch(name: &'static str, operation: &'static str) -> Entry {
    Entry::new(name, operation).and(State::TouchesDescriptor)
}

const fn socket(name: &'static str, operation: &'static str, deed: Deed, address: u8) -> Entry {
    Entry::new(name, operation).and(State::Socket(deed, address))
}

const NONE: &[PathArgument] = &[];

const fn forbidden(name: &'static str) -> Entry {
    Entry::with(name, "call", NONE).and(State::Forbidden)
}

pub(super) static CALLS: &[Entry] = &[
    // The working directory.
    state("fchdir", State::ChangesToDescriptor),
    state("__pthread_fchdir", State::ChangesToDescriptor),
    // Descriptors.
    state("close", State::Closes),
    state("close_range", State::ClosesRange),
    state("closefrom", State::ClosesFrom),
    state("dup", State::Duplicates),
    state("dup2", State::DuplicatesTo),
    state("dup3", State::DuplicatesTo),
    state("fcntl", State::Controls),
    state("fcntl64", State::Controls),
    state("socket", State::Makes),
    state("so_socket", State::Makes),
    state("accept", State::Makes),
    state("accept4", State::Makes),
    state("epoll_create", State::Makes),
    state("epoll_create1", State::Makes),
    state("eventfd", State::Makes),
    state("eventfd2", State::Makes),
    state("memfd_create", State::Makes),
    state("timerfd_create", State::Makes),
    state("signalfd4", State::Makes),
    state("inotify_init1", State::Makes),
    state("pidfd_open", State::Makes),
    state("pidfd_getfd", State::Makes),
    state("kqueue", State::Makes),
    // Descriptors that change a file whatever they were opened for.
    touch("fchmod", "chmod"),
    touch("fchown", "chown"),
    touch("fchown32", "chown"),
    touch("fchflags", "setattr"),
    touch("futimes", "utime"),
    touch("futimens", "utime"),
    touch("fsetxattr", "setxattr"),
    touch("fremovexattr", "removexattr"),
    // Processes.
    state("fork", State::Forks),
    state("forkx", State::Forks),
    state("forkall", State::Forks),
    state("forkallx", State::Forks),
    state("fork1", State::Forks),
    state("vfork", State::Forks),
    state("vforkx", State::Forks),
    state("pdfork", State::Forks),
    state("rfork", State::Clones),
    state("clone", State::Clones),
    state("clone3", State::Clones),
    state("exit", State::Exits),
    state("_exit", State::Exits),
    state("exit_group", State::Exits),
    // Sockets.
    socket("connect", "connect", Deed::Connect, 1),
    socket("bind", "bind", Deed::Bind, 1),
    socket("connectat", "connect", Deed::Connect, 2),
    socket("bindat", "bind", Deed::Bind, 2),
    socket("sendto", "send", Deed::Connect, 4),
    socket("sendmsg", "send", Deed::Connect, 1),
    socket("sendmmsg", "send", Deed::Connect, 1),
    // What takes the ground from under every rule.
    forbidden("mount"),
    forbidden("nmount"),
    forbidden("umount"),
    forbidden("umount2"),
    forbidden("unmount"),
    forbidden("move_mount"),
    forbidden("open_tree"),
    forbidden("fsmount"),
    forbidden("pivot_root"),
    forbidden("chroot"),
    forbidden("setns"),
    forbidden("open_by_handle_at"),
    forbidden("fhopen"),
    forbidden("jail"),
    forbidden("jail_attach"),
    forbidden("acct"),
    forbidden("swapon"),
    forbidden("init_module"),
    forbidden("finit_module"),
    forbidden("kldload"),
    forbidden("kexec_load"),
    forbidden("kexec_file_load"),
    forbidden("reboot"),
    forbidden("ptrace"),
    forbidden("process_vm_writev"),
    Entry::new("unshare", "call").and(State::Unshares),
    Entry::new("io_uring_setup", "call").and(State::Hides),
];

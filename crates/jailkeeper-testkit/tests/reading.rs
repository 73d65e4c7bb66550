//! Attempts to get at what is in files outside.

use crate::attempt::attempts;
use jailkeeper_testkit::{Place, User, needs};

attempts! {
    // By the name, however it is written.
    open: "open {out}/file O_RDONLY" => read("{out}/file").by("open");
    dots: "open ../outside/file O_RDONLY" => read("{out}/file");
    many_dots: "open ../../../../../../../../{out}/file O_RDONLY" => read("{out}/file");
    sibling: "open ../x O_RDONLY" => read("{root}/x");
    sibling_with_the_same_beginning: "open {root}/work10/file O_RDONLY" => read("{root}/work10/file");
    slashes: "open /{root}//outside/./file O_RDONLY" => read("{out}/file");
    read_write: "open {out}/file O_RDWR" => write("{out}/file");

    // By other calls that open.
    openat: "keep root / O_PATH , openat root {out}/file O_RDONLY" => read("{out}/file");
    openat_descriptor: "keep here . O_PATH , openat here ../outside/file O_RDONLY" => read("{out}/file");
    openat2: "openat2 - {out}/file O_RDONLY -" => read("{out}/file").by("openat2");
    openat2_no_links: "openat2 - {out}/file O_RDONLY NO_SYMLINKS" => read("{out}/file");
    openat2_no_magic: "openat2 - {out}/file O_RDONLY NO_MAGICLINKS" => read("{out}/file");
    openat2_in_root: "keep root / O_PATH , openat2 root {out}/file O_RDONLY IN_ROOT" => read("{out}/file");
    openat2_beneath: "openat2 - ../outside/file O_RDONLY BENEATH" => read("{out}/file")
        .fails_alone(libc::EXDEV);
    openat2_cached: "openat2 - {out}/file O_RDONLY CACHED" => read("{out}/file")
        .without_control("depends on what the kernel has in its cache");
    path_only: "open {out}/file O_PATH" => read("{out}/file").silent();

    // Through links that the program makes itself.
    link: "symlink {out}/file l , open l O_RDONLY" => read("{work}/l").resolved("{out}/file");
    relative_link: "symlink ../outside/file l , open l O_RDONLY"
        => read("{work}/l").resolved("{out}/file");
    link_to_a_link: "symlink {out} l , symlink l/file m , open m O_RDONLY"
        => read("{work}/m").resolved("{out}/file");
    directory_link: "symlink {out} l , open l/dir/file O_RDONLY"
        => read("{work}/l/dir/file").resolved("{out}/dir/file");

    // Through the process's own entries in /proc.
    proc_root: "open /proc/self/root/{out}/file O_RDONLY"
        => read("/proc/self/root{out}/file").resolved("{out}/file");
    proc_cwd: "open /proc/self/cwd/../outside/file O_RDONLY"
        => read("/proc/self/outside/file").resolved("{out}/file");
    proc_descriptor: "keep here . O_PATH , below-fd here ../outside/file O_RDONLY"
        => read("/proc/self/fd/outside/file").resolved("{out}/file");

    // By other ways into the kernel.
    int80: "int80 {out}/file O_RDONLY" => call("call 5 of a foreign ABI");
    x32: "x32 {out}/file O_RDONLY" => call("call 1073741826 of a foreign ABI")
        .without_control("most kernels are built without x32");
    handle: "handle-and-open {work}/inside" => call("open_by_handle_at").needs_root();

    // By running it.
    execve: "execve {out}/program" => execute("{out}/program");
    execveat: "keep root / O_PATH , execveat root {out}/program" => execute("{out}/program");
    execveat_descriptor: "keep here . O_PATH , execveat here ../outside/program" => execute("{out}/program");
    execute_link: "symlink {out}/program l , execve ./l"
        => execute("{work}/l").resolved("{out}/program");
    memory_program: "memory-program ./escape open {out}/file O_RDONLY" => read("{out}/file")
        .in_program("/memfd:program (deleted)");

    // From another thread, and from a process that nobody waits for.
    thread: "thread open {out}/file O_RDONLY" => read("{out}/file");
    thread_that_writes: "thread open ../new O_WRONLY|O_CREAT" => write("{root}/new");
    background: "background open {out}/file O_RDONLY" => read("{out}/file");
}

/// A process that hides its memory is named by what the kernel says alone, unless its supervisor
/// may look into everybody's memory.
#[test]
fn hidden_memory() {
    needs![root, fuse];
    for (user, file) in [(User::Root, "{out}/file"), (User::Ordinary, "{out}")] {
        let place = Place::new(user);
        let attempt = ["./escape", "hide-and-open", "{out}/file", "O_RDONLY"];
        assert!(place.free(attempt).leaks());
        let ran = place.jail("", attempt);
        assert_eq!(ran.leaks_nothing().breach().file, Some(place.text(file)), "{ran}");
        assert_eq!(ran.survived(), None);
    }
}

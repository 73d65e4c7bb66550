//! Asking about files without opening them.

use crate::call::{Argument, Words, call, raw};
use crate::open::show;

/// Large enough for every structure that these calls fill.
const ROOM: usize = 4096;

pub(crate) fn run(name: &str, words: &Words<'_>) -> Option<i64> {
    const HERE: i32 = libc::AT_FDCWD;
    let mut room = [0_u8; ROOM];
    let path = || words.path();
    Some(match name {
        "stat" => call!(SYS_stat, &path(), &mut room[..]),
        "lstat" => call!(SYS_lstat, &path(), &mut room[..]),
        "newfstatat" => call!(SYS_newfstatat, HERE, &path(), &mut room[..], 0),
        "statx" => call!(SYS_statx, HERE, &path(), 0, 0xfff, &mut room[..]),
        // What the kernel has in its cache alone.
        "statx-cached" => {
            let flags = libc::AT_STATX_DONT_SYNC;
            call!(SYS_statx, HERE, &path(), flags, 0xfff, &mut room[..])
        }
        "statfs" => call!(SYS_statfs, &path(), &mut room[..]),
        "access" => call!(SYS_access, &path(), libc::F_OK),
        "faccessat" => call!(SYS_faccessat, HERE, &path(), libc::R_OK),
        "faccessat2" => call!(SYS_faccessat2, HERE, &path(), libc::R_OK, libc::AT_EACCESS),
        "readlink" => {
            let count = call!(SYS_readlink, &path(), &mut room[..], 4096);
            show(&room, count);
            count
        }
        "chdir" => call!(SYS_chdir, &path()),
        "getxattr" => call!(SYS_getxattr, &path(), c"user.secret", &mut room[..], 4096),
        "listxattr" => call!(SYS_listxattr, &path(), &mut room[..], 4096),
        "inotify" => {
            let watch = call!(SYS_inotify_init1, 0);
            call!(SYS_inotify_add_watch, watch, &path(), 0xfff)
        }
        // handle PATH
        "handle" => handle(&mut room, (&path()).into()),
        // handle-and-open PATH: the file behind its handle, past its name
        "handle-and-open" => {
            let got = handle(&mut room, (&path()).into());
            if got < 0 {
                return Some(got);
            }
            let mount = call!(SYS_open, c"/", libc::O_RDONLY, 0);
            call!(SYS_open_by_handle_at, mount, &mut room[..], libc::O_RDONLY)
        }
        // forged-handle: the file system's root directory, which mostly is inode 2
        "forged-handle" => {
            // handle_bytes 8, FILEID_INO32_GEN, inode 2, generation 0
            let forged = [8_u32, 1, 2, 0].map(u32::to_ne_bytes).concat();
            let mount = call!(SYS_open, c".", libc::O_RDONLY, 0);
            call!(SYS_open_by_handle_at, mount, &forged[..], libc::O_RDONLY)
        }
        _ => return None,
    })
}

/// `name_to_handle_at`, into a structure that says how much room it has.
fn handle(room: &mut [u8], path: Argument<'_>) -> i64 {
    let mut mount = [0_u8; 4];
    if let Some(size) = room.first_chunk_mut() {
        *size = 128_u32.to_ne_bytes();
    }
    let directory = libc::AT_FDCWD.into();
    let arguments = &mut [directory, path, room.into(), (&mut mount[..]).into(), 0.into()];
    raw(libc::SYS_name_to_handle_at, arguments)
}

//! Both sides of the streams of a jail with walls.

use super::Stdio;
use crate::error::{Error, ErrorKind, Result, Step};
use crate::launch::Stream;
use rustix::fs::{FileType, Gid, Uid};
use std::os::fd::{AsFd, OwnedFd};

/// Both sides of a command's streams.
pub(crate) struct Streams {
    pub(crate) inside: Vec<Stream>,
    pub(crate) outside: [Option<OwnedFd>; 3],
}

impl Streams {
    /// Opens the streams. `owner` is the jail's user if it is not the caller: a pipe is made over
    /// to it, because opening `/dev/stdin` asks for rights on the pipe.
    pub(crate) fn open(stdio: [&mut Stdio; 3], owner: Option<(u32, u32)>) -> Result<Self> {
        let mut streams = Self { inside: Vec::new(), outside: [None, None, None] };
        for ((stdio, number), outside) in stdio.into_iter().zip(0..3).zip(&mut streams.outside) {
            if matches!(stdio, Stdio::Terminal) {
                continue;
            }
            let (fd, other) = open(stdio, number)?;
            refuse_directory(&fd)?;
            if let Some((user, group)) = owner
                && is_anonymous_pipe(&fd)
            {
                let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
                // Works for root alone, and root alone needs it.
                let _ = rustix::fs::fchown(&fd, Some(user), Some(group));
            }
            *outside = other;
            streams.inside.push(Stream { fd, number });
        }
        Ok(streams)
    }
}

fn open(stdio: &mut Stdio, number: i32) -> Result<(OwnedFd, Option<OwnedFd>)> {
    let step = "open a standard stream";
    match std::mem::replace(stdio, Stdio::Null) {
        Stdio::Null | Stdio::Terminal => {
            let file = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null");
            Ok((file.step(step)?.into(), None))
        }
        Stdio::Inherit => {
            *stdio = Stdio::Inherit;
            let own = match number {
                0 => rustix::stdio::stdin(),
                1 => rustix::stdio::stdout(),
                _ => rustix::stdio::stderr(),
            };
            Ok((own.try_clone_to_owned().step(step)?, None))
        }
        Stdio::Piped => {
            *stdio = Stdio::Piped;
            let flags = rustix::pipe::PipeFlags::CLOEXEC;
            let (reader, writer) = rustix::pipe::pipe_with(flags).step(step)?;
            Ok(if number == 0 { (reader, Some(writer)) } else { (writer, Some(reader)) })
        }
        Stdio::Descriptor(fd) => Ok((fd, None)),
    }
}

/// Refuses a directory: whoever holds one can look at everything beneath it past the view.
pub(crate) fn refuse_directory(fd: impl AsFd) -> Result<()> {
    let stat = rustix::fs::fstat(fd).step("look at a descriptor for the command")?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        return Err(Error::new(ErrorKind::Policy, "hand a directory into the jail")
            .with_hint("allow its path with `--read` or `--write` instead"));
    }
    Ok(())
}

fn is_anonymous_pipe(fd: impl AsFd) -> bool {
    const PIPEFS_MAGIC: i64 = 0x5049_5045;
    rustix::fs::fstatfs(fd).is_ok_and(|stat| stat.f_type == PIPEFS_MAGIC)
}

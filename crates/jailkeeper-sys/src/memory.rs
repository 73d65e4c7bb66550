//! Reading and writing another process's memory.
//!
//! What is read this way is hostile: another thread may change it at any time. It serves to
//! *name* an access, never to grant one.

use rustix::process::Pid;
use std::io;

/// Bytes of a page on the smallest-paged machines that JailKeeper runs on.
const PAGE: u64 = 4096;

/// Reads up to `buffer.len()` bytes at an address, stopping early where memory ends.
///
/// # Errors
///
/// `EFAULT` when nothing is mapped there, `EPERM` when the process may not be read (it made
/// itself undumpable), `ESRCH` when it is gone.
///
/// # References
///
/// * [process_vm_readv(2)](https://man7.org/linux/man-pages/man2/process_vm_readv.2.html)
pub fn read(process: Pid, address: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut done = 0usize;
    while done < buffer.len() {
        let from = address.wrapping_add(done as u64);
        // One page at a time: the call fails as a whole for an element that is partly unmapped.
        let to_page_end = usize::try_from(PAGE - from % PAGE).unwrap_or(0);
        let Some(piece) = buffer.get_mut(done..) else { break };
        let length = piece.len().min(to_page_end);
        let piece = piece.get_mut(..length).unwrap_or_default();
        let read = match read_once(process, from, piece) {
            // Some containers forbid the call. The same rights are asked for another way.
            Err(error) if error.raw_os_error() == Some(libc::EPERM) => {
                read_from_file(process, from, piece).map_err(|_| error)
            }
            other => other,
        };
        match read {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(_) if done > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Reads a string that ends with a zero byte, of at most `limit` bytes.
///
/// # Errors
///
/// Those of [`read`], and `ENAMETOOLONG` when no zero byte comes within the limit.
pub fn read_string(process: Pid, address: u64, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while bytes.len() < limit {
        let at = address.wrapping_add(bytes.len() as u64);
        let mut chunk = [0u8; 256];
        let room = chunk.len().min(limit - bytes.len());
        let count = read(process, at, chunk.get_mut(..room).unwrap_or_default())?;
        let got = chunk.get(..count).unwrap_or_default();
        if let Some(end) = got.iter().position(|byte| *byte == 0) {
            bytes.extend_from_slice(got.get(..end).unwrap_or_default());
            return Ok(bytes);
        }
        if count == 0 {
            return Err(io::Error::from_raw_os_error(libc::EFAULT));
        }
        bytes.extend_from_slice(got);
    }
    Err(io::Error::from_raw_os_error(libc::ENAMETOOLONG))
}

/// Writes bytes to an address; all of them or fewer where memory ends.
///
/// # Errors
///
/// Those of [`read`].
pub fn write(process: Pid, address: u64, bytes: &[u8]) -> io::Result<()> {
    let fault = || io::Error::from_raw_os_error(libc::EFAULT);
    let address = usize::try_from(address).map_err(|_| fault())?;
    let local = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let remote = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: bytes.len() };
    // SAFETY: `local` describes `bytes`, which are only read; `remote` is only an address in the
    // other process, which the kernel checks.
    let count = unsafe { libc::process_vm_writev(process.as_raw_pid(), &local, 1, &remote, 1, 0) };
    match usize::try_from(count) {
        Ok(count) if count == bytes.len() => Ok(()),
        Ok(_) => Err(fault()),
        Err(_) => Err(io::Error::last_os_error()),
    }
}

/// Reads from `/proc/PID/mem`.
fn read_from_file(process: Pid, address: u64, buffer: &mut [u8]) -> io::Result<usize> {
    use std::os::unix::fs::FileExt as _;
    let file = std::fs::File::open(format!("/proc/{}/mem", process.as_raw_pid()))?;
    file.read_at(buffer, address)
}

fn read_once(process: Pid, address: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let Ok(address) = usize::try_from(address) else {
        return Err(io::Error::from_raw_os_error(libc::EFAULT));
    };
    let local = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let remote = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: buffer.len() };
    // SAFETY: `local` describes `buffer`, which is writable for its length and outlives the
    // call; `remote` is only an address in the other process, which the kernel checks.
    let count = unsafe { libc::process_vm_readv(process.as_raw_pid(), &local, 1, &remote, 1, 0) };
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_string_of_this_process_and_refuses_an_endless_one() {
        let me = rustix::process::getpid();
        let text = std::ffi::CString::new("x".repeat(700)).unwrap();
        let address = text.as_ptr() as u64;
        assert_eq!(read_string(me, address, 4096).unwrap(), text.as_bytes());
        let error = read_string(me, address, 600).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENAMETOOLONG));
        assert_eq!(read_string(me, 8, 64).unwrap_err().raw_os_error(), Some(libc::EFAULT));
    }

    #[test]
    fn both_ways_read_the_same() {
        let text = *b"what is there";
        let address = text.as_ptr().addr() as u64;
        let own = rustix::process::getpid();
        let (mut one, mut two) = ([0; 13], [0; 13]);
        assert_eq!(read_once(own, address, &mut one).unwrap(), 13);
        assert_eq!(read_from_file(own, address, &mut two).unwrap(), 13);
        assert_eq!((one, two), (text, text));
        assert!(read_from_file(own, 0, &mut two).is_err());
    }
}

//! The benchmark's small workloads. Each measures itself, so that its start is not counted.
//!
//! * `storm stat COUNT PATH`, `storm open COUNT PATH`: print nanoseconds for each call,
//!   the median over chunks of 500;
//! * `storm open-4 COUNT PATH`: the same from four threads, the median of the threads;
//! * `storm pread COUNT PATH`, `storm create COUNT PATH`: the same for reading 4 kB, and for making,
//!   writing and deleting a file;
//! * `storm death COUNT`: with `COUNT - 1` others that write the time again and again, writes the
//!   time and opens a file that no jail has. Whoever reads the files afterwards learns for how
//!   long anything ran after the attempt.
//!
//! Kernel calls are made directly, without the C library's part.

#![forbid(unsafe_code)]

use anyhow::{Context, Result, bail};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::time::{ClockId, clock_gettime};
use std::ffi::CString;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::time::Duration;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["stat", count, path] => tell(storm(count, path, |path| {
            rustix::fs::statat(CWD, path, rustix::fs::AtFlags::empty()).map(|_| ())
        })?),
        ["open", count, path] => tell(storm(count, path, open)?),
        ["open-4", count, path] => {
            let times = std::thread::scope(|scope| {
                let threads: Vec<_> =
                    (0..4).map(|_| scope.spawn(|| storm(count, path, open))).collect();
                let ended = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
                ended.map(|time| time.map_err(|_| anyhow::anyhow!("a thread is lost"))?).collect()
            });
            let mut times: Vec<f64> = Result::<_>::from(times)?;
            times.sort_by(f64::total_cmp);
            tell(*times.get(1).context("a thread is lost")?)
        }
        ["pread", count, path] => {
            let file = std::fs::File::open(path)?;
            let mut buffer = [0; 4096];
            tell(storm(count, path, |_| rustix::io::pread(&file, &mut buffer, 4096).map(|_| ()))?)
        }
        ["create", count, path] => tell(storm(count, path, |path| {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC;
            let file = rustix::fs::openat(CWD, path, flags, Mode::RUSR | Mode::WUSR)?;
            rustix::io::write(&file, b"text")?;
            drop(file);
            rustix::fs::unlinkat(CWD, path, rustix::fs::AtFlags::empty())
        })?),
        ["tick", file] => tick(file),
        ["death", count] => death(count.parse()?),
        other => bail!("unknown workload `{}`", other.join(" ")),
    }
}

/// So many calls are timed together: half a millisecond or so.
const CHUNK: u32 = 500;

fn open(path: &std::ffi::CStr) -> rustix::io::Result<()> {
    rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).map(|_| ())
}

fn tell(time: f64) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{time:.1}")?)
}

/// Returns nanoseconds for each call, the median over all chunks: whatever else the machine did in between, such as running
/// another process, hits a few of them.
fn storm(
    count: &str,
    path: &str,
    mut call: impl FnMut(&std::ffi::CStr) -> rustix::io::Result<()>,
) -> Result<f64> {
    let count: u32 = count.parse()?;
    let path = CString::new(path)?;
    let chunks = (count / CHUNK).max(1);
    let mut times = Vec::new();
    // The first chunks fill the kernel's caches.
    for chunk in 0..chunks + chunks / 10 {
        let start = now();
        for _ in 0..CHUNK {
            call(&path).context("failed to touch the file")?;
        }
        if chunk >= chunks / 10 {
            times.push(u32::try_from(now().saturating_sub(start))?);
        }
    }
    times.sort_unstable();
    let median = times.get(times.len() / 2).context("no chunk was timed")?;
    Ok(f64::from(*median) / f64::from(CHUNK))
}

/// Nanoseconds of the machine's monotonic clock, which all processes share.
fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// Writes the time until something kills this.
///
/// A write is a system call of less than a microsecond and needs no unsafe mapping; the time in
/// the file is that of the last instruction before the last write, which is what is asked.
fn tick(file: &str) -> Result<()> {
    let file = std::fs::File::create(file)?;
    loop {
        file.write_all_at(&now().to_le_bytes(), 0)?;
    }
}

fn death(count: u32) -> Result<()> {
    let program = std::env::current_exe()?;
    let mut others = Vec::new();
    for index in 1..count {
        let file = format!("tick-{index}");
        let _ = std::fs::remove_file(&file);
        others.push(std::process::Command::new(&program).args(["tick", &file]).spawn()?);
    }
    let ticking = |index: u32| {
        std::fs::metadata(format!("tick-{index}")).is_ok_and(|metadata| metadata.len() == 8)
    };
    while !(1..count).all(ticking) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let attempt = std::fs::File::create("attempt")?;
    std::thread::sleep(Duration::from_millis(5));
    attempt.write_all_at(&now().to_le_bytes(), 0)?;
    let opened = std::fs::File::open("/etc/passwd");
    for mut other in others {
        other.kill()?;
        other.wait()?;
    }
    match opened {
        Ok(_) => bail!("the file was opened"),
        Err(error) => bail!("the file was refused and this went on: {error}"),
    }
}

//! Giving back what of this process is in memory and can be had again.
//!
//! A page of a file that was mapped and never changed is the page cache's. The kernel may take it
//! away whenever memory is short, and the next touch maps it again; to drop it by oneself is the
//! same. To drop a page that was changed is to lose the change, so what may go is proved twice: by
//! the headers of the program and its libraries, which say where code and constants are that nobody
//! unmaps, and by the kernel, which counts the changed pages of each mapping.

use std::ops::{ControlFlow, Range};

/// A range of this process's addresses.
type Addresses = Range<usize>;

/// Gives the free part of the heap back to the kernel, and the pages of code and constants of the
/// program and its libraries.
///
/// What is touched again costs a page fault, so this is for a program that will wait for long.
/// A mapping in which anything was changed, by a relocation or a breakpoint perhaps, stays as it
/// is; all of them do while a debugger is attached, which could change something in this moment,
/// and where `/proc/self` does not tell.
///
/// # References
///
/// * [madvise(2)](https://man7.org/linux/man-pages/man2/madvise.2.html), `MADV_DONTNEED`
/// * [malloc_trim(3)](https://man7.org/linux/man-pages/man3/malloc_trim.3.html)
pub fn give_back() {
    let mut unchanged: Option<Vec<Addresses>> = None;
    each_object(|object| {
        // In here: while it goes through them, the loader unmaps none.
        let unchanged = unchanged.get_or_insert_with(ask_what_is_unchanged);
        give_back_object(object, unchanged);
        ControlFlow::Continue(())
    });
    drop(unchanged);
    trim_heap();
}

/// Goes through the loaded objects, the main program first.
fn each_object<V>(mut visit: V)
where
    V: FnMut(&libc::dl_phdr_info) -> ControlFlow<()>,
{
    unsafe extern "C" fn pass_on<V: FnMut(&libc::dl_phdr_info) -> ControlFlow<()>>(
        object: *mut libc::dl_phdr_info,
        _size: libc::size_t,
        visit: *mut libc::c_void,
    ) -> libc::c_int {
        // SAFETY: the loader gives a valid description for the time of the call.
        let object = unsafe { &*object };
        // SAFETY: `each_object` gave its own closure, which nobody else has meanwhile.
        let visit = unsafe { &mut *visit.cast::<V>() };
        visit(object).is_break().into()
    }
    // SAFETY: the callback is of the right type, and is given what it expects; the closure outlives
    // the call.
    unsafe { libc::dl_iterate_phdr(Some(pass_on::<V>), (&raw mut visit).cast()) };
}

/// Gives back what is constant in a loaded object, as far as it is unchanged.
fn give_back_object(object: &libc::dl_phdr_info, unchanged: &[Addresses]) {
    for segment in constant_segments(object) {
        let inside =
            |mapping: &&Addresses| segment.start <= mapping.start && mapping.end <= segment.end;
        for mapping in unchanged.iter().filter(inside) {
            let start = std::ptr::without_provenance_mut(mapping.start);
            // SAFETY: the whole range is a private mapping of a file, not writable and without a
            // page that differs from the file, as the kernel said; it belongs to an object that
            // stays loaded for the time of the call, and nobody writes to its constants. So every
            // byte reads afterwards as before, from the page cache. Where memory is locked the
            // call fails, and nothing is done.
            unsafe { libc::madvise(start, mapping.len(), libc::MADV_DONTNEED) };
        }
    }
}

fn headers(object: &libc::dl_phdr_info) -> &[libc::Elf64_Phdr] {
    // SAFETY: the loader describes the object's headers, which are mapped as long as it is.
    unsafe { std::slice::from_raw_parts(object.dlpi_phdr, object.dlpi_phnum.into()) }
}

fn address(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Returns where an object's headers put what is never written, in whole pages.
fn constant_segments(object: &libc::dl_phdr_info) -> impl Iterator<Item = Addresses> + '_ {
    let page = rustix::param::page_size();
    let constant = headers(object)
        .iter()
        .filter(|header| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_W == 0);
    constant.map(move |header| {
        let start = address(object.dlpi_addr.saturating_add(header.p_vaddr));
        let end = start.saturating_add(address(header.p_memsz));
        start / page * page..end.checked_next_multiple_of(page).unwrap_or(end)
    })
}

/// Code and constants of the main program, for a child that needs next to nothing of them.
#[derive(Debug)]
pub struct Constants(Vec<Addresses>);

impl Constants {
    /// Finds them; none where relocations changed them.
    #[must_use]
    pub fn of_this_program() -> Self {
        let mut found = Vec::new();
        each_object(|object| {
            if !has_relocated_constants(object) {
                found.extend(constant_segments(object));
            }
            // The first is the main program: no more of them.
            ControlFlow::Break(())
        });
        Self(found)
    }

    /// Gives back this process's pages of them. Runs in the child before exec.
    pub(crate) fn give_back(&self) {
        for range in &self.0 {
            let start = std::ptr::without_provenance_mut(range.start);
            // SAFETY: the range is of the main program, mapped until the process ends, never
            // written according to its headers, and without relocations. So it reads afterwards as
            // before, but for a debugger's breakpoints, which a child could not survive anyway.
            unsafe { libc::madvise(start, range.len(), libc::MADV_DONTNEED) };
        }
    }
}

/// Tells whether the loader wrote into what is constant (`DT_TEXTREL`).
fn has_relocated_constants(object: &libc::dl_phdr_info) -> bool {
    const TEXTREL: usize = 22;
    const FLAGS: usize = 30;
    const FLAG_TEXTREL: usize = 4;
    headers(object).iter().filter(|header| header.p_type == libc::PT_DYNAMIC).any(|header| {
        let start = address(object.dlpi_addr.saturating_add(header.p_vaddr));
        let count = address(header.p_memsz) / size_of::<[usize; 2]>();
        let entries = std::ptr::with_exposed_provenance::<[usize; 2]>(start);
        // SAFETY: the program's header says that a table of pairs of words is there.
        let entries = unsafe { std::slice::from_raw_parts(entries, count) };
        let mut entries = entries.iter().take_while(|[tag, _]| *tag != 0);
        entries.any(|[tag, value]| *tag == TEXTREL || (*tag == FLAGS && value & FLAG_TEXTREL != 0))
    })
}

fn ask_what_is_unchanged() -> Vec<Addresses> {
    let read = |name| std::fs::read_to_string(name).unwrap_or_default();
    let unchanged = unchanged(&read("/proc/self/smaps"));
    if is_traced(&read("/proc/self/status")) { Vec::new() } else { unchanged }
}

fn is_traced(status: &str) -> bool {
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
    tracer.is_none_or(|tracer| tracer.trim() != "0")
}

/// Reads off `/proc/PID/smaps` which mappings are of a file, private, not writable, and without a
/// page that was changed, in memory or swapped out.
fn unchanged(smaps: &str) -> Vec<Addresses> {
    let mut found = Vec::new();
    let (mut candidate, mut zeros) = (None, 0);
    for line in smaps.lines() {
        let mut words = line.split_ascii_whitespace();
        match (words.next(), words.next()) {
            (Some("Anonymous:" | "Swap:"), Some("0")) => zeros += 1,
            // The last line about a mapping.
            (Some("VmFlags:"), _) => found.extend(candidate.take().filter(|_| zeros == 2)),
            (Some(key), _) if key.ends_with(':') => {}
            _ => (candidate, zeros) = (constant_file(line), 0),
        }
    }
    found
}

/// Reads the first line about a mapping.
fn constant_file(line: &str) -> Option<Addresses> {
    let mut words = line.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let modes = words.next()?;
    let (_offset, _device, inode) = (words.next()?, words.next()?, words.next()?);
    let fits = matches!(modes, "r--p" | "r-xp") && inode != "0";
    let address = |text| usize::from_str_radix(text, 16).ok();
    fits.then_some(address(start)?..address(end)?)
}

fn trim_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: takes a number and changes nothing that is in use.
    unsafe {
        libc::malloc_trim(0)
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    static CONSTANT: [u8; 1 << 20] = [7; 1 << 20];

    const SMAPS: &str = "\
1000-3000 r--p 00000000 fe:00 7    /usr/bin/some program: x
Rss:                   8 kB
Anonymous:             0 kB
Swap:                  0 kB
VmFlags: rd mr mw me sd
3000-5000 r-xp 00002000 fe:00 7    /usr/bin/changed
Anonymous:             4 kB
Swap:                  0 kB
VmFlags: rd ex
5000-6000 r-xp 00002000 fe:00 7    /usr/bin/swapped
Anonymous:             0 kB
Swap:                  4 kB
VmFlags: rd ex
6000-7000 rw-p 00002000 fe:00 7    /usr/bin/writable
Anonymous:             0 kB
Swap:                  0 kB
VmFlags: rd wr
7000-8000 r--s 00002000 fe:00 7    /usr/bin/shared
Anonymous:             0 kB
Swap:                  0 kB
VmFlags: rd
8000-9000 r--p 00000000 00:00 0
Anonymous:             0 kB
Swap:                  0 kB
VmFlags: rd
9000-a000 r--p 00000000 fe:00 7    /usr/bin/untold
Anonymous:             0 kB
VmFlags: rd
a000-b000 r-xp 00000000 fe:00 7    /usr/bin/code
Anonymous:             0 kB
Swap:                  0 kB
VmFlags: rd ex
";

    #[test]
    fn only_private_constant_unchanged_files_may_go() {
        assert_eq!(unchanged(SMAPS), [0x1000..0x3000, 0xa000..0xb000]);
    }

    #[test]
    fn whoever_is_traced_keeps_everything() {
        assert!(!is_traced("Name:\tx\nTracerPid:\t0\nUid:\t0\n"));
        assert!(is_traced("Name:\tx\nTracerPid:\t12\nUid:\t0\n"));
        assert!(is_traced("Name:\tx\n"), "untold");
    }

    #[test]
    fn the_program_is_where_its_headers_say() {
        let constants = Constants::of_this_program();
        let has = |address: usize| constants.0.iter().any(|range| range.contains(&address));
        assert!(has(CONSTANT.as_ptr().addr()));
        assert!(has(give_back as fn() as usize));
        assert!(!has(std::ptr::from_ref(Box::new(0u8).as_ref()).addr()));
        constants.give_back();
        assert!(std::hint::black_box(&CONSTANT).iter().all(|byte| *byte == 7));
    }

    #[test]
    fn what_was_given_back_is_there_when_it_is_read() {
        let heap = vec![3u8; 1 << 20];
        let sum = |bytes: &[u8]| {
            std::hint::black_box(bytes).iter().map(|byte| u64::from(*byte)).sum::<u64>()
        };
        let before = (sum(&CONSTANT), sum(&heap));
        give_back();
        let there = || {
            let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap_or_default();
            let mut lines = smaps.lines().skip_while(|line| {
                constant_file(line).is_none_or(|range| !range.contains(&CONSTANT.as_ptr().addr()))
            });
            let line = lines.find_map(|line| line.strip_prefix("Rss:")).unwrap_or_default();
            line.trim().trim_end_matches(" kB").parse::<usize>().unwrap()
        };
        let less = there();
        assert_eq!((sum(&CONSTANT), sum(&heap)), before);
        assert!(there() > less, "{less} kB were there at once");
    }
}

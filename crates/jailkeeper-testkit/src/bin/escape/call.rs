//! Raw system calls, and the words that they are made of.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ffi::{CStr, CString};

thread_local! {
    /// Descriptors that attempts left for those after them.
    static KEPT: RefCell<BTreeMap<String, i32>> = const { RefCell::new(BTreeMap::new()) };
}

/// An argument of a system call.
#[derive(Debug)]
pub(crate) enum Argument<'a> {
    Number(i64),
    Text(&'a CStr),
    Bytes(&'a [u8]),
    Buffer(&'a mut [u8]),
}

macro_rules! number_arguments {
    ($($kind:ty),*) => {
        $(impl From<$kind> for Argument<'_> {
            fn from(number: $kind) -> Self {
                Self::Number(i64::from(number))
            }
        })*
    };
}
number_arguments!(i32, u32, i64);

impl<'a> From<&'a CString> for Argument<'a> {
    fn from(text: &'a CString) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a CStr> for Argument<'a> {
    fn from(text: &'a CStr) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a [u8]> for Argument<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a mut [u8]> for Argument<'a> {
    fn from(bytes: &'a mut [u8]) -> Self {
        Self::Buffer(bytes)
    }
}

/// Makes a system call with up to six arguments. An error is its negative number.
///
/// The caller sees to it that the call has no arguments that the kernel writes to but those that
/// are buffers, large enough: every attempt of this program is a case of its own.
pub(crate) fn raw(number: i64, arguments: &mut [Argument<'_>]) -> i64 {
    let mut words = [0_i64; 6];
    for (word, argument) in words.iter_mut().zip(arguments) {
        *word = match argument {
            Argument::Number(number) => *number,
            Argument::Text(text) => address(text.as_ptr()),
            Argument::Bytes(bytes) => address(bytes.as_ptr()),
            Argument::Buffer(bytes) => address(bytes.as_mut_ptr()),
        };
    }
    let [a, b, c, d, e, f] = words;
    // SAFETY: the pointers among the words come from borrows that outlive the call, and the
    // kernel writes to buffers alone, as the caller promises.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if result == -1 {
        return -i64::from(std::io::Error::last_os_error().raw_os_error().unwrap_or(0));
    }
    result
}

/// A pointer as the kernel takes it.
pub(crate) fn address<T>(pointer: *const T) -> i64 {
    i64::try_from(pointer.addr()).unwrap_or(0)
}

/// Makes a system call: `call!(SYS_open, path, flags)`.
macro_rules! call {
    ($number:ident $(, $argument:expr)* $(,)?) => {
        $crate::call::raw(libc::$number, &mut [$($crate::call::Argument::from($argument)),*])
    };
}
pub(crate) use call;

/// The words of an attempt.
#[derive(Debug)]
pub(crate) struct Words<'a> {
    words: &'a [String],
    next: Cell<usize>,
}

impl<'a> Words<'a> {
    pub(crate) fn new(words: &'a [String]) -> Self {
        Self { words, next: Cell::new(0) }
    }

    /// Returns the next word, empty when there is none.
    pub(crate) fn word(&self) -> &'a str {
        let at = self.next.replace(self.next.get() + 1);
        self.words.get(at).map_or("", String::as_str)
    }

    /// Returns the words that are left.
    pub(crate) fn rest(&self) -> &'a [String] {
        self.words.get(self.next.get()..).unwrap_or_default()
    }

    /// Returns the next word as C text.
    pub(crate) fn path(&self) -> CString {
        CString::new(self.word()).unwrap_or_default()
    }

    /// Returns the next word as a number, zero when it is none.
    pub(crate) fn number(&self) -> i64 {
        self.word().parse().unwrap_or(0)
    }

    /// Returns the descriptor that the next word names: one that was kept, or `-` for none.
    pub(crate) fn directory(&self) -> i32 {
        let word = self.word();
        KEPT.with_borrow(|kept| kept.get(word).copied()).unwrap_or(libc::AT_FDCWD)
    }

    /// Returns the open flags of the next word, such as `O_WRONLY|O_CREAT`.
    pub(crate) fn flags(&self) -> i32 {
        self.word().split('|').fold(0, |flags, name| flags | flag(name))
    }
}

/// Leaves a descriptor for attempts after this one, if it is one.
pub(crate) fn keep(name: &str, descriptor: i64) -> i64 {
    if let Ok(descriptor) = i32::try_from(descriptor)
        && descriptor >= 0
    {
        KEPT.with_borrow_mut(|kept| kept.insert(name.to_owned(), descriptor));
    }
    descriptor
}

fn flag(name: &str) -> i32 {
    match name {
        "O_WRONLY" => libc::O_WRONLY,
        "O_RDWR" => libc::O_RDWR,
        "O_CREAT" => libc::O_CREAT,
        "O_EXCL" => libc::O_EXCL,
        "O_TRUNC" => libc::O_TRUNC,
        "O_APPEND" => libc::O_APPEND,
        "O_DIRECTORY" => libc::O_DIRECTORY,
        "O_PATH" => libc::O_PATH,
        "O_TMPFILE" => libc::O_TMPFILE,
        "O_NOFOLLOW" => libc::O_NOFOLLOW,
        _ => libc::O_RDONLY,
    }
}

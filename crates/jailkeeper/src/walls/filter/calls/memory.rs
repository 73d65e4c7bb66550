//! Memory: a process may do with its own what it likes.
//!
//! Files come into memory through descriptors, which were decided about when they were opened.

use super::super::treatment::{Call, allow};
use syscalls::x86_64::Sysno;

pub(super) static CALLS: &[Call] = &[
    // Mappings.
    allow(Sysno::brk),
    allow(Sysno::mmap),
    allow(Sysno::munmap),
    allow(Sysno::mremap),
    allow(Sysno::mprotect),
    allow(Sysno::msync),
    allow(Sysno::mincore),
    allow(Sysno::madvise),
    allow(Sysno::mseal),
    allow(Sysno::remap_file_pages),
    allow(Sysno::map_shadow_stack),
    // Protection keys.
    allow(Sysno::pkey_mprotect),
    allow(Sysno::pkey_alloc),
    allow(Sysno::pkey_free),
    // Kept from the swap.
    allow(Sysno::mlock),
    allow(Sysno::mlock2),
    allow(Sysno::munlock),
    allow(Sysno::mlockall),
    allow(Sysno::munlockall),
    // Where on the machine it lies. For the pages of others they need rights that nobody has here.
    allow(Sysno::mbind),
    allow(Sysno::get_mempolicy),
    allow(Sysno::set_mempolicy),
    allow(Sysno::set_mempolicy_home_node),
    allow(Sysno::migrate_pages),
    allow(Sysno::move_pages),
    // A file without a name; can be executed, as the memory itself could be.
    allow(Sysno::memfd_create),
    // Order between threads.
    allow(Sysno::membarrier),
    allow(Sysno::futex),
    allow(Sysno::futex_wait),
    allow(Sysno::futex_wake),
    allow(Sysno::futex_waitv),
    allow(Sysno::futex_requeue),
];

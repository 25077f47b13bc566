//! A cap on the heap, for the child alone.
//!
//! `RLIMIT_AS` bounds a process too, but not every system enforces it, and it counts what is mapped, not what is used.
//! An allocation beyond the cap fails, and what cannot allocate aborts: for the child a normal answer. As long as no cap
//! is set (in every other process) this costs one relaxed load for each allocation.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering::Relaxed};

/// The system's allocator, with a cap once [`cap`] was called.
pub struct Capped;

static IS_CAPPED: AtomicBool = AtomicBool::new(false);
/// Bytes that may still be taken. What was taken before the cap and is given back later adds to it: little, because the
/// cap comes first.
static LEFT: AtomicIsize = AtomicIsize::new(0);

/// From now on at most `bytes` are allocated beyond what is.
pub fn cap(bytes: usize) {
    LEFT.store(bytes.try_into().unwrap_or(isize::MAX), Relaxed);
    IS_CAPPED.store(true, Relaxed);
}

fn take(bytes: usize) -> bool {
    if !IS_CAPPED.load(Relaxed) {
        return true;
    }
    // A layout never has more bytes than an isize counts.
    let bytes = bytes as isize;
    if LEFT.fetch_sub(bytes, Relaxed) >= bytes {
        return true;
    }
    LEFT.fetch_add(bytes, Relaxed);
    false
}

fn give(bytes: usize) {
    if IS_CAPPED.load(Relaxed) {
        LEFT.fetch_add(bytes as isize, Relaxed);
    }
}

// SAFETY: every call is passed on to the system's allocator unchanged, or answered with null, which means that there is no
// memory. Counting touches atomics only and allocates nothing.
unsafe impl GlobalAlloc for Capped {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !take(layout.size()) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's promises about `layout` are those of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if !take(layout.size()) {
            return std::ptr::null_mut();
        }
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        give(layout.size());
        // SAFETY: `block` came from `System` with this layout, as the caller promises.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        match new_size.checked_sub(layout.size()) {
            Some(more) if !take(more) => return std::ptr::null_mut(),
            Some(_) => {}
            None => give(layout.size() - new_size),
        }
        // SAFETY: `block` came from `System` with this layout, as the caller promises.
        unsafe { System.realloc(block, layout, new_size) }
    }
}

//! What the child takes away from itself.
//!
//! | limit | so that |
//! |---|---|
//! | heap, address space | a file that asks for memory gets an abort, and nobody else is short of it |
//! | CPU time | a loop ends |
//! | file size 0 | nothing is written to disk |
//! | open files: those it has | no file, no pipe and **no socket** can be opened: it has no network |
//! | processes 0 | no thread and no process is begun (does not bind root) |
//! | core 0 | no dump with names and numbers of people |
//!
//! It is not a sandbox: system calls that open nothing remain. What it can do with them is spend its own time and memory.

use rlimit::Resource;
use std::io;

const MIB: u64 = 1024 * 1024;
/// Beyond what the process has when it begins. A list of 200,000 rows needs a fifth of it.
const HEAP_BYTES_MAX: usize = 448 * 1024 * 1024;
/// The heap, the program itself and what the allocator cannot use.
const ADDRESS_SPACE_BYTES_MAX: u64 = 1024 * MIB;
const CPU_SECONDS_MIN: u64 = 6;
/// A list takes a seventh of a second for a MiB: so much more for what is slow.
const MIB_PER_CPU_SECOND: u64 = 2;
/// Less than [`super::parent`] waits, which is less than the lease of an import.
const CPU_SECONDS_MAX: u64 = 45;
/// stdin, stdout, stderr, and the first two once more: as a file to seek in, and without line buffering.
const OPEN_FILES: u64 = 5;

/// How long a file of `bytes` may be computed on, in seconds.
fn cpu_seconds(bytes: u64) -> u64 {
    (CPU_SECONDS_MIN + bytes / (MIB_PER_CPU_SECOND * MIB)).min(CPU_SECONDS_MAX)
}

/// Called once, when the file is open and nothing of it was read.
pub(super) fn confine(file_bytes: u64) -> io::Result<()> {
    super::memory::cap(HEAP_BYTES_MAX);
    let cpu = cpu_seconds(file_bytes);
    for (resource, soft, hard) in [
        (Resource::AS, ADDRESS_SPACE_BYTES_MAX, ADDRESS_SPACE_BYTES_MAX),
        // At the soft limit a signal says why it ends.
        (Resource::CPU, cpu, cpu + 1),
        (Resource::FSIZE, 0, 0),
        (Resource::CORE, 0, 0),
        (Resource::NPROC, 0, 0),
        (Resource::NOFILE, OPEN_FILES, OPEN_FILES),
    ] {
        match resource.set(soft, hard) {
            Ok(()) => {}
            // macOS refuses to bound the address space; the heap is capped.
            Err(_) if !cfg!(target_os = "linux") && resource == Resource::AS => {}
            Err(why) => return Err(why),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_file_may_take_longer_within_bounds() {
        assert_eq!(cpu_seconds(700), 6);
        assert_eq!(cpu_seconds(10 * MIB), 11);
        assert_eq!(cpu_seconds(u64::MAX), 45);
    }
}

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gaba::fuzzing::hook_mtn_momo(bytes));

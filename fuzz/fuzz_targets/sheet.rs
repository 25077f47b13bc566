#![no_main]

// A panic of calamine is an answer; one that gets here still ends the fuzzer.
libfuzzer_sys::fuzz_target!(init: std::panic::set_hook(Box::new(|_| {})), |bytes: &[u8]| gaba::fuzzing::sheet(bytes));

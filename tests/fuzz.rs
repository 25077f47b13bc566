//! Every input that the fuzzer found worth keeping, through the functions that it was found with.

use gaba::fuzzing::{TARGETS, is_vouched_for};
use std::path::PathBuf;

/// More are no longer looked at by anybody, and cost every run.
const FILES_MAX: usize = 200;

#[test]
fn what_was_found_by_fuzzing_stays_found() {
    for (name, target) in TARGETS {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
        let files: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!((10..=FILES_MAX).contains(&files.len()), "{name} keeps {} files", files.len());
        for file in files {
            let bytes = std::fs::read(&file).unwrap();
            if std::panic::catch_unwind(|| target(&bytes)).is_err() {
                panic!("{name} fails on {}", file.display());
            }
        }
    }
}

#[test]
fn every_target_of_the_fuzzer_has_its_corpus_and_its_function() {
    let targets = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    let mut files: Vec<String> = std::fs::read_dir(targets)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    files.sort();
    let mut names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    assert_eq!(files, names);
}

/// Otherwise the hooks' targets could hold whatever they are given, because nothing is ever believed.
#[test]
fn the_receipts_that_are_kept_as_genuine_are_believed_and_the_forged_are_not() {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, _) in TARGETS.iter().filter(|(name, _)| name.starts_with("hook_")) {
        for file in std::fs::read_dir(corpus.join(name)).unwrap().map(|entry| entry.unwrap().path()) {
            let vouched = is_vouched_for(name, &std::fs::read(&file).unwrap());
            let kept_as = file.file_name().unwrap().to_string_lossy().into_owned();
            let known = [("genuine-", true), ("unreadable-", true), ("forged-", false)]
                .into_iter()
                .find(|(kind, _)| kept_as.starts_with(kind));
            assert!(known.is_none_or(|(_, genuine)| genuine == vouched), "{name}/{kept_as}");
        }
    }
}

//! From a walk that failed to the few steps of it that still do.

use std::time::{Duration, Instant};

/// How long is spent on it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Leaves out steps, many at a time and then fewer, as long as what is left still fails; `replay` takes steps from the
/// beginning and says what is wrong.
pub fn shrink<Step: Clone>(
    taken: Vec<Step>,
    replay: impl Fn(&[Step]) -> Option<String>,
) -> (Vec<Step>, Option<String>) {
    let began = Instant::now();
    let (mut left, mut wrong) = (taken, None);
    let mut chunk = (left.len() / 2).max(1);
    loop {
        let (mut from, mut smaller) = (0, false);
        while from < left.len() {
            if began.elapsed() > PATIENCE {
                return (left, wrong);
            }
            let rest = left.get(from + chunk..).unwrap_or_default();
            let without = [&left[..from], rest].concat();
            match replay(&without) {
                Some(found) => {
                    (left, wrong, smaller) = (without, Some(found), true);
                }
                None => from += chunk,
            }
        }
        if chunk == 1 && !smaller {
            return (left, wrong);
        }
        chunk = (chunk / 2).max(1);
    }
}

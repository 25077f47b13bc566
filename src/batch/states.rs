//! The life of one upload.

use crate::machine::Transition;
use State::*;

crate::states! {
    /// State of a batch.
    State {
        Importing = "importing",
        ImportFailed = "import_failed",
        Ready = "ready",
        AwaitingApproval = "awaiting_approval",
        Scheduled = "scheduled",
        Running = "running",
        Paused = "paused",
        Cancelling = "cancelling",
        Cancelled = "cancelled",
        Completed = "completed",
    }
    &[
        Transition { from: &[Importing], to: Ready, why: "every row was read and judged" },
        Transition { from: &[Importing], to: ImportFailed, why: "the file cannot be read as a list" },
        Transition { from: &[Ready], to: AwaitingApproval, why: "the maker submitted it" },
        Transition { from: &[AwaitingApproval], to: Ready, why: "rejected with a reason, or withdrawn" },
        Transition { from: &[AwaitingApproval], to: Scheduled, why: "approved for later; funds are held from now" },
        Transition { from: &[AwaitingApproval, Scheduled], to: Running, why: "approved, or its time has come" },
        Transition { from: &[Running], to: Paused, why: "new claims stop; polls and receipts go on" },
        Transition { from: &[Paused], to: Running, why: "resumed" },
        Transition { from: &[Running], to: Completed, why: "every row is final and the hold is at zero" },
        Transition { from: &[Completed], to: Running, why: "failed rows are retried by a person" },
        Transition { from: &[Ready, AwaitingApproval, Scheduled], to: Cancelled, why: "given up before anything was sent" },
        Transition { from: &[Running, Paused], to: Cancelling, why: "what is not sent is cancelled, what is out is waited for" },
        Transition { from: &[Cancelling], to: Cancelled, why: "every row is final" },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::State as _;

    #[test]
    fn only_the_listed_pairs_are_allowed() {
        let allowed = State::ALL
            .iter()
            .flat_map(|&from| State::ALL.iter().map(move |&to| (from, to)))
            .filter(|&(from, to)| from.may_become(to))
            .count();
        assert_eq!(allowed, 17);
        assert!(!Cancelling.may_become(Running));
        assert!(!Cancelled.may_become(Running));
        assert!(!Importing.may_become(Running));
        assert!(!Paused.may_become(Completed), "a paused batch is resumed before it completes");
    }
}

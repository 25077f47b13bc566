//! Walks that are told step by step, where chance would hardly ever come by.

use super::clock::{DAY, SECOND};
use super::command::{Act, Command, Person, Step, Way};
use super::provider::Fate;
use super::walk::replay;

/// A seed whose provider forgets.
const FORGETFUL: u64 = 0;

fn told(commands: Vec<Command>) -> Option<String> {
    let steps: Vec<Step> = commands.into_iter().map(|command| Step { command, fault: None }).collect();
    replay(FORGETFUL, &steps)
}

/// From a list to requests that arrive and whose answers are lost.
fn sent() -> Vec<Command> {
    let act = |by, act| Command::Act { batch: 0, by, act };
    vec![
        Command::Fund { org: 0, amount: 100_000, reference: None },
        Command::Upload { org: 0, rows: 7, bad: 0, sms: false, notify: false, later: None, seed: 1 },
        Command::Import,
        act(Person::Maker, Act::Submit),
        act(Person::Checker, Act::Approve { stale: false }),
        Command::Send { lane: 0, n: 64, wait: false },
        answers(false),
    ]
}

fn answers(heard: bool) -> Command {
    Command::Answer { calls: vec![(0, Way::Through { settled: true, heard }, Fate::Pays); 7] }
}

fn asked() -> [Command; 3] {
    [Command::Wait { span: 400 * SECOND }, Command::Ask { lane: 0, n: 64, wait: false }, answers(true)]
}

#[test]
fn a_clock_that_is_set_back_does_not_make_a_provider_remember_longer() {
    let mut story = sent();
    story.extend([Command::SetClock { wrong: -DAY }, Command::Wait { span: DAY + 600 * SECOND }]);
    for _ in 0..3 {
        story.extend(asked());
    }
    story.extend([Command::Send { lane: 0, n: 64, wait: false }, answers(true)]);
    assert_eq!(told(story), None);
}

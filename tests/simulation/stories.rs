//! Walks that are told step by step, where chance would hardly ever come by.

use super::clock::{DAY, SECOND};
use super::command::{Act, Command, Person, Step, Tale, Way};
use super::provider::Fate;
use super::walk::replay;
use gaba::payout::exception::Verdict;

/// A seed whose provider forgets.
const FORGETFUL: u64 = 0;

fn told(commands: Vec<Command>) -> Option<String> {
    let steps: Vec<Step> = commands.into_iter().map(|command| Step { command, fault: None }).collect();
    replay(FORGETFUL, &steps)
}

/// Two people say the same of an exception.
fn settled(case: usize, verdict: Verdict) -> [Command; 2] {
    [Person::Checker, Person::Finance].map(|by| Command::Verdict { case, by, verdict })
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
    answered(Way::Through { settled: true, heard })
}

fn answered(way: Way) -> Command {
    Command::Answer { calls: vec![(0, way, Fate::Pays); 7] }
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

#[test]
fn a_payment_that_was_taken_back_is_not_posted_back_again() {
    let posted = |tale| [Command::Receipt { which: 0, tale }, Command::Read { n: 64 }];
    let mut story = sent();
    story.extend(posted(Tale::True));
    story.extend(posted(Tale::OtherNumber));
    story.extend(settled(0, Verdict::NotPaid));
    story.extend(posted(Tale::Denied));
    story.extend(settled(1, Verdict::NotPaid));
    assert_eq!(told(story), None);
}

#[test]
fn that_a_resend_is_turned_down_says_nothing_of_the_send_before_it() {
    let mut story = sent();
    for _ in 0..2 {
        story.extend([Command::Wait { span: 400 * SECOND }, Command::Ask { lane: 0, n: 64, wait: false }]);
        story.push(answered(Way::Behind));
    }
    story.extend([Command::Wait { span: 400 * SECOND }, Command::Send { lane: 0, n: 64, wait: false }]);
    story.push(answered(Way::TurnedDown { retryable: false }));
    assert_eq!(told(story), None);
}

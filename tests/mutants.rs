//! The judge judged: the engine without one of its guards ([`gaba::faults::Guard`]), given to those who judge it. A guard that
//! nobody misses is not needed, or the judges do not see: either way it is a failure of this test.
//!
//! Each mutant is this very program once more, with `GABA_WITHOUT=…` and the judges' tests. `make test` takes some that are
//! caught at once; `make mutants` (`GABA_MUTANTS=all`) takes every one, prints who caught it, and with `GABA_BLESS=1` writes the
//! table into `docs/RELIABILITY.md`.

use crate::support::page;
use gaba::faults::Guard;
use std::collections::BTreeMap;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Who judges; the first who notices is named.
struct Judge {
    name: &'static str,
    /// Which tests of this program.
    tests: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
}

const TOLD: Judge = Judge { name: "simulation, a told walk", tests: &["simulation::stories"], environment: &[] };
const SIMULATION: Judge = Judge {
    name: "simulation",
    tests: &["simulation::whatever_goes_wrong"],
    environment: &[("GABA_SIM_SEEDS", "400"), ("GABA_SEED", "1")],
};
const CHAOS: Judge = Judge { name: "chaos", tests: &["chaos::"], environment: &[("GABA_SEED", "1")] };

/// Mutants that are caught at once.
const QUICK: [Guard; 4] = [Guard::UnknownIsAsked, Guard::ResendRefused, Guard::ClosedWhenOver, Guard::HoldKept];

/// Nobody may need longer for one mutant.
const TIME_MAX: Duration = Duration::from_secs(1_200);

struct Caught {
    took: Duration,
    /// The judge's own words.
    saying: String,
}

impl Judge {
    fn look(&self, environment: &[(&str, &str)]) -> (bool, String) {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(self.tests)
            .args(["--nocapture", "--test-threads=1"])
            .env("RUST_BACKTRACE", "0")
            .env_remove("GABA_BLESS");
        command.envs(self.environment.iter().copied()).envs(environment.iter().copied());
        let output = finished(command);
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(!said.contains("running 0 tests"), "{} has no tests", self.name);
        (output.status.success(), said)
    }

    /// Otherwise nothing is proven by what it finds.
    fn is_content_with_the_engine_as_it_is(&self) {
        let (content, said) = self.look(&[("GABA_SIM_SEEDS", "10")]);
        assert!(content, "{} finds fault with the engine as it is: {}", self.name, reason(&said));
    }

    fn catches(&self, guard: Guard) -> Option<Caught> {
        let began = Instant::now();
        let (content, said) = self.look(&[("GABA_WITHOUT", guard.name())]);
        (!content).then(|| Caught { took: began.elapsed(), saying: reason(&said) })
    }
}

/// Waits for a judge, but not for ever; one that gives no verdict in time has noticed nothing.
fn finished(mut command: Command) -> Output {
    let folder = crate::support::Folder::new("mutant");
    let (out, err) = (folder.file("out"), folder.file("err"));
    command.stdout(Stdio::from(std::fs::File::create(&out).unwrap()));
    command.stderr(Stdio::from(std::fs::File::create(&err).unwrap()));
    let mut child = command.spawn().unwrap();
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > TIME_MAX {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("no verdict in {TIME_MAX:?}: {command:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    Output { status, stdout: std::fs::read(out).unwrap(), stderr: std::fs::read(err).unwrap() }
}

/// The line in which a judge says what was wrong: the one that names a seed, or what the first panic said.
fn reason(said: &str) -> String {
    let seed = said.lines().find(|line| line.trim_start().starts_with("seed ") || line.contains("GABA_SEED="));
    let panicked = || {
        let mut words = said.lines().skip_while(|line| !line.contains("panicked at")).skip(1);
        words.find(|line| !line.starts_with("assertion `left == right`"))
    };
    let line = seed.or_else(panicked).unwrap_or("it ended without a word").trim();
    line.chars().take(200).collect::<String>().replace('|', "/")
}

#[test]
fn a_judge_misses_a_guard_that_is_taken_away() {
    let all = std::env::var("GABA_MUTANTS").is_ok_and(|which| which == "all");
    let (guards, judges): (&[Guard], &[Judge]) =
        if all { (Guard::ALL, &[TOLD, SIMULATION, CHAOS]) } else { (&QUICK, &[TOLD]) };
    let (mut table, mut left) = (BTreeMap::new(), guards.to_vec());
    for judge in judges {
        if left.is_empty() {
            break;
        }
        judge.is_content_with_the_engine_as_it_is();
        left.retain(|guard| {
            let Some(Caught { took, saying }) = judge.catches(*guard) else { return true };
            let line = format!("| {} | {} | {:.0} | {saying} |", guard.name(), judge.name, took.as_secs_f64());
            eprintln!("{line}");
            table.insert(*guard, line);
            false
        });
    }
    for guard in &left {
        table.insert(*guard, format!("| {} | **nobody** | | |", guard.name()));
    }
    if all && page::is_blessed() {
        let lines: Vec<String> = table.into_values().collect();
        write(&lines.join("\n"), guards.len() - left.len());
    }
    assert!(left.is_empty(), "nobody misses {:?}", left.iter().map(|guard| guard.name()).collect::<Vec<_>>());
}

#[test]
fn there_are_twenty_guards_to_miss() {
    assert_eq!(Guard::ALL.len(), 20);
}

/// Puts the table where the page has its place.
fn write(table: &str, caught: usize) {
    let head = "| guard taken away | caught by | seconds | in its words |\n|---|---|---:|---|\n";
    page::rewrite("mutants", |_| format!("{caught} of {} caught.\n\n{head}{table}", Guard::ALL.len()));
}

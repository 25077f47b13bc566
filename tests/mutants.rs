//! The judge judged: the engine without one of its guards ([`gaba::faults::Guard`]), given to those who judge it. A guard that
//! nobody misses is not needed, or the judges do not see: either way it is a failure of this test.
//!
//! Each mutant is this very program once more, with `GABA_WITHOUT=…` and the judges' tests. `make test` takes some that are
//! caught at once; `make mutants` (`GABA_MUTANTS=all`) takes every one, prints who caught it, and with `GABA_BLESS=1` writes the
//! table into `docs/RELIABILITY.md`.

use gaba::faults::Guard;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Who judges, in the order of what they cost; the first who notices is named.
struct Judge {
    name: &'static str,
    /// Which tests of this program.
    tests: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
}

const JUDGES: [Judge; 3] = [
    Judge {
        name: "simulation",
        tests: &["simulation::whatever_goes_wrong"],
        environment: &[("GABA_SIM_SEEDS", "400"), ("GABA_SEED", "1")],
    },
    Judge {
        name: "model",
        tests: &["model::whatever_happens"],
        environment: &[("GABA_MODEL_STEPS", "60000"), ("GABA_SEED", "1")],
    },
    Judge { name: "chaos", tests: &["chaos::"], environment: &[("GABA_SEED", "1")] },
];

/// The same without a guard removed must find nothing, or nothing is proven by what it finds; of this much is enough.
const CONTROL: [(&str, &str); 3] = [("GABA_SIM_SEEDS", "20"), ("GABA_MODEL_STEPS", "6000"), ("GABA_SEED", "1")];

/// Mutants that a judge catches within a second or two.
const QUICK: [Guard; 4] = [Guard::UnknownIsAsked, Guard::AcceptedIsNotPaid, Guard::ReceiptMatches, Guard::HoldKept];

/// Nobody may need longer for one mutant.
const TIME_MAX: Duration = Duration::from_secs(1_200);

const BEGIN: &str = "<!-- mutants -->";
const END: &str = "<!-- end of mutants -->";

struct Caught {
    by: &'static str,
    took: Duration,
    /// The judge's own words.
    saying: String,
}

impl Judge {
    /// Whether this program has its tests.
    fn sits(&self) -> bool {
        let listed = Command::new(std::env::current_exe().unwrap()).args(self.tests).arg("--list").output().unwrap();
        String::from_utf8_lossy(&listed.stdout).lines().any(|line| line.ends_with(": test"))
    }

    fn look(&self, environment: &[(&str, &str)]) -> (bool, String) {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(self.tests).args(["--nocapture", "--test-threads=1"]).env("RUST_BACKTRACE", "0");
        command.envs(self.environment.iter().copied()).envs(environment.iter().copied());
        let output = finished(command);
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    fn catches(&self, guard: Guard) -> Option<Caught> {
        let began = Instant::now();
        let (content, said) = self.look(&[("GABA_WITHOUT", guard.name())]);
        (!content).then(|| Caught { by: self.name, took: began.elapsed(), saying: reason(&said) })
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
    let panicked = || said.lines().skip_while(|line| !line.contains("panicked at")).nth(1);
    let line = seed.or_else(panicked).unwrap_or("it ended without a word").trim();
    line.chars().take(200).collect()
}

fn judges() -> Vec<&'static Judge> {
    let sitting: Vec<&Judge> = JUDGES.iter().filter(|judge| judge.sits()).collect();
    assert!(!sitting.is_empty(), "nobody judges");
    sitting
}

#[test]
fn a_judge_misses_a_guard_that_is_taken_away() {
    let all = std::env::var("GABA_MUTANTS").is_ok_and(|which| which == "all");
    let guards: &[Guard] = if all { Guard::ALL } else { &QUICK };
    let judges = judges();
    // Whoever is only there for the whole of it takes too long for every run of the tests.
    let judges: &[&Judge] = if all { &judges } else { &judges[..1] };
    for judge in judges {
        let (content, said) = judge.look(&CONTROL);
        assert!(content, "{} finds fault with the engine as it is: {}", judge.name, reason(&said));
    }
    let (mut table, mut survivors) = (String::new(), Vec::new());
    for guard in guards {
        let caught = judges.iter().find_map(|judge| judge.catches(*guard));
        let line = match &caught {
            Some(Caught { by, took, saying }) => {
                format!("| {} | {by} | {:.1} | {} |", guard.name(), took.as_secs_f64(), saying.replace('|', "/"))
            }
            None => format!("| {} | **nobody** | | |", guard.name()),
        };
        eprintln!("{line}");
        table.push_str(&line);
        table.push('\n');
        survivors.extend(caught.is_none().then_some(guard.name()));
    }
    if all && std::env::var_os("GABA_BLESS").is_some() {
        write(&table, guards.len() - survivors.len());
    }
    assert!(survivors.is_empty(), "nobody misses {survivors:?}");
}

#[test]
fn there_are_twenty_guards_to_miss() {
    assert_eq!(Guard::ALL.len(), 20);
}

/// Puts the table where the page has its place.
fn write(table: &str, caught: usize) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/RELIABILITY.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the place of the mutants");
    let (_, after) = rest.split_once(END).expect("the end of the mutants");
    let head = "| guard taken away | caught by | seconds | in its words |\n|---|---|---:|---|\n";
    let told = format!("{caught} of {} caught.", Guard::ALL.len());
    std::fs::write(&path, format!("{before}{BEGIN}\n{told}\n\n{head}{table}{END}{after}")).unwrap();
}

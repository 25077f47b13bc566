//! The process itself: what it takes away from itself, and what its parent makes of one that misbehaves.

use super::*;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A program that does `script` in place of reading.
fn program(folder: &Folder, script: &str) -> Program {
    let path = folder.file("program");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    Program::new(path)
}

fn begun(program: &Program) -> SheetError {
    open(program, &fixture("payroll_uganda.xlsx")).err().expect("it does not read")
}

/// A frame as `printf` writes it.
fn frame(bytes: &[u8]) -> String {
    let length = (bytes.len() as u32).to_le_bytes();
    let octal: String = length.iter().chain(bytes).map(|b| format!("\\{b:03o}")).collect();
    format!("printf '{octal}'")
}

/// A beginning: format and sheet without a name, nothing known of what is hidden, no hidden columns.
const BEGIN: &[u8] = b"B\0\0\0\0\0\0\0\0\0\0\0\0\0";

#[test]
fn every_way_to_die_is_told() {
    let folder = Folder::new("deaths");
    for (script, code) in [
        ("kill -ABRT $$", "workbook_too_large"),
        ("kill -SEGV $$", "workbook_too_large"),
        ("kill -KILL $$", "workbook_too_large"),
        ("kill -XCPU $$", "workbook_too_slow"),
        ("kill -TERM $$", "sheet_reader_unavailable"),
        ("exit 1", "sheet_reader_unavailable"),
        ("exit 0", "workbook_damaged"),
    ] {
        let error = begun(&program(&folder, script));
        assert_eq!(error.code(), code, "{script}: {error}");
        assert_eq!(error.is_ours(), code == "sheet_reader_unavailable", "{script}");
        let later = begun(&program(&folder, &format!("{}; {script}", frame(BEGIN))));
        assert_eq!(later.code(), code, "after its beginning: {script}");
    }
    let error = begun(&Program::new(folder.file("nothing")));
    assert!(error.is_ours() && matches!(error, SheetError::NotStarted(_)), "{error}");
}

#[test]
fn silence_is_not_waited_for_for_ever() {
    let folder = Folder::new("silence");
    let patience = Duration::from_millis(300);
    let silent = program(&folder, "exec sleep 1000").patient(patience);
    assert_eq!(begun(&silent).code(), "workbook_too_slow");
    let later = program(&folder, &format!("{}; exec sleep 1000", frame(BEGIN))).patient(patience);
    assert_eq!(begun(&later).code(), "workbook_too_slow");
}

#[test]
fn nonsense_is_refused_and_no_length_is_believed() {
    let folder = Folder::new("nonsense");
    let row = |number: u32| {
        let bytes = [&b"R"[..], &number.to_le_bytes(), &[0], &0u32.to_le_bytes()].concat();
        frame(&bytes)
    };
    for script in [
        "echo usage: nothing".to_owned(),
        "printf '\\377\\377\\377\\377B'".to_owned(),
        "exec cat /dev/zero".to_owned(),
        frame(b"R"),
        frame(b"Q"),
        format!("{}; {}", frame(BEGIN), frame(BEGIN)),
        format!("{}; {}; {}", frame(BEGIN), row(2), row(2)),
        format!("{}; {}; {}", frame(BEGIN), row(2), row(1)),
        format!("{}; {}", frame(BEGIN), row(0)),
        format!("{}; {}; {}", frame(BEGIN), row(1), "printf '\\005\\000'"),
    ] {
        let error = begun(&program(&folder, &script));
        assert_eq!(error.code(), "workbook_damaged", "{script}: {error}");
    }
    let ticks = format!("while :; do {}; done", frame(b"T"));
    let error = begun(&program(&folder, &format!("{}; {ticks}", frame(b"X\0\0\0\0\0\0\0\0\0\0\0\0"))));
    assert_eq!(error.code(), "workbook_damaged", "an error without a name ends it: {error}");
}

#[test]
fn the_child_gets_the_file_and_nothing_else() {
    let folder = Folder::new("alone");
    let report = folder.file("report");
    let script = format!("{{ env; pwd; }} > {}; exit 3", report.display());
    // Cargo and this test have set a lot.
    assert!(std::env::vars().count() > 3);
    begun(&program(&folder, &script));
    let text = std::fs::read_to_string(&report).unwrap();
    let known = |line: &&str| ["PWD=/", "SHLVL=1", "_=", "OLDPWD="].iter().any(|k| line.starts_with(k)) || *line == "/";
    let foreign: Vec<&str> = text.lines().filter(|l| !known(l)).collect();
    assert!(foreign.is_empty(), "{foreign:?}");
}

/// Limits as the system shows them of a process that waits for its output to be read.
#[cfg(target_os = "linux")]
#[test]
fn the_child_limits_itself_before_it_reads() {
    let folder = Folder::new("limits");
    let mut list = rust_xlsxwriter::Workbook::new();
    let sheet = list.add_worksheet();
    for row in 0..20_000 {
        sheet.write(row, 0, format!("{row} and more so that the pipe is full")).unwrap();
    }
    list.save(folder.file("list.xlsx")).unwrap();
    let file = File::open(folder.file("list.xlsx")).unwrap();
    let mut child = Command::new(GABA).arg("read-sheet").stdin(file).stdout(Stdio::piped()).spawn().unwrap();
    // The first byte is out: the limits are set.
    let mut out = child.stdout.take().unwrap();
    std::io::Read::read_exact(&mut out, &mut [0; 5]).unwrap();
    let proc = |name: &str| std::fs::read_to_string(format!("/proc/{}/{name}", child.id())).unwrap();
    let limits = proc("limits");
    for (name, limit) in [
        ("Max cpu time", "6"),
        ("Max file size", "0"),
        ("Max core file size", "0"),
        ("Max processes", "0"),
        ("Max open files", "5"),
        ("Max address space", "1073741824"),
    ] {
        let line = limits.lines().find(|l| l.starts_with(name)).unwrap();
        let shown: Vec<&str> = line[name.len()..].split_whitespace().collect();
        assert_eq!(shown[0], limit, "{line}");
    }
    for number in 0..5 {
        let taken = std::fs::read_link(format!("/proc/{}/fd/{number}", child.id())).is_ok();
        assert!(taken, "{number} is free: a file or a socket could be opened");
    }
    assert_eq!(proc("status").lines().find(|l| l.starts_with("Threads:")).unwrap(), "Threads:\t1");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_subcommand_is_hidden_and_says_when_it_has_no_file() {
    let help = Command::new(GABA).arg("--help").output().unwrap();
    assert!(!String::from_utf8_lossy(&help.stdout).contains("read-sheet"));
    let unseekable = Command::new(GABA).arg("read-sheet").stdin(Stdio::null()).output().unwrap();
    assert!(unseekable.status.success(), "what is empty is told: {unseekable:?}");
    assert!(String::from_utf8_lossy(&unseekable.stdout).contains("not_a_list"), "{unseekable:?}");
}

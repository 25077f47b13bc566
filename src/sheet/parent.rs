//! Starting the child and listening to it.

use super::frame::{self, FRAME_BYTES_MAX, Frame, Opening};
use super::{Cell, SheetError, child};
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

const CHUNK_BYTES: usize = 64 * 1024;
/// Read ahead of the judging of rows; then the pipe is full and the child waits.
const CHUNKS_AHEAD: usize = 4;
/// Everything a child may say.
const STREAM_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// How long the child may say nothing.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// How long it is waited for in all, without the time that rows are worked on: the first for a small file, more for a
/// larger one, and less than the lease of an import in any case.
const WAIT_MIN: Duration = Duration::from_secs(15);
const WAIT_PER_MIB: Duration = Duration::from_secs(1);
const WAIT_MAX: Duration = Duration::from_secs(50);

/// The program that reads spreadsheets: `gaba`, wherever it lies.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    silence_max: Duration,
    shown: bool,
}

impl Program {
    pub fn new(path: impl Into<PathBuf>) -> Program {
        Program { path: path.into(), silence_max: SILENCE_MAX, shown: false }
    }

    /// Waits so long for a sign of life.
    pub fn patient(self, silence_max: Duration) -> Program {
        Program { silence_max, ..self }
    }

    /// Asks for what is seen of numbers too.
    pub fn showing(self, shown: bool) -> Program {
        Program { shown, ..self }
    }

    /// Begins to read `file`. The child gets the file and a pipe, and nothing else of ours: no environment, which holds
    /// secrets, and no terminal, whose Ctrl-C is for us.
    pub fn open(&self, file: File) -> Result<Stream, SheetError> {
        let mib = file.metadata().map_err(SheetError::Unreadable)?.len() >> 20;
        let wait = WAIT_MIN + WAIT_PER_MIB.saturating_mul(u32::try_from(mib).unwrap_or(u32::MAX));
        let mut command = Command::new(&self.path);
        command
            .arg(child::COMMAND)
            .args(self.shown.then_some(child::SHOWN))
            .env_clear()
            .current_dir("/")
            .process_group(0);
        command.stdin(file).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(SheetError::NotStarted)?;
        let (sender, chunks) = sync_channel(CHUNKS_AHEAD);
        if let Some(stdout) = child.stdout.take() {
            std::thread::spawn(move || forward(stdout, &sender));
        }
        let mut stream = Stream {
            child,
            chunks,
            silence_max: self.silence_max,
            wait_left: wait.min(WAIT_MAX),
            bytes_left: STREAM_BYTES_MAX,
            buffer: Vec::new(),
            at: 0,
            last_row: 0,
            opening: Opening::default(),
        };
        stream.opening = stream.begin()?;
        Ok(stream)
    }
}

/// Passes on what comes until it ends or nobody wants it.
fn forward(mut stdout: ChildStdout, chunks: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut chunk = vec![0; CHUNK_BYTES];
        let read = stdout.read(&mut chunk).map(|length| chunk.truncate(length));
        let goes_on = read.is_ok() && !chunk.is_empty();
        if chunks.send(read.map(|()| chunk)).is_err() || !goes_on {
            return;
        }
    }
}

/// What a child says. Dropping it ends the child.
pub struct Stream {
    child: Child,
    chunks: Receiver<io::Result<Vec<u8>>>,
    silence_max: Duration,
    wait_left: Duration,
    bytes_left: u64,
    buffer: Vec<u8>,
    /// Where in `buffer` the next frame begins.
    at: usize,
    last_row: u32,
    opening: Opening,
}

/// What comes after the opening.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    Row {
        number: u32,
        hidden: bool,
        cells: Vec<Cell<'a>>,
    },
    /// All rows were read; these visible sheets have cells too.
    End {
        others: Vec<String>,
    },
}

impl Stream {
    pub fn opening(&self) -> &Opening {
        &self.opening
    }

    /// The next row, or the end, which comes once.
    pub fn read_next(&mut self) -> Result<Answer<'_>, SheetError> {
        let frame = self.frame()?;
        match frame::parse(&self.buffer[frame]) {
            Some(Frame::Row { number, hidden, cells }) if number > self.last_row => {
                self.last_row = number;
                Ok(Answer::Row { number, hidden, cells })
            }
            Some(Frame::End { others }) => Ok(Answer::End { others }),
            Some(Frame::Error { code, row, words }) => Err(SheetError::heard(&code, row, &words)),
            _ => Err(nonsense()),
        }
    }

    fn begin(&mut self) -> Result<Opening, SheetError> {
        let frame = self.frame()?;
        match frame::parse(&self.buffer[frame]) {
            Some(Frame::Begin(opening)) => Ok(opening),
            Some(Frame::Error { code, row, words }) => Err(SheetError::heard(&code, row, &words)),
            _ => Err(nonsense()),
        }
    }

    /// Where in the buffer the next frame that is no tick lies.
    fn frame(&mut self) -> Result<Range<usize>, SheetError> {
        loop {
            let length = self.bytes(4)?;
            let length = self.buffer[length].iter().rev().fold(0usize, |n, b| n << 8 | usize::from(*b));
            if length > FRAME_BYTES_MAX {
                return Err(nonsense());
            }
            let frame = self.bytes(length)?;
            if self.buffer[frame.clone()] != *b"T" {
                return Ok(frame);
            }
        }
    }

    fn bytes(&mut self, length: usize) -> Result<Range<usize>, SheetError> {
        while self.buffer.len() - self.at < length {
            let chunk = self.wait()?;
            self.buffer.drain(..self.at);
            self.at = 0;
            self.buffer.extend_from_slice(&chunk);
        }
        let range = self.at..self.at + length;
        self.at = range.end;
        Ok(range)
    }

    /// Waits for the child to say something.
    fn wait(&mut self) -> Result<Vec<u8>, SheetError> {
        let began = Instant::now();
        let chunk = self.chunks.recv_timeout(self.silence_max.min(self.wait_left));
        self.wait_left = self.wait_left.saturating_sub(began.elapsed());
        match chunk {
            Ok(Ok(chunk)) if chunk.is_empty() => Err(self.died()),
            Ok(Ok(chunk)) => {
                self.bytes_left = self.bytes_left.checked_sub(chunk.len() as u64).ok_or_else(|| {
                    SheetError::too_large(format!("its cells are more than {} MiB", STREAM_BYTES_MAX >> 20))
                })?;
                Ok(chunk)
            }
            Ok(Err(why)) => Err(SheetError::NotStarted(why)),
            Err(RecvTimeoutError::Timeout) => Err(SheetError::TooSlow),
            Err(RecvTimeoutError::Disconnected) => Err(self.died()),
        }
    }

    /// Why the child is gone without having said so.
    fn died(&mut self) -> SheetError {
        // It has closed its output: if it is not gone, it goes now.
        let _ = self.child.kill();
        match self.child.wait() {
            Ok(status) => told_by(status),
            Err(why) => SheetError::NotStarted(why),
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn nonsense() -> SheetError {
    SheetError::damaged("it confuses whoever reads it")
}

/// The signals that somebody sends who wants the process to end, and the one of a CPU limit; the same number everywhere.
const HANGUP: i32 = 1;
const INTERRUPT: i32 = 2;
const QUIT: i32 = 3;
const TERMINATE: i32 = 15;
const CPU_LIMIT: i32 = 24;

fn told_by(status: ExitStatus) -> SheetError {
    match (status.signal(), status.code()) {
        (Some(HANGUP | INTERRUPT | QUIT | TERMINATE), _) => SheetError::Stopped,
        (Some(CPU_LIMIT), _) => SheetError::TooSlow,
        // An allocation beyond the limit ends in an abort; a system short of memory kills.
        (Some(_), _) => SheetError::too_large("reading it takes more memory than a list should need"),
        (None, Some(0)) => nonsense(),
        // It could not begin: not our program, or limits that it may not set.
        (None, _) => SheetError::NotStarted(io::Error::other(status.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By number: a job in the background ignores some of these, so none can be sent to a process in a test.
    #[test]
    fn a_reader_that_somebody_ended_says_nothing_of_the_file() {
        for signal in [HANGUP, INTERRUPT, QUIT, TERMINATE] {
            assert!(matches!(told_by(ExitStatus::from_raw(signal)), SheetError::Stopped), "{signal}");
        }
        assert_eq!(told_by(ExitStatus::from_raw(CPU_LIMIT)).code(), "workbook_too_slow");
    }
}

//! `gaba read-sheet`: the process that reads a spreadsheet from its stdin, which is the file itself, and writes frames to
//! its stdout. Nobody calls it by hand.

use super::frame::Writer;
use super::read::{self, Sink};
use super::{Cell, Opening, SheetError, limits};
use std::cell::RefCell;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom};
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::rc::Rc;

/// The subcommand, which no help lists.
pub const COMMAND: &str = "read-sheet";
/// Its argument, when what is seen of numbers is wanted too: it takes half as long again to find out.
pub(super) const SHOWN: &str = "shown";
const WRITE_BYTES: usize = 64 * 1024;
/// Of the file, after which the parent is told that it goes on. A file that unpacks to a thousand times its size does
/// not get there often.
const TICK_BYTES: u64 = 256 * 1024;

/// Whether this process was started to read a spreadsheet: asked before anything else is done.
pub fn is_meant(mut arguments: impl Iterator<Item = impl AsRef<OsStr>>) -> bool {
    arguments.nth(1).is_some_and(|command| command.as_ref() == COMMAND)
}

/// Reads; fails only when it could not even begin, or when nobody listens.
pub fn run() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve() -> io::Result<()> {
    let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    limits::confine(file.metadata()?.len())?;
    let out = Rc::new(RefCell::new(Writer::new(BufWriter::with_capacity(WRITE_BYTES, out))));
    let file = Paced { file, out: out.clone(), untold: 0 };
    let shown = std::env::args_os().nth(2).is_some_and(|argument| argument == SHOWN);
    let mut sink = Teller(out.clone());
    let read = catch_unwind(AssertUnwindSafe(|| read::read(file, shown, &mut sink)));
    let read = read.unwrap_or_else(|_| Err(SheetError::damaged("its parts contradict each other")));
    match read {
        Ok(()) => Ok(()),
        Err(error) => out.borrow_mut().error(&error),
    }
}

type Out = Rc<RefCell<Writer<BufWriter<File>>>>;

struct Teller(Out);

impl Sink for Teller {
    fn begin(&mut self, opening: &Opening) -> Result<(), SheetError> {
        self.0.borrow_mut().begin(opening).map_err(SheetError::Unreadable)
    }

    fn row(&mut self, number: u32, hidden: bool, cells: &[Cell<'_>]) -> Result<(), SheetError> {
        self.0.borrow_mut().row(number, hidden, cells).map_err(SheetError::Unreadable)
    }

    fn end(&mut self, others: &[String]) -> Result<(), SheetError> {
        self.0.borrow_mut().end(others).map_err(SheetError::Unreadable)
    }
}

/// The file, which tells how far it is read.
struct Paced {
    file: File,
    out: Out,
    untold: u64,
}

impl Read for Paced {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.untold += read as u64;
        if self.untold >= TICK_BYTES {
            self.untold = 0;
            self.out.borrow_mut().tick()?;
        }
        Ok(read)
    }
}

impl Seek for Paced {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

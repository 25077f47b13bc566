//! A statement as a workbook: Summary and Transfers.

use super::{Head, Line, Movement, Running};
use crate::clock::Time;
use crate::report::BookError;
use crate::report::xlsx::{self, Cell, Column, Sheet, Table};
use std::fs::File;
use std::path::Path;

const TRANSFERS: [Column; 11] = [
    ("position", 12.0),
    ("time", 20.0),
    ("kind", 12.0),
    ("reference", 24.0),
    ("batch_name", 28.0),
    ("row", 8.0),
    ("in", 16.0),
    ("out", 16.0),
    ("balance", 18.0),
    ("batch_id", 38.0),
    ("payout_id", 38.0),
];

pub struct Book {
    book: xlsx::Book,
    head: Head,
    running: Running,
    transfers: Table,
}

impl Book {
    pub fn new(head: Head, folder: &Path) -> Result<Book, BookError> {
        // Nothing of a statement says when it was made; the stretch it covers says when it is of.
        let created = head.to.or(head.from).unwrap_or(Time(0));
        let mut book = xlsx::Book::new(folder, "Wallet statement", created, head.currency)?;
        let transfers = book.table("Transfers", &TRANSFERS)?;
        Ok(Book { book, running: Running::new(&head), head, transfers })
    }

    fn line(&mut self, line: &Line) -> Result<(), BookError> {
        let position = line.position.to_string();
        let (batch, payout) = (line.batch_id.map(|id| id.to_string()), line.payout_id.map(|id| id.to_string()));
        let cells = [
            Cell::Text(&position),
            Cell::Time(line.at),
            Cell::Text(&line.kind),
            Cell::text(line.reference.as_deref()),
            Cell::text(line.batch_name.as_deref()),
            line.row.map_or(Cell::Empty, |row| Cell::Count(row.into())),
            Cell::amount(line.incoming.as_deref()),
            Cell::amount(line.outgoing.as_deref()),
            Cell::Amount(&line.balance),
            Cell::text(batch.as_deref()),
            Cell::text(payout.as_deref()),
        ];
        self.transfers.row(&mut self.book, &cells)
    }

    fn summary(&mut self) -> Result<Sheet, BookError> {
        let (book, head) = (&mut self.book, &self.head);
        let mut sheet = book.sheet("Summary", &[18.0, 40.0])?;
        sheet.heading(book, &["Wallet statement"])?;
        let (wallet, position) = (head.wallet.to_string(), head.position.to_string());
        let money = [head.opening.amount(), head.incoming.amount(), head.outgoing.amount(), head.closing().amount()];
        for (what, cell) in [
            ("wallet", Cell::Text(&wallet)),
            ("currency", Cell::Text(head.currency.code())),
            ("from", Cell::time(head.from)),
            ("to", Cell::time(head.to)),
            ("ledger_position", Cell::Text(&position)),
            ("opening", Cell::Amount(&money[0])),
            ("in", Cell::Amount(&money[1])),
            ("out", Cell::Amount(&money[2])),
            ("closing", Cell::Amount(&money[3])),
        ] {
            sheet.row(book, &[Cell::Text(what), cell])?;
        }
        Ok(sheet)
    }
}

impl crate::report::Book<Movement> for Book {
    fn lines(&mut self, movements: &[Movement]) -> Result<(), BookError> {
        let lines = self.running.lines(movements);
        lines.iter().try_for_each(|line| self.line(line))
    }

    fn save(mut self: Box<Self>, file: &File) -> Result<(), BookError> {
        let summary = self.summary()?;
        self.book.push([summary]);
        self.book.push(self.transfers.sheets());
        self.book.save(file)
    }
}

//! The settlement report as a workbook: Summary, Payments (a row per recipient of the upload), Failures (those who were
//! not paid or not reached, or from whom the provider took it back, and why).

use super::{Head, Line, Sum, Summary};
use crate::batch::Kind;
use crate::money::Money;
use crate::report::BookError;
use crate::report::xlsx::{self, Cell, Column, Sheet, Table};
use std::fs::File;
use std::path::Path;

const PAYMENTS: [Column; 18] = [
    ("row", 8.0),
    ("reference", 16.0),
    ("name", 28.0),
    ("msisdn", 15.0),
    ("network", 10.0),
    ("amount", 14.0),
    ("fee", 10.0),
    ("tax", 10.0),
    ("total", 14.0),
    ("state", 11.0),
    ("reason", 40.0),
    ("attempts", 9.0),
    ("sent_at", 20.0),
    ("settled_at", 20.0),
    ("provider_transaction_id", 26.0),
    ("provider_reference", 38.0),
    ("payout_id", 38.0),
    ("paid_amount", 14.0),
];
const FAILURES: [Column; 9] = [
    ("row", 8.0),
    ("reference", 16.0),
    ("name", 28.0),
    ("msisdn", 15.0),
    ("amount", 14.0),
    ("state", 11.0),
    ("reason_code", 26.0),
    ("reason", 60.0),
    ("attempts", 9.0),
];

pub struct Book {
    book: xlsx::Book,
    head: Head,
    summary: Summary,
    payments: Table,
    failures: Table,
}

impl Book {
    pub fn new(head: Head, folder: &Path) -> Result<Book, BookError> {
        let batch = &head.batch;
        let created = batch.completed_at.or(batch.approved_at).unwrap_or(batch.created_at);
        let title = format!("Settlement report: {}", batch.name);
        let mut book = xlsx::Book::new(folder, &title, created, batch.currency)?;
        let (payments, failures) = (book.table("Payments", &PAYMENTS)?, book.table("Failures", &FAILURES)?);
        Ok(Book { book, summary: Summary::of(batch), head, payments, failures })
    }

    fn line(&mut self, line: &Line) -> Result<(), BookError> {
        let text = |value: &'_ Option<String>| -> Option<String> { value.clone() };
        // Of a row left out the amount is what was uploaded, number or not.
        let amount = match line.is_left_out() {
            false => Cell::amount(line.amount.as_deref()),
            true => Cell::text(line.amount.as_deref()),
        };
        let reason = text(&line.reason).or_else(|| text(&line.reason_code));
        let (payout, reference) =
            (line.payout_id.map(|id| id.to_string()), line.provider_reference.map(|id| id.to_string()));
        let payment = [
            Cell::Count(line.row.into()),
            Cell::text(line.reference.as_deref()),
            Cell::text(line.name.as_deref()),
            Cell::text(line.msisdn.as_deref()),
            Cell::text(line.network.as_deref()),
            amount,
            Cell::amount(line.fee.as_deref()),
            Cell::amount(line.tax.as_deref()),
            Cell::amount(line.total.as_deref()),
            Cell::Text(&line.state),
            Cell::text(reason.as_deref()),
            Cell::Count(line.attempts.into()),
            Cell::time(line.sent_at),
            Cell::time(line.settled_at),
            Cell::text(line.provider_transaction_id.as_deref()),
            Cell::text(reference.as_deref()),
            Cell::text(payout.as_deref()),
            Cell::amount(line.paid_amount.as_deref()),
        ];
        self.payments.row(&mut self.book, &payment)?;
        if !line.is_failure(self.head.batch.kind) {
            return Ok(());
        }
        let failure = [
            Cell::Count(line.row.into()),
            Cell::text(line.reference.as_deref()),
            Cell::text(line.name.as_deref()),
            Cell::text(line.msisdn.as_deref()),
            amount,
            Cell::Text(&line.state),
            Cell::text(line.reason_code.as_deref()),
            Cell::text(line.reason.as_deref()),
            Cell::Count(line.attempts.into()),
        ];
        self.failures.row(&mut self.book, &failure)
    }

    fn summary(&mut self) -> Result<Sheet, BookError> {
        let (book, head) = (&mut self.book, &self.head);
        let mut sheet = book.sheet("Summary", &[26.0, 18.0, 16.0, 14.0, 14.0, 18.0])?;
        about(&mut sheet, book, head)?;
        sheet.row(book, &[])?;
        sheet.heading(book, &["state", "recipients", "amount", "fee", "tax", "total"])?;
        let mut all = Sum::default();
        for (state, sum) in self.summary.states() {
            sums(&mut sheet, book, head, state, sum)?;
            all.rows += sum.rows;
            all.amount += sum.amount;
            all.fee += sum.fee;
            all.tax += sum.tax;
            all.total += sum.total;
        }
        sums(&mut sheet, book, head, "all", all)?;
        sheet.row(book, &[])?;
        sheet.heading(book, &["ledger", "transfers", "amount", "from", "to"])?;
        for sum in &head.ledger {
            let cells = [
                Cell::Text(&sum.kind),
                Cell::Count(sum.transfers),
                Cell::Amount(&sum.amount.amount()),
                Cell::Text(&sum.from),
                Cell::Text(&sum.to),
            ];
            sheet.row(book, &cells)?;
        }
        ties(&mut sheet, book, head, &self.summary)?;
        Ok(sheet)
    }
}

impl crate::report::Book<Line> for Book {
    fn lines(&mut self, lines: &[Line]) -> Result<(), BookError> {
        self.summary.add(lines);
        lines.iter().try_for_each(|line| self.line(line))
    }

    fn save(mut self: Box<Self>, file: &File) -> Result<(), BookError> {
        let summary = self.summary()?;
        self.book.push([summary]);
        self.book.push(self.payments.sheets());
        self.book.push(self.failures.sheets());
        self.book.save(file)
    }
}

/// What the report is of.
fn about(sheet: &mut Sheet, book: &xlsx::Book, head: &Head) -> Result<(), BookError> {
    let batch = &head.batch;
    let (id, state, position) = (batch.id.to_string(), batch.state.to_string(), head.position.to_string());
    sheet.heading(book, &["Settlement report"])?;
    for (what, cell) in [
        ("batch", Cell::Text(&batch.name)),
        ("batch_id", Cell::Text(&id)),
        ("file", Cell::Text(&batch.file_name)),
        ("currency", Cell::Text(batch.currency.code())),
        ("state", Cell::Text(&state)),
        ("ledger_position", Cell::Text(&position)),
        ("digest", Cell::text(batch.digest.as_deref())),
        ("uploaded_by", Cell::Text(&batch.created_by_label)),
        ("uploaded_at", Cell::Time(batch.created_at)),
        ("approved_by", Cell::text(batch.approved_by_label.as_deref())),
        ("approved_at", Cell::time(batch.approved_at)),
        ("completed_at", Cell::time(batch.completed_at)),
    ] {
        sheet.row(book, &[Cell::Text(what), cell])?;
    }
    Ok(())
}

fn sums(sheet: &mut Sheet, book: &xlsx::Book, head: &Head, state: &str, sum: Sum) -> Result<(), BookError> {
    let money = |minor| Money::new(minor, head.batch.currency).amount();
    let (amount, fee, tax, total) = (money(sum.amount), money(sum.fee), money(sum.tax), money(sum.total));
    let cells = [
        Cell::Text(state),
        Cell::Count(sum.rows),
        Cell::Amount(&amount),
        Cell::Amount(&fee),
        Cell::Amount(&tax),
        Cell::Amount(&total),
    ];
    sheet.row(book, &cells)
}

/// The lines beside the ledger.
fn ties(sheet: &mut Sheet, book: &xlsx::Book, head: &Head, summary: &Summary) -> Result<(), BookError> {
    let view = summary.view(head);
    let (sums, why): (&[_], _) = match head.batch.kind {
        Kind::Payout => (
            &[
                ("paid, by the lines", &view.paid),
                ("taken back by providers", &view.taken_back),
                ("sent out, by the ledger", &view.sent_out),
            ],
            "The batch ran while this was made, or somebody was paid twice: see the exceptions.",
        ),
        // What is not delivered is charged like what is.
        Kind::Sms => (
            &[("charged, by the lines", &view.paid), ("charged, by the ledger", &view.sent_out)],
            "The batch ran while this was made; if it did not, ask your operator to check the ledger.",
        ),
    };
    sheet.row(book, &[])?;
    for (what, amount) in sums.iter().chain([&("difference", &view.difference)]) {
        sheet.row(book, &[Cell::Text(what), Cell::Empty, Cell::Amount(amount)])?;
    }
    if view.difference != Money::new(0, head.batch.currency).amount() {
        sheet.row(book, &[Cell::Text(why)])?;
    }
    Ok(())
}

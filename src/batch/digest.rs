//! The digest: what an approval is bound to.
//!
//! SHA-256 over the terms of a batch, its payable rows and its excluded rows, in the byte format of `docs/DIGEST.md`.
//! Whatever changes what is paid or said changes the digest; what only changes *how* it is paid (the lane a number is
//! routed over, its network, who approved) does not, so that an operator can move numbers to another lane without
//! voiding an approval.

use crate::ids::{BatchId, OrganisationId};
use crate::money::Currency;
use crate::phone::Msisdn;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Of the byte format; the first byte hashed.
const VERSION: u8 = 1;

const TERMS: u8 = b'T';
const ROW: u8 = b'R';
const EXCLUDED: u8 = b'X';
const END: u8 = b'E';

/// What holds for every row of the batch.
#[derive(Clone, Debug)]
pub struct DigestTerms<'a> {
    pub organisation: OrganisationId,
    pub batch: BatchId,
    /// `payout` or `sms`.
    pub kind: &'a str,
    pub currency: Currency,
    pub sms_template: Option<&'a str>,
    /// Whether the paid get an SMS.
    pub notify: bool,
    /// Microseconds since the Unix epoch.
    pub scheduled_at: Option<i64>,
}

/// One payable row. Amounts in minor units of the batch's currency.
#[derive(Clone, Debug)]
pub struct DigestRow<'a> {
    pub row: u32,
    pub msisdn: &'a Msisdn,
    pub amount: i64,
    pub fee: i64,
    pub tax: i64,
    pub name: &'a str,
    pub reference: Option<&'a str>,
    pub note: Option<&'a str>,
    pub variables: &'a BTreeMap<String, String>,
}

/// Hashes a batch: terms, then payable rows in row order, then excluded rows in row order.
///
/// # Panics
///
/// When the rows come in another order: a digest over them would be another batch's.
pub struct Digester {
    hash: Sha256,
    rows: u32,
    excluded: u32,
    last_row: Option<u32>,
    last_excluded: Option<u32>,
}

impl Digester {
    pub fn new(terms: &DigestTerms<'_>) -> Digester {
        let mut digester = Digester { hash: Sha256::new(), rows: 0, excluded: 0, last_row: None, last_excluded: None };
        digester.hash.update([VERSION, TERMS]);
        digester.bytes(terms.organisation.as_bytes());
        digester.bytes(terms.batch.as_bytes());
        digester.text(terms.kind);
        digester.text(terms.currency.code());
        digester.optional(terms.sms_template);
        digester.hash.update([u8::from(terms.notify)]);
        match terms.scheduled_at {
            None => digester.hash.update([0]),
            Some(micros) => {
                digester.hash.update([1]);
                digester.hash.update(micros.to_be_bytes());
            }
        }
        digester
    }

    pub fn row(&mut self, row: &DigestRow<'_>) {
        assert!(self.last_row.is_none_or(|last| last < row.row), "rows are digested in row order");
        assert!(self.excluded == 0, "payable rows are digested before excluded ones");
        self.last_row = Some(row.row);
        self.rows += 1;
        self.hash.update([ROW]);
        self.hash.update(row.row.to_be_bytes());
        self.text(row.msisdn.as_str());
        for minor in [row.amount, row.fee, row.tax] {
            self.hash.update(minor.to_be_bytes());
        }
        self.text(row.name);
        self.optional(row.reference);
        self.optional(row.note);
        self.hash.update((row.variables.len() as u64).to_be_bytes());
        for (name, value) in row.variables {
            self.text(name);
            self.text(value);
        }
    }

    pub fn excluded(&mut self, row: u32) {
        assert!(self.last_excluded.is_none_or(|last| last < row), "excluded rows are digested in row order");
        self.last_excluded = Some(row);
        self.excluded += 1;
        self.hash.update([EXCLUDED]);
        self.hash.update(row.to_be_bytes());
    }

    /// `sha256:` and 64 hexadecimal digits.
    pub fn finish(mut self) -> String {
        self.hash.update([END]);
        self.hash.update(self.rows.to_be_bytes());
        self.hash.update(self.excluded.to_be_bytes());
        format!("sha256:{}", hex::encode(self.hash.finalize()))
    }

    /// Length first: ("ab","c") and ("a","bc") must not meet.
    fn bytes(&mut self, bytes: &[u8]) {
        self.hash.update((bytes.len() as u64).to_be_bytes());
        self.hash.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Absent and empty differ.
    fn optional(&mut self, text: Option<&str>) {
        match text {
            None => self.hash.update([0]),
            Some(text) => {
                self.hash.update([1]);
                self.text(text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn terms() -> DigestTerms<'static> {
        DigestTerms {
            organisation: Uuid::from_u128(1),
            batch: Uuid::from_u128(2),
            kind: "payout",
            currency: Currency::Ugx,
            sms_template: None,
            notify: true,
            scheduled_at: None,
        }
    }

    fn kept<T>(value: T) -> &'static T {
        Box::leak(Box::new(value))
    }

    /// The example of docs/DIGEST.md; `change` alters one thing of it.
    fn digest(terms: &DigestTerms<'_>, change: impl FnOnce(&mut DigestRow<'static>), excluded: &[u32]) -> String {
        let mut row = DigestRow {
            row: 2,
            msisdn: kept(Msisdn::from_digits("256772123456").unwrap()),
            amount: 50_000,
            fee: 500,
            tax: 250,
            name: "Amina Nakato",
            reference: Some("S-001"),
            note: None,
            variables: kept(BTreeMap::from([("Department".to_owned(), "Finance".to_owned())])),
        };
        change(&mut row);
        let mut digester = Digester::new(terms);
        digester.row(&row);
        excluded.iter().for_each(|row| digester.excluded(*row));
        digester.finish()
    }

    #[test]
    fn the_documented_example_holds() {
        let document = include_str!("../../docs/DIGEST.md");
        let example = digest(&terms(), |_| {}, &[3]);
        assert!(document.contains(&example), "docs/DIGEST.md does not show {example}");
        let hex: String = document
            .lines()
            .filter_map(|line| line.strip_prefix("    "))
            .flat_map(|line| line.split("  ").next().unwrap_or("").split(' '))
            .collect();
        let bytes = hex::decode(&hex).expect("the example's bytes are hexadecimal");
        assert_eq!(format!("sha256:{}", hex::encode(Sha256::digest(bytes))), example);
    }

    #[test]
    fn whatever_changes_what_is_paid_or_said_changes_the_digest() {
        let other = kept(Msisdn::from_digits("256772123457").unwrap());
        let none = kept(BTreeMap::new());
        let base = || terms();
        let all = [
            digest(&base(), |_| {}, &[3]),
            digest(&base(), |_| {}, &[]),
            digest(&base(), |_| {}, &[4]),
            digest(&base(), |_| {}, &[3, 4]),
            digest(&base(), |r| r.row = 4, &[3]),
            digest(&base(), |r| r.msisdn = other, &[3]),
            digest(&base(), |r| r.amount += 1, &[3]),
            digest(&base(), |r| r.fee += 1, &[3]),
            digest(&base(), |r| r.tax += 1, &[3]),
            digest(&base(), |r| r.name = "", &[3]),
            digest(&base(), |r| r.reference = None, &[3]),
            digest(&base(), |r| r.reference = Some(""), &[3]),
            digest(&base(), |r| r.note = Some("S-001"), &[3]),
            digest(&base(), |r| r.variables = none, &[3]),
            digest(&DigestTerms { organisation: Uuid::from_u128(9), ..base() }, |_| {}, &[3]),
            digest(&DigestTerms { batch: Uuid::from_u128(9), ..base() }, |_| {}, &[3]),
            digest(&DigestTerms { kind: "sms", ..base() }, |_| {}, &[3]),
            digest(&DigestTerms { currency: Currency::Kes, ..base() }, |_| {}, &[3]),
            digest(&DigestTerms { sms_template: Some(""), ..base() }, |_| {}, &[3]),
            digest(&DigestTerms { sms_template: Some("Dear ((name))"), ..base() }, |_| {}, &[3]),
            digest(&DigestTerms { notify: false, ..base() }, |_| {}, &[3]),
            digest(&DigestTerms { scheduled_at: Some(0), ..base() }, |_| {}, &[3]),
        ];
        for (i, one) in all.iter().enumerate() {
            assert!(!all[..i].contains(one), "change {i} does not change the digest");
        }
        assert_eq!(all[0], digest(&base(), |_| {}, &[3]));
    }

    #[test]
    #[should_panic(expected = "row order")]
    fn rows_out_of_order_are_a_mistake_of_the_caller() {
        let mut digester = Digester::new(&terms());
        digester.excluded(3);
        digester.excluded(3);
    }
}

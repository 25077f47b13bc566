//! The shapes of MTN's Disbursement API: the transfer we write, the status answer and callback we read.
//!
//! Source: momodeveloper portal (Disbursement v1_0) and npm `mtn-momo` 2.0.0. `reason` comes as a bare string or as
//! `{code, message}`; amounts are strings, numbers are tolerated.

use crate::rail::wire::Stated;
use crate::rail::{Reason, Transfer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Longest `payerMessage` and `payeeNote` that MTN takes.
pub const NOTE_CHARS_MAX: usize = 160;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TransferBody<'a> {
    amount: String,
    currency: &'a str,
    external_id: String,
    payee: Party<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payer_message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payee_note: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Party<'a> {
    party_id_type: &'a str,
    party_id: &'a str,
}

/// The body of a transfer: the same text for the same transfer, always.
pub fn transfer_body(transfer: &Transfer) -> String {
    let note = transfer.note.as_deref().map(clean_note).filter(|n| !n.is_empty());
    let body = TransferBody {
        amount: transfer.amount.amount(),
        currency: transfer.amount.currency.code(),
        external_id: transfer.payout.to_string(),
        payee: Party { party_id_type: "MSISDN", party_id: transfer.msisdn.as_str() },
        payer_message: note.as_deref(),
        payee_note: note.as_deref(),
    };
    serde_json::to_string(&body).expect("a struct of strings is always JSON")
}

/// A note as MTN takes it. An apostrophe alone makes MTN refuse a transfer, and no note is worth that: ASCII letters,
/// digits, spaces and `. , -` stay, Latin accents are dropped from their letters, all else becomes a space.
pub fn clean_note(note: &str) -> String {
    let plain: String = note.chars().map(plain_letter).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let mut note = words.join(" ");
    // All ASCII by now: bytes are characters.
    note.truncate(NOTE_CHARS_MAX);
    note.trim_end().to_owned()
}

fn plain_letter(letter: char) -> char {
    match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | ',' | '-' => letter,
        'à' | 'á' | 'â' | 'ã' | 'ä' => 'a',
        'ç' => 'c',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' => 'i',
        'ñ' => 'n',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' => 'o',
        'ù' | 'ú' | 'û' | 'ü' => 'u',
        'À' | 'Á' | 'Â' | 'Ä' => 'A',
        'Ç' => 'C',
        'È' | 'É' | 'Ê' | 'Ë' => 'E',
        'Î' | 'Ï' => 'I',
        'Ô' | 'Ö' => 'O',
        'Ù' | 'Û' | 'Ü' => 'U',
        _ => ' ',
    }
}

/// The status answer, and the body of a callback.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub status: String,
    amount: Option<Value>,
    currency: Option<Value>,
    financial_transaction_id: Option<Value>,
    external_id: Option<Value>,
    payee: Option<Payee>,
    reason: Option<Value>,
    reference_id: Option<Value>,
    reference: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payee {
    party_id: Option<Value>,
}

impl Status {
    /// Code and words of a failure; `None` when MTN gave none. A reason of another shape gets a code that is in no
    /// table, and so settles nothing.
    pub fn reason(&self) -> Option<Reason> {
        let coded = |reason: &Value| {
            let message = reason.get("message").and_then(Value::as_str).unwrap_or("");
            reason.get("code").and_then(Value::as_str).map(|code| Reason::told(code, message))
        };
        match self.reason.as_ref()? {
            Value::Null => None,
            Value::String(code) if code.is_empty() => None,
            Value::String(code) => Some(Reason::told(code, "")),
            other => Some(coded(other).unwrap_or_else(|| Reason::told("unreadable_reason", &other.to_string()))),
        }
    }

    /// Our reference, where a callback names it (MTN documents no such field).
    pub fn reference(&self) -> Option<Uuid> {
        let text = self.reference_id.as_ref().or(self.reference.as_ref())?.as_str()?;
        Uuid::try_parse(text).ok()
    }

    pub fn stated(self) -> Stated {
        Stated {
            transaction_id: self.financial_transaction_id,
            amount: self.amount,
            currency: self.currency,
            msisdn: self.payee.and_then(|p| p.party_id),
            payout_id: self.external_id,
        }
    }
}

/// The answer of the token endpoint. `expires_in` in seconds, as a number or a string.
#[derive(Deserialize)]
pub struct TokenBody {
    pub access_token: String,
    pub expires_in: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BalanceBody {
    pub available_balance: Option<Value>,
    pub currency: Option<Value>,
}

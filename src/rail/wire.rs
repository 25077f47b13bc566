//! What several protocols share: the `{code, message}` of a refusal, and reading what a provider states of a payment.
//!
//! A statement is read strictly. What is absent stays absent (the engine then asks); what is present but cannot be read
//! makes the whole answer `Unknown`: it must never count as absent, or a wrong amount could pass for a missing one.

use super::client::Reply;
use super::{Outcome, Payment, Reason};
use crate::money::{Currency, Money};
use serde::Deserialize;
use serde_json::Value;

/// The body of a refusal, or of an error.
#[derive(Debug, Default, Deserialize)]
pub struct ErrorBody {
    pub code: Option<String>,
    pub message: Option<String>,
}

impl ErrorBody {
    /// Of an answer that is no JSON object with these fields: both absent.
    pub fn of(reply: &Reply) -> ErrorBody {
        let body: ErrorBody = reply.json().unwrap_or_default();
        ErrorBody { code: body.code.filter(|c| !c.is_empty()), ..body }
    }

    /// The provider's own code and words, or the HTTP status where it gave no code.
    pub fn reason(&self, status: u16) -> Reason {
        let code = self.code.clone().unwrap_or_else(|| format!("http_{status}"));
        match &self.message {
            Some(message) => Reason::told(&code, message),
            None => Reason::told(&code, &format!("the provider answered HTTP {status}")),
        }
    }
}

/// The `Unknown` for an answer this rail has no meaning for.
pub fn unknown(reply: &Reply) -> Outcome {
    Outcome::Unknown { reason: ErrorBody::of(reply).reason(reply.status) }
}

/// A payment as a provider states it, not yet read.
#[derive(Debug, Default)]
pub struct Stated {
    pub transaction_id: Option<Value>,
    pub amount: Option<Value>,
    pub currency: Option<Value>,
    pub msisdn: Option<Value>,
    pub payout_id: Option<Value>,
}

impl Stated {
    /// `Paid`, or `Unknown` where a field cannot be read or the provider's own id is missing. `lane_currency` gives the
    /// decimals of an amount that comes without a currency.
    pub fn paid(self, lane_currency: Option<Currency>) -> Outcome {
        match self.read(lane_currency) {
            Ok(payment) if payment.transaction_id.is_none() => Outcome::Unknown {
                reason: Reason::new("no_transaction_id", "the provider says paid, without an id of its own"),
            },
            Ok(payment) => Outcome::Paid(payment),
            Err(why) => Outcome::Unknown { reason: Reason::told("unreadable_answer", &why) },
        }
    }

    fn read(self, lane_currency: Option<Currency>) -> Result<Payment, String> {
        let currency = match text(self.currency, "currency")? {
            Some(code) => Some(code.parse::<Currency>().map_err(|e| e.to_string())?),
            None => None,
        };
        let amount_minor = match (text(self.amount, "amount")?, currency.or(lane_currency)) {
            (None, _) => None,
            (Some(amount), Some(currency)) => Some(Money::parse(&amount, currency).map_err(|e| e.to_string())?.minor),
            (Some(_), None) => return Err("the amount has no currency".to_owned()),
        };
        let msisdn = text(self.msisdn, "msisdn")?.map(|m| m.trim_start_matches('+').to_owned());
        Ok(Payment {
            transaction_id: text(self.transaction_id, "transaction id")?.filter(|id| !id.is_empty()),
            amount_minor,
            currency,
            msisdn,
            payout_id: text(self.payout_id, "payout id")?,
        })
    }
}

/// A string, or a number as it was written; `null` is absent.
fn text(value: Option<Value>, name: &str) -> Result<Option<String>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(format!("the {name} is neither text nor a number")),
    }
}

/// A balance as providers state it.
pub fn balance(amount: Option<Value>, currency: Option<Value>) -> Result<Money, Reason> {
    let read = || {
        let currency = text(currency, "currency")?.ok_or("the balance has no currency")?;
        let currency: Currency = currency.parse().map_err(|e: crate::money::MoneyError| e.to_string())?;
        let amount = text(amount, "balance")?.ok_or("the answer has no balance")?;
        Money::parse(&amount, currency).map_err(|e| e.to_string())
    };
    read().map_err(|why: String| Reason::told("unreadable_answer", &why))
}

#[cfg(test)]
mod tests;

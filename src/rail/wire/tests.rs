use super::*;
use serde_json::json;

fn stated(value: Value) -> Stated {
    Stated {
        transaction_id: value.get("id").cloned(),
        amount: value.get("amount").cloned(),
        currency: value.get("currency").cloned(),
        msisdn: value.get("msisdn").cloned(),
        payout_id: value.get("payout").cloned(),
    }
}

#[test]
fn a_whole_statement_is_read_to_its_minor_units() {
    let whole = json!({"id": "t1", "amount": "12.50", "currency": "KES", "msisdn": "+254700000001", "payout": "p"});
    let payment = Payment {
        transaction_id: Some("t1".into()),
        amount_minor: Some(1_250),
        currency: Some(Currency::Kes),
        msisdn: Some("254700000001".into()),
        payout_id: Some("p".into()),
    };
    assert_eq!(stated(whole).paid(None), Outcome::Paid(payment));
}

#[test]
fn what_is_absent_stays_absent() {
    let bare = Payment { transaction_id: Some("7".into()), ..Payment::default() };
    assert_eq!(stated(json!({"id": 7, "amount": null})).paid(None), Outcome::Paid(bare));
    let Outcome::Paid(payment) = stated(json!({"id": "t", "amount": 500})).paid(Some(Currency::Ugx)) else { panic!() };
    assert_eq!((payment.amount_minor, payment.currency), (Some(500), None));
}

#[test]
fn what_cannot_be_read_makes_it_unknown() {
    for bad in [
        json!({"id": "t", "amount": "1,000"}),
        json!({"id": "t", "amount": ""}),
        json!({"id": "t", "amount": "0.5"}),
        json!({"id": "t", "amount": 1e30}),
        json!({"id": "t", "amount": -5}),
        json!({"id": "t", "amount": {"value": 5}}),
        json!({"id": "t", "currency": "ZZZ"}),
        json!({"id": "t", "msisdn": ["256"]}),
        json!({"id": ""}),
        json!({"amount": "500"}),
    ] {
        let outcome = stated(bad.clone()).paid(Some(Currency::Ugx));
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{bad}: {outcome:?}");
    }
    assert!(matches!(stated(json!({"id": "t", "amount": "5"})).paid(None), Outcome::Unknown { .. }));
}

#[test]
fn a_refusal_without_a_code_is_named_after_its_status() {
    let reply = |body: &str| Reply { status: 502, body: body.as_bytes().to_vec(), retry_after: None };
    assert_eq!(ErrorBody::of(&reply("<html>")).reason(502).code, "http_502");
    assert_eq!(ErrorBody::of(&reply(r#"{"code":""}"#)).reason(502).code, "http_502");
    assert_eq!(ErrorBody::of(&reply(r#"{"code":"X","message":"why"}"#)).reason(502), Reason::new("X", "why"));
    let long = format!(r#"{{"code":"{}"}}"#, "é".repeat(5_000));
    assert_eq!(ErrorBody::of(&reply(&long)).reason(502).code.chars().count(), Reason::CODE_CHARS_MAX);
}

#[test]
fn a_balance_needs_its_currency() {
    assert_eq!(balance(Some(json!("1000")), Some(json!("UGX"))), Ok(Money::new(1_000, Currency::Ugx)));
    assert_eq!(balance(Some(json!("10.00")), Some(json!("EUR"))), Ok(Money::new(1_000, Currency::Eur)));
    assert!(balance(Some(json!("1000")), None).is_err());
    assert!(balance(None, Some(json!("UGX"))).is_err());
}

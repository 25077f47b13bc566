//! Errors as the API tells them: RFC 9457 `application/problem+json` with a stable `code`.
//!
//! There is one mapping from what the store refuses to a status and a code, here. A refusal is the caller's to read and
//! says what to do; trouble of ours is logged with its cause and told without it.
//!
//! A [`Problem`] becomes a response without a body; [`render`] writes the body once the request's id is known, so that no
//! handler has to pass it around.

use crate::money::MoneyView;
use crate::store::{Refusal, StoreError};
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");
/// After a database that was not available.
const RETRY_AFTER_SECONDS: u32 = 2;

/// A code that problems have, and what it tells.
pub struct Code {
    pub name: &'static str,
    pub status: u16,
    pub meaning: &'static str,
}

const fn code(status: u16, name: &'static str, meaning: &'static str) -> Code {
    Code { name, status, meaning }
}

/// Every code there is.
pub const CODES: [Code; 28] = [
    code(400, "invalid_request", "the request is not as described here; `errors` says where"),
    code(401, "unauthenticated", "no valid API key came with the request"),
    code(403, "forbidden", "the key's role may not do this"),
    code(
        403,
        "self_approval",
        "whoever uploaded, corrected or submitted a batch may not approve it, nor have what failed paid again",
    ),
    code(404, "not_found", "there is nothing here that belongs to you"),
    code(405, "method_not_allowed", "the address does not take this method"),
    code(409, "conflict", "it changed meanwhile; look again"),
    code(409, "invalid_state", "`state` does not allow this"),
    code(409, "digest_mismatch", "the batch changed since it was looked at; `digest` is the present one"),
    code(409, "insufficient_funds", "the wallet has `available` and `needed` is needed"),
    code(409, "rows_invalid", "`invalid` rows cannot be paid and were not excluded"),
    code(409, "nothing_to_pay", "no row of the batch can be paid"),
    code(409, "declared_mismatch", "the upload `declared` something else than was `found`"),
    code(
        409,
        "duplicates_changed",
        "the rows in `errors` have become doubles of another list; a new submit accepts them",
    ),
    code(409, "nobody_is_told", "the batch was uploaded without notify=true"),
    code(409, "too_many_tests", "all test messages of this batch were sent"),
    code(409, "in_quarantine", "the installation is in quarantine; what was scheduled may have run meanwhile"),
    code(409, "too_early", "a payment can be made anew from `at` on"),
    code(
        409,
        "verdict_differs",
        "another verdict was `proposed`, or the same with other evidence or another amount; `differs` names the member",
    ),
    code(412, "precondition_failed", "the batch, or the proposal, changed since the digest in If-Match"),
    code(409, "reference_used", "another funding has this reference"),
    code(413, "too_large", "the body is larger than this address takes"),
    code(415, "unsupported_media_type", "the body is of a type that this address does not take"),
    code(422, "unprocessable", "well formed, but nothing that this installation does; `errors` says what"),
    code(422, "idempotency_key_reused", "the Idempotency-Key was used before for something else"),
    code(429, "too_many_requests", "your organisation has too many of these going on; wait and repeat"),
    code(500, "internal_error", "something went wrong on our side"),
    code(503, "unavailable", "not now; wait and repeat with the same Idempotency-Key"),
];

/// A problem as RFC 9457 has it. Beside the common members it has those that its code speaks of.
#[derive(utoipa::ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "only described")]
pub struct ProblemView {
    #[schema(rename = "type")]
    about: String,
    title: String,
    status: u16,
    code: String,
    /// One sentence for people: what is wrong and what to do.
    detail: String,
    request_id: String,
    #[schema(nullable = false)]
    errors: Option<Vec<FieldError>>,
    #[schema(nullable = false)]
    state: Option<String>,
    #[schema(nullable = false)]
    digest: Option<String>,
    #[schema(nullable = false)]
    available: Option<MoneyView>,
    #[schema(nullable = false)]
    needed: Option<MoneyView>,
    #[schema(nullable = false)]
    invalid: Option<i64>,
    #[schema(nullable = false)]
    declared: Option<String>,
    #[schema(nullable = false)]
    found: Option<String>,
    #[schema(nullable = false)]
    at: Option<crate::clock::Time>,
    #[schema(nullable = false)]
    proposed: Option<String>,
    #[schema(nullable = false)]
    differs: Option<String>,
}

/// What is wrong with one field. `pointer` is a JSON pointer into the body (`/reason`), for a form the field's name
/// (`/currency`), for the query `?limit`, for a header `#Idempotency-Key`.
#[derive(Clone, Debug, Serialize, PartialEq, Eq, utoipa::ToSchema)]
pub struct FieldError {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pointer: String,
    /// A row of the list, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub row: Option<u32>,
    pub code: &'static str,
    pub message: String,
}

impl FieldError {
    pub fn new(pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        FieldError { pointer: pointer.into(), row: None, code, message: message.into() }
    }

    pub fn of_row(row: u32, code: &'static str, message: impl Into<String>) -> Self {
        FieldError { pointer: String::new(), row: Some(row), code, message: message.into() }
    }
}

/// An answer that is not a success.
#[derive(Clone, Debug)]
pub struct Problem {
    pub status: StatusCode,
    pub code: &'static str,
    pub detail: String,
    errors: Vec<FieldError>,
    /// Members of its own, such as `state`.
    members: Vec<(&'static str, Value)>,
}

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        debug_assert!(CODES.iter().any(|c| c.name == code && c.status == status), "{status} {code} is not in CODES");
        Problem { status, code, detail: detail.into(), errors: Vec::new(), members: Vec::new() }
    }

    pub fn invalid(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::BAD_REQUEST, "invalid_request", detail)
    }

    /// The request is well formed and cannot be done here.
    pub fn unprocessable(errors: Vec<FieldError>) -> Self {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", "").because(errors)
    }

    /// A bad request because of one field.
    pub fn field(pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Problem::fields(vec![FieldError::new(pointer, code, message)])
    }

    pub fn fields(errors: Vec<FieldError>) -> Self {
        Problem::invalid("").because(errors)
    }

    fn because(mut self, errors: Vec<FieldError>) -> Self {
        self.detail = errors.iter().map(|e| e.message.as_str()).collect::<Vec<_>>().join("; ");
        self.errors = errors;
        self
    }

    pub fn not_found() -> Self {
        Problem::new(StatusCode::NOT_FOUND, "not_found", "there is nothing here that belongs to you")
    }

    pub fn unauthenticated() -> Self {
        let detail = "send a valid API key as `Authorization: Bearer gaba_live_…`";
        Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
    }

    pub fn too_large(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    }

    pub fn unsupported_media_type(expected: &str) -> Self {
        let detail = format!("send the body as {expected} and say so in Content-Type");
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
    }

    pub fn unavailable(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
    }

    pub fn too_many(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail)
    }

    pub fn internal() -> Self {
        let detail = "something went wrong on our side; tell the operator the request_id";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", detail)
    }

    pub fn with(mut self, member: &'static str, value: impl Into<Value>) -> Self {
        self.members.push((member, value.into()));
        self
    }

    fn body(&self, request_id: &str) -> Value {
        let mut body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or_default(),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
            "request_id": request_id,
        });
        for (member, value) in &self.members {
            body[*member] = value.clone();
        }
        if !self.errors.is_empty() {
            body["errors"] = json!(self.errors);
        }
        body
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        let conflict = |code| Problem::new(StatusCode::CONFLICT, code, detail.as_str());
        match refusal {
            Refusal::InvalidState { state } => conflict("invalid_state").with("state", state),
            Refusal::SelfApproval => Problem::new(StatusCode::FORBIDDEN, "self_approval", detail),
            Refusal::DigestMismatch { current } => conflict("digest_mismatch").with("digest", current),
            Refusal::InsufficientFunds { available, needed } => {
                conflict("insufficient_funds").with("available", json!(available)).with("needed", json!(needed))
            }
            Refusal::RowsInvalid { invalid } => conflict("rows_invalid").with("invalid", invalid),
            Refusal::DeclaredMismatch { declared, found } => {
                conflict("declared_mismatch").with("declared", declared).with("found", found)
            }
            Refusal::NothingToPay => conflict("nothing_to_pay"),
            Refusal::DuplicatesChanged { rows } => {
                let errors =
                    rows.into_iter().map(|(row, message)| FieldError::of_row(row, "duplicate_in_batch", message));
                Problem { errors: errors.collect(), ..conflict("duplicates_changed") }
            }
            Refusal::NobodyIsTold => conflict("nobody_is_told"),
            Refusal::TooManyTests { .. } => conflict("too_many_tests"),
            Refusal::ReferenceUsed(_) => conflict("reference_used"),
            Refusal::KeyReused => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail),
            Refusal::VerdictNotPossible { payout, .. } => conflict("invalid_state").with("state", payout),
            Refusal::TooEarly { at } => conflict("too_early").with("at", json!(at)),
            Refusal::VerdictDiffers { proposed, difference, .. } => {
                conflict("verdict_differs").with("proposed", proposed).with("differs", difference.name())
            }
            Refusal::PaidAmount(_) => Problem::field("/paid_amount", "invalid_amount", detail),
            Refusal::InQuarantine | Refusal::StillInQuarantine(_) => conflict("in_quarantine"),
            Refusal::Invalid(_) => Problem::invalid(detail),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Problem::not_found(),
            StoreError::Refused(refusal) => refusal.into(),
            StoreError::Fenced => Problem::new(
                StatusCode::CONFLICT,
                "conflict",
                "it changed meanwhile; look again, then repeat the request",
            ),
            StoreError::Unavailable(why) => {
                tracing::error!(%why, "the database is not available");
                Problem::unavailable("the database is not available; repeat the request with the same Idempotency-Key")
            }
            StoreError::Rejected(why) => {
                tracing::error!(%why, "the database refused an act");
                Problem::internal()
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the body of a response that is a [`Problem`]; others pass unchanged.
pub fn render(mut response: Response, request_id: &str) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    *response.body_mut() = Body::from(problem.body(request_id).to_string());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, MEDIA_TYPE);
    match problem.status {
        StatusCode::UNAUTHORIZED => drop(headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        _ => {}
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Currency, Money};
    use crate::payout::exception::Difference;

    fn told(error: impl Into<Problem>) -> (u16, Value) {
        let problem = error.into();
        (problem.status.as_u16(), problem.body("r-1"))
    }

    #[test]
    fn every_refusal_has_the_status_and_code_of_the_contract() {
        let ugx = |minor| Money::new(minor, Currency::Ugx);
        let refusals = [
            (Refusal::InvalidState { state: "running".into() }, 409, "invalid_state"),
            (Refusal::SelfApproval, 403, "self_approval"),
            (Refusal::DigestMismatch { current: "sha256:ab".into() }, 409, "digest_mismatch"),
            (Refusal::InsufficientFunds { available: ugx(5), needed: ugx(6) }, 409, "insufficient_funds"),
            (Refusal::RowsInvalid { invalid: 3 }, 409, "rows_invalid"),
            (Refusal::DeclaredMismatch { declared: "2 rows".into(), found: "1 row".into() }, 409, "declared_mismatch"),
            (Refusal::NothingToPay, 409, "nothing_to_pay"),
            (Refusal::DuplicatesChanged { rows: vec![(7, "twice".into())] }, 409, "duplicates_changed"),
            (Refusal::ReferenceUsed("r".into()), 409, "reference_used"),
            (Refusal::KeyReused, 422, "idempotency_key_reused"),
            (Refusal::VerdictNotPossible { payout: "paid".into(), possible: "dismiss".into() }, 409, "invalid_state"),
            (Refusal::TooEarly { at: crate::clock::Time(0) }, 409, "too_early"),
            (
                Refusal::VerdictDiffers { proposed: "paid".into(), by: "a".into(), difference: Difference::Verdict },
                409,
                "verdict_differs",
            ),
            (Refusal::PaidAmount("no".into()), 400, "invalid_request"),
            (Refusal::InQuarantine, 409, "in_quarantine"),
            (Refusal::StillInQuarantine("not yet".into()), 409, "in_quarantine"),
            (Refusal::Invalid("no".into()), 400, "invalid_request"),
        ];
        for (refusal, status, code) in refusals {
            let (told_status, body) = told(StoreError::Refused(refusal.clone()));
            assert_eq!((told_status, &body["code"]), (status, &json!(code)), "{refusal:?}");
            assert_eq!(body["detail"], refusal.to_string());
        }
    }

    #[test]
    fn a_conflict_tells_what_it_conflicts_with() {
        assert_eq!(told(Refusal::InvalidState { state: "running".into() }).1["state"], "running");
        let needed = Money::new(6, Currency::Ugx);
        let short = Refusal::InsufficientFunds { available: Money::zero(Currency::Ugx), needed };
        assert_eq!(told(short).1["needed"], json!({"amount": "6", "currency": "UGX"}));
    }

    #[test]
    fn trouble_of_ours_is_told_without_its_cause() {
        for (error, status) in
            [(StoreError::Unavailable("/secret/path".into()), 503), (StoreError::Rejected("/secret/path".into()), 500)]
        {
            let (told_status, body) = told(error);
            assert_eq!(told_status, status);
            assert!(!body.to_string().contains("secret"), "{body}");
        }
    }

    #[test]
    fn the_request_id_is_written_when_the_answer_leaves() {
        let response = render(Problem::from(StoreError::Unavailable("x".into())).into_response(), "r-1");
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        assert_eq!(response.headers()[RETRY_AFTER], "2");
        assert_eq!(told(StoreError::NotFound).1["request_id"], "r-1");
        let fields = Problem::fields(vec![FieldError::new("/name", "missing", "give a name")]);
        assert_eq!(fields.body("r-1")["errors"][0]["pointer"], "/name");
    }
}

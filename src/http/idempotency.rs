//! The `Idempotency-Key` header: a structured-field string (`"march-payroll"`) or the same without quotes.

use super::problem::Problem;
use crate::store::Idempotency;
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

const HEADER: &str = "idempotency-key";
const POINTER: &str = "#Idempotency-Key";
const CHARS_MAX: usize = 255;

/// The key of a route that demands one, with the request it stands for.
pub struct RequiredKey {
    pub key: String,
    route: String,
}

impl RequiredKey {
    /// The key with its scope, for a body of this fingerprint. The store adds the principal.
    pub fn with(self, fingerprint: [u8; 32]) -> Idempotency {
        Idempotency { key: self.key, route: self.route, fingerprint }
    }
}

impl<S: Sync> FromRequestParts<S> for RequiredKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        read(parts)?.ok_or_else(|| {
            let message = "send an Idempotency-Key of your own with this request, so that it can be repeated safely";
            Problem::field(POINTER, "missing", message)
        })
    }
}

/// A key on a route that does not need one, because repeating its act finds it done. Under one, the repetition is answered
/// as the first time, whatever has become of it since.
pub struct OptionalKey(Option<RequiredKey>);

impl OptionalKey {
    /// As [`RequiredKey::with`], where a key was sent.
    pub fn with(self, fingerprint: [u8; 32]) -> Option<Idempotency> {
        self.0.map(|key| key.with(fingerprint))
    }
}

impl<S: Sync> FromRequestParts<S> for OptionalKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        read(parts).map(OptionalKey)
    }
}

impl IntoParams for RequiredKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![described(Required::True, "A name of your own for this request; repeat it with the same name")]
    }
}

impl IntoParams for OptionalKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![described(
            Required::False,
            "Not needed, as repeating this finds it done; a repetition with the same name is answered as the first time",
        )]
    }
}

fn described(required: Required, description: &str) -> Parameter {
    let schema = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(CHARS_MAX));
    let parameter = ParameterBuilder::new().name("Idempotency-Key").parameter_in(ParameterIn::Header);
    parameter.required(required).description(Some(description)).schema(Some(schema)).build()
}

fn read(parts: &Parts) -> Result<Option<RequiredKey>, Problem> {
    let key = parse(&parts.headers)?;
    Ok(key.map(|key| RequiredKey { key, route: format!("{} {}", parts.method, parts.uri.path()) }))
}

fn parse(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let refused = |message: &str| Err(Problem::field(POINTER, "invalid", message));
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return refused("send one Idempotency-Key, not several");
    }
    let Some(key) = value.to_str().ok().and_then(|text| unquote(text.trim())) else {
        return refused("an Idempotency-Key is plain ASCII, with or without double quotes around it");
    };
    let visible = key.bytes().all(|b| b.is_ascii_graphic());
    if !visible || !(1..=CHARS_MAX).contains(&key.len()) {
        return refused("an Idempotency-Key has 1 to 255 visible ASCII characters and no spaces");
    }
    Ok(Some(key))
}

/// Takes off the quotes of a structured-field string; `None` when they do not match.
fn unquote(text: &str) -> Option<String> {
    let Some(rest) = text.strip_prefix('"') else { return Some(text.to_owned()) };
    let mut key = String::with_capacity(rest.len());
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => return chars.as_str().is_empty().then_some(key),
            '\\' => key.push(chars.next().filter(|c| matches!(c, '"' | '\\'))?),
            other => key.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<Option<String>, &'static str> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, axum::http::HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        parse(&headers).map_err(|problem| problem.code)
    }

    #[test]
    fn a_key_may_be_quoted_or_bare() {
        assert_eq!(read(&["\"march\""]), Ok(Some("march".into())));
        assert_eq!(read(&["march"]), Ok(Some("march".into())));
        assert_eq!(read(&[r#""a\"b\\c""#]), Ok(Some(r#"a"b\c"#.into())));
        assert_eq!(read(&[]), Ok(None));
        assert!(read(&[&"k".repeat(255)]).is_ok());
    }

    #[test]
    fn what_could_be_misread_is_refused() {
        let long = "k".repeat(256);
        for value in ["", "\"\"", "\"open", "\"a\"b", "\"a b\"", "a b", "é", "\"a\\n\"", long.as_str()] {
            assert_eq!(read(&[value]), Err("invalid_request"), "{value:?}");
        }
        assert_eq!(read(&["a", "a"]), Err("invalid_request"));
    }
}

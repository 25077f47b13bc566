//! The query string and the path. Each route takes the parameters it knows; what is left over is refused, so that a typing
//! error never silently changes what is answered.

use super::problem::{FieldError, Problem};
use crate::machine;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::HeaderMap;
use axum::http::header::IF_MATCH;
use axum::http::request::Parts;
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use uuid::Uuid;

/// The digest that the caller has looked at.
pub fn if_match(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(IF_MATCH) else { return Ok(None) };
    let digest = value.to_str().ok().map(|text| text.trim().trim_matches('"').to_owned());
    let digest = digest.filter(|digest| digest.starts_with("sha256:"));
    let message = "send the digest that was looked at, \"sha256:…\", as If-Match, or leave it out";
    digest.map(Some).ok_or_else(|| Problem::field("#If-Match", "invalid", message))
}

/// The parameters of a query that are not taken yet.
pub struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(pairs) = Query::<Vec<(String, String)>>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::invalid("the query string cannot be read"))?;
        Ok(Params(pairs))
    }
}

impl Params {
    /// Takes a parameter, which may be given once.
    pub fn take(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let mut found = self.0.extract_if(.., |(n, _)| n == name).map(|(_, value)| value);
        let (first, second) = (found.next(), found.next());
        if second.is_some() {
            return Err(Problem::field(format!("?{name}"), "repeated", format!("give {name} once")));
        }
        Ok(first)
    }

    /// Takes `?state=`, a state of machine `S`.
    pub fn state<S: machine::State>(&mut self) -> Result<Option<S>, Problem> {
        let Some(name) = self.take("state")? else { return Ok(None) };
        S::parse(&name).map(Some).ok_or_else(|| {
            let known: Vec<_> = S::ALL.iter().map(|state| state.name()).collect();
            Problem::field("?state", "unknown", format!("state must be one of {}", known.join(", ")))
        })
    }

    /// Refuses what nobody took.
    pub fn end(self) -> Result<(), Problem> {
        if self.0.is_empty() {
            return Ok(());
        }
        let unknown = |(name, _): &(String, String)| {
            FieldError::new(format!("?{name}"), "unknown", format!("the parameter {name:?} is unknown here"))
        };
        Err(Problem::fields(self.0.iter().take(10).map(unknown).collect()))
    }
}

/// The `{id}` of a path. What is no id cannot be found.
pub struct Id(pub Uuid);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<Uuid>::from_request_parts(parts, state).await;
        path.map(|Path(id)| Id(id)).map_err(|_| Problem::not_found())
    }
}

/// The `{id}` and `{row}` of a path.
pub struct BatchRow {
    pub batch: Uuid,
    pub row: u32,
}

impl<S: Send + Sync> FromRequestParts<S> for BatchRow {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<(Uuid, u32)>::from_request_parts(parts, state).await;
        path.map(|Path((batch, row))| BatchRow { batch, row }).map_err(|_| Problem::not_found())
    }
}

impl IntoParams for Id {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let uuid = SchemaFormat::KnownFormat(KnownFormat::Uuid);
        let schema = ObjectBuilder::new().schema_type(Type::String).format(Some(uuid));
        let parameter = ParameterBuilder::new().name("id").parameter_in(ParameterIn::Path).required(Required::True);
        vec![parameter.schema(Some(schema)).build()]
    }
}

impl IntoParams for BatchRow {
    fn into_params(provider: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let schema = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
        let row = ParameterBuilder::new().name("row").parameter_in(ParameterIn::Path).required(Required::True);
        let row = row.description(Some("The number of the row in the file; the header is row 1")).schema(Some(schema));
        let mut parameters = Id::into_params(provider);
        parameters.push(row.build());
        parameters
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn params(query: &[(&str, &str)]) -> Params {
        Params(query.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn a_parameter_is_taken_once_and_what_is_left_over_is_refused() {
        let mut query = params(&[("format", "csv"), ("fromat", "json")]);
        assert_eq!(query.take("format").unwrap().as_deref(), Some("csv"));
        assert!(query.end().unwrap_err().detail.contains("fromat"));
        assert!(params(&[("a", "1"), ("a", "1")]).take("a").is_err());
        assert!(params(&[]).end().is_ok());
    }

    #[test]
    fn an_unknown_state_is_answered_with_the_known_ones() {
        let state = params(&[("state", "paid")]).state::<crate::payout::State>().unwrap();
        assert_eq!(state, Some(crate::payout::State::Paid));
        let problem = params(&[("state", "delivered")]).state::<crate::payout::State>().unwrap_err();
        assert!(problem.detail.contains("cancelled"), "{}", problem.detail);
    }
}

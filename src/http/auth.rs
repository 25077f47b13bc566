//! Who calls: an API key is turned into a principal, and each route says in its signature what the caller must be allowed
//! to do. Authentication comes before anything else of the request is looked at.

use super::App;
use super::problem::Problem;
use crate::org::{Permission, Principal, keys};
use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use std::sync::Arc;

/// Longest key that is looked up.
const KEY_CHARS_MAX: usize = 256;

macro_rules! permitted {
    ($($(#[$meta:meta])* $name:ident => $permission:ident,)+) => {$(
        $(#[$meta])*
        pub struct $name(pub Principal);

        impl FromRequestParts<Arc<App>> for $name {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
                authorise(parts, app, Permission::$permission).await.map($name)
            }
        }
    )+};
}

permitted! {
    /// Any valid key.
    Reader => Read,
    /// Uploads, submits, pauses, cancels.
    Maker => Make,
    /// Approves and rejects.
    Checker => Approve,
    /// Proposes and confirms what becomes of an exception.
    Settler => Settle,
    /// Confirms fundings.
    Funder => Fund,
}

async fn authorise(parts: &Parts, app: &App, permission: Permission) -> Result<Principal, Problem> {
    let key = bearer(&parts.headers).ok_or_else(Problem::unauthenticated)?;
    let principal = app.store.principal(keys::hash(key)).await?.ok_or_else(Problem::unauthenticated)?;
    tracing::Span::current().record("principal", tracing::field::display(principal.id));
    if principal.role.may(permission) {
        return Ok(principal);
    }
    let detail = format!("the role {} may not do this; use a key of {}", principal.role.name(), allowed(permission));
    Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail))
}

fn allowed(permission: Permission) -> String {
    let roles = crate::org::Role::ALL.into_iter().filter(|role| role.may(permission));
    roles.map(|role| role.name()).collect::<Vec<_>>().join(" or ")
}

/// The key of the one `Authorization` header; more than one is as good as none.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (Some(header), None) = (all.next(), all.next()) else { return None };
    let (scheme, key) = header.to_str().ok()?.split_once(' ')?;
    let key = key.trim();
    let plausible = scheme.eq_ignore_ascii_case("bearer") && !key.is_empty() && key.len() <= KEY_CHARS_MAX;
    plausible.then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        bearer(&headers).map(str::to_owned)
    }

    #[test]
    fn a_key_is_read_from_exactly_one_bearer_header() {
        assert_eq!(found(&["Bearer gaba_live_x"]).as_deref(), Some("gaba_live_x"));
        assert_eq!(found(&["bearer  gaba_live_x "]).as_deref(), Some("gaba_live_x"));
        for refused in [&[][..], &["Basic eDp5"], &["Bearer"], &["Bearer "], &["Bearer a", "Bearer b"]] {
            assert_eq!(found(refused), None, "{refused:?}");
        }
        assert_eq!(found(&[&format!("Bearer {}", "x".repeat(257))]), None);
    }

    #[test]
    fn a_refusal_names_who_may() {
        assert_eq!(allowed(Permission::Fund), "operator");
        assert_eq!(allowed(Permission::Approve), "owner or checker");
    }
}

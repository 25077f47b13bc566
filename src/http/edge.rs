//! What every request passes through: its id, its log span, the deadline, the net under a panic, and its metrics.

use super::patient::{BODY_STALL_MAX, Prompt};
use super::problem::{self, Problem};
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};
use tower_http::timeout::TimeoutBody;
use tracing::{Instrument, Span};

const REQUEST_ID: &str = "x-request-id";
const REQUEST_ID_CHARS_MAX: usize = 128;

/// Names the request, logs it, and makes sure that it is answered.
pub async fn request(request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    // The route's pattern, not the address: the address of a hook may hold a capability.
    let route = request.extensions().get::<MatchedPath>().map_or("unknown", MatchedPath::as_str).to_owned();
    let method = known(request.method());
    let span = tracing::info_span!("request", %id, method, route, principal = tracing::field::Empty);
    let began = Instant::now();
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone()).await;
    let response = answered.unwrap_or_else(|panic| {
        span.in_scope(|| tracing::error!(panic = panic_text(&*panic), "a request panicked"));
        Problem::internal().into_response()
    });
    let response = finish(response, &id);
    span.in_scope(|| account(&route, method, &response, began.elapsed()));
    response
}

fn finish(response: Response, id: &str) -> Response {
    let mut response = problem::render(response, id);
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// A method by its name. Any word may stand where a method should; each would be kept as a series of the metrics for ever.
fn known(method: &Method) -> &'static str {
    const KNOWN: [Method; 7] =
        [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS];
    const NAMES: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    KNOWN.iter().position(|known| known == method).map_or("other", |at| NAMES[at])
}

fn account(route: &str, method: &'static str, response: &Response, took: Duration) {
    let status = response.status().as_u16();
    let labels = [("route", route.to_owned()), ("method", method.to_owned()), ("status", status.to_string())];
    metrics::counter!("gaba_http_requests_total", &labels).increment(1);
    metrics::histogram!("gaba_http_request_seconds", "route" => route.to_owned()).record(took.as_secs_f64());
    let took_ms = took.as_millis() as u64;
    if status >= 500 {
        tracing::error!(status, took_ms, "answered");
    } else if route.starts_with("/v1/") {
        tracing::info!(status, took_ms, "answered");
    } else {
        tracing::debug!(status, took_ms, "answered");
    }
}

/// The caller's own id where it is fit for a log, else a fresh one.
fn request_id(headers: &HeaderMap) -> String {
    let fit = |id: &&str| {
        (1..=REQUEST_ID_CHARS_MAX).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':'))
    };
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(fit);
    given.map_or_else(|| crate::ids::fresh().to_string(), str::to_owned)
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words")
}

/// Ends what takes too long, and a body that stalls. A body must be whole in two thirds of the time, so that whoever is slow
/// with it is told so, and no failure of ours.
pub async fn deadline(State(time_max): State<Duration>, request: Request, next: Next) -> Response {
    let request =
        request.map(|body| Body::new(Prompt::new(Body::new(TimeoutBody::new(BODY_STALL_MAX, body)), time_max * 2 / 3)));
    let answered = tokio::time::timeout(time_max, next.run(request)).instrument(Span::current()).await;
    answered.unwrap_or_else(|_| {
        let detail = "this took too long and was given up; repeat the request with the same Idempotency-Key";
        Problem::unavailable(detail).into_response()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_kept_when_it_is_fit_for_a_log() {
        let given =
            |id: &str| request_id(&HeaderMap::from_iter([("x-request-id".parse().unwrap(), id.parse().unwrap())]));
        assert_eq!(given("job-7:a.b_C"), "job-7:a.b_C");
        let long = "x".repeat(129);
        for unfit in ["", "a b", "<script>", long.as_str()] {
            assert_ne!(given(unfit), unfit);
        }
        assert_eq!(request_id(&HeaderMap::new()).len(), 36);
    }
}

//! How a batch goes, told while it goes: server-sent events.
//!
//! A listener costs one small query a tick, and only what changed is told. The stream ends when the batch has, when the
//! process stops, and after an hour in any case; whoever wants more asks again and is told at once how it stands.

use crate::batch::view::{Counts, Totals};
use crate::batch::{Batch, Reading, State as BatchState};
use crate::http::App;
use crate::http::auth::Reader;
use crate::http::params::{Id, Params};
use crate::http::places::Place;
use crate::http::problem::Problem;
use crate::ids::{BatchId, OrganisationId};
use crate::store::StoreError;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, stream};
use serde_json::{Map, Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::{Interval, MissedTickBehavior};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

/// How often a listener looks.
const TICK: Duration = Duration::from_millis(300);
/// Comments that keep proxies from closing a silent connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A key that was revoked meanwhile listens no longer than this.
const TIME_MAX: Duration = Duration::from_secs(3600);
/// Members of a batch that tell how it goes.
const TOLD: [&str; 5] = ["id", "state", "counts", "totals", "import"];

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(listen))
}

/// The data of an event.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only described: it is taken from the batch")]
struct Progress {
    id: Uuid,
    state: BatchState,
    counts: Counts,
    totals: Totals,
    /// How far the file was read, while it is.
    import: Option<Reading>,
}

/// Tells how a batch goes, as server-sent events
///
/// `progress` at once and whenever something changed, at most a few a second; `end` with the same data when the batch is
/// completed, cancelled or could not be imported, and then nothing more.
#[utoipa::path(get, path = "/v1/batches/{id}/events", operation_id = "listen_to_batch", tag = "Batches", params(Id),
    responses((status = 200, content_type = "text/event-stream", body = Progress)),
    extensions(("x-problems" = json!(["too_many_requests"]))))]
async fn listen(
    State(app): State<Arc<App>>,
    Reader(who): Reader,
    Id(batch): Id,
    params: Params,
) -> Result<impl IntoResponse, Problem> {
    params.end()?;
    let place = app.places.listeners.take(who.organisation, "listeners")?;
    let first = app.store.batch(who.organisation, batch).await?;
    let listener = Listener::new(app, who.organisation, first, place);
    Ok(Sse::new(events(listener)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Listener {
    app: Arc<App>,
    organisation: OrganisationId,
    id: BatchId,
    /// Told first.
    begin: Option<Batch>,
    told: Value,
    /// The batch has come to its end: what is left is to say so.
    ended: bool,
    ticks: Interval,
    until: Instant,
    _place: Place,
}

impl Listener {
    fn new(app: Arc<App>, organisation: OrganisationId, batch: Batch, place: Place) -> Listener {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (id, until) = (batch.id, Instant::now() + TIME_MAX);
        Listener {
            app,
            organisation,
            id,
            begin: Some(batch),
            told: Value::Null,
            ended: false,
            ticks,
            until,
            _place: place,
        }
    }

    /// The batch as it stands at the next tick; nothing when there is nothing more to tell.
    async fn next(&mut self) -> Option<Batch> {
        if let Some(batch) = self.begin.take() {
            return Some(batch);
        }
        loop {
            tokio::select! {
                _ = self.ticks.tick() => {}
                () = self.app.closing.cancelled() => return None,
            }
            if Instant::now() > self.until {
                return None;
            }
            match self.app.store.batch(self.organisation, self.id).await {
                Ok(batch) => return Some(batch),
                // It may be back at the next tick.
                Err(StoreError::Unavailable(_)) => {}
                Err(error) => {
                    tracing::error!(%error, "a listener is left alone");
                    return None;
                }
            }
        }
    }
}

fn events(listener: Listener) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(Some(listener), |listener| async move {
        let mut listener = listener?;
        if listener.ended {
            let event = Event::default().event("end").data(listener.told.to_string());
            return Some((Ok(event), None));
        }
        loop {
            let batch = listener.next().await?;
            let progress = progress(&batch);
            listener.ended = is_over(batch.state);
            if progress != listener.told {
                let event = Event::default().event("progress").data(progress.to_string());
                listener.told = progress;
                return Some((Ok(event), Some(listener)));
            }
        }
    })
}

fn progress(batch: &Batch) -> Value {
    let Value::Object(mut batch) = json!(batch) else { return Value::Null };
    let told = TOLD.into_iter().filter_map(|member| batch.remove_entry(member));
    Value::Object(told.collect::<Map<_, _>>())
}

fn is_over(state: BatchState) -> bool {
    matches!(state, BatchState::Completed | BatchState::Cancelled | BatchState::ImportFailed)
}

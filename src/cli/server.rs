//! One process that serves: the API with, where wanted, the workers. Shared by `serve` and `demo`.

use super::Failure;
use gaba::clock::SharedClock;
use gaba::config::{Config, Workers};
use gaba::engine::{Engine, ReceiptInbox, Wake};
use gaba::http::{self, App};
use gaba::sheet::Program;
use gaba::store::SharedStore;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Requests that are open when the end begins are given this long before the workers are told to end too.
const REQUESTS_FIRST: Duration = Duration::from_secs(2);

/// Everything that is running, not yet listening.
pub struct Server {
    app: Arc<App>,
    engine: Option<Engine>,
}

impl Server {
    pub async fn start(store: SharedStore, config: Arc<Config>, clock: SharedClock) -> Result<Server, Failure> {
        let engine = match config.workers {
            Workers::Embedded => Some(start_engine(&store, &config, &clock).await?),
            Workers::None => None,
        };
        let app = app(store, config, clock, engine.as_ref()).await?;
        Ok(Server { app: Arc::new(app), engine })
    }

    /// Serves until `stop` resolves, then ends in order: no new connections, open requests done, workers drained. Fails
    /// when the workers end unasked: a process that takes orders and does not work is worse than none.
    pub async fn run(self, listener: TcpListener, stop: impl Future<Output = ()> + Send) -> Result<(), Failure> {
        let (http_stop, engine_stop) = (CancellationToken::new(), CancellationToken::new());
        let requests = http::serve(listener, self.app, http_stop.clone().cancelled_owned());
        let working = work(self.engine, engine_stop.clone());
        tokio::pin!(requests, working);
        let mut worked = None;
        tokio::select! {
            () = stop => tracing::info!("stopping"),
            () = &mut requests => {}
            ended = &mut working => worked = Some(ended),
        }
        http_stop.cancel();
        let unasked = worked.is_some();
        let ending = async {
            tokio::select! {
                () = &mut requests => {}
                () = tokio::time::sleep(REQUESTS_FIRST) => {}
            }
            engine_stop.cancel();
            match worked {
                Some(ended) => ended,
                // Bounded by the engine's own drain.
                None => (&mut working).await,
            }
        };
        let ended = ending.await;
        match (unasked, ended) {
            (true, Ok(())) => Err(Failure::new("the workers ended unasked; the log says why. Start again")),
            (_, ended) => ended,
        }
    }
}

async fn start_engine(store: &SharedStore, config: &Arc<Config>, clock: &SharedClock) -> Result<Engine, Failure> {
    let sheets = sheet_program().map_err(|why| {
        Failure::new(format!(
            "the program that reads spreadsheets, gaba itself, is not found: {why}; start it by its path"
        ))
    })?;
    Engine::start(store.clone(), config.clone(), clock.clone(), sheets)
        .await
        .map_err(|error| Failure::new(format!("the workers cannot start: {error}")))
}

/// This very program. Where the system has a name for what is running, that: a deployment may put another version under the
/// path, or nothing.
fn sheet_program() -> std::io::Result<Program> {
    let running = Path::new("/proc/self/exe");
    if running.exists() { Ok(Program::new(running)) } else { std::env::current_exe().map(Program::new) }
}

async fn work(engine: Option<Engine>, stop: CancellationToken) -> Result<(), Failure> {
    match engine {
        Some(engine) => engine.run(stop).await.map_err(|error| Failure::new(format!("the workers failed: {error}"))),
        None => {
            stop.cancelled().await;
            Ok(())
        }
    }
}

async fn app(
    store: SharedStore,
    config: Arc<Config>,
    clock: SharedClock,
    engine: Option<&Engine>,
) -> Result<App, Failure> {
    let capability_key = store.capability_key().await?;
    let app = App {
        inbox: ReceiptInbox::new(store.clone(), Wake::default()),
        strangers: http::Strangers::new(&config.lanes),
        wake: Wake::default(),
        lanes: Arc::new(Vec::new),
        workers_alive: Arc::new(|| true),
        metrics: http::metrics_handle(),
        store,
        config,
        clock,
        capability_key,
        places: http::AllPlaces::default(),
        writable: http::Writable::default(),
        closing: CancellationToken::new(),
    };
    let Some(engine) = engine else { return Ok(app) };
    let (wake, alive) = (engine.wake(), engine.alive());
    Ok(App {
        inbox: ReceiptInbox::new(app.store.clone(), wake.clone()),
        wake,
        lanes: engine.lanes_view(),
        workers_alive: Arc::new(move || alive.load(Ordering::SeqCst)),
        ..app
    })
}

pub async fn bind(address: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|why| match why.kind() {
        std::io::ErrorKind::AddrInUse => Failure::new(format!(
            "{address} is taken by another program; stop that one or choose another port (port 0 takes a free one)"
        )),
        _ => Failure::new(format!("cannot listen on {address}: {why}")),
    })
}

/// Resolves at SIGTERM or SIGINT.
pub async fn stop_signal() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be listened to; end this process with SIGKILL");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

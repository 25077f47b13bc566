//! What goes wrong inside of a step: at which point of the engine, and how.

use gaba::faults::{self, Act, Point};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// What happens when the point is passed for the `nth` time in a step.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    pub point: Point,
    pub nth: u32,
    pub how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The process is gone, in the middle of it.
    Crash,
    Fail,
    Panic,
}

/// The fault of the present step, shared with the script of this thread.
#[derive(Clone, Default)]
pub struct Faults(Arc<State>);

#[derive(Default)]
struct State {
    armed: Mutex<Option<Fault>>,
    fired: Mutex<Option<Fault>>,
    gone: AtomicBool,
    crashed: Notify,
}

impl Faults {
    /// Takes over what happens at the points that this thread passes.
    pub fn begin() -> Faults {
        let faults = Faults::default();
        let script = faults.clone();
        faults::script(Some(Box::new(move |point| script.pass(point))));
        faults
    }

    pub fn arm(&self, fault: Option<Fault>) {
        *self.0.armed.lock().unwrap() = fault;
        *self.0.fired.lock().unwrap() = None;
        self.0.gone.store(false, Ordering::SeqCst);
    }

    /// The fault, if it happened. Whoever starts now lives.
    pub fn disarm(&self) -> Option<Fault> {
        *self.0.armed.lock().unwrap() = None;
        self.0.gone.store(false, Ordering::SeqCst);
        self.0.fired.lock().unwrap().take()
    }

    /// Whether something went wrong in this step that whoever asked may have heard of.
    pub fn fired(&self) -> bool {
        self.0.fired.lock().unwrap().is_some()
    }

    /// Ends when the process crashes.
    pub async fn crash(&self) {
        while !self.0.gone.load(Ordering::SeqCst) {
            self.0.crashed.notified().await;
        }
    }

    fn pass(&self, point: Point) -> Act {
        // Whoever is a little behind the one that crashed does nothing more: what it would have done before anybody noticed
        // is the machine's to say, and not the seed's.
        if self.0.gone.load(Ordering::SeqCst) {
            return Act::Hang;
        }
        let mut armed = self.0.armed.lock().unwrap();
        let Some(fault) = armed.as_mut().filter(|fault| fault.point == point) else { return Act::Pass };
        if fault.nth > 0 {
            fault.nth -= 1;
            return Act::Pass;
        }
        let fault = *fault;
        *armed = None;
        *self.0.fired.lock().unwrap() = Some(fault);
        match fault.how {
            How::Crash => {
                self.0.gone.store(true, Ordering::SeqCst);
                self.0.crashed.notify_one();
                Act::Hang
            }
            How::Fail => Act::Fail,
            How::Panic => Act::Panic,
        }
    }
}

//! Chance: the spread of waits, who comes first among equals, fresh ids.
//!
//! A test that must be able to take the same steps again settles it for its thread ([`seed`], in test builds alone); then
//! the same seed draws the same.

#[cfg(feature = "faults")]
pub use settled::seed;

/// A number by chance.
pub fn draw() -> u64 {
    settled::next().unwrap_or_else(rand::random)
}

/// A number that a test settled; `None` where none did.
pub(crate) fn settled() -> Option<u64> {
    settled::next()
}

#[cfg(not(feature = "faults"))]
mod settled {
    #[inline(always)]
    pub const fn next() -> Option<u64> {
        None
    }
}

#[cfg(feature = "faults")]
mod settled {
    use std::cell::Cell;

    thread_local! {
        static STATE: Cell<Option<u64>> = const { Cell::new(None) };
    }

    /// Settles what this thread draws from now on; `None` leaves it to chance again.
    pub fn seed(seed: Option<u64>) {
        STATE.set(seed);
    }

    /// SplitMix64.
    pub fn next() -> Option<u64> {
        let state = STATE.get()?.wrapping_add(0x9E37_79B9_7F4A_7C15);
        STATE.set(Some(state));
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        Some(z ^ (z >> 31))
    }
}

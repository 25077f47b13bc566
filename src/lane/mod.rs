//! A lane: one account at one provider, such as `mtn-ug`, with the numbers that go over it, its rate, its breaker.

pub mod breaker;
pub mod gate;
pub mod route;

//! A lane: one account at one provider, such as `mtn-ug`, with the numbers that go over it.
pub mod route;

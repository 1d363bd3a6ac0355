//! Stories: what people and GitHub do, and what is true afterwards.

mod attacks;
mod backoff;
mod confirm;
mod connect;
mod deaths;
mod pull;
mod pull_making;
mod pull_requests;
mod push;
mod refusals;
mod repositories;
mod repository;
mod requests;
mod setup;
mod tokens;
mod town;

//! Stories: what people and GitHub do, and what is true afterwards.

mod attacks;
mod audit;
mod backoff;
mod commits;
mod confirm;
mod connect;
mod deaths;
mod diffs;
mod isolation;
mod outsight;
mod policies;
mod pull;
mod pull_life;
mod pull_making;
mod pull_requests;
mod pull_status;
mod push;
mod refusals;
mod repositories;
mod repository;
mod requests;
mod routes;
mod secrets;
mod setup;
mod tokens;
mod town;

//! Stories: what people and GitHub do, and what is true afterwards.

mod attacks;
mod backoff;
mod commits;
mod confirm;
mod connect;
mod deaths;
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
mod setup;
mod tokens;
mod town;

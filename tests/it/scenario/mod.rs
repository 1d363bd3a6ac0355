//! Stories: what people and GitHub do, and what is true afterwards.

mod attacks;
mod connect;
mod pull;
mod pull_requests;
mod push;
mod repositories;
mod repository;
mod setup;
mod tokens;
mod town;

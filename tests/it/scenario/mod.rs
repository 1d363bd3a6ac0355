//! Stories: what people and GitHub do, and what is true afterwards.

mod attacks;
mod audit;
mod connect;
mod isolation;
mod pull;
mod pull_requests;
mod push;
mod repositories;
mod repository;
mod routes;
mod secrets;
mod setup;
mod tokens;
mod town;

//! Stories: what people and GitHub do, and what is true afterwards.

mod attacks;
mod connect;
mod push;
mod repositories;
mod repository;
mod setup;
mod tokens;
mod town;

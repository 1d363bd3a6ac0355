//! Stories: what people and GitHub do, and what is true afterwards.

mod push;

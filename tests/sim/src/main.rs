//! `github-sim`: the simulator as a program, for the demo and for tests in browsers.

fn main() {}

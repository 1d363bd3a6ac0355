//! github-sim.

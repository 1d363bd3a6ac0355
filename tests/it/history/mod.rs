//! Properties of whole histories: what both sides do is made up at random, played against the program,
//! real git repositories, PostgreSQL and Redis, and held against a model that shares no code with it.
//!
//! One world serves all cases of a property; each case has a project, a repository and an
//! installation of its own. A failing case is made smaller by proptest and told with its seed.

mod branch;
mod cases;
mod chaos;
mod exact;
mod files;
mod found;
mod kept;
mod model;
mod play;
mod pulls;
mod series;
mod site;

//! What browsers are sent: the pages and the scripts and styles behind them. `elements/` is an npm
//! package of its own; what people do there goes through the same API as everybody's.

pub mod assets;
pub mod pages;
pub mod serve;

//! Pages without scripts that `http` answers with; how they look is `ui`'s.

pub use crate::ui::pages::{
    escape, plain as with_body, sheet as simple, sheet_body, small_print as with_small_print, without_script as policy,
};

//! Use cases are deep trees of futures. Where one begins, it is made on the heap, so that no thread's
//! stack holds it, and what waits holds a pointer.

use std::pin::Pin;

/// The future that `make` gives, on the heap. Never inlined: its caller's frame would have room for it.
#[inline(never)]
pub(super) fn boxed<F: Future>(make: impl FnOnce() -> F) -> Pin<Box<F>> {
    Box::pin(make())
}

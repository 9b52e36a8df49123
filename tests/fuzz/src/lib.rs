//! What all targets share: how much memory one input may take.

use std::alloc::System;

use cap::Cap;
pub use libfuzzer_sys::fuzz_target;

/// The most that Rust may hold at a time. What exceeds it is refused, and a refused allocation ends the program: a finding
/// that depends on the input alone. Resident memory would count libFuzzer's corpus too, and grow with the length of a run.
const MEMORY: usize = 64 << 20;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, MEMORY);

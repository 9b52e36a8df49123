//! The pure core: given what is known and the time, what follows. No clock, no I/O, no async, no randomness.

//! A host that exists only as a directory: what `cutover demo` migrates.

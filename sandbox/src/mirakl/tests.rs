//! The server over real HTTP, as a client meets it.

//! Whatever goes wrong: one line that says what happened and what to do, the documented status, nothing lost, nothing done
//! twice.

mod machine;
mod server;

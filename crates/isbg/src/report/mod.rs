//! What a run says: lines for people on standard error, records for programs on standard output. Does not decide
//! anything.

mod follow;
mod json;
mod lines;
mod progress;
mod statistics;
mod terminal;
#[cfg(test)]
mod tests;

pub use follow::Follower;
pub use json::Record;
pub use progress::bytes_bar;
pub use progress::counting;
pub use statistics::Tally;
pub use terminal::Terminal;

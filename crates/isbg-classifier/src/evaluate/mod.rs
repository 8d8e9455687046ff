//! How well a filter ranks and decides, measured as the TREC spam track did. Does not know what a filter is made of or
//! where its mail lies.

mod calibration;
mod curve;
mod run;

pub use calibration::{Bin, calibration_error, reliability};
pub use curve::{Scored, missed_percent, one_minus_roca_percent, roc};
pub use run::{Confusion, Feedback, Filter, ParseFeedback, Verdict, folds, online};

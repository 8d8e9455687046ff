//! The program as its users meet it: real mailboxes, real and faked scorers, faults on the way. Each module is one side of
//! it. None looks inside the program.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "tests may panic")]

mod accounts;
mod backtest;
mod cases;
#[path = "../common/mod.rs"]
mod common;
mod compat;
mod engines;
mod errors;
mod kill;
mod lab;
mod learning;
mod moves;
mod servers;

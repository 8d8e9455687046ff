//! isbg: keeps any IMAP mailbox clean, from any machine. This file is the table of contents; it does nothing itself.

mod args;
mod commands;
mod config;
mod connect;
mod environment;
mod exit;
mod model;
mod policy;
mod report;
mod rules;
mod secrets;
mod settled;

use std::env;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use environment::Environment;
use exit::Status;
use report::Terminal;

fn main() -> ExitCode {
    exit::tell_of_panics();
    let status = panic::catch_unwind(AssertUnwindSafe(|| match args::read(env::args_os()) {
        Ok(typed) => run(typed),
        Err(answer) => args::answer(&answer),
    }));
    status.unwrap_or(Status::Other).into()
}

fn run(typed: args::Typed) -> Status {
    let around = Environment::read();
    let terminal = Terminal::new(around.lively);
    match commands::run(typed, &around, &terminal) {
        Ok(status) => status,
        Err(error) => exit::told(&error, &terminal),
    }
}

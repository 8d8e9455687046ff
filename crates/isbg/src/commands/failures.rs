//! Which exit status an error of a lower floor means. Does not print it.

use isbg_scan::Error;

use crate::connect::told;
use crate::exit::{Failure, Status};
use crate::settled::Server;

/// An error of the state.
pub fn of_store(error: isbg_store::Error) -> Failure {
    let status = match error {
        isbg_store::Error::Locked { .. } => Status::Locked,
        _ => Status::Other,
    };
    Failure::new(status, error.to_string())
}

/// An error that ended a pass.
pub fn of_pass(error: &Error, server: &Server) -> Failure {
    match error {
        // Not the server's fault: this machine's disk is full.
        Error::Imap(isbg_imap::Error::Spool(_)) => Failure::new(Status::Other, error.to_string()),
        Error::Imap(error) => Failure::new(Status::Imap, told(server, error)),
        Error::NoFolder { .. } | Error::ReadOnly(_) | Error::Unstable { .. } | Error::Renumbered(_) => {
            Failure::new(Status::Imap, error.to_string())
        }
        Error::Outage { .. } => Failure::new(Status::Scorer, error.to_string()),
        Error::Store(isbg_store::Error::Locked { .. }) => Failure::new(Status::Locked, error.to_string()),
        Error::Store(_) | Error::Spool(_) | Error::Stopped => Failure::new(Status::Other, error.to_string()),
    }
}

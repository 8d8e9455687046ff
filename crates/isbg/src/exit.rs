//! Exit statuses, and the error that ends a command with one of them. Does not know how any of the errors came about.

use std::fmt;
use std::io;
use std::panic;
use std::process::ExitCode;

use isbg_types::Untrusted;

use crate::report::Terminal;

/// What a run tells its caller. Scripts and cron lines rely on the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Everything went well.
    Fine,
    /// `isbg check`: there was spam. `isbg rules lint`: something is wrong.
    Found,
    /// With `--exitcodes`: there was new mail, none of it spam.
    AllHam,
    /// With `--exitcodes`: there was new mail, all of it spam.
    AllSpam,
    /// With `--exitcodes`: there was new mail, some of it spam.
    Mixed,
    /// `isbg rules update`: nothing is new.
    NothingNew,
    /// `isbg rules update`: some channels were updated, others failed.
    PartlyUpdated,
    /// `isbg rules update`: nothing was updated, and not because nothing is new.
    UpdateFailed,
    /// Wrong arguments, or a config file that cannot be used.
    BadArguments,
    /// The mail server could not be reached, is not the right one, or refused something; the login included.
    Imap,
    /// The scorer could not be reached or gave no usable answer.
    Scorer,
    /// A password is missing, or the way to it does not work, and it may not be asked for.
    NeedsTerminal,
    /// Another run has the account's lock.
    Locked,
    /// Anything else: the state cannot be read or written, a file is missing, a defect in isbg.
    Other,
}

impl Status {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Found | Self::AllHam | Self::NothingNew => 1,
            Self::AllSpam => 2,
            Self::Mixed | Self::PartlyUpdated => 3,
            Self::UpdateFailed => 4,
            Self::BadArguments => 10,
            Self::Imap => 11,
            Self::Scorer => 12,
            Self::NeedsTerminal => 20,
            Self::Locked => 30,
            Self::Other => 255,
        }
    }

    /// One status for two runs: the graver wins. Of two good ones, "all ham" and "all spam" make "mixed", and a run
    /// without new mail adds nothing.
    pub fn and(self, other: Self) -> Self {
        let (low, high) = if self.gravity() <= other.gravity() {
            (self, other)
        } else {
            (other, self)
        };
        match (low, high) {
            (Self::AllHam, Self::AllSpam) | (Self::AllSpam, Self::AllHam) => Self::Mixed,
            _ => high,
        }
    }

    fn gravity(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::AllHam | Self::AllSpam => 1,
            Self::Mixed => 2,
            Self::Found => 3,
            Self::NothingNew => 4,
            Self::Locked => 5,
            Self::Scorer => 6,
            Self::Imap => 7,
            Self::NeedsTerminal => 8,
            Self::BadArguments => 9,
            Self::PartlyUpdated => 10,
            Self::UpdateFailed => 11,
            Self::Other => 12,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.code())
    }
}

/// Why a command ended early: the status, and one line that says what happened and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The exit status it means.
    pub status: Status,
    /// What happened, safe to print.
    pub what: String,
    /// What to do about it, where we know.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(status: Status, what: impl Into<String>) -> Self {
        Self {
            status,
            what: what.into(),
            hint: None,
        }
    }

    /// Wrong arguments: status 10, with the customary pointer to the help.
    pub fn arguments(what: impl Into<String>) -> Self {
        Self::new(Status::BadArguments, what).hint("use --help to see valid options and arguments")
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

/// The status of an error that ended the program, after telling the user. Whoever reads our output may stop reading:
/// that is no error.
pub fn told(error: &anyhow::Error, terminal: &Terminal) -> Status {
    let pipe = error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
    if pipe {
        return Status::Fine;
    }
    terminal.say(&format!("isbg: {error:#}"));
    error
        .downcast_ref::<Failure>()
        .map_or(Status::Other, |failure| failure.status)
}

/// Makes a defect tell of itself in one line.
pub fn tell_of_panics() {
    panic::set_hook(Box::new(|defect| {
        let place = defect
            .location()
            .map(|place| format!(" at {}:{}", place.file(), place.line()));
        let what = defect.payload_as_str().unwrap_or("no message");
        Terminal::new(false).say(&format!(
            "isbg: a defect in isbg{}: {}; what was begun is settled by the next run. Please report this line",
            place.unwrap_or_default(),
            Untrusted(what).clipped(200),
        ));
    }));
}

#[cfg(test)]
mod tests {
    use super::Status::*;
    use super::*;

    const ALL: [Status; 14] = [
        Fine,
        Found,
        AllHam,
        AllSpam,
        Mixed,
        NothingNew,
        PartlyUpdated,
        UpdateFailed,
        BadArguments,
        Imap,
        Scorer,
        NeedsTerminal,
        Locked,
        Other,
    ];

    #[test]
    fn numbers_are_the_documented_ones() {
        assert_eq!(
            ALL.map(Status::code),
            [0, 1, 1, 2, 3, 1, 3, 4, 10, 11, 12, 20, 30, 255]
        );
    }

    #[test]
    fn merging_takes_any_order() {
        for one in ALL {
            assert_eq!(one.and(one), one);
            assert_eq!(one.and(Fine), one);
            for other in ALL {
                assert_eq!(one.and(other), other.and(one));
                for third in ALL {
                    assert_eq!(one.and(other).and(third), one.and(other.and(third)));
                }
            }
        }
        assert_eq!(AllHam.and(AllSpam), Mixed);
        assert_eq!(Mixed.and(Imap), Imap);
        assert_eq!(Locked.and(AllSpam), Locked);
    }

    #[test]
    fn one_line_with_its_hint() {
        let failure = Failure::arguments("--maxsize must be at least 1");
        assert_eq!(
            failure.to_string(),
            "--maxsize must be at least 1; use --help to see valid options and arguments"
        );
    }
}

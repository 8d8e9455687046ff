//! The store's own words: ids, times, kinds. Does not know how they are laid out in tables.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use isbg_types::{Class, Fingerprint, Tier, Uid};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::{Deserialize, Serialize};

/// A moment in whole seconds since 1970-01-01 UTC. The store never asks for the time: callers pass it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This moment plus `seconds`.
    pub fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to this moment; negative if `earlier` is later.
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let seconds = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |seconds| -seconds),
        };
        Self(seconds)
    }
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident),*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                self.0.to_sql()
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                value.as_i64().map(Self)
            }
        }
    )*};
}

numbers! {
    /// An account in the store.
    AccountId,
    /// A folder of an account under one UIDVALIDITY.
    FolderId,
    /// One run of the program over one account.
    RunId,
    /// A row of the journal.
    IntentId,
    /// An entry of the history, as `isbg history` numbers them.
    EntryId
}

impl ToSql for Timestamp {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

impl FromSql for Timestamp {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(Self)
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $text:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$item_doc])* $item),* }

        impl $name {
            /// The word kept in the file and used in `--json`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$item => $text),* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(self.as_str().into())
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                match value.as_str()? { $($text => Ok(Self::$item),)* _ => Err(FromSqlError::InvalidType) }
            }
        }
    )*};
}

kinds! {
    /// Why a folder is gone through. What one purpose has seen says nothing about another.
    Purpose {
        /// To find spam in it.
        Scan = "scan",
        /// To teach its messages as spam.
        LearnSpam = "learn-spam",
        /// To teach its messages as ham.
        LearnHam = "learn-ham",
    }

    /// What is done to a message, as people would call it.
    Action {
        /// Into another folder; the original leaves.
        Move = "move",
        /// A copy into another folder; the original stays, perhaps flagged or marked deleted.
        Copy = "copy",
        /// Only flags change.
        Flag = "flag",
        /// Marked deleted or removed, with no copy made.
        Delete = "delete",
        /// An earlier action is undone.
        Restore = "restore",
    }

    /// The form in which a message arrives in the target folder.
    Form {
        /// The server's own bytes.
        Original = "original",
        /// Rewritten by the scorer, with its report.
        Report = "report",
        /// The original taken out of a report of ours.
        Unwrapped = "unwrapped",
    }

    /// What becomes, or became, of the original.
    Original {
        /// It stays, with `add_flags` set.
        Keep = "keep",
        /// It is marked `\Deleted`.
        MarkDeleted = "mark-deleted",
        /// It leaves its folder, by MOVE or by UID EXPUNGE.
        Remove = "remove",
    }
}

pub(crate) fn uid(number: u32) -> rusqlite::Result<Uid> {
    Uid::new(number).ok_or(rusqlite::Error::IntegralValueOutOfRange(0, 0))
}

pub(crate) fn opt_uid(number: Option<u32>) -> Option<Uid> {
    number.and_then(Uid::new)
}

pub(crate) fn fingerprint(bytes: [u8; 32]) -> Fingerprint {
    Fingerprint(bytes)
}

pub(crate) fn class_word(class: Class) -> &'static str {
    match class {
        Class::Ham => "ham",
        Class::Spam => "spam",
    }
}

pub(crate) struct ClassWord(pub Class);

impl FromSql for ClassWord {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "ham" => Ok(Self(Class::Ham)),
            "spam" => Ok(Self(Class::Spam)),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

pub(crate) struct TierWord(pub Tier);

impl FromSql for TierWord {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let word = value.as_str()?;
        [Tier::Ham, Tier::Unsure, Tier::Spam, Tier::Certain]
            .into_iter()
            .find(|tier| tier.as_str() == word)
            .map(Self)
            .ok_or(FromSqlError::InvalidType)
    }
}

/// A JSON column.
pub(crate) struct Json<T>(pub T);

impl<T: for<'de> Deserialize<'de>> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?)
            .map(Self)
            .map_err(|error| FromSqlError::Other(Box::new(error)))
    }
}

impl<T: Serialize> ToSql for Json<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        serde_json::to_string(&self.0)
            .map(Into::into)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
    }
}

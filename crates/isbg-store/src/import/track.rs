//! Track files: the UIDs an older isbg had seen. Does not put them into the store.
//!
//! isbg 1.x and 2.x wrote a JSON object with `uidvalidity` and `uids`; 0.99 wrote a line of Python, an assignment of a
//! list of strings, which it executed to read it. Here both are data.

use isbg_types::{Uid, UidSet, UidValidity};
use serde::Deserialize;

use super::ImportError;
use crate::Timestamp;

/// More than a track file of a million messages takes, in bytes.
pub(super) const LARGEST: u64 = 16 * 1024 * 1024;

/// What a track file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// The folder's UIDVALIDITY; `None` in files of 0.99, which did not keep it, and where a later version could not
    /// find it out.
    pub validity: Option<UidValidity>,
    /// The messages seen.
    pub uids: UidSet,
}

/// Reads a track file of any version.
///
/// # Errors
/// [`ImportError::Garbage`] if any of it is not as isbg wrote it; then none of it counts.
pub fn read_track(bytes: &[u8]) -> Result<Track, ImportError> {
    if bytes.len() as u64 > LARGEST {
        return Err(ImportError::TooLarge(bytes.len() as u64));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| ImportError::Garbage("not text"))?;
    let text = text.trim();
    match text.strip_prefix("pastuids") {
        Some(rest) => read_list(rest),
        None => read_json(text),
    }
}

#[derive(Deserialize)]
struct File {
    uidvalidity: Number,
    uids: Vec<Number>,
}

/// isbg kept UIDs as numbers and as strings, also mixed in one file.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Bare(u32),
    Quoted(String),
}

impl Number {
    fn value(&self) -> Option<u32> {
        match self {
            Self::Bare(number) => Some(*number),
            Self::Quoted(text) => digits(text),
        }
    }
}

fn digits(text: &str) -> Option<u32> {
    let all = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}

fn read_json(text: &str) -> Result<Track, ImportError> {
    let file: File = serde_json::from_str(text)
        .map_err(|_| ImportError::Garbage("not a JSON object with uidvalidity and uids"))?;
    let validity = file
        .uidvalidity
        .value()
        .ok_or(ImportError::Garbage("uidvalidity is not a number"))?;
    let uids = file
        .uids
        .iter()
        .map(|uid| uid.value().and_then(Uid::new))
        .collect::<Option<UidSet>>()
        .ok_or(ImportError::Garbage("a UID is not a number"))?;
    Ok(Track {
        // Zero stood for "could not be read".
        validity: (validity != 0).then_some(UidValidity(validity)),
        uids,
    })
}

/// `=['1', '2']`, with strings in either kind of quotes, or numbers.
fn read_list(text: &str) -> Result<Track, ImportError> {
    let list = text
        .trim_start()
        .strip_prefix('=')
        .and_then(|text| text.trim().strip_prefix('['))
        .and_then(|text| text.strip_suffix(']'))
        .ok_or(ImportError::Garbage("not one Python list"))?
        .trim();
    let item = |text: &str| {
        let text = text.trim();
        let quoted = ['\'', '"']
            .into_iter()
            .find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote));
        digits(quoted.unwrap_or(text)).and_then(Uid::new)
    };
    let uids = if list.is_empty() {
        Some(UidSet::new())
    } else {
        list.strip_suffix(',')
            .unwrap_or(list)
            .split(',')
            .map(item)
            .collect()
    };
    Ok(Track {
        validity: None,
        uids: uids.ok_or(ImportError::Garbage("an item of the list is not a UID"))?,
    })
}

/// A folder as the server shows it now.
#[derive(Debug, Clone, Copy)]
pub struct FolderNow<'a> {
    /// Its UIDVALIDITY.
    pub validity: UidValidity,
    /// All messages it holds.
    pub present: &'a UidSet,
    /// The latest INTERNALDATE among the messages that both it and the file have; only asked for where the file has no
    /// UIDVALIDITY.
    pub latest_arrival: Option<Timestamp>,
}

/// Why a track file's UIDs are not taken for this folder's. The messages are then judged as if they were new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAdopted {
    /// It is about another UIDVALIDITY.
    #[error("it was written for another UIDVALIDITY")]
    OtherValidity,
    /// It is empty, or none of its messages is there any more.
    #[error("none of its messages is in the folder")]
    Nothing,
    /// Too many of its messages are not there.
    #[error(
        "more than one in ten of its messages are not in the folder, so its UIDs may be another numbering's"
    )]
    TooManyGone,
    /// A message came after the file was written.
    #[error("a message it names came after it was written, so its UIDs are another numbering's")]
    TooNew,
    /// The messages' dates are not known.
    #[error("it has no UIDVALIDITY, and the dates of its messages are not known")]
    NoDates,
}

/// Which of a track file's UIDs may be taken over as seen in this folder.
///
/// With a UIDVALIDITY that is the folder's, all that are still there. Without one (isbg 0.99) only with evidence that
/// the numbering is still the same: nine in ten of the UIDs exist (0.99 dropped the others at each run), and none of
/// these messages came after the file was last `written`. A wrong refusal costs a second look at old mail; a wrong
/// adoption would let spam pass unseen, so in doubt nothing is taken.
///
/// # Errors
/// The reason why none may be taken.
pub fn adoptable(track: &Track, written: Timestamp, folder: &FolderNow<'_>) -> Result<UidSet, NotAdopted> {
    if track.validity.is_some_and(|validity| validity != folder.validity) {
        return Err(NotAdopted::OtherValidity);
    }
    let still_there: UidSet = track
        .uids
        .iter()
        .filter(|uid| folder.present.contains(*uid))
        .collect();
    if still_there.is_empty() {
        return Err(NotAdopted::Nothing);
    }
    if track.validity.is_none() {
        if still_there.len() * 10 < track.uids.len() * 9 {
            return Err(NotAdopted::TooManyGone);
        }
        match folder.latest_arrival {
            None => return Err(NotAdopted::NoDates),
            Some(latest) if latest > written => return Err(NotAdopted::TooNew),
            Some(_) => {}
        }
    }
    Ok(still_there)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(uids: impl IntoIterator<Item = u32>) -> UidSet {
        uids.into_iter().filter_map(Uid::new).collect()
    }

    #[test]
    fn json_of_numbers_and_strings() {
        let track = read_track(br#"{"uidvalidity": 1519500000, "uids": [3, "4", 17, "3"]}"#).unwrap();
        assert_eq!(track.validity, Some(UidValidity(1_519_500_000)));
        assert_eq!(track.uids, set([3, 4, 17]));
        let unknown = read_track(br#"{"uids": [], "uidvalidity": 0}"#).unwrap();
        assert_eq!((unknown.validity, unknown.uids), (None, UidSet::new()));
    }

    #[test]
    fn python_list() {
        for text in [
            "pastuids=['12', '7']\n",
            "pastuids = [\"12\",7]",
            "pastuids=['7', '12',]",
        ] {
            let track = read_track(text.as_bytes()).unwrap();
            assert_eq!((track.validity, track.uids), (None, set([7, 12])), "{text}");
        }
        assert!(read_track(b"pastuids=[]\n").unwrap().uids.is_empty());
    }

    #[test]
    fn anything_else_is_refused_whole() {
        for text in [
            "",
            "[]",
            "null",
            "{}",
            "[1, 2]",
            r#"{"uidvalidity": 1}"#,
            r#"{"uidvalidity": 1, "uids": 3}"#,
            r#"{"uidvalidity": -1, "uids": []}"#,
            r#"{"uidvalidity": 4294967296, "uids": []}"#,
            r#"{"uidvalidity": 1, "uids": [1.5]}"#,
            r#"{"uidvalidity": 1, "uids": [0]}"#,
            r#"{"uidvalidity": 1, "uids": ["+1"]}"#,
            r#"{"uidvalidity": 1, "uids": [1, null]}"#,
            r#"{"uidvalidity": 1, "uids": [1]"#,
            "pastuids",
            "pastuids=",
            "pastuids=['1'",
            "pastuids=['1', '']",
            "pastuids=['1' '2']",
            "pastuids=['0']",
            "pastuids=[,]",
            "pastuids=[1]; import os",
            "pastuids=[__import__('os').system('true')]",
            "import os\npastuids=[]",
            "pastuids=['99999999999999999999']",
        ] {
            assert!(read_track(text.as_bytes()).is_err(), "{text}");
        }
        assert!(read_track(&[0xff; 100]).is_err());
        assert!(read_track(&vec![b'['; 1_000_000]).is_err());
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), python in any::<bool>()) {
            let mut file = if python { b"pastuids=[".to_vec() } else { b"{\"uidvalidity\":1,\"uids\":[".to_vec() };
            file.extend(bytes);
            drop(read_track(&file));
        }
    }

    #[test]
    fn adopted_with_evidence_only() {
        let written = Timestamp(1000);
        let present = set(1..=20);
        let now = |validity, latest_arrival| FolderNow {
            validity: UidValidity(validity),
            present: &present,
            latest_arrival,
        };
        let dated = Track {
            validity: Some(UidValidity(5)),
            uids: set([2, 4, 90]),
        };
        assert_eq!(adoptable(&dated, written, &now(5, None)), Ok(set([2, 4])));
        assert_eq!(
            adoptable(&dated, written, &now(6, None)),
            Err(NotAdopted::OtherValidity)
        );
        let plain = |uids| Track { validity: None, uids };
        let early = Some(Timestamp(999));
        assert_eq!(
            adoptable(&plain(set(1..=10)), written, &now(5, early)),
            Ok(set(1..=10))
        );
        assert_eq!(
            adoptable(&plain(set(12..=21)), written, &now(5, early)),
            Ok(set(12..=20))
        );
        assert_eq!(
            adoptable(&plain(set(13..=22)), written, &now(5, early)),
            Err(NotAdopted::TooManyGone)
        );
        assert_eq!(
            adoptable(&plain(set(1..=10)), written, &now(5, None)),
            Err(NotAdopted::NoDates)
        );
        let late = Some(Timestamp(1001));
        assert_eq!(
            adoptable(&plain(set(1..=10)), written, &now(5, late)),
            Err(NotAdopted::TooNew)
        );
        assert_eq!(
            adoptable(&plain(set([])), written, &now(5, early)),
            Err(NotAdopted::Nothing)
        );
    }
}

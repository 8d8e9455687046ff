//! What an earlier isbg had seen, from its track files, for the folders of a classic run. Does not change those files.

use isbg_imap::Client;
use isbg_scan::Imported;
use isbg_store::import::{FolderNow, Places, Track, adoptable, find_files, read_old_file, read_track};
use isbg_store::{Purpose, Timestamp};
use isbg_types::{Class, FolderName};

use crate::environment::Environment;
use crate::report::Terminal;
use crate::secrets::shown;
use crate::settled::Account;

/// Track files that could be read.
#[derive(Debug, Default)]
pub struct Old {
    tracks: Vec<(Purpose, Track, Timestamp)>,
    /// The account is new to our own state.
    is_new: bool,
}

impl Old {
    /// Reads the track files that a classic run may take over; none for an account of the config file. A file that makes
    /// no sense is named and left out: its messages are judged again.
    pub fn of(account: &Account, around: &Environment, is_new: bool, terminal: &Terminal) -> Self {
        let Some(old) = &account.old_files else {
            return Self::default();
        };
        let places = Places {
            home: around.home.clone(),
            cache: around.cache_home.clone(),
            trackfile: old.track_prefix.clone(),
        };
        let server = &account.access.server;
        let mut tracks = Vec::new();
        for found in find_files(&places, &server.host, &account.access.user, server.port).tracks {
            let track = read_old_file(&found.path).and_then(|(bytes, at)| Ok((read_track(&bytes)?, at)));
            match track {
                Ok((track, at)) => tracks.push((found.purpose, track, at)),
                Err(error) if is_new => {
                    terminal.warn(&format!("{} is not taken over: {error}", shown(&found.path)));
                }
                Err(_) => {}
            }
        }
        Self { tracks, is_new }
    }

    /// What was seen of the folder that is scanned.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn scanned(
        &self,
        client: &mut Client,
        folder: &FolderName,
    ) -> isbg_scan::Result<Option<Imported>> {
        self.seen(client, Purpose::Scan, folder).await
    }

    /// What was learned of a folder.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn learned(
        &self,
        client: &mut Client,
        class: Class,
        folder: &FolderName,
    ) -> isbg_scan::Result<Option<Imported>> {
        let purpose = match class {
            Class::Spam => Purpose::LearnSpam,
            Class::Ham => Purpose::LearnHam,
        };
        self.seen(client, purpose, folder).await
    }

    async fn seen(
        &self,
        client: &mut Client,
        purpose: Purpose,
        folder: &FolderName,
    ) -> isbg_scan::Result<Option<Imported>> {
        for (own, track, written) in &self.tracks {
            match track.validity {
                _ if *own != purpose => {}
                Some(validity) => {
                    return Ok(Some(Imported {
                        validity,
                        uids: track.uids.clone(),
                    }));
                }
                None if self.is_new => return without_validity(client, folder, track, *written).await,
                None => {}
            }
        }
        Ok(None)
    }
}

/// A track file of isbg 0.99 counts only with evidence from the folder itself.
async fn without_validity(
    client: &mut Client,
    folder: &FolderName,
    track: &Track,
    written: Timestamp,
) -> isbg_scan::Result<Option<Imported>> {
    let mailbox = client.examine(folder, None).await?;
    let present = client.search(&[]).await?;
    let both = track.uids.iter().filter(|uid| present.contains(*uid)).collect();
    let facts = client.look(&both, false).await?;
    client.unselect().await?;
    let Some(validity) = mailbox.uid_validity else {
        return Ok(None);
    };
    let arrivals: Option<Vec<Timestamp>> = facts
        .iter()
        .map(|facts| arrival(facts.internal_date.as_ref()?.as_str()))
        .collect();
    let latest_arrival = arrivals.and_then(|all| all.into_iter().max());
    let now = FolderNow {
        validity,
        present: &present,
        latest_arrival,
    };
    Ok(adoptable(track, written, &now)
        .ok()
        .map(|uids| Imported { validity, uids }))
}

/// The moment in an INTERNALDATE (RFC 9051 §9, `date-time`).
fn arrival(date: &str) -> Option<Timestamp> {
    let time = jiff::fmt::strtime::parse("%d-%b-%Y %H:%M:%S %z", date.trim())
        .ok()?
        .to_timestamp()
        .ok()?;
    Some(Timestamp(time.as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_dates() {
        assert_eq!(
            arrival(" 1-Feb-2026 03:04:05 +0100"),
            Some(Timestamp(1_769_911_445))
        );
        assert_eq!(
            arrival("17-Jul-1996 02:44:25 -0700"),
            Some(Timestamp(837_596_665))
        );
        assert_eq!(arrival("yesterday"), None);
    }
}

//! Fetches messages so that one which the server cannot read does not keep back the others. Does not know what they are
//! fetched for.

use std::collections::BTreeMap;

use isbg_imap::{ByteBudget, Client, Error, FetchReport, Fetched};
use isbg_spool::Spool;
use isbg_types::{FolderName, Uid, UidSet};
use tokio::sync::mpsc;

use crate::error::Result;
use crate::event::Event;
use crate::pass::Pass;

/// Where more messages than this are refused one by one, it is not the messages.
const REFUSED: usize = 10;

/// Fetches these messages of the open folder and hands each over. Gives those that the server did not give whole, or
/// that are larger than anything that is read.
///
/// # Errors
/// Those of the connection. Where the server refuses a command for many messages, each is asked for by itself.
pub(crate) async fn fetch(
    client: &mut Client,
    uids: &[Uid],
    to: mpsc::Sender<Fetched>,
    budget: &ByteBudget,
) -> std::result::Result<Vec<Uid>, Error> {
    let (inner, mut arriving) = mpsc::channel::<Fetched>(1);
    let fetching = async {
        let fetched = client.fetch(uids, &inner, budget).await;
        drop(inner);
        fetched
    };
    let handing_on = async {
        let mut came = UidSet::new();
        while let Some(fetched) = arriving.recv().await {
            came.insert(fetched.facts.uid);
            if to.send(fetched).await.is_err() {
                arriving.close();
            }
        }
        came
    };
    let (fetched, came) = tokio::join!(fetching, handing_on);
    match fetched {
        Ok(report) => return Ok(not_read(report)),
        Err(Error::Refused(_)) => {}
        Err(error) => return Err(error),
    }
    let (mut unread, mut refused) = (Vec::new(), 0);
    for uid in uids.iter().filter(|uid| !came.contains(**uid)) {
        match client.fetch(&[*uid], &to, budget).await {
            Ok(report) => unread.extend(not_read(report)),
            Err(Error::Refused(_)) if refused < REFUSED => {
                refused += 1;
                unread.push(*uid);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(unread)
}

fn not_read(report: FetchReport) -> Vec<Uid> {
    let too_large = report.too_large.into_iter().map(|(uid, _)| uid);
    report.incomplete.into_iter().chain(too_large).collect()
}

/// Tells of those of these messages that could not be read and are still there. They are to be tried again later.
pub(crate) async fn still_unread(
    pass: &mut Pass<'_>,
    folder: &FolderName,
    uids: &[Uid],
) -> Result<Vec<(Uid, String)>> {
    if uids.is_empty() {
        return Ok(Vec::new());
    }
    // Only with this does a server take notice of what others removed.
    pass.client.noop().await?;
    let there = pass.client.look(&uids.iter().copied().collect(), false).await?;
    let detail = "the server did not give the whole message, or it is larger than anything isbg reads";
    let tell = |uid| {
        pass.observer.event(Event::Unknown { folder, uid, detail });
        (uid, detail.to_owned())
    };
    Ok(there.into_iter().map(|facts| tell(facts.uid)).collect())
}

/// These messages of the open folder, whole, by UID. Those that are gone or cannot be read are missing.
pub(crate) async fn bodies(pass: &mut Pass<'_>, uids: &[Uid]) -> Result<BTreeMap<Uid, Spool>> {
    let (sender, mut arriving) = mpsc::channel(1);
    let fetching = fetch(&mut *pass.client, uids, sender, &pass.budget);
    let keeping = async {
        let mut bodies = BTreeMap::new();
        while let Some(fetched) = arriving.recv().await {
            bodies.insert(fetched.facts.uid, fetched.body);
        }
        bodies
    };
    let (fetched, bodies) = tokio::join!(fetching, keeping);
    fetched?;
    Ok(bodies)
}

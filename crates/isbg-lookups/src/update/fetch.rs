//! Fetches a version of a channel from one of its mirrors and proves it. Does not know where rules are kept, nor what
//! they say.

use std::time::SystemTime;

use http::StatusCode;

use super::archive::{self, RuleFile, rule_files};
use super::checksum::{self, Sum};
use super::http::{Http, HttpError};
use super::mirrors;
use super::signature::{self, Keys, Signed};
use super::{Channel, FileError, Held, MirrorError, UpdateError};
use crate::dns::Resolver;

/// A list of mirrors may have so many bytes.
pub(super) const MAX_LIST: usize = 64 * 1024;

/// So many mirrors are tried for one version.
const MAX_TRIES: usize = 10;

/// A version of a channel, proved to come from its owner.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its rules.
    pub files: Vec<RuleFile>,
    /// Who signed it, and when.
    pub signed: Signed,
}

/// The list of a channel's mirrors, fetched afresh.
///
/// # Errors
/// When it cannot be had from any of the addresses that the channel names.
pub async fn mirror_list(
    resolver: &Resolver,
    http: &Http,
    channel: &Channel,
) -> Result<Vec<u8>, UpdateError> {
    let mut tried = Vec::new();
    for url in channel.lists(resolver).await? {
        let error = match http.get(&url, MAX_LIST).await {
            Ok(list) if !mirrors::read(&list).is_empty() => return Ok(list),
            Ok(_) => FileError::Empty,
            Err(error) => FileError::Http(error),
        };
        tried.push(MirrorError { url, error });
    }
    Err(UpdateError::NoList {
        channel: channel.clone(),
        tried,
    })
}

/// A version of a held channel. The list of mirrors that was kept is used while it is fresh and some mirror of it is
/// good; a new one is kept, and an old one is better than none.
///
/// # Errors
/// As [`mirror_list`] and [`package`].
pub async fn fetch(
    resolver: &Resolver,
    http: &Http,
    held: &Held,
    version: u64,
    keys: &Keys,
) -> Result<Package, UpdateError> {
    let channel = held.channel();
    let kept = held.mirror_list()?;
    let mut failed = None;
    if let Some((list, true)) = &kept {
        match package(http, channel, version, list, keys).await {
            Ok(package) => return Ok(package),
            Err(error) => failed = Some(error),
        }
    }
    let list = match (mirror_list(resolver, http, channel).await, kept) {
        (Ok(list), _) => {
            held.keep_mirror_list(&list)?;
            list
        }
        (Err(_), Some((list, _))) if failed.is_none() => list,
        (Err(error), _) => return Err(failed.unwrap_or(error)),
    };
    package(http, channel, version, &list, keys).await
}

/// A version of a channel from the first mirror of the list that has a good one. The mirrors are tried by lot.
///
/// # Errors
/// When no mirror has it, or not one that is whole, signed with one of the keys, and harmless to unpack.
pub async fn package(
    http: &Http,
    channel: &Channel,
    version: u64,
    list: &[u8],
    keys: &Keys,
) -> Result<Package, UpdateError> {
    let order = mirrors::by_lot(mirrors::read(list), &mut rand::rng());
    let mut tried = Vec::new();
    for mirror in order.into_iter().take(MAX_TRIES) {
        let url = format!("{}/{version}.tar.gz", mirror.url);
        match from_mirror(http, &url, keys).await {
            Ok(package) => return Ok(package),
            Err(error) => tried.push(MirrorError { url, error }),
        }
    }
    Err(UpdateError::NoGoodMirror {
        channel: channel.clone(),
        version,
        tried,
    })
}

/// The signature is fetched first: it is small, and without it the archive is of no use.
async fn from_mirror(http: &Http, url: &str, keys: &Keys) -> Result<Package, FileError> {
    let signature = http.get(&format!("{url}.asc"), signature::MAX_FILE).await?;
    let (sum, wanted) = checksum(http, url).await?;
    let archive = http.get(url, archive::MAX_ARCHIVE).await?;
    if !sum.fits(&wanted, &archive) {
        return Err(FileError::Checksum);
    }
    let signed = keys.verify(&archive, &signature, SystemTime::now())?;
    let files = rule_files(&archive)?;
    Ok(Package { files, signed })
}

/// The better checksum that the mirror has.
async fn checksum(http: &Http, url: &str) -> Result<(Sum, Vec<u8>), HttpError> {
    let of = |sum: Sum| format!("{url}{}", sum.suffix());
    match http.get(&of(Sum::Sha512), checksum::MAX_FILE).await {
        Err(HttpError::Status(StatusCode::NOT_FOUND)) => {
            let file = http.get(&of(Sum::Sha256), checksum::MAX_FILE).await?;
            Ok((Sum::Sha256, file))
        }
        other => Ok((Sum::Sha512, other?)),
    }
}

//! `isbg rules update`: fetches new versions of channels, tries them out and puts them in force. Knows neither how they
//! are fetched and proved nor what their rules say.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use isbg_lookups::dns::Resolver;
use isbg_lookups::update::{
    Channel, FileError, Held, Http, Installed, Keys, SignatureError, State, UpdateError, fetch, installed,
};
use isbg_rules::load::VERSION_TEXT;
use isbg_tls::Connector;

use crate::args::{ChannelKey, Update};
use crate::environment::Environment;
use crate::exit::{Failure, Status};
use crate::report::Terminal;
use crate::rules::{store, trial};
use crate::secrets::shown;

use super::super::print;
use super::outcome::{Outcome, What, line, status, told};

/// A DNS server that has not answered by then does not answer.
const DNS_DEADLINE: Duration = Duration::from_secs(20);

/// A file of keys may have so many bytes.
const MAX_KEYS: u64 = 1 << 20;

/// Updates, lists or rolls back channels, and prints what became of each.
///
/// # Errors
/// With status 4 when there is nowhere to keep rules, with status 10 when a key cannot be read or a certificate file not
/// be used, or when standard output cannot be written. That a channel fails is in the status.
pub fn update(typed: &Update, around: &Environment, terminal: &Terminal) -> Result<Status> {
    let store = store(around).ok_or_else(|| {
        Failure::new(Status::UpdateFailed, "there is no folder to keep rules in")
            .hint("set HOME or XDG_DATA_HOME")
    })?;
    let known = installed(&store).map_err(|error| Failure::new(Status::UpdateFailed, error.to_string()))?;
    if typed.list {
        return listed(typed, known);
    }
    let channels = channels(typed, &known);
    let mut outcomes = Vec::new();
    if typed.rollback {
        if channels.is_empty() {
            return Err(Failure::new(Status::UpdateFailed, "no channel is installed").into());
        }
        for channel in channels {
            outcomes.push(rolled_back(&store, &channel).unwrap_or_else(|error| failed(&channel, error)));
        }
    } else {
        let updater = Updater::new(typed, store, around)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        for channel in channels {
            let outcome = runtime.block_on(updater.one(&channel));
            outcomes.push(outcome.unwrap_or_else(|error| failed(&channel, error)));
        }
    }
    told(typed.json, &outcomes, terminal)?;
    Ok(status(&outcomes))
}

/// The channels that were named, else SpamAssassin's and what else is installed.
fn channels(typed: &Update, known: &[Installed]) -> Vec<Channel> {
    let named = typed.channel.iter().cloned();
    let installed = known.iter().map(|one| one.channel.clone());
    let mut all: Vec<Channel> = Vec::new();
    let wanted: &mut dyn Iterator<Item = Channel> = match typed.channel[..] {
        [] => &mut std::iter::once(Channel::of_spamassassin())
            .filter(|_| !typed.rollback)
            .chain(installed),
        _ => &mut named.into_iter(),
    };
    for channel in wanted {
        if !all.contains(&channel) {
            all.push(channel);
        }
    }
    all
}

fn listed(typed: &Update, known: Vec<Installed>) -> Result<Status> {
    let wanted = |one: &Installed| typed.channel.is_empty() || typed.channel.contains(&one.channel);
    let mut text = String::new();
    for one in known.into_iter().filter(wanted) {
        let outcome = Outcome {
            key: Some(one.state.key.clone()),
            ..Outcome::of(&one.channel, What::Installed, Some(&one.state))
        };
        text.push_str(&line(typed.json, &outcome)?);
    }
    print(&text)
}

fn rolled_back(store: &Path, channel: &Channel) -> Result<Outcome, anyhow::Error> {
    if !installed(store)?.iter().any(|one| one.channel == *channel) {
        anyhow::bail!("it is not installed");
    }
    let mut held = Held::open(store, channel)?;
    held.roll_back()?;
    Ok(Outcome::of(channel, What::RolledBack, held.state()))
}

/// What all channels share.
struct Updater<'a> {
    store: PathBuf,
    around: &'a Environment,
    resolver: Resolver,
    http: Http,
    keys: Vec<Keys>,
    typed: &'a Update,
}

impl<'a> Updater<'a> {
    fn new(typed: &'a Update, store: PathBuf, around: &'a Environment) -> Result<Self, Failure> {
        let unusable = |why: String| Failure::new(Status::BadArguments, why);
        let tls = Connector::new(&isbg_tls::Settings {
            ca_file: typed.cafile.clone(),
            ..isbg_tls::Settings::default()
        });
        let resolver = match typed.dns_server[..] {
            [] => Resolver::from_system(DNS_DEADLINE).map_err(|error| {
                Failure::new(Status::UpdateFailed, error.to_string()).hint("use --dns-server")
            })?,
            _ => Resolver::with_servers(typed.dns_server.clone(), DNS_DEADLINE),
        };
        let mut keys = Vec::new();
        for key in &typed.channel_key {
            if let ChannelKey::File(path) = key {
                keys.push(read_keys(&around.expanded(path.clone()))?);
            }
        }
        Ok(Self {
            store,
            around,
            resolver,
            http: Http::new(
                tls.map_err(|error| unusable(error.to_string()))?,
                around.proxies.clone(),
            ),
            keys,
            typed,
        })
    }

    /// Brings one channel up to date.
    async fn one(&self, channel: &Channel) -> Result<Outcome, anyhow::Error> {
        let newest = channel.newest(&self.resolver, &engine()).await?;
        if self.typed.dryrun {
            let known = installed(&self.store)?
                .into_iter()
                .find(|one| one.channel == *channel);
            let state = known.map(|one| one.state);
            let outcome = Outcome::of(channel, What::Available, state.as_ref());
            return Ok(match wanted(newest, state.as_ref()) {
                None => up_to_date(channel, state.as_ref()),
                Some(version) => Outcome {
                    version: Some(version),
                    previous: outcome.version,
                    ..outcome
                },
            });
        }
        let mut held = Held::open(&self.store, channel)?;
        let Some(version) = wanted(newest, held.state()) else {
            return Ok(up_to_date(channel, held.state()));
        };
        let keys = self.trusted(channel, &held)?;
        let package = fetch(&self.resolver, &self.http, &held, version, &keys).await?;
        let staged = held.stage(version, &package)?;
        let rules = trial(
            Installed {
                channel: channel.clone(),
                state: State {
                    version,
                    ..State::default()
                },
                folder: staged.folder().to_owned(),
            },
            self.around,
        )?;
        held.install(staged)?;
        if !self.keys.is_empty() || self.only().next().is_some() {
            held.remember_keys(&keys)?;
        }
        Ok(Outcome {
            rules: Some(rules),
            ..Outcome::of(channel, What::Updated, held.state())
        })
    }

    /// The keys whose signatures count for a channel: those named now, else those named before, else, for its own
    /// channel, SpamAssassin's.
    fn trusted(&self, channel: &Channel, held: &Held) -> Result<Keys, anyhow::Error> {
        let mut keys = Keys::default();
        for named in &self.keys {
            keys.extend(named.clone());
        }
        if self.keys.is_empty() {
            if let Some(before) = held.keys()? {
                keys.extend(before);
            } else if *channel == Channel::of_spamassassin() {
                keys.extend(Keys::of_spamassassin()?);
            }
        }
        let only: Vec<_> = self.only().cloned().collect();
        if !only.is_empty() {
            keys.keep_only(&only);
        }
        if keys.fingerprints().is_empty() {
            anyhow::bail!("no key of this channel is known; name a file with its key with --channel-key");
        }
        Ok(keys)
    }

    fn only(&self) -> impl Iterator<Item = &isbg_lookups::update::Fingerprint> {
        self.typed.channel_key.iter().filter_map(|key| match key {
            ChannelKey::Only(fingerprint) => Some(fingerprint),
            ChannelKey::File(_) => None,
        })
    }
}

/// The version to install, if there is one that is newer and was not taken back.
fn wanted(newest: Option<u64>, state: Option<&State>) -> Option<u64> {
    newest
        .filter(|newest| state.is_none_or(|state| *newest > state.version && Some(*newest) != state.refused))
}

fn up_to_date(channel: &Channel, state: Option<&State>) -> Outcome {
    let text = match state {
        None => Some("the channel has no rules for this version of the engine".to_owned()),
        Some(state) => state
            .refused
            .map(|version| format!("version {version} was taken back and is not installed again")),
    };
    Outcome {
        text,
        ..Outcome::of(channel, What::Current, state)
    }
}

/// The engine's version as channels know it: 4.000001 is 4.0.1.
fn engine() -> String {
    let (major, rest) = VERSION_TEXT.split_once('.').unwrap_or((VERSION_TEXT, ""));
    let (minor, patch) = rest.split_at_checked(3).unwrap_or((rest, ""));
    let number = |digits: &str| digits.parse::<u32>().unwrap_or_default();
    format!("{major}.{}.{}", number(minor), number(patch))
}

fn read_keys(path: &Path) -> Result<Keys, Failure> {
    let failed = |why: String| Failure::new(Status::BadArguments, format!("{}: {why}", shown(path)));
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_KEYS + 1).read_to_end(&mut bytes))
        .map_err(|error| failed(error.to_string()))?;
    Keys::read(&bytes).map_err(|error| failed(error.to_string()))
}

fn failed(channel: &Channel, error: anyhow::Error) -> Outcome {
    let unknown_key = matches!(
        error.downcast_ref::<UpdateError>(),
        Some(UpdateError::NoGoodMirror { tried, .. })
            if tried.iter().any(|one| matches!(one.error, FileError::Signature(SignatureError::UnknownKey(_))))
    );
    let hint = if unknown_key {
        "; name the channel's key with --channel-key if you trust it"
    } else {
        ""
    };
    Outcome {
        text: Some(format!("{error:#}{hint}")),
        ..Outcome::of(channel, What::Failed, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_s_version() {
        assert_eq!(engine(), "4.0.1");
    }

    #[test]
    fn what_is_wanted() {
        let state = State {
            version: 5,
            ..State::default()
        };
        let refusing = State {
            refused: Some(6),
            ..state.clone()
        };
        for (newest, state, want) in [
            (None, None, None),
            (Some(5), None, Some(5)),
            (Some(5), Some(&state), None),
            (Some(4), Some(&state), None),
            (Some(6), Some(&state), Some(6)),
            (Some(6), Some(&refusing), None),
            (Some(7), Some(&refusing), Some(7)),
        ] {
            assert_eq!(wanted(newest, state), want);
        }
    }
}

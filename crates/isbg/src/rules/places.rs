//! Where rules are kept, and in which order the places are read: isbg's own, SpamAssassin's, the site's. Reads no rules.

use std::fs;
use std::path::{Path, PathBuf};

use isbg_lookups::update::{Channel, Installed, in_order, installed};

use crate::environment::Environment;
use crate::exit::{Failure, Status};
use crate::secrets::shown;

/// Where sa-update keeps what it fetched, one folder for each version of SpamAssassin.
const UPDATED: [&str; 2] = ["/var/lib/spamassassin", "/var/db/spamassassin"];

/// Where packages put SpamAssassin's own rules.
const PACKAGED: [&str; 3] = [
    "/usr/share/spamassassin",
    "/usr/local/share/spamassassin",
    "/opt/homebrew/share/spamassassin",
];

/// Where a machine's administrator writes rules. The first that exists is used, as SpamAssassin does.
const SITE: [&str; 5] = [
    "/etc/spamassassin",
    "/etc/mail/spamassassin",
    "/usr/local/etc/spamassassin",
    "/usr/local/etc/mail/spamassassin",
    "/opt/homebrew/etc/mail/spamassassin",
];

/// A folder with rule files, or a rule file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Where.
    pub path: PathBuf,
    /// What people are to know it as.
    pub name: String,
}

impl From<PathBuf> for Place {
    fn from(path: PathBuf) -> Self {
        let name = shown(&path);
        Self { path, name }
    }
}

impl From<Installed> for Place {
    fn from(installed: Installed) -> Self {
        Self {
            name: format!("{} {}", installed.channel, installed.state.version),
            path: installed.folder,
        }
    }
}

/// Where `isbg rules update` keeps rules, a folder for each channel.
pub fn store(around: &Environment) -> Option<PathBuf> {
    Some(around.data_home.as_ref()?.join("isbg").join("rules"))
}

/// Updated rules and the user's own in isbg's folder, else SpamAssassin's; and the site's in either case. A channel other
/// than SpamAssassin's adds to its rules: these are the machine's then, where `isbg rules update` has none. `instead`: take
/// this as what is installed for its channel.
///
/// # Errors
/// With status 12 when isbg's folder is damaged.
pub fn by_default(around: &Environment, instead: Option<Installed>) -> Result<Option<Vec<Place>>, Failure> {
    let Some(store) = store(around) else {
        return Ok(system().map(|rules| with_site(vec![rules.into()])));
    };
    let mut channels = installed(&store).map_err(|error| Failure::new(Status::Scorer, error.to_string()))?;
    if let Some(instead) = instead {
        channels.retain(|one| one.channel != instead.channel);
        channels.push(instead);
        in_order(&mut channels);
    }
    let own: Option<Place> = has_rules(&store).then(|| store.into());
    Ok(ordered(channels, own, system()).map(with_site))
}

/// Rules in the order in which they are read. `None`: there are none.
fn ordered(channels: Vec<Installed>, own: Option<Place>, system: Option<PathBuf>) -> Option<Vec<Place>> {
    let complete = channels
        .iter()
        .any(|one| one.channel == Channel::of_spamassassin());
    let needed = if channels.is_empty() {
        own.is_none()
    } else {
        !complete
    };
    let system = system.filter(|_| needed).map(Place::from);
    let all: Vec<Place> = system
        .into_iter()
        .chain(channels.into_iter().map(Place::from))
        .chain(own)
        .collect();
    (!all.is_empty()).then_some(all)
}

/// SpamAssassin's rules on this machine.
fn system() -> Option<PathBuf> {
    let updated = UPDATED.iter().find_map(|folder| newest(Path::new(folder)));
    let mut packaged = PACKAGED.iter().map(PathBuf::from);
    updated.or_else(|| packaged.find(|folder| has_rules(folder)))
}

fn with_site(mut places: Vec<Place>) -> Vec<Place> {
    places.extend(site());
    places
}

/// The folder of the machine's administrator.
pub fn site() -> Option<Place> {
    let mut folders = SITE.iter().map(PathBuf::from);
    folders.find(|folder| folder.is_dir()).map(Place::from)
}

/// Of the folders in here, named for versions such as `4.000001`, the last that has rules.
fn newest(folder: &Path) -> Option<PathBuf> {
    let versions = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    versions.filter(|path| has_rules(path)).max()
}

fn has_rules(folder: &Path) -> bool {
    let is_rule_file = |path: &Path| path.extension().is_some_and(|extension| extension == "cf");
    fs::read_dir(folder).is_ok_and(|entries| entries.flatten().any(|entry| is_rule_file(&entry.path())))
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use isbg_lookups::update::State;

    use super::*;

    #[test]
    fn the_newest_update_that_has_rules() {
        let folder = tempfile::tempdir().unwrap();
        for (version, file) in [("3.004006", "a.cf"), ("4.000001", "a.cf"), ("4.000002", "a.txt")] {
            fs::create_dir(folder.path().join(version)).unwrap();
            fs::write(folder.path().join(version).join(file), "").unwrap();
        }
        assert_eq!(newest(folder.path()), Some(folder.path().join("4.000001")));
        assert_eq!(newest(&folder.path().join("none")), None);
    }

    fn channel(name: &str) -> Installed {
        Installed {
            channel: Channel::from_str(name).unwrap(),
            state: State {
                version: 7,
                ..State::default()
            },
            folder: format!("/{name}/7").into(),
        }
    }

    #[test]
    fn the_machine_s_rules_count_where_there_are_none_of_ours() {
        let base = || channel(isbg_lookups::update::SPAMASSASSIN);
        let other = || channel("kam.example.org");
        let own = || Some(Place::from(PathBuf::from("/own")));
        let (b, k) = ("updates.spamassassin.org 7", "kam.example.org 7");
        for (channels, own, names) in [
            (vec![], None, vec!["/sa"]),
            (vec![], own(), vec!["/own"]),
            (vec![base()], None, vec![b]),
            (vec![base(), other()], own(), vec![b, k, "/own"]),
            (vec![other()], own(), vec!["/sa", k, "/own"]),
        ] {
            let places = ordered(channels, own, Some("/sa".into())).unwrap();
            let found: Vec<_> = places.iter().map(|place| place.name.as_str()).collect();
            assert_eq!(found, names);
        }
        assert_eq!(ordered(vec![], None, None), None);
        assert_eq!(
            ordered(vec![other()], None, None).unwrap()[0].path,
            Path::new("/kam.example.org/7")
        );
    }
}

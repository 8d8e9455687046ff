//! Where passwords come from, and in which order. Does not know what they open.

mod command;
mod file;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use isbg_imap::sasl::Secret;
use isbg_store::import::{Places, find_files, name_hashes};
use isbg_store::{Password, Store, load_password, save_password};
use isbg_types::Untrusted;

use crate::environment::Environment;
use crate::exit::{Failure, Status};
use crate::settled::{Access, SaveTo, Source};

pub use command::first_line;

/// Looks for secrets on behalf of one run.
#[derive(Debug, Clone, Copy)]
pub struct Keeper<'a> {
    /// The surroundings.
    pub around: &'a Environment,
    /// isbg's own state folder, where `--savepw` stores.
    pub state_dir: &'a Path,
}

/// A password, and what the user should be told about where it was found.
#[derive(Debug)]
pub struct Obtained {
    /// The password.
    pub secret: Secret,
    /// A warning, safe to print.
    pub warning: Option<String>,
}

impl From<Secret> for Obtained {
    fn from(secret: Secret) -> Self {
        Self {
            secret,
            warning: None,
        }
    }
}

impl Keeper<'_> {
    /// The password for a mailbox, from the first source that has one.
    ///
    /// # Errors
    /// With status 20 when no source has one and the user may not be asked, or when a source that was named cannot be used.
    pub async fn password(self, access: &Access, sources: &[Source]) -> Result<Obtained, Failure> {
        let mut missing = Vec::new();
        for source in sources {
            let found = match source {
                Source::Given(secret) => Some(secret.clone().into()),
                Source::File(path) => self.in_file(path, access, &mut missing)?,
                Source::Command(command) => Some(first_line(command, "the password").await?.into()),
                Source::Credential { name, optional } => {
                    self.credential(name, *optional)?.map(Obtained::from)
                }
                Source::Saved => self.saved(access),
                Source::Prompt => Some(ask(access).await?.into()),
            };
            match found {
                Some(found) if found.secret.expose().is_empty() => {
                    return Err(needed(access, "what was given as password is empty"));
                }
                Some(found) => return Ok(found),
                None => {}
            }
        }
        let why = match missing.first() {
            Some(path) => format!("there is no file {}", shown(path)),
            None => "none is stored, and none may be asked for".to_owned(),
        };
        Err(needed(access, &why))
    }

    /// The password of a scorer.
    ///
    /// # Errors
    /// With status 20 when the source cannot be used.
    pub async fn scorer_password(self, source: &Source) -> Result<Secret, Failure> {
        match source {
            Source::Command(command) => first_line(command, "the scorer's password").await,
            Source::File(path) => match file::read(path, None)? {
                Some(secret) => Ok(secret),
                None => Err(Failure::new(
                    Status::NeedsTerminal,
                    format!("there is no file {}", shown(path)),
                )),
            },
            Source::Given(secret) => Ok(secret.clone()),
            Source::Credential { .. } | Source::Saved | Source::Prompt => Err(Failure::new(
                Status::BadArguments,
                "a scorer's password comes from a file or a command",
            )),
        }
    }

    /// Stores a password that the server has accepted, and says where.
    ///
    /// # Errors
    /// With status 255 when it cannot be stored.
    pub fn save(self, access: &Access, secret: &Secret, to: &SaveTo) -> Result<PathBuf, Failure> {
        let fail = |what: String| Failure::new(Status::Other, format!("the password was not stored: {what}"));
        let text = std::str::from_utf8(secret.expose()).map_err(|_| fail("it is not UTF-8".to_owned()))?;
        let path = match to {
            SaveTo::File(path) => path.clone(),
            SaveTo::State => {
                // Makes the folder, for this user alone.
                drop(Store::open(self.state_dir).map_err(|error| fail(error.to_string()))?);
                self.saved_path(access)
            }
        };
        save_password(&path, &Password::new(text.to_owned())).map_err(|error| fail(error.to_string()))?;
        Ok(path)
    }

    fn saved_path(self, access: &Access) -> PathBuf {
        let [hash, _] = name_hashes(&access.server.host, &access.user, access.server.port);
        self.state_dir.join(format!("password-{hash}.json"))
    }

    /// What `--savepw` stored in the state folder, or an earlier isbg in its own places. A file that is none of isbg's
    /// or belongs to another account is passed over: nobody named it.
    fn saved(self, access: &Access) -> Option<Obtained> {
        let (host, user, port) = (&access.server.host, &access.user, access.server.port);
        let places = Places {
            home: self.around.home.clone(),
            cache: self.around.cache_home.clone(),
            trackfile: None,
        };
        let old = find_files(&places, host, user, port).passwords;
        std::iter::once(self.saved_path(access))
            .chain(old)
            .find_map(|path| {
                let stored = load_password(&path, host, user, port).ok()??;
                Some(Obtained {
                    secret: Secret::from(stored.password.expose().to_owned()),
                    warning: stored.open_to_others.then(|| {
                        format!(
                            "other users can read the password in {0}; run: chmod 600 {0}",
                            shown(&path)
                        )
                    }),
                })
            })
    }

    fn in_file(
        self,
        path: &Path,
        access: &Access,
        missing: &mut Vec<PathBuf>,
    ) -> Result<Option<Obtained>, Failure> {
        let found = file::read(path, Some(access))?;
        if found.is_none() {
            missing.push(path.to_owned());
        }
        Ok(found.map(Obtained::from))
    }

    fn credential(self, name: &str, optional: bool) -> Result<Option<Secret>, Failure> {
        let fail = |what: String| {
            Err(Failure::new(Status::NeedsTerminal, what).hint("add LoadCredential= to the service's unit"))
        };
        let plain = !name.is_empty() && !name.contains(['/', '\\']) && name != "." && name != "..";
        match &self.around.credentials {
            None if optional => Ok(None),
            None => fail(format!(
                "systemd has passed no credentials, so there is no {}",
                Untrusted(name)
            )),
            Some(_) if !plain => fail(format!("{} is not the name of a credential", Untrusted(name))),
            Some(folder) => match file::one_line(&folder.join(name))? {
                None if !optional => fail(format!("systemd has passed no credential {}", Untrusted(name))),
                found => Ok(found),
            },
        }
    }
}

async fn ask(access: &Access) -> Result<Secret, Failure> {
    let prompt = format!(
        "IMAP password for {}@{}: ",
        Untrusted(&access.user),
        Untrusted(&access.server.host)
    );
    let answer = tokio::task::spawn_blocking(move || rpassword::prompt_password(prompt)).await;
    match answer {
        Ok(Ok(password)) => Ok(Secret::from(password)),
        Ok(Err(error)) => Err(needed(access, &format!("the terminal gave none ({error})"))),
        Err(_) => Err(needed(access, "the terminal gave none")),
    }
}

fn needed(access: &Access, why: &str) -> Failure {
    Failure::new(
        Status::NeedsTerminal,
        format!(
            "a password for {}@{} is needed: {why}",
            Untrusted(&access.user),
            Untrusted(&access.server.host)
        ),
    )
    .hint("run isbg once with --savepw in a terminal, or name a --passwdfilename or --password-command")
}

/// A path as text that is safe to print.
pub fn shown(path: &Path) -> String {
    Untrusted(&path.display().to_string()).to_string()
}

//! What the process finds around itself: folders, the user's name, terminals. Read once; does not open any of the
//! files it names.

use std::env;
use std::ffi::OsString;
use std::io::{IsTerminal, stderr, stdin};
use std::path::PathBuf;

use isbg_lookups::update::Proxies;

/// The surroundings of one run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// The user's home folder.
    pub home: Option<PathBuf>,
    /// Where config files live: `$XDG_CONFIG_HOME`.
    pub config_home: Option<PathBuf>,
    /// Where state lives: `$XDG_STATE_HOME`.
    pub state_home: Option<PathBuf>,
    /// Where data that can be fetched again lives: `$XDG_DATA_HOME`.
    pub data_home: Option<PathBuf>,
    /// Where earlier versions of isbg kept their files: `$XDG_CACHE_HOME`.
    pub cache_home: Option<PathBuf>,
    /// Where systemd puts this service's credentials.
    pub credentials: Option<PathBuf>,
    /// The name of the user who runs isbg.
    pub user: Option<String>,
    /// The language for what rules say of themselves, such as `de_AT.UTF-8`; empty: English.
    pub language: String,
    /// The way to the web, where it leads through proxies.
    pub proxies: Proxies,
    /// Whether somebody can be asked: standard input and standard error are terminals.
    pub can_ask: bool,
    /// Whether colour and progress bars are welcome: standard error is a terminal, and neither `NO_COLOR` nor a dumb
    /// terminal says otherwise.
    pub lively: bool,
}

impl Environment {
    /// The real one.
    pub fn read() -> Self {
        let colour = !is_set("NO_COLOR") && env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self {
            can_ask: stdin().is_terminal() && stderr().is_terminal(),
            lively: stderr().is_terminal() && colour,
            ..Self::from_variables(env::home_dir(), |name| env::var_os(name))
        }
    }

    /// From these variables. Relative paths in the XDG variables are ignored, as the XDG specification demands.
    fn from_variables(home: Option<PathBuf>, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let absolute = |name: &str| {
            variable(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let home = home.filter(|home| home.is_absolute());
        let below = |parts: &[&str]| {
            home.as_ref()
                .map(|home| home.join(parts.iter().collect::<PathBuf>()))
        };
        let folder = |xdg: &str, windows: &str, parts: &[&str]| {
            absolute(xdg)
                .or_else(|| if cfg!(windows) { absolute(windows) } else { None })
                .or_else(|| below(parts))
        };
        Self {
            config_home: folder("XDG_CONFIG_HOME", "APPDATA", &[".config"]),
            state_home: folder("XDG_STATE_HOME", "LOCALAPPDATA", &[".local", "state"]),
            data_home: folder("XDG_DATA_HOME", "LOCALAPPDATA", &[".local", "share"]),
            cache_home: folder("XDG_CACHE_HOME", "LOCALAPPDATA", &[".cache"]),
            credentials: absolute("CREDENTIALS_DIRECTORY"),
            user: ["USER", "LOGNAME", "USERNAME"]
                .iter()
                .find_map(|name| variable(name)?.into_string().ok())
                .filter(|user| !user.is_empty()),
            language: ["LC_ALL", "LC_MESSAGES", "LANG"]
                .iter()
                .filter_map(|name| variable(name)?.into_string().ok())
                .find(|language| !language.is_empty())
                .unwrap_or_default(),
            proxies: {
                let text = |names: &[&str]| names.iter().find_map(|name| variable(name)?.into_string().ok());
                Proxies {
                    http: text(&["http_proxy"]),
                    https: text(&["https_proxy", "HTTPS_PROXY"]),
                    exceptions: text(&["no_proxy", "NO_PROXY"]),
                }
            },
            can_ask: false,
            lively: false,
            home,
        }
    }

    /// `path`, with a leading `~/` replaced by the home folder.
    pub fn expanded(&self, path: PathBuf) -> PathBuf {
        match (&self.home, path.strip_prefix("~")) {
            (Some(home), Ok(rest)) => home.join(rest),
            _ => path,
        }
    }
}

fn is_set(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn xdg_variables_win_over_the_home_folder() {
        let found = Environment::from_variables(Some("/home/me".into()), |name| match name {
            "XDG_STATE_HOME" => Some("/var/lib/me".into()),
            "XDG_CONFIG_HOME" => Some("relative".into()),
            "LOGNAME" => Some("me".into()),
            "LC_ALL" => Some("".into()),
            "LANG" => Some("de_AT.UTF-8".into()),
            "HTTPS_PROXY" => Some("http://proxy:3128".into()),
            _ => None,
        });
        assert_eq!(found.state_home, Some("/var/lib/me".into()));
        assert_eq!(found.config_home, Some("/home/me/.config".into()));
        assert_eq!(found.cache_home, Some("/home/me/.cache".into()));
        assert_eq!(found.data_home, Some("/home/me/.local/share".into()));
        assert_eq!(found.user.as_deref(), Some("me"));
        assert_eq!(found.language, "de_AT.UTF-8");
        let proxies = (found.proxies.http.as_deref(), found.proxies.https.as_deref());
        assert_eq!(proxies, (None, Some("http://proxy:3128")));
        assert_eq!(found.expanded("~/pw".into()), PathBuf::from("/home/me/pw"));
        assert_eq!(found.expanded("/etc/~/pw".into()), PathBuf::from("/etc/~/pw"));
    }

    #[test]
    fn no_home_is_no_folder() {
        let found = Environment::from_variables(None, |_| None);
        assert_eq!(found, Environment::default());
    }
}

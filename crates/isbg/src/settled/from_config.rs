//! From the config file's accounts, with the command line's options on top, to a run. Does not know the classic form.

use std::path::PathBuf;

use isbg_engine::People;
use isbg_types::Thresholds;

use crate::args::values::BlastLimit;
use crate::args::{Accounts, ConfigOptions, Engine, ScorerOptions, TlsMode};
use crate::config::{self, CertainAction, Config, Keys, SenderList};
use crate::environment::Environment;
use crate::exit::{Failure, Status};

use super::{
    Access, Account, Bounds, Configured, Learning, Login, Manner, Mode, Run, Scorer, Server, Source, Task,
    Which, check_thresholds, output, parts, state_dir,
};

/// Messages of this many bytes or more are skipped.
const MAX_SIZE: u64 = 10_000_000;

/// Minutes until a message that the user moved is learned: long enough to see that it was a mistake.
const MOVES_AFTER: u32 = 60;

/// New messages a folder and run.
const PARTIAL_RUN: u64 = 1_000;

/// More messages than this that look like spam stop a run.
const BLAST_LIMIT: u64 = 100;

/// The run over the accounts that the command line names, or over all of them.
///
/// # Errors
/// With status 10 when the config file cannot be used or an account is not in it or not complete.
pub fn configured(typed: &Accounts, task: Task, around: &Environment) -> Result<Run, Failure> {
    let config = read(&typed.config, around)?;
    let names: Vec<&String> = match typed.accounts[..] {
        [] => config.accounts.keys().collect(),
        _ => typed.accounts.iter().collect(),
    };
    if names.is_empty() {
        return Err(broken(&config, "it has no account").hint("write a table such as [account.home]"));
    }
    let accounts = names
        .into_iter()
        .map(|name| account(name, keys(&config, name)?, typed, &config, around))
        .collect::<Result<_, _>>()?;
    Ok(Run {
        task,
        accounts,
        state_dir: state_dir(&typed.state, around)?,
        output: output(&typed.output),
        notices: Vec::new(),
    })
}

/// The way into an account of the config file.
///
/// # Errors
/// As [`configured`].
pub fn configured_access(
    name: &str,
    options: &ConfigOptions,
    noninteractive: bool,
    around: &Environment,
) -> Result<Access, Failure> {
    let config = read(options, around)?;
    access(name, keys(&config, name)?, noninteractive, &config, around)
}

/// An account's mailbox, for reading only.
#[derive(Debug)]
pub struct Mailbox {
    /// The way in.
    pub access: Access,
    /// Where new mail comes to, as people call it.
    pub inbox: String,
    /// Where spam is, as people call it; none to have it looked for.
    pub spam_folder: Option<String>,
}

/// The mailbox of an account of the config file.
///
/// # Errors
/// As [`configured`].
pub fn configured_mailbox(
    name: &str,
    options: &ConfigOptions,
    noninteractive: bool,
    around: &Environment,
) -> Result<Mailbox, Failure> {
    let config = read(options, around)?;
    let keys = keys(&config, name)?;
    Ok(Mailbox {
        access: access(name, keys, noninteractive, &config, around)?,
        inbox: inbox(keys),
        spam_folder: keys.spam_folder.clone(),
    })
}

fn inbox(keys: &Keys) -> String {
    keys.inbox.clone().unwrap_or_else(|| "INBOX".to_owned())
}

fn read(options: &ConfigOptions, around: &Environment) -> Result<Config, Failure> {
    let default = || Some(around.config_home.as_ref()?.join("isbg").join("config.toml"));
    let path = options.config.clone().or_else(default).ok_or_else(|| {
        Failure::new(
            Status::BadArguments,
            "there is no home folder to look for a config file in",
        )
        .hint("name one with --config")
    })?;
    config::read(&path)
}

fn keys<'a>(config: &'a Config, name: &str) -> Result<&'a Keys, Failure> {
    config.accounts.get(name).ok_or_else(|| {
        let known: Vec<&str> = config.accounts.keys().map(String::as_str).collect();
        broken(config, format!("it has no account {name:?}")).hint(format!("it has: {}", known.join(", ")))
    })
}

fn broken(config: &Config, what: impl AsRef<str>) -> Failure {
    Failure::new(
        Status::BadArguments,
        format!("{}: {}", config.path.display(), what.as_ref()),
    )
}

fn account(
    name: &str,
    keys: &Keys,
    typed: &Accounts,
    config: &Config,
    around: &Environment,
) -> Result<Account, Failure> {
    let judging = &typed.judging;
    let wrong = |what: String| broken(config, format!("account {name}: {what}"));
    let band = judging
        .unsure_band
        .or(config::band(keys.unsure_band).map_err(wrong)?);
    let thresholds = Thresholds {
        required: typed.scorer.required_score.or(keys.required_score),
        unsure: band.map(|band| (band.0, band.1)),
        certain_above: judging.deletehigherthan.or(keys.certain_above),
    };
    check_thresholds(&thresholds).map_err(|failure| wrong(failure.what))?;
    let blast_limit = judging.blast_limit.or(keys.blast_limit.map(|limit| limit.0));
    Ok(Account {
        access: access(name, keys, typed.output.noninteractive, config, around)?,
        inbox: inbox(keys),
        spam_folder: keys.spam_folder.clone(),
        unsure_folder: judging.unsureinbox.clone().or_else(|| keys.unsure_folder.clone()),
        manner: Manner::Configured(Configured {
            mode: mode(keys),
            first_run_reports: keys.first_run_reports.unwrap_or(true),
            delete_certain: judging.deletehigherthan.is_some()
                || keys.certain_action == Some(CertainAction::Delete),
            certain_folder: keys.certain_folder.clone(),
        }),
        thresholds,
        learning: Learning {
            spam: keys.learn_spam_folder.clone(),
            ham: keys.learn_ham_folder.clone(),
            which: Which::All,
            destroy: false,
            flag: false,
            move_spam_to: keys.move_spam_to.clone(),
            move_ham_to: keys.move_ham_to.clone(),
            moves_after: keys
                .learn_from_moves
                .unwrap_or(true)
                .then(|| keys.learn_moves_after.unwrap_or(MOVES_AFTER)),
        },
        bounds: Bounds {
            max_size: judging
                .maxsize
                .or(keys.max_size.map(|size| size.0))
                .unwrap_or(MAX_SIZE),
            at_most: Some(judging.partialrun.or(keys.partial_run).unwrap_or(PARTIAL_RUN))
                .filter(|limit| *limit > 0),
            blast_limit: match blast_limit.unwrap_or(BlastLimit::Messages(BLAST_LIMIT)) {
                BlastLimit::Messages(limit) => Some(limit),
                BlastLimit::Off => None,
            },
        },
        scorer: Scorer {
            people: people(keys),
            ..parts::scorer(
                &scorer_options(keys, &typed.scorer),
                expanded(&keys.ca_file, around),
                around,
            )
            .map_err(|failure| wrong(failure.what))?
        },
        old_files: None,
    })
}

/// Whom the account's lists name. Whom the user has written to, the state knows.
fn people(keys: &Keys) -> People {
    let list = |senders: &Option<SenderList>| senders.clone().map(|list| list.0).unwrap_or_default();
    People {
        welcome: list(&keys.welcome),
        block: list(&keys.block),
        authserv_id: keys.authserv_id.clone(),
        ..People::default()
    }
}

fn expanded(path: &Option<PathBuf>, around: &Environment) -> Option<PathBuf> {
    path.clone().map(|path| around.expanded(path))
}

fn mode(keys: &Keys) -> Mode {
    match keys.mode.unwrap_or(config::Mode::Observe) {
        config::Mode::Observe => Mode::Observe,
        config::Mode::Flag => Mode::Flag,
        config::Mode::Move => Mode::Move,
    }
}

fn access(
    name: &str,
    keys: &Keys,
    noninteractive: bool,
    config: &Config,
    around: &Environment,
) -> Result<Access, Failure> {
    let wrong = |what: &str| broken(config, format!("account {name}: {what}"));
    let path = |path: &Option<PathBuf>| expanded(path, around);
    let insecure = keys.insecure_plaintext.unwrap_or(false);
    let (protection, port) = parts::protection(keys.tls.unwrap_or(TlsMode::Implicit), insecure);
    if keys.client_cert.is_some() != keys.client_key.is_some() {
        return Err(wrong("client-cert and client-key need each other"));
    }
    let server = Server {
        host: keys.host.clone().ok_or_else(|| wrong("host is missing"))?,
        port: keys.port.map_or(port, |port| port.0),
        protection,
        tls: isbg_tls::Settings {
            ca_file: path(&keys.ca_file),
            pins: keys.pin.clone().map(|pins| pins.0).unwrap_or_default(),
            client: parts::client(path(&keys.client_cert), path(&keys.client_key)),
        },
    };
    let user = keys.user.clone().ok_or_else(|| wrong("user is missing"))?;
    let login = login(keys, !noninteractive && around.can_ask, around).map_err(wrong)?;
    Ok(Access {
        name: name.to_owned(),
        server,
        user,
        login,
    })
}

fn login(keys: &Keys, may_ask: bool, around: &Environment) -> Result<Login, &'static str> {
    let named: Vec<Source> = [
        keys.password.clone().map(|password| Source::Given(password.0)),
        keys.password_file
            .clone()
            .map(|path| Source::File(around.expanded(path))),
        keys.password_command.clone().map(Source::Command),
        keys.systemd_credential.clone().map(|name| Source::Credential {
            name,
            optional: false,
        }),
    ]
    .into_iter()
    .flatten()
    .collect();
    if named.len() + usize::from(keys.oauth_token_command.is_some()) > 1 {
        return Err("it names more than one way to its password");
    }
    if let Some(command) = &keys.oauth_token_command {
        return Ok(Login::Token(command.clone()));
    }
    let sources = match named[..] {
        [] if may_ask => vec![Source::Saved, Source::Prompt],
        [] => vec![Source::Saved],
        _ => named,
    };
    Ok(Login::Password { sources, save: None })
}

/// The command line's options about the scorer over those of the file. An engine chosen on the command line leaves
/// alone what the file says about others.
fn scorer_options(keys: &Keys, typed: &ScorerOptions) -> ScorerOptions {
    let on_line = [
        typed.engine,
        (typed.spamc || typed.spamd_tls || typed.spamd.is_some()).then_some(Engine::Spamd),
        typed.rspamd.is_some().then_some(Engine::Rspamd),
        (!typed.rules.is_empty() || typed.prefs.is_some()).then_some(Engine::Native),
    ];
    let chosen = on_line.into_iter().flatten().next().or(keys.engine);
    let concerns = |engine: Engine| chosen.is_none_or(|chosen| chosen == engine);
    let from_file = |address: &Option<String>, engine: Engine| address.clone().filter(|_| concerns(engine));
    let rules = keys.rules.as_ref().filter(|_| concerns(Engine::Native));
    let prefs = keys.prefs.as_ref().filter(|_| concerns(Engine::Native));
    let own_password = typed.rspamd_password_file.is_some() || typed.rspamd_password_command.is_some();
    ScorerOptions {
        engine: typed.engine.or_else(|| chosen.filter(|_| on_line == [None; 4])),
        spamc: typed.spamc,
        spamd: typed
            .spamd
            .clone()
            .or_else(|| from_file(&keys.spamd, Engine::Spamd)),
        spamd_tls: typed.spamd_tls || (keys.spamd_tls == Some(true) && chosen == Some(Engine::Spamd)),
        spamd_user: typed.spamd_user.clone().or_else(|| keys.spamd_user.clone()),
        rspamd: typed
            .rspamd
            .clone()
            .or_else(|| from_file(&keys.rspamd, Engine::Rspamd)),
        rspamd_password_file: typed
            .rspamd_password_file
            .clone()
            .or_else(|| keys.rspamd_password_file.clone().filter(|_| !own_password)),
        rspamd_password_command: typed
            .rspamd_password_command
            .clone()
            .or_else(|| keys.rspamd_password_command.clone().filter(|_| !own_password)),
        rules: match (&typed.rules[..], rules) {
            ([], Some(rules)) => rules.0.clone(),
            (typed, _) => typed.to_vec(),
        },
        prefs: typed.prefs.clone().or_else(|| prefs.cloned()),
        network: typed.network
            || (keys.network == Some(true) && !typed.no_network && concerns(Engine::Native)),
        dns_server: match &typed.dns_server[..] {
            [] => keys
                .dns_servers
                .clone()
                .map(|servers| servers.0)
                .unwrap_or_default(),
            typed => typed.to_vec(),
        },
        no_network: typed.no_network,
        no_classifier: typed.no_classifier || (typed.model.is_none() && keys.classifier == Some(false)),
        model: typed
            .model
            .clone()
            .or_else(|| keys.model.clone().map(|model| model.0)),
        required_score: None,
        jobs: typed.jobs.or(keys.jobs.map(|jobs| jobs.0)),
    }
}

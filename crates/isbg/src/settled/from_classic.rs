//! From the classic form's options to a run over one mailbox. Does not read the config file.

use std::path::PathBuf;

use isbg_types::Thresholds;

use crate::args::values::BlastLimit;
use crate::args::{
    self, ConnectionOptions, FileOptions, GoneOptions, JudgingOptions, LearningOptions, MailboxOptions,
    PasswordOptions, TlsMode,
};
use crate::environment::Environment;
use crate::exit::Failure;

use super::{
    Access, Account, Bounds, Classic, Learning, LockFile, Login, Manner, OldFiles, Protection, Run, SaveTo,
    Server, Source, Task, Which, check_thresholds, output, parts, state_dir,
};

/// isbg's size limit since ever.
const MAX_SIZE: u64 = 120_000;

/// isbg's limit on new messages a run.
const PARTIAL_RUN: u64 = 50;

/// The credential that a systemd service of a classic run may bring.
pub const CREDENTIAL: &str = "isbg-password";

/// The run that a command line in the classic form asks for.
///
/// # Errors
/// With status 10 when something is missing or does not fit.
pub fn classic(typed: &args::Classic, around: &Environment) -> Result<Run, Failure> {
    refuse_gone(&typed.gone)?;
    let (access, mut notices) = access(
        &typed.mailbox,
        &typed.password,
        &typed.connection,
        typed.output.noninteractive,
        around,
    )?;
    let task = match () {
        () if typed.mailbox.imaplist => Task::ListFolders,
        () if typed.learning.teachonly => Task::Learn,
        () => Task::LearnAndScan,
    };
    let learning = learning(&typed.learning);
    if task == Task::Learn && learning.spam.is_none() && learning.ham.is_none() {
        notices.push(
            "--teachonly without --learnspambox or --learnhambox: there is nothing to learn".to_owned(),
        );
    }
    let limits = thresholds(&typed.judging, typed.scorer.required_score)?;
    let account = Account {
        access,
        inbox: typed.mailbox.imapinbox.clone(),
        spam_folder: typed.mailbox.spaminbox.clone(),
        unsure_folder: typed.judging.unsureinbox.clone(),
        manner: Manner::Classic(Classic {
            no_report: typed.spam.noreport,
            flag: typed.spam.flag,
            delete: typed.spam.delete,
            expunge: typed.spam.expunge,
            gmail: typed.mailbox.gmail,
        }),
        thresholds: limits,
        learning,
        bounds: Bounds {
            max_size: typed.judging.maxsize.unwrap_or(MAX_SIZE),
            at_most: Some(typed.judging.partialrun.unwrap_or(PARTIAL_RUN)).filter(|limit| *limit > 0),
            blast_limit: match typed.judging.blast_limit {
                Some(BlastLimit::Messages(limit)) => Some(limit),
                Some(BlastLimit::Off) | None => None,
            },
        },
        scorer: parts::scorer(&typed.scorer, typed.connection.cafile.clone(), around)?,
        old_files: Some(old_files(&typed.files)),
    };
    Ok(Run {
        task,
        accounts: vec![account],
        state_dir: state_dir(&typed.state, around)?,
        output: output(&typed.output),
        notices,
    })
}

/// The mailbox that the options name, the way into it, and what the user should be told about it.
///
/// # Errors
/// With status 10 when host or user is missing or options contradict one another.
pub fn access(
    mailbox: &MailboxOptions,
    password: &PasswordOptions,
    connection: &ConnectionOptions,
    noninteractive: bool,
    around: &Environment,
) -> Result<(Access, Vec<String>), Failure> {
    let missing = |what: &str| {
        Failure::arguments(format!(
            "{what} is missing; without a command isbg needs --imaphost and --imapuser"
        ))
    };
    let filled = |value: &Option<String>| value.clone().filter(|value| !value.trim().is_empty());
    let host = filled(&mailbox.imaphost).ok_or_else(|| missing("--imaphost"))?;
    let user = filled(&mailbox.imapuser).ok_or_else(|| missing("--imapuser"))?;
    let mut notices = Vec::new();
    if connection.ssl {
        notices.push("--ssl does nothing any more: TLS is the default".to_owned());
    }
    let mode = if connection.nossl {
        TlsMode::None
    } else {
        connection.tls.unwrap_or(TlsMode::Implicit)
    };
    if connection.ssl && mode == TlsMode::None {
        return Err(Failure::arguments(
            "--ssl and a connection without TLS contradict each other",
        ));
    }
    let (protection, port) = parts::protection(mode, connection.insecure_plaintext);
    if matches!(
        protection,
        Protection::PlainToLoopback | Protection::PlainAnywhere
    ) {
        notices.push(
            "the connection is not encrypted: the password and all mail can be read on the way".to_owned(),
        );
    }
    if password.imappasswd.is_some() {
        notices.push(
            "a password on the command line can be seen by every user of this machine; --savepw, --passwdfilename or \
             --password-command keep it to yourself"
                .to_owned(),
        );
    }
    let server = Server {
        host: host.clone(),
        port: mailbox.imapport.unwrap_or(port),
        protection,
        tls: isbg_tls::Settings {
            ca_file: connection.cafile.clone(),
            pins: connection.pin.clone(),
            client: parts::client(connection.client_cert.clone(), connection.client_key.clone()),
        },
    };
    let login = login(password, !noninteractive && around.can_ask)?;
    Ok((
        Access {
            name: format!("{user}@{host}"),
            server,
            user,
            login,
        },
        notices,
    ))
}

fn login(options: &PasswordOptions, may_ask: bool) -> Result<Login, Failure> {
    if let Some(command) = &options.oauth_token_command {
        if options.savepw || options.imappasswd.is_some() {
            return Err(Failure::arguments(
                "--oauth-token-command and a password exclude each other",
            ));
        }
        return Ok(Login::Token(command.clone()));
    }
    let given = options.imappasswd.clone().map(Source::Given);
    let command = options.password_command.clone().map(Source::Command);
    let mut sources: Vec<Source> = given.or(command).into_iter().collect();
    if sources.is_empty() {
        match &options.passwdfilename {
            _ if options.savepw => {}
            Some(file) => sources.push(Source::File(file.clone())),
            None => {
                sources.push(Source::Credential {
                    name: CREDENTIAL.to_owned(),
                    optional: true,
                });
                sources.push(Source::Saved);
            }
        }
        if may_ask {
            sources.push(Source::Prompt);
        }
    }
    let save_to = |file: &Option<PathBuf>| file.clone().map_or(SaveTo::State, SaveTo::File);
    let save = options.savepw.then(|| save_to(&options.passwdfilename));
    Ok(Login::Password { sources, save })
}

fn thresholds(judging: &JudgingOptions, required: Option<isbg_types::Score>) -> Result<Thresholds, Failure> {
    let limits = Thresholds {
        required,
        unsure: judging.unsure_band.map(|band| (band.0, band.1)),
        certain_above: judging.deletehigherthan,
    };
    check_thresholds(&limits)?;
    Ok(limits)
}

fn learning(typed: &LearningOptions) -> Learning {
    Learning {
        spam: typed.learnspambox.clone(),
        ham: typed.learnhambox.clone(),
        which: match () {
            () if typed.learnunflagged => Which::Unflagged,
            () if typed.learnflagged => Which::Flagged,
            () => Which::All,
        },
        destroy: typed.learnthendestroy,
        flag: typed.learnthenflag,
        move_spam_to: None,
        moves_after: None,
        move_ham_to: typed.movehamto.clone(),
    }
}

fn old_files(typed: &FileOptions) -> OldFiles {
    OldFiles {
        track_prefix: typed.trackfile.clone(),
        lock: (!typed.ignorelockfile).then(|| LockFile {
            path: typed.lockfilename.clone(),
            grace_minutes: typed.lockfilegrace,
        }),
    }
}

fn refuse_gone(typed: &GoneOptions) -> Result<(), Failure> {
    for (given, option, instead) in [
        (
            typed.satest.is_some(),
            "--satest",
            "choose the scorer with --engine",
        ),
        (
            typed.sasave.is_some(),
            "--sasave",
            "choose the scorer with --engine",
        ),
        (
            typed.spamflagscmd.is_some(),
            "--spamflagscmd",
            "use --flag or --delete",
        ),
        (typed.spamflags.is_some(), "--spamflags", "use --flag or --delete"),
    ] {
        if given {
            return Err(Failure::arguments(format!("{option} of isbg 0.99 is not supported")).hint(instead));
        }
    }
    Ok(())
}

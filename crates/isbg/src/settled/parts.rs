//! The parts of an account that the classic form and the config file settle alike. Does not know which of the two it
//! works for.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;

use isbg_engine::People;
use isbg_tls::ClientIdentity;

use crate::args::{Engine, ScorerOptions, TlsMode};
use crate::environment::Environment;
use crate::exit::Failure;
use crate::{model, rules};

use super::{EngineChoice, Protection, Scorer, Source};

/// The protection and the port it stands for.
pub fn protection(mode: TlsMode, insecure: bool) -> (Protection, u16) {
    match mode {
        TlsMode::Implicit => (Protection::ImplicitTls, 993),
        TlsMode::Starttls => (Protection::StartTls, 143),
        TlsMode::None if insecure => (Protection::PlainAnywhere, 143),
        TlsMode::None => (Protection::PlainToLoopback, 143),
    }
}

/// The certificate to show to the server.
pub fn client(certificate: Option<PathBuf>, key: Option<PathBuf>) -> Option<ClientIdentity> {
    Some(ClientIdentity {
        certificate: certificate?,
        key: key?,
    })
}

/// The scorer. Naming an address, rules or `--spamc` chooses the engine it belongs to.
/// `ca_file`: certificates that it may show where TLS is spoken, besides the system's.
///
/// # Errors
/// With status 10 when two engines are named, or what no engine here can do.
pub fn scorer(
    options: &ScorerOptions,
    ca_file: Option<PathBuf>,
    around: &Environment,
) -> Result<Scorer, Failure> {
    let native = !options.rules.is_empty() || options.prefs.is_some();
    let spamd = options.spamc || options.spamd_tls || options.spamd.is_some();
    let named = [
        options.engine,
        native.then_some(Engine::Native),
        spamd.then_some(Engine::Spamd),
        options.rspamd.is_some().then_some(Engine::Rspamd),
    ];
    let mut named = named.into_iter().flatten();
    let engine = named.next();
    if let (Some(one), Some(other)) = (engine, named.find(|other| Some(*other) != engine)) {
        let word = |engine: Engine| format!("{engine:?}").to_lowercase();
        let (one, other) = (word(one), word(other));
        return Err(Failure::arguments(format!(
            "two scorers are named, {one} and {other}"
        )));
    }
    if options.network && engine.is_some_and(|engine| engine != Engine::Native) {
        return Err(Failure::arguments(
            "--network is for the native scorer; the others have settings of their own for that",
        )
        .hint("leave --network out, or use --engine native"));
    }
    let user = options.spamd_user.clone().or_else(|| around.user.clone());
    let engine = match engine {
        None => EngineChoice::Found {
            native: options.spamd_user.is_none(),
            user,
        },
        Some(Engine::Native) => EngineChoice::Native(rules::Wish {
            paths: options.rules.clone(),
            prefs: options.prefs.clone(),
        }),
        Some(Engine::Spamd) => EngineChoice::Spamd {
            address: options.spamd.clone(),
            tls: options.spamd_tls,
            user,
        },
        Some(Engine::Spamassassin) => EngineChoice::Program,
        Some(Engine::Rspamd) => EngineChoice::Rspamd {
            url: options.rspamd.clone(),
            password: rspamd_password(options, around),
        },
    };
    let jobs = options
        .jobs
        .and_then(|jobs| NonZeroUsize::new(usize::try_from(jobs).unwrap_or(usize::MAX).min(MAX_JOBS)))
        .or_else(|| thread::available_parallelism().ok())
        .unwrap_or(NonZeroUsize::MIN);
    Ok(Scorer {
        engine,
        tls: isbg_tls::Settings {
            ca_file,
            ..isbg_tls::Settings::default()
        },
        jobs,
        network: options.network.then(|| options.dns_server.clone()),
        model: (!options.no_classifier)
            .then(|| options.model.clone().unwrap_or_else(|| model::DEFAULT.to_owned())),
        people: People::default(),
    })
}

/// More messages at once than this serve nobody.
const MAX_JOBS: usize = 256;

fn rspamd_password(options: &ScorerOptions, around: &Environment) -> Option<Source> {
    let file = |path: &PathBuf| Source::File(around.expanded(path.clone()));
    options
        .rspamd_password_command
        .clone()
        .map(Source::Command)
        .or_else(|| options.rspamd_password_file.as_ref().map(file))
}

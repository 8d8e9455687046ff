//! The scorer that an account's wishes name, ready for use. Does not know how any of them scores.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use isbg_engine::{
    Grounds, Native, NativeSettings, Rspamd, Scorer, SpamAssassin, Spamd, Unknown, pick_default,
};
use isbg_lookups::dns::Resolver;
use isbg_lookups::{Address, Endpoint, program, rspamd, spamd};
use isbg_rules::matcher::{Matcher, Mode};
use isbg_tls::Connector;
use isbg_types::Untrusted;

use crate::exit::{Failure, Status};
use crate::secrets::{Keeper, Secret};
use crate::settled::{self, EngineChoice};
use crate::{model, rules};

/// Where spamd and rspamd listen unless told otherwise.
const SPAMD: &str = "127.0.0.1";
const RSPAMD: &str = "http://127.0.0.1:11334";

/// One question to the DNS, all servers and repetitions together, takes no longer.
const DNS_PATIENCE: Duration = Duration::from_secs(10);

/// A scorer, and what to know about its rules where isbg reads them itself.
pub struct Chosen {
    /// The scorer.
    pub scorer: Arc<dyn Scorer>,
    /// What the rules are called.
    pub rule_set: Option<String>,
    /// What is not as it should be with them.
    pub remark: Option<String>,
    /// The rules themselves.
    pub matcher: Option<Arc<Matcher>>,
}

impl From<Arc<dyn Scorer>> for Chosen {
    fn from(scorer: Arc<dyn Scorer>) -> Self {
        Self {
            scorer,
            rule_set: None,
            remark: None,
            matcher: None,
        }
    }
}

/// How much the native scorer tells of a verdict.
#[derive(Debug, Clone, Copy, Default)]
pub struct Detail {
    /// The sub-rules, too.
    pub sub_rules: bool,
    /// Why the classifier thinks what it thinks.
    pub explain: bool,
}

/// The scorer to use. Nothing is asked of it yet, but where none was named and the native one may not be
/// used: then the first that answers is taken.
///
/// # Errors
/// With status 12 when none is to be had, with status 10 when its address or password cannot be used.
pub async fn chosen(wish: &settled::Scorer, detail: Detail, keeper: Keeper<'_>) -> Result<Chosen, Failure> {
    let at_once = wish.jobs.get();
    let native = |rules: &rules::Found| native(rules, wish, detail, keeper);
    let scorer: Arc<dyn Scorer> = match &wish.engine {
        EngineChoice::Native(rules) => return native(&rules::find(rules, keeper.around)?),
        EngineChoice::Found { native: may_be, user } => {
            if *may_be {
                return native(&rules::find(&rules::Wish::default(), keeper.around)?);
            }
            pick_default(user.clone(), at_once)
                .await
                .map_err(|why| failed(&why))?
        }
        EngineChoice::Program => programs(at_once),
        EngineChoice::Spamd { address, tls, user } => {
            let text = address.as_deref().unwrap_or(SPAMD);
            let address =
                Address::parse(text, spamd::DEFAULT_PORT).map_err(|why| unusable(text, &why.to_string()))?;
            let tls = if *tls { Some(connector(&wish.tls)?) } else { None };
            let endpoint = Endpoint { address, tls };
            let settings = spamd::Settings {
                user: user.clone(),
                at_once,
                ..spamd::Settings::new(endpoint)
            };
            Arc::new(Spamd::new(settings).map_err(|why| failed(&why))?)
        }
        EngineChoice::Rspamd { url, password } => {
            let secret = match password {
                Some(source) => Some(keeper.scorer_password(source).await?),
                None => None,
            };
            let settings = rspamd(url.as_deref().unwrap_or(RSPAMD), secret.as_ref(), &wish.tls)?;
            Arc::new(Rspamd::new(rspamd::Settings { at_once, ..settings }).map_err(|why| failed(&why))?)
        }
    };
    Ok(scorer.into())
}

fn native(
    rules: &rules::Found,
    wish: &settled::Scorer,
    detail: Detail,
    keeper: Keeper<'_>,
) -> Result<Chosen, Failure> {
    let network = wish.network.is_some();
    let loaded = rules.load_for(Mode {
        network,
        ..Mode::default()
    })?;
    let resolver = match &wish.network {
        Some(servers) => Some(resolver(servers, &loaded)?),
        None => None,
    };
    let settings = NativeSettings {
        at_once: wish.jobs,
        sub_rules: detail.sub_rules,
        explain: detail.explain,
        ..NativeSettings::default()
    };
    let model = wish.model.as_deref();
    let remark = loaded.remark();
    let matcher = Arc::new(loaded.matcher);
    let grounds = Grounds {
        matcher: Arc::clone(&matcher),
        memory: model.and_then(|name| model::memory(keeper.state_dir, name)),
        people: wish.people.clone(),
    };
    let native = Native::new(grounds, settings).and_then(|native| match resolver {
        Some(resolver) => native.asking(resolver),
        None => Ok(native),
    });
    Ok(Chosen {
        remark,
        scorer: Arc::new(native.map_err(|why| failed(&why))?),
        rule_set: Some(loaded.name),
        matcher: Some(matcher),
    })
}

/// Who answers the network rules: the servers that were named, else those that the rules' settings name, else this
/// machine's.
fn resolver(named: &[SocketAddr], rules: &rules::Loaded) -> Result<Resolver, Failure> {
    let servers = match named {
        [] => rules.dns_servers(),
        named => named.to_vec(),
    };
    if servers.is_empty() {
        return Resolver::from_system(DNS_PATIENCE).map_err(|error| {
            Failure::new(Status::Scorer, error.to_string()).hint("name one with --dns-server")
        });
    }
    Ok(Resolver::with_servers(servers, DNS_PATIENCE))
}

fn programs(at_once: usize) -> Arc<dyn Scorer> {
    Arc::new(SpamAssassin::new(program::Settings {
        at_once,
        ..program::Settings::default()
    }))
}

fn rspamd(
    url: &str,
    password: Option<&Secret>,
    tls: &isbg_tls::Settings,
) -> Result<rspamd::Settings, Failure> {
    let target = rspamd::Target::parse(url).map_err(|why| unusable(url, &why.to_string()))?;
    let tls = if target.tls { Some(connector(tls)?) } else { None };
    let endpoint = Endpoint {
        address: target.address,
        tls,
    };
    let mut settings = rspamd::Settings {
        prefix: target.prefix,
        ..rspamd::Settings::new(endpoint)
    };
    if let Some(secret) = password {
        let usable = std::str::from_utf8(secret.expose())
            .ok()
            .and_then(rspamd::Password::new);
        let unsendable = || {
            Failure::new(
                Status::BadArguments,
                "rspamd's password has characters that cannot be sent",
            )
        };
        settings.password = Some(usable.ok_or_else(unsendable)?);
    }
    Ok(settings)
}

fn connector(settings: &isbg_tls::Settings) -> Result<Connector, Failure> {
    Connector::new(settings).map_err(|error| Failure::new(Status::BadArguments, error.to_string()))
}

fn unusable(address: &str, why: &str) -> Failure {
    Failure::new(Status::BadArguments, format!("{}: {why}", Untrusted(address)))
}

fn failed(why: &Unknown) -> Failure {
    Failure::new(Status::Scorer, why.to_string())
}

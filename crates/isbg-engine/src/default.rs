//! Which scorer is used when none was asked for. Does not configure it.

use std::sync::Arc;
use std::time::Duration;

use isbg_lookups::{Address, Endpoint, program, spamd};
use tokio::time::timeout;

use crate::{Scorer, SpamAssassin, Spamd, Unknown, UnknownKind};

/// A spamd on this machine that does not answer by then is not counted on.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a spamd's Unix socket is found as a rule.
const SOCKETS: [&str; 4] = [
    "/run/spamd.sock",
    "/run/spamd/spamd.sock",
    "/run/spamassassin/spamd.sock",
    "/var/run/spamd.sock",
];

/// spamd, if one answers on this machine at its usual places (127.0.0.1:783, then the Unix sockets), else the
/// `spamassassin` program. `user` is whose preferences spamd is to use; `at_once` is how many messages are scored at
/// once.
///
/// # Errors
/// When neither is there.
pub async fn pick_default(user: Option<String>, at_once: usize) -> Result<Arc<dyn Scorer>, Unknown> {
    let port = Address::Tcp {
        host: "127.0.0.1".into(),
        port: spamd::DEFAULT_PORT,
    };
    let sockets = SOCKETS.map(|path| Address::Unix(path.into()));
    let addresses: Vec<Address> = [port].into_iter().chain(sockets).collect();
    let program = program::Settings {
        at_once,
        ..program::Settings::default()
    };
    pick(&addresses, user, program).await
}

async fn pick(
    addresses: &[Address],
    user: Option<String>,
    program: program::Settings,
) -> Result<Arc<dyn Scorer>, Unknown> {
    for address in addresses {
        let settings = spamd::Settings {
            user: user.clone(),
            at_once: program.at_once,
            ..spamd::Settings::new(Endpoint::plain(address.clone()))
        };
        let client = spamd::Client::new(settings.clone())?;
        if let Ok(Ok(())) = timeout(PATIENCE, client.ping()).await {
            return Ok(Arc::new(Spamd::new(settings)?));
        }
    }
    if program.installed() {
        return Ok(Arc::new(SpamAssassin::new(program)));
    }
    Err(Unknown::new(
        UnknownKind::Outage,
        "there is neither a running spamd nor the program spamassassin; install SpamAssassin, or name a scorer with \
         --spamd or --rspamd",
    ))
}

#[cfg(test)]
mod tests {
    use isbg_testkit::Port;
    use isbg_testkit::spamd_stub::{Answer, SpamdStub};

    use super::*;

    fn address(address: std::net::SocketAddr) -> Address {
        Address::Tcp {
            host: address.ip().to_string(),
            port: address.port(),
        }
    }

    fn program(name: &str) -> program::Settings {
        program::Settings {
            spamassassin: name.into(),
            ..program::Settings::default()
        }
    }

    #[tokio::test]
    async fn spamd_then_the_program_then_nothing() {
        let nobody = Port::reserve().unwrap();
        let stub = SpamdStub::start(|_| Answer::ham()).unwrap();
        let stranger = SpamdStub::start(|_| Answer::Bytes(b"220 mail.example ESMTP\r\n".to_vec())).unwrap();
        let present = std::env::current_exe().unwrap();
        let present = present.to_str().unwrap();
        let nowhere = [address(nobody.address()), address(stranger.address())];
        let there = [nowhere.to_vec(), vec![address(stub.address())]].concat();

        assert_eq!(
            pick(&there, None, program(present)).await.unwrap().name(),
            "spamd"
        );
        assert_eq!(
            pick(&nowhere, None, program(present)).await.unwrap().name(),
            "spamassassin"
        );
        let unknown = pick(&nowhere, None, program("/nowhere/spamassassin"))
            .await
            .err()
            .unwrap();
        assert_eq!(unknown.kind, UnknownKind::Outage);
    }
}

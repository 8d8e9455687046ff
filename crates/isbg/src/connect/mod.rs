//! From an account's settings to a connection that is logged in. Does not know what it is used for.

mod tcp;
mod tls;

use std::net::IpAddr;

use isbg_imap::{Client, Credentials, Error, Settings, Transport};
use isbg_tls::Connector;
use isbg_types::Untrusted;

use crate::exit::{Failure, Status};
use crate::report::Terminal;
use crate::secrets::{Keeper, first_line};
use crate::settled::{Access, Login, Protection, Server};

/// Connects and logs in; stores the password where that was wished and the server has accepted it.
///
/// # Errors
/// With status 10 when a file named for TLS is of no use or the connection would be open to others, 20 when a password
/// is missing, and 11 for all that the server or the way to it is the cause of.
pub async fn connect(access: &Access, keeper: Keeper<'_>, terminal: &Terminal) -> Result<Client, Failure> {
    let connector = match access.server.protection {
        Protection::PlainToLoopback | Protection::PlainAnywhere => None,
        Protection::ImplicitTls | Protection::StartTls => Some(connector(&access.server)?),
    };
    let (who, save) = credentials(access, keeper, terminal).await?;
    let mut client = reach(&access.server, connector.as_ref()).await?;
    client
        .login(&who)
        .await
        .map_err(|error| not_let_in(access, &error))?;
    if let (Some(to), Credentials::Password { password, .. }) = (save, &who) {
        match keeper.save(access, password, to) {
            Ok(path) => terminal.say(&format!(
                "isbg: the password is stored in {}",
                crate::secrets::shown(&path)
            )),
            Err(failure) => terminal.warn(&failure.to_string()),
        }
    }
    for alert in client.take_alerts() {
        terminal.warn(&format!(
            "{} says: {}",
            Untrusted(&access.server.host),
            Untrusted(&alert)
        ));
    }
    Ok(client)
}

fn connector(server: &Server) -> Result<Connector, Failure> {
    Connector::new(&server.tls).map_err(|error| Failure::new(Status::BadArguments, error.to_string()))
}

async fn credentials<'a>(
    access: &'a Access,
    keeper: Keeper<'_>,
    terminal: &Terminal,
) -> Result<(Credentials, Option<&'a crate::settled::SaveTo>), Failure> {
    let user = access.user.clone();
    match &access.login {
        Login::Token(command) => {
            let token = first_line(command, "the access token").await?;
            let (host, port) = (access.server.host.clone(), access.server.port);
            Ok((
                Credentials::OAuth {
                    user,
                    token,
                    host,
                    port,
                },
                None,
            ))
        }
        Login::Password { sources, save } => {
            let found = keeper.password(access, sources).await?;
            if let Some(warning) = found.warning {
                terminal.warn(&warning);
            }
            Ok((
                Credentials::Password {
                    user,
                    password: found.secret,
                },
                save.as_ref(),
            ))
        }
    }
}

/// A connection past the greeting, and past STARTTLS where that is wanted.
async fn reach(server: &Server, connector: Option<&Connector>) -> Result<Client, Failure> {
    let failed = |error: Error| Failure::new(Status::Imap, told(server, &error));
    let settings = Settings {
        allow_plaintext: connector.is_none(),
        ..Settings::default()
    };
    let stream = tcp::connect(&server.host, server.port).await?;
    let plain = |stream| Transport::Plain(Box::new(stream));
    match (server.protection, connector) {
        (Protection::ImplicitTls, Some(connector)) => {
            let secured = tls::secure(connector, stream, &server.host)
                .await
                .map_err(|error| Failure::new(Status::Imap, error.to_string()))?;
            Client::greet(Transport::Secured(secured), settings)
                .await
                .map_err(failed)
        }
        (_, Some(connector)) => {
            let client = Client::greet(plain(stream), settings).await.map_err(failed)?;
            client
                .starttls(&tls::Starttls {
                    connector,
                    host: &server.host,
                })
                .await
                .map_err(failed)
        }
        (protection, None) => {
            if !may_be_plain(protection, stream.peer_addr().map(|address| address.ip()).ok()) {
                return Err(Failure::new(
                    Status::BadArguments,
                    format!(
                        "{} is another machine, and without TLS everybody on the way could read the password",
                        Untrusted(&server.host)
                    ),
                )
                .hint("use TLS, or allow it with --insecure-plaintext"));
            }
            Client::greet(plain(stream), settings).await.map_err(failed)
        }
    }
}

/// Whether a password may go to this address in the clear.
fn may_be_plain(protection: Protection, peer: Option<IpAddr>) -> bool {
    protection == Protection::PlainAnywhere
        || peer.is_some_and(|address| address.to_canonical().is_loopback())
}

/// An error of the connection to this server, in one line.
pub fn told(server: &Server, error: &Error) -> String {
    let tls = match error {
        Error::Io(error) => error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<isbg_tls::Error>()),
        _ => None,
    };
    match tls {
        Some(error) => error.to_string(),
        None => format!("{}: {error}", Untrusted(&server.host)),
    }
}

fn not_let_in(access: &Access, error: &Error) -> Failure {
    let failure = Failure::new(Status::Imap, told(&access.server, error));
    match (error, &access.login) {
        (Error::AuthenticationFailed { .. }, Login::Password { .. }) => failure.hint(
            "check --imapuser and the password; many providers want an app password here, or --oauth-token-command",
        ),
        (Error::AuthenticationFailed { .. }, Login::Token(_)) => {
            failure.hint("the access token may have expired, or lack the scope for IMAP")
        }
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_without_tls() {
        let may = |protection, address: &str| may_be_plain(protection, address.parse().ok());
        for near in ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"] {
            assert!(may(Protection::PlainToLoopback, near), "{near}");
        }
        for far in ["192.0.2.1", "2001:db8::1", "::", "0.0.0.0", "unknown"] {
            assert!(!may(Protection::PlainToLoopback, far), "{far}");
            assert!(may(Protection::PlainAnywhere, far), "{far}");
        }
    }
}

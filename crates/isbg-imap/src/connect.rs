//! The beginning and the end of a connection: greeting, STARTTLS, capabilities, LOGOUT. Does not open sockets.

use tokio::time::timeout;

use crate::client::Client;
use crate::error::Error;
use crate::protocol::code::StatusKind;
use crate::protocol::response::{Kind, Response};
use crate::settings::Settings;
use crate::stream::{Secured, Transport, Upgrade};
use crate::wire::{Patience, Wire};

/// A greeting's line may be this long.
const GREETING: usize = 16 * 1024;

impl Client {
    /// Takes a fresh connection and reads the server's greeting and capabilities.
    ///
    /// # Errors
    /// When the first line is no greeting, or the server says BYE.
    pub async fn greet(transport: Transport, settings: Settings) -> Result<Self, Error> {
        let (stream, secured, binding) = match transport {
            Transport::Plain(stream) => (stream, false, None),
            Transport::Secured(Secured { stream, binding }) => (stream, true, binding),
        };
        let mut wire = Wire::new(stream, settings.limits.clone());
        wire.limit_lines(GREETING);
        let mut client = Self::new(wire, settings, secured, binding);
        let longest = client.settings.timeouts.greeting;
        let mut patience = Patience::new("the greeting", longest, longest);
        let (response, _) = client.next(&mut patience, None).await?;
        match &response.kind {
            Kind::Status(_) if client.whole().is_err() => {
                return Err(client.broken("an endless greeting".to_owned()));
            }
            Kind::Status(status) => match status.kind {
                StatusKind::Ok => {}
                StatusKind::PreAuth => client.session.preauth = true,
                StatusKind::Bye => return Err(Error::Bye(status.text.clone())),
                StatusKind::No | StatusKind::Bad => return Err(client.broken("no greeting".to_owned())),
            },
            _ => return Err(client.broken("no greeting".to_owned())),
        }
        client.wire.limit_lines(client.settings.limits.line);
        client.know_capabilities().await?;
        Ok(client)
    }

    /// Goes over to TLS (RFC 9051 §6.2.1). All that was heard before is forgotten.
    ///
    /// # Errors
    /// When the server does not offer it, refuses it, has let us in already, or when anything came behind its answer:
    /// the connection is closed then, and nothing secret was sent.
    pub async fn starttls(mut self, upgrade: &dyn Upgrade) -> Result<Self, Error> {
        if self.secured {
            return Err(Error::StartTls("the connection is encrypted already"));
        }
        if self.session.preauth {
            return Err(Error::StartTls(
                "the server skipped the login, which only an attacker would do here",
            ));
        }
        if !self.session.capabilities.has("STARTTLS") {
            return Err(Error::StartTls("the server does not offer it"));
        }
        match self.run(self.command("STARTTLS"), |_| false).await {
            Ok(_) => {}
            Err(Error::Refused(_)) => return Err(Error::StartTls("the server refused it")),
            Err(error) => return Err(error),
        }
        let Some(plain) = self.wire.into_drained() else {
            return Err(Error::StartTls("somebody put more behind the server's answer"));
        };
        let longest = self.settings.timeouts.greeting;
        let Ok(secured) = timeout(longest, upgrade.upgrade(plain)).await else {
            return Err(Error::Timeout {
                doing: "the TLS handshake",
                after: longest,
            });
        };
        let Secured { stream, binding } = secured.map_err(Error::Io)?;
        let wire = Wire::new(stream, self.settings.limits.clone());
        let mut client = Self::new(wire, self.settings, true, binding);
        client.know_capabilities().await?;
        Ok(client)
    }

    /// Asks for the capabilities unless the server has told them of its own accord.
    pub(crate) async fn know_capabilities(&mut self) -> Result<(), Error> {
        if self.session.capabilities.is_empty() {
            let claim = |response: &Response| matches!(response.kind, Kind::Capability(_));
            self.ask(self.command("CAPABILITY"), claim).await?;
        }
        Ok(())
    }

    /// Asks whether there is news, which keeps the connection alive. The observer hears it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn noop(&mut self) -> Result<(), Error> {
        self.run(self.command("NOOP"), |_| false).await.map(drop)
    }

    /// Takes leave of the server. The connection is closed whatever it answers.
    ///
    /// # Errors
    /// When the server did not take leave as well, which changes nothing about what was done before.
    pub async fn logout(mut self) -> Result<(), Error> {
        let command = self.command("LOGOUT");
        match self
            .run(command, |response| matches!(response.kind, Kind::Status(_)))
            .await
        {
            Ok(_) | Err(Error::Bye(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

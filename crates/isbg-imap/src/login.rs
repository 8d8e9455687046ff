//! Logging in: AUTHENTICATE with the best mechanism on offer, else LOGIN (RFC 9051 §6.2.2, §6.2.3). Does not know where
//! the credentials come from.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use crate::client::{Client, settle};
use crate::error::{Error, Refusal, RefusalKind};
use crate::protocol::code::{Code, Status, StatusKind};
use crate::protocol::response::Kind;
use crate::sasl::{self, Credentials, Exchange, Mechanism, Secret};
use crate::wire::Patience;

impl Client {
    /// Logs in, asks for the capabilities again, tells who we are (ID) and switches on the extensions that we use.
    ///
    /// # Errors
    /// [`Error::AuthenticationFailed`] if user name or password are wrong; [`Error::Plaintext`] if the connection is
    /// not encrypted and the settings do not allow that; [`Error::NoMechanism`] if there is no way.
    pub async fn login(&mut self, who: &Credentials) -> Result<(), Error> {
        if !self.secured && !self.settings.allow_plaintext {
            return Err(Error::Plaintext);
        }
        if !self.session.preauth {
            self.hush = true;
            let outcome = self.try_all(who).await;
            self.hush = false;
            let status = outcome.map_err(|error| explain(error, who))?;
            if !matches!(status.code, Some(Code::Capability(_))) {
                self.session.capabilities = Default::default();
            }
        }
        self.session.authenticated = true;
        self.know_capabilities().await?;
        self.introduce().await
    }

    async fn try_all(&mut self, who: &Credentials) -> Result<Status, Error> {
        let offered: Vec<String> = self
            .session
            .capabilities
            .values("AUTH")
            .map(str::to_owned)
            .collect();
        let plus = offered
            .iter()
            .any(|name| name == Mechanism::ScramSha256Plus.name());
        for mechanism in sasl::choose(&offered, who, self.binding.as_ref()) {
            let early = self.session.offers("SASL-IR");
            let mut outcome = self.authenticate(mechanism, who, plus, early).await;
            if early && is_bad(&outcome) && self.is_usable() {
                // Coremail announces SASL-IR and does not have it.
                outcome = self.authenticate(mechanism, who, plus, false).await;
            }
            match outcome {
                Err(Error::Sasl(error)) if error.try_next() && self.is_usable() => {}
                other if is_bad(&other) && self.is_usable() => {}
                other => return other,
            }
        }
        match who {
            Credentials::Password { user, password } if !self.session.capabilities.has("LOGINDISABLED") => {
                let command = self
                    .command("LOGIN")
                    .secret()
                    .string("the user name", user.as_bytes())?
                    .string("the password", password.expose())?;
                self.run(command, |_| false).await
            }
            _ => Err(Error::NoMechanism {
                offered: offered.join(" "),
            }),
        }
    }

    /// One exchange; `early`: the first message goes with the command (RFC 4959).
    async fn authenticate(
        &mut self,
        mechanism: Mechanism,
        who: &Credentials,
        plus: bool,
        early: bool,
    ) -> Result<Status, Error> {
        let mut exchange = Exchange::start(mechanism, who, self.binding.as_ref(), plus)?;
        let mut initial = exchange.initial().cloned();
        let mut command = self.command("AUTHENTICATE").secret().word(mechanism.name());
        if early && let Some(first) = initial.take() {
            command = command.base64(&encoded(&first));
        }
        if !self.is_usable() {
            return Err(self.unusable());
        }
        let mut patience = self.patience("AUTHENTICATE");
        let tag = self.send(command, &mut patience).await?;
        loop {
            let (response, _) = self.next(&mut patience, None).await?;
            match response.kind {
                Kind::Tagged(_, status) => return self.conclude(&exchange, status),
                Kind::Continue(text) => {
                    let answer = match initial.take() {
                        Some(first) => Ok(first),
                        None => exchange.step(&challenge(&text)),
                    };
                    let line = match &answer {
                        Ok(answer) => encoded(answer),
                        Err(_) => Zeroizing::new("*".to_owned()),
                    };
                    self.reply(line, &mut patience).await?;
                    if let Err(error) = answer {
                        // Cancelled by `*`; its end is read so that the connection stays in step.
                        return match self.finish(&tag, "AUTHENTICATE", &mut patience, |_| false).await {
                            Ok(_) | Err(Error::Refused(_)) => Err(error.into()),
                            Err(broken) => Err(broken),
                        };
                    }
                }
                _ => self.observe(&response),
            }
        }
    }

    async fn reply(&mut self, mut line: Zeroizing<String>, patience: &mut Patience) -> Result<(), Error> {
        line.reserve_exact(2);
        line.push_str("\r\n");
        if let Some(transcript) = &self.settings.transcript {
            transcript.continued(None);
        }
        self.wire.write(line.as_bytes(), patience).await?;
        self.wire.flush(patience).await
    }

    /// The server's OK counts only if the exchange agrees that the server has proved itself.
    fn conclude(&mut self, exchange: &Exchange, status: Status) -> Result<Status, Error> {
        if status.kind != StatusKind::Ok {
            let Err(Error::Refused(mut refusal)) = settle(status, "AUTHENTICATE") else {
                return Err(self.broken("an impossible end of a login".to_owned()));
            };
            if let Some(reason) = exchange.reason() {
                refusal.text = format!("{} ({reason})", refusal.text);
            }
            return Err(Error::Refused(refusal));
        }
        if let Err(error) = exchange.finish() {
            self.abandon();
            return Err(error.into());
        }
        Ok(status)
    }

    /// ID and ENABLE, sent together. Neither matters enough to fail for.
    async fn introduce(&mut self) -> Result<(), Error> {
        let mut patience = self.patience("ENABLE");
        let mut sent = Vec::new();
        if self.session.offers("ID") {
            let identity = self.settings.identity.clone();
            let fields = identity
                .iter()
                .flat_map(|(name, value)| [name.as_str(), value.as_str()]);
            let command = match identity.is_empty() {
                true => self.command("ID").word("NIL"),
                false => self.command("ID").strings("our name or version", fields)?,
            };
            sent.push((self.send(command, &mut patience).await?, "ID"));
        }
        if let Some(command) = self.enabling() {
            sent.push((self.send(command, &mut patience).await?, "ENABLE"));
        }
        for (tag, verb) in sent {
            let claim = |response: &crate::protocol::response::Response| {
                matches!(response.kind, Kind::Id(_) | Kind::Enabled(_))
            };
            match self.finish(&tag, verb, &mut patience, claim).await {
                Ok(_) | Err(Error::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn enabling(&self) -> Option<crate::protocol::command::Command> {
        if !self.session.offers("ENABLE") {
            return None;
        }
        let mut command = self.command("ENABLE");
        let mut any = false;
        for extension in ["CONDSTORE", "QRESYNC", "UTF8=ACCEPT"] {
            if self.session.capabilities.has(extension) {
                command = command.word(extension);
                any = true;
            }
        }
        any.then_some(command)
    }
}

fn is_bad(outcome: &Result<Status, Error>) -> bool {
    matches!(outcome, Err(Error::Refused(refusal)) if refusal.kind == RefusalKind::Bad)
}

fn encoded(secret: &Secret) -> Zeroizing<String> {
    let bytes = secret.expose();
    let mut text = Zeroizing::new(String::with_capacity(bytes.len().div_ceil(3) * 4 + 2));
    BASE64_STANDARD.encode_string(bytes, &mut text);
    text
}

/// A challenge's bytes. What is no base64 is passed on as it is: for LOGIN's prompts it does not matter, and the other
/// mechanisms refuse it.
fn challenge(text: &[u8]) -> Vec<u8> {
    BASE64_STANDARD.decode(text).unwrap_or_else(|_| text.to_vec())
}

/// A NO means that the server does not accept the credentials, unless its code gives another reason. Whatever the
/// server says, the password is struck out of it.
fn explain(error: Error, who: &Credentials) -> Error {
    let Error::Refused(refusal) = error else {
        return error;
    };
    const OTHER_REASONS: [&str; 8] = [
        "UNAVAILABLE",
        "INUSE",
        "LIMIT",
        "SERVERBUG",
        "CONTACTADMIN",
        "PRIVACYREQUIRED",
        "CLIENTBUG",
        "CANNOT",
    ];
    let text = without_secrets(&refusal.text, who);
    if refusal.kind == RefusalKind::No && !OTHER_REASONS.iter().any(|code| refusal.has(code)) {
        return Error::AuthenticationFailed { text };
    }
    Error::Refused(Refusal { text, ..refusal })
}

fn without_secrets(text: &str, who: &Credentials) -> String {
    let secret = match who {
        Credentials::Password { password, .. } => password.expose(),
        Credentials::OAuth { token, .. } => token.expose(),
        Credentials::External { .. } => return text.to_owned(),
    };
    let encoded = BASE64_STANDARD.encode(secret);
    let plain = std::str::from_utf8(secret).unwrap_or_default();
    [plain, &encoded]
        .into_iter()
        .filter(|secret| !secret.is_empty())
        .fold(text.to_owned(), |text, secret| text.replace(secret, "(hidden)"))
}

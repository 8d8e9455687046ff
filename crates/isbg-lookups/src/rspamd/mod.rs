//! A client of rspamd over HTTP/1.1. Does not wrap reports: rspamd rewrites no messages.

mod answer;
mod exchange;
mod target;

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, StatusCode};
use isbg_spool::Spool;
use isbg_types::{Class, Verdict};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::{Endpoint, Unknown, UnknownKind};
use exchange::exchange;

pub use target::{DEFAULT_PORT, Target};

/// How long to wait before each further try while its database is busy.
const BUSY: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(3),
];

/// How and where to ask.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where rspamd listens. To be taught, it must be the controller.
    pub endpoint: Endpoint,
    /// What stands before `/checkv2` (see [`Target::prefix`]).
    pub prefix: String,
    /// The controller's password.
    pub password: Option<Password>,
    /// Whose mail it is, for settings and learning per user (`Deliver-To`).
    pub user: Option<String>,
    /// So many requests at once; more wait here.
    pub at_once: usize,
    /// For one request from connecting to the end of the answer.
    pub deadline: Duration,
}

impl Settings {
    /// For this endpoint: no password, no user, eight at once, and two minutes for each.
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            prefix: String::new(),
            password: None,
            user: None,
            at_once: 8,
            deadline: Duration::from_secs(120),
        }
    }
}

/// rspamd's password. Its `Debug` does not show it.
#[derive(Debug, Clone)]
pub struct Password(HeaderValue);

impl Password {
    /// Line ends are dropped, as a header cannot carry them. `None` when it has other control characters.
    pub fn new(text: &str) -> Option<Self> {
        let mut value = header_value(text)?;
        value.set_sensitive(true);
        Some(Self(value))
    }
}

/// A client. One for all requests; its methods may run at the same time.
#[derive(Debug)]
pub struct Client {
    settings: Settings,
    user: Option<HeaderValue>,
    limit: Semaphore,
}

impl Client {
    /// A client that has not connected yet.
    ///
    /// # Errors
    /// When the user name has control characters.
    pub fn new(settings: Settings) -> Result<Self, Unknown> {
        let user = match &settings.user {
            None => None,
            Some(user) => Some(header_value(user).ok_or_else(|| {
                Unknown::new(
                    UnknownKind::Refused,
                    "the user name for rspamd has control characters",
                )
            })?),
        };
        let limit = Semaphore::new(settings.at_once.clamp(1, Semaphore::MAX_PERMITS));
        Ok(Self {
            settings,
            user,
            limit,
        })
    }

    /// Whether rspamd answers at all. Scores nothing, and does not wait for other requests.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), Unknown> {
        match self.ask_within_deadline(Method::GET, "/ping", None).await? {
            (StatusCode::OK, body) if body.trim_ascii() == b"pong" => Ok(()),
            (StatusCode::OK, _) => Err(answer::bad("it does not answer a ping with a pong".into())),
            (status, body) => Err(answer::refusal(status, &body)),
        }
    }

    /// Has a message scored.
    ///
    /// # Errors
    /// When there is no verdict.
    pub async fn check(&self, mail: &Spool) -> Result<Verdict, Unknown> {
        match self.send("/checkv2", mail).await? {
            (StatusCode::OK, body) => answer::verdict(&body),
            (status, body) => Err(answer::refusal(status, &body)),
        }
    }

    /// Teaches rspamd. Whether that changed anything; if not, it had the message in that class already, or could
    /// learn nothing from it.
    ///
    /// # Errors
    /// When it is not certain that the lesson was taken in; [`UnknownKind::TooLarge`] for a message beyond its
    /// `max_message`.
    pub async fn learn(&self, mail: &Spool, class: Class) -> Result<bool, Unknown> {
        if mail.is_empty() {
            return Ok(false); // refused by rspamd, and there is nothing to learn
        }
        let path = if class == Class::Spam {
            "/learnspam"
        } else {
            "/learnham"
        };
        let mut pauses = BUSY.into_iter();
        loop {
            let (status, body) = self.send(path, mail).await?;
            match (answer::learned(status, &body, class), pauses.next()) {
                (Err(unknown), Some(pause)) if answer::is_busy(&unknown) => sleep(pause).await,
                (learned, _) => return learned,
            }
        }
    }

    async fn send(&self, path: &str, mail: &Spool) -> Result<(StatusCode, Vec<u8>), Unknown> {
        let _turn = self.limit.acquire().await;
        self.ask_within_deadline(Method::POST, path, Some(mail)).await
    }

    async fn ask_within_deadline(
        &self,
        method: Method,
        path: &str,
        mail: Option<&Spool>,
    ) -> Result<(StatusCode, Vec<u8>), Unknown> {
        let mut headers = Vec::new();
        if let Some(Password(password)) = &self.settings.password {
            headers.push((HeaderName::from_static("password"), password.clone()));
        }
        if let Some(user) = &self.user {
            headers.push((HeaderName::from_static("deliver-to"), user.clone()));
        }
        let path = format!("{}{path}", self.settings.prefix);
        let asking = exchange(&self.settings.endpoint, method, &path, headers, mail);
        timeout(self.settings.deadline, asking).await.unwrap_or_else(|_| {
            let seconds = self.settings.deadline.as_secs();
            Err(Unknown::new(
                UnknownKind::Timeout,
                format!("rspamd did not answer within {seconds} s"),
            ))
        })
    }
}

/// The text without line ends: it must not bring another header along.
fn header_value(text: &str) -> Option<HeaderValue> {
    let line: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    HeaderValue::from_bytes(line.trim().as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_values_stay_one_line_and_passwords_hidden() {
        assert_eq!(header_value("me\r\nPassword: x\n").unwrap(), "mePassword: x");
        assert!(header_value("a\0b").is_none());
        let password = Password::new("open sesame\n").unwrap();
        assert_eq!(password.0, "open sesame");
        assert!(!format!("{password:?}").contains("sesame"));
    }
}

//! Fetches files over HTTP and HTTPS, with caps, deadlines, a few redirections, and through proxies. Does not know what
//! is in the files.

use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, LOCATION, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use isbg_tls::Connector;
use isbg_types::Untrusted;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::url::{Proxies, Url};
use crate::endpoint::{Stream, connect};
use crate::text::foreign;
use crate::{Endpoint, Unknown};

/// A file that has not come by then does not come. Whole archives have less than a mebibyte.
const DEADLINE: Duration = Duration::from_secs(120);

/// So many redirections are followed.
const MAX_REDIRECTIONS: usize = 5;

/// Status line and headers together, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// What a proxy may say before the connection begins, in bytes.
const MAX_PROXY_HEAD: usize = 8 * 1024;

/// Fetches files.
#[derive(Debug, Clone)]
pub struct Http {
    tls: Connector,
    proxies: Proxies,
}

/// Why a file could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The text is no address that we could fetch from.
    #[error("not an address of the web: {}", Untrusted(.0).clipped(200))]
    Url(String),
    /// The proxy that the environment names cannot be used.
    #[error("not a proxy of the form http://HOST:PORT without a password: {}", Untrusted(.0).clipped(200))]
    Proxy(String),
    /// No connection.
    #[error("{0}")]
    Unreachable(Unknown),
    /// The server, or something on the way, said no.
    #[error("the answer is {0}")]
    Status(StatusCode),
    /// It was sent on too often, or from a protected address to an unprotected one.
    #[error("it is redirected {0}")]
    Redirected(&'static str),
    /// The answer is longer than such a file can be.
    #[error("the file is larger than {0} bytes")]
    TooLarge(usize),
    /// The connection broke, or no HTTP is spoken.
    #[error("the answer is broken or cut off ({0})")]
    Broken(String),
    /// It takes too long.
    #[error("it has not come within {} s", DEADLINE.as_secs())]
    Timeout,
}

impl Http {
    /// With these settings for TLS and these proxies.
    pub fn new(tls: Connector, proxies: Proxies) -> Self {
        Self { tls, proxies }
    }

    /// Fetches the file at an address, which may have at most `most` bytes.
    ///
    /// # Errors
    /// When it cannot be had; see [`HttpError`].
    pub(super) async fn get(&self, url: &str, most: usize) -> Result<Vec<u8>, HttpError> {
        let mut url = Url::parse(url).ok_or_else(|| HttpError::Url(url.into()))?;
        let following = async {
            for _ in 0..=MAX_REDIRECTIONS {
                let location = match self.get_once(&url, most).await? {
                    Answer::File(bytes) => return Ok(bytes),
                    Answer::Elsewhere(location) => location,
                };
                let next = url.join(&location).ok_or(HttpError::Url(location))?;
                if url.tls && !next.tls {
                    return Err(HttpError::Redirected("from https to http"));
                }
                url = next;
            }
            Err(HttpError::Redirected("too often"))
        };
        timeout(DEADLINE, following)
            .await
            .unwrap_or(Err(HttpError::Timeout))
    }

    async fn get_once(&self, url: &Url, most: usize) -> Result<Answer, HttpError> {
        let (stream, target) = self.open(url).await?;
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(MAX_HEAD)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| broken(&error))?;
        // Ends with this value, whatever becomes of the request.
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        let request = Request::get(target)
            .header(HOST, url.authority())
            .header(USER_AGENT, concat!("isbg/", env!("CARGO_PKG_VERSION")))
            .body(Empty::<Bytes>::new())
            .map_err(|error| broken(&error))?;
        let answer = sender
            .send_request(request)
            .await
            .map_err(|error| broken(&error))?;
        let status = answer.status();
        if status.is_redirection() {
            let location = answer.headers().get(LOCATION);
            let location = location.and_then(|value| value.to_str().ok());
            return Ok(Answer::Elsewhere(
                location.ok_or(HttpError::Status(status))?.to_owned(),
            ));
        }
        if status != StatusCode::OK {
            return Err(HttpError::Status(status));
        }
        let body = Limited::new(answer.into_body(), most).collect().await;
        let body = body.map_err(|error| {
            if error.is::<LengthLimitError>() {
                HttpError::TooLarge(most)
            } else {
                broken(&*error)
            }
        })?;
        Ok(Answer::File(body.to_bytes().into()))
    }

    /// A connection over which to ask for the file, and how to name it there.
    async fn open(&self, url: &Url) -> Result<(Box<dyn Stream>, String), HttpError> {
        let address = |host: &str, port| crate::Address::Tcp {
            host: host.into(),
            port,
        };
        let Some(proxy) = self.proxies.proxy(url).map_err(HttpError::Proxy)? else {
            let endpoint = Endpoint {
                address: address(&url.host, url.port),
                tls: url.tls.then(|| self.tls.clone()),
            };
            let stream = connect(&endpoint, "the server")
                .await
                .map_err(HttpError::Unreachable)?;
            return Ok((stream, url.path.clone()));
        };
        let mut stream = connect(&Endpoint::plain(proxy), "the proxy")
            .await
            .map_err(HttpError::Unreachable)?;
        if !url.tls {
            return Ok((stream, url.to_string()));
        }
        tunnel(&mut stream, &url.authority()).await?;
        let secured = self
            .tls
            .connect(stream, &url.host)
            .await
            .map_err(|error| broken(&error))?;
        Ok((Box::new(secured.stream), url.path.clone()))
    }
}

enum Answer {
    File(Vec<u8>),
    Elsewhere(String),
}

/// Has a proxy pass everything on to `authority` (RFC 9110 section 9.3.6).
async fn tunnel(stream: &mut (impl Stream + ?Sized), authority: &str) -> Result<(), HttpError> {
    let request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .map_err(|error| broken(&error))?;
    let mut head = Vec::new();
    // Byte by byte: what follows the head belongs to the server behind.
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MAX_PROXY_HEAD {
            return Err(HttpError::Broken("the proxy does not come to an end".into()));
        }
        head.push(stream.read_u8().await.map_err(|error| broken(&error))?);
    }
    let text = String::from_utf8_lossy(&head);
    let status = text
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split(' ').nth(1));
    let status = status.and_then(|status| status.parse::<StatusCode>().ok());
    match status {
        Some(status) if status.is_success() => Ok(()),
        Some(status) => Err(HttpError::Status(status)),
        None => Err(HttpError::Broken("the proxy speaks no HTTP".into())),
    }
}

fn broken(error: &(impl std::fmt::Display + ?Sized)) -> HttpError {
    HttpError::Broken(foreign(&error.to_string()))
}

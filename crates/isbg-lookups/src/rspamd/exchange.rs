//! One HTTP request and its answer, over one connection. Does not know what they mean.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{HOST, USER_AGENT};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body, Frame, SizeHint};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use isbg_spool::Spool;
use tokio::task::JoinSet;

use super::answer::bad;
use crate::endpoint::{broken, connect};
use crate::{Address, Endpoint, Unknown};

/// A longer answer is none. rspamd's have a few kibibytes.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// Status line and headers together.
const MAX_HEAD: usize = 64 * 1024;

/// Sends a request, with a message as its body if there is one, and reads the whole answer.
pub(super) async fn exchange(
    endpoint: &Endpoint,
    method: Method,
    path: &str,
    headers: Vec<(HeaderName, HeaderValue)>,
    mail: Option<&Spool>,
) -> Result<(StatusCode, Vec<u8>), Unknown> {
    let stream = connect(endpoint, "rspamd").await?;
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| lost(&error))?;
    // Ends with this value, whatever becomes of the request.
    let mut driver = JoinSet::new();
    driver.spawn(connection);

    let host = match &endpoint.address {
        tcp @ Address::Tcp { .. } => tcp.to_string(),
        Address::Unix(_) => "localhost".into(),
    };
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, host)
        .header(USER_AGENT, "isbg");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let body = Mail {
        spool: mail.cloned().unwrap_or_else(|| Vec::new().into()),
        offset: 0,
    };
    let request = request
        .body(body)
        .map_err(|error| bad(format!("the request cannot be made ({error})")))?;
    let answer = sender.send_request(request).await.map_err(|error| lost(&error))?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), MAX_ANSWER)
        .collect()
        .await
        .map_err(|error| bad(format!("its body is broken or too long ({error})")))?;
    Ok((status, body.to_bytes().into()))
}

fn lost(error: &hyper::Error) -> Unknown {
    if error.is_parse() {
        bad("no HTTP".into())
    } else {
        broken("rspamd", &io::Error::other(error.to_string()))
    }
}

/// A message as a request's body, read piece by piece.
struct Mail {
    spool: Spool,
    offset: u64,
}

impl Body for Mail {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let chunk = self.spool.chunk(self.offset)?;
        if chunk.is_empty() {
            return Poll::Ready(None);
        }
        self.offset += chunk.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.offset >= self.spool.len()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.spool.len() - self.offset)
    }
}

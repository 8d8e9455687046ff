//! Waiting for news in the open folder: IDLE (RFC 2177), begun anew before the server gives up, or polling. Does not
//! look at what is new.

use std::pin::pin;

use tokio::time::{sleep, timeout};

use crate::client::Client;
use crate::error::Error;
use crate::protocol::response::{Kind, Response};
use crate::wire::Patience;

/// Why the waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// Messages came, went or changed.
    News,
    /// The caller's signal.
    Stopped,
}

impl Client {
    /// Waits until something changes in the open folder or `stop` is done. Dropping it leaves the connection unusable;
    /// use `stop`.
    ///
    /// # Errors
    /// When the connection fails. A dead one is noticed when IDLE is begun anew.
    pub async fn watch(&mut self, stop: impl Future<Output = ()>) -> Result<Wake, Error> {
        let mut stop = pin!(stop);
        loop {
            let woken = if self.offers("IDLE") {
                self.idle(stop.as_mut()).await?
            } else {
                self.poll(stop.as_mut()).await?
            };
            if let Some(wake) = woken {
                return Ok(wake);
            }
        }
    }

    /// One IDLE. `None` if it is to be begun anew.
    async fn idle(&mut self, mut stop: impl Future<Output = ()> + Unpin) -> Result<Option<Wake>, Error> {
        if !self.is_usable() {
            return Err(self.unusable());
        }
        let before = self.mailbox().map(|mailbox| mailbox.exists);
        let mut patience = self.patience("IDLE");
        let tag = self.send(self.command("IDLE"), &mut patience).await?;
        self.begin_idle(&tag, &mut patience).await?;
        let span = self.settings.timeouts.idle;
        let mut endless = Patience::new("IDLE", span * 2, span * 2);
        let mut renew = pin!(sleep(span));
        let wake = loop {
            tokio::select! {
                biased;
                () = &mut stop => break Some(Wake::Stopped),
                () = &mut renew => break None,
                next = self.next(&mut endless, None) => {
                    let (response, _) = next?;
                    if matches!(response.kind, Kind::Tagged(..)) {
                        return Err(self.broken("it ended IDLE by itself".to_owned()));
                    }
                    self.observe(&response);
                    if is_news(&response, before) {
                        break Some(Wake::News);
                    }
                }
            }
        };
        let mut patience = self.patience("IDLE");
        if let Some(transcript) = &self.settings.transcript {
            transcript.continued(Some("DONE"));
        }
        self.wire.write(b"DONE\r\n", &patience).await?;
        self.wire.flush(&patience).await?;
        let mut late = false;
        let news = |response: &Response| {
            late |= is_news(response, before);
            false
        };
        self.finish(&tag, "IDLE", &mut patience, news).await?;
        Ok(if late { Some(Wake::News) } else { wake })
    }

    async fn begin_idle(&mut self, tag: &str, patience: &mut Patience) -> Result<(), Error> {
        loop {
            let (response, _) = self.next(patience, None).await?;
            match response.kind {
                Kind::Continue(_) => return Ok(()),
                Kind::Tagged(ended, status) if ended == tag => {
                    crate::client::settle(status, "IDLE")?;
                    return Err(self.broken("it ended IDLE by itself".to_owned()));
                }
                _ => self.observe(&response),
            }
        }
    }

    /// One NOOP after a while. `None` if it brought nothing.
    async fn poll(&mut self, stop: impl Future<Output = ()> + Unpin) -> Result<Option<Wake>, Error> {
        if timeout(self.settings.timeouts.poll, stop).await.is_ok() {
            return Ok(Some(Wake::Stopped));
        }
        let before = self.mailbox().map(|mailbox| mailbox.exists);
        let mut news = false;
        let mut heard: Vec<Response> = Vec::new();
        let claim = |response: &Response| {
            news |= is_news(response, before);
            heard.push(response.clone());
            true
        };
        self.run(self.command("NOOP"), claim).await?;
        heard.iter().for_each(|response| self.observe(response));
        Ok(news.then_some(Wake::News))
    }
}

/// Some servers repeat the number of messages when IDLE begins, which is no news.
fn is_news(response: &Response, before: Option<u32>) -> bool {
    match &response.kind {
        Kind::Exists(number) => Some(*number) != before,
        Kind::Expunge(_) | Kind::Vanished(..) | Kind::Fetch(_) => true,
        _ => false,
    }
}

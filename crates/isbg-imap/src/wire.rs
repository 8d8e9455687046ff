//! Moves bytes between the stream and whole responses, with a deadline on every wait. Does not know what a response
//! means.

use std::io::Write as _;
use std::time::Duration;

use isbg_spool::{Spool, Writer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout};

use crate::budget::{ByteBudget, Permit};
use crate::error::Error;
use crate::protocol::Limits;
use crate::protocol::framer::{Event, Framer, Then};
use crate::protocol::raw::{Content, Literal, Raw};
use crate::stream::BoxedStream;

/// Read at once. Large enough that system calls cost next to nothing.
const INPUT: usize = 256 * 1024;

/// How long to wait, in silence and altogether.
#[derive(Debug, Clone)]
pub(crate) struct Patience {
    pub doing: &'static str,
    silence: Duration,
    total: Duration,
    deadline: Instant,
}

impl Patience {
    pub fn new(doing: &'static str, silence: Duration, total: Duration) -> Self {
        Self {
            doing,
            silence,
            total,
            deadline: Instant::now() + total,
        }
    }

    /// Starts the total anew.
    pub fn renew(&mut self) {
        self.deadline = Instant::now() + self.total;
    }

    /// Leaves out time that was not the server's.
    pub fn extend(&mut self, by: Duration) {
        self.deadline += by;
    }

    /// The longest next wait.
    fn next(&self) -> Result<Duration, Error> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Error::Timeout {
                doing: self.doing,
                after: self.total,
            });
        }
        Ok(left.min(self.silence))
    }

    async fn wait<T>(&self, what: impl Future<Output = std::io::Result<T>>) -> Result<T, Error> {
        let longest = self.next()?;
        match timeout(longest, what).await {
            Ok(result) => result.map_err(Error::Io),
            Err(_) => Err(Error::Timeout {
                doing: self.doing,
                after: if longest < self.silence {
                    self.total
                } else {
                    self.silence
                },
            }),
        }
    }
}

/// Where the bytes of the current literal go.
enum Target {
    Store {
        start: usize,
    },
    Spool(Box<Writer>),
    Skip(u64),
    /// A message for which there is no room in the budget yet.
    Waiting(u64),
}

/// What the buffered bytes amount to.
enum Step {
    Complete(Raw),
    NeedBudget(u64),
    NeedBytes,
}

/// A stream with its buffers. [`Wire::next`] may be dropped while it waits for bytes, and nothing is lost.
pub(crate) struct Wire {
    stream: BoxedStream,
    input: Box<[u8]>,
    start: usize,
    end: usize,
    framer: Framer,
    limits: Limits,
    raw: Raw,
    target: Option<Target>,
    permit: Option<Permit>,
}

impl Wire {
    pub fn new(stream: BoxedStream, limits: Limits) -> Self {
        Self {
            stream,
            input: vec![0; INPUT].into_boxed_slice(),
            start: 0,
            end: 0,
            framer: Framer::new(limits.line),
            limits,
            raw: Raw::default(),
            target: None,
            permit: None,
        }
    }

    /// Changes how much of a line is kept.
    pub fn limit_lines(&mut self, limit: usize) {
        self.framer.set_limit(limit);
    }

    /// The stream, if nothing that came over it is left unread here.
    pub fn into_drained(self) -> Option<BoxedStream> {
        (self.start == self.end && self.framer.at_start()).then_some(self.stream)
    }

    /// The next response. Messages in it are spooled, each after its size was taken from the budget; without a budget
    /// they are literals like others. A response has at most one message, whose share comes along.
    pub async fn next(
        &mut self,
        patience: &mut Patience,
        budget: Option<&ByteBudget>,
    ) -> Result<(Raw, Option<Permit>), Error> {
        loop {
            match self.step(budget.is_some())? {
                Step::Complete(raw) => return Ok((raw, self.permit.take())),
                Step::NeedBytes => self.fill(patience).await?,
                Step::NeedBudget(size) => {
                    let since = Instant::now();
                    if let Some(budget) = budget {
                        self.permit = Some(budget.take(size).await);
                    }
                    patience.extend(since.elapsed());
                    self.target = Some(Target::Spool(Box::new(Writer::with_expected(size))));
                }
            }
        }
    }

    async fn fill(&mut self, patience: &Patience) -> Result<(), Error> {
        let got = patience.wait(self.stream.read(&mut self.input)).await?;
        if got == 0 {
            return Err(Error::Closed(patience.doing));
        }
        (self.start, self.end) = (0, got);
        Ok(())
    }

    fn step(&mut self, messages: bool) -> Result<Step, Error> {
        if let Some(Target::Waiting(size)) = self.target {
            return Ok(Step::NeedBudget(size));
        }
        loop {
            let input = &self.input[self.start..self.end];
            let (used, event) = self
                .framer
                .next(input)
                .map_err(|error| Error::protocol(error.to_string()))?;
            self.start += used;
            match event {
                None => return Ok(Step::NeedBytes),
                Some(Event::Text { text, then, cut }) => {
                    self.raw.cut |= cut;
                    let room = self
                        .limits
                        .response
                        .saturating_sub(self.raw.text.len() + self.raw.store.len());
                    self.raw.cut |= text.len() > room;
                    self.raw.text.extend_from_slice(&text[..text.len().min(room)]);
                    match then {
                        Then::End => return Ok(Step::Complete(std::mem::take(&mut self.raw))),
                        Then::Literal(size) => {
                            let target =
                                choose(&self.raw, size, messages && self.permit.is_none(), &self.limits)?;
                            let waiting = matches!(target, Target::Waiting(_));
                            self.target = Some(target);
                            if waiting {
                                return Ok(Step::NeedBudget(size));
                            }
                        }
                    }
                }
                Some(Event::Literal { bytes, last }) => {
                    match &mut self.target {
                        Some(Target::Store { .. }) => self.raw.store.extend_from_slice(bytes),
                        Some(Target::Spool(writer)) => writer.write_all(bytes).map_err(Error::Spool)?,
                        Some(Target::Skip(_) | Target::Waiting(_)) | None => {}
                    }
                    if last {
                        finish_literal(&mut self.raw, self.target.take(), &self.limits)?;
                    }
                }
            }
        }
    }

    /// Sends bytes.
    pub async fn write(&mut self, mut bytes: &[u8], patience: &Patience) -> Result<(), Error> {
        while !bytes.is_empty() {
            match patience.wait(self.stream.write(bytes)).await? {
                0 => return Err(Error::Closed(patience.doing)),
                sent => bytes = bytes.get(sent..).unwrap_or_default(),
            }
        }
        Ok(())
    }

    /// Sends a message.
    pub async fn write_message(&mut self, spool: &Spool, patience: &Patience) -> Result<(), Error> {
        let mut offset = 0;
        while offset < spool.len() {
            let chunk = spool.chunk(offset).map_err(Error::Spool)?;
            self.write(&chunk, patience).await?;
            offset += chunk.len() as u64;
        }
        Ok(())
    }

    /// Makes sure that what was written is on its way.
    pub async fn flush(&mut self, patience: &Patience) -> Result<(), Error> {
        patience.wait(self.stream.flush()).await
    }
}

/// Where a literal goes, by the FETCH item that it belongs to.
fn choose(raw: &Raw, size: u64, messages: bool, limits: &Limits) -> Result<Target, Error> {
    let ends = |name: &[u8]| {
        let at = raw.text.len().checked_sub(name.len());
        at.is_some_and(|at| raw.text[at..].eq_ignore_ascii_case(name))
    };
    if size > limits.hopeless {
        return Err(Error::TooLarge {
            what: "a literal",
            limit: limits.hopeless,
        });
    }
    let message = ends(b" BODY[] ") || ends(b"(BODY[] ") || ends(b" RFC822 ") || ends(b"(RFC822 ");
    if message && messages {
        return Ok(if size > limits.body {
            Target::Skip(size)
        } else {
            Target::Waiting(size)
        });
    }
    let header = ends(b"BODY[HEADER] ") || ends(b"RFC822.HEADER ");
    let limit = if header { limits.header } else { limits.string };
    let held = (raw.text.len() + raw.store.len()) as u64;
    let fits = size <= limit && held.saturating_add(size) <= limits.response as u64;
    if fits && raw.literals.len() < limits.elements && !raw.cut {
        return Ok(Target::Store {
            start: raw.store.len(),
        });
    }
    Ok(Target::Skip(size))
}

fn finish_literal(raw: &mut Raw, target: Option<Target>, limits: &Limits) -> Result<(), Error> {
    let content = match target {
        Some(Target::Store { start }) => Content::Stored(start..raw.store.len()),
        Some(Target::Spool(writer)) => Content::Spooled(writer.finish().map_err(Error::Spool)?),
        Some(Target::Skip(size) | Target::Waiting(size)) => Content::Omitted(size),
        None => return Ok(()),
    };
    if raw.literals.len() >= limits.elements {
        raw.cut = true;
        return Ok(());
    }
    raw.literals.push(Literal {
        at: raw.text.len(),
        content,
    });
    Ok(())
}

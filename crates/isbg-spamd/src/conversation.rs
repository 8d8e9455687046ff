//! One connection: a request is read, answered, and logged in a line. Does not know how connections come about.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use isbg_engine::{Taught, Unknown, UnknownKind, Wish};
use isbg_message::header::block_len;
use isbg_message::views::{self, Views};
use isbg_spool::Spool;
use isbg_types::{Class, Untrusted, Verdict};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader, split};
use tokio::time::timeout;

use crate::body::{self, Failure};
use crate::markup::{Facts, preview, symbols};
use crate::protocol::{Fault, Head, MAX_HEAD, MAX_HEADERS, Verb, answer, header, pong, request_line, told};
use crate::server::{Judge, Peer, Server};

/// So much of a message is rendered for the words that a report shows, and of a rewritten one looked at for its header.
const LOOKED_AT: usize = 1 << 20;

/// Columns of a user's name in the log.
const USER: usize = 64;

/// What is left unread is read past for so long after an answer: closing the connection before would make the system
/// throw the answer away.
const DRAIN: Duration = Duration::from_secs(5);

/// What goes back to the client.
struct Answer {
    before: String,
    body: Option<Spool>,
    after: &'static str,
}

impl From<String> for Answer {
    fn from(before: String) -> Self {
        Self {
            before,
            body: None,
            after: "",
        }
    }
}

/// Reads a request and answers it.
pub(crate) async fn converse(stream: impl AsyncRead + AsyncWrite, peer: &Peer, server: &Server) {
    let (read, mut write) = split(stream);
    let mut reader = BufReader::new(read);
    let answer = match respond(&mut reader, peer, server).await {
        Ok(Some(answer)) => answer,
        Ok(None) | Err(Failure::Gone) => return,
        Err(Failure::Fault(fault)) => {
            let line = fault.line();
            server.log(&format!(
                "spamd: refused a request from {peer}: {}",
                line.trim_end()
            ));
            line.into()
        }
        Err(Failure::Disk(error)) => {
            server.log(&format!("spamd: a temporary file failed: {error}"));
            Fault::Later("a temporary file failed".to_owned()).line().into()
        }
    };
    let sent = timeout(server.settings().timeout, async {
        send(&mut write, &answer).await?;
        write.shutdown().await
    });
    if let Ok(Ok(())) = sent.await {
        // Whether the client stops sending or time runs out.
        drop(timeout(DRAIN, tokio::io::copy(&mut reader, &mut tokio::io::sink())).await);
    }
}

async fn send(write: &mut (impl AsyncWrite + Unpin), answer: &Answer) -> io::Result<()> {
    write.write_all(answer.before.as_bytes()).await?;
    let mut offset = 0;
    while let Some(body) = answer.body.as_ref().filter(|body| offset < body.len()) {
        let chunk = body.chunk(offset)?;
        write.write_all(&chunk).await?;
        offset += chunk.len() as u64;
    }
    write.write_all(answer.after.as_bytes()).await?;
    write.flush().await
}

/// The answer, or nothing where none is wanted.
async fn respond(
    reader: &mut (impl AsyncBufRead + Unpin),
    peer: &Peer,
    server: &Server,
) -> Result<Option<Answer>, Failure> {
    let settings = server.settings();
    let since = Instant::now();
    let late = |seconds: Duration, doing| Fault::Timeout(seconds.as_secs(), doing);
    let head = timeout(settings.head_timeout, read_head(reader))
        .await
        .map_err(|_| late(settings.head_timeout, "read the headers"))??;
    match head.verb {
        Verb::Skip => return Ok(None),
        Verb::Ping => return Ok(Some(pong().to_owned().into())),
        Verb::Tell if !settings.allow_tell => {
            let why = "TELL commands are not enabled, set the --allow-tell switch.";
            return Err(Fault::Unavailable(why.to_owned()).into());
        }
        _ => {}
    }
    let message = body::message(reader, head.content_length, head.compressed, settings.max_size);
    let mail = timeout(settings.timeout, message)
        .await
        .map_err(|_| late(settings.timeout, "read the message"))??;
    let judge = server.judge();
    let done = async {
        if head.verb == Verb::Tell {
            tell(&head, &mail, &judge, server).await
        } else {
            judged(&head, &mail, &judge, peer, server, since).await
        }
    };
    timeout(settings.timeout, done)
        .await
        .map_err(|_| late(settings.timeout, head.verb.as_str()))?
        .map(Some)
}

async fn read_head(reader: &mut (impl AsyncBufRead + Unpin)) -> Result<Head, Failure> {
    let fault = |why: &str| Failure::Fault(Fault::Protocol(why.to_owned()));
    let mut room = MAX_HEAD;
    let first = body::line(reader, &mut room).await?;
    if first.is_empty() {
        return Err(fault("(closed before headers)"));
    }
    let mut head = request_line(first.trim_ascii_end())?;
    if !head.version.has_headers() {
        return Ok(head);
    }
    for _ in 0..=MAX_HEADERS {
        let line = body::line(reader, &mut room).await?;
        if line.is_empty() {
            return Err(fault("(EOF during headers)"));
        }
        if !header(&mut head, &line)? {
            return Ok(head);
        }
    }
    Err(fault("(too many headers)"))
}

/// Has a message scored, and makes of the verdict what was asked for.
async fn judged(
    head: &Head,
    mail: &Spool,
    judge: &Arc<Judge>,
    peer: &Peer,
    server: &Server,
    since: Instant,
) -> Result<Answer, Failure> {
    let scored = judge.scorer.score(mail, Wish::Verdict).await;
    let mut verdict = scored
        .map_err(|unknown| fault_of(&unknown, server, head.verb))?
        .verdict;
    if let Some(required) = judge.required {
        verdict.required = required;
        verdict.spam = verdict.score >= required;
    }
    let verdict = Arc::new(verdict);
    let body = made(head.verb, mail, &verdict, judge, peer).await?;
    let (before, after) = answer(
        head.verb,
        head.version,
        &verdict,
        body.as_ref().map_or(0, Spool::len),
    );
    let what = if verdict.spam {
        "identified spam"
    } else {
        "clean message"
    };
    server.log(&format!(
        "spamd: {what} ({:.1}/{:.1}) for {} in {:.3} seconds, {} bytes.",
        verdict.score.points(),
        verdict.required.points(),
        user(head),
        since.elapsed().as_secs_f64(),
        mail.len(),
    ));
    Ok(Answer { before, body, after })
}

fn user(head: &Head) -> String {
    head.user
        .as_deref()
        .map_or_else(|| "(unknown)".to_owned(), |user| Untrusted(user).clipped(USER))
}

/// The body of an answer. A defect in making it costs this answer only.
async fn made(
    verb: Verb,
    mail: &Spool,
    verdict: &Arc<Verdict>,
    judge: &Arc<Judge>,
    peer: &Peer,
) -> Result<Option<Spool>, Failure> {
    let wanted = match verb {
        Verb::Check | Verb::Tell | Verb::Ping | Verb::Skip => return Ok(None),
        Verb::Symbols => return Ok(Some(symbols(verdict).into_bytes().into())),
        Verb::ReportIfSpam if !verdict.spam => return Ok(Some(Vec::new().into())),
        wanted => wanted,
    };
    let (mail, verdict, judge, peer) = (mail.clone(), Arc::clone(verdict), Arc::clone(judge), peer.clone());
    let work = move || {
        let begins = begins(&mail)?;
        let facts = Facts {
            verdict: &verdict,
            preview: &begins,
            remote: (&peer.name, &peer.address),
        };
        match wanted {
            Verb::Process => judge.markup.rewrite(&mail, &facts),
            Verb::Headers => {
                let rewritten = judge.markup.rewrite(&mail, &facts)?;
                let start = rewritten.prefix(LOOKED_AT)?;
                Ok(start.slice(..block_len(&start)).into())
            }
            _ => Ok(judge.markup.report(&facts).into_bytes().into()),
        }
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(made) => made.map(Some).map_err(Failure::Disk),
        Err(_) => Err(Fault::Internal("the report could not be made (a defect)".to_owned()).into()),
    }
}

/// How a message's text begins, its subject left out.
fn begins(mail: &Spool) -> io::Result<String> {
    let start = mail.prefix(LOOKED_AT)?;
    let settings = views::Settings::default();
    let views = Views::new(&start, &settings);
    Ok(preview(views.body().iter().skip(1)))
}

async fn tell(head: &Head, mail: &Spool, judge: &Judge, server: &Server) -> Result<Answer, Failure> {
    for (both, name) in [
        (head.set.local && head.remove.local, "local"),
        (head.set.remote && head.remove.remote, "remote"),
    ] {
        if both {
            let why = format!("Unable to set {name} and remove {name} in the same operation.");
            return Err(Fault::Protocol(why).into());
        }
    }
    if head.remove.local {
        let why = "this server cannot forget a message; teach it the other class";
        return Err(Fault::Unavailable(why.to_owned()).into());
    }
    let mut learned = false;
    if head.set.local {
        let refused = |unknown: Unknown| fault_of(&unknown, server, head.verb);
        let taught = judge.scorer.teach(mail, head.class).await.map_err(refused)?;
        judge.scorer.settle().await.map_err(refused)?;
        learned = match taught {
            Taught::Learned => true,
            Taught::AlreadyKnown => false,
            Taught::TooLarge => {
                return Err(Fault::Unavailable("the message is too large to be learned".to_owned()).into());
            }
        };
        let class = if head.class == Class::Spam { "spam" } else { "ham" };
        let what = if learned { "learned" } else { "knew already" };
        server.log(&format!(
            "spamd: {what} {class} for {}, {} bytes.",
            user(head),
            mail.len()
        ));
    }
    Ok(told(learned, false).into())
}

/// What a client is told where there is no verdict.
fn fault_of(unknown: &Unknown, server: &Server, verb: Verb) -> Failure {
    let why = unknown.detail.clone();
    Failure::Fault(match unknown.kind {
        UnknownKind::Outage => Fault::Later(why),
        UnknownKind::Timeout => Fault::Timeout(server.settings().timeout.as_secs(), verb.as_str()),
        UnknownKind::Refused | UnknownKind::TooLarge => Fault::Unavailable(why),
        UnknownKind::BadAnswer => Fault::Internal(why),
    })
}

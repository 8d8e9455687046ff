//! A scorer for tests: calls a message spam if its subject says so, fails as it is told to, and keeps its lessons.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::future::{BoxFuture, FutureExt};
use isbg_engine::{Scored, Scorer, Taught, Unknown, UnknownKind, Wish};
use isbg_message::wrap_report;
use isbg_spool::Spool;
use isbg_types::{Class, RuleHit, Score, Verdict};

use super::mail;

/// Calls a message spam if its subject says so; takes and counts lessons.
#[derive(Default)]
pub struct Judge {
    pub down: AtomicBool,
    pub scored: AtomicUsize,
    pub lessons: Mutex<Vec<(Class, Vec<u8>)>>,
    /// Done once, while a message is judged.
    pub meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Judge {
    fn judge(&self, mail: &Spool, wish: Wish) -> std::result::Result<Scored, Unknown> {
        let unknown = |kind, detail: &str| Unknown {
            kind,
            detail: detail.to_owned(),
        };
        if self.down.load(Ordering::Relaxed) {
            return Err(unknown(UnknownKind::Outage, "connection refused"));
        }
        let bytes = mail.prefix(1 << 20).unwrap();
        let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        if has("Subject: poison") {
            return Err(unknown(UnknownKind::Timeout, "no answer in time"));
        }
        assert!(!has("Subject: panic"), "a message that the scorer does not bear");
        self.scored.fetch_add(1, Ordering::Relaxed);
        if let Some(meanwhile) = self.meanwhile.lock().unwrap().take() {
            meanwhile();
        }
        let points = match () {
            () if has("Subject: certain") => 20_000,
            () if has("Subject: spam") => 9_000,
            () if has("Subject: unsure") => 4_500,
            () => 0,
        };
        let hits = vec![RuleHit {
            name: "SAYS_SO".to_owned(),
            score: Some(Score(points)),
            description: None,
        }];
        let verdict = Verdict {
            score: Score(points),
            required: Score(5_000),
            spam: points >= 5_000,
            hits,
        };
        let rewritten = (wish == Wish::Report && verdict.spam)
            .then(|| wrap_report(mail, &verdict, "It says so.", "test").unwrap());
        Ok(Scored {
            rewritten,
            ..verdict.into()
        })
    }
}

impl Scorer for Judge {
    fn name(&self) -> &'static str {
        "test"
    }

    fn score<'a>(
        &'a self,
        mail: &'a Spool,
        wish: Wish,
    ) -> BoxFuture<'a, std::result::Result<Scored, Unknown>> {
        async move { self.judge(mail, wish) }.boxed()
    }

    fn teach<'a>(
        &'a self,
        mail: &'a Spool,
        lesson: Class,
    ) -> BoxFuture<'a, std::result::Result<Taught, Unknown>> {
        async move {
            if self.down.load(Ordering::Relaxed) {
                return Err(Unknown {
                    kind: UnknownKind::Outage,
                    detail: "connection refused".to_owned(),
                });
            }
            self.lessons
                .lock()
                .unwrap()
                .push((lesson, mail.prefix(1 << 20).unwrap().to_vec()));
            Ok(Taught::Learned)
        }
        .boxed()
    }

    fn probe(&self) -> BoxFuture<'_, std::result::Result<(), Unknown>> {
        async move {
            self.judge(&mail("probe").into_bytes().into(), Wish::Verdict)
                .map(drop)
        }
        .boxed()
    }
}

//! Days of cron use: mail arrives, the program is started from time to time and killed in the middle of a run, its scorer
//! fails now and then, another client marks mail. At the end every message is there exactly once, and a further run
//! changes nothing. Everything left to chance follows from the seed, but for what the machine's own timing does.

use std::process::Child;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use isbg_testkit::conservation::Conservation;
use isbg_testkit::mail::{SPAM_PHRASE, ham, spam};
use isbg_testkit::mailbox::{Mailbox, Message};
use isbg_testkit::proxy::Plan;
use isbg_testkit::spamd_stub::{Answer, Request};

use crate::lab::Lab;

/// No run may take longer, so that a hang is a failure.
const PATIENCE: Duration = Duration::from_secs(120);

/// How a day is to be.
#[derive(Debug, Clone, Copy)]
struct Day {
    seed: u64,
    /// How often the program is started.
    runs: usize,
    /// The options that it is given.
    options: &'static str,
    /// Extensions that the server has not.
    lacking: &'static [&'static str],
}

/// What happened.
#[derive(Debug, Default)]
struct Diary {
    arrived: u64,
    spam: usize,
    killed: usize,
    outages: usize,
}

/// A generator of numbers (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end
    }
}

struct World {
    day: Day,
    numbers: Numbers,
    lab: Lab,
    /// How many more requests the scorer answers before it fails.
    answers: Arc<AtomicI64>,
    /// All mail that ever arrived, where it arrived, with the flags that others gave it.
    before: Mailbox,
    diary: Diary,
    /// How long a whole run takes.
    usual: Duration,
}

impl World {
    fn new(day: Day) -> Self {
        let mut lab = Lab::with_folders(&["Good", "Kept"]);
        let answers = Arc::new(AtomicI64::new(i64::MAX));
        let own = Arc::clone(&answers);
        lab.judge(move |request| judge(request, own.fetch_sub(1, Ordering::SeqCst) <= 0));
        let before = lab.mailbox();
        let (numbers, diary, usual) = (Numbers(day.seed), Diary::default(), Duration::from_millis(300));
        Self {
            day,
            numbers,
            lab,
            answers,
            before,
            diary,
            usual,
        }
    }

    fn mail_arrives(&mut self) {
        for _ in 0..self.numbers.below(6) {
            let seed = self.day.seed * 1_000_003 + self.diary.arrived;
            let (folder, bytes) = match self.numbers.below(5) {
                0 | 1 => ("INBOX", spam(seed)),
                2 | 3 => ("INBOX", ham(seed)),
                _ => ("Good", ham(seed)),
            };
            let flags = ["\\Seen", "\\Flagged", "\\Answered"];
            let flags = &flags[..self.numbers.below(flags.len() as u64 + 1) as usize];
            let date = 1_780_000_000 + 60 * self.diary.arrived as i64;
            self.lab.dovecot.deliver(folder, &bytes, flags, date).unwrap();
            let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
            let message = Message {
                uid: None,
                flags,
                date,
                bytes,
            };
            self.diary.arrived += 1;
            self.diary.spam += usize::from(is_spam(&message));
            self.before.get_mut(folder).unwrap().push(message);
        }
    }

    /// Another client marks a ham as deleted and does not expunge it.
    fn somebody_marks(&mut self) {
        if self.numbers.below(8) != 0 {
            return;
        }
        let mailbox = self.lab.mailbox();
        let unmarked = |message: &&Message| !is_spam(message) && !message.has("\\Deleted");
        let Some(found) = mailbox["INBOX"].iter().find(unmarked) else {
            return;
        };
        let mut wire = self.lab.dovecot.wire().unwrap();
        wire.command("SELECT INBOX").unwrap();
        wire.command(&format!(
            "UID STORE {} +FLAGS.SILENT (\\Deleted)",
            found.uid.unwrap()
        ))
        .unwrap();
        let all = self.before.values_mut().flatten();
        for message in all.filter(|message| message.bytes == found.bytes) {
            message.flags.insert("\\Deleted".to_owned());
        }
    }

    /// A run that is killed at a point of its conversation, after some time, or not at all; its scorer may fail from
    /// some message on.
    fn eventful_run(&mut self) {
        let outage = self.numbers.below(5) == 0;
        if outage {
            self.answers
                .store(self.numbers.below(12) as i64, Ordering::SeqCst);
            self.diary.outages += 1;
        }
        let child = Arc::new(Mutex::new(None));
        let end = self.numbers.below(8);
        let mut plan = self.plan();
        if end < 4 {
            let (own, lines, last) = (
                Arc::clone(&child),
                AtomicI64::new(0),
                self.numbers.below(110) as i64,
            );
            plan = plan.edit(move |_, line| {
                if lines.fetch_add(1, Ordering::SeqCst) >= last {
                    kill(&own);
                }
                line.to_vec()
            });
        }
        self.lab.proxy.set(plan);
        let started = Instant::now();
        *child.lock().unwrap() = Some(self.lab.spawn(self.day.options));
        if end == 4 || end == 5 {
            std::thread::sleep(self.usual * self.numbers.below(120) as u32 / 100);
            kill(&child);
        }
        let killed = is_killed(&child);
        self.diary.killed += usize::from(killed);
        if !killed && !outage {
            self.usual = started.elapsed();
        }
        self.answers.store(i64::MAX, Ordering::SeqCst);
        self.lab.proxy.set(self.plan());
    }

    fn plan(&self) -> Plan {
        Plan::new().lacking(self.day.lacking)
    }

    /// What may have become of the mail.
    fn allowed(&self) -> Conservation<'_> {
        let allowed = Conservation::of(&self.before).may_move("Good", "Kept", |_| true);
        match self.day.options.contains("--noreport") {
            true => allowed.may_move("INBOX", "Junk", is_spam),
            false => allowed.may_wrap("INBOX", "Junk", is_spam),
        }
    }

    fn live(mut self) {
        for _ in 0..self.day.runs {
            self.mail_arrives();
            self.somebody_marks();
            self.eventful_run();
            let problems = self.allowed().problems(&self.lab.mailbox());
            assert!(
                problems.is_empty(),
                "{:?}, {:?}: {problems:#?}",
                self.day,
                self.diary
            );
        }
        // Two undisturbed runs, and everything is settled.
        self.mail_arrives();
        self.lab.fine(self.day.options);
        self.mail_arrives();
        let last = self.lab.fine(self.day.options);
        let after = self.lab.mailbox();
        let problems = self.allowed().problems_when_settled(&after);
        assert!(
            problems.is_empty(),
            "{:?}, {:?}: {problems:#?}",
            self.day,
            self.diary
        );
        // What several runs have died over is left alone, and that is said.
        let spam = after["INBOX"].iter().filter(|message| is_spam(message)).count();
        let left = spam + after["Good"].len();
        assert!(
            left == 0 || last.err.contains("left alone"),
            "{left} left, {:?}: {last}",
            self.diary
        );
        self.lab.quiet(self.day.options);
        self.lab.harmless();
        let Diary {
            spam,
            killed,
            outages,
            ..
        } = self.diary;
        assert!(
            spam >= 10 && killed >= 4 && outages >= 1,
            "too quiet a day: {:?}",
            self.diary
        );
    }
}

fn is_spam(message: &Message) -> bool {
    String::from_utf8_lossy(&message.bytes).contains(SPAM_PHRASE)
}

fn judge(request: &Request, down: bool) -> Answer {
    match () {
        () if down => Answer::Close,
        () if request.mentions(SPAM_PHRASE) => Answer::spam(),
        () => Answer::ham(),
    }
}

fn kill(child: &Mutex<Option<Child>>) {
    if let Some(child) = child.lock().unwrap().as_mut() {
        // Fails when it has ended already, which is just as well.
        child.kill().unwrap_or_default();
    }
}

/// Waits for the end; whether it was a violent one.
fn is_killed(child: &Mutex<Option<Child>>) -> bool {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child
            .lock()
            .unwrap()
            .as_mut()
            .and_then(|child| child.try_wait().unwrap())
        {
            return status.code().is_none();
        }
        assert!(Instant::now() < deadline, "a run does not end");
        std::thread::sleep(Duration::from_millis(2));
    }
}

const MOVE: &str = "--partialrun 20 --learnhambox Good --movehamto Kept --noreport --delete --expunge";
const REPORT: &str = "--partialrun 20 --learnhambox Good --movehamto Kept --delete --expunge";

fn live(seed: u64, options: &'static str, lacking: &'static [&'static str]) {
    World::new(Day {
        seed,
        runs: 20,
        options,
        lacking,
    })
    .live();
}

#[test]
fn a_day_of_moves() {
    live(1, MOVE, &[]);
}

#[test]
fn a_day_of_reports() {
    live(2, REPORT, &[]);
}

#[test]
fn another_day_of_reports() {
    live(3, REPORT, &["MOVE"]);
}

#[test]
fn a_day_on_a_server_without_move() {
    live(4, MOVE, &["MOVE"]);
}

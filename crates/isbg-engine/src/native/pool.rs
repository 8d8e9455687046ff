//! Threads with room on their stacks, a deadline for each piece of work, and survivors when one panics. Does not know
//! what the work is.

use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

use crate::{Unknown, UnknownKind};

/// Parsers here do not recurse without a limit; this leaves them many times what they need.
const STACK: usize = 16 << 20;

/// So many threads at most may be busy beyond their deadline. With more, something is wrong with more than a message.
const MOST_LATE: usize = 8;

/// A fixed number of threads that take pieces of work in turn. They end when the pool is dropped and their work is done.
pub struct Pool<I, O> {
    crew: Arc<Crew<I, O>>,
    queue: mpsc::Sender<Job<I, O>>,
    free: Arc<Semaphore>,
}

impl<I, O> fmt::Debug for Pool<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("late", &self.crew.late)
            .finish_non_exhaustive()
    }
}

/// What the threads share.
struct Crew<I, O> {
    work: Box<dyn Fn(&I) -> O + Send + Sync>,
    queue: Mutex<mpsc::Receiver<Job<I, O>>>,
    /// Threads that are busy beyond a deadline. Each has been replaced.
    late: AtomicUsize,
}

struct Job<I, O> {
    input: I,
    answer: oneshot::Sender<Result<O, Unknown>>,
    /// Set by whoever is first: the thread that is done, or the caller whose patience is.
    over: Arc<AtomicBool>,
    /// A free thread; given back when the work is done.
    turn: OwnedSemaphorePermit,
}

impl<I: Send + 'static, O: Send + 'static> Pool<I, O> {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(threads: NonZeroUsize, work: impl Fn(&I) -> O + Send + Sync + 'static) -> io::Result<Self> {
        let (queue, receiver) = mpsc::channel();
        let crew = Arc::new(Crew {
            work: Box::new(work),
            queue: Mutex::new(receiver),
            late: AtomicUsize::new(0),
        });
        for _ in 0..threads.get() {
            hire(&crew)?;
        }
        Ok(Self {
            crew,
            queue,
            free: Arc::new(Semaphore::new(threads.get())),
        })
    }

    /// Has a piece of work done, when a thread is free. The deadline counts from then on.
    ///
    /// # Errors
    /// [`UnknownKind::Timeout`] after the deadline: the thread goes on and another has taken its place.
    /// [`UnknownKind::BadAnswer`] when the work panicked. [`UnknownKind::Outage`] while too many threads are late.
    pub async fn run(&self, input: I, deadline: Duration) -> Result<O, Unknown> {
        let gone = |_| Unknown::new(UnknownKind::Outage, "the threads that judge are gone");
        if self.crew.late.load(Ordering::Relaxed) >= MOST_LATE {
            return Err(Unknown::new(
                UnknownKind::Outage,
                format!("{MOST_LATE} messages are still being judged, long after their deadline"),
            ));
        }
        let turn = Arc::clone(&self.free)
            .acquire_owned()
            .await
            .map_err(|_| gone(()))?;
        let over = Arc::new(AtomicBool::new(false));
        let (answer, answered) = oneshot::channel();
        let job = Job {
            input,
            answer,
            over: Arc::clone(&over),
            turn,
        };
        self.queue.send(job).map_err(|_| gone(()))?;
        match timeout(deadline, answered).await {
            Ok(answer) => answer.map_err(|_| gone(()))?,
            Err(_) => {
                if !over.swap(true, Ordering::AcqRel) {
                    self.crew.late.fetch_add(1, Ordering::Relaxed);
                    match hire(&self.crew) {
                        Ok(()) => self.free.add_permits(1),
                        // Nobody must wait for a thread that will never be free.
                        Err(_) => self.free.close(),
                    }
                }
                let seconds = deadline.as_secs_f64();
                Err(Unknown::new(
                    UnknownKind::Timeout,
                    format!("no verdict within {seconds} s"),
                ))
            }
        }
    }
}

fn hire<I: Send + 'static, O: Send + 'static>(crew: &Arc<Crew<I, O>>) -> io::Result<()> {
    let crew = Arc::clone(crew);
    thread::Builder::new()
        .name("isbg-judge".to_owned())
        .stack_size(STACK)
        .spawn(move || crew.toil())
        .map(drop)
}

impl<I, O> Crew<I, O> {
    /// Takes pieces of work until there is no pool any more, or a late one is done.
    fn toil(&self) {
        loop {
            let next = self.queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(job) = next else { return };
            // Whoever asked may have stopped waiting.
            if job.answer.is_closed() {
                continue;
            }
            let done = catch_unwind(AssertUnwindSafe(|| (self.work)(&job.input)));
            let late = job.over.swap(true, Ordering::AcqRel);
            if late {
                self.late.fetch_sub(1, Ordering::Relaxed);
                // Another thread has this one's place.
                job.turn.forget();
                return;
            }
            drop(job.turn);
            let answer = done.map_err(|_| {
                Unknown::new(
                    UnknownKind::BadAnswer,
                    "the native scorer failed on this message (an internal error)",
                )
            });
            // Nobody may be waiting any more.
            drop(job.answer.send(answer));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(20);

    fn pool(threads: usize, work: impl Fn(&u32) -> u32 + Send + Sync + 'static) -> Pool<u32, u32> {
        Pool::start(NonZeroUsize::new(threads).unwrap(), work).unwrap()
    }

    #[tokio::test]
    async fn as_many_at_once_as_there_are_threads() {
        let together = Barrier::new(3);
        let pool = pool(3, move |number| {
            together.wait();
            number * 2
        });
        let (a, b, c) = tokio::join!(pool.run(1, LONG), pool.run(2, LONG), pool.run(3, LONG));
        assert_eq!((a.unwrap(), b.unwrap(), c.unwrap()), (2, 4, 6));
    }

    #[tokio::test]
    async fn a_panic_costs_its_own_answer_only() {
        let pool = pool(1, |number| 10 / number);
        assert_eq!(pool.run(0, LONG).await.unwrap_err().kind, UnknownKind::BadAnswer);
        assert_eq!(pool.run(5, LONG).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_late_thread_is_replaced_and_ends_when_it_is_done() {
        let (release, wait) = mpsc::channel::<()>();
        let wait = Mutex::new(wait);
        let pool = pool(1, move |number| {
            if *number == 0 {
                wait.lock().unwrap().recv().unwrap();
            }
            *number
        });
        assert_eq!(pool.run(0, SHORT).await.unwrap_err().kind, UnknownKind::Timeout);
        assert_eq!(
            pool.run(7, LONG).await.unwrap(),
            7,
            "another thread took its place"
        );
        assert_eq!(pool.free.available_permits(), 1);
        release.send(()).unwrap();
        while pool.crew.late.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(SHORT).await;
        }
        assert_eq!(pool.run(8, LONG).await.unwrap(), 8);
        assert_eq!(
            pool.free.available_permits(),
            1,
            "the late one brought no second turn"
        );
    }

    #[tokio::test]
    async fn too_many_late_ones_are_an_outage() {
        let (release, wait) = mpsc::channel::<()>();
        let wait = Mutex::new(wait);
        let pool = pool(1, move |number| {
            assert!(
                wait.lock().unwrap().recv().is_err(),
                "ends when the sender is dropped"
            );
            *number
        });
        for _ in 0..MOST_LATE {
            assert_eq!(pool.run(0, SHORT).await.unwrap_err().kind, UnknownKind::Timeout);
        }
        assert_eq!(pool.run(0, LONG).await.unwrap_err().kind, UnknownKind::Outage);
        drop(release);
        while pool.crew.late.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(SHORT).await;
        }
        assert_eq!(pool.run(9, LONG).await.unwrap(), 9);
    }

    #[tokio::test]
    async fn deep_recursion_has_room() {
        fn deep(left: u32) -> u32 {
            let room = std::hint::black_box([left; 64]);
            if left == 0 {
                0
            } else {
                deep(left - 1) + room[0].min(1)
            }
        }
        assert_eq!(
            pool(1, |depth| deep(*depth)).run(20_000, LONG).await.unwrap(),
            20_000
        );
    }
}

//! Asks the exporters how they are, over their Services: with a deadline, a few at a time, spread over time. A monitor is
//! looked at again only when its exporter says something new.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use crds::handoff::{self, ExporterStatus};
use futures::Stream;
use http::Response;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::dns::GaiResolver;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::TokioExecutor;
use rand::Rng;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tower::timeout::Timeout;

use crate::key::Key;
use crate::plan::{PORT, child_name};
use crate::words;

/// How long one exporter may take to answer.
const DEADLINE: Duration = Duration::from_secs(3);
/// How long its name may take of that. A resolver that nobody answers is as good as one that knows no such name: which of
/// the two it is changes from one time to the next.
const NAME_DEADLINE: Duration = Duration::from_secs(2);
/// How many are asked at a time.
const AT_ONCE: usize = 32;
/// Largest answer that is read; a status has a few kilobytes.
const MAX_BYTES: usize = 1 << 20;
/// How soon an exporter that is getting ready is asked again, at first.
const SOON: Duration = Duration::from_secs(1);

/// What an exporter said last.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// This.
    Said(Box<ExporterStatus>),
    /// Nothing: why not.
    Silent(Silence),
}

/// Why an exporter said nothing. A later one says more than an earlier one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Silence {
    /// It took too long.
    Late,
    /// There is no such name, or nobody says in time whether there is.
    NoName,
    /// Anything else, in words.
    Failed(String),
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Silence::Late => write!(f, "it did not answer within {} s", DEADLINE.as_secs()),
            Silence::NoName => f.write_str("the name of its Service cannot be resolved"),
            Silence::Failed(why) => f.write_str(why),
        }
    }
}

/// How often an exporter is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Now and then: all is well.
    Slow,
    /// Soon, and then less and less often: it is getting ready.
    Fast,
}

/// Asks exporters, each in a task of its own that ends with the monitor. `C` is how they are reached.
pub struct Asker<C = HttpConnector<Timeout<GaiResolver>>> {
    every: Duration,
    http: Client<C, Empty<Bytes>>,
    permits: Arc<Semaphore>,
    asked: Mutex<HashMap<Key, Asked>>,
    news: mpsc::UnboundedSender<Key>,
}

struct Asked {
    pace: tokio::sync::watch::Sender<Pace>,
    /// Answers to questions from before this moment are not about the pod that is there now.
    since: Instant,
    answer: Option<Answer>,
    task: JoinHandle<()>,
}

impl Asker {
    /// Asks nobody yet. The stream has the key of each monitor whose exporter says something new.
    pub fn new(every: Duration) -> (Arc<Self>, impl Stream<Item = Key>) {
        let resolver = Timeout::new(GaiResolver::new(), NAME_DEADLINE);
        Self::over(HttpConnector::new_with_resolver(resolver), every)
    }
}

impl<C: Connect + Clone + Send + Sync + 'static> Asker<C> {
    fn over(connector: C, every: Duration) -> (Arc<Self>, impl Stream<Item = Key>) {
        let (news, heard) = mpsc::unbounded_channel();
        let asker = Arc::new(Self {
            every,
            http: Client::builder(TokioExecutor::new()).build(connector),
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            asked: Mutex::default(),
            news,
        });
        (asker, UnboundedReceiverStream::new(heard))
    }

    /// What the exporter of a monitor said last; nothing before it was asked.
    pub fn answer(&self, key: &Key) -> Option<Answer> {
        self.lock().get(key).and_then(|asked| asked.answer.clone())
    }

    /// Since `since` the exporter is another one: what was said before is forgotten, and it is asked at once.
    pub fn expect_anew(&self, key: &Key, since: Instant) {
        if let Some(asked) = self.lock().get_mut(key)
            && asked.since < since
        {
            asked.since = since;
            asked.answer = None;
            asked.pace.send_modify(|_| {});
        }
    }

    /// Begins to ask the exporter of a monitor, or changes the pace.
    pub fn ask(self: &Arc<Self>, key: &Key, pace: Pace) {
        let mut asked = self.lock();
        if let Some(asked) = asked.get(key) {
            asked.pace.send_if_modified(|known| {
                let changed = *known != pace;
                *known = pace;
                // An exporter that was well and is not to be waited for is asked at once.
                changed && pace == Pace::Fast
            });
            return;
        }
        let (sender, receiver) = tokio::sync::watch::channel(pace);
        let task = tokio::spawn(self.clone().follow(key.clone(), receiver));
        let new = Asked {
            pace: sender,
            since: Instant::now(),
            answer: None,
            task,
        };
        asked.insert(key.clone(), new);
    }

    /// No longer asks the exporter of a monitor, and forgets what it said.
    pub fn forget(&self, key: &Key) {
        if let Some(asked) = self.lock().remove(key) {
            asked.task.abort();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Asked>> {
        // No entry is ever left half changed, so a panic while the lock was held does no harm.
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks one exporter again and again.
    async fn follow(self: Arc<Self>, key: Key, mut pace: tokio::sync::watch::Receiver<Pace>) {
        let mut wait = SOON;
        loop {
            // In a box, so that a task that sleeps is small: each monitor has one.
            let begun = Instant::now();
            let answer = Box::pin(self.once(&key)).await;
            if !self.note(&key, begun, answer) {
                continue;
            }
            wait = match *pace.borrow_and_update() {
                Pace::Slow => self.every,
                Pace::Fast => (wait * 2).min(self.every),
            };
            // Up to a fifth sooner or later, so that monitors made together are not asked together for ever.
            let wait_now = wait.mul_f64(rand::rng().random_range(0.8..1.2));
            tokio::select! {
                () = tokio::time::sleep(wait_now) => {}
                changed = pace.changed() => match changed {
                    Ok(()) => wait = SOON,
                    Err(_) => return,
                },
            }
        }
    }

    /// Keeps an answer, unless another exporter is to be asked since the question.
    fn note(&self, key: &Key, begun: Instant, answer: Answer) -> bool {
        let mut asked = self.lock();
        let Some(asked) = asked.get_mut(key) else {
            return true;
        };
        if begun < asked.since {
            return false;
        }
        if is_news(asked.answer.as_ref(), &answer) {
            asked.answer = Some(answer);
            // Nobody listens any more only when the program ends.
            let _ = self.news.send(key.clone());
        }
        true
    }

    async fn once(&self, key: &Key) -> Answer {
        let Ok(_permit) = self.permits.acquire().await else {
            return Answer::Silent(Silence::Failed("the operator is stopping".to_owned()));
        };
        match tokio::time::timeout(DEADLINE, self.get(key)).await {
            Ok(Ok(status)) => Answer::Said(Box::new(status)),
            Ok(Err(why)) => Answer::Silent(why),
            Err(_) => Answer::Silent(Silence::Late),
        }
    }

    async fn get(&self, key: &Key) -> Result<ExporterStatus, Silence> {
        let host = format!("{}.{}.svc", child_name(&key.name), key.namespace);
        let uri = format!("http://{host}:{PORT}/-/status");
        let uri = uri
            .parse()
            .map_err(|error| Silence::Failed(format!("{uri:?} is no address: {error}")))?;
        let answer = self.http.get(uri).await.map_err(|error| {
            let why = words::chain(&error);
            // The connector's own words, before those of the system's resolver.
            match why.contains("dns error") {
                true => Silence::NoName,
                false => Silence::Failed(why),
            }
        })?;
        read(answer, key).await.map_err(Silence::Failed)
    }
}

/// The status in an answer, or what is wrong with it.
async fn read(answer: Response<Incoming>, key: &Key) -> Result<ExporterStatus, String> {
    if !answer.status().is_success() {
        return Err(format!("it answered {}", answer.status()));
    }
    let body = Limited::new(answer.into_body(), MAX_BYTES).collect().await;
    let body = body.map_err(|error| words::cut(&error.to_string(), 200))?;
    let status: ExporterStatus = serde_json::from_slice(&body.to_bytes())
        .map_err(|error| format!("its answer is no status: {error}"))?;
    if status.version > handoff::VERSION {
        return Err(format!(
            "its status has version {}, and this operator reads up to {}: upgrade the operator",
            status.version,
            handoff::VERSION
        ));
    }
    if (&status.namespace, &status.name) != (&key.namespace, &key.name) {
        return Err(format!(
            "the exporter of {}/{} answered in its place",
            status.namespace, status.name
        ));
    }
    Ok(essence(status))
}

/// Whether an answer says more than the one before. Whoever is silent is so now for this reason, now for that, and a status
/// that changed each time would be written each time: a reason is news where it says more than the one that is known.
fn is_news(before: Option<&Answer>, answer: &Answer) -> bool {
    match (before, answer) {
        (Some(Answer::Silent(Silence::Failed(known))), Answer::Silent(Silence::Failed(why))) => {
            known != why
        }
        (Some(Answer::Silent(known)), Answer::Silent(why)) => why > known,
        (before, answer) => before != Some(answer),
    }
}

/// A status without what changes at every evaluation, which is no news.
fn essence(mut status: ExporterStatus) -> ExporterStatus {
    if let Some(evaluation) = &mut status.last_evaluation {
        evaluation.timestamp = jiff::Timestamp::UNIX_EPOCH;
        evaluation.window_start = None;
        evaluation.window_end = None;
    }
    status
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::iter;
    use std::net::SocketAddr;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::Relaxed;

    use hyper_util::client::legacy::connect::dns::Name;
    use hyper_util::rt::TokioIo;

    use super::*;

    #[test]
    fn reasons_of_silence_in_turns_are_news_once() {
        let failed = |why: &str| Answer::Silent(Silence::Failed(why.to_owned()));
        let late = Answer::Silent(Silence::Late);
        let no_name = Answer::Silent(Silence::NoName);
        assert!(is_news(None, &late));
        assert!(is_news(Some(&late), &no_name));
        assert!(!is_news(Some(&no_name), &late));
        assert!(!is_news(Some(&no_name), &no_name));
        assert!(is_news(Some(&no_name), &failed("connection refused")));
        assert!(!is_news(Some(&failed("connection refused")), &late));
        assert!(is_news(
            Some(&failed("connection refused")),
            &failed("it answered 500")
        ));
    }

    /// On one thread and without waiting, the task that asks does not run.
    #[tokio::test]
    async fn what_an_exporter_said_before_it_was_replaced_is_forgotten() {
        let (asker, _news) = Asker::new(Duration::from_secs(3600));
        let key = Key {
            namespace: "ml-prod".to_owned(),
            name: "shop".to_owned(),
        };
        let said = || Answer::Silent(Silence::Failed("it answered 500".to_owned()));
        asker.ask(&key, Pace::Slow);
        let begun = Instant::now();
        assert!(asker.note(&key, begun, said()));
        assert_eq!(asker.answer(&key), Some(said()));

        let replaced = Instant::now();
        asker.expect_anew(&key, replaced);
        assert_eq!(asker.answer(&key), None);
        // A question that was under way went to the one before.
        assert!(!asker.note(&key, begun, said()));
        assert_eq!(asker.answer(&key), None);
        assert!(asker.note(&key, Instant::now(), said()));
        asker.expect_anew(&key, replaced);
        assert_eq!(asker.answer(&key), Some(said()), "it is the same one still");
        asker.forget(&key);
    }

    /// Names lead to `lead`, which may take its time; the moments at which each was looked up are kept.
    fn asker<F: Future<Output = io::Result<SocketAddr>> + Send + 'static>(
        every: Duration,
        lead: impl Fn() -> F + Clone + Send + Sync + 'static,
    ) -> (Arc<Asker<impl Connect + Clone + Send + Sync>>, Lookups) {
        let lookups = Lookups::default();
        let seen = lookups.clone();
        let resolver = tower::service_fn(move |name: Name| {
            let (lead, seen) = (lead(), seen.clone());
            let mut moments = seen.lock().unwrap_or_else(PoisonError::into_inner);
            moments
                .entry(name.to_string())
                .or_default()
                .push(Instant::now());
            drop(moments);
            async move { Ok::<_, io::Error>(iter::once(lead.await?)) }
        });
        let resolver = Timeout::new(resolver, NAME_DEADLINE);
        let (asker, _news) = Asker::over(HttpConnector::new_with_resolver(resolver), every);
        (asker, lookups)
    }

    type Lookups = Arc<Mutex<HashMap<String, Vec<Instant>>>>;

    fn keys(count: usize) -> Vec<Key> {
        let key = |number| Key {
            namespace: "ml-prod".to_owned(),
            name: format!("shop-{number}"),
        };
        (0..count).map(key).collect()
    }

    fn gaps(moments: &[Instant]) -> Vec<f64> {
        let gap = |pair: &[Instant]| (pair[1] - pair[0]).as_secs_f64();
        moments.windows(2).map(gap).collect()
    }

    async fn nobody() -> io::Result<SocketAddr> {
        Err(io::Error::other("there is nobody"))
    }

    /// Waits, however long it takes.
    async fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
        loop {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn only_so_many_are_asked_at_a_time() {
        let most = Arc::new(AtomicUsize::new(0));
        let (now, highest) = (Arc::new(AtomicUsize::new(0)), most.clone());
        let (asker, lookups) = asker(Duration::from_secs(3600), move || {
            let (now, highest) = (now.clone(), highest.clone());
            highest.fetch_max(now.fetch_add(1, Relaxed) + 1, Relaxed);
            async move {
                // Nobody is answered before as many have asked as may.
                until(|| (highest.load(Relaxed) >= AT_ONCE).then_some(())).await;
                now.fetch_sub(1, Relaxed);
                nobody().await
            }
        });
        let keys = keys(3 * AT_ONCE);
        for key in &keys {
            asker.ask(key, Pace::Slow);
        }
        for key in &keys {
            until(|| asker.answer(key)).await;
        }
        assert_eq!(most.load(Relaxed), AT_ONCE);
        assert_eq!(lookups.lock().unwrap().len(), keys.len());
    }

    #[tokio::test]
    async fn who_does_not_answer_is_given_up() {
        // Whoever connects is taken in by the kernel and hears nothing.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connector = tower::service_fn(move |_: http::Uri| {
            Box::pin(async move {
                let stream = tokio::net::TcpStream::connect(address).await?;
                Ok::<_, io::Error>(TokioIo::new(stream))
            })
        });
        let (mute, _news) = Asker::over(connector, Duration::from_secs(3600));
        let (nameless, _) = asker(Duration::from_secs(3600), std::future::pending);
        let key = &keys(1)[0];
        let begun = Instant::now();
        mute.ask(key, Pace::Slow);
        nameless.ask(key, Pace::Slow);
        let answer = until(|| nameless.answer(key)).await;
        assert_eq!(answer, Answer::Silent(Silence::NoName));
        assert!(begun.elapsed() >= NAME_DEADLINE);
        let answer = until(|| mute.answer(key)).await;
        assert_eq!(answer, Answer::Silent(Silence::Late));
        assert!(begun.elapsed() >= DEADLINE);
    }

    #[tokio::test]
    async fn those_made_together_are_not_asked_together_for_ever() {
        let every = Duration::from_millis(200);
        let (asker, lookups) = asker(every, nobody);
        let keys = keys(50);
        for key in &keys {
            asker.ask(key, Pace::Slow);
        }
        const ROUNDS: usize = 5;
        let all = until(|| {
            let all = lookups.lock().unwrap();
            let enough = all.values().filter(|moments| moments.len() >= ROUNDS);
            (enough.count() == keys.len()).then(|| all.clone())
        })
        .await;
        for gap in all.values().flat_map(|moments| gaps(moments)) {
            assert!(gap >= 0.8 * every.as_secs_f64(), "{gap}");
        }
        // A machine that stands still may bring those of one round together again, but not of every round.
        let apart = |round: usize| {
            let moments = all.values().map(|moments| moments[round]);
            Some(moments.clone().max()? - moments.min()?)
        };
        let furthest = (1..ROUNDS).filter_map(apart).max();
        assert!(furthest >= Some(every / 5), "{furthest:?}");
    }

    #[tokio::test]
    async fn one_that_gets_ready_is_asked_soon_and_then_less_and_less_often() {
        let (asker, lookups) = asker(Duration::from_secs(3600), nobody);
        let key = &keys(1)[0];
        let moments = |count: usize| {
            let moments = lookups.lock().unwrap().values().next()?.clone();
            (moments.len() >= count).then_some(moments)
        };
        asker.ask(key, Pace::Fast);
        let first = until(|| moments(3)).await;
        for (gap, wait) in gaps(&first).iter().zip([2.0, 4.0]) {
            assert!(*gap >= 0.8 * wait, "{gap} after {wait} s");
        }
        // Once it is well it has an hour; as soon as it is not, it is asked at once.
        asker.ask(key, Pace::Slow);
        let before = until(|| moments(4)).await.len();
        asker.ask(key, Pace::Fast);
        until(|| moments(before + 1)).await;
    }
}

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
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::GaiResolver;
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

type Resolver = Timeout<GaiResolver>;

/// Asks exporters, each in a task of its own that ends with the monitor.
pub struct Asker {
    every: Duration,
    http: Client<HttpConnector<Resolver>, Empty<Bytes>>,
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
        let (news, heard) = mpsc::unbounded_channel();
        let resolver = Timeout::new(GaiResolver::new(), NAME_DEADLINE);
        let asker = Arc::new(Self {
            every,
            http: Client::builder(TokioExecutor::new())
                .build(HttpConnector::new_with_resolver(resolver)),
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
}

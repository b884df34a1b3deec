//! Basic authentication against bcrypt hashes.
//!
//! One bcrypt check costs some hundred milliseconds of a core by design, so it never runs on the threads that
//! serve, only one runs at a time, and a password that was right is remembered until the process ends or the
//! hash changes. A wrong one is not remembered: every guess pays the full price.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bcrypt::HashParts;
use rand::Rng as _;
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

/// How many requests may wait for a bcrypt check. Behind more of them a request is told to come again: it
/// would wait longer than a scrape's timeout.
const WAITING: usize = 64;

/// How many right passwords are remembered: far more than there are scrapers, and a few kilobytes.
const REMEMBERED: usize = 128;

/// Salt and digest of a well-formed hash that no password of ours has; the cost is put in front. Unknown users
/// are checked against it, so that an answer's time does not tell which users exist.
const NOBODY: &str = "kC2DnYBrTVIzFEtFt8AqOeEp0ybJfPyhDVbcAVYWNWsp2nXBlDSlS";

/// Users and their hashes.
#[derive(Debug)]
pub struct Users {
    hashes: BTreeMap<String, Hash>,
    nobody: Hash,
    right: Arc<Mutex<HashSet<[u8; 32]>>>,
    salt: [u8; 32],
    waiting: Arc<Semaphore>,
    checking: Arc<Semaphore>,
}

/// A bcrypt hash, which no log shows.
#[derive(Clone)]
struct Hash(Arc<str>);

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash(…)")
    }
}

/// Why users cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    /// A value that is no bcrypt hash.
    #[error(
        "{user:?}: the value is not a bcrypt hash (htpasswd -nBC 10 \"\" | tr -d ':\\n' makes one)"
    )]
    NotBcrypt {
        /// The user.
        user: String,
    },
    /// A user name that basic authentication cannot carry.
    #[error("{user:?}: a user name must not be empty or hold a colon")]
    Name {
        /// The user.
        user: String,
    },
}

impl Default for Users {
    fn default() -> Self {
        Users::with(BTreeMap::new(), 10)
    }
}

impl Users {
    /// Users with their bcrypt hashes; without any, everybody may ask.
    pub fn new(written: BTreeMap<String, String>) -> Result<Self, UsersError> {
        let mut hashes = BTreeMap::new();
        let mut cost = 0;
        for (user, hash) in written {
            if user.is_empty() || user.contains(':') {
                return Err(UsersError::Name { user });
            }
            let Ok(parts) = HashParts::from_str(&hash) else {
                return Err(UsersError::NotBcrypt { user });
            };
            cost = cost.max(parts.get_cost());
            hashes.insert(user, Hash(hash.into()));
        }
        Ok(Users::with(hashes, cost))
    }

    fn with(hashes: BTreeMap<String, Hash>, cost: u32) -> Self {
        Users {
            hashes,
            nobody: Hash(format!("$2b${cost:02}${NOBODY}").into()),
            right: Arc::default(),
            salt: rand::rng().random(),
            waiting: Arc::new(Semaphore::new(WAITING)),
            checking: Arc::new(Semaphore::new(1)),
        }
    }

    /// Lets a request pass, or gives the answer that it gets instead.
    pub async fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        if self.hashes.is_empty() {
            return Ok(());
        }
        let (user, password) = credentials(headers).ok_or(Refusal::Unauthorized)?;
        let known = self.hashes.get(&user);
        let hash = known.unwrap_or(&self.nobody).clone();
        let digest = self.digest(&user, &hash, &password);
        if self.lock_right().contains(&digest) {
            return Ok(());
        }
        let _place = self.waiting.try_acquire().map_err(|_| Refusal::Busy)?;
        // The semaphores are never closed, and a panic inside bcrypt is a wrong password.
        let turn = Arc::clone(&self.checking)
            .acquire_owned()
            .await
            .map_err(|_| Refusal::Busy)?;
        let right = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            bcrypt::verify(password, &hash.0).unwrap_or(false)
        })
        .await
        .unwrap_or(false);
        if known.is_none() || !right {
            return Err(Refusal::Unauthorized);
        }
        let mut remembered = self.lock_right();
        if remembered.len() >= REMEMBERED {
            remembered.clear();
        }
        remembered.insert(digest);
        Ok(())
    }

    /// What is remembered of a right password: a digest under a salt of this process, so that memory holds no
    /// password.
    fn digest(&self, user: &str, hash: &Hash, password: &[u8]) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(self.salt);
        for part in [user.as_bytes(), hash.0.as_bytes(), password] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        digest.finalize().into()
    }

    fn lock_right(&self) -> std::sync::MutexGuard<'_, HashSet<[u8; 32]>> {
        self.right.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a request may not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No credentials, or wrong ones.
    Unauthorized,
    /// Too many requests wait for their password to be checked.
    Busy,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Refusal::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                [(
                    header::WWW_AUTHENTICATE,
                    "Basic realm=\"feature-monitor\", charset=\"UTF-8\"",
                )],
                "Unauthorized: this exporter asks for a user and a password.\n",
            )
                .into_response(),
            Refusal::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                [(header::RETRY_AFTER, "5")],
                "Busy: too many passwords are waiting to be checked. Try again.\n",
            )
                .into_response(),
        }
    }
}

fn credentials(headers: &HeaderMap) -> Option<(String, Vec<u8>)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let user = String::from_utf8(decoded[..colon].to_vec()).ok()?;
    Some((user, decoded[colon + 1..].to_vec()))
}

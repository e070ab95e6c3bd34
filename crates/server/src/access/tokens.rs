//! The tokens of a server, and what each may.

use super::file::{self, Kept};
use super::grant::{Act, Grant};
use super::secret::{Digest, Secret};
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

/// What an operator decided about access.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// The administrator's secret; without one, nobody can make or revoke tokens.
    pub admin: Option<Digest>,
    /// What may be done without a token.
    pub anonymous: Option<Grant>,
    /// Tokens that are always there: name, digest, grant.
    pub tokens: Vec<(Box<str>, Digest, Grant)>,
    /// Where tokens are kept that the administrator makes; in memory only, without one.
    pub file: Option<PathBuf>,
}

/// Who may do what on a server.
///
/// Without any rule and without any token, everybody may do everything.
#[derive(Debug, Default)]
pub struct Access {
    admin: Option<Digest>,
    anonymous: Option<Grant>,
    file: Option<PathBuf>,
    closed: bool,
    tokens: RwLock<HashMap<Arc<str>, Arc<Token>>>,
    /// Held while the file is written, so that it never goes back.
    writing: Mutex<()>,
}

/// Somebody's right to do something, known by a secret.
#[derive(Debug)]
pub struct Token {
    id: Arc<str>,
    name: Box<str>,
    digest: Digest,
    grant: Grant,
    /// Milliseconds since 1970; nothing of one from the configuration.
    created: Option<u64>,
    revoked: AtomicBool,
    streams: AtomicUsize,
}

/// A token that was just made, with its secret, which is told this once.
#[derive(Debug)]
pub struct Minted {
    /// The token.
    pub token: Arc<Token>,
    /// Its secret.
    pub secret: Secret,
}

/// Why the administrator's wish was not done.
#[derive(Debug)]
#[non_exhaustive]
pub enum NoAccess {
    /// There is no token of this id.
    Unknown,
    /// The token stands in the configuration: only there can it be taken away.
    Configured,
    /// Two tokens have the same secret, or the beginning of their digests in common.
    Twice {
        /// The names of the two.
        names: [Box<str>; 2],
    },
    /// There are as many tokens as there may be.
    TooMany,
    /// The file could not be read or written, or the system has no chance to make a secret of.
    Storage(std::io::Error),
}

impl Access {
    /// Begins with the rules, and with the tokens of the file if there is one already.
    pub fn open(rules: Rules) -> Result<Self, NoAccess> {
        let Rules { admin, anonymous, tokens, file } = rules;
        let configured =
            tokens.into_iter().map(|(name, digest, grant)| Token::new(name, digest, grant, None));
        let kept = file.as_deref().map(file::read).transpose().map_err(NoAccess::Storage)?;
        let kept = kept.unwrap_or_default().into_iter().map(|kept| {
            let Kept { name, digest, read, write, consume, manage, metrics, created } = kept;
            let grant = Grant { read, write, consume, manage, metrics };
            Token::new(name, digest, grant, Some(created))
        });
        let mut all: HashMap<Arc<str>, Arc<Token>> = HashMap::new();
        for token in configured.chain(kept) {
            let token = Arc::new(token);
            if let Some(other) = all.insert(Arc::clone(&token.id), Arc::clone(&token)) {
                return Err(NoAccess::Twice { names: [other.name.clone(), token.name.clone()] });
            }
        }
        let closed = admin.is_some() || anonymous.is_some() || !all.is_empty();
        Ok(Self {
            admin,
            anonymous,
            file,
            closed,
            tokens: RwLock::new(all),
            writing: Mutex::new(()),
        })
    }

    /// Whether everybody may do everything.
    pub fn is_open(&self) -> bool {
        !self.closed
    }

    pub(crate) fn len(&self) -> usize {
        self.tokens.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether there is an administrator.
    pub(crate) fn has_admin(&self) -> bool {
        self.admin.is_some()
    }

    /// What those without a token are allowed, if that is anything.
    pub(super) fn anonymous(&self) -> Option<&Grant> {
        self.anonymous.as_ref()
    }

    /// What may be done without a token.
    pub(super) fn anonymous_may(&self, act: Act<'_>) -> bool {
        self.anonymous.as_ref().is_some_and(|grant| grant.allows(act))
    }

    pub(super) fn is_admin(&self, digest: &Digest) -> bool {
        self.admin.is_some_and(|admin| admin.is(digest))
    }

    /// The token of this secret. The id is no secret: what follows from it may be found by its time.
    pub(super) fn find(&self, digest: &Digest) -> Option<Arc<Token>> {
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        tokens.get(&*digest.id()).filter(|token| token.digest.is(digest)).cloned()
    }

    /// All tokens, sorted by name.
    pub fn list(&self) -> Vec<Arc<Token>> {
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = tokens.values().cloned().collect();
        all.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        all
    }

    /// Makes a token. It is in the file when this comes back. Blocks on the disk.
    pub fn mint(&self, name: &str, grant: Grant) -> Result<Minted, NoAccess> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let secret = Secret::fresh().map_err(NoAccess::Storage)?;
        let token = Arc::new(Token::new(name.into(), secret.digest(), grant, Some(now())));
        let mut all = self.tokens.read().unwrap_or_else(PoisonError::into_inner).clone();
        if all.len() >= MOST {
            return Err(NoAccess::TooMany);
        }
        if let Some(other) = all.insert(Arc::clone(&token.id), Arc::clone(&token)) {
            return Err(NoAccess::Twice { names: [other.name.clone(), token.name.clone()] });
        }
        self.put(all)?;
        Ok(Minted { token, secret })
    }

    /// Takes a token away: it is good for nothing from now on, and gone from the file when this
    /// comes back. Blocks on the disk. Open streams are left to the caller.
    pub fn revoke(&self, id: &str) -> Result<Arc<Token>, NoAccess> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = self.tokens.read().unwrap_or_else(PoisonError::into_inner).clone();
        let token = all.remove(id).ok_or(NoAccess::Unknown)?;
        if token.is_configured() {
            return Err(NoAccess::Configured);
        }
        self.put(all)?;
        token.revoked.store(true, Ordering::SeqCst);
        Ok(token)
    }

    fn put(&self, all: HashMap<Arc<str>, Arc<Token>>) -> Result<(), NoAccess> {
        if let Some(path) = &self.file {
            let kept = all.values().filter_map(|token| token.kept()).collect();
            file::write(path, kept).map_err(NoAccess::Storage)?;
        }
        *self.tokens.write().unwrap_or_else(PoisonError::into_inner) = all;
        Ok(())
    }
}

impl Token {
    fn new(name: Box<str>, digest: Digest, grant: Grant, created: Option<u64>) -> Self {
        let id = digest.id().into();
        Self { id, name, digest, grant, created, revoked: false.into(), streams: 0.into() }
    }

    /// What it goes by, in lists and in the log.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// What the administrator calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it allows.
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// When it was made, in milliseconds since 1970; nothing of one from the configuration.
    pub fn created(&self) -> Option<u64> {
        self.created
    }

    /// Whether it stands in the configuration.
    pub fn is_configured(&self) -> bool {
        self.created.is_none()
    }

    /// Whether it was taken away.
    pub fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::SeqCst)
    }

    /// How many streams its holder has open.
    pub(crate) fn streams(&self) -> &AtomicUsize {
        &self.streams
    }

    fn kept(&self) -> Option<Kept> {
        let created = self.created?;
        let (name, digest) = (self.name.clone(), self.digest);
        let Grant { read, write, consume, manage, metrics } = self.grant.clone();
        Some(Kept { name, digest, read, write, consume, manage, metrics, created })
    }
}

impl fmt::Display for NoAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("there is no token of this id"),
            Self::Configured => {
                f.write_str("the token stands in the configuration: take it away there")
            }
            Self::Twice { names: [one, other] } => {
                write!(f, "the tokens {one:?} and {other:?} have the same secret")
            }
            Self::TooMany => write!(f, "there are {MOST} tokens, and no more are allowed"),
            Self::Storage(error) => write!(f, "{error}"),
        }
    }
}

impl core::error::Error for NoAccess {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        if let Self::Storage(error) = self { Some(error) } else { None }
    }
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// How many tokens there may be: the file is written whole at each change.
const MOST: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(topic: &str) -> Grant {
        Grant { read: vec![topic.parse().unwrap()], ..Grant::default() }
    }

    #[test]
    fn tokens_outlive_the_server_but_secrets_are_not_in_the_file() {
        let folder = std::env::temp_dir().join(format!("highwater-tokens-{}", std::process::id()));
        let rules = || Rules { file: Some(folder.join("data/tokens.json")), ..Rules::default() };
        let access = Access::open(rules()).unwrap();
        assert!(access.is_open());
        let kept = access.mint("kept", grant("a*")).unwrap();
        let gone = access.mint("gone", grant("b")).unwrap();
        access.revoke(gone.token.id()).unwrap();
        assert!(gone.token.is_revoked());

        let again = Access::open(rules()).unwrap();
        assert!(!again.is_open(), "who had tokens before is not open to everybody now");
        let found = again.find(&kept.secret.digest()).unwrap();
        assert_eq!(
            (found.name(), found.grant(), found.created()),
            ("kept", &grant("a*"), kept.token.created())
        );
        assert!(again.find(&gone.secret.digest()).is_none());
        let text = std::fs::read_to_string(folder.join("data/tokens.json")).unwrap();
        assert!(!text.contains(kept.secret.reveal()) && text.contains("kept"), "{text}");

        std::fs::write(folder.join("data/tokens.json"), "{\"tokens\":[{\"name\":7}]}").unwrap();
        let error = Access::open(rules()).unwrap_err().to_string();
        assert!(error.contains("tokens.json") && error.contains("line 1"), "{error}");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_configured_cannot_be_revoked_and_not_stand_twice() {
        let digest = Digest::of("a secret of some length");
        let rules = |names: &[&str]| Rules {
            tokens: names.iter().map(|&name| (name.into(), digest, grant("*"))).collect(),
            ..Rules::default()
        };
        let access = Access::open(rules(&["one"])).unwrap();
        assert!(matches!(access.revoke(&digest.id()), Err(NoAccess::Configured)));
        assert!(access.find(&digest).is_some() && !access.is_open());
        assert!(matches!(access.revoke("none"), Err(NoAccess::Unknown)));
        let error = Access::open(rules(&["one", "two"])).unwrap_err().to_string();
        assert_eq!(error, "the tokens \"one\" and \"two\" have the same secret");
    }

    #[test]
    fn a_file_that_cannot_be_written_changes_nothing() {
        let folder =
            std::env::temp_dir().join(format!("highwater-notokens-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("tokens.json")).unwrap(); // a folder in its place
        let rules = Rules { file: Some(folder.join("tokens.json")), ..Rules::default() };
        assert!(matches!(Access::open(rules), Err(NoAccess::Storage(_))));
        std::fs::remove_dir(folder.join("tokens.json")).unwrap();
        let rules = Rules { file: Some(folder.join("tokens.json")), ..Rules::default() };
        let access = Access::open(rules).unwrap();
        std::fs::create_dir_all(folder.join("tokens.json/in the way")).unwrap();
        assert!(matches!(access.mint("a", grant("*")), Err(NoAccess::Storage(_))));
        assert!(access.list().is_empty());
        std::fs::remove_dir_all(folder).unwrap();
    }
}

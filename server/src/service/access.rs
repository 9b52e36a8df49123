//! Who may ask: access tokens for scripts, sessions for browsers, one-time logins. All are kept as hashes.

use cutover_proto::words;

use super::{Service, ServiceError, entropy, personal::PersonalValue};
use crate::store::{StreamName, api_tokens, events, one_time_logins, sessions};

/// Name of the session's cookie.
pub const SESSION_COOKIE: &str = "cutover-session";

/// A session that is not used for this long ends.
const IDLE_MS: i64 = 8 * 3_600_000;

/// No session lives longer.
const SESSION_MS: i64 = 7 * 86_400_000;

/// An idle end is moved only when this much of it was used, so that reading a page writes nothing.
const EXTEND_AFTER_MS: i64 = 600_000;

/// How long a one-time login may wait.
const ONE_TIME_MS: i64 = 24 * 3_600_000;

/// Subjects of the audit: what was done to hosts, to tokens, to secrets, and who came in.
pub(super) const HOSTS: &str = "hosts";
pub(super) const TOKENS: &str = "tokens";
pub(super) const SECRETS: &str = "secrets";
const SIGN_INS: &str = "sign-ins";

words! {
    /// What a caller may do.
    pub enum Role("role") {
        /// Looks.
        Viewer = "viewer",
        /// Moves hosts and waves.
        Operator = "operator",
        /// Everything.
        Administrator = "administrator",
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    name: String,
    role: Role,
    csrf: String,
}

impl Caller {
    /// Who, for the audit.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a form of this session must carry; empty for a token.
    #[must_use]
    pub fn csrf(&self) -> &str {
        &self.csrf
    }

    /// Whether a form came from a page of this session.
    #[must_use]
    pub fn csrf_is(&self, sent: &str) -> bool {
        !self.csrf.is_empty() && self.csrf == sent
    }

    /// Lets only this role, or one above it, pass.
    ///
    /// # Errors
    /// Names the role that is needed.
    pub fn must_be(&self, role: Role) -> Result<(), ServiceError> {
        if self.role >= role {
            Ok(())
        } else {
            Err(ServiceError::Denied {
                why: format!("{} is a {}; this takes a {role}", self.name, self.role),
            })
        }
    }

    /// The server itself, for what its own commands do before anybody can sign in.
    #[must_use]
    pub fn server() -> Self {
        Self {
            name: "server".to_owned(),
            role: Role::Administrator,
            csrf: String::new(),
        }
    }
}

impl Service {
    /// Whose access token this is; `None` when it is not good.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn caller_by_token(&self, token: &str) -> Result<Option<Caller>, ServiceError> {
        let (hash, now_ms) = (entropy::hash(token), self.real_now_ms());
        let row = self
            .0
            .store
            .read(move |tx| Ok::<_, ServiceError>(api_tokens::load(tx, &hash)?))
            .await?;
        let good = row.filter(|row| row.revoked_ms.is_none() && row.ends_ms.is_none_or(|ends_ms| now_ms < ends_ms));
        good.map(|row| {
            Ok(Caller {
                name: row.name,
                role: role(&row.role)?,
                csrf: String::new(),
            })
        })
        .transpose()
    }

    /// Whose session this is; `None` when it has ended. Reading moves its idle end now and then.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn caller_by_session(&self, session: &str) -> Result<Option<Caller>, ServiceError> {
        let (hash, now_ms) = (entropy::hash(session), self.real_now_ms());
        let asked = hash.clone();
        let row = self
            .0
            .store
            .read(move |tx| Ok::<_, ServiceError>(sessions::load(tx, &asked, now_ms)?))
            .await?;
        let Some(row) = row else { return Ok(None) };
        if row.idle_until_ms - now_ms < IDLE_MS - EXTEND_AFTER_MS {
            let until_ms = (now_ms + IDLE_MS).min(row.ends_ms);
            self.0
                .store
                .write(move |tx| Ok::<_, ServiceError>(sessions::extend(tx, &hash, until_ms)?))
                .await?;
        }
        Ok(Some(Caller {
            name: row.name,
            role: role(&row.role)?,
            csrf: row.csrf,
        }))
    }

    /// Begins a session by an access token or a one-time login; `None` when it is neither.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sign_in(&self, code: String) -> Result<Option<String>, ServiceError> {
        let by_token = self.caller_by_token(&code).await?;
        let (session, csrf) = (self.0.entropy.hex::<32>()?, self.0.entropy.hex::<16>()?);
        let (session_hash, now_ms, service) = (entropy::hash(&session), self.real_now_ms(), self.clone());
        let begun =
            self.0
                .store
                .write(move |tx| {
                    let caller = match &by_token {
                        Some(caller) => Some((caller.name.clone(), caller.role.as_str().to_owned())),
                        None => one_time_logins::take(tx, &entropy::hash(&code), now_ms)?
                            .map(|login| (login.name, login.role)),
                    };
                    let Some((name, role)) = caller else { return Ok(false) };
                    sessions::delete_ended(tx, now_ms)?;
                    let by = service.personal_user(&name)?;
                    service.audit(tx, SIGN_INS, &by, "signed-in", serde_json::json!({}))?;
                    sessions::insert(
                        tx,
                        &sessions::SessionRow {
                            session_hash: session_hash.clone(),
                            name,
                            role,
                            csrf: csrf.clone(),
                            created_ms: now_ms,
                            idle_until_ms: now_ms + IDLE_MS,
                            ends_ms: now_ms + SESSION_MS,
                        },
                    )?;
                    Ok::<_, ServiceError>(true)
                })
                .await?;
        Ok(begun.then_some(session))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sign_out(&self, session: String) -> Result<(), ServiceError> {
        let hash = entropy::hash(&session);
        self.0
            .store
            .write(move |tx| Ok::<_, ServiceError>(sessions::delete(tx, &hash).map(drop)?))
            .await
    }

    /// Makes an access token and gives it in plain, this once.
    ///
    /// # Errors
    /// When the name is taken or the store fails.
    pub async fn create_access_token(&self, name: String, role: Role) -> Result<String, ServiceError> {
        let token = format!("cut_{}", self.0.entropy.hex::<32>()?);
        let (token_hash, now_ms) = (entropy::hash(&token), self.real_now_ms());
        self.0
            .store
            .write(move |tx| {
                let row = api_tokens::ApiTokenRow {
                    token_hash: token_hash.clone(),
                    name: name.clone(),
                    role: role.as_str().to_owned(),
                    created_ms: now_ms,
                    ends_ms: None,
                    revoked_ms: None,
                    last_used_ms: None,
                };
                Ok::<_, ServiceError>(api_tokens::insert(tx, &row)?)
            })
            .await?;
        Ok(token)
    }

    /// Makes a login that is good once, and gives it in plain.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn create_one_time_login(&self, name: String, role: Role) -> Result<String, ServiceError> {
        let login = self.0.entropy.hex::<16>()?;
        let (login_hash, ends_ms) = (entropy::hash(&login), self.real_now_ms() + ONE_TIME_MS);
        self.0
            .store
            .write(move |tx| {
                let row = one_time_logins::OneTimeLoginRow {
                    login_hash: login_hash.clone(),
                    name: name.clone(),
                    role: role.as_str().to_owned(),
                    ends_ms,
                };
                Ok::<_, ServiceError>(one_time_logins::insert(tx, &row)?)
            })
            .await?;
        Ok(login)
    }

    /// Writes down what a person did to a subject; `detail` is a JSON object, to which the person's mention is added.
    pub(super) fn audit(
        &self,
        tx: &mut crate::store::WriteTx<'_>,
        subject: &str,
        by: &PersonalValue,
        what: &str,
        mut detail: serde_json::Value,
    ) -> Result<(), ServiceError> {
        let stream = StreamName::audit(subject);
        by.keep(tx, &stream)?;
        detail["by"] = by.mention().to_string().into();
        let event = events::NewEvent {
            kind: what.to_owned(),
            schema_version: 1,
            body: detail.to_string(),
            at_ms: self.now_ms(),
            agent_at_ms: None,
        };
        events::append_next(tx, &stream, &[event])?;
        Ok(())
    }
}

fn role(word: &str) -> Result<Role, ServiceError> {
    Role::parse(word).map_err(|error| ServiceError::Broken {
        why: format!("stored role: {error}"),
    })
}

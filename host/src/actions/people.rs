//! Who may sign in, with which role; one-time links; tokens of the JSON API.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::ToSpan;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::{Refusal, name_ok};
use crate::db::{self, Invitation, Person};
use crate::host::Host;
use crate::model::{Actor, Instant, Role};

/// Shortest password, in characters.
pub const PASSWORD_LEAST: usize = 10;
/// Longest password, in bytes: hashing more is only work for an attacker to ask for.
const PASSWORD_MOST: usize = 256;
/// How long a link works, in hours.
const LINK_HOURS: i64 = 24;

/// SHA-256, hexadecimal: what is stored of tokens, links and cookies, which are too random to be guessed from it.
pub fn digest(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// 256 random bits as text for links and headers.
pub fn random_token() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

fn check_password(password: &SecretString) -> Result<(), Refusal> {
    let text = password.expose_secret();
    if text.chars().count() < PASSWORD_LEAST {
        return Err(Refusal::Invalid(format!(
            "the password is too short: at least {PASSWORD_LEAST} characters"
        )));
    }
    if text.len() > PASSWORD_MOST {
        return Err(Refusal::Invalid(format!(
            "the password is too long: at most {PASSWORD_MOST} bytes"
        )));
    }
    Ok(())
}

/// Argon2id with the parameters that the library recommends. Takes tens of milliseconds on purpose.
async fn hash(password: &SecretString) -> anyhow::Result<String> {
    let password = password.clone();
    tokio::task::spawn_blocking(move || {
        Argon2::default()
            .hash_password(password.expose_secret().as_bytes())
            .map(|h| h.to_string())
            .map_err(|e| anyhow::anyhow!("the password cannot be hashed: {e}"))
    })
    .await?
}

/// Whether somebody has this password. An unknown name takes as long as a wrong password.
pub async fn verify(
    host: &Host,
    name: &str,
    password: &SecretString,
) -> anyhow::Result<Option<Person>> {
    /// Of a password that nobody has.
    static NOBODY: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        Argon2::default()
            .hash_password(&rand::random::<[u8; 32]>())
            .map(|h| h.to_string())
            .unwrap_or_default()
    });
    let owned = name.to_owned();
    let found = host.store.read(move |tx| tx.person(&owned)).await?;
    let password = password.clone();
    Ok(tokio::task::spawn_blocking(move || {
        let hash = found.as_ref().map_or(NOBODY.as_str(), |(_, h)| h.as_str());
        let same = password.expose_secret().len() <= PASSWORD_MOST
            && PasswordHash::new(hash).is_ok_and(|hash| {
                Argon2::default()
                    .verify_password(password.expose_secret().as_bytes(), &hash)
                    .is_ok()
            });
        found.map(|(person, _)| person).filter(|_| same)
    })
    .await?)
}

/// A link that works once, to choose a password: for the first person, or for somebody who is asked in. Answers its
/// token.
pub async fn invite(
    host: &Host,
    name: Option<&str>,
    role: Role,
    actor: &Actor,
) -> anyhow::Result<String> {
    if let Some(name) = name.filter(|n| !name_ok(n)) {
        return Err(bad_name(name).into());
    }
    let token = random_token();
    let (digest, actor) = (digest(&token), actor.clone());
    let invitation = Invitation {
        name: name.map(str::to_owned),
        role,
    };
    host.store
        .write(move |tx| {
            let now = Instant::now();
            let expires = now.checked_add(LINK_HOURS.hours()).unwrap_or(now);
            tx.put_invitation(&digest, &invitation, expires)?;
            let subject = invitation.name.as_deref().unwrap_or("whoever comes");
            let detail = format!("as {role}, within {LINK_HOURS} hours");
            tx.audit(&actor, "person.invite", subject, &detail, now)
        })
        .await?;
    Ok(token)
}

fn bad_name(name: &str) -> Refusal {
    Refusal::Invalid(format!(
        "\"{name}\" cannot be a name to sign in with: use lower-case letters, digits and dashes"
    ))
}

/// Uses a link: the person exists from now on, with this password.
pub async fn accept(
    host: &Host,
    token: &str,
    name: &str,
    password: &SecretString,
) -> anyhow::Result<Person> {
    if !name_ok(name) {
        return Err(bad_name(name).into());
    }
    check_password(password)?;
    let hash = hash(password).await?;
    let (digest, name) = (digest(token), name.to_owned());
    let done = host
        .store
        .write(move |tx| {
            let now = Instant::now();
            let Some(invitation) = tx.invitation(&digest, now)? else {
                return Ok(Err(Refusal::Unknown(
                    "this link was used, or is too old; ask for a new one".into(),
                )));
            };
            let known = tx.person(&name)?.is_some();
            if invitation.name.as_ref().is_some_and(|n| *n != name)
                || (invitation.name.is_none() && known)
            {
                return Ok(Err(Refusal::Conflict(format!(
                    "this link is not for \"{name}\""
                ))));
            }
            tx.put_person(&name, &hash, invitation.role, now)?;
            tx.drop_invitation(&digest)?;
            let actor = Actor {
                name: name.clone(),
                via: crate::model::Via::Page,
            };
            tx.audit(&actor, "person.accept", &name, invitation.role.text(), now)?;
            Ok(Ok(tx.person(&name)?.map(|(person, _)| person)))
        })
        .await?;
    done?.ok_or_else(|| anyhow::anyhow!("the person was not stored"))
}

/// Adds somebody with a password, or replaces both password and role.
pub async fn put(
    host: &Host,
    name: &str,
    password: &SecretString,
    role: Role,
    actor: &Actor,
) -> anyhow::Result<()> {
    if !name_ok(name) {
        return Err(bad_name(name).into());
    }
    check_password(password)?;
    let hash = hash(password).await?;
    let (name, actor) = (name.to_owned(), actor.clone());
    let done = host
        .store
        .write(move |tx| {
            if role != Role::Admin
                && let Err(refusal) = one_admin_is_left(tx, &name)?
            {
                return Ok(Err(refusal));
            }
            let now = Instant::now();
            tx.put_person(&name, &hash, role, now)?;
            tx.audit(&actor, "person.put", &name, role.text(), now)?;
            Ok(Ok(()))
        })
        .await?;
    Ok(done?)
}

/// Changes one's own password, given the present one.
pub async fn change_password(
    host: &Host,
    name: &str,
    present: &SecretString,
    password: &SecretString,
    actor: &Actor,
) -> anyhow::Result<()> {
    let Some(person) = verify(host, name, present).await? else {
        return Err(Refusal::Invalid("the present password is not right".into()).into());
    };
    put(host, name, password, person.role, actor).await
}

/// Gives somebody another role.
pub async fn set_role(host: &Host, name: &str, role: Role, actor: &Actor) -> anyhow::Result<()> {
    let (name, actor) = (name.to_owned(), actor.clone());
    let done = host
        .store
        .write(move |tx| {
            if tx.person(&name)?.is_none() {
                return Ok(Err(nobody(&name)));
            }
            if role != Role::Admin
                && let Err(refusal) = one_admin_is_left(tx, &name)?
            {
                return Ok(Err(refusal));
            }
            tx.set_role(&name, role)?;
            tx.audit(&actor, "person.role", &name, role.text(), Instant::now())?;
            Ok(Ok(()))
        })
        .await?;
    Ok(done?)
}

/// Removes somebody; their sessions end.
pub async fn remove(host: &Host, name: &str, actor: &Actor) -> anyhow::Result<()> {
    let (name, actor) = (name.to_owned(), actor.clone());
    let done = host
        .store
        .write(move |tx| {
            if tx.person(&name)?.is_none() {
                return Ok(Err(nobody(&name)));
            }
            if let Err(refusal) = one_admin_is_left(tx, &name)? {
                return Ok(Err(refusal));
            }
            tx.remove_person(&name)?;
            tx.audit(&actor, "person.remove", &name, "", Instant::now())?;
            Ok(Ok(()))
        })
        .await?;
    Ok(done?)
}

fn nobody(name: &str) -> Refusal {
    Refusal::Unknown(format!("there is nobody called \"{name}\""))
}

fn one_admin_is_left(tx: &db::Tx<'_>, without: &str) -> Result<Result<(), Refusal>, db::Error> {
    let people = tx.people()?;
    let admin = |p: &&Person| p.role == Role::Admin;
    let was = people.iter().filter(admin).any(|p| p.name == without);
    let left = people.iter().filter(admin).any(|p| p.name != without);
    Ok(if was && !left {
        Err(Refusal::Conflict(format!(
            "{without} is the only admin; make somebody else one first"
        )))
    } else {
        Ok(())
    })
}

/// Makes a token of the JSON API. It is shown once: only its digest is stored.
pub async fn add_token(
    host: &Host,
    name: &str,
    role: Role,
    actor: &Actor,
) -> anyhow::Result<SecretString> {
    if !name_ok(name) {
        return Err(bad_name(name).into());
    }
    let token = format!("lockstep_{}", random_token());
    let (digest, name, actor) = (digest(&token), name.to_owned(), actor.clone());
    let done = host
        .store
        .write(move |tx| {
            if tx.tokens()?.iter().any(|t| t.name == name) {
                return Ok(Err(Refusal::Conflict(format!(
                    "there is a token \"{name}\" already"
                ))));
            }
            let now = Instant::now();
            tx.add_token(&digest, &name, role, now)?;
            tx.audit(&actor, "token.add", &name, role.text(), now)?;
            Ok(Ok(()))
        })
        .await?;
    done?;
    Ok(SecretString::from(token))
}

/// Ends a token.
pub async fn remove_token(host: &Host, name: &str, actor: &Actor) -> anyhow::Result<()> {
    let (name, actor) = (name.to_owned(), actor.clone());
    let done = host
        .store
        .write(move |tx| {
            if !tx.remove_token(&name)? {
                return Ok(Err(Refusal::Unknown(format!(
                    "there is no token \"{name}\""
                ))));
            }
            tx.audit(&actor, "token.remove", &name, "", Instant::now())?;
            Ok(Ok(()))
        })
        .await?;
    Ok(done?)
}

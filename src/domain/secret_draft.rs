//! Secrets as clients give them: with a new webhook, and when one is rotated.
//!
//! What may be given depends on the profile ([`SecretRule`]) and on the schemes that sign: a `whsec_` belongs to `v1`,
//! a `whsk_` to `v1a`.

use std::time::Duration;

use super::field::{FieldCode, FieldProblem};
use super::profile::{OptionRule, Profile, SecretRule};
use super::secret::{Secret, SecretKind};
use super::webhook::WebhookSettings;

/// The longest that older secrets may go on signing after a rotation.
pub const OVERLAP_MAX: Duration = Duration::from_hours(7 * 24);
/// How long they do where a rotation does not say.
pub const OVERLAP_DEFAULT: Duration = Duration::from_hours(24);

const SCHEMES: [(&str, SecretKind); 2] = [("v1", SecretKind::Standard), ("v1a", SecretKind::Ed25519)];

/// Reads the secret of a new webhook of some profile; with `settings`, by the schemes that it signs with.
pub fn check_first(
    profile: Profile,
    settings: Option<&WebhookSettings>,
    given: Option<&str>,
    problems: &mut Vec<FieldProblem>,
) -> Option<Secret> {
    let Some(text) = given else {
        if profile.spec().secret == SecretRule::Own {
            let message = format!("is required: with the profile `{}` it is the customer's own", profile.as_str());
            problems.push(FieldProblem::new("secret", FieldCode::Required, message));
        }
        return None;
    };
    let secret = read(profile, text, problems)?;
    let kinds = settings.map(|settings| settings.signature.kinds());
    if kinds.is_some_and(|kinds| !kinds.contains(&secret.kind())) {
        problems.push(mismatch(secret.kind(), "which `signature.schemes` does not have"));
    }
    Some(secret)
}

fn read(profile: Profile, text: &str, problems: &mut Vec<FieldProblem>) -> Option<Secret> {
    match profile.read_secret(text) {
        Ok(secret) => Some(secret),
        Err(error) => {
            problems.push(FieldProblem::new("secret", FieldCode::Invalid, error.to_string()));
            None
        }
    }
}

fn mismatch(kind: SecretKind, why: &str) -> FieldProblem {
    let scheme = SCHEMES.iter().find(|(_, other)| *other == kind).map_or("", |(word, _)| word);
    FieldProblem::new("secret", FieldCode::Mismatch, format!("is one for the scheme `{scheme}`, {why}"))
}

/// A rotation as a client asks for it.
#[derive(Clone, Default)]
pub struct RotationDraft {
    /// How long older secrets go on signing.
    pub overlap_seconds: Option<u64>,
    /// The new secret, if it is the client's own.
    pub secret: Option<String>,
    /// Of which scheme, where a webhook signs by two.
    pub scheme: Option<String>,
}

/// A rotation that can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// What kind of secret is replaced.
    pub kind: SecretKind,
    /// The new one, if it is not to be made.
    pub own: Option<Secret>,
    /// How long older ones go on signing.
    pub overlap: Duration,
}

impl RotationDraft {
    /// Judges it for a webhook.
    ///
    /// # Errors
    /// With every problem at once.
    pub fn check(self, settings: &WebhookSettings) -> Result<Rotation, Vec<FieldProblem>> {
        let Self { overlap_seconds, secret, scheme } = self;
        let profile = settings.profile;
        let mut problems = Vec::new();
        let overlap = check_overlap(overlap_seconds, profile, &mut problems);
        let own = match secret {
            None => check_first(profile, None, None, &mut problems),
            Some(text) => read(profile, &text, &mut problems),
        };
        let kind = check_scheme(scheme.as_deref(), settings, own.as_ref(), &mut problems);
        match kind {
            Some(kind) if problems.is_empty() => Ok(Rotation { kind, own, overlap }),
            Some(_) | None => Err(problems),
        }
    }
}

fn check_overlap(seconds: Option<u64>, profile: Profile, problems: &mut Vec<FieldProblem>) -> Duration {
    let usual = if profile.overlaps() { OVERLAP_DEFAULT } else { Duration::ZERO };
    let overlap = seconds.map_or(usual, Duration::from_secs);
    if overlap > OVERLAP_MAX {
        let message = format!("must be from 0 to {}", OVERLAP_MAX.as_secs());
        problems.push(FieldProblem::new("overlapSeconds", FieldCode::OutOfRange, message));
    } else if !overlap.is_zero() && !profile.overlaps() {
        let message = format!(
            "must be 0 or left out: a request of the profile `{}` has room for one signature, so that the new secret \
             signs at once; let the receiver try both for a while",
            profile.as_str()
        );
        problems.push(FieldProblem::new("overlapSeconds", FieldCode::NotAllowed, message));
    }
    overlap
}

fn check_scheme(
    word: Option<&str>,
    settings: &WebhookSettings,
    own: Option<&Secret>,
    problems: &mut Vec<FieldProblem>,
) -> Option<SecretKind> {
    let kinds = settings.signature.kinds();
    let mut refuse = |code, message: String| problems.push(FieldProblem::new("scheme", code, message));
    let kind = match (word, settings.profile.spec().option) {
        (Some(_), OptionRule::Fixed | OptionRule::Body) => {
            refuse(FieldCode::NotAllowed, format!("is not for the profile `{}`", settings.profile.as_str()));
            return None;
        }
        (Some(word), OptionRule::Schemes) => {
            let found = SCHEMES.iter().find(|(other, kind)| *other == word && kinds.contains(kind));
            if found.is_none() {
                refuse(FieldCode::Invalid, "must be one of the webhook's `signature.schemes`".to_owned());
            }
            found?.1
        }
        (None, _) => match (kinds, own) {
            ([kind], _) => *kind,
            (_, Some(own)) => own.kind(),
            (_, None) => {
                refuse(FieldCode::Required, "is required: the webhook signs by two, `v1` and `v1a`".to_owned());
                return None;
            }
        },
    };
    match own {
        Some(own) if own.kind() != kind || !kinds.contains(&kind) => {
            problems.push(mismatch(own.kind(), "which is not the one to rotate"));
            None
        }
        Some(_) | None => Some(kind),
    }
}

#[cfg(test)]
mod tests;

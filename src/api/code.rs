//! The closed catalogue of what can go wrong: a code for programs, the status that it comes with, and a title.

use axum::http::StatusCode;

/// The codes of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is the code that it stands for")]
pub enum Code {
    RequestMalformed,
    AuthRequired,
    ApiKeyInvalid,
    ApiKeyExpired,
    SessionInvalid,
    PermissionDenied,
    PlanLimitExceeded,
    ResourceNotFound,
    MethodNotAllowed,
    RequestTimeout,
    Conflict,
    IdempotencyInProgress,
    PreconditionFailed,
    PayloadTooLarge,
    UnsupportedMediaType,
    ValidationError,
    IdempotencyKeyReused,
    RateLimitExceeded,
    MessagesLimitReached,
    InternalError,
    Unavailable,
}

impl Code {
    /// Every code, for documents.
    pub const ALL: [Self; 21] = [
        Self::RequestMalformed,
        Self::AuthRequired,
        Self::ApiKeyInvalid,
        Self::ApiKeyExpired,
        Self::SessionInvalid,
        Self::PermissionDenied,
        Self::PlanLimitExceeded,
        Self::ResourceNotFound,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::Conflict,
        Self::IdempotencyInProgress,
        Self::PreconditionFailed,
        Self::PayloadTooLarge,
        Self::UnsupportedMediaType,
        Self::ValidationError,
        Self::IdempotencyKeyReused,
        Self::RateLimitExceeded,
        Self::MessagesLimitReached,
        Self::InternalError,
        Self::Unavailable,
    ];

    /// The word in the body.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RequestMalformed => "REQUEST_MALFORMED",
            Self::AuthRequired => "AUTH_REQUIRED",
            Self::ApiKeyInvalid => "API_KEY_INVALID",
            Self::ApiKeyExpired => "API_KEY_EXPIRED",
            Self::SessionInvalid => "SESSION_INVALID",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::PlanLimitExceeded => "PLAN_LIMIT_EXCEEDED",
            Self::ResourceNotFound => "RESOURCE_NOT_FOUND",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::RequestTimeout => "REQUEST_TIMEOUT",
            Self::Conflict => "CONFLICT",
            Self::IdempotencyInProgress => "IDEMPOTENCY_IN_PROGRESS",
            Self::PreconditionFailed => "PRECONDITION_FAILED",
            Self::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::ValidationError => "VALIDATION_ERROR",
            Self::IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED",
            Self::RateLimitExceeded => "RATE_LIMIT_EXCEEDED",
            Self::MessagesLimitReached => "MESSAGES_LIMIT_REACHED",
            Self::InternalError => "INTERNAL_ERROR",
            Self::Unavailable => "UNAVAILABLE",
        }
    }

    /// The status that it comes with.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::RequestMalformed => StatusCode::BAD_REQUEST,
            Self::AuthRequired | Self::ApiKeyInvalid | Self::ApiKeyExpired | Self::SessionInvalid => {
                StatusCode::UNAUTHORIZED
            }
            Self::PermissionDenied | Self::PlanLimitExceeded => StatusCode::FORBIDDEN,
            Self::ResourceNotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict | Self::IdempotencyInProgress => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::ValidationError | Self::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::RateLimitExceeded | Self::MessagesLimitReached => StatusCode::TOO_MANY_REQUESTS,
            Self::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What all problems of this code have in common.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::RequestMalformed => "The request cannot be read",
            Self::AuthRequired => "Somebody must be named who asks",
            Self::ApiKeyInvalid => "The API key does not work here",
            Self::ApiKeyExpired => "The API key has expired",
            Self::SessionInvalid => "The session does not hold",
            Self::PermissionDenied => "A permission is lacking",
            Self::PlanLimitExceeded => "A limit is used up",
            Self::ResourceNotFound => "There is no such thing",
            Self::MethodNotAllowed => "The method is not allowed here",
            Self::RequestTimeout => "The request took too long to arrive",
            Self::Conflict => "The state does not allow it",
            Self::IdempotencyInProgress => "A request with this idempotency key is under way",
            Self::PreconditionFailed => "It has changed since it was read",
            Self::PayloadTooLarge => "The request is too large",
            Self::UnsupportedMediaType => "The body must be JSON",
            Self::ValidationError => "Validation failed",
            Self::IdempotencyKeyReused => "The idempotency key stands for another request",
            Self::RateLimitExceeded => "Too many requests",
            Self::MessagesLimitReached => "A meter of the plan is used up for this minute",
            Self::InternalError => "Something went wrong inside",
            Self::Unavailable => "Busy; try again soon",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_words() {
        let words: std::collections::BTreeSet<_> = Code::ALL.into_iter().map(Code::as_str).collect();
        assert_eq!(words.len(), Code::ALL.len());
        assert!(Code::ALL.into_iter().all(|code| code.status().as_u16() >= 400));
    }
}

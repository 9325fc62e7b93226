//! Identifiers: one type per noun, so that a webhook's id can never be passed for a delivery's.
//!
//! Inside they are `UUIDv7`: sortable by creation time, which lets a day's partition be found from the id alone.
//! Outside they are a prefix and 26 characters of lower-case Crockford base32: sortable as text, and greppable.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use super::time::Timestamp;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const ENCODED_LEN: usize = 26;

/// A text that is not an id of the wanted noun.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid id: expected `{prefix}_` and 26 characters of lower-case base32")]
pub struct InvalidId {
    /// The prefix that the wanted noun carries.
    pub prefix: &'static str,
}

/// Makes a time-ordered id: 48 bits of milliseconds, then the 74 of a [`tail`].
#[must_use]
pub fn new_uuid(now: Timestamp, tail: u128) -> Uuid {
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    let mut bytes = [0; 10];
    bytes.copy_from_slice(&tail.to_be_bytes()[..10]);
    uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
}

/// What follows the time: 32 bits of a count, 42 random ones. So of the ids that a process makes in one millisecond, the
/// later one is the larger one.
#[must_use]
pub fn tail(count: u32, random: u64) -> u128 {
    // The version stands before the first twelve bits, the variant behind them.
    let (first, rest) = (u128::from(count >> 20), u128::from(count & 0xf_ffff));
    (first << 112) | (rest << 90) | (u128::from(random & RANDOM) << 48)
}

/// The bits of an id's lower half that are random.
pub const RANDOM: u64 = (1 << 42) - 1;

/// The smallest id that an instant can have: a bound for partitions and for keyset pages.
#[must_use]
pub fn first_uuid_at(time: Timestamp) -> Uuid {
    let millis = u128::try_from(time.as_millis()).unwrap_or(0);
    Uuid::from_u128(millis << 80)
}

/// The instant that an id was made at.
#[must_use]
pub fn uuid_time(id: Uuid) -> Timestamp {
    Timestamp::from_millis(i64::try_from(id.as_u128() >> 80).unwrap_or(i64::MAX))
}

fn encode(id: Uuid, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    let value = id.as_u128();
    let mut text = [0u8; ENCODED_LEN];
    for (index, slot) in text.iter_mut().enumerate() {
        let shift = 5 * (ENCODED_LEN - 1 - index);
        *slot = ALPHABET[usize::try_from((value >> shift) & 31).unwrap_or(0)];
    }
    out.write_str(std::str::from_utf8(&text).unwrap_or_default())
}

fn decode(text: &str) -> Option<Uuid> {
    let bytes = text.as_bytes();
    // 26 digits carry 130 bits: the first may only use its low three.
    if bytes.len() != ENCODED_LEN || bytes[0] > b'7' {
        return None;
    }
    bytes
        .iter()
        .try_fold(0u128, |value, byte| {
            let digit = ALPHABET.iter().position(|a| a == byte)?;
            Some((value << 5) | digit as u128)
        })
        .map(Uuid::from_u128)
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl $name {
            /// What its text starts with, before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A new id, ordered by time and then by its [`tail`].
            #[must_use]
            pub fn new(now: Timestamp, tail: u128) -> Self {
                Self(new_uuid(now, tail))
            }

            /// When it was made.
            #[must_use]
            pub fn time(self) -> Timestamp {
                uuid_time(self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!($prefix, "_"))?;
                encode(self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(decode)
                    .map(Self)
                    .ok_or(InvalidId { prefix: $prefix })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id_type!(
    /// Who pays: every row and every request belongs to one.
    TenantId, "ten"
);
id_type!(
    /// What happened, as accepted. It is the `webhook-id` that receivers see.
    EventId, "evt"
);
id_type!(
    /// A registered URL.
    WebhookId, "wh"
);
id_type!(
    /// One event for one webhook.
    DeliveryId, "dlv"
);
id_type!(
    /// One HTTP exchange of a delivery.
    AttemptId, "att"
);
id_type!(
    /// An API key (its handle, never the key itself).
    KeyId, "key"
);
id_type!(
    /// One signing secret of a webhook.
    SecretId, "sec"
);
id_type!(
    /// A person who signs in.
    UserId, "acc"
);
id_type!(
    /// One time that a person has signed in.
    SessionId, "ses"
);
id_type!(
    /// A job that has deliveries attempted again.
    ReplayId, "rpl"
);
id_type!(
    /// A link to the pages of some webhooks.
    PortalLinkId, "ptl"
);
id_type!(
    /// One line of the audit log.
    AuditId, "aud"
);
id_type!(
    /// One API request, as logs and error bodies name it.
    RequestId, "req"
);

/// A record of the core API. Which noun it is of is told by its prefix, so that one noun's id is never taken for
/// another's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId {
    /// What its text starts with, before the underscore.
    pub prefix: &'static str,
    /// The id as the database keeps it.
    pub uuid: Uuid,
}

impl RecordId {
    /// A new id, ordered by time and then by its [`tail`].
    #[must_use]
    pub fn new(prefix: &'static str, now: Timestamp, tail: u128) -> Self {
        Self { prefix, uuid: new_uuid(now, tail) }
    }

    /// Reads an id that must have this prefix.
    ///
    /// # Errors
    /// When it has another, or is malformed.
    pub fn parse(prefix: &'static str, text: &str) -> Result<Self, InvalidId> {
        let digits = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_'));
        digits.and_then(decode).map(|uuid| Self { prefix, uuid }).ok_or(InvalidId { prefix })
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_", self.prefix)?;
        encode(self.uuid, f)
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for RecordId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_round_trips(value: u128) {
            let id = EventId(Uuid::from_u128(value));
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }

        #[test]
        fn text_order_is_time_order(a in 0i64..1 << 47, b in 0i64..1 << 47, random: u128) {
            let (first, second) = (Timestamp::from_millis(a.min(b)), Timestamp::from_millis(a.max(b) + 1));
            let (x, y) = (EventId::new(first, random), EventId::new(second, !random));
            prop_assert!(x < y && x.to_string() < y.to_string());
            prop_assert_eq!(x.time(), first);
            prop_assert!(first_uuid_at(first) <= x.0);
        }

        #[test]
        fn ids_of_one_millisecond_are_in_the_order_of_their_count(
            a: u32, b: u32, first: u64, second: u64, at in 0i64..1 << 47,
        ) {
            let id = |count, random| EventId::new(Timestamp::from_millis(at), tail(count, random));
            prop_assert_eq!(id(a, first).cmp(&id(b, first)), a.cmp(&b));
            prop_assert!(a == b || (id(a, first) < id(b, second)) == (a < b));
            prop_assert_eq!(id(a, first).0.as_u64_pair().1 & RANDOM, first & RANDOM);
            prop_assert_eq!(id(a, first).0.get_version_num(), 7);
        }

        #[test]
        fn garbage_is_refused(text in "\\PC{0,40}") {
            if let Ok(id) = text.parse::<EventId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn another_nouns_id_is_refused() {
        let id = WebhookId(Uuid::from_u128(7)).to_string();
        assert_eq!(id.parse::<EventId>(), Err(InvalidId { prefix: "evt" }));
        let id = RecordId { prefix: "cus", uuid: Uuid::from_u128(7) };
        assert_eq!(RecordId::parse("cus", &id.to_string()), Ok(id));
        assert_eq!(RecordId::parse("usr", &id.to_string()), Err(InvalidId { prefix: "usr" }));
    }
}

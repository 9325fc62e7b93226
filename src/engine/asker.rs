//! Who asks for what the verbs do: known at the edge of the process, and needed where a change is written down.
//!
//! It travels beside the call and not through it, as a log's request id does: no verb decides anything by it, so none
//! has to take it along. A verb that nobody asked for (a sweep, a webhook disabled for its failures) finds nobody.

use std::net::IpAddr;
use std::sync::Arc;

use super::sessions::SignedIn;
use crate::domain::api_key::ApiKey;
use crate::domain::audit::{Actor, ActorKind};

tokio::task_local! {
    static ASKER: Asker;
}

/// Who asks, as the edge knows them: most requests change nothing, so what a line says of them is made when one is.
#[derive(Clone)]
pub enum Who {
    /// A program, by its key.
    Key(Arc<ApiKey>),
    /// A person, by their session.
    Person(Arc<SignedIn>),
    /// Somebody else.
    Other(Actor),
}

impl From<&Who> for Actor {
    fn from(who: &Who) -> Self {
        match who {
            Who::Key(key) => {
                Self { kind: ActorKind::Key, id: Some(key.id.to_string()), name: key.settings.name.clone() }
            }
            Who::Person(person) => Self::from(&person.user),
            Who::Other(actor) => actor.clone(),
        }
    }
}

/// Who asks, and from where.
#[derive(Clone)]
pub struct Asker {
    /// Who; none before they have signed in.
    pub who: Option<Who>,
    /// In which request.
    pub request: Option<String>,
    /// From where.
    pub address: Option<IpAddr>,
}

impl Asker {
    /// Whoever runs a command where the database is.
    #[must_use]
    pub fn operator() -> Self {
        Self { who: Some(Who::Other(Actor::operator())), request: None, address: None }
    }
}

/// Does something on behalf of somebody.
pub async fn asked_by<F: Future>(asker: Asker, something: F) -> F::Output {
    ASKER.scope(asker, something).await
}

/// On whose behalf this is being done, if on anybody's.
pub(super) fn current() -> Option<Asker> {
    ASKER.try_with(Clone::clone).ok()
}

/// Whoever asks, from where they ask, under this name: they are known by something that the edge does not look at.
pub(super) fn instead_of_nobody(actor: Actor) -> Asker {
    let known = current();
    let (request, address) = known.map_or((None, None), |asker| (asker.request, asker.address));
    Asker { who: Some(Who::Other(actor)), request, address }
}

/// Who asked, for things that are kept with the name of whoever wanted them.
pub(super) fn actor() -> Actor {
    current().and_then(|asker| asker.who.as_ref().map(Actor::from)).unwrap_or_else(Actor::operator)
}

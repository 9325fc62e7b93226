//! Who asks for what the verbs do: known at the edge of the process, and needed where a change is written down.
//!
//! It travels beside the call and not through it, as a log's request id does: no verb decides anything by it, so none
//! has to take it along. A verb that nobody asked for (a sweep, a webhook disabled for its failures) finds nobody.

use std::net::IpAddr;

use crate::domain::audit::Actor;

tokio::task_local! {
    static ASKER: Asker;
}

/// Who asks, and from where.
#[derive(Debug, Clone)]
pub struct Asker {
    /// Who; none before they have signed in.
    pub actor: Option<Actor>,
    /// In which request.
    pub request: Option<String>,
    /// From where.
    pub address: Option<IpAddr>,
}

impl Asker {
    /// Whoever runs a command where the database is.
    #[must_use]
    pub fn operator() -> Self {
        Self { actor: Some(Actor::operator()), request: None, address: None }
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
    Asker { actor: Some(actor), request, address }
}

/// Who asked, for things that are kept with the name of whoever wanted them.
pub(super) fn actor() -> Actor {
    current().and_then(|asker| asker.actor).unwrap_or_else(Actor::operator)
}

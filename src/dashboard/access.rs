//! Who visits, whose rows they see, and whether their role permits what a route does.
//!
//! A route that shows something takes a [`Reader`] of what it needs, one that changes something an [`Actor`]. Both name
//! it as a type, beside the route, and nothing else gives a scope: no route can forget to ask.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::Dashboard;
use super::form::read_form;
use super::page::Failure;
use super::params::Params;
use super::preferences::Preferences;
use crate::domain::browser;
use crate::domain::permission::Permission;
use crate::domain::tenant::{Environment, Scope};
use crate::domain::user::Role;
use crate::engine::sessions::{SessionError, SignedIn};
use crate::store::tenants::Tenant;

/// The name of a form's token among its fields.
pub(super) const FORM_TOKEN: &str = "token";

/// What a route asks for, as a type.
pub(super) trait Needs {
    /// Whether a role permits it.
    fn permitted_to(role: Role) -> bool;
}

macro_rules! needs_permission {
    ($($name:ident),* $(,)?) => {
        $(
            #[doc = concat!("A route that asks for [`Permission::", stringify!($name), "`].")]
            pub(super) struct $name;

            impl Needs for $name {
                fn permitted_to(role: Role) -> bool {
                    role.permits(Permission::$name)
                }
            }
        )*
    };
}

needs_permission!(ReadDeliveries, WriteDeliveries, ReadWebhooks, WriteWebhooks, ReadEvents, WriteEvents, ReadAnalytics);

/// A route for everybody who has signed in.
pub(super) struct Anybody;

impl Needs for Anybody {
    fn permitted_to(_: Role) -> bool {
        true
    }
}

/// A route for those who manage a tenant: its keys, its people.
pub(super) struct Manages;

impl Needs for Manages {
    fn permitted_to(role: Role) -> bool {
        role.manages()
    }
}

/// Somebody who has signed in, and what they look at.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    /// Who.
    pub(super) who: Arc<SignedIn>,
    /// Whose rows they see.
    pub(super) scope: Scope,
    /// The tenant of it.
    pub(super) tenant: Arc<Tenant>,
    /// What they have chosen.
    pub(super) preferences: Preferences,
    /// The page, with its query: where a form comes back to.
    pub(super) here: String,
    /// What the last action came to, to be told once.
    pub(super) notice: Option<String>,
}

impl Visit {
    /// Whether they may change what pages show; the routes decide, this hides what they would refuse.
    pub(super) fn may(&self, permission: Permission) -> bool {
        self.who.user.role.permits(permission)
    }
}

/// A visit to a page that shows something.
pub(super) struct Reader<N: Needs> {
    pub(super) visit: Visit,
    needs: PhantomData<N>,
}

/// A form that was sent by somebody whom the route permits to.
pub(super) struct Actor<N: Needs> {
    pub(super) visit: Visit,
    pub(super) fields: Params,
    needs: PhantomData<N>,
}

impl<N: Needs> FromRequestParts<Arc<Dashboard>> for Reader<N> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, dashboard: &Arc<Dashboard>) -> Result<Self, Failure> {
        let visit = visit(parts, dashboard).await?;
        permitted::<N>(&visit)?;
        Ok(Self { visit, needs: PhantomData })
    }
}

impl<N: Needs + Send> FromRequest<Arc<Dashboard>> for Actor<N> {
    type Rejection = Failure;

    async fn from_request(request: Request, dashboard: &Arc<Dashboard>) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let visit = visit(&mut parts, dashboard).await?;
        // The audit log knows whom the gate believed: what it did not believe must not change anything.
        if parts.extensions.get::<Arc<SignedIn>>().is_none() {
            return Err(Failure::ForeignForm);
        }
        let fields = read_form(&parts.headers, body, dashboard.options.form_bytes_max).await?;
        let token = fields.raw(FORM_TOKEN).unwrap_or_default();
        if !dashboard.engine.is_form_token(token, visit.who.session.id) {
            return Err(Failure::ForeignForm);
        }
        permitted::<N>(&visit)?;
        Ok(Self { visit, fields, needs: PhantomData })
    }
}

fn permitted<N: Needs>(visit: &Visit) -> Result<(), Failure> {
    let role = visit.who.user.role;
    if N::permitted_to(role) { Ok(()) } else { Err(Failure::NotPermitted(role)) }
}

async fn visit(parts: &mut Parts, dashboard: &Dashboard) -> Result<Visit, Failure> {
    let here = parts.uri.path_and_query().map_or("/ui", |text| text.as_str()).to_owned();
    let who = signed_in(parts, dashboard).await?;
    let who = who.ok_or_else(|| Failure::signed_out(&parts.method, &here, &parts.headers))?;
    let preferences = Preferences::of(&parts.headers);
    let tenant = tenant_of(&who, &preferences, dashboard)?;
    let production = dashboard.engine.limits().production;
    let usual = if production { Environment::Production } else { Environment::Staging };
    let scope = Scope { tenant: tenant.id, environment: preferences.environment.unwrap_or(usual) };
    let notice = preferences.notice.clone();
    Ok(Visit { who, scope, tenant, preferences, here, notice })
}

/// Who a request is of, by the cookie of their session.
pub(super) async fn signed_in(parts: &Parts, dashboard: &Dashboard) -> Result<Option<Arc<SignedIn>>, Failure> {
    // The gate has looked already, but where it could not believe where the request comes from.
    if let Some(who) = parts.extensions.get::<Arc<SignedIn>>() {
        return Ok(Some(Arc::clone(who)));
    }
    let Some(token) = session_token(&parts.headers) else { return Ok(None) };
    match dashboard.engine.signed_in(token).await {
        Ok(who) => Ok(Some(Arc::new(who))),
        Err(SessionError::Token(_) | SessionError::Ended) => Ok(None),
        Err(SessionError::Store(error)) => Err(error.into()),
    }
}

pub(super) fn session_token(headers: &HeaderMap) -> Option<&str> {
    browser::cookie(cookies(headers), browser::SESSION_COOKIE)
}

/// The values of all `Cookie` headers.
pub(super) fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok())
}

/// Their own; an operator's is the one that they chose, else the first.
fn tenant_of(who: &SignedIn, preferences: &Preferences, dashboard: &Dashboard) -> Result<Arc<Tenant>, Failure> {
    let engine = &dashboard.engine;
    if let Some(own) = who.user.tenant {
        return engine.tenant(own).ok_or_else(|| Failure::internal("a user's tenant is not known"));
    }
    let chosen = preferences.tenant.and_then(|tenant| engine.tenant(tenant));
    chosen.or_else(|| engine.tenants().into_iter().next()).ok_or(Failure::NoTenant)
}

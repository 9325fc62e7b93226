//! What stands around every page: the header, the ways to the other screens, and what a visitor has chosen.

use super::access::Visit;
use super::preferences::Theme;
use super::{Dashboard, assets};
use crate::domain::permission::Permission;
use crate::domain::tenant::Environment;
use crate::domain::user::Role;

/// Where `/ui` leads.
pub(super) const HOME: &str = "/ui/overview";

/// The screens, in the order of the menu: address, name, and the key that goes there after `g`.
pub(super) const NAV: &[(&str, &str, &str)] = &[
    ("/ui/overview", "Overview", "o"),
    ("/ui/deliveries", "Deliveries", "d"),
    ("/ui/webhooks", "Webhooks", "e"),
    ("/ui/dead-letters", "Dead letters", "l"),
    ("/ui/replays", "Replays", "r"),
    ("/ui/event-types", "Event types", "t"),
    ("/ui/verify", "Verify", "v"),
    ("/ui/usage", "Usage", "u"),
    ("/ui/api-keys", "API keys", "k"),
    ("/ui/portal-links", "Portal links", "c"),
    ("/ui/users", "Users", "p"),
    ("/ui/audit", "Audit log", "a"),
    ("/ui/system", "System", "s"),
];

/// Whether a screen is for a role; the routes decide, this hides what they would refuse.
fn is_for(href: &str, role: Role) -> bool {
    match href {
        "/ui/users" | "/ui/audit" | "/ui/portal-links" => role.manages(),
        "/ui/system" => !role.is_of_tenant(),
        _ => true,
    }
}

/// A link of the menu.
pub(super) struct NavLink {
    pub(super) href: &'static str,
    pub(super) label: &'static str,
    pub(super) key: &'static str,
    pub(super) is_current: bool,
}

/// A choice of a list.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) is_chosen: bool,
}

impl Choice {
    pub(super) fn new(value: impl Into<String>, label: impl Into<String>, chosen: Option<&str>) -> Self {
        let value = value.into();
        Self { is_chosen: chosen == Some(value.as_str()), label: label.into(), value }
    }
}

/// The frame of a page; `base.html` reads it.
pub(super) struct Frame {
    pub(super) title: String,
    pub(super) assets: assets::Urls,
    pub(super) nav: Vec<NavLink>,
    pub(super) environment: Environment,
    pub(super) other_environment: Environment,
    pub(super) tenant: String,
    /// For operators; nobody else has a choice.
    pub(super) tenants: Vec<Choice>,
    pub(super) email: String,
    pub(super) role: &'static str,
    pub(super) themes: [Choice; 3],
    pub(super) theme: Theme,
    /// What each form of the page carries.
    pub(super) token: String,
    /// Where forms come back to.
    pub(super) here: String,
    pub(super) notice: Option<String>,
    /// Whether to offer what changes deliveries and webhooks.
    pub(super) acts: bool,
}

impl Frame {
    pub(super) fn is_production(&self) -> bool {
        self.environment == Environment::Production
    }
}

impl Dashboard {
    /// The frame of a page; `section` is the address of the screen that it belongs to.
    pub(super) fn frame(&self, visit: &Visit, title: impl Into<String>, section: &str) -> Frame {
        let user = &visit.who.user;
        let nav = NAV.iter().filter(|(href, _, _)| is_for(href, user.role));
        let nav = nav.map(|(href, label, key)| NavLink { href, label, key, is_current: *href == section });
        let environment = visit.scope.environment;
        let tenants = if user.tenant.is_some() { Vec::new() } else { self.engine.tenants() };
        let chosen = visit.tenant.id.to_string();
        let choice = |tenant: &crate::store::tenants::Tenant| {
            Choice::new(tenant.id.to_string(), tenant.name.clone(), Some(&chosen))
        };
        let theme = visit.preferences.theme;
        Frame {
            title: title.into(),
            assets: assets::urls(),
            nav: nav.collect(),
            environment,
            other_environment: match environment {
                Environment::Production => Environment::Staging,
                Environment::Staging => Environment::Production,
            },
            tenant: visit.tenant.name.clone(),
            tenants: tenants.iter().map(|tenant| choice(tenant)).collect(),
            email: user.email.to_string(),
            role: user.role.as_str(),
            themes: Theme::ALL.map(|other| Choice::new(other.as_str(), other.as_str(), Some(theme.as_str()))),
            theme,
            token: self.engine.form_token(visit.who.session.id),
            here: visit.here.clone(),
            notice: visit.notice.clone(),
            acts: visit.may(Permission::WriteDeliveries) && visit.may(Permission::WriteWebhooks),
        }
    }
}

//! The people of a tenant: who may sign in, as what. An owner changes everybody, an admin the members.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use secrecy::SecretString;

use super::Dashboard;
use super::access::{Actor, Manages, Reader, Visit};
use super::confirm::Confirm;
use super::layout::{Choice, Frame};
use super::page::{self, Failure};
use super::params::Params;
use super::preferences::go_and_say;
use super::problems::Problems;
use super::words::{Badge, Time, grouped};
use crate::chance;
use crate::domain::field::{FieldCode, FieldProblem};
use crate::domain::id::UserId;
use crate::domain::password::{Password, draw};
use crate::domain::user::{Email, Role, USER_NAME_CHARS_MAX, User, user_name};
use crate::engine::users::{NewUser, UserChange, UserError};

/// The screen's address.
pub(super) const SECTION: &str = "/ui/users";
const PAGES_MAX: u32 = 1_000;

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new()
        .route(SECTION, get(list))
        .route("/ui/users/new", get(ask_for_new).post(create))
        .route("/ui/users/{id}/edit", get(ask_for_change).post(change))
        .route("/ui/users/{id}/password", post(reset))
        .route("/ui/users/{id}/delete", get(ask_to_delete).post(delete))
}

impl From<UserError> for Failure {
    fn from(error: UserError) -> Self {
        match error {
            UserError::NotFound => Self::NotFound("user"),
            UserError::EmailTaken => Self::Refused("Somebody signs in with this address.".to_owned()),
            UserError::Rank(own, other) => {
                Self::Refused(format!("As {own} you cannot make or change somebody who is {other}. Ask an owner."))
            }
            UserError::LastOwner => Self::Refused("A tenant keeps an owner who can sign in.".to_owned()),
            UserError::Changed => Self::Refused("Others have just changed this user. Open the page anew.".to_owned()),
            UserError::Busy => Self::Refused("Too many people are signing in. Try again in a moment.".to_owned()),
            UserError::Tenant => Self::internal(error.to_string()),
            UserError::Store(error) => error.into(),
        }
    }
}

fn id_in_path(text: &str) -> Result<UserId, Failure> {
    text.parse().map_err(|_| Failure::NotFound("user"))
}

struct UserRow {
    id: UserId,
    badge: Badge,
    email: String,
    name: String,
    role: Role,
    created: Time,
    is_me: bool,
    /// Whether the visitor may change them.
    is_mine: bool,
}

#[derive(Template)]
#[template(path = "users.html", config = "src/dashboard/askama.toml")]
struct ListPage {
    frame: Frame,
    rows: Vec<UserRow>,
    total: String,
    previous: Option<String>,
    next: Option<String>,
}

/// Whether somebody may change somebody.
fn may_change(by: &User, other: &User) -> bool {
    by.id == other.id || by.role.rules_over(other.role)
}

async fn list(State(dashboard): State<Arc<Dashboard>>, reader: Reader<Manages>, uri: Uri) -> Result<Response, Failure> {
    let visit = reader.visit;
    let params = Params::of(&uri);
    let now = dashboard.engine.clock().now();
    let page = params.get("page").and_then(|page| page.parse().ok()).unwrap_or(1_u32).clamp(1, PAGES_MAX);
    let limit = dashboard.options.rows_per_page;
    let (users, total) = dashboard.engine.store().users_page(visit.scope.tenant, limit, (page - 1) * limit).await?;
    let me = &visit.who.user;
    let row = |user: User| UserRow {
        id: user.id,
        badge: match user.disabled_at {
            None => Badge { tone: "good", word: "may sign in" },
            Some(_) => Badge { tone: "idle", word: "shut out" },
        },
        is_me: user.id == me.id,
        is_mine: may_change(me, &user),
        email: user.email.to_string(),
        name: user.name,
        role: user.role,
        created: Time { at: user.created_at, now },
    };
    let place = |page: u32| format!("{SECTION}?page={page}");
    page::show(&ListPage {
        frame: dashboard.frame(&visit, "Users", SECTION),
        rows: users.into_iter().map(row).collect(),
        total: grouped(total),
        previous: (page > 1).then(|| place(page - 1)),
        next: (u64::from(page) * u64::from(limit) < total).then(|| place(page + 1)),
    })
}

/// The fields as they stand, as texts.
struct Texts {
    email: String,
    name: String,
    role: String,
    is_active: bool,
}

impl Texts {
    fn of_fields(fields: &Params) -> Self {
        Self {
            email: fields.text("email"),
            name: fields.text("name"),
            role: fields.text("role"),
            is_active: fields.get("active").is_some(),
        }
    }

    fn name(&self, problems: &mut Vec<FieldProblem>) -> Option<String> {
        let name = user_name(if self.name.is_empty() { &self.email } else { &self.name });
        if name.is_none() {
            let message = format!("must have 1 to {USER_NAME_CHARS_MAX} characters, all of them printable");
            problems.push(FieldProblem::new("name", FieldCode::Length, message));
        }
        name
    }

    fn role(&self, problems: &mut Vec<FieldProblem>) -> Option<Role> {
        let role = self.role.parse::<Role>().ok().filter(|role| role.is_of_tenant());
        if role.is_none() {
            problems.push(FieldProblem::new("role", FieldCode::Invalid, "must be owner, admin or member"));
        }
        role
    }
}

#[derive(Template)]
#[template(path = "user_form.html", config = "src/dashboard/askama.toml")]
struct FormPage {
    frame: Frame,
    action: String,
    /// Of one who is there: the way to other things that can be done.
    id: Option<UserId>,
    is_me: bool,
    text: Texts,
    roles: Vec<Choice>,
    problems: Problems,
}

impl Dashboard {
    fn user_form(&self, visit: &Visit, of: Option<&User>, text: Texts, problems: Vec<FieldProblem>) -> FormPage {
        let me = &visit.who.user;
        let (title, action) = match of {
            None => ("New user".to_owned(), "/ui/users/new".to_owned()),
            Some(user) => (user.email.to_string(), format!("{SECTION}/{}/edit", user.id)),
        };
        let given = Role::ALL.into_iter().filter(|role| {
            let is_theirs = of.is_some_and(|user| user.role == *role);
            role.is_of_tenant() && (is_theirs || me.role.rules_over(*role))
        });
        let says = |role: Role| match role {
            Role::Owner => "owner: everything, people of every role too",
            Role::Admin => "admin: everything, and members",
            Role::Member => "member: looks, and changes nothing",
            Role::Operator => "operator",
        };
        FormPage {
            frame: self.frame(visit, title, SECTION),
            action,
            id: of.map(|user| user.id),
            is_me: of.is_some_and(|user| user.id == me.id),
            roles: given.map(|role| Choice::new(role.as_str(), says(role), Some(&text.role))).collect(),
            text,
            problems: Problems::new(problems),
        }
    }

    fn user_form_again(
        &self,
        visit: &Visit,
        of: Option<&User>,
        text: Texts,
        problems: Vec<FieldProblem>,
    ) -> Result<Response, Failure> {
        let form = page::show(&self.user_form(visit, of, text, problems))?;
        Ok((StatusCode::UNPROCESSABLE_ENTITY, form).into_response())
    }

    /// A user whom the visitor may change.
    async fn user_of(&self, visit: &Visit, id: &str) -> Result<User, Failure> {
        let user = self.engine.teammate(visit.scope.tenant, &visit.who.user, id_in_path(id)?).await?;
        if may_change(&visit.who.user, &user) {
            return Ok(user);
        }
        Err(UserError::Rank(visit.who.user.role, user.role).into())
    }
}

/// The one page that shows a password.
#[derive(Template)]
#[template(path = "user_shown.html", config = "src/dashboard/askama.toml")]
struct ShownPage {
    frame: Frame,
    email: String,
    password: String,
    is_new: bool,
}

/// A password that nobody has chosen.
fn drawn() -> Result<(Password, String), Failure> {
    let text = draw(chance::bytes());
    let password = Password::new(SecretString::from(text.clone()));
    password.map(|password| (password, text)).map_err(|error| Failure::internal(error.to_string()))
}

async fn ask_for_new(State(dashboard): State<Arc<Dashboard>>, reader: Reader<Manages>) -> Result<Response, Failure> {
    let role = Role::Member.to_string();
    let text = Texts { email: String::new(), name: String::new(), role, is_active: true };
    page::show(&dashboard.user_form(&reader.visit, None, text, Vec::new()))
}

async fn create(State(dashboard): State<Arc<Dashboard>>, actor: Actor<Manages>) -> Result<Response, Failure> {
    let text = Texts::of_fields(&actor.fields);
    let mut problems = Vec::new();
    let wrong = |message: String| FieldProblem::new("email", FieldCode::Invalid, message);
    let email = text.email.parse::<Email>().map_err(|error| problems.push(wrong(error.to_string()))).ok();
    let (name, role) = (text.name(&mut problems), text.role(&mut problems));
    let (Some(email), Some(name), Some(role)) = (email, name, role) else {
        return dashboard.user_form_again(&actor.visit, None, text, problems);
    };
    let (password, shown) = drawn()?;
    let new = NewUser { tenant: Some(actor.visit.scope.tenant), email, name, role, password };
    match dashboard.engine.create_teammate(&actor.visit.who.user, new).await {
        Ok(user) => page::show(&ShownPage {
            frame: dashboard.frame(&actor.visit, "The user is made", SECTION),
            email: user.email.to_string(),
            password: shown,
            is_new: true,
        }),
        Err(UserError::EmailTaken) => {
            let problems = vec![wrong("is that of somebody who signs in already".to_owned())];
            dashboard.user_form_again(&actor.visit, None, text, problems)
        }
        Err(error) => Err(error.into()),
    }
}

async fn ask_for_change(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    reader: Reader<Manages>,
) -> Result<Response, Failure> {
    let user = dashboard.user_of(&reader.visit, &id).await?;
    let text = Texts {
        email: user.email.to_string(),
        name: user.name.clone(),
        role: user.role.to_string(),
        is_active: user.disabled_at.is_none(),
    };
    page::show(&dashboard.user_form(&reader.visit, Some(&user), text, Vec::new()))
}

async fn change(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    actor: Actor<Manages>,
) -> Result<Response, Failure> {
    let user = dashboard.user_of(&actor.visit, &id).await?;
    let text = Texts { email: user.email.to_string(), ..Texts::of_fields(&actor.fields) };
    let mut problems = Vec::new();
    let (name, role) = (text.name(&mut problems), text.role(&mut problems));
    if !problems.is_empty() {
        return dashboard.user_form_again(&actor.visit, Some(&user), text, problems);
    }
    let me = &actor.visit.who.user;
    // Whoever shuts themselves out cannot take it back.
    let is_active = (user.id != me.id).then_some(text.is_active);
    let change = UserChange { name, role, is_active };
    dashboard.engine.change_teammate(actor.visit.scope.tenant, me, user.id, change).await?;
    Ok(go_and_say(SECTION, &format!("{} is saved.", user.email)))
}

async fn reset(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    actor: Actor<Manages>,
) -> Result<Response, Failure> {
    let user = dashboard.user_of(&actor.visit, &id).await?;
    let me = &actor.visit.who.user;
    if user.id == me.id {
        return Err(Failure::Refused("Your own password is changed with the old one: see Account.".to_owned()));
    }
    let (password, shown) = drawn()?;
    dashboard.engine.reset_teammate(actor.visit.scope.tenant, me, user.id, password).await?;
    page::show(&ShownPage {
        frame: dashboard.frame(&actor.visit, "The new password", SECTION),
        email: user.email.to_string(),
        password: shown,
        is_new: false,
    })
}

impl Dashboard {
    fn user_delete_page(&self, visit: &Visit, user: &User, problem: Option<&'static str>) -> Result<Response, Failure> {
        page::show(&Confirm {
            frame: self.frame(visit, "Remove a user", SECTION),
            text: format!(
                "{} is signed out at once and cannot come back. What they did stays in the audit log.",
                user.email
            ),
            action: format!("{SECTION}/{}/delete", user.id),
            button: "Remove them",
            back: SECTION.to_owned(),
            typed: Some(user.email.to_string()),
            problem,
        })
    }
}

async fn ask_to_delete(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    reader: Reader<Manages>,
) -> Result<Response, Failure> {
    let user = dashboard.user_of(&reader.visit, &id).await?;
    dashboard.user_delete_page(&reader.visit, &user, None)
}

async fn delete(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    actor: Actor<Manages>,
) -> Result<Response, Failure> {
    let user = dashboard.user_of(&actor.visit, &id).await?;
    if actor.fields.get("name") != Some(user.email.as_str()) {
        let problem = Some("That is not their address. Nobody was removed.");
        return dashboard.user_delete_page(&actor.visit, &user, problem);
    }
    dashboard.engine.delete_teammate(actor.visit.scope.tenant, &actor.visit.who.user, user.id).await?;
    Ok(go_and_say(SECTION, &format!("{} is removed.", user.email)))
}

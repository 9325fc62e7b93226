//! People who sign in, as tests have them.

use angarium::domain::password::Password;
use angarium::domain::user::{Role, User};
use angarium::engine::users::NewUser;
use reqwest::Method;
use serde_json::json;

use super::TestApp;
use super::client::{Client, JsonBody as _, Reply};

/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse battery";

impl TestApp {
    /// A user of the test's tenant, or an operator.
    pub(crate) async fn user(&self, email: &str, role: Role) -> User {
        let tenant = role.is_of_tenant().then_some(self.scope.tenant);
        let password = Password::new(PASSWORD.into()).unwrap();
        let new = NewUser { tenant, email: email.parse().unwrap(), name: email.to_owned(), role, password };
        self.app().engine.create_user(new).await.unwrap()
    }

    /// The answer to signing in.
    pub(crate) async fn login(&self, email: &str, password: &str) -> Reply {
        let request = self.client.anonymous(Method::POST, "/api/auth/login");
        self.client.send(request.json_body(&json!({ "email": email, "password": password }))).await
    }

    /// A client with the session of a new user.
    pub(crate) async fn signed_in(&self, role: Role) -> Client {
        let email = format!("{role}@example.com");
        self.user(&email, role).await;
        let reply = self.login(&email, PASSWORD).await.expect(200);
        Client::new(self.app().api.unwrap(), reply.data()["token"].as_str().unwrap().to_owned())
    }
}

//! A browser without scripts, as the pages' tests have one: it keeps cookies, follows nothing by itself, and sends the
//! forms that it was shown.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;

use angarium::domain::user::Role;
use futures_util::Stream;
use reqwest::Method;
use reqwest::redirect::Policy;

use super::client::Reply;
use super::people::PASSWORD;
use super::{TestApp, client};

/// What every page must say of itself.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A browser.
pub(crate) struct Browser {
    http: reqwest::Client,
    address: SocketAddr,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Browser {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let http = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { http, address, cookies: Mutex::default() }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let cookies = self.cookies.lock().unwrap();
        let cookies: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.http.request(method, format!("http://{}{path}", self.address)).header("cookie", cookies.join("; "))
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        let reply = client::reply_to(request).await;
        for cookie in reply.headers.get_all("set-cookie") {
            let (pair, rest) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            let mut cookies = self.cookies.lock().unwrap();
            if rest.contains("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        reply
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path)).await
    }

    /// The pieces of an answer that goes on.
    pub(crate) async fn stream(
        &self,
        path: &str,
    ) -> impl Stream<Item = reqwest::Result<bytes::Bytes>> + Unpin + Send + use<> {
        let response = self.request(Method::GET, path).send().await.expect("the page answers");
        assert_eq!(response.headers()["content-type"], "text/event-stream", "{}", response.status());
        Box::pin(response.bytes_stream())
    }

    /// Opens a page that is there.
    pub(crate) async fn open(&self, path: &str) -> Reply {
        let page = self.get(path).await.expect(200);
        assert_eq!(page.header("content-security-policy"), POLICY, "{path}");
        page
    }

    /// Goes where an answer leads.
    pub(crate) async fn follow(&self, reply: &Reply) -> Reply {
        assert_eq!(reply.status, 303, "{}", reply.text);
        self.get(reply.header("location")).await
    }

    /// Sends a form as a page of ours does, with nothing in it but this.
    pub(crate) async fn post_bare(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let origin = format!("http://{}", self.address);
        let request = self.request(Method::POST, path).header("origin", origin);
        self.send(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await
    }

    /// Sends a form with the token of this session.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let page = self.get("/ui/deliveries").await;
        let token = token_of(&page);
        let with_token: Vec<_> = [("token", token.as_str())].into_iter().chain(fields.iter().copied()).collect();
        self.post_bare(path, &with_token).await
    }

    /// Sends a form from a page of another site, which has got hold of the fields.
    pub(crate) async fn post_from_elsewhere(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.request(Method::POST, path).header("origin", "https://evil.example");
        self.send(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await
    }

    pub(crate) async fn sign_in(&self, email: &str) -> Reply {
        self.post_bare("/ui/sign-in", &[("email", email), ("password", PASSWORD)]).await
    }
}

/// The token in the forms of a page.
pub(crate) fn token_of(page: &Reply) -> String {
    let after = page.text.split("name=\"token\" value=\"").nth(1).unwrap_or_else(|| panic!("no form: {}", page.text));
    after.split('"').next().unwrap().to_owned()
}

/// Every address of ours that a page leads to.
pub(crate) fn links_of(page: &Reply) -> Vec<String> {
    let links = page.text.split(" href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    links.filter(|link| link.starts_with('/')).map(|link| link.replace("&amp;", "&").replace("&#38;", "&")).collect()
}

impl TestApp {
    /// A browser in which a new user has signed in.
    pub(crate) async fn browser_of(&self, role: Role) -> Browser {
        let email = format!("{role}-at-ui@example.com");
        self.user(&email, role).await;
        let browser = self.browser();
        let reply = browser.sign_in(&email).await;
        assert_eq!((reply.status, reply.header("location")), (303, "/ui"), "{}", reply.text);
        browser
    }

    /// A browser in which nobody has signed in.
    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.app().api.unwrap())
    }
}

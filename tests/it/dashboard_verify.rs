//! The signature doctor at the dashboard, and the code that it gives to receivers.

use std::process::Stdio;

use angarium::domain::tenant::Environment;
use angarium::domain::user::Role;
use angarium::receiver::{Record, Route};
use serde_json::{Value, json};

use crate::support::{TestApp, TestWebhook, both_engines};

both_engines!(
    a_request_is_examined_in_every_form,
    what_is_wrong_is_said_and_no_secret_is_shown,
    a_pasted_secret_is_used_once,
    what_cannot_be_read_is_said,
    webhooks_of_others_are_not_there,
    the_code_verifies_what_every_profile_sends,
);

/// A request that was sent, as its receiver has it.
async fn received(app: &TestApp, webhook: &TestWebhook) -> Record {
    let event = app.publish("message.sent", json!({ "text": "it's é" })).await;
    crate::support::eventually("it is received", || async {
        let records = app.receiver.records(&webhook.path);
        records.iter().find(|record| record.id() == event).map(|record| (**record).clone())
    })
    .await
}

fn head(record: &Record) -> String {
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| format!("{name}: {}", value.to_str().unwrap());
    record.headers.iter().map(line).collect::<Vec<_>>().join("\r\n")
}

fn body(record: &Record) -> &str {
    std::str::from_utf8(&record.body).unwrap()
}

async fn a_request_is_examined_in_every_form(app: TestApp) {
    let hook = app.webhook("hook").await;
    let record = received(&app, &hook).await;
    let browser = app.browser_of(Role::Member).await;
    let webhook = ("webhook", hook.id.as_str());
    let dump = format!("POST /hook HTTP/1.1\r\n{}\r\n\r\n{}", head(&record), body(&record));
    let quoted = |text: &str| text.replace('\'', "'\\''");
    let headers: Vec<_> = head(&record).lines().map(|line| format!("-H '{}'", quoted(line))).collect();
    let curl = format!("curl {} --data-raw '{}' https://x", headers.join(" \\\r\n  "), quoted(body(&record)));
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &record.body);
    for fields in [
        vec![webhook, ("request", &dump)],
        vec![webhook, ("request", &curl)],
        vec![webhook, ("request", &head(&record)), ("body", body(&record))],
        vec![webhook, ("request", &head(&record)), ("body", &encoded), ("base64", "on")],
    ] {
        let page = browser.post("/ui/verify", &fields).await.expect(200);
        assert!(page.text.contains("It is one of ours, byte for byte."), "{fields:?}: {}", page.text);
        assert!(!page.text.contains("whsec_") || page.text.matches("whsec_").count() == 2, "only in the code");
    }
    app.finish().await;
}

async fn what_is_wrong_is_said_and_no_secret_is_shown(app: TestApp) {
    let (hook, other) = (app.webhook("hook").await, app.webhook("other").await);
    let record = received(&app, &hook).await;
    let browser = app.browser_of(Role::Owner).await;
    let ask = async |webhook: &TestWebhook, body: &str, age: bool| {
        let mut fields = vec![("webhook", webhook.id.as_str()), ("request", ""), ("body", body)];
        let head = head(&record);
        fields[1].1 = &head;
        if age {
            fields.push(("age", "on"));
        }
        browser.post("/ui/verify", &fields).await.expect(200).text
    };
    let spaced = body(&record).replace("\",\"", "\", \"");
    assert!(ask(&hook, &spaced, false).await.contains("parsed and written again with other white space"));
    let theirs = ask(&other, body(&record), false).await;
    assert!(theirs.contains(&format!("It is signed with the secret of {}", hook.id)), "{theirs}");
    app.advance(std::time::Duration::from_hours(1));
    assert!(ask(&hook, body(&record), false).await.contains("The timestamp is 3600 s old"));
    assert!(ask(&hook, body(&record), true).await.contains("byte for byte"));
    let hostile = ask(&hook, "</textarea><script>alert(1)</script>", false).await;
    assert!(!hostile.contains("<script>alert") && hostile.contains("&#60;/textarea&#62;"), "{hostile}");
    app.finish().await;
}

async fn a_pasted_secret_is_used_once(app: TestApp) {
    let hook = app.webhook("hook").await;
    let record = received(&app, &hook).await;
    let browser = app.browser_of(Role::Member).await;
    let secret = hook.secret.reveal();
    let (request, body) = (head(&record), body(&record));
    let fields = [("secret", secret.as_str()), ("profile", "default"), ("request", &request), ("body", body)];
    let page = browser.post("/ui/verify", &fields).await.expect(200);
    assert!(page.text.contains("byte for byte") && !page.text.contains(&secret), "{}", page.text);
    let wrong = [("secret", "whsec_x"), ("profile", "default"), ("request", &request), ("body", body)];
    let page = browser.post("/ui/verify", &wrong).await.expect(200);
    assert!(page.text.contains("role=\"alert\">The secret "), "{}", page.text);
    app.finish().await;
}

async fn what_cannot_be_read_is_said(app: TestApp) {
    let hook = app.webhook("hook").await;
    let browser = app.browser_of(Role::Member).await;
    let hook = ("webhook", hook.id.as_str());
    for (fields, said) in [
        (vec![("request", "a: b")], "Choose a webhook, or paste its secret."),
        (vec![hook, ("request", "")], "There are no headers in it"),
        (vec![hook, ("request", "curl 'open")], "a quote is not closed"),
        (vec![hook, ("request", "a: b"), ("body", "%%"), ("base64", "on")], "The body is not base64"),
        (vec![hook, ("request", "a: b")], "is missing: pass all of the sender"),
    ] {
        let page = browser.post("/ui/verify", &fields).await.expect(200);
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    browser.post_bare("/ui/verify", &[hook, ("request", "a: b")]).await.expect(403);
    app.finish().await;
}

async fn webhooks_of_others_are_not_there(app: TestApp) {
    let hook = app.webhook("theirs").await;
    app.client_of("other", Environment::Staging).await;
    let other = app.app().engine.find_tenant("other").await.unwrap().unwrap().id.to_string();
    let operator = app.browser_of(Role::Operator).await;
    operator.post("/ui/preferences", &[("tenant", &other)]).await.expect(303);
    let page = operator.open(&format!("/ui/verify?webhook={}", hook.id)).await;
    assert!(!page.text.contains(&format!("value=\"{}\"", hook.id)) && !page.text.contains("theirs"), "{}", page.text);
    operator.post("/ui/verify", &[("webhook", &hook.id), ("request", "a: b")]).await.expect(404);
    app.finish().await;
}

const PYTHON: &str = "\nimport json, sys\ninput = json.load(sys.stdin)\nresults = [is_ours(input['headers'], \
    one.encode(), secret) for one, secret in input['cases']]\nprint(json.dumps(results))\n";
const NODE: &str = "\nconst input = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));\nconsole.log(JSON.stringify(\
    input.cases.map(([one, secret]) => isOurs(input.headers, Buffer.from(one), secret))));\n";

/// Runs a program on a text; none where it is not installed.
fn run(program: &str, arguments: [&str; 2], input: &str) -> Option<Value> {
    use std::io::Write as _;
    let mut command = std::process::Command::new(program);
    let child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = child.ok()?;
    child.stdin.take()?.write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program} fails");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn code(page: &str, id: &str) -> String {
    let code = page.split(&format!(" id=\"{id}\">")).nth(1).unwrap().split("</pre>").next().unwrap();
    let unescape = [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")];
    unescape.iter().fold(code.to_owned(), |text, (from, to)| text.replace(from, to))
}

async fn the_code_verifies_what_every_profile_sends(app: TestApp) {
    // The code goes by the clock of the machine that it runs on.
    app.advance_to(angarium::clock::Clock::system().now());
    let browser = app.browser_of(Role::Member).await;
    let profiles = ["default", "g-tateth", "contextgpt", "github", "stripe", "slack", "shopify", "cloudevents"];
    let own = json!({ "header": "X-My-Signature", "prefix": "v9=", "encoding": "base64" });
    for (index, profile) in profiles.into_iter().chain(["g-tateth"]).enumerate() {
        let mut fields = json!({ "profile": profile });
        if profile == "contextgpt" {
            fields["secret"] = "sixteen characters".into();
        }
        if index == profiles.len() {
            fields["signature"] = own.clone();
        }
        let reply = {
            let mut body = json!({ "name": format!("of {index}"), "url": app.receiver.url(&format!("/{index}")), "events": ["*"] });
            for (name, value) in fields.as_object().unwrap() {
                body[name] = value.clone();
            }
            app.client.post("/api/v1/webhooks", &body).await.expect(201).data()
        };
        app.receiver.route(&format!("/{index}"), Route::new(Vec::new()));
        let (id, secret) = (reply["id"].as_str().unwrap(), reply["secret"].as_str().unwrap_or("sixteen characters"));
        let event = app.publish("message.sent", json!({ "text": "it's é" })).await;
        let path = format!("/{index}");
        let record = crate::support::eventually("it is received", || async {
            app.receiver.records(&path).iter().find(|record| record.id() == event).cloned()
        })
        .await;
        let headers: serde_json::Map<String, Value> =
            record.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().into())).collect();
        let body = body(&record);
        let cases =
            json!([[body, secret], [format!("{body} "), secret], [body, "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]]);
        let input = json!({ "headers": headers, "cases": cases }).to_string();
        let page = browser.open(&format!("/ui/verify?webhook={id}")).await.text;
        let python = run("python3", ["-c", &(code(&page, "python") + PYTHON)], &input);
        let node = run("node", ["-e", &(code(&page, "node") + NODE)], &input);
        for (language, results) in [("python", python), ("node", node)] {
            if let Some(results) = results {
                assert_eq!(results, json!([true, false, false]), "{profile} in {language}: {}", code(&page, language));
            }
        }
    }
    app.finish().await;
}

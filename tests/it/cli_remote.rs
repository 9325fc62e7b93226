//! Commands that ask a running Angarium: what they print, and how they end.

use std::time::Duration;

use angarium::domain::secret::Secret;
use angarium::receiver::{Behaviour, Route};
use serde_json::{Value, json};

use crate::cli::{Ran, Shell};
use crate::support::shown::shown;
use crate::support::{TestApp, both_engines};

both_engines!(
    webhooks_are_looked_after,
    deliveries_are_listed_shown_and_changed,
    dead_letters_are_listed_and_sent_again,
    many_are_replayed,
    events_are_shown_replayed_and_explained,
    the_catalogue_and_the_usage_are_shown,
    refusals_say_what_to_do,
    a_server_checks_what_was_received,
);

/// A shell with a key to the app.
pub(crate) fn shell_of(app: &TestApp) -> Shell {
    Shell::new().with("ANGARIUM_URL", app.client.url("")).with("ANGARIUM_API_KEY", app.client.key())
}

/// Runs a command while the app goes on.
pub(crate) fn run(shell: &Shell, arguments: &[&str]) -> Ran {
    tokio::task::block_in_place(|| shell.run(arguments))
}

fn json_of(shell: &Shell, arguments: &[&str]) -> Value {
    run(shell, &[&["--json"], arguments].concat()).exits(0).json()
}

async fn webhooks_are_looked_after(app: TestApp) {
    let shell = shell_of(&app);
    let url = app.receiver.url("/shop");
    let create = ["endpoints", "create", &url, "--name", "shop", "--events", "order.*,webhook.test"];
    let made = json_of(&shell, &create);
    let id = made["id"].as_str().unwrap();
    let secret = Secret::parse(made["secret"].as_str().unwrap()).unwrap();
    app.receiver.route("/shop", Route::new(vec![secret]));
    let get = run(&shell, &["webhooks", "get", id]).exits(0);
    let expected = format!(
        "id  wh_…\nname  shop\nurl  {url}\nstatus  active\nevents  order.*, webhook.test\nprofile  default\n\
         retries  {{\"schedule\":[5,30,120,600,1800,7200,18000,36000,36000]}}\ntimeout  10000 ms\ncreated  TIME"
    );
    assert_eq!(shown(&get.out).replace("N ms", "10000 ms"), expected);
    assert!(!get.out.contains("whsec_"), "a secret is shown once");

    run(&shell, &["endpoints", "update", id, "--description", "the shop"]).exits(0);
    assert_eq!(json_of(&shell, &["endpoints", "get", id])["description"], "the shop");
    let file = shell.write("settings.json", r#"{"headers": {"X-Shop": "eu"}, "name": "over"}"#);
    let updated = json_of(&shell, &["endpoints", "update", id, "--from", &file, "--name", "wins"]);
    assert_eq!((&updated["headers"], &updated["name"]), (&json!({"X-Shop": "eu"}), &json!("wins")));

    let tested = run(&shell, &["endpoints", "test", id, "--wait"]).exits(0);
    assert!(tested.out.contains("✓ delivered"), "{}", tested.out);
    assert_eq!(shown(&run(&shell, &["endpoints", "pause", id]).exits(0).out), "wh_…  paused  wins");
    let list = run(&shell, &["endpoints", "list", "--active", "false"]).exits(0).out;
    let expected =
        format!("ID  NAME  STATUS  EVENTS  URL  CREATED\nwh_…  wins  paused  order.*,webhook.test  {url}  TIME");
    assert_eq!(shown(&list), expected);
    run(&shell, &["endpoints", "test", id]).exits(1);
    run(&shell, &["endpoints", "resume", id]).exits(0);
    assert_eq!(json_of(&shell, &["endpoints", "list", "--active", "false"]), json!([]));

    let rotated = run(&shell, &["endpoints", "rotate-secret", id, "--overlap", "1h"]).exits(0);
    assert!(rotated.out.contains("whsec_") && rotated.err.contains("not shown again"), "{}", rotated.err);
    assert!(run(&shell, &["endpoints", "delete", id]).exits(2).err.contains("--yes"), "nobody is there to be asked");
    run(&shell, &["endpoints", "delete", id, "--yes"]).exits(0);
    assert!(run(&shell, &["endpoints", "get", id]).exits(3).err.contains("RESOURCE_NOT_FOUND"));
    app.finish().await;
}

async fn deliveries_are_listed_shown_and_changed(app: TestApp) {
    let shell = shell_of(&app);
    app.webhook("good").await;
    let fields = json!({ "retryPolicy": { "schedule": [3600] } });
    let bad = app.webhook_with("bad", fields, Behaviour { status: 503, ..Behaviour::default() }).await;
    let event = app.publish("order.created", json!({ "n": 1 })).await;
    let all_tried = || async {
        let deliveries = app.deliveries(&event).await;
        (deliveries.iter().filter(|delivery| delivery["attempts"] == 1).count() == 2).then_some(deliveries)
    };
    crate::support::eventually("both were tried", all_tried).await;

    let list = run(&shell, &["deliveries", "list", "--webhook", &bad.id]).exits(0).out;
    let header = "ID  STATUS  ANSWER  EVENT TYPE  WEBHOOK  ATTEMPTS  NEXT TRY  CREATED";
    assert_eq!(shown(&list), format!("{header}\ndlv_…  pending  503  order.created  wh_…  1  TIME  TIME"));
    assert_eq!(json_of(&shell, &["deliveries", "list", "--code", "5xx"]).as_array().unwrap().len(), 1);
    assert_eq!(json_of(&shell, &["deliveries", "list", "--error", "timeout"]), json!([]));
    let listed = json_of(&shell, &["deliveries", "list", "--event", &event, "--since", "2026-11-21T00:00:00Z"]);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    let one = run(&shell, &["deliveries", "list", "--limit", "1"]).exits(0);
    assert!(one.err.contains("1 of 2; --limit shows more"), "{}", one.err);

    let waiting = json_of(&shell, &["deliveries", "list", "--status", "pending"])[0]["id"].clone();
    let waiting = waiting.as_str().unwrap();
    let got = shown(&run(&shell, &["deliveries", "get", waiting]).exits(0).out);
    let cause = "Attempt 1 got 503 after N ms";
    assert!(got.starts_with(&format!("dlv_…  pending  order.created\n{cause}")), "{got}");
    assert!(
        got.contains("\nnext try  TIME\n\n#  STARTED  TOOK  ANSWER  OUTCOME\n1  TIME  N ms  503  Attempt 1"),
        "{got}"
    );
    assert_eq!(json_of(&shell, &["deliveries", "get", waiting])["attemptLog"][0]["status"], 503);

    let unknown = format!("dlv_{}", "0".repeat(26));
    let partly = run(&shell, &["deliveries", "cancel", waiting, &unknown]).exits(5);
    assert_eq!(shown(&partly.out), "dlv_…  cancelled  order.created");
    assert!(partly.err.contains(&unknown) && partly.err.contains("1 of 2 failed"), "{}", partly.err);
    assert!(run(&shell, &["deliveries", "cancel", waiting]).exits(1).err.contains("CONFLICT"));
    assert_eq!(json_of(&shell, &["deliveries", "retry", waiting])["status"], "pending");
    run(&shell, &["deliveries", "get", &unknown]).exits(3);
    for wrong in [&["get", "x"][..], &["list", "--status", "odd"], &["list", "--since", "soon"], &["cancel"]] {
        run(&shell, &[&["deliveries"], wrong].concat()).exits(2);
    }
    app.finish().await;
}

async fn dead_letters_are_listed_and_sent_again(app: TestApp) {
    let shell = shell_of(&app);
    let fields = json!({ "retryPolicy": { "maxRetries": 0 }, "events": ["order.*"] });
    let webhook = app.webhook_with("dies", fields, Behaviour { status: 500, ..Behaviour::default() }).await;
    for n in 0..3 {
        let event = app.publish("order.created", json!({ "n": n })).await;
        app.delivery_in(&event, "dead").await;
    }
    let list = shown(&run(&shell, &["dlq", "list", "--limit", "1"]).exits(0).out);
    let expected = "ID  ANSWER  EVENT TYPE  WEBHOOK  ATTEMPTS  DIED\ndlv_…  500  order.created  wh_…  1  TIME";
    assert_eq!(list, expected);
    app.receiver.behave("/dies", Behaviour::default());
    assert!(run(&shell, &["dlq", "redrive"]).exits(2).err.contains("--all"));
    let id = json_of(&shell, &["dead-letters", "list"])[0]["id"].clone();
    assert_eq!(json_of(&shell, &["dlq", "redrive", id.as_str().unwrap()])["id"], id);
    let some = run(&shell, &["dlq", "redrive", "--webhook", &webhook.id, "--max", "1"]).exits(0);
    assert!(some.out.trim() == "1 are on their way again" && some.err.contains("there are more"), "{}", some.err);
    let rest = json_of(&shell, &["dlq", "discard", "--all", "--reason", "not wanted"]);
    assert_eq!(rest, json!({ "discarded": 1, "hasMore": false }));
    run(&shell, &["dlq", "discard", "--all"]).exits(2);
    let again = run(&shell, &["dlq", "discard", id.as_str().unwrap(), "--reason", "not wanted"]).exits(1);
    assert!(again.err.contains("CONFLICT"), "{}", again.err);
    app.finish().await;
}

async fn many_are_replayed(app: TestApp) {
    let shell = shell_of(&app);
    let fields = json!({ "retryPolicy": { "maxRetries": 0 }, "events": ["order.*"] });
    let webhook = app.webhook_with("down", fields, Behaviour { status: 503, ..Behaviour::default() }).await;
    let mut deliveries = Vec::new();
    for n in 0..3 {
        let event = app.publish("order.created", json!({ "n": n })).await;
        deliveries.push(app.delivery_in(&event, "dead").await["id"].as_str().unwrap().to_owned());
    }
    assert!(run(&shell, &["replay"]).exits(2).err.contains("--all"));
    let filter = ["--webhook", &webhook.id, "--code", "5xx", "--since", "2026-11-21T00:00:00Z"];
    let dry = run(&shell, &[&["replay", "--dry-run"], &filter[..]].concat()).exits(0);
    let expected = "would replay 3\noldest  TIME\nnewest  TIME\nto  3  wh_…  down\nof  3  order.created";
    assert_eq!(shown(&dry.out), expected);
    assert_eq!(json_of(&shell, &["replay", "--code", "404", "--dry-run"])["count"], 0);
    assert_eq!(json_of(&shell, &["replays", "list"]), json!([]), "a dry run leaves nothing");

    // While it fails, the job ends with what failed; once it answers, with all delivered.
    let replay = |more: &'static [&'static str]| {
        let (shell, arguments) = (&shell, [&["replay"], &filter[..], more].concat());
        app.while_time_passes(async move {
            let command = shell.command(&arguments);
            let output = tokio::process::Command::from(command).output().await.unwrap();
            Ran::new(&arguments, output)
        })
    };
    let failed = replay(&["--wait"]).await.exits(1);
    assert_eq!(shown(&failed.out), "rpl_…  done  3/3  0 delivered, 3 failed, 0 skipped");
    app.receiver.behave("/down", Behaviour::fail_first(1));
    let partly = replay(&["--wait"]).await.exits(5);
    assert_eq!(shown(&partly.out), "rpl_…  done  3/3  2 delivered, 1 failed, 0 skipped");
    let ended = json_of(&shell, &["replays", "list", "--state", "done", "--limit", "1"]);
    let id = ended[0]["id"].as_str().unwrap().to_owned();
    let failures = run(&shell, &["replays", "failures", &id]).exits(0).out;
    assert_eq!(shown(&failures), "ID  STATUS  ANSWER  EVENT TYPE  WEBHOOK\ndlv_…  dead  503  order.created  wh_…");
    let got = shown(&run(&shell, &["replays", "get", &id]).exits(0).out);
    assert!(got.starts_with("rpl_…  done  3/3  2 delivered, 1 failed, 0 skipped\nfilter  {"), "{got}");
    run(&shell, &["replays", "pause", &id]).exits(1);
    // By id, also what was delivered.
    let named = json_of(&shell, &["replay", &deliveries[0], "--rate", "10"]);
    assert_eq!((&named["total"], &named["onlyFailed"], &named["rate"]), (&json!(1), &json!(false), &json!(10)));
    run(&shell, &["replays", "get", named["id"].as_str().unwrap()]).exits(0);
    run(&shell, &["replay", "wh_1"]).exits(2);
    app.finish().await;
}

async fn events_are_shown_replayed_and_explained(app: TestApp) {
    let shell = shell_of(&app);
    app.webhook("all").await;
    let calls = app.webhook_with("calls", json!({ "events": ["call.*"] }), Behaviour::default()).await;
    let sent = json_of(&shell, &["send", "order.created", "-d", r#"{ "total": 1.50, "n": 12345678901234567890123 }"#]);
    let event = sent["id"].as_str().unwrap();
    let data = run(&shell, &["events", "get", event, "--data"]).exits(0).out;
    assert_eq!(data, "{ \"total\": 1.50, \"n\": 12345678901234567890123 }\n", "to the byte");
    let got = shown(&run(&shell, &["events", "get", event]).exits(0).out);
    assert!(
        got.starts_with("id  evt_…\ntype  order.created\noccurred  TIME\ncreated  TIME\ndata  { \"total\": 1.50"),
        "{got}"
    );

    app.advance(Duration::from_secs(1));
    let laid_out = json_of(&shell, &["send", "order.created", "-d", "{\n  \"n\": 1\n}"])["id"].clone();
    let got = run(&shell, &["events", "get", laid_out.as_str().unwrap()]).exits(0).out;
    assert!(got.ends_with("data        {\n  \"n\": 1\n}\n"), "{got}");

    json_of(&shell, &["send", "call.ended", "-d", "{}", "--channel", "a", "--channel", "b"]);
    let list = |more: &[&str]| run(&shell, &[&["events", "list"], more].concat()).exits(0);
    let header = "ID  TYPE  CHANNELS  DELIVER AT  ERASED  CREATED";
    assert_eq!(shown(&list(&["--channel", "b"]).out), format!("{header}\nevt_…  call.ended  a,b  TIME"));
    let orders = list(&["--type", "order.created", "--since", "2026-11-21T00:00:00Z", "--limit", "1"]);
    assert_eq!(shown(&orders.out), format!("{header}\nevt_…  order.created  TIME"));
    assert!(orders.err.contains("1 of 2; --limit shows more"), "{}", orders.err);
    let all = json_of(&shell, &["events", "list"]);
    assert_eq!((all.as_array().unwrap().len(), &all[2]["id"], &all[2]["data"]), (3, &sent["id"], &Value::Null));
    run(&shell, &["events", "list", "--type", "Not A Type"]).exits(1);

    let replayed = run(&shell, &["events", "replay", event]).exits(0);
    assert_eq!(shown(&replayed.out), "evt_…  deliveries on their way: 1");
    assert_eq!(json_of(&shell, &["events", "replay", event, "--endpoint", &calls.id])["deliveries"], 1);
    let explained = run(&shell, &["events", "explain", "order.created"]).exits(0);
    let text = shown(&explained.out);
    let (webhooks, sum) = text.rsplit_once('\n').unwrap();
    let mut lines: Vec<&str> = webhooks.lines().collect();
    lines.sort_unstable();
    let not = "✗ wh_…  calls  `order.created` is none of the types that it wants: call.*.";
    assert_eq!((lines, sum), (vec!["✓ wh_…  all  It is sent.", not], "order.created would go to 1"));
    let with_request = run(&shell, &["events", "explain", "order.created", "--requests"]).exits(0).out;
    assert!(with_request.contains("\"method\":\"POST\""), "{with_request}");
    run(&shell, &["events", "get", &format!("evt_{}", "0".repeat(26))]).exits(3);
    app.finish().await;
}

async fn the_catalogue_and_the_usage_are_shown(app: TestApp) {
    let shell = shell_of(&app);
    app.client.post("/api/v1/event-types", &json!({ "name": "only.ours", "description": "Ours" })).await.expect(201);
    let own = shown(&run(&shell, &["event-types", "list", "--built-in", "false"]).exits(0).out);
    assert_eq!(own, "NAME  OF  SCHEMA  DESCRIPTION\nonly.ours  you  off  Ours");
    // More than one page of the API.
    assert!(json_of(&shell, &["event-types", "list", "--limit", "200"]).as_array().unwrap().len() > 15);
    assert!(run(&shell, &["event-types", "get", "message.received"]).exits(0).out.contains("of          everybody"));
    run(&shell, &["event-types", "get", "no.such"]).exits(3);
    app.publish("message.sent", json!({})).await;
    let usage = shown(&run(&shell, &["usage"]).exits(0).out);
    assert!(usage.starts_with("METER  USED  LIMIT  SHARE\nrequests"), "{usage}");
    assert!(usage.contains("\nevents  1  unlimited  –"), "{usage}");
    assert_eq!(json_of(&shell, &["usage", "--month", "2026-10"])["month"], "2026-10");
    let wrong = run(&shell, &["usage", "--month", "October"]).exits(1);
    assert!(wrong.err.contains("month: "), "{}", wrong.err);
    app.finish().await;
}

async fn refusals_say_what_to_do(app: TestApp) {
    let nobody = Shell::new().with("ANGARIUM_URL", app.client.url(""));
    let refused = run(&nobody, &["deliveries", "list"]).exits(4);
    assert!(refused.err.contains("ANGARIUM_API_KEY") && refused.out.is_empty(), "{}", refused.err);
    let few = app.client_with(&["read:events"]).await;
    let few = Shell::new().with("ANGARIUM_URL", app.client.url("")).with("ANGARIUM_API_KEY", few.key());
    let refused = run(&few, &["deliveries", "list"]).exits(4);
    assert!(refused.err.contains("read:deliveries") && refused.err.contains("keys create"), "{}", refused.err);
    let shell = shell_of(&app);
    let refused = run(&shell, &["endpoints", "create", "https://example.com/", "--events", "Not A Type"]).exits(1);
    assert!(refused.err.contains("events"), "{}", refused.err);
    app.finish().await;
}

async fn a_server_checks_what_was_received(app: TestApp) {
    let shell = shell_of(&app);
    let webhook = app.webhook("checked").await;
    let event = app.publish("order.created", json!({ "a": "é/" })).await;
    app.delivery_in(&event, "delivered").await;
    let record = app.receiver.records(&webhook.path)[0].clone();
    let header =
        |(name, value): (&http::HeaderName, &http::HeaderValue)| format!("{name}: {}", value.to_str().unwrap());
    let head = record.headers.iter().map(header).collect::<Vec<_>>().join("\r\n");
    let body = String::from_utf8(record.body.to_vec()).unwrap();
    let wire = |body: &str| format!("POST /checked HTTP/1.1\r\n{head}\r\n\r\n{body}");
    let good = shell.write("good", &wire(&body));
    let verify = |file: &str| run(&shell, &["verify", "--webhook", &webhook.id, "--raw", file]);
    assert!(verify(&good).exits(0).out.starts_with("✓ verified"), "the server's clock judges, which stands still");
    let changed = shell.write("changed", &wire(&format!("{body}\n")));
    assert!(verify(&changed).exits(7).out.contains("gained a line end"));
    let asked = ["--json", "verify", "--webhook", &webhook.id, "--raw", &changed];
    assert_eq!(run(&shell, &asked).exits(7).json()["reasons"][0]["code"], "body_changed");
    app.finish().await;
}

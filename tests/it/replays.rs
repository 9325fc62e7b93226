//! Replay jobs: counted ahead, every delivery once, at the rate that was asked for, through pauses and restarts.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use angarium::domain::tenant::Environment;
use angarium::receiver::{Behaviour, Verdict};
use serde_json::{Value, json};

use crate::support::{SOON, TestApp, TestEngine, TestWebhook, both_engines, eventually};

both_engines!(
    a_preview_counts_and_does_nothing,
    every_dead_letter_is_replayed_once,
    a_rate_is_kept,
    a_replay_is_paused_resumed_and_cancelled,
    a_restart_neither_skips_nor_repeats,
    only_what_is_still_failed_is_replayed,
    filters_choose,
    delivered_ones_are_replayed_when_asked_for,
    two_replays_of_one_delivery_make_one_run,
    webhooks_that_do_not_send_are_passed_over,
    a_webhook_that_is_deleted_in_the_middle_ends_its_runs,
    retention_in_the_middle_ends_it,
    what_fails_again_is_listed,
    replays_belong_to_a_tenant,
    bad_requests_are_refused,
);

mod with_small_bounds {
    use super::{TestApp, TestEngine};

    pub(super) async fn start(engine: TestEngine) -> TestApp {
        TestApp::start_with(engine, |config| {
            config.replays.unfinished_max = 2;
            config.replays.outstanding_max = 3;
            config.replays.preview_max = 1;
        })
        .await
    }

    use super::{counting_has_a_bound, few_replays_are_unfinished, few_runs_are_outstanding};
    crate::support::both_engines!(start; counting_has_a_bound, few_runs_are_outstanding, few_replays_are_unfinished);
}

/// Registers a webhook that refuses everything and has one attempt a delivery. It is alive: its circuit stays closed.
pub(crate) async fn hopeless(app: &TestApp, name: &str, events: Value) -> TestWebhook {
    let fields = json!({ "events": events, "retryPolicy": { "maxRetries": 0 } });
    app.webhook_with(name, fields, Behaviour::status(400)).await
}

/// Publishes events and waits until each has so many dead letters; the events' ids.
pub(crate) async fn bury(app: &TestApp, event_type: &str, count: u32, dead: u64) -> HashSet<String> {
    let events: Vec<_> = (0..count).map(|n| json!({ "type": event_type, "data": { "n": n } })).collect();
    let batch = app.client.post("/api/v1/events/batch", &json!({ "events": events })).await.expect(202).data();
    app.while_time_passes(eventually("all are dead", || async { (dead_letters(app).await == dead).then_some(()) }))
        .await;
    let id = |result: &Value| result["data"]["id"].as_str().unwrap().to_owned();
    batch["results"].as_array().unwrap().iter().map(id).collect()
}

pub(crate) async fn dead_letters(app: &TestApp) -> u64 {
    app.client.get("/api/v1/dead-letters").await.expect(200).json()["pagination"]["total"].as_u64().unwrap()
}

/// Lets a webhook work from now on.
pub(crate) fn mend(app: &TestApp, webhook: &TestWebhook) {
    app.receiver.forget(&webhook.path);
    app.receiver.behave(&webhook.path, Behaviour::default());
}

pub(crate) async fn start(app: &TestApp, body: Value) -> String {
    let reply = app.client.post("/api/v1/replays", &body).await.expect(202);
    let id = reply.data()["id"].as_str().unwrap().to_owned();
    assert_eq!(reply.header("location"), format!("/api/v1/replays/{id}"));
    id
}

pub(crate) async fn read(app: &TestApp, id: &str) -> Value {
    app.client.get(&format!("/api/v1/replays/{id}")).await.expect(200).data()
}

pub(crate) async fn change(app: &TestApp, id: &str, verb: &str) -> Value {
    app.client.post(&format!("/api/v1/replays/{id}/{verb}"), &json!({})).await.expect(200).data()
}

/// Moves the jobs on as the scheduler does, until nothing is left to do at this instant.
pub(crate) async fn turn(app: &TestApp) {
    for _ in 0..4 {
        app.app().engine.advance_replays().await.unwrap();
    }
}

pub(crate) async fn done(app: &TestApp, id: &str) -> Value {
    app.while_time_passes(eventually("the replay is done", || async {
        let replay = read(app, id).await;
        (replay["state"] == "done").then_some(replay)
    }))
    .await
}

fn counts(replay: &Value) -> (u64, u64, u64, u64) {
    let number = |name: &str| replay[name].as_u64().unwrap();
    (number("total"), number("delivered"), number("failed"), number("skipped"))
}

async fn a_preview_counts_and_does_nothing(app: TestApp) {
    let orders = hopeless(&app, "orders", json!(["order.*"])).await;
    let leads = hopeless(&app, "leads", json!(["lead.*"])).await;
    bury(&app, "order.created", 3, 3).await;
    let middle = app.clock.now();
    app.advance(Duration::from_mins(1));
    bury(&app, "order.paid", 2, 5).await;
    bury(&app, "lead.captured", 4, 9).await;
    app.client.post(&format!("/api/v1/webhooks/{}/pause", leads.id), &json!({})).await.expect(200);
    app.receiver.forget(&orders.path);
    let preview = app.client.post("/api/v1/replays", &json!({ "dryRun": true })).await.expect(200).data();
    assert_eq!((&preview["count"], &preview["isExact"]), (&json!(5), &json!(true)));
    assert_eq!(preview["topWebhooks"], json!([{ "webhookId": orders.id, "name": "orders", "count": 5 }]));
    let types = json!([{ "eventType": "order.created", "count": 3 }, { "eventType": "order.paid", "count": 2 }]);
    assert_eq!(preview["topEventTypes"], types);
    let skipped = json!([
        { "webhookId": leads.id, "name": "leads", "count": 4, "reason": "the webhook is paused" },
    ]);
    assert_eq!(preview["skipped"], skipped);
    assert!(crate::support::time(&preview["oldest"]) <= middle && crate::support::time(&preview["newest"]) > middle);
    turn(&app).await;
    assert_eq!((dead_letters(&app).await, app.receiver.count(&orders.path)), (9, 0));
    assert_eq!(app.client.get("/api/v1/replays").await.expect(200).data(), json!([]));
    app.finish().await;
}

async fn every_dead_letter_is_replayed_once(app: TestApp) {
    let webhook = hopeless(&app, "hook", json!(["a.*"])).await;
    let events = bury(&app, "a.b", 120, 120).await;
    mend(&app, &webhook);
    let id = start(&app, json!({ "rate": 40 })).await;
    let replay = done(&app, &id).await;
    assert_eq!((counts(&replay), &replay["done"]), ((120, 120, 0, 0), &json!(120)));
    assert_eq!((&replay["askedBy"]["kind"], &replay["askedBy"]["name"]), (&json!("key"), &json!("test")));
    assert!(!replay["endedAt"].is_null() && replay["etaSeconds"].is_null() && replay["pending"] == 0);
    let records = app.receiver.records(&webhook.path);
    let sent: HashSet<_> = records.iter().map(|record| record.id().to_owned()).collect();
    assert_eq!((records.len(), sent == events), (120, true));
    assert!(records.iter().all(|record| record.verdict == Verdict::Verified));
    assert_eq!(dead_letters(&app).await, 0);
    let list = app.client.get("/api/v1/replays?state=done").await.expect(200).json();
    assert_eq!((&list["pagination"]["total"], &list["data"][0]["id"]), (&json!(1), &json!(id)));
    app.finish().await;
}

async fn a_rate_is_kept(app: TestApp) {
    let webhook = hopeless(&app, "hook", json!(["a.*"])).await;
    bury(&app, "a.b", 12, 12).await;
    mend(&app, &webhook);
    let id = start(&app, json!({ "rate": 4 })).await;
    // It goes on once a step is worth it: ten runs, at this rate.
    let next = app.app().engine.advance_replays().await.unwrap();
    assert_eq!(next, Some(Duration::from_millis(2_500)));
    // A second's worth at once; then the clock stands still.
    for sent in [4, 8, 12] {
        app.receiver.wait_for(&webhook.path, sent, SOON).await.unwrap();
        eventually("all that was made is seen", || async {
            (read(&app, &id).await["delivered"] == sent).then_some(())
        })
        .await;
        turn(&app).await;
        app.sweep().await;
        assert_eq!(dead_letters(&app).await, 12 - sent);
        let left = read(&app, &id).await["etaSeconds"].clone();
        assert!(sent == 12 || left == (12 - sent) / 4, "{left}");
        app.advance(Duration::from_secs(1));
    }
    done(&app, &id).await;
    assert_eq!(app.app().engine.advance_replays().await.unwrap(), None);
    app.finish().await;
}

async fn a_replay_is_paused_resumed_and_cancelled(app: TestApp) {
    let webhook = hopeless(&app, "hook", json!(["a.*"])).await;
    bury(&app, "a.b", 9, 9).await;
    mend(&app, &webhook);
    let id = start(&app, json!({ "rate": 3 })).await;
    eventually("three are sent", || async { (read(&app, &id).await["delivered"] == 3).then_some(()) }).await;
    let paused = change(&app, &id, "pause").await;
    assert_eq!((&paused["state"], &paused["etaSeconds"]), (&json!("paused"), &json!(null)));
    app.advance(Duration::from_mins(1));
    turn(&app).await;
    assert_eq!(dead_letters(&app).await, 6);
    let refused = app.client.post(&format!("/api/v1/replays/{id}/pause"), &json!({})).await.expect(409);
    assert_eq!(refused.json()["error"]["message"], "The replay is paused, which does not allow that.");
    assert_eq!(change(&app, &id, "resume").await["state"], "running");
    eventually("six are sent", || async { (read(&app, &id).await["delivered"] == 6).then_some(()) }).await;
    assert_eq!(change(&app, &id, "cancel").await["state"], "cancelled");
    app.advance(Duration::from_mins(1));
    turn(&app).await;
    assert_eq!((dead_letters(&app).await, app.receiver.count(&webhook.path)), (3, 6));
    for verb in ["pause", "resume", "cancel"] {
        app.client.post(&format!("/api/v1/replays/{id}/{verb}"), &json!({})).await.expect(409);
    }
    app.finish().await;
}

async fn a_restart_neither_skips_nor_repeats(mut app: TestApp) {
    let webhook = hopeless(&app, "hook", json!(["a.*"])).await;
    let events = bury(&app, "a.b", 60, 60).await;
    mend(&app, &webhook);
    let id = start(&app, json!({ "rate": 10, "order": "newest" })).await;
    for sent in [10, 20, 30] {
        app.receiver.wait_for(&webhook.path, sent, SOON).await.unwrap();
        app.restart().await;
        app.advance(Duration::from_secs(1));
    }
    let replay = done(&app, &id).await;
    assert_eq!(counts(&replay), (60, 60, 0, 0));
    let records = app.receiver.records(&webhook.path);
    let sent: HashSet<_> = records.iter().map(|record| record.id().to_owned()).collect();
    assert_eq!((records.len(), sent == events), (60, true));
    app.finish().await;
}

async fn only_what_is_still_failed_is_replayed(app: TestApp) {
    let webhook = hopeless(&app, "hook", json!(["a.*"])).await;
    bury(&app, "a.b", 6, 6).await;
    mend(&app, &webhook);
    let id = start(&app, json!({ "rate": 2 })).await;
    eventually("two are sent", || async { (read(&app, &id).await["delivered"] == 2).then_some(()) }).await;
    // A person is faster with the rest but one.
    let letters = app.client.get("/api/v1/dead-letters").await.expect(200).data();
    for letter in &letters.as_array().unwrap()[..3] {
        let path = format!("/api/v1/dead-letters/{}/redrive", letter["id"].as_str().unwrap());
        app.client.post(&path, &json!({})).await.expect(200);
    }
    app.receiver.wait_for(&webhook.path, 5, SOON).await.unwrap();
    let replay = done(&app, &id).await;
    assert_eq!(counts(&replay), (3, 3, 0, 0));
    assert_eq!(app.receiver.count(&webhook.path), 6, "each was sent once");
    app.finish().await;
}

async fn filters_choose(app: TestApp) {
    let orders = hopeless(&app, "orders", json!(["order.*"])).await;
    let gone = app
        .webhook_with(
            "leads",
            json!({ "events": ["lead.*"], "retryPolicy": { "maxRetries": 0 } }),
            Behaviour::status(500),
        )
        .await;
    let first = bury(&app, "order.created", 2, 2).await;
    app.advance(Duration::from_mins(1));
    let middle = app.clock.now();
    bury(&app, "order.paid", 3, 5).await;
    bury(&app, "lead.captured", 4, 9).await;
    let delivery = app.deliveries(first.iter().next().unwrap()).await[0]["id"].clone();
    let filters = [
        (json!({}), 9),
        (json!({ "webhookId": orders.id }), 5),
        (json!({ "eventTypes": ["order.paid", "lead.captured"] }), 7),
        (json!({ "eventTypes": ["order.*"] }), 5),
        (json!({ "statuses": ["dead"] }), 9),
        (json!({ "httpStatus": 500 }), 4),
        (json!({ "statusClass": "4xx" }), 5),
        (json!({ "errorKind": "timeout" }), 0),
        (json!({ "createdAfter": middle }), 7),
        (json!({ "createdBefore": middle }), 2),
        (json!({ "eventIds": first }), 2),
        (json!({ "deliveryIds": [delivery] }), 1),
        (json!({ "deliveryIds": [delivery], "webhookId": gone.id }), 0),
    ];
    for only_failed in [true, false] {
        for (filter, expected) in &filters {
            let body = json!({ "filter": filter, "onlyFailed": only_failed, "dryRun": true });
            let preview = app.client.post("/api/v1/replays", &body).await.expect(200).data();
            assert_eq!(preview["count"], *expected, "{filter}, {only_failed}");
        }
    }
    mend(&app, &orders);
    let filter = json!({ "eventTypes": ["order.paid"], "webhookId": orders.id, "createdAfter": middle });
    let id = start(&app, json!({ "filter": filter })).await;
    let replay = done(&app, &id).await;
    assert_eq!((counts(&replay), &replay["filter"]), ((3, 3, 0, 0), &filter));
    assert_eq!((dead_letters(&app).await, app.receiver.count(&orders.path)), (6, 3));
    app.finish().await;
}

async fn delivered_ones_are_replayed_when_asked_for(app: TestApp) {
    let webhook = app.webhook("hook").await;
    let event = app.publish("a.b", json!({ "n": 1 })).await;
    app.delivery_in(&event, "delivered").await;
    let id = start(&app, json!({})).await;
    assert_eq!(counts(&done(&app, &id).await), (0, 0, 0, 0));
    let id = start(&app, json!({ "onlyFailed": false, "filter": { "statuses": ["delivered"] } })).await;
    assert_eq!(counts(&done(&app, &id).await), (1, 1, 0, 0));
    let records = app.receiver.records(&webhook.path);
    assert!(records.len() == 2 && records.iter().all(|record| record.id() == event));
    assert_eq!(records[0].body, records[1].body);
    let deliveries = app.deliveries(&event).await;
    assert_eq!((deliveries.len(), &deliveries[0]["attempts"]), (1, &json!(2)));
    app.finish().await;
}

async fn two_replays_of_one_delivery_make_one_run(app: TestApp) {
    let webhook = hopeless(&app, "hook", json!(["a.*"])).await;
    bury(&app, "a.b", 40, 40).await;
    mend(&app, &webhook);
    let one = start(&app, json!({ "rate": 10 })).await;
    let other = start(&app, json!({ "rate": 10, "order": "newest" })).await;
    let (one, other) = (done(&app, &one).await, done(&app, &other).await);
    assert_eq!(one["delivered"].as_u64().unwrap() + other["delivered"].as_u64().unwrap(), 40, "{one} {other}");
    assert_eq!((app.receiver.count(&webhook.path), dead_letters(&app).await), (40, 0));
    app.finish().await;
}

async fn webhooks_that_do_not_send_are_passed_over(app: TestApp) {
    let mended = hopeless(&app, "mended", json!(["a.*"])).await;
    let paused = hopeless(&app, "paused", json!(["a.*"])).await;
    let deleted = hopeless(&app, "deleted", json!(["a.*"])).await;
    bury(&app, "a.b", 3, 9).await;
    mend(&app, &mended);
    app.client.post(&format!("/api/v1/webhooks/{}/pause", paused.id), &json!({})).await.expect(200);
    app.client.delete(&format!("/api/v1/webhooks/{}", deleted.id)).await.expect(200);
    let preview = app.client.post("/api/v1/replays", &json!({ "dryRun": true })).await.expect(200).data();
    let reasons: BTreeSet<_> =
        preview["skipped"].as_array().unwrap().iter().map(|skip| skip["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, BTreeSet::from(["the webhook is deleted", "the webhook is paused"]));
    let id = start(&app, json!({})).await;
    assert_eq!(counts(&done(&app, &id).await), (9, 3, 0, 6));
    assert_eq!((app.receiver.count(&mended.path), dead_letters(&app).await), (3, 6));
    app.finish().await;
}

async fn a_webhook_that_is_deleted_in_the_middle_ends_its_runs(app: TestApp) {
    let webhook = hopeless(&app, "hook", json!(["a.*"])).await;
    bury(&app, "a.b", 6, 6).await;
    app.client.post(&format!("/api/v1/webhooks/{}/pause", webhook.id), &json!({})).await.expect(200);
    app.client.post(&format!("/api/v1/webhooks/{}/resume", webhook.id), &json!({})).await.expect(200);
    mend(&app, &webhook);
    let id = start(&app, json!({ "rate": 3 })).await;
    eventually("three are sent", || async { (read(&app, &id).await["delivered"] == 3).then_some(()) }).await;
    app.client.delete(&format!("/api/v1/webhooks/{}", webhook.id)).await.expect(200);
    assert_eq!(counts(&done(&app, &id).await), (6, 3, 0, 3));
    assert_eq!(app.receiver.count(&webhook.path), 3);
    app.finish().await;
}

async fn retention_in_the_middle_ends_it(app: TestApp) {
    let webhook = hopeless(&app, "hook", json!(["a.*"])).await;
    bury(&app, "a.b", 6, 6).await;
    mend(&app, &webhook);
    let id = start(&app, json!({ "rate": 2 })).await;
    eventually("two are sent", || async { (read(&app, &id).await["delivered"] == 2).then_some(()) }).await;
    change(&app, &id, "pause").await;
    app.advance(Duration::from_hours(24 * 40));
    app.app().engine.drop_old(30).await.unwrap();
    assert_eq!(dead_letters(&app).await, 0);
    change(&app, &id, "resume").await;
    assert_eq!(counts(&done(&app, &id).await), (2, 2, 0, 0));
    assert_eq!(app.receiver.count(&webhook.path), 2);
    app.finish().await;
}

async fn what_fails_again_is_listed(app: TestApp) {
    let mended = hopeless(&app, "mended", json!(["a.*"])).await;
    let broken = hopeless(&app, "broken", json!(["a.*"])).await;
    bury(&app, "a.b", 3, 6).await;
    mend(&app, &mended);
    let id = start(&app, json!({})).await;
    assert_eq!(counts(&done(&app, &id).await), (6, 3, 3, 0));
    let path = format!("/api/v1/replays/{id}/failures");
    let failures = app.client.get(&format!("{path}?limit=2")).await.expect(200).json();
    assert_eq!(failures["pagination"]["total"], 3);
    let first = &failures["data"][0];
    assert_eq!(
        (&first["webhookId"], &first["status"], &first["lastStatus"]),
        (&json!(broken.id), &json!("dead"), &json!(400))
    );
    let cursor = failures["pagination"]["nextCursor"].as_str().unwrap();
    let rest = app.client.get(&format!("{path}?limit=2&cursor={cursor}")).await.expect(200).data();
    assert_eq!((rest.as_array().unwrap().len(), dead_letters(&app).await), (1, 3));
    app.finish().await;
}

async fn replays_belong_to_a_tenant(app: TestApp) {
    hopeless(&app, "hook", json!(["a.*"])).await;
    bury(&app, "a.b", 1, 1).await;
    let id = start(&app, json!({ "filter": { "createdBefore": "2000-01-01T00:00:00Z" } })).await;
    for stranger in
        [app.client_of("other", Environment::Staging).await, app.client_of("acme", Environment::Production).await]
    {
        for path in ["", "/failures"] {
            stranger.get(&format!("/api/v1/replays/{id}{path}")).await.expect(404);
        }
        for verb in ["pause", "resume", "cancel"] {
            stranger.post(&format!("/api/v1/replays/{id}/{verb}"), &json!({})).await.expect(404);
        }
        assert_eq!(stranger.get("/api/v1/replays").await.expect(200).data(), json!([]));
        let preview = stranger.post("/api/v1/replays", &json!({ "dryRun": true })).await.expect(200).data();
        assert_eq!(preview["count"], 0);
    }
    let reader = app.client_with(&["read:deliveries"]).await;
    reader.get(&format!("/api/v1/replays/{id}")).await.expect(200);
    reader.post("/api/v1/replays", &json!({ "dryRun": true })).await.expect(403);
    app.client_with(&["webhook:manage"]).await.post("/api/v1/replays", &json!({})).await.expect(202);
    assert_eq!(dead_letters(&app).await, 1);
    app.finish().await;
}

async fn bad_requests_are_refused(app: TestApp) {
    let many = vec!["a.b"; 201];
    let cases = [
        (json!({ "rate": 0 }), json!(["rate"])),
        (json!({ "rate": 1001 }), json!(["rate"])),
        (json!({ "order": "random" }), json!(["order"])),
        (json!({ "filter": { "eventTypes": ["A B"] } }), json!(["filter", "eventTypes"])),
        (json!({ "filter": { "eventTypes": many } }), json!(["filter", "eventTypes"])),
        (json!({ "filter": { "statuses": ["pending"] } }), json!(["filter", "statuses"])),
        (json!({ "filter": { "statuses": ["delivered"] } }), json!(["filter", "statuses"])),
        (json!({ "filter": { "statusClass": "9xx" } }), json!(["filter", "statusClass"])),
        (json!({ "filter": { "httpStatus": 99 } }), json!(["filter", "httpStatus"])),
        (json!({ "filter": { "errorKind": "bad luck" } }), json!(["filter", "errorKind"])),
        (json!({ "filter": { "createdAfter": "yesterday" } }), json!(["filter", "createdAfter"])),
        (json!({ "filter": { "webhookId": "x" } }), json!(["filter", "webhookId"])),
        (json!({ "filter": { "nope": 1 } }), json!(["filter", "nope"])),
    ];
    for (body, path) in cases {
        let refused = app.client.post("/api/v1/replays", &body).await.expect(422).json();
        assert_eq!(refused["error"]["details"]["errors"][0]["path"], path, "{body}");
    }
    let nothing = format!("rpl_{}", "0".repeat(26));
    app.client.get(&format!("/api/v1/replays/{nothing}")).await.expect(404);
    app.client.get("/api/v1/replays?state=asleep").await.expect(422);
    app.finish().await;
}

async fn counting_has_a_bound(app: TestApp) {
    let webhook = app.webhook("hook").await;
    app.client.post(&format!("/api/v1/webhooks/{}/pause", webhook.id), &json!({})).await.expect(200);
    let events: Vec<_> = (0..1_000).map(|_| json!({ "type": "a.b", "data": {} })).collect();
    app.client.post("/api/v1/events/batch", &json!({ "events": events })).await.expect(202);
    let body = json!({ "dryRun": true, "onlyFailed": false });
    let preview = app.client.post("/api/v1/replays", &body).await.expect(200).data();
    assert_eq!((&preview["count"], &preview["isExact"]), (&json!(0), &json!(false)));
    let skipped = &preview["skipped"][0];
    assert_eq!((&skipped["count"], &skipped["reason"]), (&json!(1_000), &json!("it waits for an attempt anyway")));
    app.finish().await;
}

async fn few_runs_are_outstanding(app: TestApp) {
    let webhook = hopeless(&app, "hook", json!(["a.*"])).await;
    bury(&app, "a.b", 10, 10).await;
    app.receiver.behave(&webhook.path, Behaviour::delay(SOON));
    start(&app, json!({ "rate": 1_000 })).await;
    eventually("some are made", || async { (dead_letters(&app).await == 7).then_some(()) }).await;
    for _ in 0..3 {
        app.advance(Duration::from_secs(1));
        turn(&app).await;
    }
    assert_eq!(dead_letters(&app).await, 7);
    app.receiver.behave(&webhook.path, Behaviour::default());
    app.finish().await;
}

async fn few_replays_are_unfinished(app: TestApp) {
    let webhook = hopeless(&app, "hook", json!(["a.*"])).await;
    bury(&app, "a.b", 10, 10).await;
    mend(&app, &webhook);
    let first = start(&app, json!({ "rate": 1 })).await;
    change(&app, &first, "pause").await;
    let second = start(&app, json!({ "rate": 1 })).await;
    let refused = app.client.post("/api/v1/replays", &json!({})).await.expect(409);
    assert!(refused.json()["error"]["message"].as_str().unwrap().starts_with("There are 2 unfinished replays"));
    change(&app, &second, "cancel").await;
    start(&app, json!({ "rate": 1 })).await;
    let other = app.client_of("other", Environment::Staging).await;
    other.post("/api/v1/replays", &json!({})).await.expect(202);
    app.finish().await;
}

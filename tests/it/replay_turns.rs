//! The turns of replay jobs: how fast where nobody says, and what becomes of one that is called off in the middle of one.

use std::time::Duration;

use angarium::domain::delivery::DeliveryState;
use angarium::store::replay_runs::Step;
use angarium::store::replay_walk::Walk;
use serde_json::{Value, json};

use crate::replays::{bury, change, dead_letters, done, hopeless, mend, read, start, turn};
use crate::support::{TestApp, TestWebhook, both_engines, eventually};

both_engines!(
    a_replay_without_a_rate_keeps_to_those_of_its_webhooks,
    a_batch_of_a_replay_that_was_cancelled_meanwhile_is_not_made,
    a_replay_is_cancelled_while_its_batches_are_made,
);

async fn limit(app: &TestApp, webhook: &TestWebhook, rate: Value) {
    let path = format!("/api/v1/webhooks/{}", webhook.id);
    app.client.patch(&path, &json!({ "rateLimit": rate })).await.expect(200);
}

async fn a_replay_without_a_rate_keeps_to_those_of_its_webhooks(app: TestApp) {
    let slow = hopeless(&app, "slow", json!(["slow.*"])).await;
    let free = hopeless(&app, "free", json!(["free.*"])).await;
    bury(&app, "slow.one", 10, 10).await;
    bury(&app, "free.one", 20, 30).await;
    let preview = async |filter: Value| {
        let body = json!({ "filter": filter, "dryRun": true });
        app.client.post("/api/v1/replays", &body).await.expect(200).data()["rate"].clone()
    };
    assert_eq!(preview(json!({})).await, 50, "no webhook has a rate");
    limit(&app, &slow, json!({ "requests": 5, "window": "1s" })).await;
    assert_eq!(preview(json!({ "webhookId": slow.id })).await, 5);
    // The slow one's take two seconds, and the others do not hurry past them.
    assert_eq!(preview(json!({})).await, 15);
    assert_eq!(preview(json!({ "webhookId": free.id })).await, 50);
    limit(&app, &slow, json!({ "requests": 3, "window": "1m" })).await;
    assert_eq!(preview(json!({ "webhookId": slow.id })).await, 1, "never none");

    limit(&app, &slow, json!({ "requests": 2, "window": "1s" })).await;
    mend(&app, &slow);
    // An hour of other traffic does not count.
    app.advance(Duration::from_hours(2));
    let id = start(&app, json!({ "filter": { "webhookId": slow.id } })).await;
    let begun = app.clock.now();
    let replay = read(&app, &id).await;
    assert_eq!((&replay["rate"], &replay["total"]), (&json!(2), &json!(10)));
    let told = replay["etaSeconds"].as_u64().unwrap();
    assert!((4..=5).contains(&told), "{told}");
    done(&app, &id).await;
    let took = app.clock.now().since(begun);
    assert!(took >= Duration::from_secs(4), "{took:?} and not {told} s");
    // Who says a rate gets it; the webhook's own holds besides.
    let id = start(&app, json!({ "filter": { "webhookId": free.id }, "rate": 7 })).await;
    assert_eq!(read(&app, &id).await["rate"], 7);
    change(&app, &id, "cancel").await;
    app.finish().await;
}

async fn a_batch_of_a_replay_that_was_cancelled_meanwhile_is_not_made(app: TestApp) {
    let webhook = hopeless(&app, "hook", json!(["a.*"])).await;
    bury(&app, "a.b", 6, 6).await;
    mend(&app, &webhook);
    let id = start(&app, json!({ "rate": 2 })).await;
    // A second's worth; then the clock stands, and the job with it.
    eventually("two are sent", || async { (read(&app, &id).await["delivered"] == 2).then_some(()) }).await;
    let store = app.app().engine.store();
    let replay = store.open_replays(1).await.unwrap().remove(0);
    let runs = store.candidates(app.scope, Walk::DeadLetters, replay.left(), 10).await.unwrap();
    assert!(runs.len() == 4 && runs.iter().all(|run| run.state == DeliveryState::Dead), "{runs:?}");
    let now = app.clock.now();
    let step = Step { runs, walked: true, ..Step::of_changes(&replay, Vec::new()) };
    // Paused and resumed it is open and runs, but is not what was read.
    for verb in ["pause", "resume"] {
        change(&app, &id, verb).await;
        assert_eq!(store.step_replay(&replay, &step, now).await.unwrap(), None);
    }
    assert_eq!(change(&app, &id, "cancel").await["state"], "cancelled");
    assert_eq!(store.step_replay(&replay, &step, now).await.unwrap(), None);
    turn(&app).await;
    app.sweep().await;
    assert_eq!((dead_letters(&app).await, app.receiver.count(&webhook.path)), (4, 2));
    let replay = read(&app, &id).await;
    assert_eq!(
        (&replay["delivered"], &replay["pending"], &replay["state"]),
        (&json!(2), &json!(0), &json!("cancelled"))
    );
    app.finish().await;
}

async fn a_replay_is_cancelled_while_its_batches_are_made(app: TestApp) {
    let webhook = hopeless(&app, "hook", json!(["a.*"])).await;
    bury(&app, "a.b", 120, 120).await;
    mend(&app, &webhook);
    let mut dead = 120;
    for _ in 0..4 {
        let id = start(&app, json!({ "rate": 5 })).await;
        let batches = async {
            for _ in 0..3 {
                turn(&app).await;
                app.advance(Duration::from_secs(1));
            }
        };
        let (cancelled, ()) = tokio::join!(change(&app, &id, "cancel"), batches);
        assert_eq!(cancelled["state"], "cancelled");
        // What had been made by then is sent, and nothing else.
        let replay = eventually("its runs are over", || async {
            let replay = read(&app, &id).await;
            (replay["pending"] == 0).then_some(replay)
        })
        .await;
        let sent = replay["delivered"].as_u64().unwrap();
        let (left, before) = (dead_letters(&app).await, dead);
        assert_eq!((before - left, app.receiver.count(&webhook.path)), (sent, 120 - left));
        dead = left;
        assert!(app.app().engine.store().open_replays(1).await.unwrap().is_empty(), "{replay}");
    }
    app.finish().await;
}
